//! Lists that are learned once and not remembered: `adapt_listwise`, `adapt_choice`, and the update that serves them.

use super::list::{Base, Destination, List, Part};
use super::start::{APART, Lengths};
use super::{GAMMA, LAMBDA, LIMIT_ALONE, MAX_OMEGA, PRIOR, UNIT_RATE};
use crate::adapter::limits::WEIGHT_LIMIT;
use crate::adapter::stats::{Outcome, Receipt, Skip};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, check_measured, refuse};
use crate::kernel;
use crate::learn::limits::check_learning_rate;
use crate::learn::sample::MAX_CANDIDATES;

impl AdapterMut<'_> {
    /// Visits a list once, as if what is pending were served already; the change is pending until the next update.
    pub(crate) fn learn_list(&mut self, list: &List<'_>) -> Checked<f32> {
        // Before the list is admitted, which changes the adapter.
        if self.header.weight_sum + list.omega >= WEIGHT_LIMIT {
            return Err(refuse::PENDING_FULL);
        }
        self.admit(list, None)?;
        let centre = self.centre_with(list.input);
        let (mut alpha, mut h, mut u) = ([0.0; MAX_CANDIDATES], [0.0; 4], [0.0; 4]);
        let part = Part { alpha: &mut alpha, h: &mut h, u: &mut u };
        let prediction = self.predict(list, &centre)?;
        let visited = self.visit(list, part, &centre, Destination::Pending)?;
        self.keep_evidence(prediction);
        self.count_input(list.input, 1.0);
        self.header.weight_sum += list.omega;
        self.header.pending = self.header.pending.saturating_add(1);
        Ok(visited.moved)
    }

    /// Refuses what the dual step cannot learn from; the first list that it can sets the units. `base` is what the
    /// correction is added to, where the list has scores in its place.
    pub(crate) fn admit(&mut self, list: &List<'_>, base: Option<&[f32]>) -> Checked<()> {
        self.check_dual()?;
        // A subnormal weight could not be saved, and teaches nothing.
        check_measured("weight of a list at this learning_rate", list.omega, f32::MIN_POSITIVE, MAX_OMEGA)?;
        let lengths = list.lengths(self.header.out_len(), base);
        self.header.check_lengths(lengths)?;
        if let Base::Scores(scores) = list.base
            && kernel::largest(scores) > MAX_SCORE
        {
            return Err(refuse::overflow("logits"));
        }
        if !self.header.has_units() || self.header.pending > 0 {
            // From here on it is another adapter: so nothing after this may fail.
            self.check_ahead(list, lengths)?;
        }
        self.become_dual();
        self.header.take_units(lengths);
        Ok(())
    }

    /// Refuses a list after which a norm could be past its limit, whatever `A` will be, with what is pending served.
    fn check_ahead(&self, list: &List<'_>, lengths: Lengths) -> Checked<()> {
        let dual = &self.header.dual;
        let is_first = !self.header.has_units();
        let (base, input, apart) = if is_first {
            (lengths.base, lengths.input, 1.0)
        } else {
            (dual.base_norm, dual.input_norm, APART)
        };
        // Each alpha is at most omega, their sum at most twice that, a document no longer than all together and the mean.
        let longest = apart * (1.0 + kernel::sqrt(MAX_CANDIDATES as f32));
        let moved = ((2.0 * list.omega) * longest) * (base / (LAMBDA * list.temperature));
        let turned = (((2.0 * GAMMA) * apart) * moved) / input;
        // What another step has pending is dropped.
        let length = |x: &[f32]| if is_first { 0.0 } else { kernel::norm(x) };
        let (bias, c) = (length(self.grad_bias), self.header.scaling * length(self.grad_c));
        let of_rows = self.growth_of_rows();
        self.check_growth(moved + bias + of_rows.bias, turned + c + of_rows.c)
    }

    /// `A mu` with one input more in the mean: the list is part of the mean that it is centred by.
    pub(crate) fn centre_with(&self, input: &[f32]) -> [f32; 4] {
        let dual = &self.header.dual;
        let (sum, input) = (kernel::down(self.a, self.input_sum), kernel::down(self.a, input));
        let factor = dual.input_norm / (dual.lists.saturating_add(1) as f32 + PRIOR);
        let mut centre = sum;
        centre
            .iter_mut()
            .zip(input)
            .for_each(|(sum, input)| *sum = factor * (*sum + input / dual.input_norm));
        centre
    }

    /// Adds an input to the sum of inputs, or subtracts it.
    pub(crate) fn count_input(&mut self, input: &[f32], sign: f32) {
        kernel::axpy(self.input_sum, sign / self.header.dual.input_norm, input);
        let lists = &mut self.header.dual.lists;
        *lists = if sign > 0.0 { lists.saturating_add(1) } else { lists.saturating_sub(1) };
    }

    /// Subtracts a list's part from every sum; `sum` is its `X^T alpha`. An adapter without units has none of it.
    pub(crate) fn take_out(
        &mut self,
        input: &[f32],
        sum: &[f32],
        temperature: f32,
        h: &[f32; 4],
        u: &[f32; 4],
    ) -> Checked<()> {
        let dual = self.header.dual;
        if dual.document_norm == 0.0 {
            return Ok(());
        }
        let unit = self.header.unit(temperature);
        let (moved, along) = (unit * kernel::norm(sum), kernel::sqrt(kernel::dot4(h, h)));
        // Only the list of another adapter is that large.
        self.check_growth(moved, ((GAMMA * moved) / dual.input_norm) * along)?;
        self.header.check_remembered(input)?;
        kernel::axpy(self.bias, -unit, sum);
        let to_b = ((GAMMA * unit) / dual.input_norm) / self.header.scaling;
        kernel::add_outer(self.b, h.map(|h_r| -(to_b * h_r)), sum);
        kernel::add_outer(self.grad_a, u.map(|u| -u / dual.input_norm), input);
        self.header.dual.u.iter_mut().zip(u).for_each(|(sum, u)| *sum -= u);
        self.count_input(input, -1.0);
        Ok(())
    }

    /// Weights as at the start, `A` orthonormal; settings and counters stay.
    pub(crate) fn start_again(&mut self) {
        let bound = kernel::sqrt(3.0 / self.header.in_features as f32);
        kernel::fill_uniform(self.a, bound, self.header.seed);
        kernel::clear(self.b);
        self.forget_dual();
        self.clear_pending();
        self.become_dual();
        self.measure();
    }
}

