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
#[path = "../../script/mod.rs"]
mod script;

use core::fmt::Write;

use script::Outcome;

#[cfg(not(any(target_os = "none", target_os = "unknown")))]
fn main() {
    run();
}

/// Any error is a panic: it ends the program with a message and a code that says so.
fn run() {
    writeln!(host::Console, "variant: {}", host::variant()).unwrap();
    script::small(&mut [0; script::SMALL_BUFFER], &mut print).unwrap();
    if host::HAS_MEMORY {
        large();
    }
}

// Of its own, so that the small shapes do not carry its buffer on their stack.
#[inline(never)]
fn large() {
    script::large(&mut [0; script::LARGE_BUFFER], &mut print).unwrap();
}

fn print(Outcome { shape, script, save }: Outcome) {
    writeln!(host::Console, "{shape}: script {script:#018x}, save {save:#018x}").unwrap();
}
