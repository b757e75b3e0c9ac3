//! Versions, memory, settings.

use core::ffi::{CStr, c_char, c_void};

use micro_lora::{Apply, Config, Learn};

use crate::buffer::{Slot, Span, check_apart, check_pointer, read};
use crate::config::{CONFIG_SIZE, mlora_config, sized};
use crate::memory::{self, MLORA_ABI_VERSION, State, check_flags, mlora};
use crate::status::mlora_status::{self, *};
use crate::status::{Result, run};

/// The version of the library, as "0.1.0". A static string.
///
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub extern "C" fn mlora_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The MLORA_ABI_VERSION that the library was built with.
///
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub extern "C" fn mlora_abi_version() -> u32 {
    MLORA_ABI_VERSION
}

/// How many bytes an adapter takes: what MLORA_SIZE gives, for sizes known at run time only.
///
/// flags: 0, or MLORA_INFERENCE.
///
/// Errors: COUNT for sizes or a rank outside their ranges, FLAGS, NULL, MISALIGNED.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_size(
    in_features: u32,
    out_features: u32,
    rank: u32,
    flags: u32,
    bytes: *mut usize,
) -> mlora_status {
    run(|| {
        let bytes = Slot::required(bytes)?;
        check_flags(flags)?;
        let header = sized(in_features, out_features, rank, &Config::new());
        let header = header.as_ref().map_err(mlora_status::from)?;
        // SAFETY: the caller's promise for `bytes`; no reference to it exists.
        unsafe { bytes.put(memory::bytes(header, flags)) };
        Ok(())
    })
}

/// Fills a config with the defaults: what MLORA_CONFIG gives, for programs that cannot use a macro.
/// struct_size: sizeof(mlora_config). The sizes and the rank are then still to be set.
///
/// Errors: STRUCT_SIZE, NULL, MISALIGNED.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_config_default(config: *mut mlora_config, struct_size: u32) -> mlora_status {
    run(|| {
        let config = Slot::required(config)?;
        if struct_size != CONFIG_SIZE {
            return Err(MLORA_ERROR_STRUCT_SIZE);
        }
        // SAFETY: the caller's promise for `config`; no reference to it exists.
        unsafe { config.put(mlora_config::new(0, 0, 0)) };
        Ok(())
    })
}

/// Finds the setting of a config that mlora_init would refuse: problem is then a static string that names the setting
/// and what was expected, as "alpha: expected 0.000001 to 1000000". NULL if nothing is wrong.
///
/// Errors: STRUCT_SIZE, NULL, MISALIGNED, OVERLAP; not those of the settings.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_config_problem(
    config: *const mlora_config,
    problem: *mut *const c_char,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for `config`, of which any bits are valid.
        let settings = unsafe { read_config(config) }?;
        let problem = Slot::required(problem)?;
        check_apart(&[Span::new(config, size_of::<mlora_config>())], &[problem.span])?;
        let found = settings.problem().map_or(core::ptr::null(), CStr::as_ptr);
        // SAFETY: the caller's promise for `problem`, which does not overlap the config.
        unsafe { problem.put(found) };
        Ok(())
    })
}

/// Makes a fresh adapter in the caller's memory: lora_A seeded, lora_B zero, so that its correction is zero. With
/// MLORA_INFERENCE both are zero until weights are loaded; a state saved before that cannot be trained.
///
/// memory: aligned to 4 bytes, at least mlora_size bytes (more is fine); it need not be cleared. The handle is the
/// memory's own address and needs no release. The adapter contains no pointers: a memcpy of it is a snapshot, and
/// copying it back is an undo. For a copy at another address mlora_open gives the handle. Not from within a callback on
/// the memory of the adapter that is at work there: this cannot be detected, since the memory may never have been written to.
/// abi_version: MLORA_ABI_VERSION, to detect a header and a library that do not match.
///
/// Errors: ABI, STRUCT_SIZE, FLAGS; COUNT and OUT_OF_RANGE for a setting, which mlora_config_problem names; MEMORY if there is too
/// little, NULL, MISALIGNED, OVERLAP.
/// Threads: needs the memory for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_init(
    memory: *mut c_void,
    bytes: usize,
    config: *const mlora_config,
    abi_version: u32,
    handle: *mut *mut mlora,
) -> mlora_status {
    run(|| {
        check_abi(abi_version)?;
        let handle = Slot::required(handle)?;
        // SAFETY: the caller's promise for `config`, of which any bits are valid.
        let config = unsafe { read_config(config) }?;
        check_flags(config.flags)?;
        let settings = config.settings().map_err(|_| MLORA_ERROR_COUNT)?;
        let header = sized(config.in_features, config.out_features, config.rank, &settings);
        // By reference, so that its 160 bytes are on the stack only once: stack is scarce on a chip.
        let header = header.as_ref().map_err(mlora_status::from)?;
        let span = check_memory(memory, bytes)?;
        if bytes < memory::bytes(header, config.flags) {
            return Err(MLORA_ERROR_MEMORY);
        }
        check_apart(&[], &[span, handle.span])?;
        // SAFETY: the memory is aligned and large enough, as just checked, and the caller's promise.
        let state = unsafe { State::prepare(memory.cast(), header, config.flags) };
        if state.is_inference() {
            // SAFETY: as before; nothing else refers to the memory.
            unsafe { state.frozen_mut() }?.clear();
        } else {
            // SAFETY: the same.
            unsafe { state.adapter_mut() }?.reset();
        }
        // SAFETY: the caller's promise for `handle`; no reference to it exists.
        unsafe { handle.put(state.handle()) };
        Ok(())
    })
}

