//! Software search that learns from clicks which kind of program its user prefers.
//!
//! ```text
//! cargo run --release --example personalize
//! ```
//!
//! A frozen model embeds the query and 1,500 package descriptions. It knows what a program is for, but
//! not that this user prefers the command line. An adapter of rank 4 corrects the query, sees ten
//! results and the clicks, and takes one step per search. What it learned is measured on queries that it
//! never saw; `--details` adds controls that must not work and a bound that clicks cannot reach.

mod chart;
mod contenders;
mod options;
mod report;
mod resume;
mod showcase;
mod summary;

use std::error::Error;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use micro_lora_lab::{Debian, USERS, run_grid};

use contenders::DEFAULT;
use options::Options;
use summary::Summary;

/// The mean gain over all users that the default learner must reach; its interval must also exclude zero.
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
    let mut contenders = contenders::contenders(setting.checkpoints);
    if !options.details {
        contenders.truncate(DEFAULT + 1);
    }

    let bar = progress_bar(u64::from(seeds) * (USERS.len() * contenders.len()) as u64);
    let runs = run_grid(&data, &USERS, seeds, &contenders, || bar.inc(1))?;
    bar.finish_and_clear();

    let default = &runs[DEFAULT];
    if options.details {
        report::introduction(&data, seeds);
        for (user, runs) in USERS.iter().zip(default.chunks(seeds as usize)) {
            report::learning(user.name, runs);
        }
        report::learning("all users", default);
        report::comparison(&contenders, &runs);
        chart::learning_curves(&contenders, &runs);
        report::cost(&contenders[DEFAULT], default)?;
        println!();
    }
    let shown = showcase::searches(&data, &contenders[DEFAULT])?;
    let summary = Summary::new(default, setting.goals.iter().map(|goal| goal.events), shown);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print!("{summary}");
    }
    Ok(setting.goals.iter().filter_map(|goal| missed(goal, &summary)).collect())
}

/// The message for a missed goal.
fn missed(goal: &Goal, summary: &Summary) -> Option<String> {
    let Goal { events, gain: expected } = *goal;
    let gain = summary.gains.iter().find(|gain| gain.searches == events)?;
    let reached = gain.mean >= expected && gain.mean > gain.half_width;
    (!reached).then(|| {
        format!(
            "gain@{events}: expected at least {expected:+.3} and a 95 % interval above zero, got {:+.4} ±{:.4}",
            gain.mean, gain.half_width
        )
    })
}

/// indicatif draws nothing if stderr is not a terminal.
fn progress_bar(runs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
    ProgressBar::new(runs).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
