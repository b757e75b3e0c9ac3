//! The kernels for WebAssembly with simd128, written for small code, since a browser downloads it.
//!
//! One loop for every rank, 32 values at a time. Each block of 32 is written out as eight vectors: no loop
//! is unrolled where code is built for size, and values that a loop indexes would go through memory.

use core::arch::wasm32::{
    f32x4_add, f32x4_convert_i32x4, f32x4_extract_lane as lane, f32x4_mul, f32x4_splat as splat, f32x4_sqrt,
    f32x4_sub, i32x4_add, i32x4_mul, i32x4_shuffle, u32x4, u32x4_shr, u32x4_splat, v128, v128_load,
    v128_store, v128_xor,
};
use core::slice;

use super::body::Kernels;
use super::lanes::{self, LANES};
use super::{rows, rows_mut};
use crate::kernel::rng;

/// 32 values in registers. Not an array: the compiler fills one by way of memory.
#[derive(Clone, Copy)]
struct Block(v128, v128, v128, v128, v128, v128, v128, v128);

/// How many values of a combined row are in memory at once.
const AT_ONCE: usize = 8 * LANES;

/// The neutral start of a sum: +0 would turn a sum of -0 into +0.
static NOTHING: lanes::Block = [-0.0; LANES];

impl Kernels for lanes::Block {
    #[inline(never)]
    fn dot(a: &[f32], x: &[f32]) -> f32 {
        let ((mut a, a_rest), (mut x, x_rest)) = (a.as_chunks(), x.as_chunks());
        let mut rests = None;
        let mut sum = eight(0.0);
        loop {
            for (a, x) in a.iter().zip(x) {
                sum = each(sum, each(load(a), load(x), mul), add);
            }
            if x_rest.is_empty() || rests.is_some() {
                return reduce(sum);
            }
            // Zeros past the end add nothing to a sum that began with `+0`, which is never `-0`.
            let (a_rest, x_rest) = rests.insert((filled_up(a_rest), filled_up(x_rest)));
            (a, x) = (slice::from_ref(a_rest), slice::from_ref(x_rest));
        }
    }

    #[inline(never)]
    fn down(matrix: &[f32], x: &[f32]) -> [f32; 4] {
        let mut h = [0.0; 4];
        Self::dot_rows(&mut h, matrix, x);
        h
    }

    fn down_and_square(matrix: &[f32], x: &[f32]) -> ([f32; 4], f32) {
        (Self::down(matrix, x), Self::dot(x, x))
    }

    fn dot_rows(sums: &mut [f32], matrix: &[f32], x: &[f32]) {
        for (sum, row) in sums.iter_mut().zip(rows(matrix, x.len())) {
            *sum = Self::dot(row, x);
        }
    }

    /// By way of memory: some blocks of the combined row are put together, then added to the sums.
    fn squares_of(sums: &mut [f32], k: &[[f32; 4]], matrix: &[f32], len: usize) {
        for (sum, k) in sums.iter_mut().zip(k) {
            let mut squares = eight(0.0);
            for at in (0..len).step_by(AT_ONCE) {
                let mut blocks = [[0.0; LANES]; AT_ONCE / LANES];
                let count = AT_ONCE.min(len.saturating_sub(at));
                let used = blocks.as_flattened_mut().get_mut(..count).unwrap_or_default();
                combine(used, false, k, matrix.get(at..).unwrap_or_default(), len, None);
                for block in &blocks {
                    squares = each(squares, each(load(block), load(block), mul), add);
                }
            }
            *sum = reduce(squares);
        }
    }

    fn up(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
        let len = out.len();
        combine(out, false, &k, matrix, len, None);
    }

    fn up_add(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
        // Times 1 and minus its negative is the same to the last bit.
        Self::update_row(out, 1.0, -1.0, k, matrix);
    }

    fn up_onto(out: &mut [f32], base: &[f32], k: [f32; 4], matrix: &[f32]) {
        copy(out, base);
        Self::up_add(out, k, matrix);
    }

    fn update_row(out: &mut [f32], keep: f32, factor: f32, k: [f32; 4], matrix: &[f32]) {
        let len = out.len();
        combine(out, false, &k, matrix, len, Some((keep, factor)));
    }

    fn add_outer(matrix: &mut [f32], k: [f32; 4], x: &[f32]) {
        for (row, k) in rows_mut(matrix, x.len()).zip(k) {
            Self::axpy(row, k, x);
        }
    }

    fn axpy(y: &mut [f32], k: f32, x: &[f32]) {
        Self::mix(y, 1.0, &[k], x);
    }

    fn mix(y: &mut [f32], keep: f32, factors: &[f32], vectors: &[f32]) {
        if keep != 1.0 {
            scale(y, keep);
        }
        let len = y.len();
        combine(y, true, factors, vectors, len, None);
    }
}

