//! What an adapter has learned, read and replaced.

use micro_lora::{Apply, Learn};

use crate::buffer::{Input, Slot, check_apart};
use crate::memory::{State, mlora};
use crate::status::{mlora_status, run};

/// Gives the read-only addresses of both matrices inside the adapter: lora_A, rank * in_features values, and lora_B,
/// rank * out_features values, rank-major (the transpose of PEFT's lora_B).
///
/// The addresses are those of the adapter's memory; updates change the values.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_get_weights(
    lora: *const mlora,
    lora_a: *mut *const f32,
    lora_b: *mut *const f32,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let (to_a, to_b) = (Slot::required(lora_a)?, Slot::required(lora_b)?);
        check_apart(&[state.span()], &[to_a.span, to_b.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `lora_a`, which overlaps nothing else.
        unsafe { to_a.put(adapter.lora_a().as_ptr()) };
        // SAFETY: the same for `lora_b`.
        unsafe { to_b.put(adapter.lora_b().as_ptr()) };
        Ok(())
    })
}

/// Gives the read-only address of the bias b inside the adapter: out_features values, learned from lists; zeros without
/// lists. It is not what a correction adds to every output: that is mlora_merged_bias.
///
/// The address is inside the adapter's memory; updates change the values.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_bias(lora: *const mlora, bias: *mut *const f32) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let to = Slot::required(bias)?;
        check_apart(&[state.span()], &[to.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `bias`, which overlaps nothing else.
        unsafe { to.put(adapter.bias().as_ptr()) };
        Ok(())
    })
}

/// Replaces both matrices and discards pending events; counters and the step's state stay. Works
/// with MLORA_INFERENCE too.
///
/// lora_a: rank * in_features values; lora_b: rank * out_features values, both rank-major (PEFT
/// stores lora_B transposed).
///
/// Errors: those of every handle and buffer; NOT_FINITE, OVERFLOW for norms above 1e15.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_set_weights(
    lora: *mut mlora,
    lora_a: *const f32,
    lora_a_len: usize,
    lora_b: *const f32,
    lora_b_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let (a, b) = (Input::new(lora_a, lora_a_len)?, Input::new(lora_b, lora_b_len)?);
        check_apart(&[a.span, b.span], &[state.span()])?;
        // SAFETY: the caller's promise for `lora_a`.
        let a = unsafe { a.slice() };
        // SAFETY: the caller's promise for `lora_b`.
        let b = unsafe { b.slice() };
        if state.is_inference() {
            // SAFETY: nobody else uses the adapter meanwhile, and the inputs do not overlap it.
            unsafe { state.frozen_mut() }?.set_weights(a, b)?;
        } else {
            // SAFETY: the same.
            unsafe { state.adapter_mut() }?.set_weights(a, b)?;
        }
        Ok(())
    })
}

/// Moves both matrices towards given ones, for example those of an earlier state: each becomes (1 - share) own + share
/// given. A small share after every update limits the damage of bad clicks, and slows down learning. Pending events,
/// counters and the step's state stay.
///
/// lora_a, lora_b: as for mlora_set_weights. share: 0 to 1.
///
/// Errors: those of every handle and buffer; OUT_OF_RANGE, NOT_FINITE, OVERFLOW for norms above 1e8; UNSUPPORTED for an
/// adapter of the dual step, whose lists mlora_memory_forget takes back.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_pull_towards(
    lora: *mut mlora,
    lora_a: *const f32,
    lora_a_len: usize,
    lora_b: *const f32,
    lora_b_len: usize,
    share: f32,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::learning(lora) }?;
        let (a, b) = (Input::new(lora_a, lora_a_len)?, Input::new(lora_b, lora_b_len)?);
        check_apart(&[a.span, b.span], &[state.span()])?;
        // SAFETY: the caller's promise for both.
        let (a, b) = unsafe { (a.slice(), b.slice()) };
        // SAFETY: nobody else uses the adapter meanwhile, and the inputs do not overlap it.
        unsafe { state.adapter_mut() }?.pull_towards(a, b, share)?;
        Ok(())
    })
}

/// Sets the run-time strength m, 0 to 100: 1 is as trained, 0 is off. Works with MLORA_INFERENCE too.
///
/// Errors: those of every handle; OUT_OF_RANGE.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_set_strength(lora: *mut mlora, strength: f32) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        if state.is_inference() {
            // SAFETY: the caller's promise: nobody else uses the adapter meanwhile.
            unsafe { state.frozen_mut() }?.set_strength(strength)?;
        } else {
            // SAFETY: the same.
            unsafe { state.adapter_mut() }?.set_strength(strength)?;
        }
        Ok(())
    })
}
