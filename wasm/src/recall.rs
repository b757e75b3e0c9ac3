//! A memory of lists: the calls that `js/memory.js` makes.
//!
//! The block of a memory, wherever JavaScript put it:
//!
//! ```text
//! header   36 bytes, micro_lora::MemoryHeader
//! scratch  MemoryLayout::scratch floats
//! words    MemoryLayout::words of the capacity
//! ```

use core::slice;

use micro_lora::{
    AdapterMut, Apply, Clicks, Header, Lookup, MemoryHeader, MemoryMut, MemoryReceipt, Predictions, Result,
    Sample, VectorId,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::calls::recall as call;
use crate::memory::{self, Lent};
use crate::report;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Asks JavaScript for a vector of so many floats: of the document or, with a kind of 1, the query of an id. Gives a
    /// number of `Lookup`.
    fn vector(kind: u32, id: u32, out: *mut f32, len: usize) -> u32;
}

/// What a call passes; arrays follow it: `documents`, `ids`, `weights`, `scores` and, unless it is below 0, `base`, of so
/// many words each. The answer of a call is written over its first words.
#[repr(C)]
pub struct Request {
    documents: u32,
    ids: u32,
    weights: u32,
    scores: u32,
    base: i32,
    /// Which document a thumb is on; or a list's number, a document's id, how many visits.
    which: u32,
    has_query_id: u32,
    query_id: u32,
    weight: f32,
    quality: f32,
    temperature: f32,
    learning_rate: f32,
}

/// The arrays that follow a request.
struct Passed<'m> {
    documents: &'m [f32],
    ids: &'m mut [u32],
    weights: &'m [f32],
    scores: &'m mut [f32],
    base: &'m [f32],
}

/// Does what `calls.rs` numbers so, with the memory and the adapter in the blocks at these addresses. Gives a number that
/// is not negative; if there was an error, minus its code, and `report` has the rest.
///
/// # Safety
/// As for `memory::lend`; a memory's block is at `block`, made for the sizes that its header has, and a request is at
/// `request`. All of them are apart. Taking up needs neither an adapter nor a request, and predictions need no memory.
#[wasm_bindgen]
pub unsafe fn recall(what: u32, block: *mut MemoryHeader, lora: *mut Header, request: *mut Request) -> f32 {
    let done = if what == call::TAKE_UP {
        // SAFETY: the caller's promise.
        unsafe { lend(block) }.take_up().map(|()| 0)
    } else {
        // SAFETY: the same.
        let lent: Result<Lent<'_, 0>> = unsafe { memory::lend(lora, request.cast(), []) };
        lent.and_then(|lent| {
            if what == call::PREDICTIONS {
                // SAFETY: the same.
                return Ok(unsafe { &mut *request }.predict(&lent.adapter));
            }
            // SAFETY: the same; the arrays are outside of the request.
            let (memory, request, passed) = unsafe { (lend(block), &mut *request, Passed::behind(request)) };
            run(what, memory, lent.adapter, lent.input, request, passed)
        })
    };
    match done {
        Ok(number) => number as f32,
        Err(error) => {
            report::put_down(&error);
            -(error.code() as f32)
        }
    }
}

fn run(
    what: u32,
    mut memory: MemoryMut<'_>,
    mut lora: AdapterMut<'_>,
    query: &[f32],
    request: &mut Request,
    passed: Passed<'_>,
) -> Result<u32> {
    let which = request.which;
    match what {
        call::LEARN => {
            let mut sample = Sample::new(query).with_weight(request.weight);
            if request.base >= 0 {
                sample = sample.with_base(passed.base);
            }
            let receipt =
                memory.learn(&mut lora, sample, clicks(request, &passed), request.learning_rate, ask)?;
            Ok(request.answer(&receipt))
        }
        call::WHY => {
            memory.why(&mut lora, query, passed.documents, passed.ids, passed.scores, ask)?;
            Ok(0)
        }
        call::FORGET => memory.forget(&mut lora, which, ask).map(|done| done as u32),
        call::FORGET_DOCUMENT => {
            let (done, left) = memory.forget_document(&mut lora, which, ask)?;
            request.documents = left;
            Ok(done)
        }
        call::SETTLE => memory.settle(&mut lora, which, ask),
        _ => memory.relearn(&mut lora, ask),
    }
}

