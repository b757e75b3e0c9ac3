//! One visit of one list: its dual variables move towards their optimum, and the weights follow.

use super::start::{APART, Lengths};
use super::{BETA, GAMMA, LAMBDA};
use crate::adapter::limits::{NORM_LIMIT, not_finite};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, refuse};
use crate::forward::centred;
use crate::kernel;
use crate::learn::sample::MAX_CANDIDATES;
use crate::learn::softmax::{exp, exponentials};

/// One number per document.
type PerDocument = [f32; MAX_CANDIDATES];

/// The scores of a list's documents without the correction.
#[derive(Clone, Copy)]
pub(crate) enum Base<'a> {
    /// The frozen model's output: the score is a dot product.
    Output(&'a [f32]),
    /// The host's scores, one per document, of the size of cosines.
    Scores(&'a [f32]),
}

/// The target distribution `w` over a list's documents.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// `w`, of sum 1.
    Share(&'a [f32]),
    /// Not this one: `w` is the softmax over the others, computed at each visit.
    AllBut(usize),
}

/// A list to visit.
#[derive(Clone, Copy)]
pub(crate) struct List<'a> {
    pub(crate) input: &'a [f32],
    pub(crate) base: Base<'a>,
    /// One after the other, `out_features` values each.
    pub(crate) documents: &'a [f32],
    pub(crate) target: Target<'a>,
    pub(crate) omega: f32,
    pub(crate) temperature: f32,
    pub(crate) none: NoneOfThese,
}

/// "None of these", the option beside a list's documents; see `mean.rs`.
#[derive(Clone, Copy)]
pub(crate) struct NoneOfThese {
    pub(crate) logit: f32,
    /// Its probability without a correction.
    pub(crate) chance: f32,
}

impl NoneOfThese {
    /// For a list without the option.
    pub(crate) const NEVER: Self = Self { logit: f32::NEG_INFINITY, chance: 0.0 };
}

/// A list's part of the weights, as of its last visit.
pub(crate) struct Part<'a> {
    pub(crate) alpha: &'a mut [f32],
    pub(crate) h: &'a mut [f32; 4],
    pub(crate) u: &'a mut [f32; 4],
}

/// Where a visit writes the change of the weights.
pub(crate) enum Destination<'a> {
    /// In `lora_B` and the bias: the list may have been visited before. The row is for its new `X^T alpha`.
    Served(&'a mut [f32]),
    /// In the pending sums, for a list that is visited this once.
    Pending,
}

/// What a visit found.
#[derive(Clone, Copy)]
pub(crate) struct Visited {
    /// L2 norm of `X^T (alpha - alpha before)` over `lambda tau`: how far the bias moves.
    pub(crate) moved: f32,
}

impl List<'_> {
    /// Whether there is nothing to learn: no input, or no document, has a length.
    pub(crate) fn is_zero(&self) -> bool {
        let is_zero = |x: &[f32]| x.iter().all(|value| *value == 0.0);
        is_zero(self.input) || is_zero(self.documents)
    }

    /// The lengths that are compared with those of the first list; a length that overflows is infinite. `served` is the
    /// output that the correction is added to, for a list with the host's scores.
    pub(crate) fn lengths(&self, out_len: usize, served: Option<&[f32]>) -> Lengths {
        let input = kernel::norm(self.input);
        let base = match (self.base, served) {
            (Base::Output(base), _) | (Base::Scores(_), Some(base)) => kernel::norm(base),
            (Base::Scores(_), None) => input,
        };
        let squares = kernel::dot(self.documents, self.documents);
        let count = kernel::rows(self.documents, out_len).len();
        Lengths { input, base, documents: kernel::sqrt(squares / count as f32) }
    }
}

