//! A long life of an adapter: `docs/reliability.md`.

use xshell::{Shell, cmd};

use crate::cli::Options;
use crate::report::Report;

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step("soak", || {
        let values = ["--clicks", "--seed"];
        let arguments: Vec<&str> = values
            .into_iter()
            .flat_map(|name| options.values(name).flat_map(move |value| [name, value]))
            .collect();
        Ok(cmd!(shell, "cargo run --release --package micro-lora-lab --bin soak -- {arguments...}").run()?)
    });
}