fn clicks<'a>(request: &Request, passed: &'a Passed<'_>) -> Clicks<'a> {
    let mut list = Clicks::on(passed.documents, passed.weights).with_temperature(request.temperature);
    list.ids = passed.ids;
    if passed.weights.is_empty() {
        list = list.with_thumb(request.which as usize, request.quality);
    }
    if !passed.scores.is_empty() {
        list = list.with_scores(passed.scores);
    }
    if request.has_query_id > 0 { list.with_query_id(request.query_id) } else { list }
}

impl Request {
    fn answer(&mut self, receipt: &MemoryReceipt) -> u32 {
        self.documents = receipt.visits;
        self.ids = receipt.left_behind;
        self.weight = receipt.moved;
        receipt.outcome.code()
    }

    /// Writes trust and strength, each with its error. Gives 0 if nothing was predicted yet.
    fn predict(&mut self, lora: &AdapterMut<'_>) -> u32 {
        let Some(Predictions { trust, trust_error, strength, strength_error, .. }) = lora.predictions()
        else {
            return 0;
        };
        [self.weight, self.quality, self.temperature, self.learning_rate] =
            [trust, trust_error, strength, strength_error];
        1
    }
}

fn ask(id: VectorId, out: &mut [f32]) -> Lookup {
    let (kind, id) = match id {
        VectorId::Document(id) => (0, id),
        VectorId::Query(id) => (1, id),
    };
    // SAFETY: JavaScript writes to `out` alone, and what it tries on the engine meanwhile is refused.
    match unsafe { vector(kind, id, out.as_mut_ptr(), out.len()) } {
        0 => Lookup::Found,
        1 => Lookup::Gone,
        _ => Lookup::Failed,
    }
}

impl Passed<'_> {
    /// # Safety
    /// As for [`recall`].
    unsafe fn behind(request: *mut Request) -> Self {
        // SAFETY: a request is there.
        let Request { documents, ids, weights, scores, base, .. } = unsafe { &*request };
        // SAFETY: the arrays follow it and each other, as the caller has promised; any bits are numbers.
        let mut at = unsafe { request.add(1) }.cast::<f32>();
        let mut take = |len: u32| unsafe {
            let start = at;
            at = at.add(len as usize);
            (start, len as usize)
        };
        let [documents, ids, weights, scores, base] =
            [*documents, *ids, *weights, *scores, base.max(&0).cast_unsigned()].map(&mut take);
        // SAFETY: the same.
        unsafe {
            Self {
                documents: slice::from_raw_parts(documents.0, documents.1),
                ids: slice::from_raw_parts_mut(ids.0.cast(), ids.1),
                weights: slice::from_raw_parts(weights.0, weights.1),
                scores: slice::from_raw_parts_mut(scores.0, scores.1),
                base: slice::from_raw_parts(base.0, base.1),
            }
        }
    }
}

/// # Safety
/// As for [`recall`].
unsafe fn lend<'m>(block: *mut MemoryHeader) -> MemoryMut<'m> {
    // SAFETY: a header is there, and it has no invalid bits.
    let header = unsafe { &mut *block };
    let layout = header.layout();
    // SAFETY: the parts of the block follow the header and each other, as the caller has promised.
    unsafe {
        let scratch = block.add(1).cast::<f32>();
        let words = scratch.add(layout.scratch()).cast::<u32>();
        MemoryMut {
            scratch: slice::from_raw_parts_mut(scratch, layout.scratch()),
            words: slice::from_raw_parts_mut(words, layout.words(header.capacity())),
            header,
        }
    }
}
