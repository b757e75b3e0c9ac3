//! Fused kernels: all passes over memory that one call needs, in one function that knows the rank at compile
//! time. Intermediate values stay in registers, and the instruction set is chosen once per call.
//!
//! A fused kernel may decline: it then writes nothing (of several vectors: nothing from the first that it
//! declines on) and its caller takes the general path, which gives the same bits, or the error. On every target
//! but x86-64 fused kernels decline every call, and the compiler drops their code: there the calls that fusing
//! saves cost little, and the code would not be small.

use super::body::{Kernels, combine};
use super::dots::{dots, dots_and_square, dots_of_two, pad};
use super::lanes::Block;

/// Declares every fused kernel by way of the macro `$declare`.
macro_rules! every_fused_kernel {
    ($declare:ident) => {
        $declare! {
            /// `out = k^T b` with `k = factors(a x, x . x)`. Declines, giving `false`, if there is no `k` or a matrix is
            /// too short.
            fn fused_forward(out: &mut [f32], x: &[f32], by: &impl ForwardFactors) -> bool
        }
        $declare! {
            /// `out += k^T b` with `k = factors(a out, out . out)`. Declines as `fused_forward` does.
            fn fused_forward_residual(out: &mut [f32], by: &impl ForwardFactors) -> bool
        }
        $declare! {
            /// `fused_forward` for vectors one after the other, of `lens = [in_features, out_features]` values.
            /// Gives the number of vectors done: all before the first that it declines on.
            fn fused_forward_each(
                outs: &mut [f32], xs: &[f32], lens: [usize; 2], by: &impl ForwardFactors
            ) -> usize
        }
        $declare! {
            /// `grad_c[r] += k[0][r] g` and `grad_a[r] += k[1][r] x` with `k = factors(a x, b g)`. Declines, giving
            /// `false`, if there is no `k` or a matrix is too short.
            fn fused_backward(
                grad_c: &mut [f32], grad_a: &mut [f32], x: &[f32], g: &[f32], by: &impl BackwardFactors
            ) -> bool
        }
        $declare! {
            /// `fused_backward` for vectors one after the other, of `lens = [in_features, out_features]` values.
            /// Gives the number of vectors done: all before the first that it declines on.
            fn fused_backward_each(
                grad_c: &mut [f32], grad_a: &mut [f32], xs: &[f32], gs: &[f32], lens: [usize; 2],
                by: &impl BackwardFactors
            ) -> usize
        }
    };
}
pub(super) use every_fused_kernel;

/// What a fused forward kernel computes between `A x` and the pass over `lora_B`. A trait rather than a closure:
/// a closure is not always inlined into code for another instruction set, and the call then costs as much as a
/// small pass.
pub(crate) trait ForwardFactors {
    fn operands(&self) -> Operands<'_>;
    /// What each row of `lora_B` is multiplied by; `None` declines.
    fn factors<const N: usize>(&self, h: [f32; N], x_squared: f32) -> Option<[f32; N]>;
}

/// What a fused backward kernel computes between the dot products and the pass over the gradient sums.
pub(crate) trait BackwardFactors {
    fn operands(&self) -> Operands<'_>;
    /// From `(A x, x . x)` and `(B g, g . g)`: what `g` is multiplied by in the rows of `grad_c`, and `x` in those of
    /// `grad_a`; `None` declines.
    fn factors<const N: usize>(&self, h: ([f32; N], f32), b_g: ([f32; N], f32)) -> Option<[[f32; N]; 2]>;
}

/// The matrices that a fused kernel reads. The factors' trait gives them, not the caller: as an argument the struct
/// was copied to the stack, and its loads then waited for those stores as long as a small pass takes.
pub(crate) struct Operands<'a> {
    pub(crate) a: &'a [f32],
    pub(crate) b: &'a [f32],
    pub(crate) rank: usize,
    /// Whether the factors need `x . x`.
    pub(crate) wants_norm: bool,
}

