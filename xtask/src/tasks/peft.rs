//! Exchanges adapters with an installed PEFT, both ways. `cargo test` checks the committed files in `tests/peft`
//! without Python; this generates all of them again, with the current PEFT. Not part of `cargo xtask test`:
//! PEFT needs gigabytes of torch.
//!
//! To use an existing environment that has peft and numpy: `MICRO_LORA_PEFT_PYTHON=<its python>`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::needs::{self, PYTHON, Tool};
use crate::report::Report;
use crate::workspace::target_dir;

pub const STEP: &str = "peft";

const FORWARD: &str = "files_of_either_side_give_the_forward_that_peft_computes";

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || exchange(shell));
}

fn exchange(shell: &Shell) -> Result<()> {
    let directory = target_dir(shell).join("peft");
    let python = python(shell, &directory.join("venv"))?;
    let files = directory.join("files");
    shell.remove_path(&files)?;
    shell.create_dir(&files)?;

    test(shell, &files, &["--ignored", "--exact", "export"])?;
    cmd!(shell, "{python} tests/peft/make_golden.py {files}").run()?;
    let text = test(shell, &files, &["--exact", FORWARD, "--nocapture"])?;
    ensure!(
        text.contains("largest relative error"),
        "expected `largest relative error`, the test printed none"
    );
    Ok(())
}

/// Runs one test of `tests/peft.rs` on these files and returns its output.
fn test(shell: &Shell, files: &Path, arguments: &[&str]) -> Result<String> {
    let test = cmd!(shell, "cargo test --release --package micro-lora --test peft -- {arguments...}");
    let output = test.env("MICRO_LORA_PEFT_FILES", files).ignore_status().output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{text}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "the test failed: {}", output.status);
    ensure!(text.contains("test result: ok. 1 passed"), "expected one test to run, none or more did");
    Ok(text)
}

/// A Python with PEFT; created on the first run.
fn python(shell: &Shell, environment: &Path) -> Result<PathBuf> {
    if let Some(python) = env::var_os("MICRO_LORA_PEFT_PYTHON") {
        return Ok(python.into());
    }
    let programs = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let python = programs.join(format!("python{}", env::consts::EXE_SUFFIX));
    let ready = cmd!(shell, "{python} -c 'import peft, numpy'").quiet().ignore_stderr().run().is_ok();
    if !ready {
        needs::ensure(shell, &[&PYTHON, &VENV])?;
        cmd!(shell, "python3 -m venv --clear {environment}").run()?;
        cmd!(shell, "{python} -m pip install --quiet peft numpy")
            .run()
            .context("PEFT could not be installed")?;
    }
    Ok(python)
}

/// Debian's `python3` comes without this part of the standard library.
const VENV: Tool = Tool {
    name: "python3-venv",
    is_present: |shell| cmd!(shell, "python3 -c 'import ensurepip'").quiet().ignore_stderr().run().is_ok(),
    packages: &["python3-venv"],
    elsewhere: "comes with Python",
};
