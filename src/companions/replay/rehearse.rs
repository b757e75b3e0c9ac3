//! Rehearsal: steps on lists that were learned before.

use super::codes::unpack;
use super::{ReplayHeader, ReplayMut, nth};
use crate::adapter::stats::Receipt;
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, Error, Result, public_result, refuse};
use crate::kernel;
use crate::learn::Learn;
use crate::learn::limits::check_learning_rate;
use crate::learn::sample::{Listwise, Sample};
use crate::learn::step::{self, Origin};

/// The most rehearsals of one call.
pub(crate) const MAX_TIMES: u32 = 65_535;

const OVERFLOW: u32 = Error::Overflow { what: "" }.code();
const BASE_REQUIRED: u32 = Error::BaseRequired { in_features: 0, out_features: 0 }.code();

impl ReplayMut<'_> {
    /// Takes a step on each of the next `times` lists, in turn, and returns how many it took. Rehearsals
    /// are not counted in [`Stats`](crate::Stats). A list whose step would overflow is left out: `push` cannot detect
    /// it, and it would block the others.
    ///
    /// # Errors
    /// [`Error::Count`] if events are pending (apply the updates first); as [`Learn::adapt_listwise`], but
    /// for [`Error::Overflow`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Listwise, MicroLora, Replay, StepKind};
    /// let config = Config::new().with_step(StepKind::ScaledGradientV2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(config)?;
    /// let mut ring = Replay::<2, 2, 2, 8>::new();
    /// ring.view().push(&[0.6, 0.8], Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[0.0, 1.0]))?;
    /// assert_eq!(ring.view().rehearse(&mut lora, 0.01, 4)?, 4);
    /// assert_eq!((lora.stats().samples_seen, lora.stats().updates), (0, 0));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn rehearse(&mut self, lora: &mut impl Learn, learning_rate: f32, times: u32) -> Result<u32> {
        self.check()?;
        let mut view = lora.adapter_mut();
        view.check_nothing_pending()?;
        // Before the turn moves on: an error changes nothing.
        view.check_rehearsal()?;
        public_result(check_learning_rate(learning_rate))?;
        let mut taken = 0u32;
        for _ in 0..times.min(MAX_TIMES) {
            let Some(turn) = self.header.turn.checked_rem(self.header.len) else { break };
            self.header.turn = turn.wrapping_add(1);
            if self.rehearse_one(&mut view, turn as usize, learning_rate)? {
                taken = taken.saturating_add(1);
            }
        }
        Ok(taken)
    }

    fn rehearse_one(&mut self, view: &mut AdapterMut<'_>, place: usize, lr: f32) -> Result<bool> {
        let ReplayHeader { in_features, out_features, list, .. } = *self.header;
        let (out, list) = (out_features as usize, list as usize);
        let Some(entry) = self.entries.get(place).copied() else { return Ok(false) };
        let codes = nth(self.inputs, place, in_features as usize);
        unpack(self.row, codes, entry.input_scale);
        let scales = nth(self.scales, place, list);
        let codes = nth(self.candidates, place, list.saturating_mul(out)).chunks_exact(out.max(1));
        for ((row, codes), scale) in kernel::rows_mut(self.rows, out).zip(codes).zip(scales) {
            unpack(row, codes, *scale);
        }
        let rows = (entry.rows as usize).saturating_mul(out);
        let (candidates, rest) = self.rows.split_at_checked(rows).unwrap_or_default();
        let weights = nth(self.weights, place, list).get(..entry.rows as usize).unwrap_or_default();
        let mut sample = Sample::new(self.row);
        if entry.has_base == 1 {
            sample.base = rest.get(..out);
        }
        let list = Listwise::new(candidates, weights).with_temperature(entry.temperature);
        match view.rehearse(sample, list, lr) {
            // Skipped rather than returned: the caller did nothing wrong, and every later call would fail here. Earlier
            // versions remembered lists without the base that they need.
            Err(error) if matches!(error.code(), OVERFLOW | BASE_REQUIRED) => Ok(false),
            rehearsed => Ok(rehearsed?.applied()),
        }
    }
}

impl AdapterMut<'_> {
    /// Takes a shorter step on a list that was learned from before, without counting it in
    /// [`Stats`](crate::Stats): for hosts that remember lists themselves. The step is longer the more results were
    /// chosen (`docs/learning.md`).
    /// [`Replay`](crate::Replay) remembers lists for you.
    ///
    /// # Errors
    /// [`Error::Count`](crate::Error::Count) if events are pending (apply the updates first); as
    /// [`Learn::adapt_listwise`](crate::Learn::adapt_listwise) and
    /// [`Learn::apply_updates`](crate::Learn::apply_updates).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, Listwise, MicroLora, StepKind};
    /// let config = Config::new().with_step(StepKind::ScaledGradientV2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(config)?;
    /// let list = Listwise::new(&[1.0, 0.0, /* and */ 0.0, 1.0], &[0.0, 1.0]);
    /// assert!(lora.adapter_mut().rehearse(&[0.6, 0.8], list, 0.01)?.applied());
    /// assert_eq!((lora.stats().samples_seen, lora.stats().updates), (0, 0));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn rehearse<'s>(
        &mut self,
        sample: impl Into<Sample<'s>>,
        list: Listwise<'_>,
        learning_rate: f32,
    ) -> Result<Receipt> {
        self.check_nothing_pending()?;
        self.check_rehearsal()?;
        public_result(self.rehearse_list(&sample.into(), &list, learning_rate))
    }

    fn rehearse_list(&mut self, sample: &Sample<'_>, list: &Listwise<'_>, lr: f32) -> Checked<Receipt> {
        let origin = Origin::Rehearsal { chosen: chosen(list.weights) };
        let receipt = self.learn_list_by_gradient(sample, list, origin)?;
        if !receipt.applied() {
            return Ok(receipt);
        }
        let update = step::apply_updates(self, lr, origin);
        self.clear_pending();
        update
    }

    pub(super) fn check_nothing_pending(&self) -> Checked<()> {
        match self.header.pending as usize {
            0 => Ok(()),
            got => Err(refuse::count("pending", got, 0, 0)),
        }
    }
}

/// How many results were chosen; one that was chosen less counts less.
fn chosen(weights: &[f32]) -> f32 {
    let (mut sum, mut largest) = (0.0, 0.0f32);
    for weight in weights {
        sum += weight;
        largest = largest.max(*weight);
    }
    sum / largest
}
