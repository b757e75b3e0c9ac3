//! How fast this machine reads memory: no kernel can be faster than one load of its operands.

use std::arch::asm;

use micro_lora::Simd;

use crate::lora::Buffer;
use crate::measure::Runner;

/// Loads a buffer from one end to the other, in registers of one width, and does nothing with it.
struct Loads {
    simd: Simd,
    buffer: Buffer,
    bytes: usize,
}

/// Bytes that one turn of the loop loads.
const AT_ONCE: usize = 512;

pub fn contender(simd: Simd, bytes: usize) -> Box<dyn Runner> {
    let bytes = bytes.next_multiple_of(AT_ONCE);
    Box::new(Loads { simd, buffer: Buffer::zeros(bytes / 4), bytes })
}

/// `count` loads, `step` bytes apart, into registers of the kind `register`.
macro_rules! load {
    ($from:expr, $bytes:expr, $load:literal, $register:literal, [$($offset:literal)*]) => {
        asm!(
            "2:",
            $(concat!($load, " ", $register, ", [{from} + ", $offset, "]"),)*
            "add {from}, 512",
            "cmp {from}, {end}",
            "jne 2b",
            from = inout(reg) $from => _,
            end = in(reg) $from.wrapping_add($bytes),
            out("xmm0") _,
            options(nostack, readonly),
        )
    };
}

impl Runner for Loads {
    fn run(&mut self) {
        let (from, bytes) = (self.buffer.as_ptr().cast::<u8>(), self.bytes);
        // SAFETY: every load ends within the buffer, whose length is a multiple of one turn's; `contender`
        // is called only with instructions that the CPU has.
        unsafe {
            match self.simd {
                Simd::Avx512 => {
                    load!(from, bytes, "vmovaps", "zmm0", [0 64 128 192 256 320 384 448]);
                }
                Simd::Avx2 => {
                    load!(from, bytes, "vmovaps", "ymm0",
                        [0 32 64 96 128 160 192 224 256 288 320 352 384 416 448 480]);
                }
                _ => {
                    load!(from, bytes, "movaps", "xmm0",
                        [0 16 32 48 64 80 96 112 128 144 160 176 192 208 224 240
                         256 272 288 304 320 336 352 368 384 400 416 432 448 464 480 496]);
                }
            }
        }
    }

    fn result(&self) -> Vec<f32> {
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_bytes_is_loaded_without_leaving_the_buffer() {
        for simd in [Simd::Portable, Simd::Avx2, Simd::Avx512] {
            for bytes in [1, 512, 513, 40_000] {
                if simd <= Simd::best() {
                    contender(simd, bytes).run();
                }
            }
        }
    }
}
