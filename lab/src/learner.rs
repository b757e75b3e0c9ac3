use micro_lora::Error;

use crate::{Embeddings, SHOWN, Shown};

/// One search and what the user did.
pub struct Event<'a> {
    /// The query's embedding, without any correction.
    pub query: &'a [f32],
    /// The embeddings of the results shown, best first, one after the other.
    pub shown: &'a [f32],
    pub clicks: [bool; SHOWN],
    /// The clicks as one number, see [`click_quality`](crate::click_quality).
    pub quality: f32,
    /// Only for the bound: no real learner knows this.
    pub truth: Truth<'a>,
}

/// Every document with the user's judgement.
#[derive(Clone, Copy)]
pub struct Truth<'a> {
    pub documents: &'a Embeddings,
    /// One per document.
    pub relevant: &'a [bool],
}

/// Something that corrects queries and learns from what users do with the results.
pub trait Learner {
    /// Adds the learned correction to a query.
    fn correct(&self, query: &mut [f32]) -> Result<(), Error>;

    /// Whether the next list is to be compared with the frozen model's; [`merge`](Self::merge) then makes it.
    fn compares(&mut self) -> bool {
        false
    }

    /// The list to show in a comparison, merged with the frozen model's.
    fn merge(
        &mut self,
        base: &Shown,
        _query: &[f32],
        _search: &dyn Fn(&[f32]) -> Shown,
    ) -> Result<Shown, Error> {
        Ok(*base)
    }

    /// Learns from a label, or a thumb on one, `quality` 1 or 0; returns whether it changed anything.
    fn choose(
        &mut self,
        _input: &[f32],
        _candidates: &[f32],
        _chosen: usize,
        _quality: f32,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    /// Learns from one event; returns whether it changed anything.
    fn learn(&mut self, event: &Event<'_>) -> Result<bool, Error>;

    /// Bytes of memory that the learner would need on a device.
    fn state_bytes(&self) -> usize;
}
