//! Dot products of several rows with one vector.

use super::lanes::{Block, LANES, Lanes};

/// `dot(row, x)` for each of the rows, in as few passes as there are registers for.
#[inline(always)]
pub(super) fn dots<L: Lanes, const N: usize>(rows: [&[f32]; N], x: &[f32]) -> [f32; N] {
    let (dots, _) = match rows.as_slice() {
        [a, b, c, d] if !L::MANY => two_passes::<L, 2, 2, N, false>([a, b], [c, d], x),
        _ => one_pass::<L, N, false>(rows, x),
    };
    dots
}

/// The same, and `dot(x, x)`.
#[inline(always)]
pub(super) fn dots_and_square<L: Lanes, const N: usize>(rows: [&[f32]; N], x: &[f32]) -> ([f32; N], f32) {
    match rows.as_slice() {
        [a, b, c] if !L::MANY => two_passes::<L, 1, 2, N, true>([a], [b, c], x),
        [a, b, c, d] if !L::MANY => two_passes::<L, 2, 2, N, true>([a, b], [c, d], x),
        _ => one_pass::<L, N, true>(rows, x),
    }
}

#[inline(always)]
fn two_passes<L: Lanes, const A: usize, const B: usize, const N: usize, const SQUARE: bool>(
    a: [&[f32]; A],
    b: [&[f32]; B],
    x: &[f32],
) -> ([f32; N], f32) {
    let (a, square) = one_pass::<L, A, SQUARE>(a, x);
    let (b, _) = one_pass::<L, B, false>(b, x);
    let mut dots = [0.0; N];
    for (dot, value) in dots.iter_mut().zip(a.into_iter().chain(b)) {
        *dot = value;
    }
    (dots, square)
}

/// A loop over blocks of something and of one to four rows. Rows by name: an index into them would be checked in
/// every step, and cost the loop its registers.
macro_rules! for_blocks {
    ($first:expr, $rows:expr, |$x:pat_param, $at:ident| $body:block) => {
        match $rows.as_slice() {
            [a] => {
                for ($x, a) in $first.zip(*a) {
                    let $at = [a];
                    $body
                }
            }
            [a, b] => {
                for (($x, a), b) in $first.zip(*a).zip(*b) {
                    let $at = [a, b];
                    $body
                }
            }
            [a, b, c] => {
                for ((($x, a), b), c) in $first.zip(*a).zip(*b).zip(*c) {
                    let $at = [a, b, c];
                    $body
                }
            }
            [a, b, c, d] => {
                for (((($x, a), b), c), d) in $first.zip(*a).zip(*b).zip(*c).zip(*d) {
                    let $at = [a, b, c, d];
                    $body
                }
            }
            _ => {}
        }
    };
}

/// `dot(row, x)` for each of the rows, and `dot(x, x)` if it is asked for.
#[inline(always)]
fn one_pass<L: Lanes, const N: usize, const SQUARE: bool>(rows: [&[f32]; N], x: &[f32]) -> ([f32; N], f32) {
    let (mut sums, mut square) = ([L::splat(0.0); N], L::splat(0.0));
    let (x_blocks, rest) = x.as_chunks::<LANES>();
    let Some(blocks) = blocks(rows, x_blocks.len()) else { return ([0.0; N], 0.0) };
    for_blocks!(x_blocks.iter(), blocks, |x, rows| {
        let x = L::load(x);
        if SQUARE {
            square = square.plus_product(x, x);
        }
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = sum.plus_product(L::load(row), x);
        }
    });
    if !rest.is_empty() {
        let x = L::load(&rest_of(x));
        if SQUARE {
            square = square.plus_product(x, x);
        }
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = sum.plus_product(L::load(&rest_of(row)), x);
        }
    }
    (sums.map(L::sum), if SQUARE { square.sum() } else { 0.0 })
}

/// `dot(row, v)` for each of the rows and each of two vectors, and `dot(v, v)` if it is asked for: the rows are
/// read once.
#[inline(always)]
pub(super) fn dots_of_two<L: Lanes, const N: usize, const SQUARE: bool>(
    rows: [&[f32]; N],
    [x, y]: [&[f32]; 2],
) -> [([f32; N], f32); 2] {
    let nothing = ([L::splat(0.0); N], L::splat(0.0));
    let (mut of_x, mut of_y) = (nothing, nothing);
    let (x_blocks, rest) = x.as_chunks::<LANES>();
    let (Some([y_blocks]), Some(blocks)) = (blocks([y], x_blocks.len()), blocks(rows, x_blocks.len())) else {
        return [([0.0; N], 0.0); 2];
    };
    for_blocks!(x_blocks.iter().zip(y_blocks), blocks, |(x, y), rows| {
        let (x, y) = (L::load(x), L::load(y));
        if SQUARE {
            (of_x.1, of_y.1) = (of_x.1.plus_product(x, x), of_y.1.plus_product(y, y));
        }
        for ((of_x, of_y), row) in of_x.0.iter_mut().zip(&mut of_y.0).zip(rows) {
            let row = L::load(row);
            (*of_x, *of_y) = (of_x.plus_product(row, x), of_y.plus_product(row, y));
        }
    });
    if !rest.is_empty() {
        let (x, y) = (L::load(&rest_of(x)), L::load(&rest_of(y)));
        if SQUARE {
            (of_x.1, of_y.1) = (of_x.1.plus_product(x, x), of_y.1.plus_product(y, y));
        }
        for ((of_x, of_y), row) in of_x.0.iter_mut().zip(&mut of_y.0).zip(rows) {
            let row = L::load(&rest_of(row));
            (*of_x, *of_y) = (of_x.plus_product(row, x), of_y.plus_product(row, y));
        }
    }
    [of_x, of_y].map(|(sums, square)| (sums.map(L::sum), if SQUARE { square.sum() } else { 0.0 }))
}

/// The first blocks of each row; nothing if one has fewer.
#[inline(always)]
pub(super) fn blocks<const N: usize>(rows: [&[f32]; N], count: usize) -> Option<[&[Block]; N]> {
    let mut blocks: [&[Block]; N] = [&[]; N];
    for (blocks, row) in blocks.iter_mut().zip(rows) {
        *blocks = row.as_chunks().0.get(..count)?;
    }
    Some(blocks)
}

/// What is left of a row after its full blocks, filled up with zeros. They add nothing: a lane that
/// takes `0 * 0` keeps its bits, since a sum that began with `+0` is never `-0`.
#[inline(never)]
pub(super) fn rest_of(row: &[f32]) -> Block {
    let (_, rest) = row.as_chunks::<LANES>();
    let mut block = [0.0; LANES];
    for (value, rest) in block.iter_mut().zip(rest) {
        *value = *rest;
    }
    block
}

#[inline(always)]
pub(crate) fn pad<const FROM: usize, const TO: usize>(values: [f32; FROM]) -> [f32; TO] {
    let mut padded = [0.0; TO];
    for (padded, value) in padded.iter_mut().zip(values) {
        *padded = value;
    }
    padded
}
