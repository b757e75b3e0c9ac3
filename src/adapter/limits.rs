//! Limits on the numbers of an adapter, so that no sum or product of them overflows, and the errors for numbers
//! beyond them.

use crate::adapter::config::{MAX_FEATURES, MAX_RANK};
use crate::error::{Checked, Refusal, refuse};
use crate::kernel;

/// The largest Frobenius norm of `lora_A` and of `C`. With both at the limit, the square of an output is finite for
/// inputs of norm up to 1000.
pub(crate) const NORM_LIMIT: f32 = 1e8;

/// Largest norm of one event's gradient over `lora_A` or `C`. With [`WEIGHT_LIMIT`] it keeps the
/// pending sums, and their Gram matrices, finite without a pass to check.
pub(crate) const GRADIENT_LIMIT: f32 = 1e11;

/// Largest sum of pending weights: up to here f32 still counts single events exactly.
pub(crate) const WEIGHT_LIMIT: f32 = 16_777_216.0;

/// The largest run-time strength.
pub(crate) const MAX_STRENGTH: f32 = 100.0;

/// The error for a result that is not finite. If an input is not finite, the error names that input.
#[cold]
pub(crate) fn not_finite(inputs: &[(&'static str, &[f32])], result: &'static str) -> Refusal {
    for &(what, values) in inputs {
        if let Some(index) = kernel::first_not_finite(values) {
            return refuse::not_finite_at(what, index);
        }
    }
    refuse::overflow(result)
}

/// `dot(x, x)`, refused if it is not finite.
pub(crate) fn squared_norm(what: &'static str, x: &[f32]) -> Checked<f32> {
    let squared = kernel::dot(x, x);
    if squared.is_finite() { Ok(squared) } else { Err(not_finite(&[(what, x)], what)) }
}

/// Refuses a matrix whose Frobenius norm, times `scale`, is above the limit.
pub(crate) fn check_norm(what: &'static str, matrix: &[f32], scale: f32, limit: f32) -> Checked<()> {
    let norm = kernel::norm(matrix) * scale;
    if norm <= limit { Ok(()) } else { Err(not_finite(&[(what, matrix)], what)) }
}

/// The lengths that the vectors of a first list of the dual step may have.
pub(crate) const SHORTEST: f32 = 1e-3;
pub(crate) const LONGEST: f32 = 1e3;

/// Fails the build for sizes that no adapter can have.
pub(crate) const fn assert_sizes<const IN: usize, const OUT: usize, const RANK: usize>() {
    assert!(RANK >= 1 && RANK <= MAX_RANK, "RANK must be 1, 2, 3 or 4");
    assert!(IN >= 1 && IN <= MAX_FEATURES, "IN (in_features) must be 1 to 1048576");
    assert!(OUT >= 1 && OUT <= MAX_FEATURES, "OUT (out_features) must be 1 to 1048576");
}
