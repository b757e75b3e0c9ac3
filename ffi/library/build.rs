//! Tells the dynamic linker what the shared library is called, so that programs ask for the ABI that they were built
//! with, and that it takes memcpy and memset from libc.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmicro_lora.so.0");
        println!("cargo::rustc-cdylib-link-arg=-lc");
    }
}
