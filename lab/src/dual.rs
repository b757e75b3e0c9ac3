//! The dual step in plain f32, written to be read beside the mathematics: a reference for the engine's.
//!
//! `y = q + b + C^T A (q - mu)`: `A` is `[rank, n]` with orthonormal rows, `C` is `[rank, n]`, `mu` the running mean of
//! the queries. Every remembered list keeps its dual numbers `alpha`, one per document, and with `g = X^T alpha`
//!
//! ```text
//! b = sum g / (lam tau)     C = gamma sum h (x) g / (lam tau)     T = sum u (x) (q - mu),  u = C g / (lam tau)
//! ```
//!
//! so that `b` and `C` minimise `sum omega CE(w, softmax((beta X q + X (b + C^T A (q - mu))) / tau)) + lam / 2 (|b|^2 +
//! |C|^2 / gamma)` once every `alpha = omega (w - p)`. A visit moves one list's numbers towards that, by a share that
//! the curvature between `p` and `w` gives. Source: Shalev-Shwartz and Zhang 2013 (stochastic dual coordinate
//! ascent); the list-wise form, the share, how `A` turns and what a list leaves behind are this project's.
//!
//! With [`DualSettings::outside`], which the engine has where it has a memory, documents are centred by the mean `m` of
//! those shown, and each softmax has one option more: none of the list, with score 0. Its base is such that without a
//! correction its probability is the share of the documents' spread that lies between lists: 0 where every list has the
//! same documents.

use std::collections::VecDeque;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::random::Chance;

/// Queries of zeros that `mu` starts with.
const PRIOR_QUERIES: f32 = 10.0;
/// How much less a list weighs, times the probability of "none of these" without a correction.
const MODESTY: f32 = 0.5;

/// One setting for every task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DualSettings {
    pub rank: usize,
    /// How strongly `b` and `C` are held back.
    pub lam: f32,
    /// How much less `C` is held back than `b`.
    pub gamma: f32,
    /// Temperature of the softmax over a list.
    pub tau: f32,
    /// How far the base scores are trusted in the loss.
    pub beta: f32,
    /// How far `A` turns after each list.
    pub eta: f32,
    /// Visits of remembered lists after the new list's own.
    pub visits: usize,
    /// Lists remembered.
    pub ring: usize,
    /// Whether "none of these" is an option; a list that nothing was clicked in then teaches too.
    pub outside: bool,
}

impl DualSettings {
    /// The engine's, with all lists remembered.
    pub const ENGINE: Self = Self {
        rank: 4,
        lam: 50.0,
        gamma: 5.0,
        tau: 0.1,
        beta: 0.5,
        eta: 0.1,
        visits: 9,
        ring: usize::MAX,
        outside: true,
    };
}

impl Default for DualSettings {
    fn default() -> Self {
        Self::ENGINE
    }
}

/// One list as it was shown.
#[derive(Clone, Debug)]
pub struct DualList {
    pub query: Array1<f32>,
    /// `[k, n]`
    pub documents: Array2<f32>,
    /// What the host ranked by, per document.
    pub base: Array1<f32>,
    /// How much each document is wanted; the sum is 1, or 0 if nothing was clicked.
    pub wanted: Array1<f32>,
    /// The list's weight.
    pub omega: f32,
    /// A document that is not wanted: `wanted` is then the softmax over the others, afresh at each visit.
    pub rejected: Option<usize>,
}

impl DualList {
    /// Ranked by dot products with the query; the weights say how much each document was wanted.
    pub fn new(query: ArrayView1<'_, f32>, documents: Array2<f32>, weights: ArrayView1<'_, f32>) -> Self {
        let (sum, squares) = (weights.sum(), weights.dot(&weights));
        Self {
            base: documents.dot(&query),
            query: query.to_owned(),
            documents,
            wanted: &weights / sum,
            omega: (sum * sum / squares).min(4.0) / 2.0,
            rejected: None,
        }
    }
}

impl DualList {
    /// A list in which nothing was clicked.
    pub fn without_clicks(query: ArrayView1<'_, f32>, documents: Array2<f32>) -> Self {
        let all = Array1::ones(documents.nrows());
        let list = Self::new(query, documents, all.view());
        Self { wanted: all * 0.0, omega: 0.25, ..list }
    }
}

/// A list with its dual numbers, and with the `h` and `u` that it was last visited with.
#[derive(Clone, Debug)]
struct Remembered {
    list: DualList,
    alpha: Array1<f32>,
    h: Array1<f32>,
    u: Array1<f32>,
}

