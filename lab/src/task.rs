use fastrand::Rng;

use crate::metrics::ndcg;
use crate::ranking::{top, top_of_each};
use crate::{Debian, Embeddings, Relevance, SHOWN, Shown, Split, User};

/// A query with fewer relevant documents than this says little about a ranking.
const RELEVANT_MIN: usize = 3;

/// One user's searches: documents, queries to learn on and queries held out.
pub struct Task<'a> {
    embeddings: &'a Embeddings,
    pub relevance: Relevance,
    /// Queries to learn on, as package indices.
    pub train: Vec<usize>,
    /// Queries to choose settings on.
    pub validation: Vec<usize>,
    /// Queries for the final figures, never learned on.
    pub held_out: Vec<usize>,
    /// Seed of the simulated clicks and of the learner.
    pub seed: u32,
    documents: Vec<usize>,
    document_rows: Embeddings,
    frozen: Vec<Shown>,
}

impl<'a> Task<'a> {
    /// # Panics
    /// If the data set is too small to leave [`SHOWN`] documents to search in.
    pub fn new(data: &'a Debian, user: &User, seed: u32) -> Self {
        Self::of(&data.embeddings, Relevance::new(data, user), seed)
    }

    /// # Panics
    /// If the data set is too small to leave [`SHOWN`] documents to search in.
    pub fn of(embeddings: &'a Embeddings, relevance: Relevance, seed: u32) -> Self {
        let split = Split::new(&relevance, &mut Rng::with_seed(seed.into()));
        let mut task = Self {
            embeddings,
            relevance,
            train: vec![],
            validation: vec![],
            held_out: vec![],
            seed,
            document_rows: embeddings.select(&split.documents),
            documents: split.documents,
            frozen: vec![],
        };
        let answerable = |queries: Vec<usize>| -> Vec<usize> {
            queries.into_iter().filter(|&q| task.is_answerable(&task.relevance, q)).collect()
        };
        let parts = [split.train, split.validation, split.held_out].map(answerable);
        [task.train, task.validation, task.held_out] = parts;
        task.frozen = task.held_out.iter().map(|&query| task.search(task.query(query))).collect();
        task
    }

    /// Every held-out query with the results for its uncorrected embedding.
    pub fn held_out_frozen(&self) -> impl Iterator<Item = (usize, &Shown)> {
        self.held_out.iter().copied().zip(&self.frozen)
    }

    /// The embedding of a query.
    pub fn query(&self, query: usize) -> &'a [f32] {
        self.embeddings.row(query)
    }

    /// The embeddings of all documents.
    pub fn document_rows(&self) -> &Embeddings {
        &self.document_rows
    }

    /// The row in the data set of a document that [`search`](Self::search) returned.
    pub fn row_of(&self, document: usize) -> usize {
        self.documents[document]
    }

    /// The best documents for each of many corrected queries.
    pub fn search_all(&self, corrected: &[f32]) -> Vec<Shown> {
        top_of_each(&self.document_rows, corrected)
    }

    /// The best documents for a corrected query.
    pub fn search(&self, corrected: &[f32]) -> Shown {
        top(&self.document_rows, corrected)
    }

    /// Which of the documents shown answer the query.
    pub fn relevant_shown(&self, relevance: &Relevance, query: usize, shown: &Shown) -> [bool; SHOWN] {
        shown.map(|document| relevance.is_relevant(query, self.documents[document]))
    }

    /// Which of all documents answer the query.
    pub fn relevant_documents(&self, relevance: &Relevance, query: usize) -> Vec<bool> {
        self.documents.iter().map(|&document| relevance.is_relevant(query, document)).collect()
    }

    /// nDCG@10 of a list for a query; none if the query has too few answers to tell.
    pub fn score(&self, relevance: &Relevance, query: usize, shown: &Shown) -> Option<f64> {
        let total = self.relevant_count(relevance, query);
        (total >= RELEVANT_MIN).then(|| ndcg(&self.relevant_shown(relevance, query, shown), total))
    }

    fn is_answerable(&self, relevance: &Relevance, query: usize) -> bool {
        self.relevant_count(relevance, query) >= RELEVANT_MIN
    }

    fn relevant_count(&self, relevance: &Relevance, query: usize) -> usize {
        self.documents.iter().filter(|&&document| relevance.is_relevant(query, document)).count()
    }
}
