//! Whether the floating-point mode is the one that this crate's arithmetic is made for.

use core::hint::black_box;

use crate::error::{Error, Result};

const SUBNORMAL: Error = Error::Unsupported {
    field: "floating-point mode",
    expected: "subnormal numbers as they are (flush-to-zero and denormals-are-zero off)",
};
const ROUNDING: Error =
    Error::Unsupported { field: "floating-point mode", expected: "rounding to nearest, ties to even" };

/// Checks the mode in which this thread calculates: rounding to nearest, subnormal numbers kept. It is what every thread
/// starts with; audio code, games and `-ffast-math` (at its link) change it, mostly to flush-to-zero. In another mode nothing breaks and
/// files load as they are, but results may differ in their last bits from those of other machines.
///
/// # Errors
/// [`Error::Unsupported`], saying what is expected.
///
/// ```
/// assert!(micro_lora::check_environment().is_ok());
/// ```
#[inline(never)]
pub fn check_environment() -> Result<()> {
    const HALF_ULP: f32 = f32::EPSILON / 2.0;
    let product = |a: f32, b: f32| black_box(black_box(a) * black_box(b));
    let sum = |a: f32, b: f32| black_box(black_box(a) + black_box(b));
    // A result that is subnormal, and an operand.
    let flushed = product(f32::MIN_POSITIVE, 0.5).to_bits() == 0;
    let taken_for_zero = product(f32::from_bits(1), 1e30).to_bits() == 0;
    if flushed || taken_for_zero {
        return Err(SUBNORMAL);
    }
    let rounds_to_nearest = sum(1.0, HALF_ULP * 0.5) == 1.0
        && sum(-1.0, HALF_ULP * -0.5) == -1.0
        && sum(1.0, HALF_ULP * 1.5) > 1.0
        && sum(-1.0, HALF_ULP * -1.5) < -1.0
        && sum(1.0, HALF_ULP) == 1.0;
    if rounds_to_nearest { Ok(()) } else { Err(ROUNDING) }
}

/// `a / b`, as one scalar division. The compiler joins two neighbouring divisions into one vector instruction whose
/// unused lanes are 0 / 0, which traps in a host that has enabled traps (feenableexcept). Where nothing can trap it is a
/// plain `/`.
#[cfg_attr(any(target_arch = "arm", target_arch = "wasm32"), inline(always))]
#[cfg_attr(not(any(target_arch = "arm", target_arch = "wasm32")), inline(never))]
pub(crate) fn divide(a: f32, b: f32) -> f32 {
    a / b
}
