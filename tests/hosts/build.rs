//! Options for each target's linker.

use std::env::var;
use std::fs::copy;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(is_native)");
    if var("TARGET") == var("HOST") {
        println!("cargo::rustc-cfg=is_native");
    }
    match var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("arm") => {
            lay_out("cortex-m.ld");
            // The memory of the emulated boards: a micro:bit, and an FPGA image with 4 MB.
            let flash =
                if var("TARGET").is_ok_and(|target| target.starts_with("thumbv6m")) { 256 } else { 4096 };
            println!("cargo::rustc-link-arg-bins=--defsym=FLASH={}", flash * 1024);
        }
        Ok("riscv32") => lay_out("riscv32.ld"),
        Ok("wasm32") => println!("cargo::rustc-link-arg-bins=--export=run"),
        _ => {}
    }
}

/// Copied to the build, not used by its own path: another checkout may share the target directory.
fn lay_out(script: &str) {
    println!("cargo::rerun-if-changed={script}");
    let directory = var("OUT_DIR").unwrap();
    copy(script, format!("{directory}/{script}")).unwrap();
    println!("cargo::rustc-link-search={directory}");
    println!("cargo::rustc-link-arg-bins=-T{script}");
}
