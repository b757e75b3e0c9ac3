use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis};

use super::TEN;

/// A query with fewer documents of a gain above [`GOOD`] says little about a ranking.
const GOOD_MIN: usize = 3;
const GOOD: f32 = 0.3;
/// With fewer queries or documents than these a figure is not worth printing.
const QUERIES_MIN: usize = 10;
const DOCUMENTS_MIN: usize = 5 * TEN;

/// Why no task can be made of a set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected at least {least} {what}, got {got}: the set is too small, or too little of it is liked")]
pub struct TooSmall {
    pub what: &'static str,
    pub least: usize,
    pub got: usize,
}

/// Queries with the relevance of each document for each of them.
#[derive(Clone)]
pub struct Searches {
    /// `[queries, n]`
    pub queries: Array2<f32>,
    /// How much each document is on the topic of each query, 0 to 1.
    pub topic: Array2<f32>,
    /// The same, but 0 for documents that are not liked.
    pub gain: Array2<f32>,
}

impl Searches {
    /// Keeps only queries with enough relevant documents.
    pub fn new(queries: Array2<f32>, topic: Array2<f32>, liked: &[bool]) -> Self {
        Self::all(queries, topic, liked).usable()
    }

    fn all(queries: Array2<f32>, topic: Array2<f32>, liked: &[bool]) -> Self {
        let mut gain = topic.clone();
        for (mut column, &is_liked) in gain.columns_mut().into_iter().zip(liked) {
            if !is_liked {
                column.fill(0.0);
            }
        }
        Self { queries, topic, gain }
    }

    fn usable(&self) -> Self {
        let is_good = |row: usize| self.gain.row(row).iter().filter(|&&g| g > GOOD).count() >= GOOD_MIN;
        self.rows(&(0..self.len()).filter(|&row| is_good(row)).collect::<Vec<_>>())
    }

    pub fn len(&self) -> usize {
        self.queries.nrows()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A part of the queries.
    pub fn rows(&self, rows: &[usize]) -> Self {
        let select = |of: &Array2<f32>| of.select(Axis(0), rows);
        Self { queries: select(&self.queries), topic: select(&self.topic), gain: select(&self.gain) }
    }
}

/// One person's searches and documents.
pub struct SearchTask {
    /// `[documents, n]`
    pub documents: Arc<Array2<f32>>,
    pub liked: Vec<bool>,
    /// Queries to learn on, to choose settings on, and for the final figures.
    pub train: Searches,
    pub validation: Searches,
    pub test: Searches,
    /// Typed queries, each with the document that it was made to find.
    pub typed: Option<(Array2<f32>, Vec<usize>)>,
    /// The taste after a switch.
    pub liked_next: Vec<bool>,
    pub seed: u32,
}

impl SearchTask {
    /// # Errors
    /// If there is too little data for a figure.
    pub fn checked(self) -> Result<Self, TooSmall> {
        for (what, least, got) in [
            ("documents to search in", DOCUMENTS_MIN, self.documents.nrows()),
            ("queries to learn on", QUERIES_MIN, self.train.len()),
            ("queries to choose settings on", QUERIES_MIN, self.validation.len()),
            ("queries to measure on", QUERIES_MIN, self.test.len()),
        ] {
            if got < least {
                return Err(TooSmall { what, least, got });
            }
        }
        Ok(self)
    }

    /// The same queries with the next taste; all of them are used to learn on.
    pub fn switched(&self) -> [Searches; 3] {
        let all = |of: &Searches| Searches::all(of.queries.clone(), of.topic.clone(), &self.liked_next);
        [all(&self.train), all(&self.validation).usable(), all(&self.test).usable()]
    }

    /// Scores of the frozen model.
    pub fn base(&self, queries: ArrayView2<'_, f32>) -> Array2<f32> {
        queries.dot(&self.documents.t())
    }
}
