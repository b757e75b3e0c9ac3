//! Sets the soname of the shared library, so that programs ask for the ABI that they were built with, and links libc
//! for memcpy and memset.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Before 1.0 a minor version may break programs that were built with an earlier one.
    let (major, minor) = (variable("CARGO_PKG_VERSION_MAJOR"), variable("CARGO_PKG_VERSION_MINOR"));
    let abi = if major == "0" { format!("0.{minor}") } else { major };
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmicro_lora.so.{abi}");
        println!("cargo::rustc-cdylib-link-arg=-lc");
    }
}

fn variable(name: &str) -> String {
    env::var(name).expect("cargo sets it")
}
