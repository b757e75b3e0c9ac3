//! Sizes, stack and instructions, compared with their ceilings.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use super::chip::{FIRMWARE, Workshop};
use super::functions::functions;
use super::stack::Program;
use super::table::{Aim, Ceilings, Measured, print};
use crate::workspace::target_dir;

/// Sets of functions that a device may need; each contains the one before.
const SETS: &[(&str, &[&str])] = &[
    ("apply", &["mlora_open", "mlora_apply"]),
    ("apply+learn", &["mlora_init", "mlora_apply", "mlora_adapt_choice", "mlora_apply_updates"]),
    (
        "apply+learn+JSON",
        &[
            "mlora_init",
            "mlora_apply",
            "mlora_adapt_choice",
            "mlora_apply_updates",
            "mlora_save_json",
            "mlora_load_json",
        ],
    ),
    (
        "apply+learn, all kinds",
        &[
            "mlora_init",
            "mlora_apply",
            "mlora_adapt_choice",
            "mlora_adapt_listwise",
            "mlora_adapt_gradient",
            "mlora_adapt_target",
            "mlora_adapt_attract_repel",
            "mlora_adapt_quality",
            "mlora_apply_updates",
        ],
    ),
];

/// The functions for a device that learns only from lists, so by the dual step.
const OF_LISTS: [&str; 2] = ["apply+learn", "apply+learn+JSON"];

const SECTIONS: [&str; 4] = [".text", ".rodata", ".data", ".bss"];

/// The functions whose instructions are counted.
const COUNTED: [&str; 3] = ["mlora_apply", "mlora_adapt_choice", "mlora_apply_updates"];

/// The kinds of feedback that store a number for each of up to 64 candidates.
const PER_CANDIDATE: [&str; 3] = ["mlora_adapt_choice", "mlora_adapt_listwise", "mlora_adapt_attract_repel"];

pub fn run(workshop: &Workshop<'_>, column: usize) -> Result<()> {
    let mut measured = Measured::default();
    sizes(workshop, &mut measured)?;
    let program = stack(workshop, &mut measured)?;
    for level in ["s", "3"] {
        for (function, instructions, painted) in counted(workshop, level)? {
            if level == "s" {
                check_bound(&function, painted, program.depth(&function)?)?;
            }
            if COUNTED.contains(&function.as_str()) {
                measured.add(format!("instructions at {level}, {function}"), instructions);
            }
        }
    }
    let ceilings = Ceilings::parse(&workshop.shell.read_file("tests/firmware/ceilings.txt")?, column)?;
    println!("{}", workshop.chip.name);
    print!("{}", print(&measured, &ceilings, &aims(column)));
    ceilings.check(&measured)
}

/// The stack that a call was observed to use must be below the computed bound, and not far below it.
fn check_bound(function: &str, painted: u32, bound: u32) -> Result<()> {
    println!("{function}: used {painted} bytes of stack, can use {bound}");
    ensure!(
        (bound / 3..=bound).contains(&painted),
        "{function}: expected the bound of {bound} bytes of stack to be above what a call used and not to be absurd, \
         got a use of {painted}"
    );
    Ok(())
}

fn aims(column: usize) -> Vec<Aim> {
    let is_per_candidate = |what: &str| PER_CANDIDATE.iter().any(|name| what == format!("stack {name}"));
    let mut aims = vec![
        Aim { what: is_per_candidate, below: 512 + 4 * 64 + 1 },
        Aim { what: |what| what.starts_with("stack "), below: 513 },
    ];
    if column == 0 {
        aims.push(Aim { what: |what| what == ".text apply+learn", below: 6 * 1024 });
        aims.push(Aim { what: |what| what == "instructions at 3, mlora_apply", below: 9_000 });
    }
    aims
}

fn sizes(workshop: &Workshop<'_>, measured: &mut Measured) -> Result<()> {
    let archive = workshop.library("s")?;
    let header = workshop.shell.read_file("include/micro_lora.h")?;
    let all = functions(&header);
    for (name, functions) in SETS.iter().copied().chain([("everything", &all[..])]) {
        set(workshop, &archive, name, functions, measured)?;
    }
    let archive = workshop.dual_library("s")?;
    for (name, functions) in SETS.iter().filter(|(name, _)| OF_LISTS.contains(name)) {
        set(workshop, &archive, &format!("{name}, dual alone"), functions, measured)?;
    }
    Ok(())
}

fn set(
    workshop: &Workshop<'_>,
    archive: &Path,
    name: &str,
    functions: &[&str],
    measured: &mut Measured,
) -> Result<()> {
    let program = workshop.link_functions("set.elf", archive, functions)?;
    let list = cmd!(workshop.shell, "arm-none-eabi-size -A {program}").quiet().read()?;
    for section in SECTIONS {
        measured.add(format!("{section} {name}"), size_of(&list, section)?);
    }
    Ok(())
}

