//! Feedback on a list as a target distribution and a weight omega.

use super::list::Target;
use crate::adapter::stats::Skip;
use crate::error::{Checked, check_length, check_range, refuse};
use crate::kernel;
use crate::learn::limits::{MAX_TEMPERATURE, MAX_WEIGHT, MIN_TEMPERATURE, check_quality};
use crate::learn::sample::{Choice, Listwise, MAX_CANDIDATES};
use crate::learn::softmax::preference;

/// The number of chosen results above which omega does not rise.
const MOST_CHOSEN: f32 = 4.0;
/// Omega for each result chosen.
const PER_CHOSEN: f32 = 0.5;

/// The feedback of a list, whatever its documents are.
#[derive(Clone, Copy)]
pub(crate) enum ListFeedback<'a> {
    /// One was chosen, or turned down, with a quality.
    Choice { chosen: usize, quality: f32 },
    /// Weights, one per document.
    Weights(&'a [f32]),
}

/// The target distribution of a list, and its weight.
#[derive(Clone, Copy)]
pub(crate) struct WeightedTarget<'a> {
    pub(crate) target: Target<'a>,
    /// Before the sample's weight.
    pub(crate) omega: f32,
}

impl<'a> From<&Choice<'a>> for ListFeedback<'a> {
    fn from(choice: &Choice<'a>) -> Self {
        Self::Choice { chosen: choice.chosen, quality: choice.quality }
    }
}

impl<'a> From<&Listwise<'a>> for ListFeedback<'a> {
    fn from(list: &Listwise<'a>) -> Self {
        Self::Weights(list.weights)
    }
}

impl ListFeedback<'_> {
    /// The quality of a choice.
    pub(crate) const fn quality(&self) -> Option<f32> {
        match self {
            Self::Choice { quality, .. } => Some(*quality),
            Self::Weights(_) => None,
        }
    }

    /// The target of feedback on so many documents, or why there is nothing to learn. `share` is room for it: returned
    /// by value, it would be on the stack of a chip several times.
    pub(crate) fn read<'s>(
        &self,
        count: usize,
        temperature: f32,
        share: &'s mut [f32; MAX_CANDIDATES],
    ) -> Checked<Result<WeightedTarget<'s>, Skip>> {
        check_range("temperature", temperature, MIN_TEMPERATURE, MAX_TEMPERATURE)?;
        share.fill(0.0);
        let omega = match *self {
            Self::Choice { chosen, quality } => {
                if chosen >= count {
                    return Err(refuse::count("chosen", chosen, 0, count.saturating_sub(1)));
                }
                check_quality(quality)?;
                if quality == 0.5 {
                    return Ok(Err(Skip::NeutralQuality));
                }
                let omega = PER_CHOSEN * (2.0 * quality - 1.0).abs();
                if quality < 0.5 {
                    return Ok(Ok(WeightedTarget { target: Target::AllBut(chosen), omega }));
                }
                if let Some(share) = share.get_mut(chosen) {
                    *share = 1.0;
                }
                omega
            }
            Self::Weights(weights) => {
                check_length("weights", weights.len(), count)?;
                if let Some(index) = kernel::first_not_finite(weights) {
                    return Err(refuse::not_finite_at("weights", index));
                }
                for weight in weights {
                    check_range("weights", *weight, 0.0, MAX_WEIGHT)?;
                }
                if let Some(skip) = preference(weights) {
                    return Ok(Err(skip));
                }
                PER_CHOSEN * shares(share, weights).min(MOST_CHOSEN)
            }
        };
        let target = Target::Share(share.get(..count).unwrap_or_default());
        Ok(Ok(WeightedTarget { target, omega }))
    }
}

/// Divides the weights by their sum; returns the effective number of chosen results, `(sum w)^2 / sum w^2`.
fn shares(share: &mut [f32; MAX_CANDIDATES], weights: &[f32]) -> f32 {
    let (mut sum, mut squares) = (0.0, 0.0);
    for weight in weights {
        sum += weight;
    }
    for (share, weight) in share.iter_mut().zip(weights) {
        *share = weight / sum;
        squares += *share * *share;
    }
    1.0 / squares
}
