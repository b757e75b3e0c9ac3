//! How a ranking changed, as a person would notice it.

use micro_lora::Error;
use ndarray::{Array2, ArrayView1, Axis};

use super::{SearchTask, Searches, TEN, discounted, top};
use crate::learners::Ranker;

/// What a learner changed, relative to the frozen ranking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    /// nDCG@10 of the frozen ranking, and the gain.
    pub frozen: f64,
    pub gain: f64,
    /// The share of the ten results on topic, liked or not, divided by that of the frozen ten.
    pub topic: f64,
    /// Mean cosine of the ten with the query, scaled from 0 (random documents) to 1 (the frozen ten).
    pub kept: f64,
    /// The number of different documents in all lists, divided by that of the frozen lists.
    pub distinct: f64,
    /// MRR@10 of the document that a typed query was made for, divided by the frozen ranking's; NaN without typed
    /// queries.
    pub known: f64,
    /// The gain with the correction scaled so that .90 of the content is kept.
    pub gain_at_kept: f64,
}

/// Strengths that are tried to find where .90 of the content is kept.
const STRENGTHS: [f32; 12] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.7, 2.5];
const KEPT: f64 = 0.9;

/// Queries with the figures of the frozen ranking that the metrics need.
pub struct Evaluation {
    searches: Searches,
    base: Array2<f32>,
    tens: Vec<Vec<usize>>,
    ideal: Vec<f64>,
    ndcg: f64,
    /// Mean cosine of the query with all documents.
    any: f64,
    content: f64,
    on_topic: f64,
    distinct: usize,
    typed: Option<Typed>,
}

struct Typed {
    queries: Array2<f32>,
    own: Vec<usize>,
    base: Array2<f32>,
    mrr: f64,
}

impl Evaluation {
    pub fn new(task: &SearchTask, searches: Searches) -> Self {
        let base = task.base(searches.queries.view());
        let ideal = searches.gain.rows().into_iter().map(|gain| {
            let best = top(gain, TEN);
            discounted(best.iter().map(|&id| gain[id]))
        });
        let typed = task.typed.as_ref().map(|(queries, own)| {
            let base = task.base(queries.view());
            Typed { mrr: mrr(&base, own), queries: queries.clone(), own: own.clone(), base }
        });
        let mut new = Self {
            ideal: ideal.collect(),
            tens: tens(&base),
            any: f64::from(base.sum()) / base.len() as f64,
            searches,
            base,
            ndcg: 0.0,
            content: 0.0,
            on_topic: 0.0,
            distinct: 0,
            typed,
        };
        new.ndcg = new.ndcg_of(&new.tens);
        new.content = mean(&new.base, &new.tens);
        new.on_topic = mean(&new.searches.topic, &new.tens);
        new.distinct = distinct(&new.tens);
        new
    }

    /// # Errors
    /// As [`Ranker::score`].
    pub fn measure(&self, learner: &dyn Ranker) -> Result<Measure, Error> {
        let scores = learner.score(self.searches.queries.view(), self.base.view())?;
        let tens = tens(&scores);
        let known = match &self.typed {
            Some(Typed { queries, own, base, mrr: frozen }) => {
                mrr(&learner.score(queries.view(), base.view())?, own) / frozen
            }
            None => f64::NAN,
        };
        Ok(Measure {
            frozen: self.ndcg,
            gain: self.ndcg_of(&tens) - self.ndcg,
            topic: mean(&self.searches.topic, &tens) / self.on_topic,
            kept: self.kept(&tens),
            distinct: distinct(&tens) as f64 / self.distinct as f64,
            known,
            gain_at_kept: self
                .gain_at_kept(&((scores - &self.base) / learner.strength().max(f32::MIN_POSITIVE))),
        })
    }

    fn ndcg_of(&self, tens: &[Vec<usize>]) -> f64 {
        let one = |((ten, gain), ideal): ((&Vec<usize>, ArrayView1<'_, f32>), &f64)| {
            discounted(ten.iter().map(|&id| gain[id])) / ideal
        };
        tens.iter().zip(self.searches.gain.rows()).zip(&self.ideal).map(one).sum::<f64>() / tens.len() as f64
    }

    fn kept(&self, tens: &[Vec<usize>]) -> f64 {
        (mean(&self.base, tens) - self.any) / (self.content - self.any)
    }

    fn gain_at_kept(&self, delta: &Array2<f32>) -> f64 {
        let points: Vec<(f64, f64)> = STRENGTHS
            .iter()
            .map(|&strength| {
                let tens = tens(&(&self.base + &(delta * strength)));
                (self.kept(&tens), self.ndcg_of(&tens) - self.ndcg)
            })
            .collect();
        interpolated(&points, KEPT)
    }
}

/// The gain at a given content, interpolated between the points around it; the content falls from point to point.
fn interpolated(points: &[(f64, f64)], kept: f64) -> f64 {
    let Some(after) = points.iter().position(|&(k, _)| k <= kept) else {
        return points.last().map_or(0.0, |&(_, gain)| gain);
    };
    let (k1, gain) = points[after];
    let Some(&(k0, before)) = after.checked_sub(1).and_then(|i| points.get(i)) else { return gain };
    before + (gain - before) * (k0 - kept) / (k0 - k1)
}

fn tens(scores: &Array2<f32>) -> Vec<Vec<usize>> {
    scores.axis_iter(Axis(0)).map(|row| top(row, TEN)).collect()
}

/// Mean over all lists of a value of their documents.
fn mean(of: &Array2<f32>, tens: &[Vec<usize>]) -> f64 {
    let sum: f64 =
        tens.iter().zip(of.rows()).flat_map(|(ten, row)| ten.iter().map(move |&id| f64::from(row[id]))).sum();
    sum / (TEN * tens.len()) as f64
}

fn distinct(tens: &[Vec<usize>]) -> usize {
    let mut all: Vec<usize> = tens.concat();
    all.sort_unstable();
    all.dedup();
    all.len()
}

/// Mean of 1 / place of each query's own document; 0 if it is not among the ten.
pub(crate) fn mrr(scores: &Array2<f32>, own: &[usize]) -> f64 {
    let one = |(row, &own): (ArrayView1<'_, f32>, &usize)| {
        let place = row.iter().filter(|&&score| score > row[own]).count() + 1;
        if place <= TEN { 1.0 / place as f64 } else { 0.0 }
    };
    scores.rows().into_iter().zip(own).map(one).sum::<f64>() / own.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_is_read_between_two_strengths() {
        let points = [(1.0, 0.0), (0.95, 0.02), (0.85, 0.06), (0.5, 0.1)];
        assert!((interpolated(&points, 0.9) - 0.04).abs() < 1e-12);
        assert_eq!(interpolated(&points, 0.4), 0.1);
        assert_eq!(interpolated(&points[1..], 0.97), 0.02);
    }

    #[test]
    fn a_known_item_counts_by_its_place_among_ten() {
        let scores = ndarray::array![[0.1, 0.9, 0.5], [0.1, 0.9, 0.5], [0.1, 0.9, 0.5]];
        assert_eq!(mrr(&scores, &[1, 2, 0]), (1.0 + 0.5 + 1.0 / 3.0) / 3.0);
        let twelve = Array2::from_shape_fn((1, 12), |(_, id)| -(id as f32));
        assert_eq!((mrr(&twelve, &[9]), mrr(&twelve, &[10])), (0.1, 0.0));
    }
}
