//! A device that learns which of five suggestions its user takes, with `MicroLora` in a static, on a bare
//! Cortex-M or on the machine that built it.
//!
//! Each event shows five suggestions, and the user takes the one nearest to a taste that is not in the
//! inputs. The adapter learns from these choices, is saved as JSON half-way, loaded again and
//! continues. `examples/firmware/c` is the same program in C; both print the same bits on every machine,
//! which `cargo xtask embedded` checks.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg_attr(target_os = "none", path = "cortex_m.rs")]
#[cfg_attr(not(target_os = "none"), path = "host.rs")]
mod board;
mod suggestions;

#[cfg(not(target_os = "none"))]
use board::main;