/// Every loop that writes a vector. `sum` begins with the old values or with nothing, and has `k[r] * row[r]`
/// added for each row, in order; `out` becomes the sum, or `keep * out - factor * sum`.
#[inline(never)]
fn combine(out: &mut [f32], onto: bool, k: &[f32], matrix: &[f32], len: usize, update: Option<(f32, f32)>) {
    let mut matrix = matrix;
    let (blocks, rest) = out.as_chunks_mut::<LANES>();
    for out in blocks {
        let mut sum = load(if onto { out } else { &NOTHING });
        let mut rows = matrix;
        for k in k {
            let Some(row) = rows.first_chunk() else { break };
            sum = each(sum, each(load(row), eight(*k), mul), add);
            rows = rows.get(len..).unwrap_or_default();
        }
        if let Some((keep, factor)) = update {
            let (keep, factor) = (splat(keep), splat(factor));
            sum = each(load(out), sum, |old, sum| f32x4_sub(mul(keep, old), mul(factor, sum)));
        }
        store(out, sum);
        matrix = matrix.get(LANES..).unwrap_or_default();
    }
    for out in rest {
        let mut sum = if onto { *out } else { -0.0 };
        let mut rows = matrix;
        for k in k {
            let Some(value) = rows.first() else { break };
            sum += k * value;
            rows = rows.get(len..).unwrap_or_default();
        }
        if let Some((keep, factor)) = update {
            sum = keep * *out - factor * sum;
        }
        *out = sum;
        matrix = matrix.get(1..).unwrap_or_default();
    }
}

/// `y[i] *= k`: less a zero, of the sign that changes nothing.
pub(crate) fn scale(y: &mut [f32], k: f32) {
    combine(y, false, &[], &[], 0, Some((k, -1.0)));
}

/// `out = from`, as far as there are values.
pub(crate) fn copy(out: &mut [f32], from: &[f32]) {
    let len = out.len().min(from.len());
    // SAFETY: both have so many values, and what is borrowed to write overlaps nothing.
    unsafe { out.as_mut_ptr().copy_from_nonoverlapping(from.as_ptr(), len) };
}

/// `out = 0`.
pub(crate) fn clear(out: &mut [f32]) {
    // SAFETY: so many values are there, and zero bytes are one.
    unsafe { out.as_mut_ptr().write_bytes(0, out.len()) };
}

/// As [`rng::fill_uniform`], four values at a time.
pub(crate) fn fill_uniform(values: &mut [f32], bound: f32, seed: u32) {
    let start = rng::mix(seed);
    let place = |i: u32| start.wrapping_add(rng::STRIDE.wrapping_mul(i));
    let mut places = u32x4(place(1), place(2), place(3), place(4));
    let (fours, rest) = values.as_chunks_mut();
    let mut last = [0.0; 4];
    for four in fours.iter_mut().chain([&mut last]) {
        let [by, by_then] = rng::FACTORS.map(|factor| u32x4_splat(factor));
        let z = i32x4_mul(v128_xor(places, u32x4_shr(places, 16)), by);
        let z = i32x4_mul(v128_xor(z, u32x4_shr(z, 13)), by_then);
        let bits = u32x4_shr(v128_xor(z, u32x4_shr(z, 16)), 8);
        let unit = add(mul(f32x4_convert_i32x4(bits), splat(rng::UNIT)), splat(-1.0));
        // SAFETY: 16 bytes are there, and a store takes any alignment.
        unsafe { v128_store(four.as_mut_ptr().cast(), mul(unit, splat(bound))) };
        places = i32x4_add(places, u32x4_splat(rng::STRIDE.wrapping_mul(4)));
    }
    copy(rest, &last);
}

/// The same bits as `libm`: a square root is correctly rounded by both.
pub(crate) fn sqrt(value: f32) -> f32 {
    lane::<0>(f32x4_sqrt(splat(value)))
}

#[inline(never)]
fn filled_up(rest: &[f32]) -> lanes::Block {
    let mut values = [0.0; LANES];
    copy(&mut values, rest);
    values
}

#[inline(always)]
fn load(values: &lanes::Block) -> Block {
    let from = values.as_ptr().cast::<v128>();
    // SAFETY: 8 times 16 bytes are there, and a load takes any alignment.
    let at = |i| unsafe { v128_load(from.add(i)) };
    Block(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7))
}

#[inline(always)]
fn store(values: &mut lanes::Block, block: Block) {
    let to = values.as_mut_ptr().cast::<v128>();
    // SAFETY: as above.
    let put = |i, value| unsafe { v128_store(to.add(i), value) };
    let Block(a, b, c, d, e, f, g, h) = block;
    (put(0, a), put(1, b), put(2, c), put(3, d), put(4, e), put(5, f), put(6, g), put(7, h));
}

#[inline(always)]
fn eight(value: f32) -> Block {
    let four = splat(value);
    Block(four, four, four, four, four, four, four, four)
}

#[inline(always)]
fn add(a: v128, b: v128) -> v128 {
    f32x4_add(a, b)
}

#[inline(always)]
fn mul(a: v128, b: v128) -> v128 {
    f32x4_mul(a, b)
}

#[inline(always)]
fn each(a: Block, b: Block, of: impl Fn(v128, v128) -> v128) -> Block {
    Block(
        of(a.0, b.0),
        of(a.1, b.1),
        of(a.2, b.2),
        of(a.3, b.3),
        of(a.4, b.4),
        of(a.5, b.5),
        of(a.6, b.6),
        of(a.7, b.7),
    )
}

/// Lane `j` takes lane `j + 16`, then `j + 8`, `4`, `2`, `1`.
#[inline(always)]
fn reduce(Block(a, b, c, d, e, f, g, h): Block) -> f32 {
    let sum = add(add(add(a, e), add(c, g)), add(add(b, f), add(d, h)));
    let sum = add(sum, i32x4_shuffle::<2, 3, 0, 1>(sum, sum));
    lane::<0>(sum) + lane::<1>(sum)
}
