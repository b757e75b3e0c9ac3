//! Twenty unseen searches before and after learning, for a reader: `docs/learning.md`, "The eye test".

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::cli::Options;
use crate::report::Report;

pub const STEP: &str = "eye test";

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step(STEP, || eye(shell, &options.passed_on(&["--clicks", "--seed"])));
}

/// With default options, for the test suite.
pub fn quick(shell: &Shell) -> Result<()> {
    eye(shell, &[])
}

fn eye(shell: &Shell, arguments: &[&str]) -> Result<()> {
    Ok(cmd!(shell, "cargo run --release --package micro-lora-lab --bin eye -- {arguments...}").run()?)
}
