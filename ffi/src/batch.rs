//! Training an adapter on many vectors in one call.

use micro_lora::{BatchReceipt, Learn};

use crate::buffer::{Input, Slot, check_apart};
use crate::memory::{State, mlora};
use crate::status::{mlora_status, run};

/// What mlora_adapt_gradients did.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct mlora_batch_receipt {
    /// Vectors whose gradient is now pending.
    pub applied: u32,
    /// Vectors with nothing to learn: the input or the gradient is zero.
    pub skipped: u32,
    /// Vectors for which the output guard shortens the correction.
    pub capped: u32,
    /// The adapter's generation after the call.
    pub generation: u32,
}

impl From<BatchReceipt> for mlora_batch_receipt {
    fn from(receipt: BatchReceipt) -> Self {
        Self {
            applied: receipt.applied,
            skipped: receipt.skipped,
            capped: receipt.capped,
            generation: receipt.generation,
        }
    }
}

/// mlora_adapt_gradient for n vectors of weight 1, one after the other: the same bits as n calls. All or nothing: if one vector is refused, none is learned from.
///
/// inputs: n * in_features values; grad_outputs: n * out_features values. n may be 0.
///
/// Errors: those of every handle and buffer; NOT_FINITE, OVERFLOW, PENDING_FULL.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_adapt_gradients(
    lora: *mut mlora,
    inputs: *const f32,
    inputs_len: usize,
    grad_outputs: *const f32,
    grad_outputs_len: usize,
    receipt: *mut mlora_batch_receipt,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::learning(lora) }?;
        let inputs = Input::new(inputs, inputs_len)?;
        let grad_outputs = Input::new(grad_outputs, grad_outputs_len)?;
        let receipt = Slot::optional(receipt)?;
        check_apart(&[inputs.span, grad_outputs.span], &[state.span(), receipt.span])?;
        // SAFETY: the caller's promise for `inputs`.
        let inputs = unsafe { inputs.slice() };
        // SAFETY: the caller's promise for `grad_outputs`.
        let grad_outputs = unsafe { grad_outputs.slice() };
        // SAFETY: the caller's promise: nobody else uses the adapter meanwhile.
        let done = unsafe { state.adapter_mut() }?.adapt_gradients(inputs, grad_outputs)?;
        // SAFETY: the caller's promise for `receipt`, which overlaps nothing else.
        unsafe { receipt.put(done.into()) };
        Ok(())
    })
}
