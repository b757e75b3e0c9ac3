//! What cargo itself may lack: a nightly compiler, subcommands, LLVM's tools.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use super::install::ensure;
use super::tool::{Tool, has_subcommand};
use crate::report::Skip;

/// Nightly, for unstable options of the compiler: sanitizers, branch coverage.
pub fn ensure_nightly(shell: &Shell) -> Result<()> {
    let found = cmd!(shell, "cargo +nightly --version").quiet().ignore_stdout().ignore_stderr().run();
    let how = "missing: a nightly compiler\n  rustup toolchain install nightly";
    found.map_err(|_| Skip(how.to_owned()).into())
}

/// For a command that uses another compiler: `cargo run` sets the variable to the libraries of its own.
pub fn other_compiler(command: Cmd<'_>) -> Cmd<'_> {
    command.env_remove("LD_LIBRARY_PATH")
}

/// `cargo NAME`, installed from the package `cargo-NAME` if it is missing.
pub fn ensure_subcommand(shell: &Shell, name: &str) -> Result<()> {
    let package = format!("cargo-{name}");
    let present = || has_subcommand(shell, name);
    if present() || (cmd!(shell, "cargo install --locked {package}").run().is_ok() && present()) {
        return Ok(());
    }
    Err(Skip(format!("missing: {package}\n  cargo install --locked {package}")).into())
}

const DEBIAN_LLVM: &str = "/usr/lib/llvm-22/bin";

const LLVM: Tool = Tool {
    name: "llvm-cov and llvm-profdata of nightly's LLVM",
    is_present: |_| has_llvm_cov(Path::new(DEBIAN_LLVM)),
    packages: &["llvm-22"],
    elsewhere: "rustup component add llvm-tools --toolchain nightly",
};

/// The folder of an llvm-cov and an llvm-profdata that can read nightly's files: rustup's own, or Debian's.
pub fn ensure_llvm(shell: &Shell) -> Result<PathBuf> {
    let rustup = cmd!(shell, "rustc +nightly --print target-libdir").quiet().read()?;
    if let Some(folder) = Path::new(&rustup).parent().map(|folder| folder.join("bin"))
        && has_llvm_cov(&folder)
    {
        return Ok(folder);
    }
    ensure(shell, &[&LLVM])?;
    Ok(DEBIAN_LLVM.into())
}

fn has_llvm_cov(folder: &Path) -> bool {
    ["llvm-cov", "llvm-profdata"].iter().all(|tool| folder.join(tool).is_file())
}
