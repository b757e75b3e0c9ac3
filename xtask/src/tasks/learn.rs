//! How well each way of learning works, with simulated and real people: `docs/learning.md`.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::cli::Options;
use crate::report::Report;

pub const STEP: &str = "learning";

/// Options that are passed on unchanged: flags, and options with a value.
const FLAGS: [&str; 4] = ["--quick", "--check", "--write", "--validation"];
const VALUES: [&str; 5] = ["--data", "--ratings", "--set", "--learner", "--seeds"];

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step(STEP, || {
        let flags = FLAGS.into_iter().filter(|flag| options.has(flag));
        let arguments: Vec<&str> = flags.chain(options.passed_on(&VALUES)).collect();
        cmd!(shell, "cargo run --release --package micro-lora-lab --bin learn -- {arguments...}").run()?;
        Ok(())
    });
}

/// A few runs, for the test suite.
pub fn quick(shell: &Shell) -> Result<()> {
    Ok(cmd!(shell, "cargo run --release --package micro-lora-lab --bin learn -- --quick").run()?)
}