/// A call of a function whose `RANK` the compiler knows.
macro_rules! for_rank {
    ($rank:expr, $function:ident::<$lanes:ty, RANK $(, $flag:literal)?>($($argument:expr),*)) => {
        match $rank {
            1 => $function::<$lanes, 1 $(, $flag)?>($($argument),*),
            2 => $function::<$lanes, 2 $(, $flag)?>($($argument),*),
            3 => $function::<$lanes, 3 $(, $flag)?>($($argument),*),
            _ => $function::<$lanes, 4 $(, $flag)?>($($argument),*),
        }
    };
}

/// What each fused kernel does, for lanes of any kind.
pub(super) trait Fused: Kernels {
    /// `dot(row, x)` for each of the rows.
    #[inline(always)]
    fn dots<const N: usize>(rows: [&[f32]; N], x: &[f32]) -> [f32; N] {
        dots::<Self, N>(rows, x)
    }

    /// The same, and `dot(x, x)`.
    #[inline(always)]
    fn dots_and_square<const N: usize>(rows: [&[f32]; N], x: &[f32]) -> ([f32; N], f32) {
        dots_and_square::<Self, N>(rows, x)
    }

    /// The same for two vectors; where there are registers for it, the rows are read once.
    #[inline(always)]
    fn dots_of_two<const N: usize>(rows: [&[f32]; N], vectors: [&[f32]; 2]) -> [([f32; N], f32); 2] {
        if Self::MANY {
            return dots_of_two::<Self, N, true>(rows, vectors);
        }
        let [x, y] = vectors;
        [Self::dots_and_square(rows, x), Self::dots_and_square(rows, y)]
    }

    #[inline(always)]
    fn fused_forward(out: &mut [f32], x: &[f32], by: &impl ForwardFactors) -> bool {
        for_rank!(by.operands().rank, apply::<Self, RANK, false>(out, x, by)).is_some()
    }

    #[inline(always)]
    fn fused_forward_residual(out: &mut [f32], by: &impl ForwardFactors) -> bool {
        for_rank!(by.operands().rank, apply::<Self, RANK, true>(out, &[], by)).is_some()
    }

    #[inline(always)]
    fn fused_forward_each(outs: &mut [f32], xs: &[f32], lens: [usize; 2], by: &impl ForwardFactors) -> usize {
        let mut done = 0;
        let _ = for_rank!(by.operands().rank, apply_each::<Self, RANK>(outs, xs, lens, by, &mut done));
        done
    }

    #[inline(always)]
    fn fused_backward(
        grad_c: &mut [f32],
        grad_a: &mut [f32],
        x: &[f32],
        g: &[f32],
        by: &impl BackwardFactors,
    ) -> bool {
        for_rank!(by.operands().rank, learn::<Self, RANK>(grad_c, grad_a, x, g, by)).is_some()
    }

    #[inline(always)]
    fn fused_backward_each(
        grad_c: &mut [f32],
        grad_a: &mut [f32],
        xs: &[f32],
        gs: &[f32],
        lens: [usize; 2],
        by: &impl BackwardFactors,
    ) -> usize {
        let mut done = 0;
        let _ = for_rank!(
            by.operands().rank,
            learn_each::<Self, RANK>(grad_c, grad_a, xs, gs, lens, by, &mut done)
        );
        done
    }
}

/// Row by row, as its other kernels.
impl Fused for Block {
    #[inline(always)]
    fn dots<const N: usize>(rows: [&[f32]; N], x: &[f32]) -> [f32; N] {
        rows.map(|row| Self::dot(row, x))
    }

    #[inline(always)]
    fn dots_and_square<const N: usize>(rows: [&[f32]; N], x: &[f32]) -> ([f32; N], f32) {
        (rows.map(|row| Self::dot(row, x)), Self::dot(x, x))
    }
}

/// `A x`, and `x . x` if it is asked for. No closures here, nor below: not inlined, their instructions would be
/// those that every CPU has.
#[inline(always)]
fn project<L: Fused, const N: usize>(a: [&[f32]; N], x: &[f32], wants_norm: bool) -> ([f32; N], f32) {
    match wants_norm {
        false => (L::dots(a, x), 0.0),
        true if L::MANY || N == 1 => L::dots_and_square(a, x),
        // A pass of its own, where one for both would be short of registers; what is made of `h` alone takes as long.
        true => (L::dots(a, x), L::dot(x, x)),
    }
}

