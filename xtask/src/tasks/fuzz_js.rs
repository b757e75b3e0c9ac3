//! Damaged documents and sequences of calls with strange arguments, on the packed npm package in Node. Both builds have to
//! say the same of each, and of a document what the native engine says: `wasm/test/fuzz`.

use anyhow::Result;
use xshell::{Shell, cmd};

use super::web_tools::{install, project};
use crate::cli::Options;
use crate::report::Report;
use crate::workspace::target_dir;

/// A short form of it, for `web-test`.
const FEW: &str = "4000";

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step("fuzz-js", || {
        install(shell)?;
        fuzz(shell, &options.passed_on(&["--count", "--seed", "--case"]))
    });
}

/// A few thousand cases.
pub fn short(shell: &Shell) -> Result<()> {
    fuzz(shell, &["--count", FEW])
}

/// The package has to be installed where `web-test` has it.
fn fuzz(shell: &Shell, arguments: &[&str]) -> Result<()> {
    cmd!(shell, "cargo build --release --quiet --package micro-lora-lab --bin verdicts").run()?;
    let (program, native) = (project(shell).join("fuzz/main.js"), target_dir(shell).join("release/verdicts"));
    Ok(cmd!(shell, "node {program} --native {native} {arguments...}").run()?)
}
