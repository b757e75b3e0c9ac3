//! From the pending gradients to one step of `lora_A` and `lora_B`.
//!
//! The scaled-gradient step preconditions each matrix with the inverse Gram matrix of the other
//! (ScaledGD, Tong, Ma, Chi 2021, arXiv:2005.08898; for LoRA: Zhang, Pilanci 2024,
//! arXiv:2402.02347), divides by a running RMS of the result and decays slowly:
//!
//! ```text
//! PA = (C C^T + d I)^-1 gA                PC = (A A^T + d I)^-1 gC
//! from t = 10: |P| <= 4 rms, with the rms before this event          (each matrix)
//! v += w (|P|^2 - v);  c += w (1 - c);  rms = sqrt(v / c) + 1e-8;  t += 1
//! eta = lr (W / n) / sqrt(1 + t / T)
//! A -= eta eA PA / rms_A                  B = (1 - decay) B - (eta eC / s) PC / rms_C
//!
//!                     d     w     eA   eC   T     decay
//! ScaledGradientV2    0.3   0.03  30   15   50    what is set, and 0.0003 besides
//! ScaledGradient      0.1   0.01  30   30   100   what is set
//! ```
//!
//! A rehearsal (a step on a list learned before) is 0.2 times as long for every result chosen, up to 0.8,
//! and does not change v, c and t: a list that is already learned has a small gradient and should have a
//! small step; and of lists with one click, more are clicked by mistake. Its |P| is at most rms.
//!
//! The step is planned in r x r matrices; weights are written after everything is known to be finite.

use crate::adapter::config::StepKind;
use crate::adapter::header::{Header, Trace};
use crate::adapter::limits::NORM_LIMIT;
use crate::adapter::stats::{Outcome, Receipt, Skip};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, refuse};
use crate::kernel::{self, Square, divide};
use crate::learn::dual;
use crate::learn::limits::check_learning_rate;
use crate::profile::DUAL_STEP_ONLY;

/// The number of updates from which a direction is compared with the running RMS.
const GUARD_FROM: u32 = 10;
/// The longest direction, in units of the RMS.
const GUARD_FACTOR: f32 = 4.0;

/// The constants of a scaled-gradient step. `docs/learning.md` lists what was tried.
struct Tuning {
    /// Added to the Gram matrices before they are inverted.
    damping: f32,
    /// Share of a new event in the running mean squares.
    window: f32,
    /// `eta / lr` at the start, of `lora_A` and of `C`.
    rate_a: f32,
    rate_c: f32,
    /// The number of updates over which the step falls to `1 / sqrt(2)`.
    horizon: f32,
    /// Share of `lora_B` that an update keeps, before [`Config::decay`](crate::Config::decay): older learning fades,
    /// so that a taste that changes is followed.
    keep: f32,
}

const V1: Tuning =
    Tuning { damping: 0.1, window: 0.01, rate_a: 30.0, rate_c: 30.0, horizon: 100.0, keep: 1.0 };
const V2: Tuning =
    Tuning { damping: 0.3, window: 0.03, rate_a: 30.0, rate_c: 15.0, horizon: 50.0, keep: 0.9997 };

/// The step of a rehearsal for every result chosen, as a share of the step of a new event.
const REHEARSAL: f32 = 0.2;
/// More results chosen do not lengthen it further.
const REHEARSAL_MOST: f32 = 4.0;

/// Whether the pending events are new, or one remembered list that was learned before.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Origin {
    New,
    Rehearsal {
        /// How many results were chosen.
        chosen: f32,
    },
}

impl Origin {
    /// The length of its step, as a share of the step of a new event.
    fn share(self) -> f32 {
        match self {
            Self::New => 1.0,
            Self::Rehearsal { chosen } => REHEARSAL * chosen.min(REHEARSAL_MOST),
        }
    }
}

/// What one matrix loses: row `r` loses `factor * sum_q inverse[r][q] gradient[q]`, of this Frobenius
/// norm in all.
struct Move {
    inverse: Square,
    factor: f32,
    norm: f32,
}

/// A step that is ready to be written.
struct Plan {
    a: Move,
    b: Move,
    /// Share of `lora_B` that stays.
    keep: f32,
    trace: Trace,
}

pub(crate) fn apply_updates(view: &mut AdapterMut<'_>, lr: f32, origin: Origin) -> Checked<Receipt> {
    view.header.check_initialised()?;
    if DUAL_STEP_ONLY || view.header.is_dual() {
        return dual::apply_updates(view, lr);
    }
    check_learning_rate(lr)?;
    if view.header.pending == 0 {
        return Ok(view.header.receipt(Outcome::Skipped(Skip::NoPending)));
    }
    if lr == 0.0 {
        return Ok(view.header.receipt(Outcome::Skipped(Skip::ZeroLearningRate)));
    }
    let squared = mean_squared(view.grad_a, view.header) + mean_squared(view.grad_c, view.header);
    if squared == 0.0 {
        return Ok(view.header.receipt(Outcome::Skipped(Skip::ZeroGradient)));
    }
    let gram_a = kernel::gram(view.a, view.header.in_len(), 1.0);
    let lr = origin.share() * lr;
    let mut plan = match view.header.config().step {
        StepKind::ScaledGradient => scaled_gradient(view, lr, &gram_a, &V1, origin),
        StepKind::Sgd => sgd(view, lr),
        _ => scaled_gradient(view, lr, &gram_a, &V2, origin),
    };
    if origin != Origin::New {
        plan.trace = view.header.trace;
    }
    plan.check(view.header, &gram_a)?;
    commit(view, &plan);
    Ok(Receipt {
        grad_norm: kernel::sqrt(squared),
        step_norm: kernel::sqrt(plan.a.norm * plan.a.norm + plan.b.norm * plan.b.norm),
        ..view.header.receipt(Outcome::Applied)
    })
}

