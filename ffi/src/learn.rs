//! Training an adapter.

use micro_lora::{Choice, Learn, Listwise};

use crate::buffer::{Input, Slot, check_apart};
use crate::memory::{State, mlora};
use crate::sample::{mlora_receipt, mlora_sample};
use crate::status::{mlora_status, run};
use crate::teach::learn;

/// The usual learning rate; it suits almost every task.
///
/// cbindgen:ignore
pub const MLORA_LEARNING_RATE: f32 = 0.01;

/// The usual temperature of a list whose candidates are near unit norm.
///
/// cbindgen:ignore
pub const MLORA_TEMPERATURE: f32 = 0.1;

/// The same for a choice: a lower temperature separates labels better.
///
/// cbindgen:ignore
pub const MLORA_TEMPERATURE_CHOICE: f32 = 0.08;

/// Learns from a gradient of the caller's own loss: grad_output = dL/dy, out_features values. The
/// exact LoRA backward pass, as torch.autograd would give it.
///
/// Errors: those of every handle, buffer and sample.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_adapt_gradient(
    lora: *mut mlora,
    sample: *const mlora_sample,
    grad_output: *const f32,
    grad_output_len: usize,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        let grad_output = Input::new(grad_output, grad_output_len)?;
        let inputs = [grad_output.span];
        // SAFETY: the caller's promise for `grad_output`.
        let grad_output = unsafe { grad_output.slice() };
        // SAFETY: the caller's promise for every argument.
        unsafe {
            learn(lora, sample, &inputs, receipt, |adapter, sample| {
                adapter.adapt_gradient(sample, grad_output)
            })
        }
    })
}

/// Learns that one of n = 2 to 64 candidates was chosen (quality above 0.5) or turned down (below):
/// cross-entropy of softmax(candidates . y / temperature), or of its complement.
///
/// candidates: n * out_features values, near unit norm. chosen: 0 to n - 1. quality: 0 to 1, 1 for a
/// click, 0 for a thumbs-down; 0.5 is skipped. temperature: 1e-3 to 1e3, usually MLORA_TEMPERATURE_CHOICE.
///
/// Errors: those of every handle, buffer and sample; COUNT for n or chosen.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_adapt_choice(
    lora: *mut mlora,
    sample: *const mlora_sample,
    candidates: *const f32,
    candidates_len: usize,
    chosen: usize,
    quality: f32,
    temperature: f32,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        let candidates = Input::new(candidates, candidates_len)?;
        let inputs = [candidates.span];
        // SAFETY: the caller's promise for `candidates`.
        let candidates = unsafe { candidates.slice() };
        let choice = Choice::click(candidates, chosen).with_quality(quality).with_temperature(temperature);
        // SAFETY: the caller's promise for every argument.
        unsafe {
            learn(lora, sample, &inputs, receipt, |adapter, sample| adapter.adapt_choice(sample, choice))
        }
    })
}

/// Learns from several choices of one list at once: listwise softmax cross-entropy.
///
/// candidates: n * out_features values, n = 2 to 64, near unit norm. weights: n values, 0 to 1e6, as 1 for a click and
/// 0 for none; a list whose weights are all equal is skipped. temperature: 1e-3 to 1e3, usually MLORA_TEMPERATURE.
///
/// Errors: those of every handle, buffer and sample; COUNT for n.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_adapt_listwise(
    lora: *mut mlora,
    sample: *const mlora_sample,
    candidates: *const f32,
    candidates_len: usize,
    weights: *const f32,
    weights_len: usize,
    temperature: f32,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        let candidates = Input::new(candidates, candidates_len)?;
        let weights = Input::new(weights, weights_len)?;
        let inputs = [candidates.span, weights.span];
        // SAFETY: the caller's promise for `candidates`.
        let candidates = unsafe { candidates.slice() };
        // SAFETY: the caller's promise for `weights`.
        let weights = unsafe { weights.slice() };
        let list = Listwise::new(candidates, weights).with_temperature(temperature);
        // SAFETY: the caller's promise for every argument.
        unsafe {
            learn(lora, sample, &inputs, receipt, |adapter, sample| adapter.adapt_listwise(sample, list))
        }
    })
}

