//! The measured learners: each ranks documents, behind one small trait.

mod calibrated;
mod dual_reference;
mod engine;
mod engine_dual;
mod fit;
mod older;
mod roster;
mod shift;

use std::sync::Arc;

use micro_lora::Error;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

pub use dual_reference::DualReference;
pub use roster::{Contender, FROZEN, MAIN, REFERENCE, RIDGE, ROSTER, TODAY, When};

use crate::people::top;

/// What a learner knows before it starts.
#[derive(Clone)]
pub struct Setting {
    /// The documents, one row each.
    pub documents: Arc<Array2<f32>>,
    /// The host's score of each document, used instead of the cosine.
    pub host: Option<Arc<Array1<f32>>>,
    pub seed: u32,
}

impl Setting {
    /// Documents ranked by their cosine with the query.
    pub fn new(documents: Arc<Array2<f32>>, seed: u32) -> Self {
        Self { documents, host: None, seed }
    }

    pub(crate) fn rows(&self, ids: &[usize]) -> Array2<f32> {
        self.documents.select(Axis(0), ids)
    }
}

/// Ranks documents and learns from clicks.
pub trait Ranker {
    /// Scores of all documents for each query, `[queries, documents]`, from those of the frozen model.
    ///
    /// # Errors
    /// As the learner's own.
    fn score(&self, queries: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error>;

    /// Learns from a list that was shown.
    ///
    /// # Errors
    /// As the learner's own.
    fn learn(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error>;

    /// Learns that one of some documents, a class, was the right one.
    ///
    /// # Errors
    /// As the learner's own.
    fn label(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], right: usize) -> Result<(), Error> {
        let clicked: Vec<bool> = (0..ids.len()).map(|id| id == right).collect();
        self.learn(query, ids, &clicked)
    }

    /// Learns that one of some documents was wrong, and nothing about the others.
    ///
    /// # Errors
    /// As the learner's own.
    fn reject(&mut self, _query: ArrayView1<'_, f32>, _ids: &[usize], _not: usize) -> Result<(), Error> {
        Ok(())
    }

    /// The documents shown for a query, best first.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    fn show(
        &mut self,
        query: ArrayView1<'_, f32>,
        base: ArrayView1<'_, f32>,
        n: usize,
    ) -> Result<Vec<usize>, Error> {
        let scores = self.score(query.insert_axis(Axis(0)), base.insert_axis(Axis(0)))?;
        Ok(top(scores.row(0), n))
    }

    /// The strength at which the correction is served; measures at strengths of their own divide by it.
    fn strength(&self) -> f32 {
        1.0
    }
}

/// Whether a list has a preference: something was clicked, and something was not.
pub(crate) fn says_something(clicked: &[bool]) -> bool {
    clicked.contains(&true) && clicked.contains(&false)
}

pub(crate) fn as_weights(clicked: &[bool]) -> Array1<f32> {
    clicked.iter().map(|&c| f32::from(c)).collect()
}

/// Scores with a correction added to each query.
pub(crate) fn moved(
    base: ArrayView2<'_, f32>,
    documents: &Array2<f32>,
    corrections: &Array2<f32>,
) -> Array2<f32> {
    corrections.dot(&documents.t()) + base
}
