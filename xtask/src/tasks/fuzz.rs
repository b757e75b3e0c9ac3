//! The fuzz targets, starting from the committed corpus: each for a given time under AddressSanitizer, or all together
//! for a given number of executions without it, and without the hints that comparisons give the mutator, which cost
//! about half of the time. Debug assertions and overflow checks are on in both (`fuzz/Cargo.toml`).
//!
//! New inputs that a run finds are written below the target directory, not into the checkout: `cargo fuzz cmin` decides
//! which of them are committed.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::cli::Options;
use crate::needs;
use crate::report::Report;
use crate::workspace::target_dir;

const SECONDS: &str = "10";

/// Targets whose input is a sequence of calls, each of which costs as much as to load a whole state.
const SEQUENCES: [&str; 2] = ["api", "memory"];

/// Bytes of a short sequence, of some five calls.
const SHORT: &str = "-max_len=48";

/// The last lines of a libFuzzer run.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    executions: u64,
    /// Edges of the program that some input reached.
    edges: u64,
    corpus: u64,
}

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    // Runs no target unless all needed tools exist.
    let (mut targets, mut length) = (vec![], Length::Seconds(0));
    report.step("fuzz: what it needs", || {
        let chosen = chosen(shell, options)?;
        length = length_of(options, chosen.len() as u64)?;
        needs::ensure_nightly(shell)?;
        needs::ensure_subcommand(shell, "fuzz")?;
        targets = chosen;
        Ok(())
    });
    let mut tallies = vec![];
    for target in &targets {
        report.step(format!("fuzz: {target}"), || {
            tallies.push(fuzz(shell, target, length)?);
            Ok(())
        });
    }
    let executions: u64 = tallies.iter().map(|tally| tally.executions).sum();
    println!("\n{executions} executions in all, {} of {} targets held", tallies.len(), targets.len());
}

fn chosen(shell: &Shell, options: &Options) -> Result<Vec<String>> {
    let paths = shell.read_dir("fuzz/fuzz_targets")?;
    let all: Vec<_> = paths.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    let Some(targets) = options.value("--target") else { return Ok(all) };
    for target in targets.split(',') {
        ensure!(
            all.iter().any(|name| name == target),
            "expected a target of {}, got `{target}`",
            all.join(", ")
        );
    }
    Ok(targets.split(',').map(str::to_owned).collect())
}

/// How long one target is run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Length {
    Seconds(u64),
    Executions(u64),
}

fn length_of(options: &Options, targets: u64) -> Result<Length> {
    match (options.value("--seconds"), options.value("--count")) {
        (Some(_), Some(_)) => bail!("expected --seconds or --count, got both"),
        (None, Some(count)) => Ok(Length::Executions(number("--count", count)?.div_ceil(targets))),
        (seconds, None) => Ok(Length::Seconds(number("--seconds", seconds.unwrap_or(SECONDS))?)),
    }
}

fn number(option: &str, value: &str) -> Result<u64> {
    let parsed = value.parse().ok().filter(|number| *number > 0);
    parsed.with_context(|| format!("expected {option} with a whole number above 0, got `{value}`"))
}

fn fuzz(shell: &Shell, target: &str, length: Length) -> Result<Tally> {
    let (name, options): (_, &[_]) = match length {
        Length::Seconds(_) => ("fuzz", &["--sanitizer", "address", "--target-dir"]),
        Length::Executions(_) => {
            ("fuzz-count", &["--sanitizer", "none", "--no-trace-compares", "--target-dir"])
        }
    };
    let build_dir = target_dir(shell).join(name);
    let found = build_dir.join("corpus").join(target);
    shell.create_dir(&found)?;
    let committed = Path::new("fuzz/corpus").join(target);

    let build = cmd!(shell, "cargo +nightly fuzz build {options...} {build_dir} {target}");
    let build = needs::other_compiler(build).ignore_status().output()?;
    ensure!(build.status.success(), "it does not build:\n{}", String::from_utf8_lossy(&build.stderr));

    let mut total = Tally::default();
    for part in parts(target, length) {
        let run =
            cmd!(shell, "cargo +nightly fuzz run {options...} {build_dir} {target} {found} {committed} --")
                .args(part)
                .args(["-dict=fuzz/dict.txt", "-timeout=10", "-print_final_stats=1"]);
        let output = needs::other_compiler(run).ignore_status().output()?;
        let log = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            eprintln!("{log}");
        }
        ensure!(
            output.status.success(),
            "an input was found for which it does not hold: see above for its file"
        );
        let part = tally(&log).context("libFuzzer printed no statistics: nothing was run")?;
        total = Tally { executions: total.executions + part.executions, ..part };
    }
    let Tally { executions, edges, corpus } = total;
    println!("{target}: {executions} executions, {edges} edges, {corpus} inputs in the corpus, no crash");
    Ok(total)
}

/// The arguments of each run of the fuzzer. Nine tenths of the sequences that are counted are short: so they are many,
/// and those that reach something new are what the long ones start from.
fn parts(target: &str, length: Length) -> Vec<Vec<String>> {
    match length {
        Length::Seconds(seconds) => vec![vec![format!("-max_total_time={seconds}")]],
        Length::Executions(count) if SEQUENCES.contains(&target) && count >= 10 => {
            let short = count - count / 10;
            vec![vec![format!("-runs={short}"), SHORT.to_owned()], vec![format!("-runs={}", count - short)]]
        }
        Length::Executions(count) => vec![vec![format!("-runs={count}")]],
    }
}

/// None if the fuzzer did not get as far as running inputs.
fn tally(log: &str) -> Option<Tally> {
    let executions = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    let done = log.lines().rev().find(|line| line.starts_with('#') && line.contains(" cov: "))?;
    let after = |key: &str| {
        let (_, rest) = done.split_once(key)?;
        rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let tally = Tally {
        executions: executions.trim().parse().ok()?,
        edges: after(" cov:")?,
        corpus: after(" corp:")?,
    };
    (tally.executions > 0).then_some(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_end_of_the_run() {
        let log = "#2\tINITED cov: 3 ft: 4 corp: 5/6b exec/s: 0 rss: 30Mb\n\
                   #820657\tDONE   cov: 1270 ft: 3032 corp: 990/147Kb lim: 3348 exec/s: 51291 rss: 29Mb\n\
                   Done 820657 runs in 16 second(s)\n\
                   stat::number_of_executed_units: 820657\n\
                   stat::average_exec_per_sec:     51291\n";
        assert_eq!(tally(log), Some(Tally { executions: 820_657, edges: 1270, corpus: 990 }));
    }

    #[test]
    fn the_parts_of_a_count_are_all_of_it_and_sequences_are_short_first() {
        assert_eq!(parts("json_load", Length::Executions(1001)), [["-runs=1001"]]);
        assert_eq!(parts("api", Length::Executions(9)), [["-runs=9"]]);
        assert_eq!(parts("api", Length::Seconds(10)), [["-max_total_time=10"]]);
        let sequences = parts("api", Length::Executions(1001));
        assert_eq!(sequences, [vec!["-runs=901", "-max_len=48"], vec!["-runs=100"]]);
    }

    #[test]
    fn a_run_that_ran_nothing_has_no_tally() {
        assert_eq!(tally("ERROR: libFuzzer: a file is missing\n"), None);
        assert_eq!(tally("#0\tDONE cov: 1 ft: 1 corp: 1/1b\nstat::number_of_executed_units: 0\n"), None);
    }
}
