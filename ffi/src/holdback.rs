//! Whether an adapter helps its user.

use core::ffi::c_char;

use micro_lora::{Holdback, HoldbackReport, Serving};

use crate::buffer::{Input, Output, Slot, Span, check_apart, check_pointer};
use crate::status::mlora_status::{self, *};
use crate::status::{Result, run};

/// A comparison of an adapter with the frozen model alone, in the caller's memory. Do not read its words; a copy of it
/// is a snapshot.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct mlora_holdback {
    /// Private.
    pub words: [u64; 15],
}

/// What a mlora_holdback has found. Both means are 0 until something was liked, or clicked where the lists differ. To
/// print it:
/// printf("%s: %+.0f %% with the adapter, %u events", report.applied ? "applied" : "not applied",
/// 100 * (report.adapted / report.base - 1), report.events)
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct mlora_holdback_report {
    /// 1 if the adapter should be applied to events that are not compared.
    pub applied: u32,
    /// Mean quality with the adapter, or clicks on its results per merged list.
    pub adapted: f32,
    /// The same without the adapter.
    pub base: f32,
    /// The adapter's lead in standard errors; 0 while too few events are known.
    pub lead: f32,
    /// Events compared.
    pub events: u32,
}

impl From<HoldbackReport> for mlora_holdback_report {
    fn from(report: HoldbackReport) -> Self {
        Self {
            applied: u32::from(report.applied),
            adapted: report.adapted,
            base: report.base,
            lead: report.lead,
            events: report.events,
        }
    }
}

/// "MLRH" in memory on a little-endian machine.
const MAGIC: u32 = 0x4852_4C4D;

#[repr(C)]
struct Front {
    magic: u32,
    reserved: u32,
    state: Holdback,
}

const _: () = assert!(
    size_of::<Front>() == size_of::<mlora_holdback>() && align_of::<Front>() <= align_of::<mlora_holdback>()
);

/// # Safety
/// The caller's promise for a holdback: readable memory that nobody writes to meanwhile.
unsafe fn span_of(holdback: *const mlora_holdback) -> Result<Span> {
    check_pointer(holdback)?;
    // SAFETY: readable by this function's contract, and aligned.
    if unsafe { (&raw const (*holdback.cast::<Front>()).magic).read() } == MAGIC {
        Ok(Span::new(holdback, size_of::<mlora_holdback>()))
    } else {
        Err(MLORA_ERROR_NOT_INITIALISED)
    }
}

/// # Safety
/// `span_of` has let it pass, and it is the caller's alone during `'a`.
unsafe fn state_of<'a>(holdback: *mut mlora_holdback) -> &'a mut Holdback {
    // SAFETY: aligned, there and alone by this function's contract. A `Holdback` has no invalid bits.
    unsafe { &mut (*holdback.cast::<Front>()).state }
}

/// # Safety
/// The caller's promise for a holdback that is theirs alone.
unsafe fn put(holdback: *mut mlora_holdback, state: Holdback) {
    // SAFETY: aligned and there by this function's contract.
    unsafe { holdback.cast::<Front>().write(Front { magic: MAGIC, reserved: 0, state }) };
}

/// Starts a comparison. At first every list is compared, and every second answer is the adapter's.
///
/// Errors: NULL, MISALIGNED.
/// Threads: needs the holdback for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_init(holdback: *mut mlora_holdback) -> mlora_status {
    run(|| {
        check_pointer(holdback.cast_const())?;
        // SAFETY: the caller's promise; aligned, as just checked.
        unsafe { put(holdback, Holdback::new()) };
        Ok(())
    })
}

/// Whether the next list is to be compared, 1 or 0. If so, merge it with mlora_holdback_interleave; if not, show the
/// adapter's list. Call it once per list.
///
/// Errors: those of every handle and buffer.
/// Threads: needs the holdback for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_is_due(holdback: *mut mlora_holdback, due: *mut u32) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a holdback.
        let span = unsafe { span_of(holdback) }?;
        let due = Slot::required(due)?;
        check_apart(&[], &[span, due.span])?;
        // SAFETY: as just checked, and the caller's promise; `due` does not overlap it.
        unsafe { due.put(u32::from(state_of(holdback).is_due())) };
        Ok(())
    })
}

/// Merges two rankings of the same results, best first, given by the host's own numbers. The rankings fill places in
/// turns; for each pair of places a random one goes first.
///
/// base: the ranking of the frozen model; adapted: the ranking with the adapter. shown_len: 1 to 64. count: how many
/// were written to shown, fewer if both rankings are exhausted.
///
/// Errors: those of every handle and buffer; COUNT for shown_len.
/// Threads: needs the holdback for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_interleave(
    holdback: *mut mlora_holdback,
    base: *const u32,
    base_len: usize,
    adapted: *const u32,
    adapted_len: usize,
    shown: *mut u32,
    shown_len: usize,
    count: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a holdback.
        let span = unsafe { span_of(holdback) }?;
        let (base, adapted) = (Input::new(base, base_len)?, Input::new(adapted, adapted_len)?);
        let (shown, count) = (Output::new(shown, shown_len)?, Slot::required(count)?);
        check_apart(&[base.span, adapted.span], &[span, shown.span, count.span])?;
        // SAFETY: the caller's promise for `base` and `adapted`.
        let (base, adapted) = unsafe { (base.slice(), adapted.slice()) };
        // SAFETY: the same for what is written to, disjoint, as just checked.
        let filled = unsafe { state_of(holdback).interleave(base, adapted, shown.slice()) }?;
        // SAFETY: the same.
        unsafe { count.put(filled) };
        Ok(())
    })
}

