//! Saving and loading.

use core::ffi::c_char;

use micro_lora::{Apply, Learn, StateInfo};

use crate::buffer::{Input, Output, Slot, check_apart};
use crate::memory::{State, mlora};
use crate::status::{mlora_status, run};

/// The sizes and counters of a saved state.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct mlora_state_info {
    /// Values of an input.
    pub in_features: u32,
    /// Values of an output.
    pub out_features: u32,
    /// 1 to 4.
    pub rank: u32,
    /// The model that the adapter was made for.
    pub model_id: u32,
    /// The adapter's generation when it was saved.
    pub generation: u32,
    /// Feedback events it had seen.
    pub samples_seen: u32,
    /// Events that were pending.
    pub pending: u32,
}

impl From<StateInfo> for mlora_state_info {
    fn from(info: StateInfo) -> Self {
        Self {
            // Each was read from 32 bits.
            in_features: info.in_features as u32,
            out_features: info.out_features as u32,
            rank: info.rank as u32,
            model_id: info.model_id,
            generation: info.generation,
            samples_seen: info.samples_seen,
            pending: info.pending,
        }
    }
}

/// How many bytes mlora_save_json will write, exactly; never more than MLORA_JSON_MAX.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_json_len(lora: *const mlora, len: *mut usize) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let len = Slot::required(len)?;
        check_apart(&[state.span()], &[len.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `len`, which overlaps nothing else.
        unsafe { len.put(adapter.json_len()) };
        Ok(())
    })
}

/// Saves the whole adapter as JSON, UTF-8 without a closing NUL: settings, strength, weights, pending
/// gradients, the step's state, counters. Loaded again, on any machine, it continues with the same
/// bits.
///
/// written: the number of bytes.
///
/// Errors: those of every handle and buffer; BUFFER if buffer_len is less than mlora_json_len says.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_save_json(
    lora: *const mlora,
    buffer: *mut c_char,
    buffer_len: usize,
    written: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let buffer = Output::new(buffer.cast::<u8>(), buffer_len)?;
        let written = Slot::required(written)?;
        check_apart(&[state.span()], &[buffer.span, written.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `buffer`, which overlaps nothing else.
        let len = adapter.write_json(unsafe { buffer.slice() })?;
        // SAFETY: the caller's promise for `written`, which overlaps nothing else.
        unsafe { written.put(len) };
        Ok(())
    })
}

/// Loads a saved state into an adapter of the same sizes, rank and model_id, in place. All of it is
/// checked before anything is changed. With MLORA_INFERENCE the weights are kept and pending events
/// dropped.
///
/// json: json_len bytes, without a closing NUL.
///
/// Errors: those of every handle and buffer; SYNTAX, FORMAT, BASE64, CHECKSUM, MISMATCH; COUNT and
/// OUT_OF_RANGE for values that no adapter could have saved.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_load_json(
    lora: *mut mlora,
    json: *const c_char,
    json_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let json = Input::new(json.cast::<u8>(), json_len)?;
        check_apart(&[json.span], &[state.span()])?;
        // SAFETY: the caller's promise for `json`.
        let json = unsafe { json.slice() };
        if state.is_inference() {
            // SAFETY: nobody else uses the adapter meanwhile, and the text does not overlap it.
            unsafe { state.frozen_mut() }?.load_json(json)?;
        } else {
            // SAFETY: the same.
            unsafe { state.adapter_mut() }?.load_json(json)?;
        }
        Ok(())
    })
}

/// Reads the sizes and counters of a saved state without loading it, to give mlora_init the right sizes. It does not
/// check the checksum.
///
/// Errors: those of every buffer; SYNTAX, FORMAT, MISMATCH for another version, COUNT for sizes that
/// no adapter has.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_peek_json(
    json: *const c_char,
    json_len: usize,
    info: *mut mlora_state_info,
) -> mlora_status {
    run(|| {
        let json = Input::new(json.cast::<u8>(), json_len)?;
        let info = Slot::required(info)?;
        check_apart(&[json.span], &[info.span])?;
        // SAFETY: the caller's promise for `json`.
        let found = StateInfo::peek(unsafe { json.slice() })?;
        // SAFETY: the caller's promise for `info`, which overlaps nothing else.
        unsafe { info.put(found.into()) };
        Ok(())
    })
}
