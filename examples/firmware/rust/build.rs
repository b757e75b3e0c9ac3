//! Writes the chip's memory layout for cortex-m-rt.

use std::env::var;
use std::fs::write;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The boards that QEMU emulates: micro:bit, the first version, and mps2-an386.
    let (flash, ram) = match var("TARGET").as_deref() {
        Ok("thumbv6m-none-eabi") => ("256K", "16K"),
        Ok("thumbv7em-none-eabihf") => ("4M", "4M"),
        _ => return,
    };
    let directory = var("OUT_DIR").unwrap();
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = 0, LENGTH = {flash}\n  RAM : ORIGIN = 0x20000000, LENGTH = {ram}\n}}\n"
    );
    write(format!("{directory}/memory.x"), memory).unwrap();
    println!("cargo::rustc-link-search={directory}");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
}
