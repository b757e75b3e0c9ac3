//! The golden vectors: results that another implementation computed once. Runs optimised, as users' programs do.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::report::Report;

pub const STEP: &str = "golden vectors";

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || compare(shell));
}

fn compare(shell: &Shell) -> Result<()> {
    // Built first, so that the compiler's progress is shown and only the test's own output is captured.
    cmd!(shell, "cargo test --release --test golden --no-run").run()?;
    let test = cmd!(shell, "cargo test --release --test golden -- --nocapture").ignore_status();
    let output = test.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(output.status.success(), "the golden test failed: {}", output.status);

    let line = largest_error(&text)
        .context("expected a line with `largest relative error`, the test printed none")?;
    println!("\n{line}");
    Ok(())
}

fn largest_error(text: &str) -> Option<&str> {
    text.lines().rev().find(|line| line.contains("largest relative error"))
}
