//! What all learning calls have in common.

use micro_lora::{AdapterMut, Receipt, Sample};

use crate::buffer::{Input, Slot, Span, check_apart, read};
use crate::memory::{State, mlora};
use crate::sample::{mlora_receipt, mlora_sample};
use crate::status::{Result, mlora_status};

/// Checks the handle, the sample and the receipt, and that no output overlaps an input.
///
/// # Safety
/// The caller's promise for all of them.
#[inline(never)]
unsafe fn check(
    lora: *mut mlora,
    sample: *const mlora_sample,
    inputs: &[Span],
    receipt: *mut mlora_receipt,
) -> Result<()> {
    // SAFETY: this function's contract.
    let state = unsafe { State::learning(lora) }?;
    // SAFETY: the same.
    let spans = unsafe { spans(sample) }?;
    let written = [state.span(), Slot::optional(receipt)?.span];
    check_apart(&spans, &written)?;
    check_apart(inputs, &written)
}

/// The bytes of a sample's input and base.
///
/// # Safety
/// The caller's promise for the sample.
pub(crate) unsafe fn spans(sample: *const mlora_sample) -> Result<[Span; 2]> {
    // SAFETY: this function's contract; any bits are valid.
    let mlora_sample { x, x_len, base, base_len, .. } = unsafe { read(sample) }?;
    let base = if is_without_base(base, base_len) { Span::NOTHING } else { Input::new(base, base_len)?.span };
    Ok([Input::new(x, x_len)?.span, base])
}

/// A sample to learn from.
///
/// # Safety
/// The caller's promise for the sample during `'a`.
#[inline(always)]
pub(crate) unsafe fn sample_of<'a>(sample: *const mlora_sample) -> Result<Sample<'a>> {
    // SAFETY: this function's contract; any bits are valid.
    let mlora_sample { x, x_len, base, base_len, weight } = unsafe { read(sample) }?;
    // SAFETY: the same, and nothing here writes to it.
    let seen = Sample::new(unsafe { Input::new(x, x_len)?.slice() }).with_weight(weight);
    if is_without_base(base, base_len) {
        return Ok(seen);
    }
    // SAFETY: the same.
    Ok(seen.with_base(unsafe { Input::new(base, base_len)?.slice() }))
}

fn is_without_base(base: *const f32, len: usize) -> bool {
    base.is_null() && len == 0
}

/// One learning call. `teach` is the part that differs between kinds of feedback. Views are used where they are made
/// and not moved, since on a chip every copy of a view costs code and stack.
///
/// # Safety
/// The caller's promise for every pointer, and for the arrays whose spans are `inputs`.
#[inline(always)]
pub(crate) unsafe fn learn(
    lora: *mut mlora,
    sample: *const mlora_sample,
    inputs: &[Span],
    receipt: *mut mlora_receipt,
    teach: impl FnOnce(&mut AdapterMut<'_>, Sample<'_>) -> micro_lora::Result<Receipt>,
) -> Result<()> {
    // SAFETY: this function's contract.
    unsafe { check(lora, sample, inputs, receipt) }?;
    // SAFETY: the same.
    let seen = unsafe { sample_of(sample) }?;
    // SAFETY: nobody else uses the adapter meanwhile, and the inputs do not overlap it.
    let mut adapter = unsafe { State::learning(lora)?.adapter_mut() };
    let adapter = adapter.as_mut().map_err(|status| *status)?;
    let done = teach(adapter, seen);
    let done = done.as_ref().map_err(mlora_status::from)?;
    // SAFETY: the receipt overlaps nothing else, as just checked.
    unsafe { Slot::optional(receipt)?.put(mlora_receipt::from(*done)) };
    Ok(())
}