impl AdapterMut<'_> {
    /// Visits a list. `centre` is `A mu`. Nothing is written if a sum could overflow.
    pub(crate) fn visit(
        &mut self,
        list: &List<'_>,
        part: Part<'_>,
        centre: &[f32; 4],
        destination: Destination<'_>,
    ) -> Checked<Visited> {
        let out_len = self.header.out_len();
        let count = kernel::rows(list.documents, out_len).len();
        let dual = self.header.dual;
        // `lambda tau` in the units of the documents, and what takes the correction to its own units.
        let unit = self.header.unit(list.temperature);
        let h = centred(kernel::down(self.a, list.input), centre);
        let mut p: PerDocument = [0.0; MAX_CANDIDATES];
        let p = p.get_mut(..count).unwrap_or_default();
        let mut target: PerDocument = [0.0; MAX_CANDIDATES];
        let target = target.get_mut(..count).unwrap_or_default();
        let omega = list.omega * (1.0 - MODESTY * list.none.chance);
        self.list_logits(list, Some(h), p)?;
        distributions(p, target, list.target, list.none.logit);

        let h = h.map(|h_r| h_r / dual.input_norm);
        // Only a forged list has a longer input; its `h` could be saved, but not loaded.
        if kernel::dot4(&h, &h) > MOST_H * MOST_H {
            return Err(refuse::overflow("step"));
        }
        // `p` becomes the way to the optimum, and then the change of alpha; `target` what is midway. Two rows for all
        // four: on a chip each is a good part of the stack.
        for ((p, target), alpha) in p.iter_mut().zip(&mut *target).zip(&*part.alpha) {
            (*p, *target) = (omega * (*target - *p) - alpha, 0.5 * (*p + *target));
        }
        let share = self.share(list, omega, target, kernel::dot4(&h, &h));
        for p in &mut *p {
            *p *= share;
        }
        self.mix_into_scratch(p, list.documents);
        let change = kernel::norm(self.scratch);
        let mut destination = destination;
        let turned = difference(h, part.h);
        let mut after_norm = change;
        if let Destination::Served(after) = &mut destination {
            kernel::clear(after);
            kernel::mix(after, 0.0, part.alpha, list.documents);
            kernel::axpy(after, 1.0, self.scratch);
            after_norm = kernel::norm(after);
        }
        let scaling = self.header.scaling;
        let to_b = ((GAMMA * unit) / dual.input_norm) / scaling;
        let length = |h: &[f32; 4]| kernel::sqrt(kernel::dot4(h, h));
        let growth = (to_b * scaling) * (length(&turned) * after_norm + length(part.h) * change);
        let moved = unit * change;
        self.check_growth(moved, growth)?;
        for (alpha, change) in part.alpha.iter_mut().zip(&*p) {
            *alpha += change;
        }
        let to_u = ((dual.input_norm / dual.base_norm) * scaling) * (unit / dual.base_norm);
        let mut u = match destination {
            Destination::Pending => {
                kernel::axpy(self.grad_bias, unit, self.scratch);
                kernel::add_outer(self.grad_c, h.map(|h_r| to_b * h_r), self.scratch);
                let served = kernel::down(self.b, self.scratch);
                let pending = kernel::down(self.grad_c, self.scratch);
                let mut u = served;
                u.iter_mut().zip(pending).for_each(|(u, pending)| *u += pending);
                u
            }
            Destination::Served(after) => {
                kernel::axpy(self.bias, unit, self.scratch);
                kernel::add_outer(self.b, turned.map(|h_r| to_b * h_r), after);
                kernel::add_outer(self.b, part.h.map(|h_r| to_b * h_r), self.scratch);
                kernel::down(self.b, after)
            }
        };
        for u in &mut u {
            *u *= to_u;
            if u.abs() > MOST_U {
                *u = 0.0;
            }
        }
        let change = difference(u, part.u);
        kernel::add_outer(self.grad_a, change.map(|u| u / dual.input_norm), list.input);
        self.header.dual.u.iter_mut().zip(change).for_each(|(sum, change)| *sum += change);
        (*part.h, *part.u) = (h, u);
        Ok(Visited { moved })
    }

    /// `(beta X base + X (b + C^T h)) / tau`, pending lists served already; without `h`, `beta X base / tau`.
    pub(super) fn list_logits(
        &mut self,
        list: &List<'_>,
        h: Option<[f32; 4]>,
        logits: &mut [f32],
    ) -> Checked<()> {
        let dual = self.header.dual;
        let s = self.header.scaling;
        match list.base {
            Base::Output(base) => kernel::copy(self.scratch, base),
            Base::Scores(_) => kernel::clear(self.scratch),
        }
        kernel::scale(self.scratch, BETA);
        if let Some(h) = h {
            kernel::up_add(self.scratch, h.map(|h_r| s * h_r), self.b);
            kernel::axpy(self.scratch, 1.0, self.bias);
            if self.header.pending > 0 {
                kernel::up_add(self.scratch, h.map(|h_r| s * h_r), self.grad_c);
                kernel::axpy(self.scratch, 1.0, self.grad_bias);
            }
        }
        kernel::dot_rows(logits, list.documents, self.scratch);
        let unit = (dual.base_norm * dual.document_norm) * list.temperature;
        for logit in &mut *logits {
            *logit /= unit;
        }
        if let Base::Scores(scores) = list.base {
            for (logit, score) in logits.iter_mut().zip(scores) {
                *logit += (BETA * score) / list.temperature;
            }
        }
        if logits.iter().all(|logit| logit.is_finite()) {
            return Ok(());
        }
        let base = match list.base {
            Base::Output(base) => base,
            Base::Scores(scores) => scores,
        };
        Err(not_finite(&[("input", list.input), ("base", base), ("candidates", list.documents)], "logits"))
    }

    /// The share of the way to its optimum that a list moves, from its curvature at (p + w) / 2.
    fn share(&mut self, list: &List<'_>, omega: f32, between: &[f32], h_squared: f32) -> f32 {
        let mut squares = 0.0;
        for (between, row) in between.iter().zip(kernel::rows(list.documents, self.scratch.len())) {
            squares += between * kernel::dot(row, row);
        }
        self.mix_into_scratch(between, list.documents);
        let document_norm = self.header.dual.document_norm;
        let variance =
            (squares - kernel::dot(self.scratch, self.scratch)).max(0.0) / document_norm / document_norm;
        let pull = ((omega * (1.0 + GAMMA * h_squared)) * variance) / LAMBDA;
        1.0 / (1.0 + pull / list.temperature / list.temperature)
    }

    pub(super) fn mix_into_scratch(&mut self, factors: &[f32], documents: &[f32]) {
        kernel::clear(self.scratch);
        kernel::mix(self.scratch, 0.0, factors, documents);
    }

    /// Refuses a visit after which a norm could be past its limit.
    pub(super) fn check_growth(&self, bias: f32, c: f32) -> Checked<()> {
        let norm_b = kernel::sqrt(self.header.bias.squared) + bias;
        let norm_c = kernel::sqrt(kernel::trace(&self.header.gram)) + c;
        if norm_b <= LIMIT && norm_c <= LIMIT { Ok(()) } else { Err(refuse::overflow("step")) }
    }
}

