//! Errors: what was expected, and what came.

mod check;

use core::fmt;

pub(crate) use check::{Checked, Range, check_length, check_measured, check_range, check_ranges};

use crate::profile::Reported;
pub(crate) use crate::profile::refuse::{self, Refusal, public_result};

/// The result of a fallible call. With two parameters it is `core`'s, so that `use micro_lora::*` takes nothing away.
///
/// ```
/// fn fresh() -> micro_lora::Result<micro_lora::MicroLora<4, 4, 1>> {
///     micro_lora::MicroLora::new(micro_lora::Config::new())
/// }
/// assert!(fresh().is_ok());
/// ```
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a call was refused. After any error the adapter is bit for bit what it was.
///
/// ```
/// use micro_lora::{Apply, Config, Error, MicroLora};
/// let lora = MicroLora::<8, 8, 2>::new(Config::new())?;
/// let error = lora.apply(&[1.0; 7]).unwrap_err();
/// assert_eq!(error, Error::Length { what: "input", expected: 8, got: 7 });
/// assert_eq!(error.code(), 1);
/// assert_eq!(error.to_string(), "input: expected 8 values, got 7");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// A slice has the wrong number of values.
    Length {
        /// Which argument.
        what: &'static str,
        /// How many values it must have.
        expected: usize,
        /// How many it has.
        got: usize,
    },
    /// A value is NaN or infinite.
    NotFinite {
        /// Which argument.
        what: &'static str,
        /// Where in it the first such value is.
        index: usize,
    },
    /// A number is outside its range (NaN always is).
    OutOfRange {
        /// Which argument or setting.
        what: &'static str,
        /// What came.
        got: f32,
        /// The smallest value accepted.
        min: f32,
        /// The largest value accepted.
        max: f32,
    },
    /// A count, index or size is outside its range.
    Count {
        /// Which argument.
        what: &'static str,
        /// What came.
        got: usize,
        /// The smallest value accepted.
        min: usize,
        /// The largest value accepted.
        max: usize,
    },
    /// All inputs are finite, but the result would not be, or is too large to go on with.
    Overflow {
        /// What would overflow.
        what: &'static str,
    },
    /// `in_features != out_features`, so `y = base + delta` needs the caller's `base`.
    BaseRequired {
        /// Length of the input.
        in_features: usize,
        /// Length that `base` must have.
        out_features: usize,
    },
    /// Only an adapter with `in_features == out_features` can do this.
    SquareRequired {
        /// What was asked for.
        what: &'static str,
        /// What to use instead.
        instead: &'static str,
        /// Length of the input.
        in_features: usize,
        /// Length of the output.
        out_features: usize,
    },
    /// A vector that gives a direction has no length.
    ZeroNorm {
        /// Which argument.
        what: &'static str,
    },
    /// The sum of the pending events' weights has reached its limit: apply the updates first.
    PendingFull,
    /// The adapter is zeroed memory on which `init` was never called.
    NotInitialised,
    /// A text is not what its reader expects.
    Syntax {
        /// Which text.
        what: &'static str,
        /// What came.
        problem: &'static str,
    },
    /// The JSON is not a document of the expected format.
    Format {
        /// The format that was to be loaded.
        expected: &'static str,
    },
    /// A saved state is of another version, or made for another adapter or model.
    Mismatch {
        /// Which property.
        what: &'static str,
        /// Its value here.
        expected: u32,
        /// Its value in the state.
        got: u32,
    },
    /// A text is not the base64 of so many values.
    Base64 {
        /// Which field.
        what: &'static str,
        /// How many values it must hold.
        values: usize,
    },
    /// A saved state has been damaged.
    Checksum {
        /// What the state says.
        expected: u32,
        /// What its values give.
        got: u32,
    },
    /// The buffer for a text is too small; nothing was written.
    Buffer {
        /// Bytes that it needs.
        needed: usize,
        /// Bytes that it has.
        got: usize,
    },
    /// A PEFT file has a feature that MicroLoRA does not support.
    Unsupported {
        /// Which field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A PEFT file lacks something that must be in it.
    Missing {
        /// What.
        what: &'static str,
    },
    /// An `adapter_config.json` has an unknown field (of a later PEFT, for example) that is not null, false, 0 or empty.
    UnknownField {
        /// Where its value is, in bytes from the start.
        at: usize,
    },
    /// The adapter uses the dual step, which learns from lists only, and this feedback is not a list.
    Step {
        /// Which kind of feedback.
        feedback: &'static str,
    },
    /// The tensors of a file have the names of another program's adapters.
    KeyStyle {
        /// Whose.
        got: &'static str,
    },
    /// One of the errors above, as its code. Only terse builds have it (`src/profile.rs`).
    #[doc(hidden)]
    Reported(Reported),
}

