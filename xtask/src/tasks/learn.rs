//! How well each way of learning works, on simulated users: `docs/learning.md`.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::cli::Options;
use crate::report::Report;

pub const STEP: &str = "learning";

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step(STEP, || {
        let quick = options.has("--quick").then_some("--quick");
        let data = options.value("--data").map(|folder| ["--data", folder]).into_iter().flatten();
        cmd!(shell, "cargo run --release --package micro-lora-lab --bin learn -- {quick...} {data...}")
            .run()?;
        Ok(())
    });
}

/// A few runs, for the test suite.
pub fn quick(shell: &Shell) -> Result<()> {
    Ok(cmd!(shell, "cargo run --release --package micro-lora-lab --bin learn -- --quick").run()?)
}
