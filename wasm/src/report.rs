//! What a call says to JavaScript, which turns it into words.

use micro_lora::Error;

use crate::memory::REPORT;

/// Puts down an error: the address and length of what it is about, the same of what came instead (if
/// that is a text), and its numbers in the order in which the message has them. Gives minus its code.
pub(crate) fn refuse(report: &mut [u32; REPORT], error: Error) -> f32 {
    let n = |number: usize| number as u32;
    let f = f32::to_bits;
    let (what, [first, second, third]) = match error {
        Error::Length { what, expected, got } => (what, [n(expected), n(got), 0]),
        Error::NotFinite { what, index } => (what, [n(index), 0, 0]),
        Error::OutOfRange { what, got, min, max } => (what, [f(min), f(max), f(got)]),
        Error::Count { what, got, min, max } => (what, [n(min), n(max), n(got)]),
        Error::Overflow { what } | Error::ZeroNorm { what } => (what, [0; 3]),
        Error::BaseRequired { in_features, out_features } => ("base", [n(in_features), n(out_features), 0]),
        Error::SquareRequired { what, in_features, out_features, .. } => {
            (what, [n(in_features), n(out_features), 0])
        }
        _ => ("", [0; 3]),
    };
    *report = [n(what.as_ptr().addr()), n(what.len()), first, second, third];
    -(error.code() as f32)
}
