//! What files of Hugging Face PEFT hold.

use core::ffi::c_char;

use micro_lora::Error;
use micro_lora::peft::{
    Cursor, Dtype, Module, Modules, PeftConfig, Problem, find_problem, modules, read_adapter_config,
    read_module_config,
};

use crate::buffer::{Input, Slot, Span, Text, check_apart, read};
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

/// A module for which an adapter_model.safetensors has an adapter.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct mlora_module {
    /// Its name in the base model, UTF-8. Points into the file: there is no closing NUL.
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

/// The position in a list of modules. Start with MLORA_MODULE_CURSOR, or zeros.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct mlora_module_cursor {
    /// Private.
    pub next_byte: usize,
    /// Private.
    pub partner_byte: usize,
}

/// Describes module number `index` of an adapter_model.safetensors. To list all modules in one pass, use
/// mlora_next_module. Count from 0 until the status is neither OK nor UNSUPPORTED; a module that is UNSUPPORTED counts,
/// too.
///
/// Errors: those of every buffer; of the file SYNTAX, COUNT for a header above 100 MB, KEY_STYLE; UNSUPPORTED for a
/// module whose tensors are not a pair of matrices, MISSING after the last.
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
        // SAFETY: the caller's promise for `module`, which overlaps nothing else.
        unsafe { module.put(found.into()) };
        Ok(())
    })
}

/// Describes the next module of an adapter_model.safetensors, to give mlora_init the right sizes and
/// mlora_load_safetensors the name. The cursor advances after OK and after UNSUPPORTED, which concerns this module
/// alone: its name is given, its sizes are 0. Any other status ends the list.
///
///     mlora_module_cursor cursor = MLORA_MODULE_CURSOR;
///     mlora_module module;
///     mlora_status status;
///     do {
///       status = mlora_next_module(file, file_len, &cursor, &module);
///       if (status == MLORA_OK) printf("%.*s\n", (int)module.name_len, module.name);
///     } while (status == MLORA_OK || status == MLORA_ERROR_UNSUPPORTED);
///
/// The list takes one pass over the header, which is checked at the start: the file must not change in between.
///
/// Errors: those of every buffer; of the file SYNTAX, COUNT for a header above 100 MB, KEY_STYLE; UNSUPPORTED for a
/// module whose tensors are not a pair of matrices, MISSING after the last.
/// Threads: any number at once, each with its cursor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_next_module(
    file: *const u8,
    file_len: usize,
    cursor: *mut mlora_module_cursor,
    module: *mut mlora_module,
) -> mlora_status {
    run(|| {
        let (file, module) = (Input::new(file, file_len)?, Slot::required(module)?);
        // SAFETY: the caller's promise for `cursor`, of which any bits are valid.
        let at = unsafe { read(cursor.cast_const()) }?;
        let cursor = Slot::required(cursor)?;
        check_apart(&[file.span], &[cursor.span, module.span])?;
        let at = Cursor { next: at.next_byte, near: at.partner_byte };
        // SAFETY: the caller's promise for `file`.
        let mut modules = Modules::resume(unsafe { file.slice() }, at)?;
        let (name, found) = modules.next_named().ok_or(MLORA_ERROR_MISSING)?;
        let at = modules.cursor();
        let nameless = mlora_module {
            name: name.as_ptr().cast(),
            name_len: name.len(),
            in_features: 0,
            out_features: 0,
            rank: 0,
            dtype: MLORA_DTYPE_OTHER as u32,
        };
        // SAFETY: the caller's promise for both, which are apart from all else.
        unsafe {
            cursor.put(mlora_module_cursor { next_byte: at.next, partner_byte: at.near });
            module.put(found.map_or(nameless, mlora_module::from));
        }
        found.map(|_| ()).map_err(mlora_status::from)
    })
}

/// What an adapter_config.json says about the forward pass.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct mlora_peft_config {
    /// r: mlora_load_safetensors takes 1 to 4, mlora_load_safetensors_reduced up to 64.
    pub rank: u32,
    /// lora_alpha.
    pub alpha: f32,
    /// 1 if the scaling is alpha / sqrt(r).
    pub use_rslora: u32,
}

/// Bytes of the name of a field, with its closing NUL.
pub const MLORA_PROBLEM_FIELD: usize = 64;
/// Bytes of a reason, with its closing NUL.
pub const MLORA_PROBLEM_REASON: usize = 192;

/// Why a file of PEFT is refused. Both texts are UTF-8 with a closing NUL, truncated if they are very long, and empty
/// if nothing is wrong. Print them with "%s: %s\n".
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct mlora_problem {
    /// The field, as "r".
    pub field: [c_char; MLORA_PROBLEM_FIELD],
    /// What it must be and what it is, as "expected 1 to 4, got 16".
    pub reason: [c_char; MLORA_PROBLEM_REASON],
}

