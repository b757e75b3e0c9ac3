//! The feedback rules. Each turns what a user did into one gradient `g = dL/dy` in the scratch row
//! (or finds that there is nothing to learn); from there on all share one backward pass.

use crate::adapter::config::StepKind;
use crate::adapter::header::Header;
use crate::adapter::stats::{Outcome, Receipt, Skip};
use crate::adapter::view::{AdapterMut, not_finite, squared_norm};
use crate::error::{Checked, Result, check_length, check_range, public_result, refuse};
use crate::forward::Projection;
use crate::kernel;
use crate::learn::dual::told::Told;
use crate::learn::dual::{Base, List};
use crate::learn::event::{Gradient, Tally};
use crate::learn::sample::{Choice, Feedback, Listwise, MAX_CANDIDATES, MIN_CANDIDATES, Sample};
use crate::profile::{HAS_DUAL, HOST_CHECKS};

/// How much a quality alone weighs beside an event that knows its direction.
const QUALITY_WEIGHT: f32 = 0.1;
/// How fast the quality-only rule's baseline follows.
const BASELINE_RATE: f32 = 0.05;

pub(crate) const MIN_WEIGHT: f32 = 1e-6;
pub(crate) const MAX_WEIGHT: f32 = 1e6;
pub(crate) const MIN_TEMPERATURE: f32 = 1e-3;
pub(crate) const MAX_TEMPERATURE: f32 = 1e3;

/// What a rule makes of a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// No more than its projection: the gradient is given.
    Gradient,
    /// The output, and with it a base.
    Output,
}

/// One number per candidate: first logits, then factors.
type PerCandidate = [f32; MAX_CANDIDATES];

/// What a rule has found: where `g` is, or why there is none.
type Found<'a> = core::result::Result<Gradient<'a>, Skip>;

