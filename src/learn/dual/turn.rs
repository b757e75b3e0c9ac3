//! The turn of `A` towards the input directions that explain most of the learned preferences.

use super::{ETA, PRIOR};
use crate::adapter::view::AdapterMut;
use crate::kernel;
use crate::profile::COUNTS_BYTES;

impl AdapterMut<'_> {
    /// One step of `A` towards the leading right singular vectors of `T = S - U (x) mu`, a power iteration, and back to
    /// orthonormal rows.
    pub(crate) fn turn(&mut self) {
        let in_len = self.header.in_len();
        let rank = self.header.rank as usize;
        // `T` in the units of the input is S - u (x) mean with this mean.
        let unit = 1.0 / (self.header.dual.lists as f32 + PRIOR);
        let mean_along = self.centre();
        let u = self.header.dual.u;
        let input_norm = self.header.dual.input_norm;
        if input_norm == 0.0 {
            return;
        }
        // |T|^2 and T A^T from the sums.
        let mean_squared = (unit * unit) * kernel::dot(self.input_sum, self.input_sum);
        let mut squared = 0.0;
        let mut along = [[0.0; 4]; 4];
        for ((row, u_r), along) in kernel::rows(self.grad_a, in_len).zip(u).zip(&mut along) {
            let across = unit * kernel::dot(row, self.input_sum);
            squared += (kernel::dot(row, row) - (2.0 * u_r) * across) + (u_r * u_r) * mean_squared;
            *along = kernel::down(self.a, row);
            for (along, mean) in along.iter_mut().zip(mean_along) {
                *along -= u_r * (mean / input_norm);
            }
        }
        if !(squared > 0.0 && squared.is_finite()) {
            return;
        }
        let eta = (ETA * kernel::sqrt(rank as f32)) / kernel::sqrt(squared);
        let turn = Turn { eta, unit, u, along };
        if COUNTS_BYTES {
            move_values(self.a, self.grad_a, self.input_sum, in_len, &turn);
        } else {
            move_rows(self.a, self.grad_a, self.input_sum, in_len, &turn);
        }
        straighten(self.a, in_len);
    }
}

/// What moves `A`: `A += eta ((S - u (x) unit Q) - along A)`.
struct Turn {
    eta: f32,
    unit: f32,
    u: [f32; 4],
    along: kernel::Square,
}

/// Column by column: every row of the old `A` is needed for each new one, and there is no room for both.
fn move_rows(a: &mut [f32], s: &[f32], q: &[f32], in_len: usize, turn: &Turn) {
    let (eta, unit) = (turn.eta, turn.unit);
    let [u0, u1, u2, u3] = turn.u;
    let [[m00, m01, m02, m03], [m10, m11, m12, m13], [m20, m21, m22, m23], [m30, m31, m32, m33]] = turn.along;
    let mut rows = kernel::rows_mut(a, in_len);
    let mut sums = kernel::rows(s, in_len);
    match (rows.next(), rows.next(), rows.next(), rows.next()) {
        (Some(a0), None, ..) => {
            let s0 = sums.next().unwrap_or_default();
            for ((a0, s0), q) in a0.iter_mut().zip(s0).zip(q) {
                let mean = unit * q;
                *a0 += eta * ((s0 - u0 * mean) - m00 * *a0);
            }
        }
        (Some(a0), Some(a1), None, _) => {
            let (s0, s1) = (sums.next().unwrap_or_default(), sums.next().unwrap_or_default());
            for ((((a0, a1), s0), s1), q) in a0.iter_mut().zip(a1).zip(s0).zip(s1).zip(q) {
                let (mean, b0, b1) = (unit * q, *a0, *a1);
                *a0 += eta * ((s0 - u0 * mean) - (m00 * b0 + m01 * b1));
                *a1 += eta * ((s1 - u1 * mean) - (m10 * b0 + m11 * b1));
            }
        }
        (Some(a0), Some(a1), Some(a2), None) => {
            let mut next = || sums.next().unwrap_or_default();
            let (s0, s1, s2) = (next(), next(), next());
            let rows = a0.iter_mut().zip(a1).zip(a2);
            for (((((a0, a1), a2), s0), (s1, s2)), q) in rows.zip(s0).zip(s1.iter().zip(s2)).zip(q) {
                let (mean, b0, b1, b2) = (unit * q, *a0, *a1, *a2);
                *a0 += eta * ((s0 - u0 * mean) - ((m00 * b0 + m01 * b1) + m02 * b2));
                *a1 += eta * ((s1 - u1 * mean) - ((m10 * b0 + m11 * b1) + m12 * b2));
                *a2 += eta * ((s2 - u2 * mean) - ((m20 * b0 + m21 * b1) + m22 * b2));
            }
        }
        (Some(a0), Some(a1), Some(a2), Some(a3)) => {
            let mut next = || sums.next().unwrap_or_default();
            let (s0, s1, s2, s3) = (next(), next(), next(), next());
            let rows = a0.iter_mut().zip(a1).zip(a2.iter_mut().zip(a3));
            let sums = s0.iter().zip(s1).zip(s2.iter().zip(s3));
            for ((((a0, a1), (a2, a3)), ((s0, s1), (s2, s3))), q) in rows.zip(sums).zip(q) {
                let (mean, b0, b1, b2, b3) = (unit * q, *a0, *a1, *a2, *a3);
                *a0 += eta * ((s0 - u0 * mean) - (((m00 * b0 + m01 * b1) + m02 * b2) + m03 * b3));
                *a1 += eta * ((s1 - u1 * mean) - (((m10 * b0 + m11 * b1) + m12 * b2) + m13 * b3));
                *a2 += eta * ((s2 - u2 * mean) - (((m20 * b0 + m21 * b1) + m22 * b2) + m23 * b3));
                *a3 += eta * ((s3 - u3 * mean) - (((m30 * b0 + m31 * b1) + m32 * b2) + m33 * b3));
            }
        }
        _ => {}
    }
}

