//! `wasm/js/generated`: where in memory JavaScript finds what, limits, constants, as the crates have them.

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
