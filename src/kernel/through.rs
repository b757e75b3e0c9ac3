//! The passes of one call in one function, the rank known to the compiler: what passes between them stays in
//! registers, and instructions are chosen once. Only on x86-64, where calls are a good part of the time of a
//! small adapter; elsewhere they are made one by one, in less code.

use super::body::{Kernels, combine};
use super::dots::{dots, dots_and_square, dots_of_two, pad};
use super::lanes::Block;

/// Declares every pass by way of the macro `$declare`.
macro_rules! every_pass {
    ($declare:ident) => {
        $declare! {
            /// `out = k^T b` with `k = settle(a x, x . x)`. Nothing is written, and `false` returned, if there is no `k`
            /// or the lengths do not fit.
            fn through(out: &mut [f32], x: &[f32], settle: &impl Settle) -> bool
        }
        $declare! {
            /// The same of `out` itself, and added to it.
            fn through_onto(out: &mut [f32], settle: &impl Settle) -> bool
        }
        $declare! {
            /// `through` for vectors one after the other. Gives how many it has done, which ends before the first that
            /// there is no `k` for.
            fn through_each(
                outs: &mut [f32], xs: &[f32], lens: [usize; 2], settle: &impl Settle
            ) -> usize
        }
        $declare! {
            /// `grad_c[r] += k[0][r] g` and `grad_a[r] += k[1][r] x` with `k = settle(a x, b g)`.
            /// Nothing is written, and `false` returned, if there is no `k` or the lengths do not fit.
            fn backward(
                grad_c: &mut [f32],grad_a: &mut [f32],x: &[f32],g: &[f32],settle: &impl SettleBoth
            ) -> bool
        }
        $declare! {
            /// `backward` for vectors one after the other. Gives how many it has done, which ends before the first
            /// that there is no `k` for.
            fn backward_each(
                grad_c: &mut [f32],grad_a: &mut [f32],xs: &[f32],gs: &[f32],lens: [usize; 2],
                settle: &impl SettleBoth
            ) -> usize
        }
    };
}
pub(super) use every_pass;

/// What a pass makes of `A x` and `x . x` before it goes up again. A trait rather than a closure: those are
/// not always inlined into code for other instructions, and then cost as much as a small pass.
pub(crate) trait Settle {
    fn pass(&self) -> Pass<'_>;
    /// What each row of `lora_B` is multiplied by.
    fn settle<const N: usize>(&self, h: [f32; N], x_squared: f32) -> Option<[f32; N]>;
}

/// What a pass works with. Whoever settles gives it, rather than the caller: there it was copied to the stack, by
/// loads that had to wait for shorter stores, for as long as a small pass takes.
pub(crate) struct Pass<'a> {
    pub(crate) a: &'a [f32],
    pub(crate) b: &'a [f32],
    pub(crate) rank: usize,
    /// Whether `x . x` is asked for.
    pub(crate) wants_norm: bool,
}

/// What learning makes of `A x` and `x . x`, and of `B g` and `g . g`.
pub(crate) trait SettleBoth {
    fn pass(&self) -> Pass<'_>;
    /// What `g` is multiplied by in the sums of `lora_B`, and `x` in those of `lora_A`.
    fn settle<const N: usize>(&self, h: ([f32; N], f32), b_g: ([f32; N], f32)) -> Option<[[f32; N]; 2]>;
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

/// What each pass does.
pub(super) trait Through: Kernels {
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
    fn through(out: &mut [f32], x: &[f32], settle: &impl Settle) -> bool {
        for_rank!(settle.pass().rank, apply::<Self, RANK, false>(out, x, settle)).is_some()
    }

    #[inline(always)]
    fn through_onto(out: &mut [f32], settle: &impl Settle) -> bool {
        for_rank!(settle.pass().rank, apply::<Self, RANK, true>(out, &[], settle)).is_some()
    }

    #[inline(always)]
    fn through_each(outs: &mut [f32], xs: &[f32], lens: [usize; 2], settle: &impl Settle) -> usize {
        let mut done = 0;
        let _ = for_rank!(settle.pass().rank, apply_each::<Self, RANK>(outs, xs, lens, settle, &mut done));
        done
    }

    #[inline(always)]
    fn backward(
        grad_c: &mut [f32],
        grad_a: &mut [f32],
        x: &[f32],
        g: &[f32],
        settle: &impl SettleBoth,
    ) -> bool {
        for_rank!(settle.pass().rank, learn::<Self, RANK>(grad_c, grad_a, x, g, settle)).is_some()
    }

