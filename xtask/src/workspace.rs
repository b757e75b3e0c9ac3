//! The workspace's root and the target directory.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::Shell;

/// A shell in the workspace's root.
pub fn shell() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root()?);
    Ok(shell)
}

/// The workspace root. Cargo's run-time variable comes first: a binary that was copied together with its checkout would
/// otherwise work on the checkout in which it was compiled.
fn root() -> Result<PathBuf> {
    let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root =
        Path::new(&manifest_dir).parent().context("xtask has no parent directory: expected the workspace")?;
    Ok(root.to_owned())
}

/// The target directory. Tasks that need a directory of their own below it pass it on explicitly.
pub fn target_dir(shell: &Shell) -> PathBuf {
    let root = shell.current_dir();
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}
