//! The rule of the replaced system.

use micro_lora::Error;
use ndarray::{Array2, ArrayView1, ArrayView2};

use super::engine::quality;
use super::{Ranker, Setting, moved};
use crate::{Embeddings, Event, Learner, ReplacedRule, SHOWN, Truth};

pub struct Replaced {
    setting: Setting,
    rule: ReplacedRule,
    nothing: Embeddings,
}

impl Replaced {
    pub fn new(setting: &Setting, rate: f32) -> Self {
        let nothing = Embeddings::empty(setting.documents.ncols());
        Self { setting: setting.clone(), rule: ReplacedRule::new(rate, setting.seed), nothing }
    }
}

impl Ranker for Replaced {
    fn score(&self, queries: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let mut corrections = Array2::zeros(queries.dim());
        for (query, mut row) in queries.rows().into_iter().zip(corrections.rows_mut()) {
            let mut corrected = query.to_vec();
            self.rule.correct(&mut corrected)?;
            row.assign(&(&ArrayView1::from(&corrected) - &query));
        }
        Ok(moved(base, &self.setting.documents, &corrections))
    }

    fn learn(&mut self, query: ArrayView1<'_, f32>, _: &[usize], clicked: &[bool]) -> Result<(), Error> {
        // The rule uses only the query and the quality.
        let truth = Truth { documents: &self.nothing, relevant: &[] };
        let (clicks, query) = ([false; SHOWN], query.to_vec());
        self.rule
            .learn(&Event { query: &query, shown: &[], clicks, quality: quality(clicked), truth })
            .map(drop)
    }
}