impl Error {
    /// A number that never changes its meaning, for hosts that cannot use the enum; 0 is "no error".
    ///
    /// ```
    /// assert_eq!(micro_lora::Error::PendingFull.code(), 9);
    /// ```
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Length { .. } => 1,
            Self::NotFinite { .. } => 2,
            Self::OutOfRange { .. } => 3,
            Self::Count { .. } => 4,
            Self::Overflow { .. } => 5,
            Self::BaseRequired { .. } => 6,
            Self::SquareRequired { .. } => 7,
            Self::ZeroNorm { .. } => 8,
            Self::PendingFull => 9,
            Self::NotInitialised => 10,
            Self::Syntax { .. } => 11,
            Self::Format { .. } => 12,
            Self::Mismatch { .. } => 13,
            Self::Base64 { .. } => 14,
            Self::Checksum { .. } => 15,
            Self::Buffer { .. } => 16,
            Self::Unsupported { .. } => 17,
            Self::Missing { .. } => 18,
            Self::UnknownField { .. } => 19,
            Self::Step { .. } => 20,
            Self::KeyStyle { .. } => 21,
            Self::Reported(reported) => reported.code(),
        }
    }
}

/// 1e-38 instead of forty digits.
struct Short(f32);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 != 0.0 && self.0.abs() < 1e-9 { write!(f, "{:e}", self.0) } else { write!(f, "{}", self.0) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Length { what, expected, got } => {
                write!(f, "{what}: expected {expected} values, got {got}")
            }
            Self::NotFinite { what, index } => {
                write!(f, "{what}: expected finite values, got NaN or infinity at index {index}")
            }
            Self::OutOfRange { what, got, min, max } => {
                write!(f, "{what}: expected {} to {}, got {}", Short(min), Short(max), Short(got))
            }
            Self::Count { what, got, min, max } => {
                write!(f, "{what}: expected {min} to {max}, got {got}")
            }
            Self::Overflow { what } => {
                write!(f, "{what}: expected a magnitude that f32 can go on with, got an overflow")
            }
            Self::BaseRequired { in_features, out_features } => write!(
                f,
                "base: expected {out_features} values because in_features is {in_features} and \
                 out_features {out_features}, got none; give it by Sample::with_base"
            ),
            Self::SquareRequired { what, instead, in_features, out_features } => write!(
                f,
                "{what}: expected in_features equal to out_features, got {in_features} and \
                 {out_features}; use {instead}"
            ),
            Self::ZeroNorm { what } => write!(f, "{what}: expected a direction, got a zero vector"),
            Self::PendingFull => f.write_str(
                "pending events: expected a total weight below 16777216, got more; call apply_updates",
            ),
            Self::NotInitialised => {
                f.write_str("adapter: expected init to have been called, got zeroed memory")
            }
            Self::Syntax { what, problem } => write!(f, "{what}: expected a well-formed text, got {problem}"),
            Self::Format { expected } => write!(f, "format: expected \"{expected}\", got another"),
            Self::Mismatch { what, expected, got } => write!(f, "{what}: expected {expected}, got {got}"),
            Self::Base64 { what, values } => {
                write!(f, "{what}: expected the base64 of {values} values, got something else")
            }
            Self::Checksum { expected, got } => {
                write!(f, "state: expected the checksum {expected}, got {got}: it has been damaged")
            }
            Self::Buffer { needed, got } => write!(f, "buffer: expected {needed} bytes or more, got {got}"),
            Self::Unsupported { field, expected } => {
                write!(f, "{field}: expected {expected}, got something else")
            }
            Self::Reported(reported) => write!(f, "error {}", reported.code()),
            Self::Step { feedback } => write!(
                f,
                "{feedback} feedback: expected a list (choice or listwise), because this adapter learns by the dual \
                 step, got {feedback}; use another adapter, or one made with StepKind::ScaledGradientV2"
            ),
            Self::Missing { what } => write!(f, "{what}: expected it to be there, got none"),
            Self::UnknownField { at } => write!(
                f,
                "adapter_config.json: expected null, false, 0 or empty in a field that is not of PEFT 0.21, \
                 got something else at byte {at}"
            ),
            Self::KeyStyle { got } => write!(
                f,
                "keys: expected those of PEFT, as base_model.model.*.lora_A.weight, got those of {got}"
            ),
        }
    }
}

impl core::error::Error for Error {}
