//! The only loops over weights and vectors.
//!
//! The order of operations is part of the format (`CONTRIBUTING.md` has the rule): a dot
//! product adds element `i` to lane `i mod 32` and then halves the lanes; multiply and add are
//! separate roundings, never fused. Any faster form of a kernel must give the same bits.
//!
//! Callers check lengths: slices that do not fit together give a wrong result, never a panic.
//!
//! `body` says what each kernel does, `fused` does several of them in one function; `x86` compiles both for
//! instructions that not every CPU has, and `simd` knows which of them run.

mod body;
mod dots;
pub(crate) mod environment;
mod fused;
mod lanes;
#[cfg(not(any(target_arch = "arm", target_arch = "wasm32")))]
mod plain;
pub(crate) mod rng;
mod rows;
// Cortex-M, and WebAssembly in old browsers. Everything else holds 32 lanes in vectors.
#[cfg(any(test, target_arch = "arm", all(target_arch = "wasm32", not(target_feature = "simd128"))))]
mod scalar;
pub(crate) mod simd;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code, reason = "loads and stores of registers have no safe form")]
mod simd128;
#[cfg(test)]
mod tests;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[allow(unsafe_code, reason = "calls code for instructions that the CPU was found to have")]
mod x86;

pub(crate) use dots::pad;
pub(crate) use fused::{BackwardFactors, ForwardFactors, Operands};
pub(crate) use rows::{rows, rows_mut};
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(crate) use x86::*;

/// Whether fused kernels run here; elsewhere they decline every call.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
const FUSED: bool = false;

/// A kernel as a plain function.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
macro_rules! plain {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) $(-> $result)? {
            <lanes::Block as body::Kernels>::$name($($argument),*)
        }
    };
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
body::every_kernel!(plain);

/// A fused kernel as a function that declines.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
macro_rules! declining {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty) => {
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name($($argument: $type),*) -> $result {
            if FUSED { <lanes::Block as fused::Fused>::$name($($argument),*) } else { Default::default() }
        }
    };
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
fused::every_fused_kernel!(declining);

pub(crate) use environment::divide;

// Loops that a compiler would leave scalar, or replace by a call of a library.
#[cfg(not(any(
    all(target_arch = "wasm32", target_feature = "simd128"),
    all(target_arch = "x86_64", target_feature = "sse2")
)))]
pub(crate) use libm::sqrtf as sqrt;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::{clear, copy, fill_uniform, scale, sqrt};
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use simple::{clear, copy, fill_uniform, scale};

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod simple {
    pub(crate) use crate::kernel::rng::fill_uniform;

    /// `out = from`. Unlike `copy_from_slice` it cannot panic on lengths that differ.
    pub(crate) fn copy(out: &mut [f32], from: &[f32]) {
        for (o, value) in out.iter_mut().zip(from) {
            *o = *value;
        }
    }

    /// `out = 0`.
    pub(crate) fn clear(out: &mut [f32]) {
        out.fill(0.0);
    }

    /// `y[i] *= k`.
    pub(crate) fn scale(y: &mut [f32], k: f32) {
        for y in y {
            *y *= k;
        }
    }
}

/// A symmetric matrix of rank x rank, padded to 4 x 4 with zeros.
pub(crate) type Square = [[f32; 4]; 4];

/// `gram[r][q] = k * dot(matrix[r], matrix[q])`, the lower triangle computed and mirrored.
pub(crate) fn gram(matrix: &[f32], len: usize, k: f32) -> Square {
    let mut lower = [[0.0; 4]; 4];
    let mut end = 0_usize;
    for (out, row) in lower.iter_mut().zip(rows(matrix, len)) {
        end = end.saturating_add(len);
        *out = down(matrix.get(..end).unwrap_or_default(), row).map(|dot| k * dot);
    }
    mirror(&lower)
}

/// Copies the lower triangle to the upper one.
pub(crate) fn mirror(lower: &Square) -> Square {
    let [[a, ..], [b, c, ..], [d, e, f, _], [g, h, i, j]] = *lower;
    [[a, b, d, g], [b, c, e, h], [d, e, f, i], [g, h, i, j]]
}

/// `v^T square v`, rows in index order, of `RANK` rows and columns.
pub(crate) fn quadratic<const RANK: usize>(square: &Square, v: [f32; 4]) -> f32 {
    // -0 changes no sum, nor the sign of a zero.
    let mut sum = -0.0;
    for (v_r, row) in v.iter().zip(square).take(RANK) {
        sum += v_r * dot_of::<RANK>(row, &v);
    }
    sum
}

/// The L2 norm.
pub(crate) fn norm(values: &[f32]) -> f32 {
    sqrt(dot(values, values))
}

/// `((a0 b0 + a1 b1) + a2 b2) + a3 b3`.
pub(crate) fn dot4(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    dot_of::<4>(a, b)
}

/// The same of so many terms.
#[inline(always)]
pub(crate) fn dot_of<const TERMS: usize>([a0, a1, a2, a3]: &[f32; 4], [b0, b1, b2, b3]: &[f32; 4]) -> f32 {
    let mut sum = a0 * b0;
    if TERMS > 1 {
        sum += a1 * b1;
    }
    if TERMS > 2 {
        sum += a2 * b2;
    }
    if TERMS > 3 {
        sum += a3 * b3;
    }
    sum
}

/// The sum of the diagonal.
pub(crate) fn trace(square: &Square) -> f32 {
    let [[a, ..], [_, b, ..], [_, _, c, _], [.., d]] = square;
    ((a + b) + c) + d
}

/// Where the first NaN or infinity is.
pub(crate) fn first_not_finite(values: &[f32]) -> Option<usize> {
    values.iter().position(|value| !value.is_finite())
}

#[cfg(test)]
mod contract {
    use super::*;

    /// Element by element, as the contract words it.
    fn dot_by_the_book(a: &[f32], x: &[f32]) -> f32 {
        let mut lanes = [0.0f32; 32];
        for (i, (a, x)) in a.iter().zip(x).enumerate() {
            lanes[i % 32] += a * x;
        }
        for width in [16, 8, 4, 2, 1] {
            for j in 0..width {
                lanes[j] += lanes[j + width];
            }
        }
        lanes[0]
    }

    #[test]
    fn dot_follows_the_contract_at_every_length() {
        for n in (0..140).chain([383, 384, 385, 768]) {
            let a: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
            let x: Vec<f32> = (0..n).map(|i| (i as f32 * 1.13).cos()).collect();
            assert_eq!(dot(&a, &x).to_bits(), dot_by_the_book(&a, &x).to_bits(), "length {n}");
        }
    }

    #[test]
    fn up_adds_ranks_in_index_order() {
        let matrix = [1e8f32, 1.0, -1e8, 1.0];
        let mut out = [0.0f32];
        up(&mut out, [1.0; 4], &matrix);
        assert_eq!(out[0], ((1e8f32 + 1.0) - 1e8) + 1.0);
        up(&mut out, [1.0; 4], &matrix[..3]);
        assert_eq!(out[0], (1e8f32 + 1.0) - 1e8);
    }

    #[test]
    fn gram_is_symmetric_and_padded() {
        let square = gram(&[1.0, 2.0, 3.0, -1.0], 2, 2.0);
        assert_eq!(square[0], [10.0, 2.0, 0.0, 0.0]);
        assert_eq!(square[1], [2.0, 20.0, 0.0, 0.0]);
        assert_eq!(square[3], [0.0; 4]);
        assert_eq!(trace(&square), 30.0);
        assert_eq!(quadratic::<4>(&square, [1.0, 1.0, 0.0, 0.0]), 34.0);
    }
}