/// Parses lines of `.text  1234  0`; an empty section may be missing.
fn size_of(list: &str, section: &str) -> Result<u64> {
    let rows = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let size = rows.filter(|row| row.first() == Some(&section)).find_map(|row| row.get(1).copied());
    size.map_or(Ok(0), |size| size.parse().with_context(|| format!("{section}: expected a size, got {size}")))
}

fn stack(workshop: &Workshop<'_>, measured: &mut Measured) -> Result<Program> {
    let shell = workshop.shell;
    let header = shell.read_file("include/micro_lora.h")?;
    let functions = functions(&header);
    let elf = workshop.link_functions("stack.elf", &workshop.library("s")?, &functions)?;
    let sizes = workshop.folder()?.join("stack_sizes.bin");
    cmd!(shell, "arm-none-eabi-objcopy --dump-section .stack_sizes={sizes} {elf} /dev/null").quiet().run()?;
    let listing =
        cmd!(shell, "arm-none-eabi-objdump --disassemble --no-show-raw-insn {elf}").quiet().read()?;
    let program = Program::parse(&listing, &shell.read_binary_file(&sizes)?)?;
    for function in functions {
        measured.add(format!("stack {function}"), program.depth(function)?.into());
    }
    Ok(program)
}

/// For each call in tests/firmware/measure.c: the function, its instructions, and the stack that it was observed to
/// use.
fn counted(workshop: &Workshop<'_>, level: &str) -> Result<Vec<(String, u64, u32)>> {
    let shell = workshop.shell;
    let shape = &workshop.chip.shape;
    let options = [
        format!("-DFEATURES={}", shape.features),
        format!("-DRANK={}", shape.rank),
        format!("-DSHOWN={}", shape.shown),
        format!("-I{FIRMWARE}"),
    ];
    let archive = workshop.library(level)?;
    let program = workshop.compile("measure.elf", &["tests/firmware/measure.c"], &options, &archive)?;
    let counts = workshop.folder()?.join("counts.txt");
    let plugin = format!(
        "{},begin={},end={},out={}",
        plugin(workshop)?.display(),
        address(workshop, &program, "mark_begin")?,
        address(workshop, &program, "mark_end")?,
        counts.display()
    );
    let printed = workshop.run(&program, &["-plugin".to_owned(), plugin])?;
    let counts = shell.read_file(&counts)?;
    ensure!(
        printed.lines().count() == counts.lines().count() && !counts.is_empty(),
        "expected a count for each of the calls\n{printed}got\n{counts}"
    );
    let rows = printed.lines().zip(counts.lines()).map(|(line, count)| {
        let (function, stack) = line.split_once(' ').context("expected NAME STACK")?;
        Ok((function.to_owned(), count.parse()?, stack.parse()?))
    });
    rows.collect()
}

/// The counting plugin for this machine's QEMU.
fn plugin(workshop: &Workshop<'_>) -> Result<PathBuf> {
    let shell = workshop.shell;
    let library = target_dir(shell).join("embedded/libcount.so");
    cmd!(shell, "gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -O2 -shared -fPIC tests/firmware/count.c")
        .arg("-o")
        .arg(&library)
        .run()?;
    Ok(library)
}

fn address(workshop: &Workshop<'_>, program: &Path, symbol: &str) -> Result<String> {
    let list = cmd!(workshop.shell, "arm-none-eabi-nm {program}").quiet().read()?;
    let line = list.lines().find(|line| line.split_whitespace().last() == Some(symbol));
    let address = line.and_then(|line| line.split_whitespace().next());
    Ok(format!("0x{}", address.with_context(|| format!("expected {symbol} in the program, got none"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_their_section() {
        let list = "all.elf  :\nsection   size   addr\n.text   15678   0\n.rodata    649   15680\n";
        assert_eq!((size_of(list, ".text").unwrap(), size_of(list, ".bss").unwrap()), (15678, 0));
        assert!(size_of(".text many 0", ".text").is_err());
    }

    #[test]
    fn each_aim_is_for_its_own_figure() {
        let below = |column, what| aims(column).iter().find(|aim| (aim.what)(what)).map(|aim| aim.below);
        assert_eq!(below(0, ".text apply+learn"), Some(6144));
        assert_eq!(below(0, ".text apply+learn+JSON"), None);
        assert_eq!(below(1, "stack mlora_adapt_choice"), Some(769));
        assert_eq!(below(1, "stack mlora_apply"), Some(513));
        assert_eq!(below(1, "instructions at 3, mlora_apply"), None);
    }
}
