//! Compiles the peers that are C or C++: each file once for every set of instructions in the measurement.

use std::env;
use std::path::PathBuf;
use std::thread;

/// File, prefix of its functions, and flags.
const NATIVE: [(&str, &str, &[&str]); 6] = [
    ("native/plain.c", "plain", &["-march=native"]),
    ("native/plain.c", "plain_fast", &["-march=native", "-ffast-math"]),
    ("native/blas.c", "openblas", &["-march=native"]),
    ("native/eigen.cpp", "eigen_sse2", &["-march=x86-64", "-mtune=native"]),
    ("native/eigen.cpp", "eigen_avx2", &["-march=x86-64-v3", "-mtune=native"]),
    ("native/eigen.cpp", "eigen_avx512", &["-march=x86-64-v4", "-mtune=native"]),
];

fn main() {
    println!("cargo:rerun-if-changed=native");
    // Eigen takes the compiler a minute each time.
    thread::scope(|scope| {
        for (file, prefix, flags) in NATIVE {
            scope.spawn(move || compile(file, prefix, flags));
        }
    });
    println!("cargo:rustc-link-lib=openblas");
}

fn compile(file: &str, prefix: &str, flags: &[&str]) {
    let mut build = cc::Build::new();
    let is_cpp = file.ends_with(".cpp");
    build.file(file).cpp(is_cpp).include("/usr/include/eigen3").opt_level(3);
    // Objects are named after their source: they must not overwrite each other.
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    build.out_dir(out_dir.join(prefix));
    // Eigen itself causes warnings.
    build.cargo_warnings(!is_cpp);
    build.define("PREFIX", prefix).define("NDEBUG", None);
    // Templates of the same name, compiled for other instructions: without different names the linker
    // would keep only one of them.
    build.define("Eigen", &*format!("{prefix}_namespace"));
    for flag in flags {
        build.flag(flag);
    }
    build.compile(&format!("{prefix}_peer"));
}
