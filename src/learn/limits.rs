//! The ranges of an event's numbers.

use crate::error::{Checked, check_range};

pub(crate) const MIN_WEIGHT: f32 = 1e-6;
pub(crate) const MAX_WEIGHT: f32 = 1e6;
pub(crate) const MIN_TEMPERATURE: f32 = 1e-3;
pub(crate) const MAX_TEMPERATURE: f32 = 1e3;
pub(crate) const MAX_LEARNING_RATE: f32 = 1000.0;

/// Accepts 0, and weights that f32 can add up without losing one beside the others.
pub(crate) fn check_weight(what: &'static str, weight: f32) -> Checked<()> {
    if weight == 0.0 { Ok(()) } else { check_range(what, weight, MIN_WEIGHT, MAX_WEIGHT) }
}

pub(crate) fn check_quality(quality: f32) -> Checked<()> {
    check_range("quality", quality, 0.0, 1.0)
}

pub(crate) fn check_learning_rate(lr: f32) -> Checked<()> {
    check_range("learning_rate", lr, 0.0, MAX_LEARNING_RATE)
}
