//! The personal search of the README: 400 packages, 150 searches, the first liked of the five results is clicked.

use std::sync::Arc;

use micro_lora::Error;
use ndarray::{Array2, Axis, s};

use super::evaluation::mrr;
use super::{Persons, top};
use crate::learners::{Contender, Setting};

const PACKAGES: usize = 400;
const SEARCHES: usize = 150;
const MEASURED: usize = 60;
const FIVE: usize = 5;

/// The results of the sixty searches that were not learned from.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Liked results of five.
    pub liked: f64,
    /// Mean cosine with the query, scaled from 0 (random packages) to 1 (the frozen five).
    pub content: f64,
    /// The number of different results in all lists.
    pub distinct: usize,
    /// MRR of the package that a typed query was made for.
    pub known: f64,
}

/// # Errors
/// As the learner's own.
pub fn personal_search(persons: &Persons, interface: &str, contender: &Contender) -> Result<Found, Error> {
    let all = persons.data().embeddings.matrix();
    let documents = Arc::new(all.slice(s![..PACKAGES, ..]).to_owned());
    let liked = persons.liked(interface);
    let mut learner = (contender.make)(&Setting::new(documents.clone(), 0))?;
    for query in all.slice(s![PACKAGES..PACKAGES + SEARCHES, ..]).rows() {
        let five = learner.show(query, documents.dot(&query).view(), FIVE)?;
        if let Some(first) = five.iter().position(|&id| liked[id]) {
            let clicked: Vec<bool> = (0..FIVE).map(|place| place == first).collect();
            learner.learn(query, &five, &clicked)?;
        }
    }
    let queries = all.slice(s![all.nrows() - MEASURED.., ..]);
    let base = queries.dot(&documents.t());
    let fives = |scores: &Array2<f32>| -> Vec<Vec<usize>> {
        scores.rows().into_iter().map(|row| top(row, FIVE)).collect()
    };
    let any = f64::from(base.sum()) / base.len() as f64;
    let content = |lists: &[Vec<usize>]| {
        let cosines =
            lists.iter().zip(base.rows()).flat_map(|(list, row)| list.iter().map(move |&id| row[id]));
        cosines.map(f64::from).sum::<f64>() / (FIVE * MEASURED) as f64 - any
    };
    let five = fives(&learner.score(queries, base.view())?);
    let mut distinct: Vec<usize> = five.concat();
    distinct.sort_unstable();
    distinct.dedup();
    let (rows, typed) = persons.typed();
    let own: Vec<usize> = rows.iter().copied().take_while(|&row| row < PACKAGES).collect();
    let typed = typed.matrix().select(Axis(0), &(0..own.len()).collect::<Vec<_>>());
    let scores = learner.score(typed.view(), typed.dot(&documents.t()).view())?;
    Ok(Found {
        liked: five.iter().flatten().filter(|&&id| liked[id]).count() as f64 / MEASURED as f64,
        content: content(&five) / content(&fives(&base)),
        distinct: distinct.len(),
        known: mrr(&scores, &own),
    })
}
