//! Files of Hugging Face PEFT, loaded and saved.

use core::ffi::c_char;

use micro_lora::peft::{PeftConfig, Reduction, explain, read_module_config};
use micro_lora::{Apply, Learn};

use crate::buffer::{Input, Output, Slot, Text, check_apart};
use crate::memory::{State, mlora};
use crate::modules::{mlora_problem, module_config, tell};
use crate::status::mlora_status;
use crate::status::{Result, run};

/// Replaces both matrices by those of one module of PEFT's adapter_model.safetensors (f32, f16 or
/// bf16) and discards pending events. Works with MLORA_INFERENCE too.
///
/// module: its name, UTF-8. config_json: the adapter_config.json beside the file, for alpha and use_rslora of this
/// module; with NULL they come from the metadata that mlora_save_safetensors writes into the file, or stay as they are.
/// The format has no checksum. mlora_safetensors_problem says in words what is refused.
///
/// Errors: those of every handle and buffer; SYNTAX, KEY_STYLE, COUNT for a header above 100 MB or an r above 4,
/// MISSING for a module that is not there, MISMATCH for one of other sizes, UNSUPPORTED for one that has more than
/// lora_A and lora_B or another dtype, UNKNOWN_FIELD, NOT_FINITE, OVERFLOW, OUT_OF_RANGE.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_load_safetensors(
    lora: *mut mlora,
    file: *const u8,
    file_len: usize,
    module: *const c_char,
    module_len: usize,
    config_json: *const c_char,
    config_json_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let file = Input::new(file, file_len)?;
        let name = Text::new(module, module_len)?;
        let config = Text::optional(config_json, config_json_len)?;
        check_apart(&[file.span, name.bytes.span, Text::span(&config)], &[state.span()])?;
        // SAFETY: the caller's promise for `module`.
        let module = unsafe { name.read() }?;
        let config = match config {
            // SAFETY: the caller's promise for `config_json`.
            Some(json) => Some(read_module_config(unsafe { json.bytes.slice() }, module)?),
            None => None,
        };
        // SAFETY: the caller's promise for `file`.
        let file = unsafe { file.slice() };
        if state.is_inference() {
            // SAFETY: nobody else uses the adapter meanwhile, and the texts do not overlap it.
            unsafe { state.frozen_mut() }?.load_safetensors(file, module, config.as_ref())?;
        } else {
            // SAFETY: the same.
            unsafe { state.adapter_mut() }?.load_safetensors(file, module, config.as_ref())?;
        }
        Ok(())
    })
}

/// How well a module of a larger rank was reduced.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct mlora_reduction {
    /// r in the file.
    pub rank: u32,
    /// The share of |B A| (the Frobenius norm) that the adapter keeps, 0 to 1.
    pub kept: f32,
}

/// As mlora_load_safetensors for a module of any rank up to 64, which is reduced to this adapter's rank: the best
/// approximation of B A, with alpha changed so that the scaling stays the same. A module of the adapter's own rank is
/// loaded as it is. Takes about 70 KB of stack.
///
/// reduction: what share was kept; may be NULL. problem: says in words what is refused; may be NULL. It is written with
/// every status except those of every handle and buffer.
///
/// Errors: as mlora_load_safetensors; COUNT for an r above 64, MISMATCH for one below the adapter's.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_load_safetensors_reduced(
    lora: *mut mlora,
    file: *const u8,
    file_len: usize,
    module: *const c_char,
    module_len: usize,
    config_json: *const c_char,
    config_json_len: usize,
    reduction: *mut mlora_reduction,
    problem: *mut mlora_problem,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let file = Input::new(file, file_len)?;
        let name = Text::new(module, module_len)?;
        let config = Text::optional(config_json, config_json_len)?;
        let (reduction, problem) = (Slot::optional(reduction)?, Slot::optional(problem)?);
        let read = [file.span, name.bytes.span, Text::span(&config)];
        check_apart(&read, &[state.span(), reduction.span, problem.span])?;
        // SAFETY: the caller's promise for `module`.
        let module = unsafe { name.read() }?;
        // SAFETY: the caller's promise for `config_json`.
        let json = config.map(|json| unsafe { json.bytes.slice() });
        // SAFETY: the caller's promise for `file`.
        let file = unsafe { file.slice() };
        let load = |config: Option<&PeftConfig>| -> Result<micro_lora::Result<Reduction>> {
            Ok(if state.is_inference() {
                // SAFETY: nobody else uses the adapter meanwhile, and the texts do not overlap it.
                unsafe { state.frozen_mut() }?.load_safetensors_reduced(file, module, config)
            } else {
                // SAFETY: the same.
                unsafe { state.adapter_mut() }?.load_safetensors_reduced(file, module, config)
            })
        };
        let loaded = match module_config(json, module) {
            Ok(config) => load(config.as_ref())?.map_err(|error| explain(error, file, module)),
            Err(problem) => Err(problem),
        };
        let loaded = tell(loaded, problem)?;
        // SAFETY: the caller's promise for `reduction`, which overlaps nothing else.
        unsafe { reduction.put(mlora_reduction { rank: loaded.rank as u32, kept: loaded.kept }) };
        Ok(())
    })
}

