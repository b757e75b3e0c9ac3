//! The example with transformers.js, run with a real model. Not part of `cargo xtask test`: see `minilm.rs`.

use xshell::{Shell, cmd};

use super::{minilm, npm, web_tools};
use crate::needs;
use crate::report::Report;

const STEP: &str = "personal search";
const TOOLS: &str = web_tools::TOOLS;

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || {
        needs::ensure_node(shell)?;
        let tarball = npm::pack(shell)?;
        web_tools::install_tools(shell)?;
        minilm::install_transformers(shell)?;
        let models = minilm::models(shell)?;
        let folder = web_tools::directory(shell).join("personal-search");
        Ok(cmd!(shell, "node {TOOLS}/runner/personal-search.mjs {folder} {tarball} {models}").run()?)
    });
}
