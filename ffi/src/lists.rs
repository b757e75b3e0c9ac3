//! A memory of lists: making it, learning, saving.

use core::ffi::{c_char, c_void};

use micro_lora::{Apply, Clicks, MemoryReceipt};

use crate::buffer::{Input, Output, Slot, Span, check_apart, read};
use crate::host::{Host, mlora_vectors, work};
use crate::lifecycle::check_memory;
use crate::memory::{State, mlora};
use crate::sample::{mlora_outcome, mlora_sample};
use crate::slab::{self, Slab, mlora_memory, mlora_memory_layout};
use crate::status::mlora_status::{self, *};
use crate::status::{Result, run};
use crate::teach::{sample_of, spans};

/// How many bytes a memory of lists takes: what MLORA_MEMORY_SIZE gives, for sizes known at run time only.
///
/// Errors: COUNT for sizes outside their ranges or 4 GiB and more in all, NULL, MISALIGNED, OVERLAP.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_size(
    in_features: u32,
    out_features: u32,
    layout: *const mlora_memory_layout,
    bytes: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for `layout`, of which any bits are valid.
        let described = unsafe { read(layout) }?;
        let bytes = Slot::required(bytes)?;
        check_apart(&[Span::new(layout, size_of::<mlora_memory_layout>())], &[bytes.span])?;
        let needed = slab::bytes(&described.sized(in_features, out_features)?)?;
        // SAFETY: the caller's promise for `bytes`; no reference to it exists.
        unsafe { bytes.put(needed) };
        Ok(())
    })
}

/// Makes an empty memory of lists for an adapter that learns by MLORA_STEP_DUAL, with its sizes and model_id, in the
/// caller's memory: at least mlora_memory_size bytes, aligned to 4.
///
/// The handle is the memory's own address and needs no release. It contains no pointers: a memcpy of it is a memory of
/// lists, too, and belongs to a copy of the adapter made at the same time.
///
/// Errors: those of every handle (of the adapter); COUNT for the layout, MEMORY if there is too little, NULL, MISALIGNED,
/// OVERLAP.
/// Threads: needs the memory for itself; only reads the adapter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_init(
    memory: *mut c_void,
    bytes: usize,
    lora: *const mlora,
    layout: *const mlora_memory_layout,
    handle: *mut *mut mlora_memory,
) -> mlora_status {
    run(|| {
        let handle = Slot::required(handle)?;
        // SAFETY: the caller's promise for a handle.
        let state = unsafe { State::of(lora) }?;
        // SAFETY: the caller's promise for `layout`, of which any bits are valid.
        let described = unsafe { read(layout) }?;
        // SAFETY: the caller's promise: nobody writes to the adapter meanwhile.
        let adapter = unsafe { state.header() };
        let header = described.sized(adapter.in_features() as u32, adapter.out_features() as u32)?;
        let needed = slab::bytes(&header)?;
        let span = check_memory(memory, bytes)?;
        if bytes < needed {
            return Err(MLORA_ERROR_MEMORY);
        }
        let layout = Span::new(layout, size_of::<mlora_memory_layout>());
        check_apart(&[state.span(), layout], &[span, handle.span])?;
        // SAFETY: the same.
        let model_id = unsafe { state.adapter() }?.config().model_id;
        // SAFETY: the memory is aligned and large enough, as just checked, and the caller's promise.
        unsafe { Slab::prepare(memory.cast(), header, model_id, needed) };
        // SAFETY: the caller's promise for `handle`; no reference to it exists.
        unsafe { handle.put(memory.cast()) };
        Ok(())
    })
}

/// A list of results and what was clicked. Start from MLORA_CLICKS_ON_IDS or MLORA_CLICKS.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct mlora_clicks {
    /// n documents, if the layout keeps documents by value; else NULL.
    pub documents: *const f32,
    /// n * out_features, or 0.
    pub documents_len: usize,
    /// Their ids, if the layout keeps documents by id; else NULL.
    pub ids: *const u32,
    /// n, or 0.
    pub ids_len: usize,
    /// One weight per document, 0 to 1e6, as 1 for a click and 0 for none. NULL for a thumb. Kept as a share of the
    /// largest weight, in steps of 1 / 255.
    pub weights: *const f32,
    /// n, or 0 for a thumb.
    pub weights_len: usize,
    /// The scores by which the program ranked the documents, used instead of document . base, on the scale of cosines: divide
    /// BM25, say, by one number, so that it lies in 0 to 1. NULL, unless the layout keeps scores.
    pub scores: *const f32,
    /// n, or 0.
    pub scores_len: usize,
    /// For a thumb, which document it is on.
    pub chosen: usize,
    /// For a thumb, 0 to 1: 1 is up, 0 is down, 0.5 is neutral.
    pub quality: f32,
    /// 1e-3 to 1e3, usually MLORA_TEMPERATURE.
    pub temperature: f32,
    /// 1 if query_id is set. If not, the query's id is the list's number.
    pub has_query_id: u32,
    /// The number by which the program finds the query again.
    pub query_id: u32,
}

