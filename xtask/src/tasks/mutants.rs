//! Mutation testing: changes the code in one small place after another, and expects a test to fail each time.
//! `.cargo/mutants.toml` says which tests run.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::cli::Options;
use crate::needs;
use crate::report::Report;
use crate::workspace::target_dir;

/// What is changed.
const PACKAGES: [&str; 4] = ["--package", "micro-lora", "--package", "micro-lora-ffi"];

/// Tests two mutants at a time: with more, a timeout may be due to the load of the machine.
const JOBS: &str = "2";
/// What is changed, unless other files are asked for.
const FILES: [&str; 2] = ["src/**/*.rs", "ffi/src/**/*.rs"];

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step("mutants", || {
        needs::ensure(shell, &[&needs::GCC])?;
        needs::ensure_subcommand(shell, "mutants")?;
        // The folder where copies of the checkout are built.
        let folder = target_dir(shell).join("mutants");
        shell.create_dir(&folder)?;
        let mut arguments = options.passed_on(&["--file"]);
        if arguments.is_empty() {
            // Not in the file of settings: to that cargo-mutants would add the files that are asked for.
            arguments.extend(FILES.iter().flat_map(|files| ["--file", files]));
        }
        let shard = options.value("--every").map(shard).transpose()?;
        arguments.extend(shard.iter().flat_map(|shard| ["--sharding", "round-robin", "--shard", shard]));
        let diff = folder.join("changes.diff");
        let diff_path = diff.to_string_lossy();
        if let Some(revision) = options.value("--since").or(options.has("--changed").then_some("HEAD~1")) {
            needs::ensure(shell, &[&needs::GIT])?;
            shell.write_file(&diff, cmd!(shell, "git diff {revision} -- src ffi/src").read()? + "\n")?;
            arguments.extend(["--in-diff", &diff_path]);
        }
        let jobs = options.value("--jobs").unwrap_or(JOBS);
        let found = folder.join("mutants.out");
        shell.remove_path(&found)?;
        let ran = cmd!(shell, "cargo mutants {PACKAGES...} --jobs {jobs} --output {folder} {arguments...}")
            .env("TMPDIR", &folder)
            // Each copy has its own.
            .env_remove("CARGO_TARGET_DIR")
            .run();
        let counts = Counts::read(shell, &found)?;
        println!("{counts}");
        ensure!(
            counts.missed == 0,
            "expected a test to fail for each mutant: see {}",
            found.join("missed.txt").display()
        );
        if counts.timeout > 0 {
            // Where a loop no longer ends, that is how a test fails. cargo-mutants exits with an error for it.
            println!("a loop without end, or a busy machine: see {}", found.join("timeout.txt").display());
            return Ok(());
        }
        Ok(ran?)
    });
}

/// Every Nth mutant.
fn shard(every: &str) -> Result<String> {
    let every: u32 = every
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .with_context(|| format!("expected --every with a whole number above 0, got `{every}`"))?;
    Ok(format!("0/{every}"))
}

/// The number of mutants by result.
#[derive(Debug, PartialEq)]
struct Counts {
    caught: usize,
    missed: usize,
    timeout: usize,
    /// Mutants that do not compile.
    unviable: usize,
}

impl Counts {
    /// cargo-mutants writes a list of each kind, and none if there was nothing to change.
    fn read(shell: &Shell, folder: &Path) -> Result<Self> {
        let count = |kind: &str| -> Result<usize> {
            let list = folder.join(kind);
            Ok(if list.exists() { shell.read_file(list)?.lines().count() } else { 0 })
        };
        Ok(Self {
            caught: count("caught.txt")?,
            missed: count("missed.txt")?,
            timeout: count("timeout.txt")?,
            unviable: count("unviable.txt")?,
        })
    }
}

impl Display for Counts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { caught, missed, timeout, unviable } = self;
        let all = caught + missed + timeout + unviable;
        write!(
            f,
            "{all} mutants: {caught} caught, {missed} missed, {timeout} timed out, {unviable} do not compile"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nth_is_one_part_of_n() {
        assert_eq!(shard("60").unwrap(), "0/60");
        for wrong in ["0", "-1", "all", ""] {
            assert!(shard(wrong).unwrap_err().to_string().ends_with(&format!("got `{wrong}`")));
        }
    }

    #[test]
    fn each_line_of_a_list_is_a_mutant() {
        let shell = Shell::new().unwrap();
        let folder = shell.create_temp_dir().unwrap();
        shell.write_file(folder.path().join("caught.txt"), "a\nb\n").unwrap();
        shell.write_file(folder.path().join("missed.txt"), "c\n").unwrap();
        let counts = Counts::read(&shell, folder.path()).unwrap();
        assert_eq!(counts, Counts { caught: 2, missed: 1, timeout: 0, unviable: 0 });
        assert_eq!(counts.to_string(), "3 mutants: 2 caught, 1 missed, 0 timed out, 0 do not compile");
    }
}
