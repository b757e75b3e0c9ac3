//! Speed of the npm package, compared with the package that it replaces and with plain JavaScript, in one page in
//! turns.

use xshell::{Shell, cmd};

use super::{npm, web_tools};
use crate::needs;
use crate::report::Report;

const STEP: &str = "bench-web";
const TOOLS: &str = web_tools::TOOLS;

pub fn run(shell: &Shell, check: bool, report: &mut Report) {
    report.step(STEP, || {
        needs::ensure(shell, &[&needs::CHROMIUM])?;
        let tarball = npm::pack(shell)?;
        web_tools::install_tools(shell)?;
        let folder = web_tools::directory(shell).join("bench");
        let check = check.then_some("--check");
        Ok(cmd!(shell, "node {TOOLS}/bench/main.mjs {folder} {tarball} {check...}").run()?)
    });
}
