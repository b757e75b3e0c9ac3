//! Simulated people who search, and metrics of what they would notice.

mod evaluation;
mod groups;
mod personal;
mod persons;
mod simulation;
mod task;

use ndarray::ArrayView1;

pub use evaluation::{Evaluation, Measure};
pub use groups::group_task;
pub use personal::{Found, personal_search};
pub use persons::{Kind, PERSONS, Persons};
pub use simulation::{Clicking, Course, simulate};
pub use task::{SearchTask, Searches, TooSmall};

/// Results of a search.
pub const TEN: usize = 10;

/// The indices of the highest scores, best first; equal scores in the order of their indices. NaN is the lowest score.
pub fn top(scores: ArrayView1<'_, f32>, n: usize) -> Vec<usize> {
    let mut best: Vec<(f32, usize)> = Vec::with_capacity(n + 1);
    for (index, &score) in scores.iter().enumerate() {
        let score = if score.is_nan() { f32::NEG_INFINITY } else { score };
        if best.len() < n || best.last().is_some_and(|&(lowest, _)| score > lowest) {
            let at = best.partition_point(|&(other, _)| other >= score);
            best.insert(at, (score, index));
            best.truncate(n);
        }
    }
    best.into_iter().map(|(_, index)| index).collect()
}

/// The discount of a place that counts from 0.
pub(crate) fn discount(place: usize) -> f64 {
    1.0 / ((place + 2) as f64).log2()
}

/// The discounted gain of the results in this order.
pub(crate) fn discounted(gains: impl Iterator<Item = f32>) -> f64 {
    gains.enumerate().map(|(place, gain)| f64::from(gain) * discount(place)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_is_in_order_and_keeps_the_first_of_equals() {
        let scores = ndarray::array![0.5, f32::NAN, 2.0, 2.0, -1.0, 0.7];
        assert_eq!(top(scores.view(), 4), [2, 3, 5, 0]);
        assert_eq!(top(scores.view(), 9), [2, 3, 5, 0, 4, 1]);
    }
}
