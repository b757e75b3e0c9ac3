//! Software search that learns from clicks which kind of program its user prefers.
//!
//! ```text
//! cargo run --release --example personalize
//! ```
//!
//! A frozen model embeds the query and 1,500 package descriptions. It knows what a program is for, not
//! that this user wants it on the command line. An adapter of rank 4 sits on the query's side, sees ten
//! results and the clicks, and takes one step per search. What it learned is measured on queries that it
//! never saw, against controls that must not work and a bound that clicks cannot reach.

mod chart;
mod contenders;
mod options;
mod report;
mod resume;
mod showcase;

use std::error::Error;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use micro_lora_lab::{Debian, Estimate, Run, USERS, run_grid};

use contenders::DEFAULT;
use options::Options;

/// What the default learner must reach, on the mean of all users; its interval must also exclude zero.
struct Goal {
    events: usize,
    gain: f64,
}

struct Setting {
    seeds: u32,
    checkpoints: &'static [usize],
    goals: &'static [Goal],
}

const FULL: Setting = Setting {
    seeds: 8,
    checkpoints: &[25, 50, 100, 200, 400, 600],
    goals: &[Goal { events: 600, gain: 0.115 }, Goal { events: 100, gain: 0.03 }],
};

const QUICK: Setting =
    Setting { seeds: 3, checkpoints: &[25, 50, 100, 200], goals: &[Goal { events: 200, gain: 0.06 }] };

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("personalize: {error}; --help lists the options");
            return ExitCode::from(2);
        }
    };
    if options.help {
        println!("{}", options::HELP);
        return ExitCode::SUCCESS;
    }
    if let Some(file) = &options.resume {
        return match resume::resume(file) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("personalize: {}: {error}", file.display());
                ExitCode::FAILURE
            }
        };
    }
    match personalize(&options) {
        Ok(missed) if missed.is_empty() => ExitCode::SUCCESS,
        Ok(missed) => {
            missed.iter().for_each(|goal| eprintln!("personalize: missed: {goal}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("personalize: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs and reports everything; returns the goals that were missed.
fn personalize(options: &Options) -> Result<Vec<String>, Box<dyn Error>> {
    let setting = if options.quick { QUICK } else { FULL };
    let seeds = options.seeds.unwrap_or(setting.seeds);
    let data = Debian::embedded()?;
    let contenders = contenders::contenders(setting.checkpoints);

    report::introduction(&data, seeds);
    let bar = progress_bar(u64::from(seeds) * (USERS.len() * contenders.len()) as u64);
    let runs = run_grid(&data, &USERS, seeds, &contenders, || bar.inc(1))?;
    bar.finish_and_clear();

    let default = &runs[DEFAULT];
    for (user, runs) in USERS.iter().zip(default.chunks(seeds as usize)) {
        report::learning(user.name, runs);
    }
    report::learning("all users", default);
    report::comparison(&contenders, &runs);
    chart::learning_curves(&contenders, &runs);
    showcase::before_and_after(&data, &contenders[DEFAULT])?;
    report::cost(&contenders[DEFAULT], default)?;
    println!();
    Ok(setting.goals.iter().filter_map(|goal| check(goal, default)).collect())
}

/// Prints the figure of a goal on a line that a script can read; says so if it was missed.
fn check(goal: &Goal, runs: &[Run]) -> Option<String> {
    let checkpoints = || runs.iter().flat_map(|run| &run.checkpoints).filter(|c| c.events == goal.events);
    let gain = Estimate::of(checkpoints().map(|c| c.gain()));
    let base = Estimate::of(checkpoints().map(|c| c.base)).mean;
    let Goal { events, gain: expected } = *goal;
    println!("gain@{events} {:+.3} ±{:.3} (base {base:.3})", gain.mean, gain.half_width);
    let reached = gain.mean >= expected && gain.is_positive();
    (!reached).then(|| {
        format!(
            "gain@{events}: expected at least {expected:+.3} and a 95 % interval above zero, got \
             {:+.4} ±{:.4}",
            gain.mean, gain.half_width
        )
    })
}

/// indicatif draws nothing if standard error is not a terminal.
fn progress_bar(runs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
    ProgressBar::new(runs).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