/// What learning a list did.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct mlora_memory_receipt {
    /// A number of mlora_outcome: MLORA_APPLIED, or skipped and why; nothing is then remembered.
    pub outcome: u32,
    /// The list's number, from 1, for mlora_memory_forget; 0 if it was skipped.
    pub number: u32,
    /// L2 norm of the change of the bias by the first visit.
    pub moved: f32,
    /// Remembered lists that were visited after it.
    pub visits: u32,
    /// Lists that are no longer remembered because a vector has changed or is gone: their part stays in the adapter.
    pub left_behind: u32,
    /// The adapter's generation after the call.
    pub generation: u32,
}

impl From<MemoryReceipt> for mlora_memory_receipt {
    fn from(receipt: MemoryReceipt) -> Self {
        Self {
            outcome: mlora_outcome::from(receipt.outcome) as u32,
            number: receipt.number.unwrap_or_default(),
            moved: receipt.moved,
            visits: receipt.visits,
            left_behind: receipt.left_behind,
            generation: receipt.generation,
        }
    }
}

/// The buffers of a list.
struct Buffers {
    documents: Input<f32>,
    ids: Input<u32>,
    weights: Input<f32>,
    scores: Input<f32>,
}

impl Buffers {
    fn of(clicks: &mlora_clicks) -> Result<Self> {
        Ok(Self {
            documents: Input::new(clicks.documents, clicks.documents_len)?,
            ids: Input::new(clicks.ids, clicks.ids_len)?,
            weights: Input::new(clicks.weights, clicks.weights_len)?,
            scores: Input::new(clicks.scores, clicks.scores_len)?,
        })
    }

    fn spans(&self) -> [Span; 4] {
        [self.documents.span, self.ids.span, self.weights.span, self.scores.span]
    }

    /// # Safety
    /// The caller's promise for the buffers during `'a`.
    unsafe fn list<'a>(&self, clicks: &mlora_clicks) -> Result<Clicks<'a>> {
        // SAFETY: this function's contract.
        let (documents, ids) = unsafe { (self.documents.slice(), self.ids.slice()) };
        // SAFETY: the same.
        let (weights, scores): (&[f32], &[f32]) = unsafe { (self.weights.slice(), self.scores.slice()) };
        let mut list = Clicks::on(documents, weights).with_temperature(clicks.temperature);
        list.ids = ids;
        if weights.is_empty() {
            list = list.with_thumb(clicks.chosen, clicks.quality);
        }
        if !scores.is_empty() {
            list = list.with_scores(scores);
        }
        match clicks.has_query_id {
            0 => Ok(list),
            1 => Ok(list.with_query_id(clicks.query_id)),
            _ => Err(MLORA_ERROR_COUNT),
        }
    }
}

/// Learns a list and remembers it: visits the list, then nine remembered lists in a cycle, and turns lora_A. When the
/// memory is full, the oldest list is dropped; its part stays in the adapter. Pending events of the adapter are applied
/// first. A list without a click says that its documents are worse than what lists usually show: pass it if a person saw
/// it. Where all were clicked, or nothing before any other list, it is skipped (see the receipt) and not remembered.
///
/// The sample's base is used only if the layout keeps scores and clicks has none. learning_rate: usually
/// MLORA_LEARNING_RATE.
/// vectors: see mlora_vectors.
///
/// Errors: those of every handle, buffer, sample and callback; COUNT for more documents than the layout has room for and
/// for a memory of more lists than the adapter has learned (see mlora_memory_settle), MISSING if a vector of this list
/// is not found, OUT_OF_RANGE for vectors whose norm is far from that of the first list's and for a list of too much
/// weight, MISMATCH for an adapter of another model_id, LENGTH for one of other
/// sizes, UNSUPPORTED for one that learns by another step.
/// Threads: needs the memory and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_learn(
    memory: *mut mlora_memory,
    lora: *mut mlora,
    sample: *const mlora_sample,
    clicks: *const mlora_clicks,
    learning_rate: f32,
    vectors: mlora_vectors,
    context: *mut c_void,
    receipt: *mut mlora_memory_receipt,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for `clicks`, of which any bits are valid.
        let told = unsafe { read(clicks) }?;
        let buffers = Buffers::of(&told)?;
        // SAFETY: the caller's promise for the sample.
        let [x, base] = unsafe { spans(sample) }?;
        let [documents, ids, weights, scores] = buffers.spans();
        let receipt = Slot::optional(receipt)?;
        let inputs = [x, base, documents, ids, weights, scores];
        // SAFETY: the same, for the buffers of both.
        let (seen, list) = unsafe { (sample_of(sample)?, buffers.list(&told)?) };
        let host = Host { vectors, context };
        // SAFETY: the caller's promise for every argument.
        let done = unsafe {
            work(memory, lora, host, true, &inputs, [receipt.span, Span::NOTHING], |memory, adapter, host| {
                memory.learn(adapter, seen, list, learning_rate, host)
            })
        }?;
        // SAFETY: the caller's promise for `receipt`, which overlaps nothing else.
        unsafe { receipt.put(done.into()) };
        Ok(())
    })
}

