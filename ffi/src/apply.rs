//! Using an adapter.

use micro_lora::{Apply, Stats};

use crate::buffer::{Input, Output, Slot, check_apart};
use crate::memory::{State, mlora};
use crate::status::mlora_status::{self, *};
use crate::status::run;

/// Counters and norms of an adapter.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct mlora_stats {
    /// Valid feedback events, skipped ones included.
    pub samples_seen: u32,
    /// How many of them carried a quality.
    pub rated: u32,
    /// Mean of those qualities, 0 to 1; 0 while there is none.
    pub mean_quality: f32,
    /// Events in which the output guard shortened the correction.
    pub capped: u32,
    /// Updates applied since the start or the last reset.
    pub updates: u32,
    /// A counter that rises whenever an output may have changed: with every update, reset, load of weights and change
    /// of strength. Copying a snapshot back restores its number, too.
    pub generation: u32,
    /// Events waiting for the next update.
    pub pending: u32,
    /// rank * (in_features + out_features).
    pub param_count: u32,
    /// 4 * param_count.
    pub weight_bytes: u32,
    /// Frobenius norm of lora_A.
    pub norm_a: f32,
    /// Frobenius norm of lora_B.
    pub norm_b: f32,
    /// Frobenius norm of delta W = m s B A, without the output guard.
    pub norm_delta_weight: f32,
    /// m, the run-time strength.
    pub strength: f32,
}

impl mlora_stats {
    fn new(stats: Stats, strength: f32) -> Self {
        Self {
            samples_seen: stats.samples_seen,
            rated: stats.rated,
            mean_quality: stats.mean_quality,
            capped: stats.capped,
            updates: stats.updates,
            generation: stats.generation,
            pending: stats.pending,
            param_count: stats.param_count,
            weight_bytes: stats.weight_bytes,
            norm_a: stats.norm_a,
            norm_b: stats.norm_b,
            norm_delta_weight: stats.norm_delta_weight,
            strength,
        }
    }
}

/// Writes delta = m f C^T (A x), the correction of one vector; m f (b + C^T A (x - mu)) if the adapter has a bias.
///
/// x: in_features values; delta: out_features values, must not overlap x.
/// guard: may be NULL; the factor f by which the output guard shortened delta, 1 where it did not.
///
/// Errors: those of every handle and buffer; NOT_FINITE for x, OVERFLOW.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_apply(
    lora: *const mlora,
    x: *const f32,
    x_len: usize,
    delta: *mut f32,
    delta_len: usize,
    guard: *mut f32,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let (x, delta) = (Input::new(x, x_len)?, Output::new(delta, delta_len)?);
        let guard = Slot::optional(guard)?;
        check_apart(&[state.span(), x.span], &[delta.span, guard.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `x`.
        let x = unsafe { x.slice() };
        // SAFETY: the caller's promise for `delta`, which overlaps nothing else.
        let delta = unsafe { delta.slice() };
        let factor = adapter.apply_into(x, delta)?;
        // SAFETY: the caller's promise for `guard`, which overlaps nothing else.
        unsafe { guard.put(factor) };
        Ok(())
    })
}

/// x += delta in place, for an adapter with in_features == out_features.
///
/// x: in_features values. guard: as for mlora_apply.
///
/// Errors: as mlora_apply; SQUARE_REQUIRED.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_apply_residual(
    lora: *const mlora,
    x: *mut f32,
    x_len: usize,
    guard: *mut f32,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let (x, guard) = (Output::new(x, x_len)?, Slot::optional(guard)?);
        check_apart(&[state.span()], &[x.span, guard.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `x`, which overlaps nothing else.
        let factor = adapter.apply_residual(unsafe { x.slice() })?;
        // SAFETY: the caller's promise for `guard`, which overlaps nothing else.
        unsafe { guard.put(factor) };
        Ok(())
    })
}

/// mlora_apply for n vectors, one after the other: the same bits as n calls.
///
/// inputs: n * in_features values; deltas: n * out_features values. Every input is checked before the
/// first output is written. n may be 0.
///
/// Errors: as mlora_apply.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_apply_batch(
    lora: *const mlora,
    inputs: *const f32,
    inputs_len: usize,
    deltas: *mut f32,
    deltas_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let (inputs, deltas) = (Input::new(inputs, inputs_len)?, Output::new(deltas, deltas_len)?);
        check_apart(&[state.span(), inputs.span], &[deltas.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `inputs`.
        let inputs = unsafe { inputs.slice() };
        let rows = inputs.chunks_exact(adapter.in_features().max(1));
        let outputs = rows.len().checked_mul(adapter.out_features());
        if !rows.remainder().is_empty() || outputs != Some(deltas_len) {
            return Err(MLORA_ERROR_LENGTH);
        }
        for x in rows {
            adapter.output_guard(x)?;
        }
        // SAFETY: the caller's promise for `deltas`, which overlaps nothing else.
        adapter.apply_batch(inputs, unsafe { deltas.slice() })?;
        Ok(())
    })
}

/// Writes delta W = m s B A, out_features x in_features values, row by row, without the output guard. An adapter that
/// learned from lists also has a bias: mlora_merged_bias.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_delta_weight(
    lora: *const mlora,
    weight: *mut f32,
    weight_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let weight = Output::new(weight, weight_len)?;
        check_apart(&[state.span()], &[weight.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `weight`, which overlaps nothing else.
        adapter.delta_weight(unsafe { weight.slice() })?;
        Ok(())
    })
}

/// Writes base + delta W to another buffer; for the bias see mlora_merged_bias. base is never changed, so there is nothing to un-merge.
///
/// base, merged: out_features x in_features values each, row by row.
///
/// Errors: those of every handle and buffer; NOT_FINITE for base.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_merge(
    lora: *const mlora,
    base: *const f32,
    base_len: usize,
    merged: *mut f32,
    merged_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let (base, merged) = (Input::new(base, base_len)?, Output::new(merged, merged_len)?);
        check_apart(&[state.span(), base.span], &[merged.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `base`.
        let base = unsafe { base.slice() };
        // SAFETY: the caller's promise for `merged`, which overlaps nothing else.
        adapter.merge_into(base, unsafe { merged.slice() })?;
        Ok(())
    })
}

/// Writes what to add to the model's own bias when mlora_merge has changed its weight: m (b - C^T A mu), out_features
/// values, without the output guard. Zeros if nothing was learned from lists.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_merged_bias(
    lora: *const mlora,
    bias: *mut f32,
    bias_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let bias = Output::new(bias, bias_len)?;
        check_apart(&[state.span()], &[bias.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `bias`, which overlaps nothing else.
        adapter.merged_bias(unsafe { bias.slice() })?;
        Ok(())
    })
}

/// Writes counters and norms. Takes one pass over lora_A.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_get_stats(lora: *const mlora, stats: *mut mlora_stats) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        let stats = Slot::required(stats)?;
        check_apart(&[state.span()], &[stats.span])?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.adapter() }?;
        // SAFETY: the caller's promise for `stats`, which overlaps nothing else.
        unsafe { stats.put(mlora_stats::new(adapter.stats(), adapter.strength())) };
        Ok(())
    })
}
