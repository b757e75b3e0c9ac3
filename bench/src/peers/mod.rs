//! The contenders that are not MicroLoRA: libraries of linear algebra, each used as its documentation would have it,
//! and plain C.

mod faer;
mod nalgebra;
mod native;
mod ndarray;
mod runner;
mod scaled_gradient;

use micro_lora::Simd;

use crate::lora::Lora;

/// The products a LoRA needs. Everything above them (the softmax of a choice, the r x r matrices of a step) is
/// the same code for all peers: see `runner`.
pub trait Algebra {
    /// `y = s B (A x)`
    fn apply(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]);
    /// `y += s B (A x)`
    fn add(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]);
    /// `x += s B (A x)`
    fn residual(&mut self, lora: &Lora, x: &mut [f32]);
    /// [`apply`](Self::apply) for each of the `n` rows of `x`; `h` has room for `n * rank` values.
    fn apply_batch(&mut self, lora: &Lora, n: usize, x: &[f32], y: &mut [f32], h: &mut [f32]);
    /// `grad_b[r] += (A x)[r] g`, `grad_a[r] += s (B g)[r] x`
    fn gradient(&mut self, lora: &mut Lora, x: &[f32], g: &[f32]);
    /// [`gradient`](Self::gradient) for each of the `n` rows of `x` and `g`; `h` has room for `2 * n * rank`
    /// values.
    fn gradient_batch(&mut self, lora: &mut Lora, n: usize, x: &[f32], g: &[f32], h: &mut [f32]);
    /// `z = M v`, M a matrix of `z.len()` rows
    fn project(&mut self, m: &[f32], v: &[f32], z: &mut [f32]);
    /// `v = M^T z`
    fn combine(&mut self, m: &[f32], z: &[f32], v: &mut [f32]);
    /// `M M^T` for a matrix of `n` rows, in columns of 4
    fn gram(&mut self, m: &[f32], n: usize) -> [f32; 16];
    /// `M = keep M - W G`, then `G = 0`
    fn update(&mut self, m: &mut [f32], n: usize, keep: f32, w: &[f32; 16], g: &mut [f32]);
}

pub struct Peer {
    pub name: &'static str,
    /// The instructions it was compiled for; the best there are if it chooses by itself.
    pub simd: Option<Simd>,
    pub new: fn() -> Box<dyn Algebra>,
}

pub const PEERS: [Peer; 9] = [
    Peer { name: "Eigen SSE2", simd: Some(Simd::Portable), new: || Box::new(native::EIGEN_SSE2) },
    Peer { name: "Eigen AVX2+FMA", simd: Some(Simd::Avx2), new: || Box::new(native::EIGEN_AVX2) },
    Peer { name: "Eigen AVX-512", simd: Some(Simd::Avx512), new: || Box::new(native::EIGEN_AVX512) },
    Peer { name: OPENBLAS, simd: None, new: || Box::new(native::OPENBLAS) },
    Peer { name: "faer", simd: None, new: || Box::new(faer::Faer) },
    Peer { name: "nalgebra", simd: None, new: || Box::new(nalgebra::Nalgebra) },
    Peer { name: "ndarray", simd: None, new: || Box::new(ndarray::Ndarray) },
    Peer { name: "C", simd: None, new: || Box::new(native::PLAIN) },
    Peer { name: "C, -ffast-math", simd: None, new: || Box::new(native::PLAIN_FAST) },
];

pub const OPENBLAS: &str = "OpenBLAS";

pub use native::openblas_core;
pub use runner::contender;
