//! A long life of an adapter: `docs/reliability.md`.

use anyhow::Result;
use xshell::{Shell, cmd};

use super::thread_sanitizer::{self, Std};
use super::web_tools::{TOOLS, install, project};
use crate::cli::Options;
use crate::needs;
use crate::report::Report;
use crate::tasks::c_test;

const SOAK: [&str; 4] = ["--package", "micro-lora-lab", "--bin", "soak"];

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    let arguments = options.passed_on(&["--clicks", "--seed"]);
    if options.has("--thread-sanitizer") {
        report.step("soak, ThreadSanitizer", || sanitized(shell, &arguments));
        return;
    }
    let clicks = options.value("--clicks").unwrap_or("1000000");
    let seed = options.value("--seed").unwrap_or("0");
    report.step("soak in Rust", || Ok(cmd!(shell, "cargo run --release {SOAK...} -- {arguments...}").run()?));
    report.step("soak in C", || {
        let program = c_test::soak_program(shell)?;
        Ok(cmd!(shell, "{program} {clicks} {seed}").run()?)
    });
    report.step("soak in Chromium", || {
        needs::ensure(shell, &[&needs::CHROMIUM])?;
        install(shell)?;
        let project = project(shell);
        Ok(cmd!(shell, "node {TOOLS}/soak/main.mjs {project} {clicks} {seed}").run()?)
    });
}

/// It is ten times as slow, and exits with an error of its own if it finds a race.
fn sanitized(shell: &Shell, arguments: &[&str]) -> Result<()> {
    let (run, _) = thread_sanitizer::cargo(shell, "run", Std::Whole)?;
    // The user's options come later, and override these.
    Ok(run.args(SOAK).args(["--", "--clicks", "1000"]).args(arguments).run()?)
}
