//! faer, sequential.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::algebra::Algebra;
use crate::lora::Lora;

pub struct Faer;

fn rows(m: &[f32], n: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(m, n, m.len() / n)
}

fn rows_mut(m: &mut [f32], n: usize) -> MatMut<'_, f32> {
    let len = m.len() / n;
    MatMut::from_row_major_slice_mut(m, n, len)
}

fn column(v: &[f32]) -> MatRef<'_, f32> {
    MatRef::from_column_major_slice(v, v.len(), 1)
}

fn column_mut(v: &mut [f32]) -> MatMut<'_, f32> {
    let len = v.len();
    MatMut::from_column_major_slice_mut(v, len, 1)
}

fn product(to: MatMut<'_, f32>, accum: Accum, a: MatRef<'_, f32>, b: MatRef<'_, f32>, factor: f32) {
    matmul(to, accum, a, b, factor, Par::Seq);
}

fn down(lora: &Lora, x: &[f32]) -> [f32; 4] {
    let rank = lora.shape.rank;
    let mut h = [0.0; 4];
    product(column_mut(&mut h[..rank]), Accum::Replace, rows(&lora.a, rank), column(x), lora.scaling);
    h
}

fn up(lora: &Lora, h: [f32; 4], accum: Accum, y: &mut [f32]) {
    let rank = lora.shape.rank;
    product(column_mut(y), accum, rows(&lora.b, rank).transpose(), column(&h[..rank]), 1.0);
}

impl Algebra for Faer {
    fn apply(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]) {
        up(lora, down(lora, x), Accum::Replace, y);
    }

    fn add(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]) {
        up(lora, down(lora, x), Accum::Add, y);
    }

    fn residual(&mut self, lora: &Lora, x: &mut [f32]) {
        up(lora, down(lora, x), Accum::Add, x);
    }

    fn apply_batch(&mut self, lora: &Lora, n: usize, x: &[f32], y: &mut [f32], h: &mut [f32]) {
        let rank = lora.shape.rank;
        let h = &mut h[..n * rank];
        let to_rank = rows(&lora.a, rank).transpose();
        product(rows_mut(h, n), Accum::Replace, rows(x, n), to_rank, lora.scaling);
        product(rows_mut(y, n), Accum::Replace, rows(h, n), rows(&lora.b, rank), 1.0);
    }

    fn gradient(&mut self, lora: &mut Lora, x: &[f32], g: &[f32]) {
        let rank = lora.shape.rank;
        let (mut h, mut t) = ([0.0; 4], [0.0; 4]);
        product(column_mut(&mut h[..rank]), Accum::Replace, rows(&lora.a, rank), column(x), 1.0);
        product(column_mut(&mut t[..rank]), Accum::Replace, rows(&lora.b, rank), column(g), lora.scaling);
        let (grad_a, grad_b) = (rows_mut(&mut lora.grad_a, rank), rows_mut(&mut lora.grad_b, rank));
        product(grad_b, Accum::Add, column(&h[..rank]), column(g).transpose(), 1.0);
        product(grad_a, Accum::Add, column(&t[..rank]), column(x).transpose(), 1.0);
    }

    fn gradient_batch(&mut self, lora: &mut Lora, n: usize, x: &[f32], g: &[f32], h: &mut [f32]) {
        let rank = lora.shape.rank;
        let (h, t) = h[..2 * n * rank].split_at_mut(n * rank);
        let (to_rank_a, to_rank_b) = (rows(&lora.a, rank).transpose(), rows(&lora.b, rank).transpose());
        product(rows_mut(h, n), Accum::Replace, rows(x, n), to_rank_a, 1.0);
        product(rows_mut(t, n), Accum::Replace, rows(g, n), to_rank_b, lora.scaling);
        let (grad_a, grad_b) = (rows_mut(&mut lora.grad_a, rank), rows_mut(&mut lora.grad_b, rank));
        product(grad_b, Accum::Add, rows(h, n).transpose(), rows(g, n), 1.0);
        product(grad_a, Accum::Add, rows(t, n).transpose(), rows(x, n), 1.0);
    }

    fn project(&mut self, m: &[f32], v: &[f32], z: &mut [f32]) {
        let n = z.len();
        product(column_mut(z), Accum::Replace, rows(m, n), column(v), 1.0);
    }

    fn combine(&mut self, m: &[f32], z: &[f32], v: &mut [f32]) {
        product(column_mut(v), Accum::Replace, rows(m, z.len()).transpose(), column(z), 1.0);
    }

    fn gram(&mut self, m: &[f32], n: usize) -> [f32; 16] {
        let mut gram = [0.0; 16];
        let to = MatMut::from_column_major_slice_with_stride_mut(&mut gram[..4 * n], n, n, 4);
        product(to, Accum::Replace, rows(m, n), rows(m, n).transpose(), 1.0);
        gram
    }

    fn update(&mut self, m: &mut [f32], n: usize, keep: f32, w: &[f32; 16], g: &mut [f32]) {
        // `keep` first, since `matmul` adds to the output and scales only the product.
        for value in &mut *m {
            *value *= keep;
        }
        let w = MatRef::from_column_major_slice_with_stride(&w[..4 * n], n, n, 4);
        product(rows_mut(m, n), Accum::Add, w, rows(g, n), -1.0);
        g.fill(0.0);
    }
}
