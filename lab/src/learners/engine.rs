//! The engine's scaled-gradient step, with and without its ring, and a holdback around any learner.

use micro_lora::{Apply, Choice, Config, Error, Holdback, Learn, Listwise, MicroLora, Replay, StepKind};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::{Ranker, Setting, as_weights, moved};
use crate::people::top;
use crate::{FEATURES, LEARNING_RATE, click_quality};

/// The most results of a remembered list: lists of classes are the longest.
const LIST: usize = 20;
const RING: usize = 64;

/// The feedback that the engine gets for a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Clicks,
    /// How good the list was, as one number.
    Quality,
}

pub struct Scaled {
    setting: Setting,
    lora: Box<MicroLora<FEATURES, FEATURES, 4>>,
    ring: Option<Box<Replay<FEATURES, FEATURES, LIST, RING>>>,
    told: Told,
    serve: f32,
}

impl Scaled {
    pub fn new(setting: &Setting, config: Config, told: Told, serve: f32) -> Result<Self, Error> {
        let config = config.with_step(StepKind::ScaledGradientV2).with_seed(setting.seed);
        Ok(Self {
            setting: setting.clone(),
            lora: Box::new(MicroLora::new(config)?),
            ring: None,
            told,
            serve,
        })
    }

    #[must_use]
    pub fn with_replay(mut self) -> Self {
        self.ring = Some(Box::new(Replay::new()));
        self
    }

    fn choose(
        &mut self,
        query: ArrayView1<'_, f32>,
        ids: &[usize],
        chosen: usize,
        quality: f32,
    ) -> Result<(), Error> {
        let (query, documents) = (query.to_vec(), self.setting.rows(ids).into_raw_vec_and_offset().0);
        let choice = Choice::click(&documents, chosen).with_quality(quality);
        if self.lora.adapt_choice(&query, choice)?.applied() {
            self.lora.apply_updates(LEARNING_RATE)?;
        }
        Ok(())
    }
}

impl Ranker for Scaled {
    fn score(&self, queries: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        Ok(moved(base, &self.setting.documents, &(corrections(&self.lora, queries)? * self.serve)))
    }

    fn learn(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        let query = query.to_vec();
        if self.told == Told::Quality {
            self.lora.adapt_quality(&query, quality(clicked))?;
            return self.lora.apply_updates(LEARNING_RATE).map(drop);
        }
        let (documents, weights) =
            (self.setting.rows(ids).into_raw_vec_and_offset().0, as_weights(clicked).to_vec());
        let list = Listwise::new(&documents, &weights);
        if let Some(ring) = &mut self.ring {
            return ring.view().learn(&mut *self.lora, &query, list, LEARNING_RATE).map(drop);
        }
        if self.lora.adapt_listwise(&query, list)?.applied() {
            self.lora.apply_updates(LEARNING_RATE)?;
        }
        Ok(())
    }

    fn label(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], right: usize) -> Result<(), Error> {
        self.choose(query, ids, right, 1.0)
    }

    fn reject(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], not: usize) -> Result<(), Error> {
        self.choose(query, ids, not, 0.0)
    }

    fn strength(&self) -> f32 {
        self.serve
    }
}

/// The correction that an adapter adds to each query.
pub(super) fn corrections<const RANK: usize>(
    lora: &MicroLora<FEATURES, FEATURES, RANK>,
    queries: ArrayView2<'_, f32>,
) -> Result<Array2<f32>, Error> {
    let mut corrections = Array2::zeros(queries.dim());
    for (query, mut row) in queries.rows().into_iter().zip(corrections.rows_mut()) {
        let mut delta = [0.0; FEATURES];
        lora.apply_into(&query.to_vec(), &mut delta)?;
        row.assign(&ArrayView1::from(&delta[..]));
    }
    Ok(corrections)
}

/// The clicks as one number; a shorter list counts as one of ten whose other results nobody clicked.
pub fn quality(clicked: &[bool]) -> f32 {
    click_quality(&std::array::from_fn(|rank| clicked.get(rank) == Some(&true)))
}

/// A learner that is applied only while a holdback finds that it helps.
pub struct Held {
    inner: Box<dyn Ranker>,
    holdback: Holdback,
    /// Whether the last list was merged from both rankings.
    is_compared: bool,
}

impl Held {
    pub fn new(inner: Box<dyn Ranker>) -> Self {
        Self { inner, holdback: Holdback::new(), is_compared: false }
    }
}

impl Ranker for Held {
    fn score(&self, queries: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        if self.holdback.is_applied() { self.inner.score(queries, base) } else { Ok(base.to_owned()) }
    }

    fn learn(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        if self.is_compared {
            self.holdback.record_clicks(&as_weights(clicked).to_vec())?;
        }
        self.inner.learn(query, ids, clicked)
    }

    fn show(
        &mut self,
        query: ArrayView1<'_, f32>,
        base: ArrayView1<'_, f32>,
        n: usize,
    ) -> Result<Vec<usize>, Error> {
        self.is_compared = self.holdback.is_due();
        let frozen = top(base, n);
        if !self.is_compared {
            return if self.holdback.is_applied() { self.inner.show(query, base, n) } else { Ok(frozen) };
        }
        let scores = self.inner.score(query.insert_axis(Axis(0)), base.insert_axis(Axis(0)))?;
        let numbers = |list: &[usize]| list.iter().map(|&id| id as u32).collect::<Vec<_>>();
        let mut shown = vec![0; n];
        self.holdback.interleave(&numbers(&frozen), &numbers(&top(scores.row(0), n)), &mut shown)?;
        Ok(shown.into_iter().map(|id| id as usize).collect())
    }

    fn strength(&self) -> f32 {
        self.inner.strength()
    }
}
