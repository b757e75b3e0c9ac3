//! The tools for tests and measurements in browsers.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use super::npm;
use crate::needs;
use crate::workspace::target_dir;

/// Their folder, with pinned versions.
pub const TOOLS: &str = "wasm/test";

pub fn install_tools(shell: &Shell) -> Result<()> {
    needs::ensure_node(shell)?;
    // Runs no install scripts: no package here needs one.
    Ok(cmd!(shell, "npm ci --prefix {TOOLS} --ignore-scripts --no-audit --no-fund --silent").run()?)
}

pub fn directory(shell: &Shell) -> PathBuf {
    target_dir(shell).join("web")
}

/// Packs the package and installs it into the suite's project.
pub fn install(shell: &Shell) -> Result<PathBuf> {
    let tarball = npm::pack(shell)?;
    install_tools(shell)?;
    let project = project(shell);
    cmd!(shell, "node {TOOLS}/runner/install.mjs {project} {tarball}").run()?;
    Ok(tarball)
}

/// The suite's project.
pub fn project(shell: &Shell) -> PathBuf {
    directory(shell).join("project")
}