/// A list teaches more by the option, so it weighs less: with all of its weight, more of the search would be lost.
const MODESTY: f32 = 0.5;

/// More than the longest input and the mean of inputs are, in the units of the first.
const MOST_H: f32 = 3.0 * APART;

/// The largest `u`: with it the sums over as many lists as can be counted can be saved. Only a correction that is far longer
/// than its base has larger ones, which are left out: they would only turn `A`.
pub(crate) const MOST_U: f32 = 1e6;

/// Far enough below the limit that the visits of one click, which the norms do not count, cannot reach it.
pub(crate) const LIMIT: f32 = NORM_LIMIT / 10.0;

fn difference(after: [f32; 4], before: &[f32; 4]) -> [f32; 4] {
    let mut difference = after;
    difference.iter_mut().zip(before).for_each(|(after, before)| *after -= before);
    difference
}

/// Turns logits into `p`, and writes `w` beside it. `none` is the logit of "none of these".
fn distributions(p: &mut [f32], target: &mut [f32], kind: Target<'_>, none: f32) {
    match kind {
        Target::Share(share) => kernel::copy(target, share),
        Target::AllBut(index) => {
            kernel::copy(target, p);
            // At minus infinity it has no part in the softmax over the others.
            if let Some(logit) = target.get_mut(index) {
                *logit = f32::NEG_INFINITY;
            }
            softmax(target, none);
        }
    }
    softmax(p, none);
}

fn softmax(logits: &mut [f32], none: f32) {
    let (largest, sum) = exponentials(logits);
    let most = largest.max(none);
    let own = exp(largest - most);
    let sum = own * sum + exp(none - most);
    for p in logits {
        *p = (own * *p) / sum;
    }
}
