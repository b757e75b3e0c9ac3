//! A long life of an adapter: `docs/reliability.md`.

use xshell::{Shell, cmd};

use crate::cli::Options;
use crate::report::Report;

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step("soak", || {
        let arguments = options.passed_on(&["--clicks", "--seed"]);
        Ok(cmd!(shell, "cargo run --release --package micro-lora-lab --bin soak -- {arguments...}").run()?)
    });
}