/// A bias and a low-rank correction, learned from remembered lists.
#[derive(Clone, Debug)]
pub struct Dual {
    pub settings: DualSettings,
    a: Array2<f32>,
    b: Array1<f32>,
    c: Array2<f32>,
    /// `T = s - u (x) mu` and `mu = q / (count + 10)`, apart so that a list can be taken out exactly.
    s: Array2<f32>,
    u: Array1<f32>,
    q: Array1<f32>,
    count: f32,
    /// The mean of the lists' mean documents, of how many lists, and the sums of `alpha` and of `h alpha`.
    m: Array1<f32>,
    shown: f32,
    alphas: f32,
    h_alphas: Array1<f32>,
    lists: VecDeque<Remembered>,
    next: usize,
}

impl Dual {
    /// For vectors of `n` values; `A` starts with random orthonormal rows.
    pub fn new(n: usize, settings: DualSettings, seed: u32) -> Self {
        let mut chance = Chance::new(seed);
        let rows = Array2::from_shape_simple_fn((settings.rank, n), || chance.normal());
        Self::from_a(orthonormal(rows), settings)
    }

    /// With the rows of `A` to start from.
    pub fn from_a(a: Array2<f32>, settings: DualSettings) -> Self {
        let (rank, n) = a.dim();
        Self {
            settings,
            a,
            b: Array1::zeros(n),
            c: Array2::zeros((rank, n)),
            s: Array2::zeros((rank, n)),
            u: Array1::zeros(rank),
            q: Array1::zeros(n),
            count: 0.0,
            m: Array1::zeros(n),
            shown: 0.0,
            alphas: 0.0,
            h_alphas: Array1::zeros(rank),
            lists: VecDeque::new(),
            next: 0,
        }
    }

    /// What is added to each query.
    pub fn corrections(&self, queries: ArrayView2<'_, f32>) -> Array2<f32> {
        (&queries - &self.mu()).dot(&self.a.t()).dot(&self.c) + &self.b
    }

    /// Remembers a list in the place of the oldest, visits it, then others in a cycle.
    pub fn learn(&mut self, list: DualList) {
        self.q += &list.query;
        self.count += 1.0;
        let (k, rank) = (list.documents.nrows(), self.a.nrows());
        let documents = &list.documents - &self.m;
        self.lists.push_back(Remembered {
            list,
            alpha: Array1::zeros(k),
            h: Array1::zeros(rank),
            u: Array1::zeros(rank),
        });
        // What leaves the ring leaves its part in b, C and T behind.
        if self.lists.len() > self.settings.ring {
            self.lists.pop_front();
        }
        self.visit(self.lists.len() - 1);
        self.count_documents(&documents, 1.0);
        self.settle(self.settings.visits);
    }

    /// Visits remembered lists in a cycle, and turns `A`.
    pub fn settle(&mut self, visits: usize) {
        if self.lists.is_empty() {
            return;
        }
        for _ in 0..visits {
            self.next = (self.next + 1) % self.lists.len();
            self.visit(self.next);
        }
        self.turn();
    }

    /// Whether nothing is known of what other lists show.
    pub fn is_new(&self) -> bool {
        self.shown == 0.0
    }

    /// Takes one remembered list, the oldest is 0, out of every sum.
    pub fn forget(&mut self, position: usize) {
        let Some(one) = self.lists.remove(position) else { return };
        let documents = &one.list.documents - &self.m;
        let (part, sum) = (documents.t().dot(&one.alpha) / self.lam_tau(), one.alpha.sum());
        self.b -= &part;
        self.c.scaled_add(-self.settings.gamma, &outer(&one.h, &part));
        self.s -= &outer(&one.u, &one.list.query);
        self.u -= &one.u;
        self.q -= &one.list.query;
        self.count -= 1.0;
        self.alphas -= sum;
        self.h_alphas.scaled_add(-sum, &one.h);
        self.count_documents(&documents, -1.0);
    }

    /// Counts a list's documents, centred, in `m`, or takes them out; `b` and `C` follow `m`.
    fn count_documents(&mut self, documents: &Array2<f32>, sign: f32) {
        if !self.settings.outside {
            return;
        }
        self.shown += sign;
        let moved = documents.sum_axis(Axis(0)) * (sign / (documents.nrows() as f32 * self.shown.max(1.0)));
        self.m += &moved;
        let moved = moved / self.lam_tau();
        self.b.scaled_add(-self.alphas, &moved);
        self.c.scaled_add(-self.settings.gamma, &outer(&self.h_alphas, &moved));
    }

    fn mu(&self) -> Array1<f32> {
        &self.q / (self.count + PRIOR_QUERIES)
    }

    fn lam_tau(&self) -> f32 {
        self.settings.lam * self.settings.tau
    }

