//! The checks of lengths and ranges.

use crate::error::{Error, Result};
use crate::profile::HOST_CHECKS;
use crate::profile::refuse::{self, Refusal};

/// The result of an internal function. In terse builds its error is only a code.
pub(crate) type Checked<T> = core::result::Result<T, Refusal>;

/// Refuses a number outside its range; NaN is outside every range. No check where the host checks.
pub(crate) fn check_range(what: &'static str, got: f32, min: f32, max: f32) -> Checked<()> {
    if HOST_CHECKS { Ok(()) } else { check_measured(what, got, min, max) }
}

/// The same for a number that is computed from what was given: no host has checked it.
pub(crate) fn check_measured(what: &'static str, got: f32, min: f32, max: f32) -> Checked<()> {
    if (min..=max).contains(&got) { Ok(()) } else { Err(refuse::out_of_range(what, got, min, max)) }
}

/// What a number may be.
pub(crate) struct Range {
    pub(crate) what: &'static str,
    pub(crate) min: f32,
    pub(crate) max: f32,
}

/// Refuses the first of the values that is outside its range.
pub(crate) const fn check_ranges(ranges: &[Range], values: &[f32]) -> Result<()> {
    let (mut ranges, mut values) = (ranges, values);
    while let ([Range { what, min, max }, other_ranges @ ..], [got, others @ ..]) = (ranges, values) {
        // Written so that NaN is refused.
        if !(*got >= *min && *got <= *max) {
            return Err(Error::OutOfRange { what, got: *got, min: *min, max: *max });
        }
        (ranges, values) = (other_ranges, others);
    }
    Ok(())
}

/// Refuses a slice of the wrong length. No check where the host checks.
pub(crate) fn check_length(what: &'static str, got: usize, expected: usize) -> Checked<()> {
    if HOST_CHECKS || got == expected { Ok(()) } else { Err(refuse::length(what, expected, got)) }
}
