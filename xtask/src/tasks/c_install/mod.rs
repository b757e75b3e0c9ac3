//! Installs headers, libraries, a pkg-config file and a CMake package into a folder of the user's.

use std::env;
use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::c_library;
use crate::c_target::CTarget;
use crate::cli::Options;
use crate::needs;
use crate::report::{Report, Skip};

mod common;
mod cross;
mod sample;

use common::{Version, install_common, link_shared, print_sizes};
pub use cross::check as check_for;
pub use sample::test;

pub const STEP: &str = "C packages";

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step("C install", || {
        let prefix = options.value("--prefix").context("expected --prefix DIR, got none")?;
        let prefix = env::current_dir()?.join(prefix);
        match options.value("--target") {
            None => install(shell, &prefix),
            Some(triple) => cross::install(shell, &prefix, CTarget::find(triple)?),
        }
    });
}

/// For this machine.
pub fn install(shell: &Shell, prefix: &Path) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err(
            Skip("expected Linux, got another system: build ffi/library with cargo there".into()).into()
        );
    }
    needs::ensure(shell, &[&needs::GCC])?;
    let built = c_library::build(shell)?;
    let version = Version::new(&c_library::version(shell)?)?;
    let lib = prefix.join("lib");
    install_common(shell, prefix, &version)?;
    let archive = lib.join("libmicro_lora.a");
    let tools = c_library::Binutils::host();
    c_library::slim_archive(shell, &tools, &built.join("libmicro_lora.a"), &archive, |_| Ok(()))?;
    let shared = lib.join(format!("libmicro_lora.so.{}", version.text));
    shell.copy_file(built.join("libmicro_lora.so"), &shared)?;
    cmd!(shell, "strip --strip-unneeded {shared}").quiet().run()?;
    link_shared(shell, &version, &lib)?;
    print_sizes(&[archive, shared])
}
