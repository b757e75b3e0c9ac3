//! Prints what the script of operations comes to on the target it was built for, one line per
//! shape, after the variant of the code that ran.
//!
//! `host` is what differs: where the program starts, how it prints, and how it fails.
#![cfg_attr(any(target_os = "none", target_os = "unknown"), no_std, no_main)]

#[cfg_attr(target_arch = "arm", path = "cortex_m.rs")]
#[cfg_attr(target_arch = "wasm32", path = "wasm.rs")]
#[cfg_attr(all(target_arch = "aarch64", target_os = "none"), path = "linux.rs")]
#[cfg_attr(not(any(target_os = "none", target_os = "unknown")), path = "native.rs")]
mod host;
mod report;
#[path = "../../script/mod.rs"]
mod script;

#[cfg(not(any(target_os = "none", target_os = "unknown")))]
use host::main;
