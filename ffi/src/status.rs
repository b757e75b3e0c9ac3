//! How a call ended.

use core::ffi::{CStr, c_char};

use micro_lora::Error;
use micro_lora::peft::Problem;

/// The result of a call. The numbers never change; new ones may be added.
///
/// After an error neither the adapter nor an output has changed, unless the function's comment says otherwise.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mlora_status {
    /// The call took effect, or was skipped: the receipt says which.
    MLORA_OK = 0,
    /// A buffer has the wrong number of values.
    MLORA_ERROR_LENGTH = 1,
    /// A value is NaN or infinite.
    MLORA_ERROR_NOT_FINITE = 2,
    /// A number is outside its range.
    MLORA_ERROR_OUT_OF_RANGE = 3,
    /// A count, size, index or code is outside its range.
    MLORA_ERROR_COUNT = 4,
    /// All inputs are finite, but the result would not be.
    MLORA_ERROR_OVERFLOW = 5,
    /// in_features != out_features, so the sample needs a `base`.
    MLORA_ERROR_BASE_REQUIRED = 6,
    /// in_features != out_features, but the function needs a square adapter.
    MLORA_ERROR_SQUARE_REQUIRED = 7,
    /// A vector that gives a direction is zero.
    MLORA_ERROR_ZERO_NORM = 8,
    /// Too many events are pending: call mlora_apply_updates.
    MLORA_ERROR_PENDING_FULL = 9,
    /// The memory holds no adapter: never initialised, closed or overwritten.
    MLORA_ERROR_NOT_INITIALISED = 10,
    /// A text is not well-formed, or a field is missing or unexpected.
    MLORA_ERROR_SYNTAX = 11,
    /// The JSON is from another program, or is another document, as a ring where an adapter was expected.
    MLORA_ERROR_FORMAT = 12,
    /// A saved state has another version, or a state or file was made for another adapter or model.
    MLORA_ERROR_MISMATCH = 13,
    /// A field of a saved state is not base64 of the right length.
    MLORA_ERROR_BASE64 = 14,
    /// A saved state has been damaged.
    MLORA_ERROR_CHECKSUM = 15,
    /// The buffer for a text is too small.
    MLORA_ERROR_BUFFER = 16,
    /// A file of PEFT has something that adapters here do not support; or the adapter or the memory of lists is of
    /// another kind than the function needs.
    MLORA_ERROR_UNSUPPORTED = 17,
    /// A file does not have the module that was asked for, or a callback does not find a vector.
    MLORA_ERROR_MISSING = 18,
    /// An adapter_config.json uses a field that is unknown here, of a later PEFT.
    MLORA_ERROR_UNKNOWN_FIELD = 19,
    /// The adapter learns by the dual step, which takes lists, and this feedback is not a list.
    MLORA_ERROR_STEP = 20,
    /// A file has the tensor names of another program: kohya-ss, an old diffusers, MLX, loralib.
    MLORA_ERROR_KEY_STYLE = 21,
    /// A required pointer is NULL.
    MLORA_ERROR_NULL = 100,
    /// A pointer is not aligned for what it points to.
    MLORA_ERROR_MISALIGNED = 101,
    /// A buffer that is written to overlaps another one.
    MLORA_ERROR_OVERLAP = 102,
    /// The memory is smaller than mlora_size says.
    MLORA_ERROR_MEMORY = 103,
    /// The header and the library, or the library and the state, are of different ABI versions.
    MLORA_ERROR_ABI = 104,
    /// struct_size is not a size that this library knows.
    MLORA_ERROR_STRUCT_SIZE = 105,
    /// An unknown flag is set.
    MLORA_ERROR_FLAGS = 106,
    /// Something else has written to the first words of the state.
    MLORA_ERROR_CORRUPT = 107,
    /// The adapter was made with MLORA_INFERENCE: it cannot learn.
    MLORA_ERROR_INFERENCE_ONLY = 108,
    /// The floating-point mode of this thread is not the default, which the arithmetic needs.
    MLORA_ERROR_ENVIRONMENT = 109,
    /// The call came from a callback of a function that is working on this adapter or memory of lists.
    MLORA_ERROR_BUSY = 110,
}