/// Records the clicks on the last merged list: one value per result shown, 1 for a click, 0 for none, as many values
/// as the last mlora_holdback_interleave counted. Call it once per list: a second call counts again. For an empty
/// list, or before the first list, nothing is counted.
///
/// Errors: those of every handle and buffer; OUT_OF_RANGE.
/// Threads: needs the holdback for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_record_clicks(
    holdback: *mut mlora_holdback,
    clicks: *const f32,
    clicks_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a holdback.
        let span = unsafe { span_of(holdback) }?;
        let clicks = Input::new(clicks, clicks_len)?;
        check_apart(&[clicks.span], &[span])?;
        // SAFETY: as just checked, and the caller's promise; `clicks` does not overlap it.
        unsafe { state_of(holdback).record_clicks(clicks.slice()) }?;
        Ok(())
    })
}

/// What should answer the next event, if only one answer is shown: 0 the frozen model alone, 1 with the adapter.
///
/// Errors: those of every handle and buffer.
/// Threads: needs the holdback for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_next(
    holdback: *mut mlora_holdback,
    adapted: *mut u32,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a holdback.
        let span = unsafe { span_of(holdback) }?;
        let adapted = Slot::required(adapted)?;
        check_apart(&[], &[span, adapted.span])?;
        // SAFETY: as just checked, and the caller's promise; `adapted` does not overlap it.
        unsafe { adapted.put(u32::from(state_of(holdback).next() == Serving::Adapted)) };
        Ok(())
    })
}

/// Records how good the user found the answer that the last mlora_holdback_next chose, 0 to 1. Call it once per
/// answer: a second call counts again. Before the first mlora_holdback_next it counts for the frozen model.
///
/// Errors: those of every handle; OUT_OF_RANGE.
/// Threads: needs the holdback for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_record(holdback: *mut mlora_holdback, quality: f32) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a holdback.
        unsafe { span_of(holdback) }?;
        // SAFETY: as just checked, and the caller's promise.
        unsafe { state_of(holdback) }.record(quality)?;
        Ok(())
    })
}

/// Writes what was found so far.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_get_report(
    holdback: *const mlora_holdback,
    report: *mut mlora_holdback_report,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a holdback.
        let span = unsafe { span_of(holdback) }?;
        let report = Slot::required(report)?;
        check_apart(&[span], &[report.span])?;
        // SAFETY: as just checked, and the caller's promise: nobody writes to it meanwhile.
        let found = unsafe { &(*holdback.cast::<Front>()).state }.report();
        // SAFETY: the caller's promise for `report`, which does not overlap it.
        unsafe { report.put(found.into()) };
        Ok(())
    })
}

/// Saves a holdback as JSON of at most MLORA_HOLDBACK_JSON_MAX bytes, for any machine.
///
/// written: the number of bytes.
///
/// Errors: those of every handle and buffer; BUFFER if it does not fit.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_save_json(
    holdback: *const mlora_holdback,
    buffer: *mut c_char,
    buffer_len: usize,
    written: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a holdback.
        let span = unsafe { span_of(holdback) }?;
        let (buffer, written) = (Output::new(buffer.cast::<u8>(), buffer_len)?, Slot::required(written)?);
        check_apart(&[span], &[buffer.span, written.span])?;
        // SAFETY: as just checked, and the caller's promise for both, which do not overlap.
        let len = unsafe { (*holdback.cast::<Front>()).state.write_json(buffer.slice()) }?;
        // SAFETY: the caller's promise for `written`, which overlaps nothing else.
        unsafe { written.put(len) };
        Ok(())
    })
}

/// Loads a saved holdback into memory that need not be initialised. All of it is checked before anything is changed.
///
/// Errors: NULL, MISALIGNED, OVERLAP, LENGTH; SYNTAX, FORMAT, BASE64, CHECKSUM, MISMATCH; COUNT and
/// OUT_OF_RANGE for values that no holdback could have saved.
/// Threads: needs the holdback for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_holdback_load_json(
    holdback: *mut mlora_holdback,
    json: *const c_char,
    json_len: usize,
) -> mlora_status {
    run(|| {
        check_pointer(holdback.cast_const())?;
        let json = Input::new(json.cast::<u8>(), json_len)?;
        let span = Span::new(holdback.cast_const(), size_of::<mlora_holdback>());
        check_apart(&[json.span], &[span])?;
        // SAFETY: the caller's promise for `json`.
        let loaded = Holdback::from_json(unsafe { json.slice() })?;
        // SAFETY: the caller's promise for the holdback; aligned, as just checked.
        unsafe { put(holdback, loaded) };
        Ok(())
    })
}
