//! ndarray, with `matrixmultiply` below it.

use ndarray::linalg::{general_mat_mul, general_mat_vec_mul};
use ndarray::{Array1, ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2};

use super::algebra::Algebra;
use crate::lora::Lora;

pub struct Ndarray;

fn matrix(m: &[f32], rows: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, m.len() / rows), m).expect("whole rows")
}

fn matrix_mut(m: &mut [f32], rows: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape((rows, m.len() / rows), m).expect("whole rows")
}

fn down(lora: &Lora, x: &[f32]) -> Array1<f32> {
    matrix(&lora.a, lora.shape.rank).dot(&ArrayView1::from(x))
}

fn up(lora: &Lora, h: &Array1<f32>, keep: f32, y: &mut [f32]) {
    let b = matrix(&lora.b, lora.shape.rank);
    general_mat_vec_mul(lora.scaling, &b.t(), h, keep, &mut ArrayViewMut1::from(y));
}

impl Algebra for Ndarray {
    fn apply(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]) {
        up(lora, &down(lora, x), 0.0, y);
    }

    fn add(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]) {
        up(lora, &down(lora, x), 1.0, y);
    }

    fn residual(&mut self, lora: &Lora, x: &mut [f32]) {
        up(lora, &down(lora, x), 1.0, x);
    }

    fn apply_batch(&mut self, lora: &Lora, n: usize, x: &[f32], y: &mut [f32], h: &mut [f32]) {
        let rank = lora.shape.rank;
        let mut h = matrix_mut(&mut h[..n * rank], n);
        general_mat_mul(lora.scaling, &matrix(x, n), &matrix(&lora.a, rank).t(), 0.0, &mut h);
        general_mat_mul(1.0, &h, &matrix(&lora.b, rank), 0.0, &mut matrix_mut(y, n));
    }

    fn gradient(&mut self, lora: &mut Lora, x: &[f32], g: &[f32]) {
        let rank = lora.shape.rank;
        let (x, g) = (ArrayView1::from(x), ArrayView1::from(g));
        let h = matrix(&lora.a, rank).dot(&x);
        let t = matrix(&lora.b, rank).dot(&g) * lora.scaling;
        let (mut grad_a, mut grad_b) =
            (matrix_mut(&mut lora.grad_a, rank), matrix_mut(&mut lora.grad_b, rank));
        for r in 0..rank {
            grad_b.row_mut(r).scaled_add(h[r], &g);
            grad_a.row_mut(r).scaled_add(t[r], &x);
        }
    }

    fn gradient_batch(&mut self, lora: &mut Lora, n: usize, x: &[f32], g: &[f32], h: &mut [f32]) {
        let rank = lora.shape.rank;
        let (h, t) = h[..2 * n * rank].split_at_mut(n * rank);
        let (x, g) = (matrix(x, n), matrix(g, n));
        general_mat_mul(1.0, &x, &matrix(&lora.a, rank).t(), 0.0, &mut matrix_mut(h, n));
        general_mat_mul(lora.scaling, &g, &matrix(&lora.b, rank).t(), 0.0, &mut matrix_mut(t, n));
        general_mat_mul(1.0, &matrix(h, n).t(), &g, 1.0, &mut matrix_mut(&mut lora.grad_b, rank));
        general_mat_mul(1.0, &matrix(t, n).t(), &x, 1.0, &mut matrix_mut(&mut lora.grad_a, rank));
    }

    fn project(&mut self, m: &[f32], v: &[f32], z: &mut [f32]) {
        let m = matrix(m, z.len());
        general_mat_vec_mul(1.0, &m, &ArrayView1::from(v), 0.0, &mut ArrayViewMut1::from(z));
    }

    fn combine(&mut self, m: &[f32], z: &[f32], v: &mut [f32]) {
        let m = matrix(m, z.len());
        general_mat_vec_mul(1.0, &m.t(), &ArrayView1::from(z), 0.0, &mut ArrayViewMut1::from(v));
    }

    fn gram(&mut self, m: &[f32], n: usize) -> [f32; 16] {
        let (m, mut gram) = (matrix(m, n), [0.0; 16]);
        for i in 0..n {
            for j in 0..=i {
                let dot = m.row(i).dot(&m.row(j));
                (gram[4 * i + j], gram[4 * j + i]) = (dot, dot);
            }
        }
        gram
    }

    fn update(&mut self, m: &mut [f32], n: usize, keep: f32, w: &[f32; 16], g: &mut [f32]) {
        let mut m = matrix_mut(m, n);
        let gradient = matrix(g, n);
        for i in 0..n {
            let mut row = m.row_mut(i);
            row *= keep;
            for j in 0..n {
                row.scaled_add(-w[4 * j + i], &gradient.row(j));
            }
        }
        g.fill(0.0);
    }
}
