//! Builds under ThreadSanitizer. The library and `core` or `std` are built for it, too: code that is not hides races,
//! or causes false ones.
//!
//! Debian's clang has the sanitizer's runtime.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Cmd, Shell};

use super::rebuilt;
use crate::needs::{self, CLANG_22};

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
    needs::ensure(shell, &[&CLANG_22])?;
    let (libraries, folder) = match std {
        Std::Core => ("core", "thread-sanitizer/core"),
        Std::Whole => ("std,panic_unwind", "thread-sanitizer/std"),
    };
    let flags = format!("-Zsanitizer=thread -Zexternal-clangrt -Clinker={CLANG} -Clink-arg={FLAG}");
    let (build, target) = rebuilt::cargo(shell, command, libraries, &flags, folder)?;
    Ok((build.arg("--release"), target.join("release")))
}
