//! Asking the program for vectors that a memory of lists keeps by id.

use core::ffi::{c_int, c_void};

use micro_lora::{AdapterMut, Apply, Lookup, MemoryMut, Stored, VectorId};

use crate::buffer::{Span, check_apart};
use crate::memory::{State, mlora};
use crate::slab::{Slab, mlora_memory};
use crate::status::Result;
use crate::status::mlora_status::*;

/// Which vector a mlora_vectors is asked for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mlora_vector {
    /// The document of this id, out_features values.
    MLORA_VECTOR_DOCUMENT = 0,
    /// The query of this id, in_features values.
    MLORA_VECTOR_QUERY = 1,
}

/// What a mlora_vectors answers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mlora_lookup {
    /// The vector has been written.
    MLORA_FOUND = 0,
    /// There is no such vector any more, for ever: lists with it are no longer remembered, their part stays in the adapter,
    /// and they can no longer be forgotten.
    MLORA_GONE = 1,
    /// It could not be read now (the database is locked, say): lists with it stay as they are. Any other number means the
    /// same.
    MLORA_FAILED = 2,
}

/// A callback that writes a vector which the memory keeps by id: kind is a number of mlora_vector, out has len values,
/// all 0. It returns a number of mlora_lookup; NaN or infinity in out counts as MLORA_FAILED. It must always give the
/// same bits for an id: a list whose vectors have changed is left behind, as if they were gone. Look at kind: the ids of
/// documents and of queries are apart, and mlora_memory_relearn asks for every query, however queries are kept.
///
/// It may write only to out, and must return: no exception, no longjmp. Functions of this library that it calls on the
/// same adapter or memory of lists return BUSY and change nothing; on others they work. It must not make something new in
/// their memory: mlora_init and the like take memory that nothing was written to yet, so they cannot see that it is in use.
/// context is passed through. The callback may be NULL for a memory that keeps everything by value.
pub type mlora_vectors = Option<
    unsafe extern "C" fn(context: *mut c_void, kind: c_int, id: u32, out: *mut f32, len: usize) -> c_int,
>;

/// The callback with its context.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    pub(crate) vectors: mlora_vectors,
    pub(crate) context: *mut c_void,
}

impl Host {
    fn ask(self, id: VectorId, out: &mut [f32]) -> Lookup {
        let (kind, id) = match id {
            VectorId::Document(id) => (mlora_vector::MLORA_VECTOR_DOCUMENT, id),
            VectorId::Query(id) => (mlora_vector::MLORA_VECTOR_QUERY, id),
        };
        let Some(vectors) = self.vectors else { return Lookup::Failed };
        // SAFETY: the caller's promise for the callback; `out` is a slice that it may write to.
        match unsafe { vectors(self.context, kind as c_int, id, out.as_mut_ptr(), out.len()) } {
            0 => Lookup::Found,
            1 => Lookup::Gone,
            _ => Lookup::Failed,
        }
    }
}

/// One call on a memory of lists and its adapter, which are both busy during the call. If the task succeeds, the memory
/// has the adapter's model id; with `same_model` it must have it before.
///
/// # Safety
/// The caller's promise for the handles, the callback and the arrays of the spans.
pub(crate) unsafe fn work<T>(
    memory: *mut mlora_memory,
    lora: *mut mlora,
    host: Host,
    same_model: bool,
    read: &[Span],
    written: [Span; 2],
    task: impl FnOnce(
        &mut MemoryMut<'_>,
        &mut AdapterMut<'_>,
        &mut dyn FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> micro_lora::Result<T>,
) -> Result<T> {
    // SAFETY: this function's contract.
    let slab = unsafe { Slab::of(memory) }?;
    // SAFETY: the same.
    let state = unsafe { State::learning(lora) }?;
    let [first, second] = written;
    check_apart(read, &[slab.span, state.span(), first, second])?;
    // SAFETY: nobody writes to the memory meanwhile.
    let layout = unsafe { slab.header() }.layout();
    let asks = [layout.queries, layout.documents].contains(&Stored::ById);
    if asks && host.vectors.is_none() {
        return Err(MLORA_ERROR_NULL);
    }
    // SAFETY: nobody else uses the adapter meanwhile: calls from the callback on it are refused.
    let mut adapter = unsafe { state.adapter_mut() }?;
    let model_id = adapter.config().model_id;
    // SAFETY: nobody writes to the memory meanwhile.
    if same_model && unsafe { slab.model_id() } != model_id {
        return Err(MLORA_ERROR_MISMATCH);
    }
    // SAFETY: nobody else uses either meanwhile; no view contains the guard words.
    let _busy = unsafe { (slab.occupy(), state.occupy()) };
    // SAFETY: the same.
    let mut view = unsafe { slab.view() };
    let done = task(&mut view, &mut adapter, &mut |id, out| host.ask(id, out))?;
    // SAFETY: the same.
    unsafe { slab.set_model_id(model_id) };
    Ok(done)
}
