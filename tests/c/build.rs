//! Compiles the tests of the C interface and of the C++ wrapper, each with its `main` renamed.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=.");
    println!("cargo:rerun-if-changed=../../include");
    if std::env::var_os("CARGO_CFG_UNIX").is_none() {
        return;
    }
    let files = std::fs::read_dir(".").expect("the folder of this package");
    let files = files.map(|file| file.expect("a file of this package").path());
    let is_test = |file: &PathBuf| {
        file.extension().is_some_and(|extension| extension == "c") && !file.ends_with("readme.c")
    };
    let mut c = cc::Build::new();
    c.std("c11")
        .flag("-ffp-contract=off")
        .include("../../include")
        .files(files.filter(is_test))
        .define("main", "mlora_test_main")
        .compile("c_tests");
    let mut wrapper = cc::Build::new();
    wrapper
        .cpp(true)
        .std("c++17")
        .flag("-ffp-contract=off")
        .include("../../include")
        .file("wrapper.cpp")
        .define("main", "mlora_test_wrapper");
    wrapper.compile("wrapper_tests");
}
