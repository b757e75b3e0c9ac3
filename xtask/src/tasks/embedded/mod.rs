//! The library on bare chips: that it works there, and what it costs.
//!
//! The firmware of `examples/firmware`, in C and in Rust, must print the same on each emulated chip as on this machine.
//! The library is linked with every function of its header, and with sets of functions that a device may need: for two
//! proofs, for a test with hostile texts, and for figures that are compared with `tests/firmware/ceilings.txt`.

mod chip;
mod figures;
mod functions;
mod proof;
mod stack;
mod table;

use anyhow::{Context, Result, ensure};
use chip::{CHIPS, FIRMWARE, STRICT, Workshop};
use xshell::{Shell, cmd};

use super::c_library;
use crate::needs;
use crate::report::Report;
use crate::workspace::target_dir;

pub const STEP: &str = "embedded";

pub fn run(shell: &Shell, report: &mut Report) {
    for (column, chip) in CHIPS.iter().enumerate() {
        let workshop = || {
            needs::ensure(shell, &[&needs::GCC_ARM, &needs::QEMU_ARM, &needs::GCC])?;
            Workshop::new(shell, chip)
        };
        report.step(format!("{STEP}: firmware, {}", chip.name), || firmware(&workshop()?));
        report.step(format!("{STEP}: proofs, {}", chip.name), || proof::run(&workshop()?));
        report.step(format!("{STEP}: hostile texts, {}", chip.name), || hostile(&workshop()?));
        report.step(format!("{STEP}: figures, {}", chip.name), || figures::run(&workshop()?, column));
    }
}

/// C and Rust must print the same lines, on the chip and on this machine.
fn firmware(workshop: &Workshop<'_>) -> Result<()> {
    let expected = on_this_machine(workshop.shell)?;
    ensure!(expected.contains("state crc: "), "expected the firmware to print a state crc, got\n{expected}");
    print!("{expected}");
    let main = format!("{FIRMWARE}/main.c");
    let in_c = workshop.compile("firmware.elf", &[&main], &[], &workshop.library("s")?)?;
    let in_rust = workshop.rust_firmware()?;
    for (language, program) in [("C", in_c), ("Rust", in_rust)] {
        let came = workshop.run(&program, &[])?;
        let name = workshop.chip.name;
        ensure!(
            came == expected,
            "{name}, {language}: expected what this machine prints\n{expected}got\n{came}"
        );
        println!("{name}, {language}: the same");
    }
    Ok(())
}

/// Texts of any depth and length must be refused within 2 KB of stack.
fn hostile(workshop: &Workshop<'_>) -> Result<()> {
    let longest = workshop.chip.longest;
    let options = [format!("-DLONGEST={longest}"), format!("-I{FIRMWARE}")];
    for level in ["s", "3"] {
        let archive = workshop.library(level)?;
        let program = workshop.compile("hostile.elf", &["tests/firmware/hostile.c"], &options, &archive)?;
        let printed = workshop.run(&program, &[])?;
        ensure!(printed.lines().count() == 4, "expected a line for each of 4 functions, got\n{printed}");
        for line in printed.lines() {
            println!(
                "{}, opt-level {level}, texts up to {longest} bytes: {line} bytes of stack",
                workshop.chip.name
            );
        }
    }
    Ok(())
}

/// The firmware in C as a program for this machine.
fn on_this_machine(shell: &Shell) -> Result<String> {
    let archive = c_library::build(shell)?.join("libmicro_lora.a");
    let program = target_dir(shell).join("embedded/firmware");
    shell.create_dir(program.parent().context("a program is in a folder")?)?;
    let sources = ["main.c", "host.c"].map(|file| format!("{FIRMWARE}/{file}"));
    cmd!(shell, "gcc -O2 {STRICT...} {sources...} {archive} -o {program}").run()?;
    Ok(cmd!(shell, "{program}").read()? + "\n")
}
