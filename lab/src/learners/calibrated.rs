//! The dual step, served at a strength computed from its predictions: every list is predicted before it is learned.

use micro_lora::Error;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::{DualReference, Ranker, Setting, as_weights, says_something};
use crate::dual::{DualSettings, softmax};

const TAU: f32 = 0.1;
/// Prior of the trust in the base and of the strength of the correction, and its precision.
const PRIOR: [f64; 2] = [0.5, 1.0];
const PRECISION: f64 = 10.0;
/// The weight of a list relative to the next one.
const FORGETTING: f64 = 0.99;
const LEAST_TRUST: f64 = 0.1;
const PACE: f32 = 0.05;

/// A logistic regression of the clicks on base score and correction (online Newton). The correction is served at
/// `factor` times the ratio of the coefficients, with the strength lowered by a standard error.
pub struct Calibrated {
    setting: Setting,
    inner: DualReference,
    factor: f64,
    most: f64,
    /// Trust in the base, strength of the correction.
    theta: [f64; 2],
    /// The Hessian's entries 00, 01, 11, and the gradient.
    hessian: [f64; 3],
    gradient: [f64; 2],
    lists: u32,
    serve: f32,
}

impl Calibrated {
    pub fn new(setting: &Setting, factor: f64, most: f64) -> Self {
        let inner = DualReference::new(setting, DualSettings::default(), 1.0);
        let mut new = Self {
            setting: setting.clone(),
            inner,
            factor,
            most,
            theta: PRIOR,
            hessian: [0.0; 3],
            gradient: [0.0; 2],
            lists: 0,
            serve: 0.0,
        };
        new.serve = new.ratio() as f32;
        new
    }

    fn regularised(&self) -> [f64; 3] {
        [self.hessian[0] + PRECISION, self.hessian[1], self.hessian[2] + PRECISION]
    }

    fn ratio(&self) -> f64 {
        let [a, b, d] = self.regularised();
        let error = (a / (a * d - b * b)).sqrt();
        (self.factor * (self.theta[1] - error).max(0.0) / self.theta[0].max(LEAST_TRUST)).min(self.most)
    }

    /// One Newton step on the prediction of a list.
    fn calibrate(
        &mut self,
        query: ArrayView1<'_, f32>,
        ids: &[usize],
        clicked: &[bool],
    ) -> Result<(), Error> {
        let base = self.setting.documents.dot(&query);
        let scores = self
            .inner
            .score(query.insert_axis(Axis(0)), base.view().insert_axis(Axis(0)))?
            .remove_axis(Axis(0));
        let clicks = as_weights(clicked);
        let omega = f64::from(clicks.sum().min(4.0) / 2.0);
        let features: Vec<[f32; 2]> =
            ids.iter().map(|&id| [base[id] / TAU, (scores[id] - base[id]) / TAU]).collect();
        let theta = self.theta.map(|t| t as f32);
        let p = softmax(&features.iter().map(|[x, y]| theta[0] * x + theta[1] * y).collect());
        let mean = [0, 1].map(|i| features.iter().zip(&p).map(|(f, p)| f[i] * p).sum::<f32>());
        let (mut h, mut g) = ([0.0; 3], [0.0; 2]);
        for ((f, p), w) in features.iter().zip(&p).zip(&(&clicks / clicks.sum())) {
            let [x, y] = [f[0] - mean[0], f[1] - mean[1]];
            for (h, part) in h.iter_mut().zip([x * x, x * y, y * y]) {
                *h += omega * f64::from(p * part);
            }
            for (g, f) in g.iter_mut().zip(f) {
                *g += omega * f64::from(f * (p - w));
            }
        }
        let [t0, t1] = self.theta;
        let along = [h[0] * t0 + h[1] * t1, h[1] * t0 + h[2] * t1];
        for (sum, part) in self.hessian.iter_mut().zip(h) {
            *sum = FORGETTING * *sum + part;
        }
        for i in 0..2 {
            self.gradient[i] = FORGETTING * self.gradient[i] + g[i] - along[i];
        }
        let [a, b, d] = self.regularised();
        let right = [0, 1].map(|i| PRECISION * PRIOR[i] - self.gradient[i]);
        let determinant = a * d - b * b;
        self.theta = [
            ((d * right[0] - b * right[1]) / determinant).clamp(0.0, 2.0),
            ((a * right[1] - b * right[0]) / determinant).clamp(-1.0, 5.0),
        ];
        Ok(())
    }
}

impl Ranker for Calibrated {
    fn score(&self, queries: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let scores = self.inner.score(queries, base)?;
        Ok(&base + &((scores - base) * self.serve))
    }

    fn learn(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        if says_something(clicked) && self.lists > 0 {
            self.calibrate(query, ids, clicked)?;
        }
        self.lists += u32::from(says_something(clicked));
        self.inner.learn(query, ids, clicked)?;
        self.serve += PACE * (self.ratio() as f32 - self.serve);
        Ok(())
    }

    fn label(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], right: usize) -> Result<(), Error> {
        self.inner.label(query, ids, right)
    }

    fn reject(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], not: usize) -> Result<(), Error> {
        self.inner.reject(query, ids, not)
    }

    fn strength(&self) -> f32 {
        self.serve
    }
}
