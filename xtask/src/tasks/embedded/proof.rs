//! Proves that the linked library has no way to panic and no allocator.
//!
//! Every function of the header is linked, so that the linker drops none of them. In this build the panic handler calls
//! an undefined function, so the program links only if no panic is reachable. Every run also checks the proof itself:
//! the same library with one unchecked index must fail to link.
//!
//! The functions of [`THROUGH_SERDE`] are exempt from the proof against panics. Each of them must need its exemption.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use xshell::cmd;

use super::chip::Workshop;
use super::functions::functions;

/// Undefined; only the panic handler calls it.
const REACHABLE: &str = "mlora_panic_is_reachable";

/// Functions that read or write JSON through serde-json-core. Some of its index checks can never fail, but the compiler
/// cannot prove it: docs/embedded.md lists them.
const THROUGH_SERDE: &[&str] = &[
    "mlora_save_json",
    "mlora_load_json",
    "mlora_peek_json",
    "mlora_replay_save_json",
    "mlora_replay_load_json",
    "mlora_memory_save_json",
    "mlora_memory_load_json",
    "mlora_holdback_save_json",
    "mlora_holdback_load_json",
];

const LEVELS: [&str; 2] = ["s", "3"];

pub fn run(workshop: &Workshop<'_>) -> Result<()> {
    let header = workshop.shell.read_file("include/micro_lora.h")?;
    let functions = functions(&header);
    let proven: Vec<_> =
        functions.iter().copied().filter(|function| !THROUGH_SERDE.contains(function)).collect();
    ensure!(
        proven.len() + THROUGH_SERDE.len() == functions.len(),
        "expected every exception to be a function of the header, got {THROUGH_SERDE:?}"
    );
    let name = workshop.chip.name;
    // At these levels the compiler must be able to prove that no check can fail.
    for level in LEVELS {
        let symbols = linked(workshop, &workshop.proof_library(level)?, &proven)?;
        let panics = find(&symbols, PANICS);
        ensure!(panics.is_empty(), "expected no panic, got {panics:?}");
        println!("{name}, opt-level {level}, {} functions: panic paths 0", proven.len());
        let symbols = linked(workshop, &workshop.library(level)?, &functions)?;
        let allocations = find(&symbols, ALLOCATIONS);
        ensure!(allocations.is_empty(), "expected no allocation, got {allocations:?}");
        println!("{name}, opt-level {level}, all {} functions: allocation symbols 0", functions.len());
    }
    for function in THROUGH_SERDE {
        ensure_refused(workshop, function)?;
    }
    println!("{name}: {} functions go through serde-json-core, whose checks stay", THROUGH_SERDE.len());
    let refusal = workshop.refusal(&workshop.library_with_culprit()?, &["culprit"])?;
    let refusal =
        refusal.context("expected an unchecked index to be refused by the linker, got a program")?;
    ensure!(refusal.contains(REACHABLE), "expected the linker to miss {REACHABLE}, came:\n{refusal}");
    println!("{name}: refused with an unchecked index");
    Ok(())
}

/// The symbols of a program with these functions.
fn linked(workshop: &Workshop<'_>, archive: &Path, functions: &[&str]) -> Result<Vec<String>> {
    let program = workshop.link_functions("all.elf", archive, functions)?;
    let list = cmd!(workshop.shell, "arm-none-eabi-nm {program}").quiet().read()?;
    let symbols: Vec<_> =
        list.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect();
    for function in functions {
        ensure!(
            symbols.iter().any(|symbol| symbol == function),
            "expected {function} in the program, got none"
        );
    }
    Ok(symbols)
}

/// An exception that is no longer needed must be removed.
fn ensure_refused(workshop: &Workshop<'_>, function: &str) -> Result<()> {
    for level in LEVELS {
        let refusal = workshop.refusal(&workshop.proof_library(level)?, &[function])?;
        if refusal.is_some_and(|refusal| refusal.contains(REACHABLE)) {
            return Ok(());
        }
    }
    bail!("{function}: expected a panic that the linker can reach, got none: take it out of THROUGH_SERDE")
}

const PANICS: &[&str] = &["panic", "unwrap_failed", "expect_failed"];
/// Rust's allocator and its users, and C's.
const ALLOCATIONS: &[&str] = &["alloc", "_sbrk"];

fn find<'a>(symbols: &'a [String], parts: &[&str]) -> Vec<&'a str> {
    symbols
        .iter()
        .map(String::as_str)
        .filter(|symbol| parts.iter().any(|part| symbol.contains(part)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocators_are_known_by_their_symbols() {
        let symbols = ["malloc", "__rust_realloc", "_RNvXs_NtNtCs1_5alloc3vec", "_sbrk", "mlora_apply"];
        let symbols = symbols.map(str::to_owned);
        assert_eq!(find(&symbols, ALLOCATIONS), symbols[..4]);
        let symbols = ["_RNvNtCs1_4core9panicking5panic", "mlora_open"].map(str::to_owned);
        assert_eq!(find(&symbols, PANICS).len(), 1);
    }
}
