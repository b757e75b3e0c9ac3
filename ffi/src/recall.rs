//! What remembered lists did, taking them back, and learning them again.

use core::ffi::c_void;

use micro_lora::Forgotten;

use crate::buffer::{Input, Output, Slot, Span, check_apart};
use crate::host::{Host, mlora_vectors, work};
use crate::memory::mlora;
use crate::slab::mlora_memory;
use crate::status::mlora_status;
use crate::status::run;

/// What mlora_memory_forget did.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mlora_forgotten {
    /// The list's part was subtracted from every sum.
    MLORA_FORGOTTEN = 0,
    /// No list of this number is remembered, or it no longer is: its part of the weights, if any, cannot be separated.
    MLORA_NOT_REMEMBERED = 1,
    /// A vector of the list has changed or is gone: the list is no longer remembered, but its part of the weights
    /// stays.
    MLORA_LEFT_BEHIND = 2,
    /// The program could not read a vector this time; nothing was changed.
    MLORA_NOT_READ = 3,
}

use mlora_forgotten::*;

impl From<Forgotten> for mlora_forgotten {
    fn from(forgotten: Forgotten) -> Self {
        match forgotten {
            Forgotten::Done => MLORA_FORGOTTEN,
            Forgotten::NotRemembered => MLORA_NOT_REMEMBERED,
            Forgotten::LeftBehind => MLORA_LEFT_BEHIND,
            Forgotten::Failed => MLORA_NOT_READ,
        }
    }
}

/// Which remembered lists moved each document for this query, and by how much: the change of document . y, before the
/// strength and the output guard.
///
/// query: in_features values; documents: n * out_features values, n = 1 to 64. numbers receives the numbers of the
/// lists, the oldest first: mlora_memory_len of them. shares receives n values for each list, then n more for the rest,
/// what no remembered list accounts for: (mlora_memory_len + 1) * n values. A list whose vectors cannot be read has
/// shares of 0, and counts in the rest. The sum is the correction.
///
/// Errors: those of every handle, buffer and callback; COUNT for n, COUNT and OUT_OF_RANGE as mlora_memory_settle,
/// NOT_FINITE, MISMATCH for an adapter of another model_id. After an error shares and numbers may have been written to.
/// Threads: needs the memory and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_why(
    memory: *mut mlora_memory,
    lora: *mut mlora,
    query: *const f32,
    query_len: usize,
    documents: *const f32,
    documents_len: usize,
    numbers: *mut u32,
    numbers_len: usize,
    shares: *mut f32,
    shares_len: usize,
    vectors: mlora_vectors,
    context: *mut c_void,
) -> mlora_status {
    run(|| {
        let (query, documents) = (Input::new(query, query_len)?, Input::new(documents, documents_len)?);
        let (numbers, shares) = (Output::new(numbers, numbers_len)?, Output::new(shares, shares_len)?);
        let (read, written) = ([query.span, documents.span], [numbers.span, shares.span]);
        check_apart(&read, &written)?;
        // SAFETY: the caller's promise for both.
        let (query, documents) = unsafe { (query.slice(), documents.slice()) };
        let host = Host { vectors, context };
        // SAFETY: the caller's promise for every argument; both outputs overlap nothing else.
        unsafe {
            work(memory, lora, host, true, &read, written, |memory, adapter, host| {
                memory.why(adapter, query, documents, numbers.slice(), shares.slice(), host)
            })
        }
    })
}

/// Takes one list back: subtracts its part from lora_B, the bias, the directions and the mean, up to rounding. The
/// other lists have adapted to it: call mlora_memory_settle, so that they settle. A list from before a reset of the
/// adapter, or from before the memory was cleared, can no longer be taken back.
///
/// outcome: a number of mlora_forgotten, of which 0 is MLORA_FORGOTTEN.
///
/// Errors: those of every handle, buffer and callback; COUNT and OUT_OF_RANGE as mlora_memory_settle, MISMATCH for an
/// adapter of another model_id.
/// Threads: needs the memory and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_forget(
    memory: *mut mlora_memory,
    lora: *mut mlora,
    number: u32,
    vectors: mlora_vectors,
    context: *mut c_void,
    outcome: *mut u32,
) -> mlora_status {
    run(|| {
        let outcome = Slot::required(outcome)?;
        let host = Host { vectors, context };
        // SAFETY: the caller's promise for every argument.
        let done = unsafe {
            work(memory, lora, host, true, &[], [outcome.span, Span::NOTHING], |memory, adapter, host| {
                memory.forget(adapter, number, host)
            })
        }?;
        // SAFETY: the caller's promise for `outcome`, which overlaps nothing else.
        unsafe { outcome.put(mlora_forgotten::from(done) as u32) };
        Ok(())
    })
}

/// Takes back every list in which a document was shown. Writes how many lists were forgotten, and how many others were
/// left behind or could not be read.
///
/// Errors: as mlora_memory_forget; UNSUPPORTED if the layout keeps documents by value.
/// Threads: needs the memory and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_forget_document(
    memory: *mut mlora_memory,
    lora: *mut mlora,
    id: u32,
    vectors: mlora_vectors,
    context: *mut c_void,
    forgotten: *mut u32,
    others: *mut u32,
) -> mlora_status {
    run(|| {
        let (forgotten, others) = (Slot::required(forgotten)?, Slot::required(others)?);
        let host = Host { vectors, context };
        // SAFETY: the caller's promise for every argument.
        let (done, other) = unsafe {
            work(memory, lora, host, true, &[], [forgotten.span, others.span], |memory, adapter, host| {
                memory.forget_document(adapter, id, host)
            })
        }?;
        // SAFETY: the caller's promise for `forgotten`, which overlaps nothing else.
        unsafe { forgotten.put(done) };
        // SAFETY: the same for `others`.
        unsafe { others.put(other) };
        Ok(())
    })
}

/// Learns all remembered lists again, with vectors of another embedding model, after the frozen model was replaced. The
/// adapter starts afresh (its settings and counters stay), so parts of other lists are gone. It may be another adapter
/// of the same sizes: the memory then takes its model_id.
///
/// vectors is called for every document, and for every query by the id that it was learned with. Writes how many lists
/// were learned again; those whose vectors are gone, or far from the first list's in length, are no longer remembered.
///
/// Errors: those of every handle, buffer and callback; COUNT while events are pending, UNSUPPORTED if the layout keeps
/// documents by value, or scores, which came from the old model; MISSING if the program could not read a vector, or has
/// vectors 0.001 to 1000 long of no list.
/// Threads: needs the memory and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_relearn(
    memory: *mut mlora_memory,
    lora: *mut mlora,
    vectors: mlora_vectors,
    context: *mut c_void,
    learned: *mut u32,
) -> mlora_status {
    run(|| {
        let learned = Slot::required(learned)?;
        let host = Host { vectors, context };
        // SAFETY: the caller's promise for every argument.
        let done = unsafe {
            work(memory, lora, host, false, &[], [learned.span, Span::NOTHING], |memory, adapter, host| {
                memory.relearn(adapter, host)
            })
        }?;
        // SAFETY: the caller's promise for `learned`, which overlaps nothing else.
        unsafe { learned.put(done) };
        Ok(())
    })
}