    fn visit(&mut self, position: usize) {
        let (mu, new, lam_tau) = (self.mu(), self.is_new(), self.lam_tau());
        let DualSettings { lam, gamma, tau, beta, outside, .. } = self.settings;
        let Some(Remembered { list, alpha, h: old_h, u: old_u }) = self.lists.get_mut(position) else {
            return;
        };
        let documents = &list.documents - &self.m;
        let h = self.a.dot(&(&list.query - &mu));
        let moved = documents.dot(&(&self.b + &h.dot(&self.c)));
        let base = &list.base * (beta / tau);
        let odds = if outside && !new { between_lists(&documents) } else { 0.0 };
        let none = log_sum(&base) + odds.ln();
        let omega = list.omega * (1.0 - MODESTY * (odds / (1.0 + odds)));
        let mut logits = with(&base + &(moved / tau), none);
        let p = softmax(&logits);
        if let Some(not) = list.rejected {
            logits[not] = f32::NEG_INFINITY;
            list.wanted = without_last(&softmax(&logits));
        }
        let target = with(list.wanted.clone(), 1.0 - list.wanted.sum());
        let between = without_last(&((&p + &target) / 2.0));
        let mean = between.dot(&documents);
        let centred = &documents - &mean;
        let variance =
            (&centred * &centred).sum_axis(Axis(1)).dot(&between) + (1.0 - between.sum()) * mean.dot(&mean);
        let share = 1.0 / (1.0 + omega * (1.0 + gamma * h.dot(&h)) * variance / (lam * tau * tau));
        let target = (&list.wanted - &without_last(&p)) * omega;
        let new_alpha = &*alpha + &((target - &*alpha) * share);
        let before = documents.t().dot(&*alpha) / lam_tau;
        let after = documents.t().dot(&new_alpha) / lam_tau;
        self.b += &(&after - &before);
        self.c.scaled_add(gamma, &(outer(&h, &after) - outer(old_h, &before)));
        self.alphas += new_alpha.sum() - alpha.sum();
        self.h_alphas += &(&h * new_alpha.sum() - &*old_h * alpha.sum());
        let u = self.c.dot(&after);
        let moved_u = &u - &*old_u;
        self.s += &outer(&moved_u, &list.query);
        self.u += &moved_u;
        (*alpha, *old_h, *old_u) = (new_alpha, h, u);
    }

    /// One power iteration: `A` moves towards the span of `T` and stays orthonormal.
    fn turn(&mut self) {
        let mut t = &self.s - &outer(&self.u, &self.mu());
        let size = t.iter().map(|v| v * v).sum::<f32>().sqrt();
        if self.settings.eta == 0.0 || size == 0.0 {
            return;
        }
        t *= (self.a.nrows() as f32).sqrt() / size;
        let outside = &t - &t.dot(&self.a.t()).dot(&self.a);
        self.a = orthonormal(&self.a + &(outside * self.settings.eta));
    }
}

/// Gram-Schmidt on the rows, in their order, twice for its rounding.
fn orthonormal(mut rows: Array2<f32>) -> Array2<f32> {
    for i in 0..rows.nrows() {
        let (done, mut rest) = rows.view_mut().split_at(Axis(0), i);
        let mut row = rest.row_mut(0);
        for _ in 0..2 {
            for other in done.rows() {
                let along = other.dot(&row);
                row.scaled_add(-along, &other);
            }
        }
        let norm = row.dot(&row).sqrt();
        row /= norm;
    }
    rows
}

/// The odds of "none of these" without a correction: how far the documents of a list, centred by
/// `m`, are from `m` together, over how far from one another. At most 9 to 1.
fn between_lists(documents: &Array2<f32>) -> f32 {
    let mean = documents.sum_axis(Axis(0)) / documents.nrows() as f32;
    let all = documents.iter().map(|v| v * v).sum::<f32>() / documents.nrows() as f32;
    let between = mean.dot(&mean).min(0.9 * all);
    between / (all - between).max(f32::MIN_POSITIVE)
}

fn log_sum(logits: &Array1<f32>) -> f32 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    max + logits.mapv(|z| (z - max).exp()).sum().ln()
}

fn with(values: Array1<f32>, last: f32) -> Array1<f32> {
    values.into_iter().chain([last]).collect()
}

fn without_last(values: &Array1<f32>) -> Array1<f32> {
    values.slice(ndarray::s![..-1]).to_owned()
}

pub(crate) fn softmax(logits: &Array1<f32>) -> Array1<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights = logits.mapv(|z| (z - max).exp());
    &weights / weights.sum()
}

fn outer(left: &Array1<f32>, right: &Array1<f32>) -> Array2<f32> {
    let (left, right) = (left.view().insert_axis(Axis(1)), right.view().insert_axis(Axis(0)));
    left.dot(&right)
}

#[cfg(test)]
mod tests;
