//! People who read a set of labelled texts: on the topic of the query, but only half of each topic's labels.

use std::sync::Arc;

use ndarray::{Array2, Axis};

use super::{SearchTask, Searches, TooSmall};
use crate::Labelled;
use crate::random::Chance;

/// Documents and queries to learn on, for this many rows; with fewer rows both shrink.
const SIZES: [usize; 2] = [1500, 1500];
const ROWS: usize = 4000;
/// The most queries to measure on, at most two thirds of the remaining rows; then the most to choose settings on.
const MEASURED: usize = 450;
const VALIDATION: usize = 250;

/// One person's searches in a labelled set; a label `a.b.c` belongs to the topic `a`.
///
/// # Errors
/// If the set is too small to give a figure.
pub fn group_task(set: &Labelled, seed: u32) -> Result<SearchTask, TooSmall> {
    let topic = |label: &str| label.split('.').next().unwrap_or_default().to_owned();
    let topics: Vec<String> = set.labels.iter().map(|label| topic(label)).collect();
    let mut labels = set.labels.clone();
    labels.sort();
    labels.dedup();
    let mut taste = Chance::new(900 + seed);
    let mut kept: Vec<String> = vec![];
    while let Some(first) = labels.first().cloned() {
        let (mut members, rest): (Vec<_>, Vec<_>) =
            labels.into_iter().partition(|label| topic(label) == topic(&first));
        taste.shuffle(&mut members);
        members.truncate((members.len() / 2).max(1));
        kept.append(&mut members);
        labels = rest;
    }
    let likes = |row: &usize| kept.contains(&set.labels[*row]);

    let order = Chance::new(40 + seed).permutation(set.labels.len());
    let [documents, train] = SIZES.map(|size| size * order.len().min(ROWS) / ROWS);
    let (documents, rest) = order.split_at(documents);
    let (train, rest) = rest.split_at(train);

    let embeddings = set.embeddings.matrix();
    let searches = |queries: &[usize], liked: &[bool]| {
        let on = |(q, d): (usize, usize)| f32::from(topics[queries[q]] == topics[documents[d]]);
        let topic = Array2::from_shape_fn((queries.len(), documents.len()), on);
        Searches::new(embeddings.select(Axis(0), queries), topic, liked)
    };
    let liked: Vec<bool> = documents.iter().map(likes).collect();
    let rest = searches(rest, &liked);
    let measured = MEASURED.min(2 * rest.len() / 3);
    let part = |range: std::ops::Range<usize>| rest.rows(&range.collect::<Vec<_>>());
    SearchTask {
        train: searches(train, &liked),
        test: part(0..measured),
        validation: part(measured..rest.len().min(measured + VALIDATION)),
        documents: Arc::new(embeddings.select(Axis(0), documents)),
        typed: None,
        liked_next: liked.iter().map(|liked| !liked).collect(),
        liked,
        seed,
    }
    .checked()
}