/// The same bits in a sixth of the code, and more time.
fn move_values(a: &mut [f32], s: &[f32], q: &[f32], in_len: usize, turn: &Turn) {
    let at = |r: usize, i: usize| r.saturating_mul(in_len).saturating_add(i);
    let value = |rows: &[f32], r, i| rows.get(at(r, i)).copied();
    for (i, q) in q.iter().enumerate() {
        let mean = turn.unit * q;
        let before = [0, 1, 2, 3].map(|r| value(a, r, i));
        for (r, (u, along)) in turn.u.iter().zip(&turn.along).enumerate() {
            let Some(a) = a.get_mut(at(r, i)) else { break };
            // Adds nothing, not even to the sign of a zero.
            let mut sum = -0.0;
            for (m, before) in along.iter().zip(before) {
                let Some(before) = before else { break };
                sum += m * before;
            }
            *a += turn.eta * ((value(s, r, i).unwrap_or_default() - u * mean) - sum);
        }
    }
}

/// A shorter row, which only a forged state has, stays as it is: its squares can be subnormal, and its norm inexact.
const SHORT: f32 = 1e-15;

/// Gram-Schmidt on rows that are independent: after a turn each is at least as long as before across the others.
pub(super) fn straighten(a: &mut [f32], in_len: usize) {
    let rank = kernel::rows(a, in_len).len();
    for r in 0..rank {
        let Some((before, rest)) = a.split_at_mut_checked(r.saturating_mul(in_len)) else { return };
        let Some(row) = rest.get_mut(..in_len) else { return };
        for other in kernel::rows(before, in_len) {
            let along = kernel::dot(other, row);
            kernel::axpy(row, -along, other);
        }
        let left = kernel::norm(row);
        if left > SHORT {
            kernel::scale(row, 1.0 / left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_move_rows_have_the_same_bits() {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        for rank in 1..=4 {
            let in_len = 37;
            let mut row = |n| (0..n).map(|_| next()).collect::<Vec<f32>>();
            let (a, s, q) = (row(rank * in_len), row(rank * in_len), row(in_len));
            let mut along = [[0.0; 4]; 4];
            along.iter_mut().take(rank).for_each(|m| m.copy_from_slice(&row(4)));
            let turn = Turn { eta: 0.1, unit: 0.05, u: [0.3, -0.2, 0.7, 0.1], along };
            let (mut one, mut other) = (a.clone(), a);
            move_rows(&mut one, &s, &q, in_len, &turn);
            move_values(&mut other, &s, &q, in_len, &turn);
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&one), bits(&other), "rank {rank}");
        }
    }

    #[test]
    fn rows_too_short_for_their_squares_become_no_longer_than_one() {
        for value in [4e-23_f32, 1e-22, 1e-20, 1e-17, 1e-10] {
            let mut a = [0.0; 64];
            a[0] = 1.0;
            a[33..].fill(value);
            straighten(&mut a, 32);
            let norm = a[32..].iter().map(|a| a * a).sum::<f32>().sqrt();
            assert!(norm < 1.0 + 1e-6, "{value}: {norm}");
        }
    }
}
