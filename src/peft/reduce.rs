//! A module of a larger rank as one of rank 1 to 4: the best approximation of `B A` that there is.
//!
//! With `B = Q_B R_B` and `A^T = Q_A R_A`, the singular values of `B A` are those of the small `K = R_B R_A^T`. Both R
//! are Cholesky factors of the Gram matrices `B^T B` and `A A^T`, so that neither Q is ever there. One-sided Jacobi
//! rotations (Hestenes 1958) make the rows of K orthogonal: row j is then `sigma_j v_j`. The left vectors are
//! `B t_j / sigma_j` with `t_j = R_A^T v_j`, the right ones `(B t_j)^T B A / sigma_j^2` (Eckart and Young 1936 for what
//! they are good for). In f64, in a fixed order: the same bits everywhere.

use super::modules::Pair;
use crate::adapter::header::Header;
use crate::error::{Error, Result};
use crate::kernel;

/// The largest `r` that can be reduced.
pub(super) const MAX_REDUCED: usize = 64;

/// A rotation that changes less than this changes nothing.
const CLOSE: f64 = 1e-15;
/// Of the rotations of all pairs of rows: eight are usual.
const SWEEPS: u32 = 40;
/// A row that is so far a sum of those before, as a share of its square, is one: rounding gave the rest.
const DEPENDENT: f64 = 4e-15;

type Row = [f64; MAX_REDUCED];
type Rows = [Row; MAX_REDUCED];

/// What became of a module that was loaded with
/// [`Learn::load_safetensors_reduced`](crate::Learn::load_safetensors_reduced).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reduction {
    /// `r` in the file.
    pub rank: usize,
    /// The share of `|B A|` (the Frobenius norm) that the adapter has, 0 to 1.
    pub kept: f32,
}

/// The directions to keep.
pub(super) struct Plan {
    /// `t_j`, a combination of the columns of `B` each.
    columns: [Row; 4],
    sigma: [f64; 4],
    pub(super) kept: f32,
}

impl Plan {
    /// Of the file's matrices, whose values have been found usable.
    pub(super) fn of(pair: &Pair<'_>, rank: usize) -> Self {
        let (mut r_a, mut k) = ([[0.0; MAX_REDUCED]; MAX_REDUCED], [[0.0; MAX_REDUCED]; MAX_REDUCED]);
        for i in 0..pair.in_features {
            add_outer(&mut r_a, &column_of_a(pair, i));
        }
        for o in 0..pair.out_features {
            add_outer(&mut k, &row_of_b(pair, o));
        }
        factor(&mut r_a);
        factor(&mut k);
        for row in &mut k {
            let r_b = *row;
            for (value, r_a) in row.iter_mut().zip(&r_a) {
                *value = dot(&r_b, r_a);
            }
        }
        orthogonalise(&mut k, pair.rank);
        Self::largest(&k, &r_a, rank)
    }

    fn largest(k: &Rows, r_a: &Rows, rank: usize) -> Self {
        let mut squares = k.each_ref().map(|row| dot(row, row));
        let total = squares.iter().fold(0.0, |sum, square| sum + square);
        let mut plan = Self { columns: [[0.0; MAX_REDUCED]; 4], sigma: [0.0; 4], kept: 1.0 };
        let mut sum = 0.0;
        for (column, sigma) in plan.columns.iter_mut().zip(&mut plan.sigma).take(rank) {
            let mut best =
                (squares.iter_mut().zip(k)).fold(None, |best: Option<(&mut f64, &Row)>, next| match best {
                    Some(best) if *best.0 >= *next.0 => Some(best),
                    _ => Some(next),
                });
            let Some((square, row)) = best.take() else { break };
            // What rounding leaves of a value that is 0.
            if *square <= total * 1e-28 {
                break;
            }
            *sigma = libm::sqrt(*square);
            for (v, r_a) in row.iter().zip(r_a) {
                add(column, *v / *sigma, r_a);
            }
            sum += *square;
            *square = -1.0;
        }
        if total > 0.0 {
            plan.kept = libm::sqrt((sum / total).min(1.0)) as f32;
        }
        plan
    }

    /// Refuses what would be too large to train on. Both matrices will be `sqrt(scaling sigma)` long in each direction.
    pub(super) fn check(&self, scaling: f32, limit: f32) -> Result<()> {
        let square = self.sigma.iter().fold(0.0, |sum, sigma| sum + sigma) * f64::from(scaling);
        if libm::sqrt(square) <= f64::from(limit) { Ok(()) } else { Err(Error::Overflow { what: "B A" }) }
    }

