//! A program that a task needs.

use std::env;

use xshell::{Shell, cmd};

pub struct Tool {
    pub name: &'static str,
    pub is_present: fn(&Shell) -> bool,
    /// Debian packages that provide it; empty if Debian has nothing suitable.
    pub packages: &'static [&'static str],
    /// How to get it on any other system.
    pub elsewhere: &'static str,
}

pub fn on_path(program: &str) -> bool {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(&file).is_file()))
}

pub(super) fn has_subcommand(shell: &Shell, name: &str) -> bool {
    cmd!(shell, "cargo {name} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}
