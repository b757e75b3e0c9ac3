//! A program for the machine that built it.

use std::fmt;

pub struct Console;

pub const HAS_MEMORY: bool = true;

/// What the compiler was allowed to use. Kernels chosen at run time will have to name themselves.
pub fn variant() -> &'static str {
    match () {
        () if !cfg!(target_arch = "x86_64") => std::env::consts::ARCH,
        () if cfg!(target_feature = "avx512f") => "x86-64 AVX-512",
        () if cfg!(all(target_feature = "avx2", target_feature = "fma")) => "x86-64 AVX2 + FMA",
        () if cfg!(target_feature = "avx2") => "x86-64 AVX2",
        () if cfg!(target_feature = "sse3") => "x86-64 beyond SSE2",
        () => "x86-64 SSE2",
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        print!("{text}");
        Ok(())
    }
}