impl mlora_problem {
    fn of(problem: Option<&Problem>) -> Self {
        let mut filled = Self { field: [0; MLORA_PROBLEM_FIELD], reason: [0; MLORA_PROBLEM_REASON] };
        if let Some(problem) = problem {
            put(&mut filled.field, problem.field());
            put(&mut filled.reason, problem.reason());
        }
        filled
    }
}

/// The text is shorter than its room by one byte or more: the core has cut it.
fn put(room: &mut [c_char], text: &str) {
    for (to, from) in room.iter_mut().zip(text.bytes()) {
        *to = from as c_char;
    }
}

/// What an adapter_config.json says of one module, if it is given.
#[expect(clippy::result_large_err, reason = "a refusal in words, never on a hot path")]
pub(crate) fn module_config(
    json: Option<&[u8]>,
    module: &str,
) -> core::result::Result<Option<PeftConfig>, Problem> {
    match json {
        Some(json) => read_module_config(json, module).map(Some),
        None => Ok(None),
    }
}

/// A status, with the reason in words if the caller asks for it.
pub(crate) fn tell<T>(
    result: core::result::Result<T, Problem>,
    problem: Slot<'_, mlora_problem>,
) -> Result<T> {
    // SAFETY: the caller's promise for `problem`; the calling function has checked that it overlaps nothing else.
    unsafe { problem.put(mlora_problem::of(result.as_ref().err())) };
    result.map_err(mlora_status::from)
}

/// Reads an adapter_config.json that PEFT saved.
///
/// module: the module to read it for, since rank_pattern and alpha_pattern may give each module other values; with
/// NULL, for all modules, and a pattern is refused. problem: says in words what is refused; may be NULL. It is written
/// with every status except those of every buffer.
///
/// Errors: those of every buffer; SYNTAX, MISSING, UNSUPPORTED, UNKNOWN_FIELD, KEY_STYLE.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_read_adapter_config(
    json: *const c_char,
    json_len: usize,
    module: *const c_char,
    module_len: usize,
    config: *mut mlora_peft_config,
    problem: *mut mlora_problem,
) -> mlora_status {
    run(|| {
        let json = Text::new(json, json_len)?;
        let module = Text::optional(module, module_len)?;
        let (config, problem) = (Slot::required(config)?, Slot::optional(problem)?);
        check_apart(&[json.bytes.span, Text::span(&module)], &[config.span, problem.span])?;
        // SAFETY: the caller's promise for `json`.
        let json = unsafe { json.bytes.slice() };
        let found = match module {
            // SAFETY: the caller's promise for `module`.
            Some(module) => read_module_config(json, unsafe { module.read() }?),
            None => read_adapter_config(json),
        };
        let found = tell(found, problem)?;
        let found = mlora_peft_config {
            // At most 65,536.
            rank: found.rank as u32,
            alpha: found.alpha,
            use_rslora: u32::from(found.use_rslora),
        };
        // SAFETY: the caller's promise for `config`, which overlaps nothing else.
        unsafe { config.put(found) };
        Ok(())
    })
}

/// Says in words what mlora_load_safetensors would refuse: `problem` is empty if the file would load.
///
/// Errors: those of every handle and buffer; not those of the files.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_safetensors_problem(
    lora: *const mlora,
    file: *const u8,
    file_len: usize,
    module: *const c_char,
    module_len: usize,
    config_json: *const c_char,
    config_json_len: usize,
    problem: *mut mlora_problem,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let file = Input::new(file, file_len)?;
        let name = Text::new(module, module_len)?;
        let config = Text::optional(config_json, config_json_len)?;
        let problem = Slot::required(problem)?;
        let given: [Span; 4] = [state.span(), file.span, name.bytes.span, Text::span(&config)];
        check_apart(&given, &[problem.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `module`.
        let found = match unsafe { name.read() } {
            Err(_) => {
                let error = Error::Syntax { what: "module", problem: "bytes that are not UTF-8" };
                Some(Problem::from(error))
            }
            Ok(module) => {
                // SAFETY: the caller's promise for `config_json`.
                let json = config.map(|json| unsafe { json.bytes.slice() });
                // SAFETY: the caller's promise for `file`.
                let file = unsafe { file.slice() };
                match module_config(json, module) {
                    Ok(config) => find_problem(&adapter, file, module, config.as_ref()),
                    Err(problem) => Some(problem),
                }
            }
        };
        // SAFETY: the caller's promise for `problem`, which overlaps nothing else.
        unsafe { problem.put(mlora_problem::of(found.as_ref())) };
        Ok(())
    })
}
