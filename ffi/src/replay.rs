//! The last lists with their clicks, learned from more than once.

use core::ffi::{c_char, c_void};

use micro_lora::{AdapterMut, Apply, Error, Listwise, ReplayHeader};

use crate::buffer::{Input, Output, Slot, check_apart};
use crate::lifecycle::check_memory;
use crate::memory::{State, mlora};
use crate::ring::{self, Ring, mlora_replay};
use crate::sample::{mlora_receipt, mlora_sample};
use crate::status::mlora_status::{self, *};
use crate::status::run;
use crate::teach::{learn, sample_of, spans};

/// How many bytes a ring takes: what MLORA_REPLAY_SIZE gives, for sizes known at run time only.
///
/// list: the most results of a list, 2 to 64; a base takes the place of one. capacity: lists remembered, 1 to 65536; 64
/// is a good number, 32 are nearly as good.
///
/// Errors: COUNT for sizes outside their ranges or 4 GiB and more in all, NULL, MISALIGNED.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_size(
    in_features: u32,
    out_features: u32,
    list: u32,
    capacity: u32,
    bytes: *mut usize,
) -> mlora_status {
    run(|| {
        let bytes = Slot::required(bytes)?;
        let needed = ring::bytes(&sized(in_features, out_features, list, capacity)?)?;
        // SAFETY: the caller's promise for `bytes`; no reference to it exists.
        unsafe { bytes.put(needed) };
        Ok(())
    })
}

/// Makes an empty ring for an adapter's lists, with its sizes and model_id, in the caller's memory: at least
/// mlora_replay_size bytes, aligned to 4.
///
/// The handle is the memory's own address and needs no release. A ring contains no pointers: a memcpy of it to any
/// aligned address is a ring, too.
///
/// Errors: those of every handle (of the adapter); COUNT for list or capacity, MEMORY if there is too
/// little, NULL, MISALIGNED, OVERLAP.
/// Threads: needs the memory for itself; only reads the adapter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_init(
    memory: *mut c_void,
    bytes: usize,
    lora: *const mlora,
    list: u32,
    capacity: u32,
    handle: *mut *mut mlora_replay,
) -> mlora_status {
    run(|| {
        let handle = Slot::required(handle)?;
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        // SAFETY: the same; nobody writes to it meanwhile.
        let adapter = unsafe { state.header() };
        let header = sized(adapter.in_features() as u32, adapter.out_features() as u32, list, capacity)?;
        let needed = ring::bytes(&header)?;
        let span = check_memory(memory, bytes)?;
        if bytes < needed {
            return Err(MLORA_ERROR_MEMORY);
        }
        check_apart(&[state.span()], &[span, handle.span])?;
        // SAFETY: the same.
        let model_id = unsafe { state.adapter() }?.config().model_id;
        // SAFETY: the memory is aligned and large enough, as just checked, and the caller's promise.
        unsafe { Ring::prepare(memory.cast(), header, model_id, needed) };
        // SAFETY: the caller's promise for `handle`; no reference to it exists.
        unsafe { handle.put(memory.cast()) };
        Ok(())
    })
}

