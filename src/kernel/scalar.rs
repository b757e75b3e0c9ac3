//! Sums for cores without vectors, which have no registers for 32 lanes at once: eight lanes at a time.
//! Each lane adds up what it always does, so the bits are the same.

use super::lanes::LANES;
use super::rows;
#[cfg(target_arch = "arm")]
use super::{copy, rows_mut, scale};

/// The least code, too: one loop for every rank, called rather than inlined.
#[cfg(target_arch = "arm")]
impl super::body::Kernels for super::lanes::Block {
    fn dot(a: &[f32], x: &[f32]) -> f32 {
        dot(a, x)
    }

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

    #[inline(never)]
    fn squares_of(sums: &mut [f32], k: &[[f32; 4]], matrix: &[f32], len: usize) {
        for (sum, k) in sums.iter_mut().zip(k) {
            *sum = squared_norm_of(*k, matrix, len);
        }
    }

    fn up_onto(out: &mut [f32], base: &[f32], k: [f32; 4], matrix: &[f32]) {
        copy(out, base);
        Self::up_add(out, k, matrix);
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

/// As many lanes as there are registers for, beside what they multiply.
const AT_ONCE: usize = 8;

type Eight = [f32; AT_ONCE];

/// `sum a[i] * x[i]` in the fixed order. Called, not inlined: its sums are a good part of a small stack.
#[inline(never)]
pub(crate) fn dot(a: &[f32], x: &[f32]) -> f32 {
    let len = a.len().min(x.len());
    let mut sums = [Eight::default(); LANES / AT_ONCE];
    let mut first = 0usize;
    for sums in &mut sums {
        eight_lanes(sums, a.get(first..len).unwrap_or_default(), x.get(first..len).unwrap_or_default());
        first = first.saturating_add(AT_ONCE);
    }
    reduce(&mut sums)
}

/// The sums of the first eight lanes.
#[inline(never)]
fn eight_lanes(sums: &mut Eight, a: &[f32], x: &[f32]) {
    let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5, mut s6, mut s7] = Eight::default();
    let (mut a, mut x) = (a.chunks_exact(LANES), x.chunks_exact(LANES));
    for (a, x) in a.by_ref().zip(x.by_ref()) {
        if let (Some(a), Some(x)) = (a.first_chunk(), x.first_chunk()) {
            // By name: at opt-level s a loop over them would go through memory.
            let ([a0, a1, a2, a3, a4, a5, a6, a7], [x0, x1, x2, x3, x4, x5, x6, x7]): (&Eight, &Eight) =
                (a, x);
            s0 += a0 * x0;
            s1 += a1 * x1;
            s2 += a2 * x2;
            s3 += a3 * x3;
            s4 += a4 * x4;
            s5 += a5 * x5;
            s6 += a6 * x6;
            s7 += a7 * x7;
        }
    }
    *sums = [s0, s1, s2, s3, s4, s5, s6, s7];
    for (sum, (a, x)) in sums.iter_mut().zip(a.remainder().iter().zip(x.remainder())) {
        *sum += a * x;
    }
}

/// `|k^T matrix|^2` for rows of `len`: the dot product of the combined row with itself.
#[inline(never)]
pub(crate) fn squared_norm_of(k: [f32; 4], matrix: &[f32], len: usize) -> f32 {
    let mut sums = [Eight::default(); LANES / AT_ONCE];
    let mut start = 0usize;
    while start < len {
        for sums in &mut sums {
            // Past the end it stays zero, which adds nothing to a lane: none of them is ever -0.
            let mut combined = Eight::default();
            for (k, row) in k.iter().zip(rows(matrix, len)) {
                let rest = row.get(start..).unwrap_or_default();
                match rest.first_chunk::<AT_ONCE>() {
                    // A loop whose length the compiler knows.
                    Some(values) => add_times(&mut combined, *k, values),
                    None => add_times(&mut combined, *k, rest),
                }
            }
            for (sum, value) in sums.iter_mut().zip(combined) {
                *sum += value * value;
            }
            start = start.saturating_add(AT_ONCE);
        }
    }
    reduce(&mut sums)
}

#[inline(always)]
fn add_times<'a>(sums: &mut Eight, k: f32, values: impl IntoIterator<Item = &'a f32>) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += k * value;
    }
}

/// Lane `j` takes lane `j + 16`, then `j + 8`, `4`, `2`, `1`.
fn reduce([a, b, c, d]: &mut [Eight; LANES / AT_ONCE]) -> f32 {
    add(a, c);
    add(b, d);
    add(a, b);
    let [a, b, c, d, e, f, g, h] = a;
    ((*a + *e) + (*c + *g)) + ((*b + *f) + (*d + *h))
}

fn add(to: &mut Eight, from: &Eight) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
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
                assert_eq!(squared_norm_of(k, rows, n).to_bits(), expected.to_bits(), "{rank} x {n}");
            }
        }
    }
}
