//! What is not in the linked library: a way to panic, and an allocator.
//!
//! Every function of the header is linked, for nothing may hide behind what the linker throws away. In this build the
//! panic handler calls a function that is nowhere, so linking at all is the proof. That it is one is shown every time:
//! the same library with one unchecked index must be refused.

use anyhow::{Result, ensure};
use xshell::cmd;

use super::chip::Workshop;
use super::functions;

/// Undefined, and called by nothing but the panic handler.
const REACHABLE: &str = "mlora_panic_is_reachable";

pub fn run(workshop: &Workshop<'_>) -> Result<()> {
    let header = workshop.shell.read_file("include/micro_lora.h")?;
    let functions = functions(&header);
    // At these levels the compiler must see that no check can fail.
    for level in ["s", "3"] {
        let program =
            workshop.link_functions(&format!("all-{level}.elf"), &workshop.library(level)?, &functions)?;
        let list = cmd!(workshop.shell, "arm-none-eabi-nm {program}").quiet().read()?;
        let symbols: Vec<_> = list.lines().filter_map(|line| line.split_whitespace().last()).collect();
        for function in &functions {
            ensure!(symbols.contains(function), "expected {function} in the program, got none");
        }
        let (panics, allocations) = (find(&symbols, PANICS), find(&symbols, ALLOCATIONS));
        ensure!(panics.is_empty(), "expected no panic, got {panics:?}");
        ensure!(allocations.is_empty(), "expected no allocation, got {allocations:?}");
        println!(
            "{}, opt-level {level}, all {} functions: panic paths 0, allocation symbols 0",
            workshop.chip.name,
            functions.len()
        );
    }
    let refusal = workshop.refusal(&workshop.library_with_culprit()?, &["culprit"])?;
    ensure!(refusal.contains(REACHABLE), "expected the linker to miss {REACHABLE}, came:\n{refusal}");
    println!("{}: refused with an unchecked index", workshop.chip.name);
    Ok(())
}

const PANICS: &[&str] = &["panic", "unwrap_failed", "expect_failed"];
/// Rust's allocator and its users, and C's.
const ALLOCATIONS: &[&str] = &["alloc", "_sbrk"];

fn find<'a>(symbols: &[&'a str], parts: &[&str]) -> Vec<&'a str> {
    symbols.iter().copied().filter(|symbol| parts.iter().any(|part| symbol.contains(part))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocators_are_known_by_their_symbols() {
        let symbols = ["malloc", "__rust_realloc", "_RNvXs_NtNtCs1_5alloc3vec", "_sbrk", "mlora_apply"];
        assert_eq!(find(&symbols, ALLOCATIONS), symbols[..4]);
        assert_eq!(find(&["_RNvNtCs1_4core9panicking5panic", "mlora_open"], PANICS).len(), 1);
    }
}