/// Learns from a list and remembers it: mlora_adapt_listwise, mlora_apply_updates, then eight shorter steps on
/// remembered lists. Half as many clicks give the same gain. A list without a preference is skipped (see the receipt)
/// and not remembered.
///
/// Arguments as for mlora_adapt_listwise; the receipt is that of the update.
///
/// Errors: those of every handle, buffer and sample; COUNT for n above the ring's list, LENGTH for a ring of other
/// sizes, MISMATCH for a ring of another model_id. After an OVERFLOW of the update the event stays pending.
/// Threads: needs the ring and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_learn(
    ring: *mut mlora_replay,
    lora: *mut mlora,
    sample: *const mlora_sample,
    candidates: *const f32,
    candidates_len: usize,
    weights: *const f32,
    weights_len: usize,
    temperature: f32,
    learning_rate: f32,
    receipt: *mut mlora_receipt,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let ring = unsafe { Ring::of(ring) }?;
        let candidates = Input::new(candidates, candidates_len)?;
        let weights = Input::new(weights, weights_len)?;
        let inputs = [candidates.span, weights.span, ring.span];
        // SAFETY: the caller's promise for the sample.
        let [x, base] = unsafe { spans(sample) }?;
        check_apart(&[candidates.span, weights.span, x, base], &[ring.span])?;
        // SAFETY: the caller's promise for `candidates`.
        let candidates = unsafe { candidates.slice() };
        // SAFETY: the caller's promise for `weights`.
        let weights = unsafe { weights.slice() };
        let list = Listwise::new(candidates, weights).with_temperature(temperature);
        // SAFETY: the caller's promise for every argument; nothing else reaches into the ring.
        unsafe {
            learn(lora, sample, &inputs, receipt, |adapter, sample| {
                check_model(ring.model_id(), adapter)?;
                ring.view().learn(adapter, sample, list, learning_rate)
            })
        }
    })
}

/// Remembers a list without learning from it: for hosts that call mlora_adapt_listwise themselves. When the ring is
/// full, the oldest list is overwritten. Arguments as for mlora_adapt_listwise; the sample's weight is not remembered.
///
/// Errors: those of every handle (of the ring) and buffer; NOT_FINITE, OUT_OF_RANGE, COUNT for n, BASE_REQUIRED.
/// Threads: needs the ring for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_push(
    ring: *mut mlora_replay,
    sample: *const mlora_sample,
    candidates: *const f32,
    candidates_len: usize,
    weights: *const f32,
    weights_len: usize,
    temperature: f32,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let ring = unsafe { Ring::of(ring) }?;
        let candidates = Input::new(candidates, candidates_len)?;
        let weights = Input::new(weights, weights_len)?;
        // SAFETY: the caller's promise for the sample.
        let [x, base] = unsafe { spans(sample) }?;
        check_apart(&[candidates.span, weights.span, x, base], &[ring.span])?;
        // SAFETY: the caller's promise for `candidates`.
        let candidates = unsafe { candidates.slice() };
        // SAFETY: the caller's promise for `weights`.
        let list = Listwise::new(candidates, unsafe { weights.slice() }).with_temperature(temperature);
        // SAFETY: the caller's promise: nobody else uses the ring, and nothing here reaches into it.
        unsafe { ring.view().push(sample_of(sample)?, list) }?;
        Ok(())
    })
}

/// Takes a step on each of the next `times` remembered lists, in turn, and writes to `taken` how many it took. These
/// steps do not count in the adapter's statistics. A list whose values are so large that its step would overflow is
/// skipped.
///
/// Errors: those of every handle; COUNT if events are pending, OUT_OF_RANGE for the rate, LENGTH for an
/// adapter of other sizes than the ring, MISMATCH for one of another model_id, NULL, MISALIGNED, OVERLAP.
/// Steps before an error stay.
/// Threads: needs the ring and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_rehearse(
    ring: *mut mlora_replay,
    lora: *mut mlora,
    learning_rate: f32,
    times: u32,
    taken: *mut u32,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let ring = unsafe { Ring::of(ring) }?;
        // SAFETY: the same.
        let state = unsafe { State::learning(lora) }?;
        let taken = Slot::required(taken)?;
        check_apart(&[], &[ring.span, state.span(), taken.span])?;
        // SAFETY: the caller's promise: nobody else uses the adapter meanwhile.
        let mut adapter = unsafe { state.adapter_mut() };
        let adapter = adapter.as_mut().map_err(|status| *status)?;
        // SAFETY: the same for the ring, which does not overlap the adapter.
        check_model(unsafe { ring.model_id() }, adapter)?;
        // SAFETY: the same.
        let steps = unsafe { ring.view() }.rehearse(adapter, learning_rate, times)?;
        // SAFETY: the caller's promise for `taken`, which overlaps nothing else.
        unsafe { taken.put(steps) };
        Ok(())
    })
}