#[inline(always)]
fn apply<L: Fused, const N: usize, const ADD: bool>(
    out: &mut [f32],
    x: &[f32],
    by: &impl ForwardFactors,
) -> Option<()> {
    let operands = by.operands();
    let x = if ADD { &*out } else { x };
    let (a, b) = (rows::<N>(operands.a, x.len())?, rows::<N>(operands.b, out.len())?);
    let (h, x_squared) = project::<L, N>(a, x, operands.wants_norm);
    let k = pad(by.factors(h, x_squared)?);
    if ADD {
        combine(out.iter_mut(), k, pad_rows(b), |o, sum| *o += sum);
    } else {
        combine(out.iter_mut(), k, pad_rows(b), |o, sum| *o = sum);
    }
    Some(())
}

/// Two vectors at a time where there are registers for it: what is read of the weights serves both.
#[inline(always)]
fn apply_each<L: Fused, const N: usize>(
    outs: &mut [f32],
    xs: &[f32],
    [in_len, out_len]: [usize; 2],
    by: &impl ForwardFactors,
    done: &mut usize,
) -> Option<()> {
    let operands = by.operands();
    let (a, b) = (rows::<N>(operands.a, in_len)?, rows::<N>(operands.b, out_len)?);
    let two = |len: usize| len.saturating_mul(2).max(1);
    let pairs = if L::MANY { xs.chunks_exact(two(in_len)).len() } else { 0 };
    let paired = |len: usize| pairs.saturating_mul(2).saturating_mul(len);
    let (paired_xs, xs) = xs.split_at_checked(paired(in_len))?;
    let (paired_outs, outs) = outs.split_at_mut_checked(paired(out_len))?;
    for (xy, op) in paired_xs.chunks_exact(two(in_len)).zip(paired_outs.chunks_exact_mut(two(out_len))) {
        let ((x, y), (o, p)) = (xy.split_at_checked(in_len)?, op.split_at_mut_checked(out_len)?);
        let [(h, x_squared), (i, y_squared)] = if operands.wants_norm {
            dots_of_two::<L, N, true>(a, [x, y])
        } else {
            dots_of_two::<L, N, false>(a, [x, y])
        };
        let k = by.factors(h, x_squared)?;
        let Some(l) = by.factors(i, y_squared) else {
            combine(o.iter_mut(), pad(k), pad_rows(b), |o, sum| *o = sum);
            *done = done.saturating_add(1);
            return None;
        };
        combine_two([o, p], [pad(k), pad(l)], pad_rows(b));
        *done = done.saturating_add(2);
    }
    for (x, out) in xs.chunks_exact(in_len.max(1)).zip(outs.chunks_exact_mut(out_len.max(1))) {
        let (h, x_squared) = project::<L, N>(a, x, operands.wants_norm);
        let k = by.factors(h, x_squared)?;
        combine(out.iter_mut(), pad(k), pad_rows(b), |o, sum| *o = sum);
        *done = done.saturating_add(1);
    }
    Some(())
}

/// [`combine`] for two vectors of factors, the rows read once.
#[inline(always)]
fn combine_two([o, p]: [&mut [f32]; 2], [k, l]: [[f32; 4]; 2], rows: [&[f32]; 4]) {
    let ([k0, k1, k2, k3], [l0, l1, l2, l3]) = (k, l);
    let outs = o.iter_mut().zip(p);
    match rows {
        [a, [], ..] => {
            for ((o, p), a) in outs.zip(a) {
                (*o, *p) = (k0 * a, l0 * a);
            }
        }
        [a, b, [], _] => {
            for (((o, p), a), b) in outs.zip(a).zip(b) {
                (*o, *p) = (k0 * a + k1 * b, l0 * a + l1 * b);
            }
        }
        [a, b, c, []] => {
            for ((((o, p), a), b), c) in outs.zip(a).zip(b).zip(c) {
                (*o, *p) = ((k0 * a + k1 * b) + k2 * c, (l0 * a + l1 * b) + l2 * c);
            }
        }
        [a, b, c, d] => {
            for (((((o, p), a), b), c), d) in outs.zip(a).zip(b).zip(c).zip(d) {
                *o = ((k0 * a + k1 * b) + k2 * c) + k3 * d;
                *p = ((l0 * a + l1 * b) + l2 * c) + l3 * d;
            }
        }
    }
}

