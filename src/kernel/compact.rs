//! The loops for WebAssembly, in small code: one loop for every rank, 32 values at a time.
//! A browser downloads it.
//!
//! Each block of 32 is written out as eight vectors: no loop is unrolled where code is built for size,
//! and values that a loop indexes would go through memory.

use super::four::{Four, add, load, mul, reduce, splat, store, sub};
use super::{copy, rows, rows_mut, scale};
use crate::kernel::body::Kernels;
use crate::kernel::lanes::{self, LANES};

type Block = [Four; 8];

impl Kernels for lanes::Block {
    fn dot(a: &[f32], x: &[f32]) -> f32 {
        dot(a, x)
    }

    #[inline(never)]
    fn down(matrix: &[f32], x: &[f32]) -> [f32; 4] {
        let mut h = [0.0; 4];
        for (h_r, row) in h.iter_mut().zip(rows(matrix, x.len())) {
            *h_r = dot(row, x);
        }
        h
    }

    fn down_and_square(matrix: &[f32], x: &[f32]) -> ([f32; 4], f32) {
        (Self::down(matrix, x), dot(x, x))
    }

    fn dot_rows(sums: &mut [f32], matrix: &[f32], x: &[f32]) {
        for (sum, row) in sums.iter_mut().zip(rows(matrix, x.len())) {
            *sum = dot(row, x);
        }
    }

    fn squares_of(sums: &mut [f32], k: &[[f32; 4]], matrix: &[f32], len: usize) {
        for (sum, k) in sums.iter_mut().zip(k) {
            *sum = squared_norm_of(*k, matrix, len);
        }
    }

    fn up(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
        up(out, k, matrix);
    }

    fn up_add(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
        up_add(out, k, matrix);
    }

    fn up_onto(out: &mut [f32], base: &[f32], k: [f32; 4], matrix: &[f32]) {
        copy(out, base);
        up_add(out, k, matrix);
    }

    fn update_row(out: &mut [f32], keep: f32, factor: f32, k: [f32; 4], matrix: &[f32]) {
        update_row(out, keep, factor, k, matrix);
    }

    fn add_outer(matrix: &mut [f32], k: [f32; 4], x: &[f32]) {
        for (row, k) in rows_mut(matrix, x.len()).zip(k) {
            axpy(row, k, x);
        }
    }

    fn axpy(y: &mut [f32], k: f32, x: &[f32]) {
        axpy(y, k, x);
    }

    fn mix(y: &mut [f32], keep: f32, factors: &[f32], vectors: &[f32]) {
        scale(y, keep);
        let len = y.len();
        for (k, row) in factors.iter().zip(rows(vectors, len)) {
            axpy(y, *k, row);
        }
    }
}

/// `sum a[i] * x[i]` in the fixed order.
#[inline(never)]
fn dot(a: &[f32], x: &[f32]) -> f32 {
    let mut sum = [splat(0.0); 8];
    for at in (0..a.len().min(x.len())).step_by(LANES) {
        sum = each(sum, each(block_at(a, at), block_at(x, at), mul), add);
    }
    reduce(sum)
}

/// `|k^T matrix|^2` for rows of `len`: the dot product of the combined row with itself.
fn squared_norm_of(k: [f32; 4], matrix: &[f32], len: usize) -> f32 {
    let mut sum = [splat(0.0); 8];
    for at in (0..len).step_by(LANES) {
        let combined = combined(k, matrix, len, at);
        sum = each(sum, each(combined, combined, mul), add);
    }
    reduce(sum)
}

/// `out = k^T matrix`.
#[inline(never)]
fn up(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
    combine(out, k, matrix, |_, sum| sum);
}

/// `out += k^T matrix`, the sum formed first.
#[inline(never)]
fn up_add(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
    combine(out, k, matrix, add);
}

/// `y[i] += k * x[i]`.
fn axpy(y: &mut [f32], k: f32, x: &[f32]) {
    up_add(y, [k, 0.0, 0.0, 0.0], x);
}

/// `out = keep * out - factor * (k^T matrix)`: one row of an update.
#[inline(never)]
fn update_row(out: &mut [f32], keep: f32, factor: f32, k: [f32; 4], matrix: &[f32]) {
    let (keep, factor) = (splat(keep), splat(factor));
    combine(out, k, matrix, |old, sum| sub(mul(keep, old), mul(factor, sum)));
}

#[inline(always)]
fn combine(out: &mut [f32], k: [f32; 4], matrix: &[f32], new: impl Fn(Four, Four) -> Four) {
    let len = out.len();
    for (i, chunk) in out.chunks_mut(LANES).enumerate() {
        let sum = combined(k, matrix, len, i.wrapping_mul(LANES));
        let mut padded;
        let (values, rest) = match chunk.first_chunk_mut() {
            Some(full) => (full, &mut [][..]),
            None => {
                padded = filled_up(chunk);
                (&mut padded, chunk)
            }
        };
        let block = each(block(values), sum, &new);
        for (four, value) in values.as_chunks_mut().0.iter_mut().zip(block) {
            store(four, value);
        }
        copy(rest, values);
    }
}

/// 32 values of `k^T matrix`: `((k0 a + k1 b) + k2 c) + k3 d`, as many as there are rows.
#[inline(always)]
fn combined(k: [f32; 4], matrix: &[f32], len: usize, at: usize) -> Block {
    let mut terms = rows(matrix, len).zip(k).map(|(row, k)| {
        let k = splat(k);
        each([k; 8], block_at(row, at), mul)
    });
    let mut sum = terms.next().unwrap_or([splat(0.0); 8]);
    for term in terms {
        sum = each(sum, term, add);
    }
    sum
}

/// The block that begins at an index, filled up with zeros past the end of the row. They add nothing to
/// a sum that began with `+0`, which is never `-0`.
#[inline(always)]
fn block_at(row: &[f32], at: usize) -> Block {
    let rest = row.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(full) => block(full),
        None => block(&filled_up(rest)),
    }
}

#[inline(never)]
fn filled_up(rest: &[f32]) -> [f32; LANES] {
    let mut values = [0.0; LANES];
    copy(&mut values, rest);
    values
}

#[inline(always)]
fn block(values: &[f32; LANES]) -> Block {
    let [a, b, c, d, e, f, g, h] = values.as_chunks().0 else { return [splat(0.0); 8] };
    [load(a), load(b), load(c), load(d), load(e), load(f), load(g), load(h)]
}

#[inline(always)]
fn each(a: Block, b: Block, of: impl Fn(Four, Four) -> Four) -> Block {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = a;
    let [b0, b1, b2, b3, b4, b5, b6, b7] = b;
    [of(a0, b0), of(a1, b1), of(a2, b2), of(a3, b3), of(a4, b4), of(a5, b5), of(a6, b6), of(a7, b7)]
}
