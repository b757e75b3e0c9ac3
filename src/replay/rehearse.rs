//! A step on something learned before.

use crate::adapter::AdapterMut;
use crate::error::{Error, Result};
use crate::sample::{Listwise, Sample};
use crate::stats::Receipt;
use crate::step::{self, Pass};

impl AdapterMut<'_> {
    /// Takes a step on a list that was learned from before, a shorter one that counts as nothing in
    /// [`Stats`](crate::Stats): for hosts that remember lists in a way of their own.
    /// [`Replay`](crate::Replay) remembers them itself.
    ///
    /// # Errors
    /// [`Error::Count`] if events are pending (apply the updates first); as
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
        let seen = *self.header;
        let receipt = self.learn_listwise(&sample.into(), &list);
        // Not a new event: what is displayed must not count it again.
        self.header.samples = seen.samples;
        self.header.capped = seen.capped;
        let receipt = receipt?;
        if !receipt.applied() {
            return Ok(receipt);
        }
        let update = step::apply_updates(self, learning_rate, Pass::Rehearsal);
        self.clear_pending();
        update
    }

    pub(super) fn check_nothing_pending(&self) -> Result<()> {
        match self.header.pending as usize {
            0 => Ok(()),
            got => Err(Error::Count { what: "pending", got, min: 0, max: 0 }),
        }
    }
}