/// Squared norm of the weighted mean gradient, from the weighted sum.
fn mean_squared(sum: &[f32], header: &Header) -> f32 {
    (kernel::dot(sum, sum) / header.weight_sum) / header.weight_sum
}

fn scaled_gradient(view: &AdapterMut<'_>, lr: f32, gram_a: &Square, tuning: &Tuning, origin: Origin) -> Plan {
    let header = &*view.header;
    let updates = header.trace.updates.saturating_add(1);
    let mean_weight = header.weight_sum / header.pending as f32;
    let slowing = kernel::sqrt(1.0 + updates as f32 / tuning.horizon);
    let eta = |rate: f32| ((rate * lr) * mean_weight) / slowing;
    // A rehearsal before any update has no running RMS to be compared with.
    let window = if origin != Origin::New && header.trace.c > 0.0 { 0.0 } else { tuning.window };
    let c = header.trace.c + window * (1.0 - header.trace.c);
    let plan = |v_before: f32, gram: &Square, sum: &[f32], len: usize, eta: f32| {
        let inverse = damped_inverse(gram, tuning.damping);
        let norm = divide(direction_norm(&inverse, sum, len), header.weight_sum);
        // A norm that overflowed makes `v` infinite, and the plan is refused for it.
        let limit = if norm.is_finite() { longest(v_before, &header.trace, origin) } else { norm };
        let kept = norm.min(limit);
        let v = v_before + window * (kept * kept - v_before);
        let ratio = divide(kept, rms(v, c));
        // `inverse` is multiplied by the weighted sum, not the mean. A norm of 0 has underflowed.
        let factor = if norm > 0.0 { divide(divide(eta * ratio, norm), header.weight_sum) } else { 0.0 };
        (v, Move { inverse, factor, norm: eta * ratio })
    };
    let (v_a, a) = plan(header.trace.v_a, &header.gram, view.grad_a, header.in_len(), eta(tuning.rate_a));
    let eta_b = eta(tuning.rate_c) / header.scaling;
    let (v_c, b) = plan(header.trace.v_c, gram_a, view.grad_c, header.out_len(), eta_b);
    Plan { a, b, keep: tuning.keep * (1.0 - header.decay), trace: Trace { v_a, v_c, c, updates } }
}

/// The length to which a direction is cut. For a rehearsal it is the RMS: the running mean square ignores rehearsals,
/// so it would not slow down the next one.
fn longest(v: f32, before: &Trace, origin: Origin) -> f32 {
    if origin != Origin::New && before.c > 0.0 {
        rms(v, before.c)
    } else if before.updates < GUARD_FROM {
        f32::INFINITY
    } else {
        GUARD_FACTOR * rms(v, before.c)
    }
}

/// Root of the running mean square `v`, corrected for the share `c` of its window filled so far.
fn rms(v: f32, c: f32) -> f32 {
    kernel::sqrt(divide(v, c)) + 1e-8
}

/// `|M gradient|_F`, from the very rows that will be written. `sqrt(tr(M Gram M^T))` would do without
/// another pass, but loses all its digits where M and the gradient cancel, as they do once `lora_B`
/// has grown.
fn direction_norm(inverse: &Square, gradient: &[f32], len: usize) -> f32 {
    let rank = kernel::rows(gradient, len).len();
    let mut squares = [0.0; 4];
    kernel::squares_of(squares.get_mut(..rank).unwrap_or_default(), inverse, gradient, len);
    kernel::sqrt(squares.iter().sum())
}

/// `torch.optim.SGD` on the mean over the pending events: `A -= lr gA`, `B -= lr s gC`.
fn sgd(view: &AdapterMut<'_>, lr: f32) -> Plan {
    let header = &*view.header;
    let n = header.pending as f32;
    let plain = |sum: &[f32], rate: f32| {
        let factor = rate / n;
        Move { inverse: IDENTITY, factor, norm: factor * kernel::norm(sum) }
    };
    let updates = header.trace.updates.saturating_add(1);
    Plan {
        a: plain(view.grad_a, lr),
        b: plain(view.grad_c, lr * header.scaling),
        keep: 1.0 - header.decay,
        trace: Trace { updates, ..header.trace },
    }
}

const IDENTITY: Square =
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];

