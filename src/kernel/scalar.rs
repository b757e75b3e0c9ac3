//! Sums for cores without vectors, which have no registers for 32 lanes at once: four lanes at a time.
//! Each lane adds up what it always does, so the bits are the same.

#[cfg(any(target_arch = "arm", target_arch = "wasm32"))]
use super::body::{self, first_rows};
use super::lanes::{Block, LANES};
#[cfg(any(target_arch = "arm", target_arch = "wasm32"))]
use super::{copy, rows, rows_mut, scale};

/// The least code, too: one loop for every rank, called rather than inlined.
#[cfg(any(target_arch = "arm", target_arch = "wasm32"))]
impl body::Kernels for Block {
    fn dot(a: &[f32], x: &[f32]) -> f32 {
        dot(a, x)
    }

    #[inline(never)]
    fn down(matrix: &[f32], x: &[f32]) -> [f32; 4] {
        let mut h = [0.0; 4];
        Self::dot_rows(&mut h, matrix, x);
        h
    }

    fn down_and_square(matrix: &[f32], x: &[f32]) -> ([f32; 4], f32) {
        (Self::down(matrix, x), dot(x, x))
    }

    #[inline(never)]
    fn dot_rows(sums: &mut [f32], matrix: &[f32], x: &[f32]) {
        for (sum, row) in sums.iter_mut().zip(rows(matrix, x.len())) {
            *sum = dot(row, x);
        }
    }

    #[inline(never)]
    fn squares_of(sums: &mut [f32], k: &[[f32; 4]], matrix: &[f32], len: usize) {
        for (sum, k) in sums.iter_mut().zip(k) {
            *sum = squared_norm_of(k, matrix, len);
        }
    }

    /// Exact, for what a subtraction of a negative is.
    fn up_add(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
        Self::update_row(out, 1.0, -1.0, k, matrix);
    }

    fn up_onto(out: &mut [f32], base: &[f32], k: [f32; 4], matrix: &[f32]) {
        copy(out, base);
        Self::up_add(out, k, matrix);
    }

    #[inline(never)]
    fn update_row(out: &mut [f32], keep: f32, factor: f32, k: [f32; 4], matrix: &[f32]) {
        let rows = first_rows(matrix, out.len());
        body::combine(out.iter_mut(), k, rows, |o, sum| *o = keep * *o - factor * sum);
    }

    fn add_outer(matrix: &mut [f32], k: [f32; 4], x: &[f32]) {
        for (row, k) in rows_mut(matrix, x.len()).zip(k) {
            Self::axpy(row, k, x);
        }
    }

    #[inline(never)]
    fn mix(y: &mut [f32], keep: f32, factors: &[f32], vectors: &[f32]) {
        scale(y, keep);
        let len = y.len();
        for (k, row) in factors.iter().zip(rows(vectors, len)) {
            Self::axpy(y, *k, row);
        }
    }
}

/// As many lanes as a pass sums up: with more, their registers would have to be saved on the stack.
const AT_ONCE: usize = 4;

type Four = [f32; AT_ONCE];
type Sums = [Four; LANES / AT_ONCE];

/// `sum a[i] * x[i]` in the fixed order. Called, not inlined: its sums are a good part of a small stack.
#[inline(never)]
pub(crate) fn dot(a: &[f32], x: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (x, x_rest) = x.as_chunks::<LANES>();
    let mut sums = Sums::default();
    for (i, sums) in sums.iter_mut().enumerate() {
        // By name: at opt-level s a loop over them would go through memory.
        let [mut s0, mut s1, mut s2, mut s3] = Four::default();
        for (a, x) in a.iter().zip(x) {
            if let (Some([a0, a1, a2, a3]), Some([x0, x1, x2, x3])) = (four(a, i), four(x, i)) {
                s0 += a0 * x0;
                s1 += a1 * x1;
                s2 += a2 * x2;
                s3 += a3 * x3;
            }
        }
        *sums = [s0, s1, s2, s3];
    }
    for (sum, (a, x)) in sums.as_flattened_mut().iter_mut().zip(a_rest.iter().zip(x_rest)) {
        *sum += a * x;
    }
    reduce(&mut sums)
}

#[inline(always)]
fn four(block: &Block, i: usize) -> Option<&Four> {
    block.as_chunks().0.get(i)
}

/// `|k^T matrix|^2` for rows of `len`: the dot product of the combined row with itself.
#[inline(never)]
pub(crate) fn squared_norm_of(k: &[f32; 4], matrix: &[f32], len: usize) -> f32 {
    let mut sums = Sums::default();
    for i in 0..len {
        let mut column = matrix.get(i..).unwrap_or_default();
        // That it begins with +0 changes no square.
        let mut combined = 0.0;
        for k in k {
            let [value, ..] = column else { break };
            combined += k * value;
            column = column.get(len..).unwrap_or_default();
        }
        if let Some(sum) = sums.as_flattened_mut().get_mut(i % LANES) {
            *sum += combined * combined;
        }
    }
    reduce(&mut sums)
}

/// Lane `j` takes lane `j + 16`, then `j + 8`, `4`, `2`, `1`.
#[inline(never)]
fn reduce(sums: &mut Sums) -> f32 {
    for half in [4, 2, 1] {
        if let Some((low, high)) = sums.split_at_mut_checked(half) {
            for (low, high) in low.as_flattened_mut().iter_mut().zip(high.as_flattened()) {
                *low += high;
            }
        }
    }
    let [[a, b, c, d], ..] = *sums;
    (a + c) + (b + d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel;

    #[test]
    fn a_sum_is_the_same_eight_lanes_at_a_time() {
        for n in (0..140).chain([383, 384, 385, 768]) {
            let a: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
            let x: Vec<f32> = (0..n).map(|i| (i as f32 * 1.13).cos()).collect();
            assert_eq!(dot(&a, &x).to_bits(), kernel::dot(&a, &x).to_bits(), "length {n}");
        }
    }

    #[test]
    fn the_norm_of_a_combined_row_is_the_same_eight_lanes_at_a_time() {
        for n in [1, 7, 8, 31, 32, 33, 100, 384] {
            let matrix: Vec<f32> = (0..4 * n).map(|i| (i as f32 * 0.73).sin()).collect();
            for rank in 1..=4 {
                let rows = &matrix[..rank * n];
                let k = [0.7, -1.3, 0.2, 2.1];
                let mut combined = vec![0.0; n];
                kernel::up(&mut combined, k, rows);
                let expected = kernel::dot(&combined, &combined);
                assert_eq!(squared_norm_of(&k, rows, n).to_bits(), expected.to_bits(), "{rank} x {n}");
            }
        }
    }
}
