//! What each target's linker has to be told.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=cortex-m.ld");
    match var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("arm") => {
            println!("cargo::rustc-link-arg-bins=-T{}/cortex-m.ld", var("CARGO_MANIFEST_DIR").unwrap())
        }
        Ok("wasm32") => println!("cargo::rustc-link-arg-bins=--export=run"),
        _ => {}
    }
}