impl AdapterMut<'_> {
    /// Feedback of any kind, decided at run time: as the method of [`Learn`](crate::Learn) for this kind.
    ///
    /// # Errors
    /// As that method.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Feedback, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let receipt = lora.adapter_mut().adapt(&[1.0, 0.0], Feedback::Gradient(&[0.5, 0.0]))?;
    /// assert!(receipt.applied());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn adapt<'s>(&mut self, sample: impl Into<Sample<'s>>, feedback: Feedback<'_>) -> Result<Receipt> {
        public_result(self.learn_any(&sample.into(), &feedback))
    }

    fn learn_any(&mut self, sample: &Sample<'_>, feedback: &Feedback<'_>) -> Checked<Receipt> {
        self.learn_from(sample, feedback)
    }

    pub(crate) fn learn_gradient(&mut self, sample: &Sample<'_>, grad_output: &[f32]) -> Checked<Receipt> {
        if let Some(receipt) = self.learn_gradient_fused(sample, grad_output) {
            return Ok(receipt);
        }
        self.learn_from(sample, &Feedback::Gradient(grad_output))
    }

    pub(crate) fn learn_choice(&mut self, sample: &Sample<'_>, choice: &Choice<'_>) -> Checked<Receipt> {
        self.learn_from(sample, &Feedback::Choice(*choice))
    }

    pub(crate) fn learn_listwise(&mut self, sample: &Sample<'_>, list: &Listwise<'_>) -> Checked<Receipt> {
        self.learn_from(sample, &Feedback::Listwise(*list))
    }

    pub(crate) fn learn_target(
        &mut self,
        sample: &Sample<'_>,
        target: &[f32],
        weight: f32,
    ) -> Checked<Receipt> {
        self.learn_from(sample, &Feedback::Target { target, weight })
    }

    pub(crate) fn learn_attract_repel(
        &mut self,
        sample: &Sample<'_>,
        attract: &[f32],
        repel: &[f32],
    ) -> Checked<Receipt> {
        self.learn_from(sample, &Feedback::AttractRepel { attract, repel })
    }

    pub(crate) fn learn_quality(&mut self, sample: &Sample<'_>, quality: f32) -> Checked<Receipt> {
        self.learn_from(sample, &Feedback::Quality(quality))
    }

    /// Inlined always: where the kind of feedback is known, the others leave no code behind.
    #[inline(always)]
    fn learn_from(&mut self, sample: &Sample<'_>, feedback: &Feedback<'_>) -> Checked<Receipt> {
        match *feedback {
            Feedback::Choice(ref choice) if self.learns_by_dual() => {
                return self.learn_told(sample, choice.candidates, &Told::from(choice), choice.temperature);
            }
            Feedback::Listwise(ref list) if self.learns_by_dual() => {
                return self.learn_told(sample, list.candidates, &Told::from(list), list.temperature);
            }
            _ => self.check_scaled(feedback.name())?,
        }
        self.check_numbers(feedback)?;
        let needs = if matches!(feedback, Feedback::Gradient(_)) { Needs::Gradient } else { Needs::Output };
        // A base has no part in a gradient, but a wrong one is a mistake all the same.
        let seen = self.see(sample, needs)?;
        // Here rather than in the rules: on a chip 64 numbers are a good part of the stack.
        let mut factors: PerCandidate = [0.0; MAX_CANDIDATES];
        let (mut weight, mut quality) = (sample.weight, None);
        let found = match *feedback {
            Feedback::Gradient(grad_output) => {
                check_length("grad_output", grad_output.len(), self.header.out_len())?;
                Ok(Gradient::Given(grad_output))
            }
            Feedback::Choice(ref choice) => {
                quality = Some(choice.quality);
                self.choice(sample, &seen, choice, &mut factors)?
            }
            Feedback::Listwise(ref list) => self.listwise(sample, &seen, list, &mut factors)?,
            Feedback::Target { target, weight: pull } => {
                weight *= pull.abs();
                self.target(sample, &seen, target, pull)?
            }
            Feedback::AttractRepel { attract, repel } => {
                self.attract_repel(sample, &seen, attract, repel, &mut factors)?
            }
            Feedback::Quality(given) => {
                weight *= QUALITY_WEIGHT;
                quality = Some(given);
                self.quality(sample, &seen, given - self.header.baseline)?
            }
        };
        let receipt = self.learn(sample.input, &seen, weight, found, quality)?;
        if let Feedback::Quality(given) = *feedback {
            self.header.baseline += BASELINE_RATE * (given - self.header.baseline);
        }
        Ok(receipt)
    }

    /// Whether lists are learned by the dual step.
    pub(crate) fn learns_by_dual(&self) -> bool {
        let step = self.header.step;
        HAS_DUAL && (step == StepKind::Dual as u32 || (step == StepKind::Auto as u32 && self.has_dual_room()))
    }

    /// Without it, an adapter whose step was not chosen goes on with lists as programs of earlier versions do.
    fn has_dual_room(&self) -> bool {
        !self.bias.is_empty() && self.header.rank as usize <= self.header.in_len()
    }

    /// Refuses what the dual step does not learn from.
    pub(crate) fn check_scaled(&self, feedback: &'static str) -> Checked<()> {
        if HAS_DUAL && self.header.step == StepKind::Dual as u32 {
            Err(refuse::step(feedback))
        } else {
            Ok(())
        }
    }

    /// Counts a list that is not pending (or is counted as such already).
    pub(crate) fn count_list(&mut self, guard: f32, quality: Option<f32>) {
        let weight_sum = self.header.weight_sum;
        self.header.count(Tally { samples: 1, pending: 0, capped: u32::from(guard < 1.0), weight_sum });
        if let Some(quality) = quality {
            self.header.count_quality(quality);
        }
    }

    /// Refuses an adapter that was made for another step than the dual one.
    pub(crate) fn check_lists(&self) -> Checked<()> {
        self.header.check_initialised()?;
        if self.learns_by_dual() { Ok(()) } else { Err(refuse::unsupported("step", "StepKind::Dual")) }
    }

    /// Refuses an adapter that lists are not rehearsed with: the dual step has a memory of its own.
    pub(crate) fn check_rehearsal(&self) -> Checked<()> {
        if self.learns_by_dual() {
            let instead =
                "StepKind::ScaledGradientV2, or a Memory, which is what the dual step rehearses from";
            Err(refuse::unsupported("step", instead))
        } else {
            Ok(())
        }
    }

    /// Refuses a sample that no list can be learned with; gives the guard's factor.
    pub(crate) fn check_sample(&self, sample: &Sample<'_>) -> Checked<f32> {
        Ok(self.see(sample, Needs::Output)?.guard)
    }

    /// Learns from a list by the dual step, once.
    fn learn_told(
        &mut self,
        sample: &Sample<'_>,
        candidates: &[f32],
        told: &Told<'_>,
        temperature: f32,
    ) -> Checked<Receipt> {
        let seen = self.see(sample, Needs::Output)?;
        let count = self.count_rows("candidates", candidates, MIN_CANDIDATES)?;
        let outcome = match told.read(count, temperature)? {
            Err(skip) => Err(skip),
            Ok(_) if sample.weight == 0.0 => Err(Skip::ZeroWeight),
            Ok(reading) => {
                let list = List {
                    input: sample.input,
                    base: Base::Output(base_of(sample)),
                    documents: candidates,
                    wanted: reading.wanted(),
                    omega: sample.weight * reading.omega,
                    temperature,
                };
                if list.is_zero() { Err(Skip::ZeroGradient) } else { Ok(self.learn_list(&list)?) }
            }
        };
        self.count_list(seen.guard, told.quality());
        let (outcome, grad_norm) = match outcome {
            Ok(moved) => (Outcome::Applied, moved),
            Err(skip) => (Outcome::Skipped(skip), 0.0),
        };
        Ok(Receipt { grad_norm, guard: seen.guard, ..self.header.receipt(outcome) })
    }

    /// What can be refused before anything is computed.
    fn check_numbers(&self, feedback: &Feedback<'_>) -> Checked<()> {
        match *feedback {
            Feedback::Target { weight, .. } => check_weight("|weight| unless 0", weight.abs()),
            Feedback::Quality(quality) => {
                let (in_features, out_features) = (self.header.in_len(), self.header.out_len());
                if in_features != out_features {
                    let instead = "gradient, choice, listwise or target feedback";
                    return Err(refuse::square_required("quality alone", instead, in_features, out_features));
                }
                check_quality(quality)
            }
            _ => Ok(()),
        }
    }

    /// `p = softmax(candidates . y / tau)`; q > 0.5: `L = -(2q - 1) log p_c`, so
    /// `g = (2q - 1) ((p_c - 1) / tau) (c_chosen - sum r_j c_j)` with r the softmax over the others;
    /// q < 0.5: `L = -(1 - 2q) log(1 - p_c)`, the same with `p_c` for `p_c - 1`.
    fn choice(
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
    fn listwise(
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
    fn target(
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
    fn attract_repel(
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
    fn quality(&mut self, sample: &Sample<'_>, seen: &Projection, surprise: f32) -> Checked<Found<'static>> {
        Ok(self.output(sample, seen)?.map(|norm_y| {
            kernel::scale(self.scratch, -(surprise / norm_y));
            Gradient::Scratch
        }))
    }

    /// Checks and projects a sample. The guard is known afterwards; the output is not yet formed.
    fn see(&self, sample: &Sample<'_>, needs: Needs) -> Checked<Projection> {
        check_weight("sample weight unless 0", sample.weight)?;
        let seen = self.as_adapter().forward(sample.input, true)?;
        self.check_base(sample, needs)?;
        Ok(seen)
    }

    #[inline(always)]
    pub(crate) fn check_base(&self, sample: &Sample<'_>, needs: Needs) -> Checked<()> {
        let (in_features, out_features) = (self.header.in_len(), self.header.out_len());
        match sample.base {
            Some(base) => check_length("base", base.len(), out_features),
            None if needs == Needs::Output && in_features != out_features => {
                Err(refuse::base_required(in_features, out_features))
            }
            None => Ok(()),
        }
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

    fn check_candidates(&self, candidates: &[f32], temperature: f32) -> Checked<usize> {
        check_range("temperature", temperature, MIN_TEMPERATURE, MAX_TEMPERATURE)?;
        self.count_rows("candidates", candidates, MIN_CANDIDATES)
    }

    /// How many rows of `out_features` there are: `min` to 64, and nothing left over.
    fn count_rows(&self, what: &'static str, vectors: &[f32], min: usize) -> Checked<usize> {
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

    /// The end of every rule: accumulates the gradient, if there is one, and counts the event.
    fn learn(
        &mut self,
        x: &[f32],
        seen: &Projection,
        weight: f32,
        found: Found<'_>,
        quality: Option<f32>,
    ) -> Checked<Receipt> {
        let guard = seen.guard;
        let capped = u32::from(guard < 1.0);
        let mut tally = Tally { samples: 1, pending: 0, capped, weight_sum: self.header.weight_sum };
        let (outcome, grad_norm) = match found {
            Ok(_) if weight == 0.0 => (Outcome::Skipped(Skip::ZeroWeight), 0.0),
            Ok(gradient) => self.accumulate(x, seen, weight, gradient, &mut tally)?,
            Err(skip) => (Outcome::Skipped(skip), 0.0),
        };
        self.header.choose_scaled();
        self.header.count(tally);
        if let Some(quality) = quality {
            self.header.count_quality(quality);
        }
        Ok(Receipt { grad_norm, guard, ..self.header.receipt(outcome) })
    }
}

/// What `delta` is added to.
fn base_of<'a>(sample: &Sample<'a>) -> &'a [f32] {
    sample.base.unwrap_or(sample.input)
}

impl Header {
    /// The first feedback that is no list chooses the scaled-gradient step.
    pub(crate) fn choose_scaled(&mut self) {
        if HAS_DUAL && self.step == StepKind::Auto as u32 {
            self.step = StepKind::ScaledGradientV2 as u32;
            self.dual.flags |= Self::CHOSEN;
        }
    }
}

/// Why a listwise choice says nothing, if it does not.
pub(crate) fn preference(weights: &[f32]) -> Option<Skip> {
    let first = weights.first().copied().unwrap_or_default();
    if weights.iter().any(|weight| *weight != first) {
        None
    } else if first == 0.0 {
        Some(Skip::NothingChosen)
    } else {
        Some(Skip::AllChosen)
    }
}

/// `e^x` of what is never above 0. That its sign is given once more tells the compiler, which leaves out the rest.
#[inline(never)]
fn exp(x: f32) -> f32 {
    libm::expf(f32::from_bits(x.to_bits() | 0x8000_0000))
}

/// Turns logits into `exp(z - max)`, and gives the largest logit and the sum.
pub(crate) fn exponentials(logits: &mut [f32]) -> (f32, f32) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for z in logits {
        *z = exp(*z - largest);
        sum += *z;
    }
    (largest, sum)
}

/// The factors of `g` on each candidate, in a form that keeps its precision for any `p_c`.
fn choice_factors(logits: &mut [f32], chosen: usize, quality: f32, temperature: f32) {
    // At minus infinity the chosen one has no part in the softmax over the others.
    let chosen_logit = match logits.get_mut(chosen) {
        Some(logit) => core::mem::replace(logit, f32::NEG_INFINITY),
        None => return,
    };
    let (others_largest, others_sum) = exponentials(logits);
    let largest = others_largest.max(chosen_logit);
    let others = others_sum * exp(others_largest - largest);
    let own = exp(chosen_logit - largest);
    let k = if quality > 0.5 {
        -((2.0 * quality - 1.0) * (others / (own + others))) / temperature
    } else {
        ((1.0 - 2.0 * quality) * (own / (own + others))) / temperature
    };
    for (j, factor) in logits.iter_mut().enumerate() {
        *factor = if j == chosen { k } else { -(k * (*factor / others_sum)) };
    }
}

fn listwise_factors(logits: &mut [f32], weights: &[f32], temperature: f32) {
    let (_, sum) = exponentials(logits);
    let mut weight_sum = 0.0;
    for weight in weights {
        weight_sum += weight;
    }
    // In two loops: two quotients of one turn would share a register with lanes of 0 / 0, and a host that traps on
    // invalid operations (feenableexcept) would die of them.
    for factor in &mut *logits {
        *factor /= sum;
    }
    for (factor, weight) in logits.iter_mut().zip(weights) {
        *factor = (*factor - weight / weight_sum) / temperature;
    }
}

/// 0, or within the limits that keep sums of weights meaningful.
pub(crate) fn check_weight(what: &'static str, weight: f32) -> Checked<()> {
    if weight == 0.0 { Ok(()) } else { check_range(what, weight, MIN_WEIGHT, MAX_WEIGHT) }
}

pub(crate) fn check_quality(quality: f32) -> Checked<()> {
    check_range("quality", quality, 0.0, 1.0)
}

/// `|v|`, refused if it gives no direction.
fn nonzero_norm(what: &'static str, v: &[f32]) -> Checked<f32> {
    let squared = squared_norm(what, v)?;
    if squared > 0.0 { Ok(kernel::sqrt(squared)) } else { Err(refuse::zero_norm(what)) }
}