use mlora_status::*;

pub(crate) type Result<T> = core::result::Result<T, mlora_status>;

impl From<Error> for mlora_status {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for mlora_status {
    fn from(error: &Error) -> Self {
        match error.code() {
            1 => MLORA_ERROR_LENGTH,
            2 => MLORA_ERROR_NOT_FINITE,
            3 => MLORA_ERROR_OUT_OF_RANGE,
            4 => MLORA_ERROR_COUNT,
            5 => MLORA_ERROR_OVERFLOW,
            6 => MLORA_ERROR_BASE_REQUIRED,
            7 => MLORA_ERROR_SQUARE_REQUIRED,
            8 => MLORA_ERROR_ZERO_NORM,
            9 => MLORA_ERROR_PENDING_FULL,
            10 => MLORA_ERROR_NOT_INITIALISED,
            11 => MLORA_ERROR_SYNTAX,
            12 => MLORA_ERROR_FORMAT,
            13 => MLORA_ERROR_MISMATCH,
            14 => MLORA_ERROR_BASE64,
            15 => MLORA_ERROR_CHECKSUM,
            16 => MLORA_ERROR_BUFFER,
            17 => MLORA_ERROR_UNSUPPORTED,
            18 => MLORA_ERROR_MISSING,
            19 => MLORA_ERROR_UNKNOWN_FIELD,
            20 => MLORA_ERROR_STEP,
            21 => MLORA_ERROR_KEY_STYLE,
            // `Error` may grow; `tests/abi.rs` fails until its new code is here.
            _ => MLORA_ERROR_CORRUPT,
        }
    }
}

impl From<Problem> for mlora_status {
    fn from(problem: Problem) -> Self {
        Self::from(problem.error())
    }
}

/// The body of an entry point, with `?`.
pub(crate) fn run(body: impl FnOnce() -> Result<()>) -> mlora_status {
    match body() {
        Ok(()) => MLORA_OK,
        Err(status) => status,
    }
}

/// What a status means, in English. A static string, never NULL, for any number. It says what was expected, but not
/// which values came, since nothing is kept between calls. If a state does not fit, mlora_peek_json tells its sizes;
/// mlora_config_problem names a refused setting.
///
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub extern "C" fn mlora_status_message(status: i32) -> *const c_char {
    message(status).as_ptr()
}

/// The name of a status in the header, as "MLORA_ERROR_LENGTH", for logs and for other languages. A static string,
/// never NULL; "MLORA_ERROR" for an unknown number.
///
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub extern "C" fn mlora_status_name(status: i32) -> *const c_char {
    name(status).as_ptr()
}

fn name(status: i32) -> &'static CStr {
    match status {
        0 => c"MLORA_OK",
        1 => c"MLORA_ERROR_LENGTH",
        2 => c"MLORA_ERROR_NOT_FINITE",
        3 => c"MLORA_ERROR_OUT_OF_RANGE",
        4 => c"MLORA_ERROR_COUNT",
        5 => c"MLORA_ERROR_OVERFLOW",
        6 => c"MLORA_ERROR_BASE_REQUIRED",
        7 => c"MLORA_ERROR_SQUARE_REQUIRED",
        8 => c"MLORA_ERROR_ZERO_NORM",
        9 => c"MLORA_ERROR_PENDING_FULL",
        10 => c"MLORA_ERROR_NOT_INITIALISED",
        11 => c"MLORA_ERROR_SYNTAX",
        12 => c"MLORA_ERROR_FORMAT",
        13 => c"MLORA_ERROR_MISMATCH",
        14 => c"MLORA_ERROR_BASE64",
        15 => c"MLORA_ERROR_CHECKSUM",
        16 => c"MLORA_ERROR_BUFFER",
        17 => c"MLORA_ERROR_UNSUPPORTED",
        18 => c"MLORA_ERROR_MISSING",
        19 => c"MLORA_ERROR_UNKNOWN_FIELD",
        20 => c"MLORA_ERROR_STEP",
        21 => c"MLORA_ERROR_KEY_STYLE",
        100 => c"MLORA_ERROR_NULL",
        101 => c"MLORA_ERROR_MISALIGNED",
        102 => c"MLORA_ERROR_OVERLAP",
        103 => c"MLORA_ERROR_MEMORY",
        104 => c"MLORA_ERROR_ABI",
        105 => c"MLORA_ERROR_STRUCT_SIZE",
        106 => c"MLORA_ERROR_FLAGS",
        107 => c"MLORA_ERROR_CORRUPT",
        108 => c"MLORA_ERROR_INFERENCE_ONLY",
        109 => c"MLORA_ERROR_ENVIRONMENT",
        110 => c"MLORA_ERROR_BUSY",
        _ => c"MLORA_ERROR",
    }
}

