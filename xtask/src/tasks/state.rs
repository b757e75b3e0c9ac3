//! Other languages read a saved state by its specification; the states that they re-format must load.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::needs;
use crate::report::Report;

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || read_elsewhere(shell));
}

pub const STEP: &str = "state in Python and JavaScript";

fn read_elsewhere(shell: &Shell) -> Result<()> {
    needs::ensure(shell, &[&needs::PYTHON, &needs::NODE])?;
    let test = "python_and_javascript_read_and_reformat_a_state";
    Ok(cmd!(shell, "cargo test --package micro-lora --test state -- --ignored --exact {test}").run()?)
}
