//! The turn of `A` towards the input directions that explain most of the learned preferences.

use super::{ETA, PRIOR};
use crate::adapter::view::AdapterMut;
use crate::kernel;

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
        move_rows(self.a, self.grad_a, self.input_sum, in_len, &Turn { eta, unit, u, along });
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
        let left = kernel::sqrt(kernel::dot(row, row));
        if left > 0.0 {
            kernel::scale(row, 1.0 / left);
        }
    }
}
