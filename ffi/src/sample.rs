//! A sample of feedback, and the receipt of what a call did with it.

use micro_lora::{Outcome, Receipt, Skip};

/// What a learning call did. A call that does nothing says why.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mlora_outcome {
    /// It took effect.
    MLORA_APPLIED = 0,
    /// Nothing: a quality of exactly 0.5 says neither better nor worse.
    MLORA_SKIPPED_NEUTRAL_QUALITY = 1,
    /// Nothing: every candidate has the same positive weight, so none is preferred.
    MLORA_SKIPPED_ALL_CHOSEN = 2,
    /// Nothing: every candidate has the weight 0. In a memory of lists only before its first list with a click.
    MLORA_SKIPPED_NOTHING_CHOSEN = 3,
    /// Nothing: the gradient is zero.
    MLORA_SKIPPED_ZERO_GRADIENT = 4,
    /// Nothing: the sample's weight is 0.
    MLORA_SKIPPED_ZERO_WEIGHT = 5,
    /// Nothing: no event is pending.
    MLORA_SKIPPED_NO_PENDING = 6,
    /// Nothing: the learning rate is 0; the pending gradients are kept.
    MLORA_SKIPPED_ZERO_LEARNING_RATE = 7,
}

use mlora_outcome::*;

impl From<Outcome> for mlora_outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Applied => MLORA_APPLIED,
            Outcome::Skipped(Skip::NeutralQuality) => MLORA_SKIPPED_NEUTRAL_QUALITY,
            Outcome::Skipped(Skip::AllChosen) => MLORA_SKIPPED_ALL_CHOSEN,
            Outcome::Skipped(Skip::NothingChosen) => MLORA_SKIPPED_NOTHING_CHOSEN,
            Outcome::Skipped(Skip::ZeroWeight) => MLORA_SKIPPED_ZERO_WEIGHT,
            Outcome::Skipped(Skip::NoPending) => MLORA_SKIPPED_NO_PENDING,
            Outcome::Skipped(Skip::ZeroLearningRate) => MLORA_SKIPPED_ZERO_LEARNING_RATE,
            // `Skip` may grow; `tests/abi.rs` fails until the new one is here.
            Outcome::Skipped(_) => MLORA_SKIPPED_ZERO_GRADIENT,
        }
    }
}

/// What a learning call did, in numbers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct mlora_receipt {
    /// A number of mlora_outcome: MLORA_APPLIED, or skipped and why.
    pub outcome: u32,
    /// After an adapt call: the L2 norm of dL/dy, before the sample's weight. After an update: the L2
    /// norm of the weighted mean gradient over lora_A and s * lora_B.
    pub grad_norm: f32,
    /// After an update: the L2 norm of the change of lora_A and lora_B together. After an adapt
    /// call: 0.
    pub step_norm: f32,
    /// After an adapt call: the factor, 0 to 1, by which the output guard shortened the correction.
    /// After an update: 1.
    pub guard: f32,
    /// The adapter's generation after the call.
    pub generation: u32,
    /// A number of mlora_step: how the adapter learns after the call. With MLORA_STEP_AUTO the first feedback has
    /// chosen it.
    pub step: u32,
}

impl From<Receipt> for mlora_receipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            outcome: mlora_outcome::from(receipt.outcome) as u32,
            grad_norm: receipt.grad_norm,
            step_norm: receipt.step_norm,
            guard: receipt.guard,
            generation: receipt.generation,
            step: receipt.step as u32,
        }
    }
}

/// One sample of feedback: the adapter's input, with what belongs to it. Start from MLORA_SAMPLE(x, x_len).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct mlora_sample {
    /// The adapter's input.
    pub x: *const f32,
    /// in_features.
    pub x_len: usize,
    /// The frozen model's own output, y = base + delta. With NULL, x is used, if in_features == out_features. Not
    /// needed for a gradient.
    pub base: *const f32,
    /// out_features, or 0 with NULL.
    pub base_len: usize,
    /// How much the event counts in the mean over pending events, and in the length of the step: 0,
    /// or 1e-6 to 1e6; usually 1.
    pub weight: f32,
}