/// How many bytes mlora_save_safetensors will write, exactly.
///
/// module: as for mlora_save_safetensors.
///
/// Errors: those of every handle and buffer; SYNTAX.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_safetensors_len(
    lora: *const mlora,
    module: *const c_char,
    module_len: usize,
    len: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let name = Text::new(module, module_len)?;
        let len = Slot::required(len)?;
        check_apart(&[state.span(), name.bytes.span], &[len.span])?;
        // SAFETY: the caller's promise for `module`.
        let module = unsafe { name.read() }?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let bytes = unsafe { state.adapter() }?.safetensors_len(module)?;
        // SAFETY: the caller's promise for `len`, which overlaps nothing else.
        unsafe { len.put(bytes) };
        Ok(())
    })
}

/// Writes the weights as PEFT's adapter_model.safetensors, without the output guard and the strength, which PEFT does
/// not have.
///
/// module: the whole name of the layer in the base model, as "encoder.layer.0.query", UTF-8.
/// written: the number of bytes.
///
/// Errors: those of every handle and buffer; SYNTAX for a name that is empty or contains a quote, a backslash or a
/// control character, BUFFER.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_save_safetensors(
    lora: *const mlora,
    module: *const c_char,
    module_len: usize,
    buffer: *mut u8,
    buffer_len: usize,
    written: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let name = Text::new(module, module_len)?;
        let (buffer, written) = (Output::new(buffer, buffer_len)?, Slot::required(written)?);
        check_apart(&[state.span(), name.bytes.span], &[buffer.span, written.span])?;
        // SAFETY: the caller's promise for `module`.
        let module = unsafe { name.read() }?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `buffer`, which overlaps nothing else.
        let bytes = adapter.write_safetensors(module, unsafe { buffer.slice() })?;
        // SAFETY: the caller's promise for `written`, which overlaps nothing else.
        unsafe { written.put(bytes) };
        Ok(())
    })
}

/// How many bytes mlora_save_adapter_config will write, exactly.
///
/// module, base_model: as for mlora_save_adapter_config.
///
/// Errors: those of every handle and buffer; SYNTAX.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_adapter_config_len(
    lora: *const mlora,
    module: *const c_char,
    module_len: usize,
    base_model: *const c_char,
    base_model_len: usize,
    len: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let name = Text::new(module, module_len)?;
        let base = Text::optional(base_model, base_model_len)?;
        let len = Slot::required(len)?;
        check_apart(&[state.span(), name.bytes.span, Text::span(&base)], &[len.span])?;
        // SAFETY: the caller's promise for `module`.
        let module = unsafe { name.read() }?;
        let base = match base {
            // SAFETY: the caller's promise for `base_model`.
            Some(base) => Some(unsafe { base.read() }?),
            None => None,
        };
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        let bytes = adapter.adapter_config_len(module, base)?;
        // SAFETY: the caller's promise for `len`, which overlaps nothing else.
        unsafe { len.put(bytes) };
        Ok(())
    })
}

/// Writes the adapter_config.json that PEFT needs beside the weights, UTF-8 without a closing NUL.
///
/// module: as for mlora_save_safetensors. base_model: the base model's name or path; NULL leaves it
/// out. written: the number of bytes.
///
/// Errors: as mlora_save_safetensors.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_save_adapter_config(
    lora: *const mlora,
    module: *const c_char,
    module_len: usize,
    base_model: *const c_char,
    base_model_len: usize,
    buffer: *mut c_char,
    buffer_len: usize,
    written: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let name = Text::new(module, module_len)?;
        let base = Text::optional(base_model, base_model_len)?;
        let buffer = Output::new(buffer.cast::<u8>(), buffer_len)?;
        let written = Slot::required(written)?;
        let read = [state.span(), name.bytes.span, Text::span(&base)];
        check_apart(&read, &[buffer.span, written.span])?;
        // SAFETY: the caller's promise for `module`.
        let module = unsafe { name.read() }?;
        let base = match base {
            // SAFETY: the caller's promise for `base_model`.
            Some(base) => Some(unsafe { base.read() }?),
            None => None,
        };
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `buffer`, which overlaps nothing else.
        let buffer = unsafe { buffer.slice() };
        let bytes = adapter.write_adapter_config(module, base, buffer)?;
        // SAFETY: the caller's promise for `written`, which overlaps nothing else.
        unsafe { written.put(bytes) };
        Ok(())
    })
}
