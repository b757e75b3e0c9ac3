//! Prints the results of the script of operations on the target it was built for, one line per
//! shape, after the variant of the code that ran.
//!
//! `host` is the part that differs: where the program starts, how it prints, and how it fails.
#![cfg_attr(not(is_native), no_std, no_main)]

#[cfg_attr(is_native, path = "native.rs")]
#[cfg_attr(all(not(is_native), target_arch = "aarch64"), path = "linux.rs")]
#[cfg_attr(all(not(is_native), target_arch = "arm"), path = "cortex_m.rs")]
#[cfg_attr(all(not(is_native), target_arch = "riscv32"), path = "riscv32.rs")]
#[cfg_attr(all(not(is_native), target_arch = "s390x"), path = "linux.rs")]
#[cfg_attr(all(not(is_native), target_arch = "wasm32"), path = "wasm.rs")]
mod host;
mod report;
#[path = "../../script/mod.rs"]
mod script;

#[cfg(is_native)]
use host::main;
