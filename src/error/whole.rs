//! Errors inside the engine, in the whole build: they are the public ones.

use crate::error::{Error, Result};

pub(crate) type Refusal = Error;

/// The result of an internal function as the public API gives it.
pub(crate) fn public_result<T>(checked: core::result::Result<T, Refusal>) -> Result<T> {
    checked
}

pub(crate) const fn length(what: &'static str, expected: usize, got: usize) -> Refusal {
    Error::Length { what, expected, got }
}

pub(crate) const fn not_finite_at(what: &'static str, index: usize) -> Refusal {
    Error::NotFinite { what, index }
}

pub(crate) const fn out_of_range(what: &'static str, got: f32, min: f32, max: f32) -> Refusal {
    Error::OutOfRange { what, got, min, max }
}

pub(crate) const fn count(what: &'static str, got: usize, min: usize, max: usize) -> Refusal {
    Error::Count { what, got, min, max }
}

pub(crate) const fn overflow(what: &'static str) -> Refusal {
    Error::Overflow { what }
}

pub(crate) const fn base_required(in_features: usize, out_features: usize) -> Refusal {
    Error::BaseRequired { in_features, out_features }
}

pub(crate) const fn square_required(
    what: &'static str,
    instead: &'static str,
    in_features: usize,
    out_features: usize,
) -> Refusal {
    Error::SquareRequired { what, instead, in_features, out_features }
}

pub(crate) const fn zero_norm(what: &'static str) -> Refusal {
    Error::ZeroNorm { what }
}

pub(crate) const fn step(feedback: &'static str) -> Refusal {
    Error::Step { feedback }
}

pub(crate) const fn missing(what: &'static str) -> Refusal {
    Error::Missing { what }
}

pub(crate) const fn unsupported(field: &'static str, expected: &'static str) -> Refusal {
    Error::Unsupported { field, expected }
}

pub(crate) const PENDING_FULL: Refusal = Error::PendingFull;
pub(crate) const NOT_INITIALISED: Refusal = Error::NotInitialised;