    /// Writes both matrices. A direction that is not needed is as in a fresh adapter.
    pub(super) fn write(&self, pair: &Pair<'_>, header: &Header, lora_a: &mut [f32], lora_b: &mut [f32]) {
        let scaling = f64::from(header.scaling);
        let rows_a = lora_a.chunks_mut(pair.in_features.max(1));
        let rows_b = lora_b.chunks_mut(pair.out_features.max(1));
        let mut seed = header.seed;
        for ((a, b), (column, sigma)) in rows_a.zip(rows_b).zip(self.columns.iter().zip(self.sigma)) {
            if sigma == 0.0 {
                kernel::fill_uniform(a, kernel::sqrt(3.0 / header.in_features as f32), seed);
                kernel::clear(b);
                seed = seed.wrapping_add(1);
                continue;
            }
            let length = libm::sqrt(sigma * scaling);
            let mut row = [0.0; MAX_REDUCED];
            for (o, to) in b.iter_mut().enumerate() {
                let from = row_of_b(pair, o);
                let value = dot(&from, column);
                add(&mut row, value, &from);
                *to = (value / length) as f32;
            }
            for (i, to) in a.iter_mut().enumerate() {
                *to = (dot(&column_of_a(pair, i), &row) / (sigma * sigma) * length) as f32;
            }
        }
    }
}

/// Of `[r, in]`.
fn column_of_a(pair: &Pair<'_>, i: usize) -> Row {
    values(pair.rank, |r| pair.a.get(r.saturating_mul(pair.in_features).saturating_add(i)))
}

/// Of `[out, r]`.
fn row_of_b(pair: &Pair<'_>, o: usize) -> Row {
    values(pair.rank, |r| pair.b.get(o.saturating_mul(pair.rank).saturating_add(r)))
}

fn values(rank: usize, get: impl Fn(usize) -> f32) -> Row {
    let mut row = [0.0; MAX_REDUCED];
    for (r, value) in row.iter_mut().enumerate().take(rank) {
        *value = f64::from(get(r));
    }
    row
}

fn dot(one: &Row, two: &Row) -> f64 {
    one.iter().zip(two).fold(0.0, |sum, (one, two)| sum + one * two)
}

/// `to += factor * from`
fn add(to: &mut Row, factor: f64, from: &Row) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// `sums += v v^T`
fn add_outer(sums: &mut Rows, v: &Row) {
    for (row, value) in sums.iter_mut().zip(v) {
        if *value != 0.0 {
            add(row, *value, v);
        }
    }
}

/// The Gram matrix by its upper Cholesky factor. A row that depends on those before becomes 0.
fn factor(rows: &mut Rows) {
    let mut rest = &mut rows[..];
    let mut i = 0usize;
    let diagonal = |row: &Row, i: usize| row.get(i).copied().unwrap_or_default();
    let mut squares = [0.0; MAX_REDUCED];
    for (i, (square, row)) in squares.iter_mut().zip(&*rest).enumerate() {
        *square = diagonal(row, i);
    }
    while let Some((row, below)) = rest.split_first_mut() {
        let pivot = diagonal(row, i);
        let square = squares.get(i).copied().unwrap_or_default();
        let inverse = if pivot > square * DEPENDENT { 1.0 / libm::sqrt(pivot) } else { 0.0 };
        for (j, value) in row.iter_mut().enumerate() {
            *value = if j < i { 0.0 } else { *value * inverse };
        }
        for (other, factor) in below.iter_mut().zip(row.iter().skip(i.saturating_add(1))) {
            add(other, -*factor, row);
        }
        rest = below;
        i = i.saturating_add(1);
    }
}

/// Rotates rows, two at a time, until all are orthogonal to one another.
fn orthogonalise(rows: &mut Rows, rank: usize) {
    for _ in 0..SWEEPS {
        let mut is_done = true;
        let mut rest = rows.get_mut(..rank).unwrap_or_default();
        while let Some((one, below)) = rest.split_first_mut() {
            for two in &mut *below {
                is_done &= rotate(one, two);
            }
            rest = below;
        }
        if is_done {
            return;
        }
    }
}

/// Whether the two were orthogonal already.
fn rotate(one: &mut Row, two: &mut Row) -> bool {
    let (square_1, square_2, product) = (dot(one, one), dot(two, two), dot(one, two));
    if product.abs() <= CLOSE * libm::sqrt(square_1 * square_2) {
        return true;
    }
    let zeta = (square_2 - square_1) / (2.0 * product);
    let tangent = (if zeta < 0.0 { -1.0 } else { 1.0 }) / (zeta.abs() + libm::sqrt(1.0 + zeta * zeta));
    let cosine = 1.0 / libm::sqrt(1.0 + tangent * tangent);
    let sine = cosine * tangent;
    for (one, two) in one.iter_mut().zip(two) {
        (*one, *two) = (cosine * *one - sine * *two, sine * *one + cosine * *two);
    }
    false
}
