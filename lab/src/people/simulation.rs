//! Searches, clicks, learning.

use micro_lora::Error;

use super::{Evaluation, Measure, SearchTask, Searches, TEN};
use crate::learners::Ranker;
use crate::random::Chance;

/// How a simulated person clicks. Looks at place k, from 1, with probability `1 / sqrt(k)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clicking {
    /// Clicks a result it looks at with a probability from `noise / 2` (gain 0) to `1 - noise` (gain 1).
    Taste { noise: f32 },
    /// Clicks every result with the same probability: nothing to learn.
    Random { probability: f32 },
    /// Clicks a result it looks at with the same probability: nothing to learn, but the top gets more clicks.
    Careless { probability: f32 },
}

impl Clicking {
    pub const USUAL: Self = Self::Taste { noise: 0.1 };

    /// Draws the same number of random values in every case, so that learners can be compared in pairs.
    fn on(self, gains: &[f32], chance: &mut Chance) -> Vec<bool> {
        let attention: Vec<f64> = gains.iter().map(|_| chance.uniform()).collect();
        gains
            .iter()
            .zip(attention)
            .enumerate()
            .map(|(place, (&gain, attention))| {
                let (looks, choice) =
                    (attention < 1.0 / ((place + 1) as f64).sqrt(), chance.uniform() as f32);
                match self {
                    Self::Taste { noise } => looks && choice < noise / 2.0 + (1.0 - 1.5 * noise) * gain,
                    Self::Random { probability } => choice < probability,
                    Self::Careless { probability } => looks && choice < probability,
                }
            })
            .collect()
    }
}

/// The plan of a run, apart from the learner.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    pub clicking: Clicking,
    /// Numbers of searches after which to measure, ascending; the last one ends the run.
    pub at: &'a [usize],
    /// The number of searches after which the taste switches to the next one.
    pub switch: Option<usize>,
    /// Measure on the queries that are used to choose settings.
    pub validation: bool,
}

/// Runs queries one by one, learns from the clicks, and measures.
///
/// # Errors
/// As the learner's own.
pub fn simulate(
    task: &SearchTask,
    course: Course<'_>,
    learner: &mut dyn Ranker,
) -> Result<Vec<Measure>, Error> {
    const DEALT: usize = 600;
    const CLICKS: u32 = 77_000;
    let mut chance = Chance::new(CLICKS + task.seed);
    let events = course.at.last().copied().unwrap_or(0);
    let mut order = vec![];
    // A shorter run is the beginning of a longer one, with the same random numbers.
    while order.len() < events.max(DEALT) {
        order.extend(chance.permutation(task.train.len()));
    }
    let next = course.switch.map(|_| task.switched());
    let on = |validation: &Searches, test: &Searches| {
        Evaluation::new(task, if course.validation { validation } else { test }.clone())
    };
    let before = on(&task.validation, &task.test);
    let after = next.as_ref().map(|[_, validation, test]| on(validation, test));
    let mut measures = vec![];
    for (event, &row) in order[..events].iter().enumerate() {
        let is_switched = course.switch.is_some_and(|after| event >= after);
        let gain = match &next {
            Some([train, ..]) if is_switched => train.gain.row(row),
            _ => task.train.gain.row(row),
        };
        let query = task.train.queries.row(row);
        let base = task.documents.dot(&query);
        let shown = learner.show(query, base.view(), TEN)?;
        let clicked = course.clicking.on(&shown.iter().map(|&id| gain[id]).collect::<Vec<_>>(), &mut chance);
        learner.learn(query, &shown, &clicked)?;
        if course.at.contains(&(event + 1)) {
            let on = if is_switched { after.as_ref().unwrap_or(&before) } else { &before };
            measures.push(on.measure(learner)?);
        }
    }
    Ok(measures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn click_rates_follow_place_and_gain() {
        const LISTS: usize = 20_000;
        let rates = |clicking: Clicking, gain: f32| {
            let mut chance = Chance::new(1);
            let mut counts = [0.0; TEN];
            for _ in 0..LISTS {
                for (count, click) in counts.iter_mut().zip(clicking.on(&[gain; TEN], &mut chance)) {
                    *count += f32::from(click);
                }
            }
            counts.map(|count| count / LISTS as f32)
        };
        for (gain, wanted) in [(0.0, 0.05), (0.5, 0.475), (1.0, 0.9)] {
            for (place, rate) in rates(Clicking::USUAL, gain).into_iter().enumerate() {
                let expected = wanted / ((place + 1) as f32).sqrt();
                assert!((rate - expected).abs() < 0.012, "place {place}: {rate}, not {expected}");
            }
        }
        for (place, rate) in rates(Clicking::Random { probability: 0.3 }, 1.0).into_iter().enumerate() {
            assert!((rate - 0.3).abs() < 0.012, "place {place}: {rate}");
        }
    }
}