    #[inline(always)]
    fn backward_each(
        grad_c: &mut [f32],
        grad_a: &mut [f32],
        xs: &[f32],
        gs: &[f32],
        lens: [usize; 2],
        settle: &impl SettleBoth,
    ) -> usize {
        let mut done = 0;
        let _ = for_rank!(
            settle.pass().rank,
            learn_each::<Self, RANK>(grad_c, grad_a, xs, gs, lens, settle, &mut done)
        );
        done
    }
}

/// Row by row, as everywhere with these.
impl Through for Block {
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
fn project<L: Through, const N: usize>(a: [&[f32]; N], x: &[f32], wants_norm: bool) -> ([f32; N], f32) {
    match wants_norm {
        false => (L::dots(a, x), 0.0),
        true if L::MANY || N == 1 => L::dots_and_square(a, x),
        // A pass of its own, where one for both would be short of registers; what is made of `h` alone takes as long.
        true => (L::dots(a, x), L::dot(x, x)),
    }
}

#[inline(always)]
fn apply<L: Through, const N: usize, const ADD: bool>(
    out: &mut [f32],
    x: &[f32],
    settle: &impl Settle,
) -> Option<()> {
    let pass = settle.pass();
    let x = if ADD { &*out } else { x };
    let (a, b) = (rows::<N>(pass.a, x.len())?, rows::<N>(pass.b, out.len())?);
    let (h, x_squared) = project::<L, N>(a, x, pass.wants_norm);
    let k = pad(settle.settle(h, x_squared)?);
    if ADD {
        combine(out.iter_mut(), k, pad_rows(b), |o, sum| *o += sum);
    } else {
        combine(out.iter_mut(), k, pad_rows(b), |o, sum| *o = sum);
    }
    Some(())
}

/// Two vectors at a time where there are registers for it: what is read of the weights serves both.
#[inline(always)]
fn apply_each<L: Through, const N: usize>(
    outs: &mut [f32],
    xs: &[f32],
    [in_len, out_len]: [usize; 2],
    settle: &impl Settle,
    done: &mut usize,
) -> Option<()> {
    let pass = settle.pass();
    let (a, b) = (rows::<N>(pass.a, in_len)?, rows::<N>(pass.b, out_len)?);
    let two = |len: usize| len.saturating_mul(2).max(1);
    let pairs = if L::MANY { xs.chunks_exact(two(in_len)).len() } else { 0 };
    let paired = |len: usize| pairs.saturating_mul(2).saturating_mul(len);
    let (paired_xs, xs) = xs.split_at_checked(paired(in_len))?;
    let (paired_outs, outs) = outs.split_at_mut_checked(paired(out_len))?;
    for (xy, op) in paired_xs.chunks_exact(two(in_len)).zip(paired_outs.chunks_exact_mut(two(out_len))) {
        let ((x, y), (o, p)) = (xy.split_at_checked(in_len)?, op.split_at_mut_checked(out_len)?);
        let [(h, x_squared), (i, y_squared)] = if pass.wants_norm {
            dots_of_two::<L, N, true>(a, [x, y])
        } else {
            dots_of_two::<L, N, false>(a, [x, y])
        };
        let k = settle.settle(h, x_squared)?;
        let Some(l) = settle.settle(i, y_squared) else {
            combine(o.iter_mut(), pad(k), pad_rows(b), |o, sum| *o = sum);
            *done = done.saturating_add(1);
            return None;
        };
        combine_two([o, p], [pad(k), pad(l)], pad_rows(b));
        *done = done.saturating_add(2);
    }
    for (x, out) in xs.chunks_exact(in_len.max(1)).zip(outs.chunks_exact_mut(out_len.max(1))) {
        let (h, x_squared) = project::<L, N>(a, x, pass.wants_norm);
        let k = settle.settle(h, x_squared)?;
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
fn learn<L: Through, const N: usize>(
    grad_c: &mut [f32],
    grad_a: &mut [f32],
    x: &[f32],
    g: &[f32],
    settle: &impl SettleBoth,
) -> Option<()> {
    let pass = settle.pass();
    let (a, b) = (rows::<N>(pass.a, x.len())?, rows::<N>(pass.b, g.len())?);
    let [k_c, k_a] = settle.settle(L::dots_and_square(a, x), L::dots_and_square(b, g))?;
    L::add_outer(grad_c, pad(k_c), g);
    L::add_outer(grad_a, pad(k_a), x);
    Some(())
}

/// Two vectors at a time: what is read of the weights serves both, and the sums are written once.
#[inline(always)]
fn learn_each<L: Through, const N: usize>(
    grad_c: &mut [f32],
    grad_a: &mut [f32],
    xs: &[f32],
    gs: &[f32],
    [in_len, out_len]: [usize; 2],
    settle: &impl SettleBoth,
    done: &mut usize,
) -> Option<()> {
    let pass = settle.pass();
    let (a, b) = (rows::<N>(pass.a, in_len)?, rows::<N>(pass.b, out_len)?);
    let two = |len: usize| len.saturating_mul(2).max(1);
    let (pairs, pairs_of_g) = (xs.chunks_exact(two(in_len)), gs.chunks_exact(two(out_len)));
    let (last, last_g) = (pairs.remainder(), pairs_of_g.remainder());
    for (xy, gf) in pairs.zip(pairs_of_g) {
        let ((x, y), (g, f)) = (xy.split_at_checked(in_len)?, gf.split_at_checked(out_len)?);
        let ([h, i], [b_g, b_f]) = (L::dots_of_two(a, [x, y]), L::dots_of_two(b, [g, f]));
        let [k_c, k_a] = settle.settle(h, b_g)?;
        let Some([l_c, l_a]) = settle.settle(i, b_f) else {
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
        learn::<L, N>(grad_c, grad_a, last, last_g, settle)?;
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
