//! Few-shot classification: the prototype of a class is the mean of three examples, and learning has only the answers
//! to guesses. The documents of a list are the prototypes.

use std::sync::Arc;

use micro_lora::Error;
use ndarray::{Array2, ArrayView1, Axis};

use crate::Corpus;
use crate::learners::{Contender, Ranker, Setting};
use crate::people::top;
use crate::random::Chance;

const SHOTS: usize = 3;
/// At most this many rows to learn on, and no more than a third of the rows that are not examples. Then rows to measure
/// on.
const STREAM: usize = 1000;
const MEASURED: usize = 2000;
const MEASURED_MIN: usize = 30;
const CLASSES_MIN: usize = 2;

/// The user's answer to a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The right label.
    Label,
    /// Whether the guess is right.
    Thumb,
}

/// Why a set cannot be used for classification.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoClasses {
    #[error(
        "expected at least {CLASSES_MIN} labels with {} rows or more each, got {got}: three are examples",
        SHOTS + 1
    )]
    FewRows { got: usize },
    #[error("expected at least {MEASURED_MIN} rows to measure on beside {SHOTS} examples a label, got {got}")]
    FewToMeasure { got: usize },
}

/// Prototypes, rows to learn on and rows to measure on, each with its class.
pub struct Classes {
    prototypes: Arc<Array2<f32>>,
    stream: Vec<(usize, usize)>,
    measured: Vec<(usize, usize)>,
    rows: Array2<f32>,
    seed: u32,
}

impl Classes {
    /// # Errors
    /// If the set has too few rows with the same label.
    pub fn new(corpus: &Corpus, seed: u32) -> Result<Self, NoClasses> {
        let mut all = corpus.classes();
        let mut counts = vec![0; all.iter().map(|&(_, class)| class + 1).max().unwrap_or(0)];
        all.iter().for_each(|&(_, class)| counts[class] += 1);
        // Classes are sorted by frequency, so those with enough rows come first.
        let classes = counts.iter().filter(|&&count| count > SHOTS).count();
        if classes < CLASSES_MIN {
            return Err(NoClasses::FewRows { got: classes });
        }
        all.retain(|&(_, class)| class < classes);
        Chance::new(seed).shuffle(&mut all);
        let embeddings = corpus.embeddings().matrix();
        let mut prototypes = Array2::zeros((classes, embeddings.ncols()));
        let mut shots = vec![0; classes];
        all.retain(|&(row, class)| {
            if shots[class] == SHOTS {
                return true;
            }
            shots[class] += 1;
            let mut sum = prototypes.row_mut(class);
            sum += &embeddings.row(row);
            false
        });
        for mut prototype in prototypes.rows_mut() {
            let norm = prototype.dot(&prototype).sqrt().max(f32::MIN_POSITIVE);
            prototype /= norm;
        }
        let mut measured = all.split_off(STREAM.min(all.len() / 3));
        measured.truncate(MEASURED);
        if measured.len() < MEASURED_MIN {
            return Err(NoClasses::FewToMeasure { got: measured.len() });
        }
        let rows = embeddings.select(Axis(0), &measured.iter().map(|&(row, _)| row).collect::<Vec<_>>());
        Ok(Self { prototypes: Arc::new(prototypes), stream: all, measured, rows, seed })
    }

    /// Accuracy of the frozen model, and the gain after each number of answers, as far as the stream goes.
    ///
    /// # Errors
    /// As the learner's own.
    pub fn run(
        &self,
        corpus: &Corpus,
        answer: Answer,
        at: &[usize],
        contender: &Contender,
    ) -> Result<(f64, Vec<f64>), Error> {
        let embeddings = corpus.embeddings().matrix();
        let mut learner = (contender.make)(&Setting::new(self.prototypes.clone(), self.seed))?;
        let ids: Vec<usize> = (0..self.prototypes.nrows()).collect();
        let (frozen, mut gains) = (self.accuracy(None)?, vec![]);
        for (event, &(row, class)) in self.stream.iter().take(at.last().copied().unwrap_or(0)).enumerate() {
            let x = embeddings.row(row);
            let guess = self.guess(&*learner, x)?;
            match answer {
                Answer::Label => learner.label(x, &ids, class)?,
                Answer::Thumb if guess == class => learner.label(x, &ids, guess)?,
                Answer::Thumb => learner.reject(x, &ids, guess)?,
            }
            if at.contains(&(event + 1)) {
                gains.push(self.accuracy(Some(&*learner))? - frozen);
            }
        }
        Ok((frozen, gains))
    }

    fn guess(&self, learner: &dyn Ranker, x: ArrayView1<'_, f32>) -> Result<usize, Error> {
        let base = self.prototypes.dot(&x);
        let scores = learner.score(x.insert_axis(Axis(0)), base.view().insert_axis(Axis(0)))?;
        Ok(top(scores.row(0), 1)[0])
    }

    fn accuracy(&self, learner: Option<&dyn Ranker>) -> Result<f64, Error> {
        let mut scores = self.rows.dot(&self.prototypes.t());
        if let Some(learner) = learner {
            scores = learner.score(self.rows.view(), scores.view())?;
        }
        let is_right = |(row, rated): &(ArrayView1<'_, f32>, &(usize, usize))| top(*row, 1) == [rated.1];
        let right = scores.rows().into_iter().zip(&self.measured).filter(is_right).count();
        Ok(right as f64 / self.measured.len() as f64)
    }
}
