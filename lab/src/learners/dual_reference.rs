//! The dual step's reference, asked for rankings.

use micro_lora::Error;
use ndarray::{Array2, ArrayView1, ArrayView2};

use super::{Ranker, Setting, as_weights, moved, says_something};
use crate::dual::{Dual, DualList, DualSettings};

pub struct DualReference {
    setting: Setting,
    dual: Dual,
    serve: f32,
}

impl DualReference {
    pub fn new(setting: &Setting, settings: DualSettings, serve: f32) -> Self {
        let dual = Dual::new(setting.documents.ncols(), settings, setting.seed);
        Self { setting: setting.clone(), dual, serve }
    }

    fn list(&self, query: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> DualList {
        let mut list = DualList::new(query, self.setting.rows(ids), as_weights(clicked).view());
        if let Some(host) = &self.setting.host {
            list.base = ids.iter().map(|&id| host[id]).collect();
        }
        list
    }
}

impl Ranker for DualReference {
    fn score(&self, queries: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let corrections = self.dual.corrections(queries) * self.serve;
        Ok(moved(base, &self.setting.documents, &corrections))
    }

    fn learn(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        if says_something(clicked) {
            self.dual.learn(self.list(query, ids, clicked));
        } else if self.dual.settings.outside
            && !clicked.contains(&true)
            && !self.dual.is_new()
            && self.setting.host.is_none()
        {
            self.dual.learn(DualList::without_clicks(query, self.setting.rows(ids)));
        }
        Ok(())
    }

    fn label(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], right: usize) -> Result<(), Error> {
        let clicked: Vec<bool> = (0..ids.len()).map(|id| id == right).collect();
        // A label is surer than a click among ten.
        let list = DualList { omega: 1.0, ..self.list(query, ids, &clicked) };
        self.dual.learn(list);
        Ok(())
    }

    fn reject(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], not: usize) -> Result<(), Error> {
        let clicked: Vec<bool> = (0..ids.len()).map(|id| id == not).collect();
        let list = self.list(query, ids, &clicked);
        self.dual.learn(DualList { omega: 1.0, rejected: Some(not), ..list });
        Ok(())
    }

    fn strength(&self) -> f32 {
        self.serve
    }
}
