//! How well choices could be predicted.

use micro_lora::Apply;

use crate::buffer::{Slot, check_apart};
use crate::memory::{State, mlora};
use crate::status::mlora_status;
use crate::status::run;

/// How strongly choices follow the frozen order and what was learned: a logistic regression over about the last hundred
/// lists of the dual step, each predicted before it was learned. Errors are standard errors.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct mlora_predictions {
    /// 1 if enough lists were seen; otherwise this and all other fields are 0.
    pub known: u32,
    /// How strongly choices follow the frozen order, 0 to 2: 1 means as a softmax at the lists' temperature, 0 not at
    /// all.
    pub trust: f32,
    /// Standard error of trust.
    pub trust_error: f32,
    /// How strongly choices follow the correction, -1 to 5: 1 means as strongly as it was learned, 0 not at all, below
    /// 0 against it.
    pub strength: f32,
    /// Standard error of strength.
    pub strength_error: f32,
}

/// Writes how strongly choices follow the frozen order and what was learned.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_get_predictions(
    lora: *const mlora,
    predictions: *mut mlora_predictions,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let predictions = Slot::required(predictions)?;
        check_apart(&[state.span()], &[predictions.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        let seen = adapter.predictions().map_or_else(mlora_predictions::default, |seen| mlora_predictions {
            known: 1,
            trust: seen.trust,
            trust_error: seen.trust_error,
            strength: seen.strength,
            strength_error: seen.strength_error,
        });
        // SAFETY: the caller's promise for `predictions`, which overlaps nothing else.
        unsafe { predictions.put(seen) };
        Ok(())
    })
}
