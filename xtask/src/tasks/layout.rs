//! `wasm/js/generated`: memory layout, limits and constants for JavaScript, generated from the crates.

use xshell::{Shell, cmd};

use crate::report::Report;

const MODULES: &str = "wasm/js/generated";

pub fn run(shell: &Shell, report: &mut Report) {
    report.step("layout for JavaScript", || {
        cmd!(shell, "cargo run --quiet --package layout -- {MODULES}").run()?;
        println!("{MODULES} is written");
        Ok(())
    });
}
