//! The project's only task runner. `cargo xtask` lists the tasks; each lives in a file of its own under `tasks/`.

mod cli;
mod cross;
mod needs;
mod qemu;
mod report;
mod tasks;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use cli::Request;
use report::Report;
use xshell::Shell;

fn main() -> ExitCode {
    match cli::parse(env::args().skip(1), tasks::ALL) {
        Ok(Request::Help) => {
            print!("{}", cli::help(tasks::ALL));
            ExitCode::SUCCESS
        }
        Ok(Request::Run { task, options }) => match shell_at_root() {
            Ok(shell) => {
                let mut report = Report::new();
                (task.run)(&shell, &options, &mut report);
                report.finish()
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
        Err(usage) => {
            eprintln!("error: {usage}\n\n{}", cli::help(tasks::ALL));
            ExitCode::from(2)
        }
    }
}

fn shell_at_root() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root()?);
    Ok(shell)
}

/// The workspace root. Cargo's run-time variable goes first: a binary that was copied together with its checkout would
/// otherwise work on the checkout in which it was compiled.
fn root() -> Result<PathBuf> {
    let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root =
        Path::new(&manifest_dir).parent().context("xtask has no parent directory: expected the workspace")?;
    Ok(root.to_owned())
}

/// Where builds go. Passed on explicitly by tasks that need a directory of their own below it.
fn target_dir(shell: &Shell) -> PathBuf {
    let root = shell.current_dir();
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}