/// Pulls y towards a target (weight > 0) or away from it (weight < 0): L = -weight * cos(y, target).
///
/// target: out_features values. |weight|: 0, or 1e-6 to 1e6; it multiplies the sample's.
///
/// Pulling alone, event after event, draws every output to the mean of the targets. Use it for a few events, with
/// weights of both signs, or use mlora_adapt_attract_repel.
///
/// Errors: those of every handle, buffer and sample; ZERO_NORM for the target.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_adapt_target(
    lora: *mut mlora,
    sample: *const mlora_sample,
    target: *const f32,
    target_len: usize,
    weight: f32,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        let target = Input::new(target, target_len)?;
        let inputs = [target.span];
        // SAFETY: the caller's promise for `target`.
        let target = unsafe { target.slice() };
        // SAFETY: the caller's promise for every argument.
        unsafe {
            learn(lora, sample, &inputs, receipt, |adapter, sample| {
                adapter.adapt_target(sample, target, weight)
            })
        }
    })
}

/// Pulls y towards one vector and away from n = 1 to 64 others in one event:
/// L = -cos(y, attract) + (1 / n) sum cos(y, repel_j).
///
/// attract: out_features values; repel: n * out_features values.
///
/// Errors: those of every handle, buffer and sample; COUNT for n, ZERO_NORM.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_adapt_attract_repel(
    lora: *mut mlora,
    sample: *const mlora_sample,
    attract: *const f32,
    attract_len: usize,
    repel: *const f32,
    repel_len: usize,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        let attract = Input::new(attract, attract_len)?;
        let repel = Input::new(repel, repel_len)?;
        let inputs = [attract.span, repel.span];
        // SAFETY: the caller's promise for `attract`.
        let attract = unsafe { attract.slice() };
        // SAFETY: the caller's promise for `repel`.
        let repel = unsafe { repel.slice() };
        // SAFETY: the caller's promise for every argument.
        unsafe {
            learn(lora, sample, &inputs, receipt, |adapter, sample| {
                adapter.adapt_attract_repel(sample, attract, repel)
            })
        }
    })
}

/// Learns from a quality alone, 0 to 1, for an adapter with in_features == out_features. The weakest kind of feedback:
/// it does not say in which direction to go, and can do harm.
///
/// Errors: those of every handle, buffer and sample; SQUARE_REQUIRED.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_adapt_quality(
    lora: *mut mlora,
    sample: *const mlora_sample,
    quality: f32,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for every argument.
        unsafe { learn(lora, sample, &[], receipt, |adapter, sample| adapter.adapt_quality(sample, quality)) }
    })
}

/// Takes one step along the weighted mean of the pending gradients and clears them.
///
/// learning_rate: 0 to 1000, usually MLORA_LEARNING_RATE. Skipped, and nothing changes, if no event
/// is pending, the rate is 0, or the pending gradients cancel out.
///
/// Errors: those of every handle; OUT_OF_RANGE for the rate, OVERFLOW, MISALIGNED, OVERLAP.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_apply_updates(
    lora: *mut mlora,
    learning_rate: f32,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::learning(lora) }?;
        let receipt = Slot::optional(receipt)?;
        check_apart(&[], &[state.span(), receipt.span])?;
        // SAFETY: the caller's promise: nobody else uses the adapter meanwhile.
        let mut adapter = unsafe { state.adapter_mut() };
        let done = adapter.as_mut().map_err(|status| *status)?.apply_updates(learning_rate);
        let done = done.as_ref().map_err(mlora_status::from)?;
        // SAFETY: the caller's promise for `receipt`, which overlaps nothing else.
        unsafe { receipt.put(mlora_receipt::from(*done)) };
        Ok(())
    })
}

/// From now on the adapter learns from lists, by MLORA_STEP_DUAL, whatever it has learned from so far. It keeps what it
/// has learned: outputs stay the same up to rounding. An adapter that already learns by the dual step stays as it is.
///
/// Errors: COUNT if events are pending (apply the updates first) or for a rank above in_features, those of every handle.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_into_dual(lora: *mut mlora) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::learning(lora) }?;
        // SAFETY: the caller's promise: nobody else uses the adapter meanwhile.
        unsafe { state.adapter_mut() }?.into_dual()?;
        Ok(())
    })
}

/// Forgets the pending events without a step.
///
/// Errors: those of every handle.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_discard_pending(lora: *mut mlora) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::learning(lora) }?;
        // SAFETY: the caller's promise: nobody else uses the adapter meanwhile.
        unsafe { state.adapter_mut() }?.discard_pending();
        Ok(())
    })
}

/// Resets everything to the seeded initial state, lora_A included, except for the generation, which rises.
///
/// Errors: those of every handle.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_reset(lora: *mut mlora) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::learning(lora) }?;
        // SAFETY: the caller's promise: nobody else uses the adapter meanwhile.
        unsafe { state.adapter_mut() }?.reset();
        Ok(())
    })
}
