//! A device that learns which of five suggestions its user takes: `MicroLora` in a static, on a bare
//! Cortex-M or on the machine it is built on.
//!
//! Each event shows five suggestions, of which the user takes the one nearest to a taste that no input
//! mentions. The adapter learns it from what was taken, is saved as JSON half-way, loaded again and
//! goes on. `examples/firmware/c` is the same program in C; both print the same on every machine, to
//! the last bit, and `cargo xtask embedded` checks it.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg_attr(target_os = "none", path = "cortex_m.rs")]
#[cfg_attr(not(target_os = "none"), path = "host.rs")]
mod board;
mod suggestions;

#[cfg(not(target_os = "none"))]
use board::main;
