//! The frozen ranking, and rivals that ignore the query: one vector, or one number per document.

use micro_lora::Error;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::{Ranker, Setting, as_weights, says_something};

pub struct Frozen;

impl Ranker for Frozen {
    fn score(&self, _: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        Ok(base.to_owned())
    }

    fn learn(&mut self, _: ArrayView1<'_, f32>, _: &[usize], _: &[bool]) -> Result<(), Error> {
        Ok(())
    }
}

/// `score = base + strength * w . d`
fn shifted(base: ArrayView2<'_, f32>, setting: &Setting, w: &Array1<f32>, strength: f32) -> Array2<f32> {
    &base + &(setting.documents.dot(w) * strength)
}

/// Ridge regression of the clicks on the documents, both centred in each list.
pub struct Ridge {
    setting: Setting,
    strength: f32,
    /// The inverse of `sum Z^T Z + lam I`, updated list by list (Woodbury).
    inverse: Array2<f32>,
    sum: Array1<f32>,
    w: Array1<f32>,
}

impl Ridge {
    pub fn new(setting: &Setting, strength: f32, lam: f32) -> Self {
        let n = setting.documents.ncols();
        let (sum, w) = (Array1::zeros(n), Array1::zeros(n));
        Self { setting: setting.clone(), strength, inverse: Array2::eye(n) / lam, sum, w }
    }
}

impl Ranker for Ridge {
    fn score(&self, _: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        Ok(shifted(base, &self.setting, &self.w, self.strength))
    }

    fn learn(&mut self, _: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        if !says_something(clicked) {
            return Ok(());
        }
        let documents = self.setting.rows(ids);
        let mean = documents.sum_axis(Axis(0)) / ids.len() as f32;
        let z = documents - mean;
        let clicks = as_weights(clicked);
        // One row at a time needs no solver: after each, the inverse belongs to the sum so far.
        for row in z.rows() {
            let along = self.inverse.dot(&row);
            let factor = 1.0 / (1.0 + row.dot(&along));
            for (mut line, value) in self.inverse.rows_mut().into_iter().zip(&along) {
                line.scaled_add(-factor * value, &along);
            }
        }
        let centred = &clicks - clicks.sum() / ids.len() as f32;
        self.sum += &centred.dot(&z);
        self.w = self.inverse.dot(&self.sum);
        Ok(())
    }
}

/// Rocchio: the mean over lists of the clicked documents minus the others.
pub struct Rocchio {
    setting: Setting,
    sum: Array1<f32>,
    lists: f32,
}

impl Rocchio {
    const STRENGTH: f32 = 2.0;
    const PRIOR_LISTS: f32 = 10.0;

    pub fn new(setting: &Setting) -> Self {
        Self { setting: setting.clone(), sum: Array1::zeros(setting.documents.ncols()), lists: 0.0 }
    }
}

impl Ranker for Rocchio {
    fn score(&self, _: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let w = &self.sum / (self.lists + Self::PRIOR_LISTS);
        Ok(shifted(base, &self.setting, &w, Self::STRENGTH))
    }

    fn learn(&mut self, _: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        if says_something(clicked) {
            let (documents, clicks) = (self.setting.rows(ids), as_weights(clicked));
            let others = 1.0 - &clicks;
            self.sum += &(clicks.dot(&documents) / clicks.sum() - others.dot(&documents) / others.sum());
            self.lists += 1.0;
        }
        Ok(())
    }
}

/// The share of impressions in which a document was clicked, shrunk towards the mean of all.
pub struct Popularity {
    shown: Array1<f32>,
    clicked: Array1<f32>,
}

impl Popularity {
    const STRENGTH: f32 = 0.5;
    const PRIOR_SHOWINGS: f32 = 5.0;

    pub fn new(setting: &Setting) -> Self {
        let n = setting.documents.nrows();
        Self { shown: Array1::zeros(n), clicked: Array1::zeros(n) }
    }
}

impl Ranker for Popularity {
    fn score(&self, _: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let mean = self.clicked.sum() / self.shown.sum().max(1.0);
        let share = (&self.clicked + mean * Self::PRIOR_SHOWINGS) / (&self.shown + Self::PRIOR_SHOWINGS);
        Ok(&base + &(share * Self::STRENGTH))
    }

    fn learn(&mut self, _: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        for (&id, &c) in ids.iter().zip(clicked) {
            self.shown[id] += 1.0;
            self.clicked[id] += f32::from(c);
        }
        Ok(())
    }
}
