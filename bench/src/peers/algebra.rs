//! The products that every peer provides.

use crate::lora::Lora;

/// The products that a LoRA needs. The code above them (the softmax of a choice, the r x r matrices of a step) is
/// the same for all peers: see `runner`.
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
