//! The demo page: a folder of plain files that any web server can serve.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use super::{npm, web_tools};
use crate::needs;
use crate::report::Report;

const STEP: &str = "demo";
pub const CHECK: &str = "web: demo";
const SOURCE: &str = "wasm/demo";
const DATA: &str = "examples/data";
const PORT: &str = "8000";
const TOOLS: &str = web_tools::TOOLS;

pub fn run(shell: &Shell, is_check: bool, report: &mut Report) {
    let mut is_built = false;
    report.step(STEP, || {
        npm::build(shell)?;
        is_built = true;
        if is_check { Ok(()) } else { serve(shell) }
    });
    if is_check && is_built {
        report.step(CHECK, || check(shell));
    }
}

fn serve(shell: &Shell) -> Result<()> {
    let site = assemble(shell)?;
    Ok(cmd!(shell, "node {TOOLS}/runner/server.mjs {site} {PORT}").run()?)
}

/// Clicks through the page as a user would, and leaves pictures of it. The package has to be built.
pub fn check(shell: &Shell) -> Result<()> {
    needs::ensure(shell, &[&needs::CHROMIUM])?;
    web_tools::install_tools(shell)?;
    let site = assemble(shell)?;
    let pictures = web_tools::directory(shell).join("pictures");
    Ok(cmd!(shell, "node {TOOLS}/runner/demo.mjs {site} {pictures}").run()?)
}

/// The page, the package and the data in one folder.
fn assemble(shell: &Shell) -> Result<PathBuf> {
    let site = web_tools::directory(shell).join("demo");
    shell.remove_path(&site)?;
    for (from, to) in [(SOURCE, ""), (npm::PACKAGE, "micro-lora"), (DATA, "data")] {
        let to = site.join(to);
        shell.create_dir(&to)?;
        for file in shell.read_dir(from)?.into_iter().filter(|path| path.is_file()) {
            shell.copy_file(file, &to)?;
        }
    }
    println!("built: {}", site.display());
    Ok(site)
}
