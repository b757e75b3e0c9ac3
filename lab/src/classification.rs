//! Few-shot classification: a label's prototype is the mean of three examples, and feedback on a stream
//! of predictions is all there is to learn from.

use fastrand::Rng;
use micro_lora::Error;

use crate::corpus::CLASSES;
use crate::ranking::scores;
use crate::{Corpus, Embeddings, Learner};

const SHOTS: usize = 3;
const HELD_OUT: usize = 700;
const VALIDATION: usize = 400;
const STREAM: u64 = 33 << 32;

/// What the user says about a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The right label.
    Label,
    /// Whether the predicted label is right.
    Thumb,
}

/// One person's labels: prototypes, a stream to learn on, and held-out rows.
pub struct Classification<'a> {
    embeddings: &'a Embeddings,
    /// One row per class.
    prototypes: Embeddings,
    train: Vec<(usize, usize)>,
    held_out: Vec<(usize, usize)>,
    seed: u32,
}

/// Accuracy on the held-out rows after some events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    pub events: usize,
    pub base: f64,
    pub adapted: f64,
}

impl Accuracy {
    pub fn gain(&self) -> f64 {
        self.adapted - self.base
    }
}

impl<'a> Classification<'a> {
    /// # Panics
    /// If a class has fewer than four rows, or the set too few to hold any out.
    pub fn new(corpus: &'a Corpus, seed: u32) -> Self {
        let embeddings = corpus.embeddings();
        let mut rows = corpus.classes();
        Rng::with_seed(STREAM + u64::from(seed)).shuffle(&mut rows);
        let dim = embeddings.dim();
        let (mut sums, mut counts) = (vec![0.0; CLASSES * dim], [0; CLASSES]);
        rows.retain(|&(row, class)| {
            if counts[class] == SHOTS {
                return true;
            }
            counts[class] += 1;
            for (sum, value) in sums[class * dim..].iter_mut().zip(embeddings.row(row)) {
                *sum += value;
            }
            false
        });
        let prototypes = Embeddings::normalised(dim, sums).expect("three examples of every class");
        let train = rows.split_off(HELD_OUT + VALIDATION);
        rows.truncate(HELD_OUT);
        Self { embeddings, prototypes, train, held_out: rows, seed }
    }

    /// Accuracy without any correction.
    pub fn base(&self) -> f64 {
        self.accuracy(|x| Ok(x.to_vec())).unwrap_or(f64::NAN)
    }

    /// Learns from one answer after another, and measures after each number of events given.
    pub fn run(
        &self,
        answer: Answer,
        checkpoints: &[usize],
        learner: &mut dyn Learner,
    ) -> Result<Vec<Accuracy>, Error> {
        let mut rng = Rng::with_seed(STREAM + (1 << 31) + u64::from(self.seed));
        let base = self.base();
        let (mut order, mut result) = (vec![], vec![]);
        for event in 1..=checkpoints.last().copied().unwrap_or(0) {
            if order.is_empty() {
                order.clone_from(&self.train);
                rng.shuffle(&mut order);
            }
            let Some((row, class)) = order.pop() else { break };
            let x = self.embeddings.row(row);
            let mut corrected = x.to_vec();
            learner.correct(&mut corrected)?;
            let predicted = self.predict(&corrected);
            let (chosen, quality) = match answer {
                Answer::Label => (class, 1.0),
                Answer::Thumb => (predicted, if predicted == class { 1.0 } else { 0.0 }),
            };
            learner.choose(x, self.prototypes.values(), chosen, quality)?;
            if checkpoints.contains(&event) {
                let adapted = self.accuracy(|x| {
                    let mut corrected = x.to_vec();
                    learner.correct(&mut corrected)?;
                    Ok(corrected)
                })?;
                result.push(Accuracy { events: event, base, adapted });
            }
        }
        Ok(result)
    }

    fn predict(&self, corrected: &[f32]) -> usize {
        best(&scores(&self.prototypes, corrected))
    }

    fn accuracy(&self, correct: impl Fn(&[f32]) -> Result<Vec<f32>, Error>) -> Result<f64, Error> {
        let mut right = 0;
        for &(row, class) in &self.held_out {
            right += usize::from(self.predict(&correct(self.embeddings.row(row))?) == class);
        }
        Ok(right as f64 / self.held_out.len() as f64)
    }
}

/// The first of the largest.
fn best(scores: &[f32]) -> usize {
    let mut best = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = index;
        }
    }
    best
}
