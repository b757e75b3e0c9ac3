//! The feedback rules. Each turns what a user did into one gradient `g = dL/dy` in the scratch row, or finds that
//! there is nothing to learn.

use crate::adapter::limits::{not_finite, squared_norm};
use crate::adapter::stats::Skip;
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, check_length, check_range, refuse};
use crate::forward::Projection;
use crate::kernel;
use crate::learn::event::Gradient;
use crate::learn::limits::{MAX_TEMPERATURE, MAX_WEIGHT, MIN_TEMPERATURE, check_quality};
use crate::learn::sample::{Choice, Listwise, MAX_CANDIDATES, MIN_CANDIDATES, Sample};
use crate::learn::softmax::{choice_factors, listwise_factors, preference};
use crate::profile::HOST_CHECKS;

/// One number per candidate: first logits, then factors.
pub(super) type PerCandidate = [f32; MAX_CANDIDATES];

/// The result of a rule: where `g` is, or why there is none.
pub(super) type Found<'a> = core::result::Result<Gradient<'a>, Skip>;

impl AdapterMut<'_> {
    /// `p = softmax(candidates . y / tau)`; q > 0.5: `L = -(2q - 1) log p_c`, so
    /// `g = (2q - 1) ((p_c - 1) / tau) (c_chosen - sum r_j c_j)` with r the softmax over the others;
    /// q < 0.5: `L = -(1 - 2q) log(1 - p_c)`, the same with `p_c` for `p_c - 1`.
    pub(super) fn choice(
        &mut self,
        sample: &Sample<'_>,
        seen: &Projection,
        choice: &Choice<'_>,
        factors: &mut PerCandidate,
    ) -> Checked<Found<'static>> {
        let Choice { candidates, chosen, quality, temperature } = *choice;
        let n = self.check_candidates(candidates, temperature)?;
        if !HOST_CHECKS && chosen >= n {
            return Err(refuse::count("chosen", chosen, 0, n.saturating_sub(1)));
        }
        check_quality(quality)?;
        self.logits(sample, seen, candidates, temperature, factors)?;
        if quality == 0.5 {
            return Ok(Err(Skip::NeutralQuality));
        }
        choice_factors(factors.get_mut(..n).unwrap_or_default(), chosen, quality, temperature);
        self.mix(0.0, factors, candidates);
        Ok(Ok(Gradient::Scratch))
    }

    /// `L = -sum w_j log p_j` with weights of sum 1, so `g = sum (p_j - w_j) c_j / tau`.
    pub(super) fn listwise(
        &mut self,
        sample: &Sample<'_>,
        seen: &Projection,
        list: &Listwise<'_>,
        factors: &mut PerCandidate,
    ) -> Checked<Found<'static>> {
        let Listwise { candidates, weights, temperature } = *list;
        let n = self.check_candidates(candidates, temperature)?;
        check_length("weights", weights.len(), n)?;
        if let Some(index) = kernel::first_not_finite(weights) {
            return Err(refuse::not_finite_at("weights", index));
        }
        for &weight in weights {
            check_range("weights", weight, 0.0, MAX_WEIGHT)?;
        }
        self.logits(sample, seen, candidates, temperature, factors)?;
        if let Some(skip) = preference(weights) {
            return Ok(Err(skip));
        }
        listwise_factors(factors.get_mut(..n).unwrap_or_default(), weights, temperature);
        self.mix(0.0, factors, candidates);
        Ok(Ok(Gradient::Scratch))
    }

    /// `L = -w cos(y, t)`: `g = -sign(w) (t / (|t| |y|) - cos y / |y|^2)`, weight `|w|`.
    pub(super) fn target(
        &mut self,
        sample: &Sample<'_>,
        seen: &Projection,
        target: &[f32],
        weight: f32,
    ) -> Checked<Found<'static>> {
        check_length("target", target.len(), self.header.out_len())?;
        let norm_t = nonzero_norm("target", target)?;
        Ok(self.output(sample, seen)?.map(|norm_y| {
            let toward = if weight < 0.0 { -1.0 } else { 1.0 };
            let cos = kernel::dot(self.scratch, target) / (norm_t * norm_y);
            kernel::scale(self.scratch, ((toward * cos) / norm_y) / norm_y);
            kernel::axpy(self.scratch, -(toward / (norm_t * norm_y)), target);
            Gradient::Scratch
        }))
    }

    /// `L = -cos(y, a) + (1 / n) sum cos(y, r_j)`.
    pub(super) fn attract_repel(
        &mut self,
        sample: &Sample<'_>,
        seen: &Projection,
        attract: &[f32],
        repel: &[f32],
        factors: &mut PerCandidate,
    ) -> Checked<Found<'static>> {
        check_length("attract", attract.len(), self.header.out_len())?;
        let n = self.count_rows("repel", repel, 1)?;
        let norm_a = nonzero_norm("attract", attract)?;
        for (factor, r) in factors.iter_mut().zip(kernel::rows(repel, attract.len())) {
            *factor = (1.0 / n as f32) / nonzero_norm("repel", r)?;
        }
        Ok(self.output(sample, seen)?.map(|norm_y| {
            let cos = kernel::dot(self.scratch, attract) / (norm_a * norm_y);
            let mut along = cos;
            for (factor, r) in factors.iter_mut().zip(kernel::rows(repel, attract.len())) {
                *factor /= norm_y;
                along -= *factor * kernel::dot(self.scratch, r);
            }
            self.mix((along / norm_y) / norm_y, factors, repel);
            kernel::axpy(self.scratch, -(1.0 / (norm_a * norm_y)), attract);
            Gradient::Scratch
        }))
    }

    /// Reward-modulated Hebbian: `g = -(q - baseline) y / |y|`.
    pub(super) fn quality(
        &mut self,
        sample: &Sample<'_>,
        seen: &Projection,
        surprise: f32,
    ) -> Checked<Found<'static>> {
        Ok(self.output(sample, seen)?.map(|norm_y| {
            kernel::scale(self.scratch, -(surprise / norm_y));
            Gradient::Scratch
        }))
    }

    /// Puts `y = base + delta` into the scratch row.
    fn form_output(&mut self, sample: &Sample<'_>, seen: &Projection) {
        kernel::up_onto(self.scratch, base_of(sample), seen.factors(self.header), self.b);
        if self.header.has_bias() {
            kernel::axpy(self.scratch, self.header.strength * seen.guard, self.bias);
        }
    }

    /// Puts `y` into the scratch row and gives `|y|`; a cosine has no gradient where it is 0.
    fn output(&mut self, sample: &Sample<'_>, seen: &Projection) -> Checked<core::result::Result<f32, Skip>> {
        self.form_output(sample, seen);
        let squared = kernel::dot(self.scratch, self.scratch);
        if !squared.is_finite() {
            return Err(not_finite(&[("base", base_of(sample))], "output"));
        }
        Ok(if squared > 0.0 { Ok(kernel::sqrt(squared)) } else { Err(Skip::ZeroGradient) })
    }

    /// `candidates . y / tau`.
    fn logits(
        &mut self,
        sample: &Sample<'_>,
        seen: &Projection,
        candidates: &[f32],
        temperature: f32,
        logits: &mut PerCandidate,
    ) -> Checked<()> {
        self.form_output(sample, seen);
        let n = kernel::rows(candidates, self.header.out_len()).len();
        let used = logits.get_mut(..n).unwrap_or_default();
        kernel::dot_rows(used, candidates, self.scratch);
        for logit in used {
            *logit /= temperature;
            if !logit.is_finite() {
                let inputs = [("base", base_of(sample)), ("candidates", candidates)];
                return Err(not_finite(&inputs, "logits"));
            }
        }
        Ok(())
    }

    /// `scratch = keep * scratch + sum factors[j] * vectors[j]`, in index order.
    fn mix(&mut self, keep: f32, factors: &PerCandidate, vectors: &[f32]) {
        kernel::mix(self.scratch, keep, factors, vectors);
    }

    /// The number of rows of `out_features`; refuses less than `min`, more than 64, and an incomplete row.
    pub(super) fn count_rows(&self, what: &'static str, vectors: &[f32], min: usize) -> Checked<usize> {
        let rows = kernel::rows(vectors, self.header.out_len());
        let n = rows.len();
        if HOST_CHECKS {
            return Ok(n);
        }
        if !rows.remainder().is_empty() {
            let expected = n.saturating_add(1).saturating_mul(self.header.out_len());
            return Err(refuse::length(what, expected, vectors.len()));
        }
        if n < min || n > MAX_CANDIDATES {
            return Err(refuse::count(what, n, min, MAX_CANDIDATES));
        }
        Ok(n)
    }

    fn check_candidates(&self, candidates: &[f32], temperature: f32) -> Checked<usize> {
        check_range("temperature", temperature, MIN_TEMPERATURE, MAX_TEMPERATURE)?;
        self.count_rows("candidates", candidates, MIN_CANDIDATES)
    }
}

/// What `delta` is added to.
pub(super) fn base_of<'a>(sample: &Sample<'a>) -> &'a [f32] {
    sample.base.unwrap_or(sample.input)
}

/// `|v|`, refused if it gives no direction.
fn nonzero_norm(what: &'static str, v: &[f32]) -> Checked<f32> {
    let squared = squared_norm(what, v)?;
    if squared > 0.0 { Ok(kernel::sqrt(squared)) } else { Err(refuse::zero_norm(what)) }
}
