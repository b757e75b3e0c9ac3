//! Files of Hugging Face PEFT.

use core::ffi::c_char;

use micro_lora::peft::{Dtype, Module, modules, read_adapter_config};
use micro_lora::{Apply, Learn};

use crate::buffer::{Input, Output, Slot, Span, check_apart};
use crate::memory::{State, mlora};
use crate::status::mlora_status::{self, *};
use crate::status::{Result, run};

/// How the values of a tensor are stored.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mlora_dtype {
    /// Anything else: it can be listed, but not loaded.
    MLORA_DTYPE_OTHER = 0,
    /// IEEE 754, 32 bits.
    MLORA_DTYPE_F32 = 1,
    /// IEEE 754, 16 bits.
    MLORA_DTYPE_F16 = 2,
    /// The upper half of an f32.
    MLORA_DTYPE_BF16 = 3,
}

use mlora_dtype::*;

/// A module that an adapter_model.safetensors holds an adapter for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct mlora_module {
    /// Its name in the base model, UTF-8, inside the file: without a closing NUL.
    pub name: *const c_char,
    /// Bytes of the name.
    pub name_len: usize,
    /// Values of an input.
    pub in_features: usize,
    /// Values of an output.
    pub out_features: usize,
    /// r; only 1 to 4 can be loaded.
    pub rank: usize,
    /// A number of mlora_dtype: how lora_A is stored.
    pub dtype: u32,
}

impl From<Module<'_>> for mlora_module {
    fn from(module: Module<'_>) -> Self {
        let dtype = match module.dtype {
            Dtype::F32 => MLORA_DTYPE_F32,
            Dtype::F16 => MLORA_DTYPE_F16,
            Dtype::Bf16 => MLORA_DTYPE_BF16,
            _ => MLORA_DTYPE_OTHER,
        };
        Self {
            name: module.name.as_ptr().cast(),
            name_len: module.name.len(),
            in_features: module.in_features,
            out_features: module.out_features,
            rank: module.rank,
            dtype: dtype as u32,
        }
    }
}

/// A text to read, without a closing NUL.
struct Text {
    bytes: Input<u8>,
}

impl Text {
    fn new(text: *const c_char, len: usize) -> Result<Self> {
        Ok(Self { bytes: Input::new(text.cast(), len)? })
    }

    /// NULL of length 0 is none.
    fn optional(text: *const c_char, len: usize) -> Result<Option<Self>> {
        if text.is_null() && len == 0 { Ok(None) } else { Self::new(text, len).map(Some) }
    }

    fn span(text: &Option<Self>) -> Span {
        text.as_ref().map_or(Span::NOTHING, |text| text.bytes.span)
    }

    /// # Safety
    /// The caller's promise for the text during `'a`.
    unsafe fn read<'a>(&self) -> Result<&'a str> {
        // SAFETY: this function's own condition.
        let bytes = unsafe { self.bytes.slice() };
        core::str::from_utf8(bytes).map_err(|_| MLORA_ERROR_SYNTAX)
    }
}

/// Reads what the module number `index` of an adapter_model.safetensors is, to give mlora_init the
/// right sizes and mlora_load_safetensors the name. Count from 0 until MISSING; a module that is
/// UNSUPPORTED counts, too.
///
/// Errors: those of every buffer; SYNTAX, COUNT for a header above 1 MiB, UNSUPPORTED for a module
/// whose tensors are not a pair of matrices, MISSING behind the last.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_peek_safetensors(
    file: *const u8,
    file_len: usize,
    index: usize,
    module: *mut mlora_module,
) -> mlora_status {
    run(|| {
        let (file, module) = (Input::new(file, file_len)?, Slot::required(module)?);
        check_apart(&[file.span], &[module.span])?;
        // SAFETY: the caller's promise for `file`.
        let found = modules(unsafe { file.slice() })?.nth(index).ok_or(MLORA_ERROR_MISSING)??;
        // SAFETY: the caller's promise for `module`, which is apart from all else.
        unsafe { module.put(found.into()) };
        Ok(())
    })
}

/// Replaces both matrices by those of one module of PEFT's adapter_model.safetensors (f32, f16 or
/// bf16) and discards pending events. Works with MLORA_INFERENCE too.
///
/// module: its name, UTF-8. config_json: the adapter_config.json beside the file,
/// for alpha and use_rslora; with NULL they come from the metadata that mlora_save_safetensors leaves
/// in the file, or stay as they are. The format has no checksum.
///
/// Errors: those of every handle and buffer; SYNTAX, COUNT for a header above 1 MiB, MISSING for a
/// module that is not there, MISMATCH for one of other sizes, UNSUPPORTED for one that is more than
/// lora_A and lora_B or of another dtype, UNKNOWN_FIELD, NOT_FINITE, OVERFLOW, OUT_OF_RANGE.
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
            Some(json) => Some(read_adapter_config(unsafe { json.bytes.slice() })?),
            None => None,
        };
        // SAFETY: the caller's promise for `file`.
        let file = unsafe { file.slice() };
        if state.is_inference() {
            // SAFETY: nobody else uses the adapter meanwhile, nor do the texts reach into it.
            unsafe { state.frozen_mut() }?.load_safetensors(file, module, config.as_ref())?;
        } else {
            // SAFETY: the same.
            unsafe { state.adapter_mut() }?.load_safetensors(file, module, config.as_ref())?;
        }
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
        // SAFETY: the caller's promise for `len`, which is apart from all else.
        unsafe { len.put(bytes) };
        Ok(())
    })
}

/// Writes the weights as PEFT's adapter_model.safetensors: without the output guard and at strength
/// 1, neither of which PEFT has.
///
/// module: the whole name of the layer in the base model, as "encoder.layer.0.query", UTF-8.
/// written: the number of bytes.
///
/// Errors: those of every handle and buffer; SYNTAX for a name that is empty or holds a quote, a
/// backslash or a control character, BUFFER.
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
        // SAFETY: the caller's promise for `buffer`, which is apart from all else.
        let bytes = adapter.write_safetensors(module, unsafe { buffer.slice() })?;
        // SAFETY: the caller's promise for `written`, which is apart from all else.
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
        // SAFETY: the caller's promise for `len`, which is apart from all else.
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
        // SAFETY: the caller's promise for `buffer`, which is apart from all else.
        let buffer = unsafe { buffer.slice() };
        let bytes = adapter.write_adapter_config(module, base, buffer)?;
        // SAFETY: the caller's promise for `written`, which is apart from all else.
        unsafe { written.put(bytes) };
        Ok(())
    })
}
