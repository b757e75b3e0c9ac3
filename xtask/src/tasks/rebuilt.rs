//! Builds in which the standard library is built from its sources as well, with the same flags.
//!
//! Debian's second compiler has the sources.

use std::env::consts::ARCH;
use std::path::PathBuf;

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::needs::{self, DEBIAN_RUSTC, RUSTC_WEB};
use crate::workspace::target_dir;

/// A cargo command for this machine that builds these libraries, too, and the folder of its target. `folder` is below `target`.
pub fn cargo<'a>(
    shell: &'a Shell,
    command: &str,
    libraries: &str,
    flags: &str,
    folder: &str,
) -> Result<(Cmd<'a>, PathBuf)> {
    needs::ensure(shell, &[&RUSTC_WEB])?;
    let folder = target_dir(shell).join(folder);
    let target = format!("{ARCH}-unknown-linux-gnu");
    let build = cmd!(shell, "cargo {command} --target {target} -Zbuild-std={libraries}");
    let build = needs::other_compiler(build.arg("--target-dir").arg(&folder))
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", flags);
    Ok((build, folder.join(target)))
}
