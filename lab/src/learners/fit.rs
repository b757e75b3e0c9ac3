//! The regularised optimum on all events, found by Adam in unlimited memory: the most that the same clicks could
//! teach.
//!
//! ```text
//! sum_i w_i CE((1 - anchor) clicks_i + anchor p_i(base), softmax(X_i (q_i + b + B^T A q_i) / tau))
//!     + lam / 2 (|b|^2 + |A|^2 + |B|^2)
//! ```

use fastrand::Rng;
use micro_lora::Error;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::{Ranker, Setting, as_weights, moved, says_something};
use crate::dual::softmax;
use crate::people::top;

/// Definition of the optimum, and the number of iterations.
#[derive(Clone, Copy)]
pub struct FitSettings {
    pub rank: usize,
    pub lam: f32,
    pub tau: f32,
    /// The share of the base's own distribution in the target.
    pub anchor: f32,
    /// Documents that are added to each list, half near the query, half at random.
    pub extra: usize,
    pub steps: u32,
}

impl Default for FitSettings {
    fn default() -> Self {
        Self { rank: 4, lam: 10.0, tau: 0.1, anchor: 0.0, extra: 0, steps: 120 }
    }
}

struct Seen {
    query: Array1<f32>,
    ids: Vec<usize>,
    clicked: Vec<bool>,
}

/// One list of the objective.
struct Term {
    query: Array1<f32>,
    documents: Array2<f32>,
    wanted: Array1<f32>,
    weight: f32,
}

struct Fitted {
    b: Array2<f32>,
    a: Array2<f32>,
    c: Array2<f32>,
}

impl Fitted {
    fn corrections(&self, queries: ArrayView2<'_, f32>) -> Array2<f32> {
        queries.dot(&self.a.t()).dot(&self.c) + self.b.row(0)
    }
}

/// One matrix with its Adam moments.
struct Moments {
    first: Array2<f32>,
    second: Array2<f32>,
}

impl Moments {
    fn of(shape: (usize, usize)) -> Self {
        Self { first: Array2::zeros(shape), second: Array2::zeros(shape) }
    }

    fn step(&mut self, values: &mut Array2<f32>, gradient: &Array2<f32>, t: i32, rate: f32) {
        self.first = &self.first * 0.9 + gradient * 0.1;
        self.second = &self.second * 0.999 + &(gradient * gradient) * 0.001;
        let (first, second) = (1.0 - 0.9f32.powi(t), 1.0 - 0.999f32.powi(t));
        ndarray::Zip::from(values).and(&self.first).and(&self.second).for_each(|value, m, v| {
            *value -= rate * (m / first) / ((v / second).sqrt() + 1e-8);
        });
    }
}

fn terms(documents: &Array2<f32>, seen: &[Seen], s: &FitSettings, rng: &mut Rng) -> Vec<Term> {
    let mut terms: Vec<Term> = seen
        .iter()
        .map(|list| {
            let clicks = as_weights(&list.clicked);
            let count = clicks.sum();
            let mut ids = list.ids.clone();
            if s.extra > 0 {
                let half = s.extra / 2;
                let mut more = top(documents.dot(&list.query).view(), half);
                more.extend((half..s.extra).map(|_| rng.usize(..documents.nrows())));
                more.retain(|id| !list.ids.contains(id));
                ids.extend(more);
            }
            let rows = documents.select(Axis(0), &ids);
            let base = softmax(&(rows.dot(&list.query) / s.tau));
            let mut wanted = base * s.anchor;
            wanted.iter_mut().zip(&clicks).for_each(|(w, c)| *w += (1.0 - s.anchor) * c / count);
            Term { query: list.query.clone(), documents: rows, wanted, weight: count.min(4.0) / 2.0 }
        })
        .collect();
    let mean = terms.iter().map(|term| term.weight).sum::<f32>() / terms.len() as f32;
    terms.iter_mut().for_each(|term| term.weight /= mean);
    terms
}

fn fit(documents: &Array2<f32>, seen: &[Seen], s: &FitSettings) -> Fitted {
    let n = documents.ncols();
    let mut rng = Rng::with_seed(0);
    let terms = terms(documents, seen, s, &mut rng);
    let bound = (3.0 / n as f32).sqrt();
    let mut fitted = Fitted {
        b: Array2::zeros((1, n)),
        a: Array2::from_shape_simple_fn((s.rank, n), || bound * (2.0 * rng.f32() - 1.0)),
        c: Array2::zeros((s.rank, n)),
    };
    let mut moments = [(1, n), (s.rank, n), (s.rank, n)].map(Moments::of);
    let mut queries = Array2::zeros((terms.len(), n));
    queries.rows_mut().into_iter().zip(&terms).for_each(|(mut row, term)| row.assign(&term.query));
    let mut gradients = Array2::zeros((terms.len(), n));
    for t in 1..=s.steps {
        let corrected = &queries + &fitted.corrections(queries.view());
        for ((term, y), mut g) in terms.iter().zip(corrected.rows()).zip(gradients.rows_mut()) {
            let p = softmax(&(term.documents.dot(&y) / s.tau));
            g.assign(&((p - &term.wanted).dot(&term.documents) * (term.weight / s.tau)));
        }
        let h = queries.dot(&fitted.a.t());
        let of_b = gradients.sum_axis(Axis(0)).insert_axis(Axis(0)) + &fitted.b * s.lam;
        let of_c = h.t().dot(&gradients) + &fitted.c * s.lam;
        let of_a = gradients.dot(&fitted.c.t()).t().dot(&queries) + &fitted.a * s.lam;
        let rate = if 10 * t < 7 * s.steps { 0.01 } else { 0.003 };
        let [mb, ma, mc] = &mut moments;
        let t = t.cast_signed();
        mb.step(&mut fitted.b, &of_b, t, rate);
        ma.step(&mut fitted.a, &of_a, t, rate);
        mc.step(&mut fitted.c, &of_c, t, rate);
    }
    fitted
}

/// [`fit`] on all events, repeated after every 25.
pub struct Refit {
    setting: Setting,
    settings: FitSettings,
    serve: f32,
    seen: Vec<Seen>,
    events: usize,
    fitted: Option<Fitted>,
}

impl Refit {
    const EVERY: usize = 25;
    const FIRST: usize = 10;
    const LEAST_LISTS: usize = 3;

    pub fn new(setting: &Setting, settings: FitSettings, serve: f32) -> Self {
        Self { setting: setting.clone(), settings, serve, seen: vec![], events: 0, fitted: None }
    }
}

impl Ranker for Refit {
    fn score(&self, queries: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let Some(fitted) = &self.fitted else { return Ok(base.to_owned()) };
        Ok(moved(base, &self.setting.documents, &(fitted.corrections(queries) * self.serve)))
    }

    fn learn(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        self.events += 1;
        if says_something(clicked) {
            self.seen.push(Seen { query: query.to_owned(), ids: ids.to_vec(), clicked: clicked.to_vec() });
        }
        let is_due = self.events.is_multiple_of(Self::EVERY) || self.events == Self::FIRST;
        if is_due && self.seen.len() >= Self::LEAST_LISTS {
            self.fitted = Some(fit(&self.setting.documents, &self.seen, &self.settings));
        }
        Ok(())
    }

    fn strength(&self) -> f32 {
        self.serve
    }
}
