//! The kernels for what every CPU of a target has, where it has vectors.

use core::slice;

use super::body::{Kernels, combine, first_rows};
use super::dots::rest_of;
use super::lanes::{Block, LANES, Lanes};

/// Row by row: what the compiler keeps in registers of any kind, and the least code. The one `dot` is
/// called, not inlined.
impl Kernels for Block {
    #[inline(never)]
    fn dot(a: &[f32], x: &[f32]) -> f32 {
        let mut lanes = [0.0; LANES];
        for (a, x) in a.as_chunks().0.iter().zip(x.as_chunks().0) {
            add_products(&mut lanes, a, x);
        }
        if !x.len().is_multiple_of(LANES) {
            add_products(&mut lanes, &rest_of(a), &rest_of(x));
        }
        lanes.sum()
    }

    #[inline(always)]
    fn down(matrix: &[f32], x: &[f32]) -> [f32; 4] {
        first_rows(matrix, x.len()).map(|row| if row.is_empty() { 0.0 } else { Self::dot(row, x) })
    }

    /// Cheaper without an instruction for the larger of two.
    #[inline(always)]
    fn square_bound(values: &[f32], _: usize) -> f32 {
        Self::dot(values, values)
    }

    #[inline(always)]
    fn down_and_square(matrix: &[f32], x: &[f32]) -> ([f32; 4], f32) {
        (Self::down(matrix, x), Self::dot(x, x))
    }

    #[inline(always)]
    fn squares_of(sums: &mut [f32], k: &[[f32; 4]], matrix: &[f32], len: usize) {
        let rows = first_rows(matrix, len);
        for (sum, k) in sums.iter_mut().zip(k) {
            let mut lanes = [0.0; LANES];
            let mut blocks = rows.map(|row| row.as_chunks::<LANES>().0.iter());
            for _ in 0..len / LANES {
                let [a, b, c, d] = &mut blocks;
                combine(lanes.iter_mut(), *k, [next(a), next(b), next(c), next(d)], add_square);
            }
            if !len.is_multiple_of(LANES) {
                let rests = rows.map(|row| row.as_chunks::<LANES>().1);
                combine(lanes.iter_mut(), *k, rests, add_square);
            }
            *sum = lanes.sum();
        }
    }
}

#[inline(always)]
fn next<'a>(blocks: &mut slice::Iter<'a, Block>) -> &'a [f32] {
    blocks.next().map_or(&[], Block::as_slice)
}

#[inline(always)]
fn add_square(lane: &mut f32, value: f32) {
    *lane += value * value;
}

#[inline(always)]
fn add_products(lanes: &mut Block, a: &Block, x: &Block) {
    for (lane, (a, x)) in lanes.iter_mut().zip(a.iter().zip(x)) {
        *lane += a * x;
    }
}
