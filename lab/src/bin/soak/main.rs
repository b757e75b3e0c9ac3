//! A long life: a million clicks with saving and loading in between, and ten million outputs of snapshots that other
//! threads hold while the adapter learns. `cargo xtask soak`.

mod life;
mod snapshots;

use std::process::ExitCode;

const HELP: &str = "\
A million clicks with saves and loads at random times, beside the same clicks without; then ten million outputs of snapshots
in two threads while a third one learns.

Usage: cargo xtask soak [OPTIONS]

Options:
      --clicks N  clicks (default 1000000); ten times as many outputs
      --seed N    which clicks, and when it is saved (default 0)
  -h, --help      print this help

Exits with 1 if the two adapters differ in a bit, if a weight is not finite, or if the process grows.";

fn main() -> ExitCode {
    let (mut clicks, mut seed) = (1_000_000, 0);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let slot = match argument.as_str() {
            "--clicks" => &mut clicks,
            "--seed" => &mut seed,
            "-h" | "--help" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => return wrong(&format!("expected one of the options, got {other:?}")),
        };
        let value = arguments.next().unwrap_or_default();
        match value.parse() {
            Ok(number) => *slot = number,
            Err(_) => return wrong(&format!("{argument}: expected a whole number, got {value:?}")),
        }
    }
    if clicks == 0 {
        return wrong("--clicks: expected at least 1, got 0");
    }
    match life::run(clicks, seed).and_then(|()| snapshots::run(10 * clicks, seed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wrong(error: &str) -> ExitCode {
    eprintln!("soak: {error}; --help lists the options");
    ExitCode::from(2)
}
