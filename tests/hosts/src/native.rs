//! A program for the machine that built it.

use std::{env, fmt};

use micro_lora::Simd;

use crate::report::run;

struct Console;

const HAS_MEMORY: bool = true;

/// The kernels in use, limited by the first argument, and the instructions that the rest was built with.
fn variant() -> String {
    for simd in [Simd::Avx512, Simd::Avx2, Simd::Portable] {
        if env::args().nth(1).is_some_and(|limit| limit == simd.name()) {
            simd.limit();
        }
    }
    let with = if cfg!(target_feature = "fma") { " + FMA" } else { "" };
    format!("{} {}{with}", env::consts::ARCH.replace('_', "-"), Simd::current().name())
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        print!("{text}");
        Ok(())
    }
}

pub fn main() {
    run::<HAS_MEMORY>(&mut Console, variant());
}
