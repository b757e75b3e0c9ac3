//! nalgebra, the rank known to the compiler.

use nalgebra::{
    Const, DMatrixView, DMatrixViewMut, DVectorView, DVectorViewMut, Dyn, MatrixView, MatrixViewMut, SMatrix,
    SVector,
};

use super::algebra::Algebra;
use crate::lora::Lora;

pub struct Nalgebra;

/// Rank-major rows are the columns of the transpose.
fn columns<const R: usize>(m: &[f32]) -> MatrixView<'_, f32, Dyn, Const<R>> {
    MatrixView::<f32, Dyn, Const<R>>::from_slice_generic(m, Dyn(m.len() / R), Const)
}

fn columns_mut<const R: usize>(m: &mut [f32]) -> MatrixViewMut<'_, f32, Dyn, Const<R>> {
    let len = m.len() / R;
    MatrixViewMut::<f32, Dyn, Const<R>>::from_slice_generic(m, Dyn(len), Const)
}

fn down<const R: usize>(lora: &Lora, x: &[f32]) -> SVector<f32, R> {
    columns::<R>(&lora.a).tr_mul(&DVectorView::from_slice(x, x.len()))
}

fn up<const R: usize>(lora: &Lora, h: &SVector<f32, R>, keep: f32, y: &mut [f32]) {
    let len = y.len();
    DVectorViewMut::from_slice(y, len).gemv(lora.scaling, &columns::<R>(&lora.b), h, keep);
}

fn apply<const R: usize>(lora: &Lora, x: &[f32], keep: f32, y: &mut [f32]) {
    up::<R>(lora, &down(lora, x), keep, y);
}

fn residual<const R: usize>(lora: &Lora, x: &mut [f32]) {
    up::<R>(lora, &down(lora, x), 1.0, x);
}

fn apply_batch<const R: usize>(lora: &Lora, n: usize, x: &[f32], y: &mut [f32]) {
    let h = columns::<R>(&lora.a).tr_mul(&DMatrixView::from_slice(x, lora.shape.inputs, n));
    let mut y = DMatrixViewMut::from_slice(y, lora.shape.outputs, n);
    y.gemm(lora.scaling, &columns::<R>(&lora.b), &h, 0.0);
}

fn gradient<const R: usize>(lora: &mut Lora, x: &[f32], g: &[f32]) {
    let (x, g) = (DVectorView::from_slice(x, x.len()), DVectorView::from_slice(g, g.len()));
    let h: SVector<f32, R> = columns::<R>(&lora.a).tr_mul(&x);
    let t: SVector<f32, R> = columns::<R>(&lora.b).tr_mul(&g);
    columns_mut::<R>(&mut lora.grad_b).ger(1.0, &g, &h, 1.0);
    columns_mut::<R>(&mut lora.grad_a).ger(lora.scaling, &x, &t, 1.0);
}

fn gradient_batch<const R: usize>(lora: &mut Lora, n: usize, x: &[f32], g: &[f32]) {
    let x = DMatrixView::from_slice(x, lora.shape.inputs, n);
    let g = DMatrixView::from_slice(g, lora.shape.outputs, n);
    let h = columns::<R>(&lora.a).tr_mul(&x);
    let t = columns::<R>(&lora.b).tr_mul(&g);
    columns_mut::<R>(&mut lora.grad_b).gemm(1.0, &g, &h.transpose(), 1.0);
    columns_mut::<R>(&mut lora.grad_a).gemm(lora.scaling, &x, &t.transpose(), 1.0);
}

fn gram<const R: usize>(m: &[f32]) -> [f32; 16] {
    let m = columns::<R>(m);
    let product: SMatrix<f32, R, R> = m.tr_mul(&m);
    let mut gram = [0.0; 16];
    for (i, column) in product.column_iter().enumerate() {
        gram[4 * i..][..R].copy_from_slice(column.as_slice());
    }
    gram
}

fn update<const R: usize>(m: &mut [f32], keep: f32, w: &[f32; 16], g: &mut [f32]) {
    let w = SMatrix::<f32, R, R>::from_fn(|j, i| w[4 * j + i]);
    columns_mut::<R>(m).gemm(-1.0, &columns::<R>(g), &w, keep);
    g.fill(0.0);
}

macro_rules! for_rank {
    ($rank:expr, $function:ident($($argument:expr),*)) => {
        match $rank {
            1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            3 => $function::<3>($($argument),*),
            _ => $function::<4>($($argument),*),
        }
    };
}

impl Algebra for Nalgebra {
    fn apply(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]) {
        for_rank!(lora.shape.rank, apply(lora, x, 0.0, y));
    }

    fn add(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]) {
        for_rank!(lora.shape.rank, apply(lora, x, 1.0, y));
    }

    fn residual(&mut self, lora: &Lora, x: &mut [f32]) {
        for_rank!(lora.shape.rank, residual(lora, x));
    }

    fn apply_batch(&mut self, lora: &Lora, n: usize, x: &[f32], y: &mut [f32], _: &mut [f32]) {
        for_rank!(lora.shape.rank, apply_batch(lora, n, x, y));
    }

    fn gradient(&mut self, lora: &mut Lora, x: &[f32], g: &[f32]) {
        for_rank!(lora.shape.rank, gradient(lora, x, g));
    }

    fn gradient_batch(&mut self, lora: &mut Lora, n: usize, x: &[f32], g: &[f32], _: &mut [f32]) {
        for_rank!(lora.shape.rank, gradient_batch(lora, n, x, g));
    }

    fn project(&mut self, m: &[f32], v: &[f32], z: &mut [f32]) {
        let m = DMatrixView::from_slice(m, v.len(), z.len());
        let n = z.len();
        DVectorViewMut::from_slice(z, n).gemv_tr(1.0, &m, &DVectorView::from_slice(v, v.len()), 0.0);
    }

    fn combine(&mut self, m: &[f32], z: &[f32], v: &mut [f32]) {
        let len = v.len();
        let m = DMatrixView::from_slice(m, len, z.len());
        DVectorViewMut::from_slice(v, len).gemv(1.0, &m, &DVectorView::from_slice(z, z.len()), 0.0);
    }

    fn gram(&mut self, m: &[f32], n: usize) -> [f32; 16] {
        for_rank!(n, gram(m))
    }

    fn update(&mut self, m: &mut [f32], n: usize, keep: f32, w: &[f32; 16], g: &mut [f32]) {
        for_rank!(n, update(m, keep, w, g));
    }
}
