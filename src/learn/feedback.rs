//! From feedback to the pending gradients or, with the dual step, to the pending lists.

use crate::adapter::config::StepKind;
use crate::adapter::header::Header;
use crate::adapter::stats::{Outcome, Receipt, Skip};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, Result, check_length, public_result, refuse};
use crate::forward::Projection;
use crate::learn::dual::list_feedback::ListFeedback;
use crate::learn::dual::{Base, List, NoneOfThese};
use crate::learn::event::{Gradient, Tally};
use crate::learn::limits::{check_quality, check_weight};
use crate::learn::rules::{Found, PerCandidate, base_of};
use crate::learn::sample::{Choice, Feedback, Listwise, MAX_CANDIDATES, MIN_CANDIDATES, Sample};
use crate::learn::step::Origin;
use crate::profile::DUAL_STEP_ONLY;

/// The weight of a quality-only event, as a share of the sample's weight.
const QUALITY_WEIGHT: f32 = 0.1;
/// Share of a new quality in the running baseline of the quality-only rule.
const BASELINE_RATE: f32 = 0.05;

/// What a rule needs of a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Only its projection: the gradient is given.
    Gradient,
    /// The output, and with it a base.
    Output,
}

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
        public_result(self.learn_feedback(&sample.into(), &feedback))
    }

    /// Not generic: one copy of the rules serves every caller of [`adapt`](Self::adapt).
    fn learn_feedback(&mut self, sample: &Sample<'_>, feedback: &Feedback<'_>) -> Checked<Receipt> {
        self.learn_from(sample, feedback)
    }

    pub(crate) fn learn_gradient(&mut self, sample: &Sample<'_>, grad_output: &[f32]) -> Checked<Receipt> {
        if let Some(receipt) = self.learn_gradient_fused(sample, grad_output) {
            return Ok(receipt);
        }
        self.learn_from(sample, &Feedback::Gradient(grad_output))
    }

    pub(crate) fn learn_choice(&mut self, sample: &Sample<'_>, choice: &Choice<'_>) -> Checked<Receipt> {
        if self.learns_by_dual() {
            return self.learn_by_dual(
                sample,
                choice.candidates,
                &ListFeedback::from(choice),
                choice.temperature,
            );
        }
        self.learn_choice_by_gradient(sample, choice)
    }

    /// Not inlined, nor the next: what it keeps for each candidate would lie on a chip's stack below the dual step.
    #[inline(never)]
    fn learn_choice_by_gradient(&mut self, sample: &Sample<'_>, choice: &Choice<'_>) -> Checked<Receipt> {
        self.learn_by_gradient(sample, &Feedback::Choice(*choice), Origin::New)
    }

    /// With the dual step, a list is remembered and visited again by `Memory`.
    #[inline(never)]
    pub(crate) fn learn_list_by_gradient(
        &mut self,
        sample: &Sample<'_>,
        list: &Listwise<'_>,
        origin: Origin,
    ) -> Checked<Receipt> {
        self.learn_by_gradient(sample, &Feedback::Listwise(*list), origin)
    }

    pub(crate) fn learn_listwise(&mut self, sample: &Sample<'_>, list: &Listwise<'_>) -> Checked<Receipt> {
        if self.learns_by_dual() {
            return self.learn_by_dual(sample, list.candidates, &ListFeedback::from(list), list.temperature);
        }
        self.learn_list_by_gradient(sample, list, Origin::New)
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

    #[inline(always)]
    fn learn_from(&mut self, sample: &Sample<'_>, feedback: &Feedback<'_>) -> Checked<Receipt> {
        match *feedback {
            Feedback::Choice(ref choice) => self.learn_choice(sample, choice),
            Feedback::Listwise(ref list) => self.learn_listwise(sample, list),
            _ => self.learn_by_gradient(sample, feedback, Origin::New),
        }
    }

    /// Always inlined: where the kind of feedback is known at compile time, the code for the others is removed.
    #[inline(always)]
    fn learn_by_gradient(
        &mut self,
        sample: &Sample<'_>,
        feedback: &Feedback<'_>,
        origin: Origin,
    ) -> Checked<Receipt> {
        self.check_scaled(feedback.name())?;
        self.check_numbers(feedback)?;
        let needs = if matches!(feedback, Feedback::Gradient(_)) { Needs::Gradient } else { Needs::Output };
        // Gradient feedback does not use the base, but one of the wrong length is still an error.
        let seen = self.see(sample, needs)?;
        // Here rather than in each rule: on a chip, 64 numbers are much of the stack.
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
        let receipt = self.learn(sample.input, &seen, weight, found, quality, origin)?;
        if let Feedback::Quality(given) = *feedback {
            self.header.baseline += BASELINE_RATE * (given - self.header.baseline);
        }
        Ok(receipt)
    }

    /// Whether lists are learned by the dual step.
    pub(crate) fn learns_by_dual(&self) -> bool {
        let step = self.header.step;
        DUAL_STEP_ONLY
            || step == StepKind::Dual as u32
            || (step == StepKind::Auto as u32 && self.has_dual_room())
    }

    /// Without it, an adapter whose step was not chosen goes on with lists as programs of earlier versions do.
    fn has_dual_room(&self) -> bool {
        !self.bias.is_empty() && self.header.rank as usize <= self.header.in_len()
    }

    /// Refuses what the dual step does not learn from.
    pub(crate) fn check_scaled(&self, feedback: &'static str) -> Checked<()> {
        let refused = DUAL_STEP_ONLY || self.header.step == StepKind::Dual as u32;
        if refused { Err(refuse::step(feedback)) } else { Ok(()) }
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

    /// Refuses rehearsal for adapters of the dual step, which visit their lists through `Memory`.
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
    #[inline(never)]
    fn learn_by_dual(
        &mut self,
        sample: &Sample<'_>,
        candidates: &[f32],
        feedback: &ListFeedback<'_>,
        temperature: f32,
    ) -> Checked<Receipt> {
        let seen = self.see(sample, Needs::Output)?;
        let count = self.count_rows("candidates", candidates, MIN_CANDIDATES)?;
        let mut share = [0.0; MAX_CANDIDATES];
        let outcome = match feedback.read(count, temperature, &mut share)? {
            Err(skip) => Err(skip),
            Ok(_) if sample.weight == 0.0 => Err(Skip::ZeroWeight),
            Ok(weighted) => {
                let list = List {
                    input: sample.input,
                    base: Base::Output(base_of(sample)),
                    documents: candidates,
                    target: weighted.target,
                    omega: sample.weight * weighted.omega,
                    temperature,
                    none: NoneOfThese::NEVER,
                };
                if list.is_zero() { Err(Skip::ZeroGradient) } else { Ok(self.learn_list(&list)?) }
            }
        };
        self.count_list(seen.guard, feedback.quality());
        let (outcome, grad_norm) = match outcome {
            Ok(moved) => (Outcome::Applied, moved),
            Err(skip) => (Outcome::Skipped(skip), 0.0),
        };
        Ok(Receipt { grad_norm, guard: seen.guard, ..self.header.receipt(outcome) })
    }

    /// Refuses what can be refused before anything is computed.
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

    /// Checks and projects a sample. The output is not yet computed.
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

    /// The end of every rule: accumulates the gradient, if there is one, and counts the event if it is new.
    fn learn(
        &mut self,
        x: &[f32],
        seen: &Projection,
        weight: f32,
        found: Found<'_>,
        quality: Option<f32>,
        origin: Origin,
    ) -> Checked<Receipt> {
        let guard = seen.guard;
        let samples = u32::from(origin == Origin::New);
        let capped = if guard < 1.0 { samples } else { 0 };
        let mut tally = Tally { samples, pending: 0, capped, weight_sum: self.header.weight_sum };
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

impl Header {
    /// With `StepKind::Auto`, feedback that is not a list chooses the scaled-gradient step.
    pub(crate) fn choose_scaled(&mut self) {
        if self.step == StepKind::Auto as u32 {
            self.step = StepKind::ScaledGradientV2 as u32;
            self.dual.flags |= Self::CHOSEN;
        }
    }
}
