//! Errors inside the engine, in terse builds: an error is its code alone, and what it is about is written to one
//! place. An [`Error`] of 28 bytes, made at forty places and passed on through as many calls, is an eighth of the
//! WebAssembly of the npm package.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::error::{Error, Result};
use crate::profile::{REPORTS_DETAILS, Reported};

pub(crate) type Refusal = Reported;

impl From<Reported> for Error {
    fn from(reported: Reported) -> Self {
        Self::Reported(reported)
    }
}

/// The result of an internal function as the public API gives it.
pub(crate) fn public_result<T>(checked: core::result::Result<T, Refusal>) -> Result<T> {
    checked.map_err(Error::from)
}

/// Of the last error: the address and length of the name of what it is about, and up to three numbers in the order in
/// which the message of [`Error`] has them.
pub static REPORT: [AtomicU32; 5] = [const { AtomicU32::new(0) }; 5];

#[inline(always)]
fn report(code: u8, what: &'static str, first: u32, second: u32, third: u32) -> Refusal {
    if REPORTS_DETAILS { write_report(code, what, first, second, third) } else { Reported(code) }
}

#[cold]
#[inline(never)]
fn write_report(code: u8, what: &'static str, first: u32, second: u32, third: u32) -> Refusal {
    let words = [what.as_ptr().addr() as u32, what.len() as u32, first, second, third];
    for (place, word) in REPORT.iter().zip(words) {
        place.store(word, Relaxed);
    }
    Reported(code)
}

pub(crate) fn length(what: &'static str, expected: usize, got: usize) -> Refusal {
    report(1, what, expected as u32, got as u32, 0)
}

pub(crate) fn not_finite_at(what: &'static str, index: usize) -> Refusal {
    report(2, what, index as u32, 0, 0)
}

pub(crate) fn out_of_range(what: &'static str, got: f32, min: f32, max: f32) -> Refusal {
    report(3, what, min.to_bits(), max.to_bits(), got.to_bits())
}

pub(crate) fn count(what: &'static str, got: usize, min: usize, max: usize) -> Refusal {
    report(4, what, min as u32, max as u32, got as u32)
}

pub(crate) fn overflow(what: &'static str) -> Refusal {
    report(5, what, 0, 0, 0)
}

pub(crate) fn base_required(in_features: usize, out_features: usize) -> Refusal {
    report(6, "base", in_features as u32, out_features as u32, 0)
}

pub(crate) fn square_required(
    what: &'static str,
    _instead: &'static str,
    in_features: usize,
    out_features: usize,
) -> Refusal {
    report(7, what, in_features as u32, out_features as u32, 0)
}

pub(crate) fn zero_norm(what: &'static str) -> Refusal {
    report(8, what, 0, 0, 0)
}

pub(crate) fn step(feedback: &'static str) -> Refusal {
    report(20, feedback, 0, 0, 0)
}

pub(crate) fn missing(what: &'static str) -> Refusal {
    report(18, what, 0, 0, 0)
}

pub(crate) fn unsupported(field: &'static str, _expected: &'static str) -> Refusal {
    report(17, field, 0, 0, 0)
}

pub(crate) const PENDING_FULL: Refusal = Reported(9);
pub(crate) const NOT_INITIALISED: Refusal = Reported(10);
