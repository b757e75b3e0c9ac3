//! Builds under ThreadSanitizer. The library and `core` or `std` are built for it, too: code that is not hides races,
//! or causes false ones.
//!
//! Debian's second compiler has the sources for this, its clang the sanitizer's runtime.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::needs::{self, CLANG_22, DEBIAN_RUSTC, RUSTC_WEB};
use crate::workspace::target_dir;

pub const CLANG: &str = "clang-22";
pub const FLAG: &str = "-fsanitize=thread";

/// The libraries that are built from their sources.
#[derive(Clone, Copy)]
pub enum Std {
    Core,
    Whole,
}

/// A cargo command that builds under it, and the folder of its output.
pub fn cargo<'a>(shell: &'a Shell, command: &str, std: Std) -> Result<(Cmd<'a>, PathBuf)> {
    needs::ensure(shell, &[&RUSTC_WEB, &CLANG_22])?;
    let (libraries, name) = match std {
        Std::Core => ("core", "core"),
        Std::Whole => ("std,panic_unwind", "std"),
    };
    let folder = target_dir(shell).join("thread-sanitizer").join(name);
    let target = format!("{ARCH}-unknown-linux-gnu");
    let build = cmd!(shell, "cargo {command} --release --target {target} -Zbuild-std={libraries}");
    let build = needs::other_compiler(build.arg("--target-dir").arg(&folder))
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "RUSTFLAGS",
            format!("-Zsanitizer=thread -Zexternal-clangrt -Clinker={CLANG} -Clink-arg={FLAG}"),
        );
    Ok((build, Path::new(&folder).join(target).join("release")))
}