#[inline(always)]
fn learn<L: Fused, const N: usize>(
    grad_c: &mut [f32],
    grad_a: &mut [f32],
    x: &[f32],
    g: &[f32],
    by: &impl BackwardFactors,
) -> Option<()> {
    let operands = by.operands();
    let (a, b) = (rows::<N>(operands.a, x.len())?, rows::<N>(operands.b, g.len())?);
    let [k_c, k_a] = by.factors(L::dots_and_square(a, x), L::dots_and_square(b, g))?;
    L::add_outer(grad_c, pad(k_c), g);
    L::add_outer(grad_a, pad(k_a), x);
    Some(())
}

/// Two vectors at a time: what is read of the weights serves both, and the sums are written once.
#[inline(always)]
fn learn_each<L: Fused, const N: usize>(
    grad_c: &mut [f32],
    grad_a: &mut [f32],
    xs: &[f32],
    gs: &[f32],
    [in_len, out_len]: [usize; 2],
    by: &impl BackwardFactors,
    done: &mut usize,
) -> Option<()> {
    let operands = by.operands();
    let (a, b) = (rows::<N>(operands.a, in_len)?, rows::<N>(operands.b, out_len)?);
    let two = |len: usize| len.saturating_mul(2).max(1);
    let (pairs, pairs_of_g) = (xs.chunks_exact(two(in_len)), gs.chunks_exact(two(out_len)));
    let (last, last_g) = (pairs.remainder(), pairs_of_g.remainder());
    for (xy, gf) in pairs.zip(pairs_of_g) {
        let ((x, y), (g, f)) = (xy.split_at_checked(in_len)?, gf.split_at_checked(out_len)?);
        let ([h, i], [b_g, b_f]) = (L::dots_of_two(a, [x, y]), L::dots_of_two(b, [g, f]));
        let [k_c, k_a] = by.factors(h, b_g)?;
        let Some([l_c, l_a]) = by.factors(i, b_f) else {
            L::add_outer(grad_c, pad(k_c), g);
            L::add_outer(grad_a, pad(k_a), x);
            *done = done.saturating_add(1);
            return None;
        };
        add_two(grad_c, [k_c, l_c], [g, f]);
        add_two(grad_a, [k_a, l_a], [x, y]);
        *done = done.saturating_add(2);
    }
    if !last.is_empty() {
        learn::<L, N>(grad_c, grad_a, last, last_g, by)?;
        *done = done.saturating_add(1);
    }
    Some(())
}

/// `matrix[r] = (matrix[r] + k[r] x) + l[r] y`
#[inline(always)]
fn add_two<const N: usize>(matrix: &mut [f32], [k, l]: [[f32; N]; 2], [x, y]: [&[f32]; 2]) {
    for ((row, k), l) in matrix.chunks_exact_mut(x.len().max(1)).zip(k).zip(l) {
        for ((row, x), y) in row.iter_mut().zip(x).zip(y) {
            *row = (*row + k * x) + l * y;
        }
    }
}

/// The rows of a matrix that has as many.
#[inline(always)]
fn rows<const N: usize>(matrix: &[f32], len: usize) -> Option<[&[f32]; N]> {
    let mut rows: [&[f32]; N] = [&[]; N];
    let mut rest = matrix;
    for row in &mut rows {
        (*row, rest) = rest.split_at_checked(len)?;
    }
    Some(rows)
}

/// Those that are not there are empty.
#[inline(always)]
fn pad_rows<const N: usize>(rows: [&[f32]; N]) -> [&[f32]; 4] {
    let mut padded: [&[f32]; 4] = [&[]; 4];
    for (padded, row) in padded.iter_mut().zip(rows) {
        *padded = row;
    }
    padded
}
