//! The default step of MicroLoRA with a peer's products: `src/learn/step.rs` has the formula.

use super::algebra::Algebra;
use crate::lora::{Lora, Shape};
use crate::operation::{LEARNING_RATE, State};

const DAMPING: f32 = 0.3;
const WINDOW: f32 = 0.03;
const RATE_A: f32 = 30.0;
const RATE_C: f32 = 15.0;
const HORIZON: f32 = 50.0;
const KEEP: f32 = 0.9997;
const GUARD_FROM: u32 = 10;
const GUARD_FACTOR: f32 = 4.0;

type Square = [f32; 16];

pub struct ScaledGradient {
    /// `B B^T`, kept from one step to the next, since the output guard needs it.
    gram_b: Square,
    mean_squares: [f32; 2],
    filled: f32,
    updates: u32,
}

impl ScaledGradient {
    pub fn new(algebra: &mut dyn Algebra, lora: &Lora) -> Self {
        let gram_b = algebra.gram(&lora.b, lora.shape.rank);
        Self { gram_b, mean_squares: [0.0; 2], filled: 0.0, updates: 0 }
    }

    pub fn apply(&mut self, algebra: &mut dyn Algebra, state: &mut State) {
        let lora = &mut state.lora;
        let Shape { rank, .. } = lora.shape;
        let squared_scaling = lora.scaling * lora.scaling;
        let inverse_c = inverse(&self.gram_b.map(|value| squared_scaling * value), rank);
        let inverse_a = inverse(&algebra.gram(&lora.a, rank), rank);
        let norms = [
            norm(&inverse_c, &algebra.gram(&lora.grad_a, rank), rank),
            norm(&inverse_a, &algebra.gram(&lora.grad_b, rank), rank),
        ];
        let eta = LEARNING_RATE / (1.0 + (self.updates + 1) as f32 / HORIZON).sqrt();
        let [k_a, k_c] = self.shares(norms);
        let k_a = eta * RATE_A * k_a;
        let k_b = eta * RATE_C / lora.scaling * k_c;
        algebra.update(&mut lora.a, rank, 1.0, &inverse_c.map(|w| k_a * w), &mut lora.grad_a);
        algebra.update(&mut lora.b, rank, KEEP, &inverse_a.map(|w| k_b * w), &mut lora.grad_b);
        self.gram_b = algebra.gram(&lora.b, rank);
    }

    /// The factor of each direction: `1 / rms`, less for an outlier.
    fn shares(&mut self, norms: [f32; 2]) -> [f32; 2] {
        let filled = self.filled + WINDOW * (1.0 - self.filled);
        let mut shares = [0.0; 2];
        for ((share, norm), v) in shares.iter_mut().zip(norms).zip(&mut self.mean_squares) {
            let limit = GUARD_FACTOR * ((*v / self.filled).sqrt() + 1e-8);
            let kept = if self.updates < GUARD_FROM { norm } else { norm.min(limit) };
            *v += WINDOW * (kept * kept - *v);
            *share = kept / norm / ((*v / filled).sqrt() + 1e-8);
        }
        self.filled = filled;
        self.updates += 1;
        shares
    }
}

/// `sqrt(tr(W gram W^T))`
fn norm(w: &Square, gram: &Square, n: usize) -> f32 {
    let mut trace = 0.0;
    for i in 0..n {
        for j in 0..n {
            for k in 0..n {
                trace += w[4 * j + i] * gram[4 * k + j] * w[4 * k + i];
            }
        }
    }
    trace.sqrt()
}

/// `(gram + damping I)^-1` by Gauss-Jordan elimination, without pivoting: the matrix is positive definite.
fn inverse(gram: &Square, n: usize) -> Square {
    let mut m = *gram;
    let mut inverse = [0.0; 16];
    for i in 0..n {
        m[4 * i + i] += DAMPING;
        inverse[4 * i + i] = 1.0;
    }
    for i in 0..n {
        let pivot = 1.0 / m[4 * i + i];
        for k in 0..n {
            m[4 * i + k] *= pivot;
            inverse[4 * i + k] *= pivot;
        }
        for j in (0..n).filter(|j| *j != i) {
            let factor = m[4 * j + i];
            for k in 0..n {
                m[4 * j + k] -= factor * m[4 * i + k];
                inverse[4 * j + k] -= factor * inverse[4 * i + k];
            }
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_times_matrix_is_the_identity() {
        let gram = [2.0, 0.5, 0.1, 0.0, 0.5, 3.0, -0.4, 0.0, 0.1, -0.4, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let inverse = inverse(&gram, 3);
        for i in 0..3 {
            for j in 0..3 {
                let damped = |k: usize| gram[4 * k + i] + if i == k { DAMPING } else { 0.0 };
                let product: f32 = (0..3).map(|k| damped(k) * inverse[4 * j + k]).sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-6, "[{i}][{j}]: {product}");
            }
        }
    }
}
