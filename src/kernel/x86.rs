//! The kernels for AVX2 and AVX-512, with `unsafe` for their intrinsics.
//!
//! Sums are written with intrinsics: what the compiler makes of the portable form of three rows in one
//! pass is well over 15 % slower. The rest is the portable code, compiled again.

use core::arch::x86_64::*;

use super::body::Kernels;
use super::fused::{BackwardFactors, ForwardFactors, Fused};
use super::lanes::{Block, Lanes};
use super::simd::Simd;

/// Correctly rounded, on every machine. One instruction here: a call would spill every register.
#[inline(always)]
pub(crate) fn sqrt(value: f32) -> f32 {
    // SAFETY: every CPU that this file is compiled for has SSE.
    unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(value))) }
}

/// Declares a [`Lanes`] of registers, each with where in a block it begins. Its methods need the
/// instructions that its intrinsics are made of: only [`choosing`] may use them.
macro_rules! lanes {
    (
        $(#[$doc:meta])*
        $name:ident($($i:tt: $register:ty = $at:literal),*), many: $many:literal,
        $load:ident, $splat:ident, $mul:ident, $add:ident, $sum:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $name($($register),*);

        impl Kernels for $name {}
        impl Fused for $name {}

        impl Lanes for $name {
            const WIDE: bool = true;
            const MANY: bool = $many;

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: `choosing` comes here only where the CPU has the instruction.
                let value = unsafe { $splat(value) };
                Self($(lanes!(@ $i value)),*)
            }

            #[inline(always)]
            fn load(block: &Block) -> Self {
                // SAFETY: as above; and every load ends within the block.
                unsafe { Self($($load(block.as_ptr().add($at))),*) }
            }

            #[inline(always)]
            fn plus_product(self, a: Self, b: Self) -> Self {
                // SAFETY: as above.
                unsafe { Self($($add(self.$i, $mul(a.$i, b.$i))),*) }
            }

            #[inline(always)]
            fn sum(self) -> f32 {
                // SAFETY: as above.
                unsafe { $sum([$(self.$i),*]) }
            }
        }
    };
    (@ $i:tt $value:ident) => { $value };
}

lanes! {
    /// Of 16 registers, three rows have twelve.
    Avx2(0: __m256 = 0, 1: __m256 = 8, 2: __m256 = 16, 3: __m256 = 24), many: false,
    _mm256_loadu_ps, _mm256_set1_ps, _mm256_mul_ps, _mm256_add_ps, sum_of_4
}

lanes! {
    /// Of 32 registers, five rows have ten: four ranks and `x` itself.
    Avx512(0: __m512 = 0, 1: __m512 = 16), many: true,
    _mm512_loadu_ps, _mm512_set1_ps, _mm512_mul_ps, _mm512_add_ps, sum_of_2
}

#[inline]
#[target_feature(enable = "avx512f")]
fn sum_of_2([a, b]: [__m512; 2]) -> f32 {
    let lanes = _mm512_add_ps(a, b);
    let low = _mm512_castps512_ps256(lanes);
    let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(lanes)));
    sum_of_8(_mm256_add_ps(low, high))
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum_of_4([a, b, c, d]: [__m256; 4]) -> f32 {
    sum_of_8(_mm256_add_ps(_mm256_add_ps(a, c), _mm256_add_ps(b, d)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum_of_8(lanes: __m256) -> f32 {
    let lanes = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
    let lanes = _mm_add_ps(lanes, _mm_movehl_ps(lanes, lanes));
    _mm_cvtss_f32(_mm_add_ss(lanes, _mm_shuffle_ps::<1>(lanes, lanes)))
}

/// A kernel as a function that chooses among three.
macro_rules! choosing {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?) => {
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name($($argument: $type),*) $(-> $result)? {
            #[target_feature(enable = "avx512f")]
            fn avx512($($argument: $type),*) $(-> $result)? {
                Avx512::$name($($argument),*)
            }

            #[target_feature(enable = "avx2")]
            fn avx2($($argument: $type),*) $(-> $result)? {
                Avx2::$name($($argument),*)
            }

            #[inline(never)]
            fn portable($($argument: $type),*) $(-> $result)? {
                Block::$name($($argument),*)
            }

            match Simd::current() {
                // SAFETY: it is never better than what the CPU was found to have.
                Simd::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                Simd::Avx2 => unsafe { avx2($($argument),*) },
                Simd::Portable => portable($($argument),*),
            }
        }
    };
}

super::body::every_kernel!(choosing);

super::fused::every_fused_kernel!(choosing);