/// How many lists are remembered.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_len(ring: *const mlora_replay, len: *mut u32) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let ring = unsafe { Ring::of(ring) }?;
        let len = Slot::required(len)?;
        check_apart(&[ring.span], &[len.span])?;
        // SAFETY: the caller's promise: nobody writes to the ring meanwhile, nor is `len` in it.
        unsafe { len.put(ring.header().len() as u32) };
        Ok(())
    })
}

/// Forgets every list.
///
/// Errors: those of every handle.
/// Threads: needs the ring for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_clear(ring: *mut mlora_replay) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle; nobody else uses the ring meanwhile.
        unsafe { Ring::of(ring)?.view() }.clear();
        Ok(())
    })
}

/// The most bytes that mlora_replay_save_json writes for a ring of these sizes: what MLORA_REPLAY_JSON_MAX gives. A
/// ring with fewer lists takes less.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_json_max(ring: *const mlora_replay, bytes: *mut usize) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let ring = unsafe { Ring::of(ring) }?;
        let bytes = Slot::required(bytes)?;
        check_apart(&[ring.span], &[bytes.span])?;
        // SAFETY: the caller's promise: nobody writes to the ring meanwhile, nor is `bytes` in it.
        unsafe { bytes.put(ring.header().json_max()) };
        Ok(())
    })
}

/// Saves a ring as JSON, separate from the adapter. A loaded ring continues with the same bits.
///
/// written: the number of bytes.
///
/// Errors: those of every handle and buffer; BUFFER if it does not fit.
/// Threads: needs the ring for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_save_json(
    ring: *mut mlora_replay,
    buffer: *mut c_char,
    buffer_len: usize,
    written: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let ring = unsafe { Ring::of(ring) }?;
        let buffer = Output::new(buffer.cast::<u8>(), buffer_len)?;
        let written = Slot::required(written)?;
        check_apart(&[ring.span], &[buffer.span, written.span])?;
        // SAFETY: the caller's promise: nobody else uses the ring or the buffer, and they do not overlap.
        let len = unsafe { ring.view().write_json(buffer.slice(), ring.model_id()) }?;
        // SAFETY: the caller's promise for `written`, which overlaps nothing else.
        unsafe { written.put(len) };
        Ok(())
    })
}

/// Loads a saved ring into one of the same sizes and the same model_id. All of it is checked before
/// anything is changed.
///
/// Errors: those of every handle and buffer; SYNTAX, FORMAT, BASE64, CHECKSUM, MISMATCH; COUNT and
/// OUT_OF_RANGE for values that no ring could have saved.
/// Threads: needs the ring for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_replay_load_json(
    ring: *mut mlora_replay,
    json: *const c_char,
    json_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let ring = unsafe { Ring::of(ring) }?;
        let json = Input::new(json.cast::<u8>(), json_len)?;
        check_apart(&[json.span], &[ring.span])?;
        // SAFETY: the caller's promise: nobody else uses the ring, and the text does not overlap it.
        unsafe { ring.view().load_json(json.slice(), ring.model_id()) }?;
        Ok(())
    })
}

/// Refuses lists whose vectors are of another model than the adapter's.
fn check_model(expected: u32, adapter: &AdapterMut<'_>) -> micro_lora::Result<()> {
    let got = adapter.config().model_id;
    if got == expected { Ok(()) } else { Err(Error::Mismatch { what: "model_id", expected, got }) }
}

fn sized(
    in_features: u32,
    out_features: u32,
    list: u32,
    capacity: u32,
) -> crate::status::Result<ReplayHeader> {
    let [width, out, list, capacity] = [in_features, out_features, list, capacity].map(|n| n as usize);
    Ok(ReplayHeader::new(width, out, list, capacity)?)
}
