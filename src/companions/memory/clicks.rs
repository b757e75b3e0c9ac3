//! The arguments and the receipt of learning a list with a memory.

use crate::adapter::stats::Outcome;
use crate::learn::dual::list_feedback::ListFeedback;
use crate::learn::sample::LIST_TEMPERATURE;

/// A list of results and what was clicked, to learn and to remember.
///
/// ```
/// use micro_lora::Clicks;
/// let (ids, clicks) = ([7, 3, 12], [0.0, 1.0, 0.0]);
/// let list = Clicks::on_ids(&ids, &clicks).with_query_id(1);
/// assert_eq!(list.temperature, 0.1);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Clicks<'a> {
    /// The documents one after the other, `n * out_features` values; empty if they are known by id.
    pub documents: &'a [f32],
    /// Their ids; empty if they are given by value.
    pub ids: &'a [u32],
    /// One weight per document, `0.0..=1e6`, 1 for a click and 0 for none, say; or empty for a thumb. Kept as a share
    /// of the largest in steps of 1/255.
    pub weights: &'a [f32],
    /// For a thumb, which document it is on.
    pub chosen: usize,
    /// For a thumb, `0.0..=1.0`: 1 is up, 0 is down, 0.5 says nothing.
    pub quality: f32,
    /// Temperature of the softmax over the scores, `1e-3..=1e3`, default 0.1.
    pub temperature: f32,
    /// The scores by which the host ranked the documents, one each, of the size of cosines, in place of
    /// `document . base`. Kept by a layout with scores only.
    pub scores: Option<&'a [f32]>,
    /// The number by which the host finds the query again; the list's number if there is none.
    pub query_id: Option<u32>,
}

impl<'a> Clicks<'a> {
    /// Clicks on documents that are given by value.
    ///
    /// ```
    /// assert_eq!(micro_lora::Clicks::on(&[1.0, 0.0, 0.0, 1.0], &[0.0, 1.0]).ids, []);
    /// ```
    #[must_use]
    pub const fn on(documents: &'a [f32], weights: &'a [f32]) -> Self {
        Self {
            documents,
            ids: &[],
            weights,
            chosen: 0,
            quality: 1.0,
            temperature: LIST_TEMPERATURE,
            scores: None,
            query_id: None,
        }
    }

    /// Clicks on documents that the host finds by id.
    ///
    /// ```
    /// assert_eq!(micro_lora::Clicks::on_ids(&[4, 2], &[0.0, 1.0]).documents, []);
    /// ```
    #[must_use]
    pub const fn on_ids(ids: &'a [u32], weights: &'a [f32]) -> Self {
        let mut list = Self::on(&[], weights);
        list.ids = ids;
        list
    }

    /// A thumb on one of the documents in place of weights: quality 1 is up, 0 is down.
    ///
    /// ```
    /// let list = micro_lora::Clicks::on_ids(&[4, 2], &[]).with_thumb(1, 0.0);
    /// assert_eq!((list.chosen, list.quality), (1, 0.0));
    /// ```
    #[must_use]
    pub const fn with_thumb(mut self, chosen: usize, quality: f32) -> Self {
        (self.chosen, self.quality) = (chosen, quality);
        self.weights = &[];
        self
    }

    /// Sets [`temperature`](Self::temperature).
    ///
    /// ```
    /// assert_eq!(micro_lora::Clicks::on_ids(&[4, 2], &[0.0, 1.0]).with_temperature(0.2).temperature, 0.2);
    /// ```
    #[must_use]
    pub const fn with_temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }

    /// Sets [`scores`](Self::scores).
    ///
    /// ```
    /// let list = micro_lora::Clicks::on_ids(&[4, 2], &[0.0, 1.0]).with_scores(&[0.9, 0.8]);
    /// assert!(list.scores.is_some());
    /// ```
    #[must_use]
    pub const fn with_scores(mut self, scores: &'a [f32]) -> Self {
        self.scores = Some(scores);
        self
    }

    /// Sets [`query_id`](Self::query_id).
    ///
    /// ```
    /// assert_eq!(micro_lora::Clicks::on_ids(&[4, 2], &[0.0, 1.0]).with_query_id(5).query_id, Some(5));
    /// ```
    #[must_use]
    pub const fn with_query_id(mut self, id: u32) -> Self {
        self.query_id = Some(id);
        self
    }

    pub(super) fn feedback(&self) -> ListFeedback<'a> {
        if self.weights.is_empty() {
            ListFeedback::Choice { chosen: self.chosen, quality: self.quality }
        } else {
            ListFeedback::Weights(self.weights)
        }
    }
}

/// The receipt of learning a list.
///
/// ```
/// use micro_lora::{Clicks, Config, Memory, MemoryLayout, MicroLora, StepKind, no_vectors};
/// const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
/// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
/// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
/// let list = Clicks::on(&[1.0, 0.0, /* and */ 0.0, 1.0], &[0.0, 1.0]);
/// let receipt = memory.view().learn(&mut lora, &[0.6, 0.8], list, 0.01, no_vectors)?;
/// assert_eq!((receipt.number, receipt.left_behind), (Some(1), 0));
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemoryReceipt {
    /// Applied, or skipped and why: nothing is then remembered.
    pub outcome: Outcome,
    /// The list's number, from 1, to [`forget`](crate::MemoryMut::forget) it by; none if it was skipped.
    pub number: Option<u32>,
    /// L2 norm of the change of the bias by the first visit.
    pub moved: f32,
    /// Remembered lists that were visited after it.
    pub visits: u32,
    /// Lists that were dropped because a vector has changed or is gone. Their part of the weights stays.
    pub left_behind: u32,
    /// The adapter's generation after the call.
    pub generation: u32,
}