/// Visits remembered lists in a cycle, the oldest first, and writes to `made` how many visits were made. Call it after
/// a list was forgotten, so that the others settle: a few visits per list are enough.
///
/// Errors: those of every handle, buffer and callback; COUNT while events are pending, and for a memory of more lists than
/// the adapter has learned: it was reset, loaded for inference alone, or saved at another time; OUT_OF_RANGE if the mean
/// document of the memory is far longer than the adapter's documents, MISMATCH for an adapter of another model_id, LENGTH
/// for one of other sizes.
/// Threads: needs the memory and the adapter for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_settle(
    memory: *mut mlora_memory,
    lora: *mut mlora,
    visits: u32,
    vectors: mlora_vectors,
    context: *mut c_void,
    made: *mut u32,
) -> mlora_status {
    run(|| {
        let made = Slot::required(made)?;
        let host = Host { vectors, context };
        // SAFETY: the caller's promise for every argument.
        let done = unsafe {
            work(memory, lora, host, true, &[], [made.span, Span::NOTHING], |memory, adapter, host| {
                memory.settle(adapter, visits, host)
            })
        }?;
        // SAFETY: the caller's promise for `made`, which overlaps nothing else.
        unsafe { made.put(done) };
        Ok(())
    })
}

/// How many lists are remembered.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_len(memory: *const mlora_memory, len: *mut u32) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let slab = unsafe { Slab::of(memory) }?;
        let len = Slot::required(len)?;
        check_apart(&[slab.span], &[len.span])?;
        // SAFETY: the caller's promise: nobody writes to the memory meanwhile, nor is `len` in it.
        unsafe { len.put(slab.header().len() as u32) };
        Ok(())
    })
}

/// Empties the memory: nothing of the lists stays here, but what they taught stays in the adapter. To remove that as
/// well, call mlora_memory_forget for each list first, or mlora_reset.
///
/// Errors: those of every handle.
/// Threads: needs the memory for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_clear(memory: *mut mlora_memory) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle; nobody else uses the memory meanwhile.
        unsafe { Slab::of(memory)?.view() }.clear();
        Ok(())
    })
}

/// The most bytes that mlora_memory_save_json writes for a memory of this layout: what MLORA_MEMORY_JSON_MAX gives. A
/// memory with fewer lists takes less.
///
/// Errors: those of every handle and buffer.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_json_max(
    memory: *const mlora_memory,
    bytes: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let slab = unsafe { Slab::of(memory) }?;
        let bytes = Slot::required(bytes)?;
        check_apart(&[slab.span], &[bytes.span])?;
        // SAFETY: the caller's promise: nobody writes to the memory meanwhile, nor is `bytes` in it.
        unsafe { bytes.put(slab.header().json_max()) };
        Ok(())
    })
}

/// Saves a memory of lists as JSON, separate from the adapter: save both at the same time. Loaded again, they continue
/// with the same bits.
///
/// written: the number of bytes.
///
/// Errors: those of every handle and buffer; BUFFER if it does not fit.
/// Threads: needs the memory for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_save_json(
    memory: *mut mlora_memory,
    buffer: *mut c_char,
    buffer_len: usize,
    written: *mut usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let slab = unsafe { Slab::of(memory) }?;
        let buffer = Output::new(buffer.cast::<u8>(), buffer_len)?;
        let written = Slot::required(written)?;
        check_apart(&[slab.span], &[buffer.span, written.span])?;
        // SAFETY: the caller's promise: nobody else uses the memory or the buffer, and they do not overlap.
        let len = unsafe { slab.view().write_json(buffer.slice(), slab.model_id()) }?;
        // SAFETY: the caller's promise for `written`, which overlaps nothing else.
        unsafe { written.put(len) };
        Ok(())
    })
}

/// Loads a saved memory of lists into one of the same layout and the same model_id. All of it is checked before
/// anything is changed. It belongs to the adapter that was saved at the same time: with another one, forgetting a list
/// would subtract what the adapter never learned.
///
/// Errors: those of every handle and buffer; SYNTAX, FORMAT, BASE64, CHECKSUM, MISMATCH; COUNT, OUT_OF_RANGE and
/// NOT_FINITE for values that no memory of lists could have saved.
/// Threads: needs the memory for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlora_memory_load_json(
    memory: *mut mlora_memory,
    json: *const c_char,
    json_len: usize,
) -> mlora_status {
    run(|| {
        // SAFETY: the caller's promise for a handle.
        let slab = unsafe { Slab::of(memory) }?;
        let json = Input::new(json.cast::<u8>(), json_len)?;
        check_apart(&[json.span], &[slab.span])?;
        // SAFETY: the caller's promise: nobody else uses the memory, and the text does not overlap it.
        unsafe { slab.view().load_json(json.slice(), slab.model_id()) }?;
        Ok(())
    })
}