fn message(status: i32) -> &'static CStr {
    match status {
        0 => c"ok",
        1 => c"length: expected as many values as the sizes ask for, got another number",
        2 => c"values: expected finite ones, got NaN or infinity",
        3 => c"number: expected one within the documented range, got one outside it or NaN",
        4 => c"count, size, index, code or pending events: expected a number within the documented range, got another",
        5 => c"result: expected a magnitude that float can go on with, got an overflow",
        6 => c"base: expected out_features values because in_features != out_features, got none",
        7 => c"adapter: expected in_features == out_features, got others",
        8 => c"direction: expected a vector of some length, got zeros",
        9 => c"pending events: expected a total weight below 16777216, got more; call mlora_apply_updates",
        10 => c"handle: expected memory prepared by mlora_init, or the like, got memory that holds nothing of the kind",
        11 => c"text: expected one that is well-formed, with every field once and no other, got something else",
        12 => {
            c"format: expected that of what was to be loaded (\"micro-lora\", \"micro-lora-replay\", \"micro-lora-memory\" or \"micro-lora-holdback\"), got another"
        }
        13 => c"state or file: expected one of this version and this adapter's sizes, rank and model_id, got another",
        14 => c"state: expected base64 of the right length, got something else",
        15 => c"state: expected values that match its checksum, got others: it has been damaged",
        16 => c"buffer: expected room for the whole text, got a smaller one",
        17 => {
            c"file, adapter or memory: expected a plain adapter of lora_A and lora_B in f32, f16 or bf16, MLORA_STEP_DUAL for a memory and another step for a ring or a pull, or documents by id without scores, got more or another"
        }
        18 => c"file or vectors: expected the module, field or vector searched for, got none",
        19 => c"adapter_config.json: expected null, false, 0 or empty in a field of a later PEFT, got something else",
        20 => c"feedback: expected a list, because this adapter learns by the dual step, got another kind",
        21 => c"names of tensors: expected those of PEFT, as base_model.model.*.lora_A.weight, got those of another program",
        100 => c"pointer: expected an address, got NULL",
        101 => c"pointer: expected one aligned for its type (4 bytes for float and for states), got another",
        102 => {
            c"buffers: expected an output apart from every other buffer and from the state, got an overlap"
        }
        103 => c"memory: expected at least what mlora_size, or the like, gives, got less",
        104 => c"ABI version: expected MLORA_ABI_VERSION of this library, got another",
        105 => c"struct_size: expected sizeof of the struct in this library's header, got another",
        106 => c"flags: expected 0 or MLORA_INFERENCE, got others",
        107 => c"state: expected one as this library wrote it, got one that was changed from outside",
        108 => c"adapter: expected one that can learn, got one made with MLORA_INFERENCE",
        109 => c"floating-point mode: expected rounding to nearest with subnormal numbers kept, got another",
        110 => c"handle: expected one that no function is working on, got one from within its callback",
        _ => c"status: expected a number of mlora_status, got another",
    }
}
