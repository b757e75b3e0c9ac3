//! A step on something learned before.

use crate::adapter::AdapterMut;
use crate::error::{Checked, Result, refuse, told};
use crate::sample::{Listwise, Sample};
use crate::stats::Receipt;
use crate::step::{self, Pass};

impl AdapterMut<'_> {
    /// Takes a step on a list that was learned from before, a shorter one that counts as nothing in
    /// [`Stats`](crate::Stats): for hosts that remember lists in a way of their own. The more results were
    /// chosen, the longer it is (`docs/learning.md`).
    /// [`Replay`](crate::Replay) remembers them itself.
    ///
    /// # Errors
    /// [`Error::Count`](crate::Error::Count) if events are pending (apply the updates first); as
    /// [`Learn::adapt_listwise`](crate::Learn::adapt_listwise) and
    /// [`Learn::apply_updates`](crate::Learn::apply_updates).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, Listwise, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
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
        let before = self.counters();
        let receipt = self.learn_listwise(&sample.into(), &list)?;
        self.end_rehearsal(before, receipt, learning_rate, list.weights)
    }

    /// What a rehearsal does not count in.
    #[doc(hidden)]
    #[must_use]
    pub fn counters(&self) -> [u32; 2] {
        [self.header.samples, self.header.capped]
    }

    /// What follows what was learned from a list of the past, with the counters as they were before.
    #[doc(hidden)]
    pub fn end_rehearsal(
        &mut self,
        [samples, capped]: [u32; 2],
        receipt: Receipt,
        learning_rate: f32,
        weights: &[f32],
    ) -> Result<Receipt> {
        // Not a new event: what is displayed must not count it again.
        self.header.samples = samples;
        self.header.capped = capped;
        if !receipt.applied() {
            return Ok(receipt);
        }
        let update = step::apply_updates(self, learning_rate, Pass::Rehearsal { chosen: chosen(weights) });
        self.clear_pending();
        told(update)
    }

    #[doc(hidden)]
    pub fn begin_rehearsal(&self) -> Result<()> {
        told(self.check_nothing_pending())
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
