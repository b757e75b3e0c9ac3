//! Learning where only a number is observed.

use micro_lora::{Explore, principal_directions};

use crate::buffer::{Input, Output, Slot, Span, check_apart, check_pointer};
use crate::memory::mlora;
use crate::sample::{mlora_receipt, mlora_sample};
use crate::status::mlora_status::{self, *};
use crate::status::{Result, run};
use crate::teach::{learn, spans};

/// An explorer: the state of its random perturbations. Do not read its words; a copy of it is a snapshot.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct mlora_explore {
    /// Private.
    pub words: [u32; 4],
}

/// "MLRE" in memory on a little-endian machine.
const MAGIC: u32 = 0x4552_4C4D;

#[repr(C)]
struct Front {
    magic: u32,
    state: Explore,
}

const _: () = assert!(
    size_of::<Front>() == size_of::<mlora_explore>() && align_of::<Front>() == align_of::<mlora_explore>()
);

/// # Safety
/// The caller's promise for an explorer: readable memory that nobody writes to meanwhile.
unsafe fn span_of(explore: *const mlora_explore) -> Result<Span> {
    check_pointer(explore)?;
    // SAFETY: readable by this function's contract, and aligned.
    if unsafe { (&raw const (*explore.cast::<Front>()).magic).read() } != MAGIC {
        return Err(MLORA_ERROR_NOT_INITIALISED);
    }
    // SAFETY: the magic word says that an explorer is there; it has no invalid bits.
    unsafe { &(*explore.cast::<Front>()).state }.check().map_err(|_| MLORA_ERROR_CORRUPT)?;
    Ok(Span::new(explore, size_of::<mlora_explore>()))
}

/// Initialises an explorer. radius: the length of perturbations, 1e-6 to 1e6, for example 0.3 for outputs of unit norm:
/// large enough for a difference in quality to show. The same seed gives the same perturbations on every machine.
///
/// Errors: NULL, MISALIGNED, OUT_OF_RANGE.
/// Threads: needs the explorer for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_explore_init(
    explore: *mut mlora_explore,
    radius: f32,
    seed: u32,
) -> mlora_status {
    run(|| {
        check_pointer(explore.cast_const())?;
        let state = Explore::new(radius, seed)?;
        // SAFETY: the caller's promise; aligned, as just checked.
        unsafe { explore.cast::<Front>().write(Front { magic: MAGIC, state }) };
        Ok(())
    })
}

/// Draws the next perturbation, in the space of some directions: serve y + eps, then y - eps, and pass both qualities
/// to mlora_explore_adapt.
///
/// directions: n * out_features values, n = 1 to 16, near unit norm. eps: out_features values, undefined after an
/// error.
///
/// Errors: those of every handle and buffer; COUNT for n, NOT_FINITE, OVERFLOW, ZERO_NORM for directions that cancel.
/// CORRUPT for an explorer with invalid words.
/// Threads: needs the explorer for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_explore_draw(
    explore: *mut mlora_explore,
    directions: *const f32,
    directions_len: usize,
    eps: *mut f32,
    eps_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for an explorer.
        let span = unsafe { span_of(explore) }?;
        let (directions, eps) = (Input::new(directions, directions_len)?, Output::new(eps, eps_len)?);
        check_apart(&[directions.span], &[span, eps.span])?;
        // SAFETY: the caller's promise for all of it, as just checked.
        unsafe { (*explore.cast::<Front>()).state.draw(directions.slice(), eps.slice()) }?;
        Ok(())
    })
}

/// Adds one pair to the pending gradients: plus is the quality of y + eps, minus that of y - eps, in any unit. Learning
/// takes some hundred pairs.
///
/// eps: as mlora_explore_draw wrote it; undefined after the call.
///
/// Errors: those of every handle, buffer and sample; NOT_FINITE for the qualities, OVERFLOW if the square
/// of their difference is infinite, ZERO_NORM for eps.
/// Threads: needs the explorer and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_explore_adapt(
    explore: *mut mlora_explore,
    lora: *mut mlora,
    sample: *const mlora_sample,
    eps: *mut f32,
    eps_len: usize,
    plus: f32,
    minus: f32,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for an explorer.
        let span = unsafe { span_of(explore) }?;
        let eps = Output::new(eps, eps_len)?;
        // SAFETY: the caller's promise for the sample.
        let read = unsafe { spans(sample) }?;
        check_apart(&read, &[span, eps.span])?;
        let inputs = [span, eps.span];
        // SAFETY: the caller's promise for every argument; they do not overlap.
        unsafe {
            let eps = eps.slice();
            learn(lora, sample, &inputs, receipt, |adapter, sample| {
                (*explore.cast::<Front>()).state.adapt(adapter, sample, eps, plus, minus)
            })
        }
    })
}

/// Finds the directions in which example vectors differ most, to explore in: their first principal components. Their
/// mean is subtracted first, so what all of them share is not a direction.
///
/// examples: n * out_features values, for example documents or outputs of the host; 100 or more are best. directions: 1
/// to 16 times out_features values to fill; orthonormal.
/// scratch: 2 * out_features values. found: how many directions there are; the rest of them are zero. After an error,
/// directions and scratch are undefined.
///
/// Errors: those of every buffer; COUNT, NOT_FINITE, OVERFLOW.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_principal_directions(
    examples: *const f32,
    examples_len: usize,
    out_features: u32,
    directions: *mut f32,
    directions_len: usize,
    scratch: *mut f32,
    scratch_len: usize,
    found: *mut u32,
) -> mlora_status {
    run(|| {
        let examples = Input::new(examples, examples_len)?;
        let directions = Output::new(directions, directions_len)?;
        let (scratch, found) = (Output::new(scratch, scratch_len)?, Slot::required(found)?);
        check_apart(&[examples.span], &[directions.span, scratch.span, found.span])?;
        // SAFETY: the caller's promise for `examples`.
        let examples = unsafe { examples.slice() };
        // SAFETY: the same for what is written to, disjoint, as just checked.
        let (directions, scratch) = unsafe { (directions.slice(), scratch.slice()) };
        let count = principal_directions(examples, out_features as usize, directions, scratch)?;
        // SAFETY: the same.
        unsafe { found.put(count as u32) };
        Ok(())
    })
}
