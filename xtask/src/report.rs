//! What ran, how it ended and how long it took. A step that could not run is *skipped*, is reported with the reason,
//! and counts as a failure under `CI=true`: a check that quietly stops running is worse than none.

use std::env;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// The error of a step that cannot run here, as opposed to one that ran and failed.
#[derive(Debug)]
pub struct Skip(pub String);

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// The error of a step that this machine's hardware cannot run. Unlike a [`Skip`] it passes in CI: no
/// installation would help, and the step does run on other machines.
#[derive(Debug)]
pub struct Lacking(pub String);

impl std::fmt::Display for Lacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Lacking {}

#[derive(Debug, PartialEq)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

struct Step {
    name: String,
    outcome: Outcome,
    time: Duration,
}

pub struct Report {
    steps: Vec<Step>,
    skips_fail: bool,
}

impl Report {
    pub fn new() -> Self {
        Self::with_skips_fail(env::var_os("CI").is_some_and(|value| value == "true"))
    }

    fn with_skips_fail(skips_fail: bool) -> Self {
        Self { steps: Vec::new(), skips_fail }
    }

    pub fn step(&mut self, name: impl Into<String>, run: impl FnOnce() -> Result<()>) {
        let name = name.into();
        println!("\n=== {name}");
        let start = Instant::now();
        let result = run();
        self.record(name, result, start.elapsed());
    }

    pub fn skip(&mut self, name: impl Into<String>, why: &str) {
        let name = name.into();
        println!("\n=== {name}");
        self.record(name, Err(Skip(why.to_owned()).into()), Duration::ZERO);
    }

    fn record(&mut self, name: String, result: Result<()>, time: Duration) {
        let outcome = match result {
            Ok(()) => Outcome::Passed,
            Err(error) if error.is::<Lacking>() => Outcome::Skipped(error.to_string()),
            Err(error) => match error.downcast_ref::<Skip>() {
                Some(skip) if self.skips_fail => Outcome::Failed(format!("CI=true allows no skip: {skip}")),
                Some(skip) => Outcome::Skipped(skip.to_string()),
                None => Outcome::Failed(format!("{error:#}")),
            },
        };
        println!("=== {name}: {} ({:.1} s)", describe(&outcome), time.as_secs_f64());
        self.steps.push(Step { name, outcome, time });
    }

    /// Prints the summary with the counts last, and returns the exit code. A run in which nothing passed has tested
    /// nothing, so it fails too.
    pub fn finish(self) -> ExitCode {
        print!("{}", self.summary());
        if self.succeeded() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn succeeded(&self) -> bool {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_))) == 0
            && self.count(|outcome| *outcome == Outcome::Passed) > 0
    }

    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.steps.iter().filter(|step| is(&step.outcome)).count()
    }

    fn summary(&self) -> String {
        let width = self.steps.iter().map(|step| step.name.len()).max().unwrap_or(0).max("step".len());
        let mut text = format!("\n{:<width$}  {:>7}  result\n", "step", "seconds");
        for Step { name, outcome, time } in &self.steps {
            // A reason may have several lines (a list of missing tools); the step itself has printed all of it.
            let outcome = describe(outcome);
            let line = outcome.lines().next().unwrap_or_default();
            writeln!(text, "{name:<width$}  {:>7.1}  {line}", time.as_secs_f64())
                .expect("a String takes every write");
        }
        let passed = self.count(|outcome| *outcome == Outcome::Passed);
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = self.count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        writeln!(text, "\n{passed} passed, {failed} failed, {skipped} skipped")
            .expect("a String takes every write");
        text
    }
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "ok".to_owned(),
        Outcome::Failed(why) => format!("FAILED: {why}"),
        Outcome::Skipped(why) => format!("skipped: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn mixed(skips_fail: bool) -> Report {
        let mut report = Report::with_skips_fail(skips_fail);
        report.step("good", || Ok(()));
        report.step("bad", || Err(anyhow!("broken\nin detail")));
        report.step("absent", || Err(Skip("no tool".to_owned()).into()));
        report.skip("unwanted", "--quick");
        report
    }

    fn last_line(report: &Report) -> String {
        report.summary().lines().last().expect("a summary has lines").to_owned()
    }

    #[test]
    fn every_step_is_counted_once() {
        let report = mixed(false);
        assert_eq!(last_line(&report), "1 passed, 1 failed, 2 skipped");
        assert!(!report.succeeded());
    }

    #[test]
    fn the_table_gives_each_step_one_line_with_its_reason() {
        let summary = mixed(false).summary();
        for (name, result) in [
            ("good", "ok"),
            ("bad", "FAILED: broken"),
            ("absent", "skipped: no tool"),
            ("unwanted", "skipped: --quick"),
        ] {
            let row = summary.lines().find(|line| line.starts_with(name)).expect("a row per step");
            assert!(row.ends_with(result), "{row}");
        }
        assert!(!summary.contains("in detail"), "{summary}");
    }

    #[test]
    fn in_ci_a_skip_is_a_failure() {
        let mut report = Report::with_skips_fail(true);
        report.step("good", || Ok(()));
        assert!(report.succeeded());
        report.skip("absent", "no tool");
        assert_eq!(last_line(&report), "1 passed, 1 failed, 0 skipped");
        assert!(!report.succeeded());
    }

    #[test]
    fn what_the_hardware_lacks_is_no_failure_even_in_ci() {
        let mut report = Report::with_skips_fail(true);
        report.step("good", || Ok(()));
        report.step("wide", || Err(Lacking("no such instructions".to_owned()).into()));
        assert_eq!(last_line(&report), "1 passed, 0 failed, 1 skipped");
        assert!(report.succeeded());
    }

    #[test]
    fn a_run_without_any_passed_step_does_not_succeed() {
        let mut report = Report::with_skips_fail(false);
        assert!(!report.succeeded());
        report.skip("absent", "no tool");
        assert!(!report.succeeded());
    }
}