/// Serves what is pending. `A` turns once for each list, as if each had been served alone.
pub(crate) fn apply_updates(view: &mut AdapterMut<'_>, lr: f32) -> Checked<Receipt> {
    check_learning_rate(lr)?;
    if view.header.pending == 0 {
        return Ok(view.header.receipt(Outcome::Skipped(Skip::NoPending)));
    }
    if lr == 0.0 {
        return Ok(view.header.receipt(Outcome::Skipped(Skip::ZeroLearningRate)));
    }
    let share = lr / UNIT_RATE;
    let weight = view.header.weight_sum / view.header.pending as f32;
    check_measured("learning_rate", lr, 0.0, (MAX_OMEGA * UNIT_RATE) / weight)?;
    let moved = share * kernel::norm(view.grad_bias);
    let turned = (share * view.header.scaling) * kernel::norm(view.grad_c);
    view.check_growth(moved, turned)?;
    view.fade(view.header.fading(LIMIT_ALONE));
    kernel::axpy(view.bias, share, view.grad_bias);
    kernel::axpy(view.b, share, view.grad_c);
    for _ in 0..view.header.pending.min(MAX_TURNS) {
        view.turn();
    }
    view.clear_pending();
    view.header.trace.updates = view.header.trace.updates.saturating_add(1);
    view.measure();
    view.header.bump();
    Ok(Receipt {
        grad_norm: moved,
        step_norm: kernel::sqrt(moved * moved + turned * turned),
        ..view.header.receipt(Outcome::Applied)
    })
}

/// The largest magnitude of a host's score: its logit at the lowest temperature is finite with room to spare.
pub(crate) const MAX_SCORE: f32 = 1e30;
/// By then `A` has come to rest.
const MAX_TURNS: u32 = 1000;