/// Attaches to an adapter that is already in memory: copied there, or left by an earlier run. It continues with the
/// same bits. An earlier handle, if any, stays valid as well.
///
/// The header is checked only for values that would be unsafe, and the weights are not checked. For files and networks
/// use JSON, which has a checksum.
///
/// Errors: ABI (also for a state of another ABI version), NOT_INITIALISED if there is no adapter, CORRUPT if its header
/// is unsafe to use, FLAGS, MEMORY if part of it is missing, NULL, MISALIGNED, OVERLAP.
/// Threads: needs the memory for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_open(
    memory: *mut c_void,
    bytes: usize,
    abi_version: u32,
    handle: *mut *mut mlora,
) -> mlora_status {
    run(|| {
        check_abi(abi_version)?;
        let handle = Slot::required(handle)?;
        let span = check_memory(memory, bytes)?;
        check_apart(&[], &[span, handle.span])?;
        if bytes < memory::FRONT_BYTES {
            return Err(MLORA_ERROR_MEMORY);
        }
        // SAFETY: aligned, and large enough for all that `of` reads; the caller's promise.
        let state = unsafe { State::of(memory.cast()) }?;
        if bytes < state.bytes() {
            return Err(MLORA_ERROR_MEMORY);
        }
        // SAFETY: all of the adapter is there, as just checked.
        let header = unsafe { state.header() };
        header.check().map_err(|_| MLORA_ERROR_CORRUPT)?;
        // SAFETY: the caller's promise for `handle`; no reference to it exists.
        unsafe { handle.put(state.handle()) };
        Ok(())
    })
}

/// Marks the memory as no longer an adapter, so that a later use of the handle is refused. Nothing has to be released;
/// calling it is optional.
///
/// Errors: those of every handle.
/// Threads: needs the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_close(lora: *mut mlora) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        // SAFETY: the caller's promise: nobody else uses the adapter meanwhile.
        unsafe { state.close() };
        Ok(())
    })
}

/// Writes the settings that the adapter was made with, its sizes included. config->struct_size must
/// be set to sizeof(mlora_config) before.
///
/// Errors: those of every handle; STRUCT_SIZE, NULL, MISALIGNED, OVERLAP.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_get_config(lora: *const mlora, config: *mut mlora_config) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        // SAFETY: the caller's promise for `config`.
        unsafe { read_config(config) }?;
        let config = Slot::required(config)?;
        check_apart(&[state.span()], &[config.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: as before.
        let header = unsafe { state.header() };
        // SAFETY: apart from the adapter, as just checked; the caller's promise.
        unsafe { config.put(mlora_config::of(header, adapter.config(), state.flags)) };
        Ok(())
    })
}

fn check_abi(version: u32) -> Result<()> {
    if version == MLORA_ABI_VERSION { Ok(()) } else { Err(MLORA_ERROR_ABI) }
}

pub(crate) fn check_memory(memory: *const c_void, bytes: usize) -> Result<Span> {
    check_pointer(memory.cast::<u32>())?;
    // Memory cannot extend past the end of the address space.
    let reaches = isize::try_from(bytes).is_ok() && memory.addr().checked_add(bytes).is_some();
    if reaches { Ok(Span::new(memory, bytes)) } else { Err(MLORA_ERROR_MEMORY) }
}

/// # Safety
/// The caller's promise for `config`, of which struct_size alone need be set.
unsafe fn read_config(config: *const mlora_config) -> Result<mlora_config> {
    // Read the size first: a struct of another size may be shorter.
    // SAFETY: this function's contract; the size is the first field.
    let struct_size = unsafe { read(config.cast::<u32>()) }?;
    if struct_size != CONFIG_SIZE {
        return Err(MLORA_ERROR_STRUCT_SIZE);
    }
    // SAFETY: this function's contract; any bits are valid.
    unsafe { read(config) }
}