impl Plan {
    /// Norms add up at most: what passes here cannot overflow when it is written, or squared later.
    fn check(&self, header: &Header, gram_a: &Square) -> Checked<()> {
        let norm_a = kernel::sqrt(kernel::trace(gram_a)) + self.a.norm;
        let norm_c = kernel::sqrt(kernel::trace(&header.gram)) + self.b.norm * header.scaling;
        let Trace { v_a, v_c, .. } = self.trace;
        // If an inverse is not finite, its norm is not either.
        let is_finite = [self.a.factor, self.b.factor, v_a, v_c].iter().all(|value| value.is_finite());
        if norm_a <= NORM_LIMIT && norm_c <= NORM_LIMIT && is_finite {
            Ok(())
        } else {
            Err(refuse::overflow("step"))
        }
    }
}

fn commit(view: &mut AdapterMut<'_>, plan: &Plan) {
    let (in_len, out_len) = (view.header.in_len(), view.header.out_len());
    for (row, k) in kernel::rows_mut(view.a, in_len).zip(plan.a.inverse) {
        kernel::update_row(row, 1.0, plan.a.factor, k, view.grad_a);
    }
    for (row, k) in kernel::rows_mut(view.b, out_len).zip(plan.b.inverse) {
        kernel::update_row(row, plan.keep, plan.b.factor, k, view.grad_c);
    }
    view.header.trace = plan.trace;
    view.clear_pending();
    view.header.refresh_gram(view.b);
    if view.header.has_bias() {
        view.header.measure_bias(view.b, view.bias);
    }
    view.header.bump();
}

/// `(gram + damping I)^-1` by `L D L^T` in row order; exact arithmetic gives pivots of at least that, so
/// rounding may not give less. Rows past the rank are zero in `gram` and do not touch the others.
fn damped_inverse(gram: &Square, damping: f32) -> Square {
    let [[s00, ..], [s10, s11, ..], [s20, s21, s22, _], [s30, s31, s32, s33]] = *gram;
    let pivot = |value: f32| value.max(damping);

    let d0 = pivot(s00 + damping);
    let (l10, l20, l30) = (divide(s10, d0), divide(s20, d0), divide(s30, d0));
    let d1 = pivot((s11 + damping) - l10 * s10);
    let (u21, u31) = (s21 - l20 * s10, s31 - l30 * s10);
    let (l21, l31) = (divide(u21, d1), divide(u31, d1));
    let d2 = pivot(((s22 + damping) - l20 * s20) - l21 * u21);
    let u32 = (s32 - l30 * s20) - l31 * u21;
    let l32 = divide(u32, d2);
    let d3 = pivot((((s33 + damping) - l30 * s30) - l31 * u31) - l32 * u32);

    // K = L^-1, unit lower triangular.
    let (k10, k21, k32) = (-l10, -l21, -l32);
    let (k20, k31) = (-(l20 + l21 * k10), -(l31 + l32 * k21));
    let k30 = -((l30 + l31 * k10) + l32 * k20);

    // M = K^T D^-1 K, the lower triangle, terms in index order.
    let k10_d = divide(k10, d1);
    let (k20_d, k21_d) = (divide(k20, d2), divide(k21, d2));
    let (k30_d, k31_d, k32_d) = (divide(k30, d3), divide(k31, d3), divide(k32, d3));
    kernel::mirror(&[
        [((divide(1.0, d0) + k10 * k10_d) + k20 * k20_d) + k30 * k30_d, 0.0, 0.0, 0.0],
        [(k10_d + k21 * k20_d) + k31 * k30_d, (divide(1.0, d1) + k21 * k21_d) + k31 * k31_d, 0.0, 0.0],
        [k20_d + k32 * k30_d, k21_d + k32 * k31_d, divide(1.0, d2) + k32 * k32_d, 0.0],
        [k30_d, k31_d, k32_d, divide(1.0, d3)],
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damped_inverse_inverts() {
        let rows = [
            [1.0f32, 0.3, -0.2, 0.5, 0.1],
            [0.4, -1.2, 0.7, 0.0, 0.3],
            [0.2, 0.9, 1.1, -0.6, 0.8],
            [-0.5, 0.1, 0.4, 0.9, -1.0],
        ];
        for rank in 1..=4 {
            let gram = kernel::gram(rows[..rank].as_flattened(), 5, 1.0);
            let inverse = damped_inverse(&gram, 0.1);
            for (i, row) in gram.iter().enumerate().take(rank) {
                for (j, column) in inverse.iter().enumerate().take(rank) {
                    // The inverse is symmetric: its rows serve as columns.
                    let product: f64 = (0..4)
                        .map(|k| {
                            let damping = if i == k { 0.1 } else { 0.0 };
                            (f64::from(row[k]) + damping) * f64::from(column[k])
                        })
                        .sum();
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-5, "rank {rank} [{i}][{j}]: {product}");
                }
            }
        }
    }

    #[test]
    fn pivots_never_fall_below_the_damping() {
        // Four equal rows: without damping the Gram matrix is singular.
        let inverse = damped_inverse(&[[1e6; 4]; 4], 0.1);
        assert!(inverse.iter().flatten().all(|value| value.abs() <= 10.5), "{inverse:?}");
    }
}
