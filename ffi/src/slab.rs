//! A memory of lists in the caller's memory:
//!
//! ```text
//! guard    4 words: magic, ABI version, model id, bytes of all of it
//! header   9 words, micro_lora::MemoryHeader
//! scratch  in_features + (list + 1) * out_features floats
//! words    capacity * words of a list, micro_lora::MemoryLayout
//! ```

use core::slice;

use micro_lora::{MemoryHeader, MemoryLayout, MemoryMut, Stored};

use crate::buffer::{Span, check_pointer};
use crate::busy::Occupied;
use crate::memory::MLORA_ABI_VERSION;
use crate::status::Result;
use crate::status::mlora_status::*;

/// A memory of lists in the caller's memory. An opaque type. Part of it is scratch memory, which calls may write to
/// even if they return an error.
pub struct mlora_memory {
    _opaque: [u8; 0],
}

/// How the vectors of a list are remembered.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mlora_stored {
    /// As f32.
    MLORA_STORED_F32 = 0,
    /// As int8 with one scale per vector.
    MLORA_STORED_INT8 = 1,
    /// As a number by which the program finds the vector again.
    MLORA_STORED_BY_ID = 2,
}

/// What a memory of lists keeps of each list, and how many lists. Start from MLORA_MEMORY_LAYOUT(list, capacity).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct mlora_memory_layout {
    /// The most documents of a list, 2 to 64.
    pub list: u32,
    /// Lists, 1 to 65536.
    pub capacity: u32,
    /// How queries are kept: a number of mlora_stored.
    pub queries: u32,
    /// How documents are kept: a number of mlora_stored.
    pub documents: u32,
    /// 1 to keep the scores by which the program ranked the documents, else 0. Always 1 if in_features != out_features. A
    /// memory with scores cannot be relearned.
    pub scores: u32,
}

impl mlora_memory_layout {
    /// The header of an empty memory of this layout.
    pub(crate) fn sized(&self, in_features: u32, out_features: u32) -> Result<MemoryHeader> {
        let [width, out, list, capacity] =
            [in_features, out_features, self.list, self.capacity].map(|size| size as usize);
        let (queries, documents) = (stored(self.queries)?, stored(self.documents)?);
        let layout = MemoryLayout::stored(width, out, list, queries, documents);
        let layout = match self.scores {
            0 => layout,
            1 => layout.with_scores(),
            _ => return Err(MLORA_ERROR_COUNT),
        };
        Ok(MemoryHeader::new(layout, capacity)?)
    }
}

fn stored(code: u32) -> Result<Stored> {
    match code {
        0 => Ok(Stored::F32),
        1 => Ok(Stored::Int8),
        2 => Ok(Stored::ById),
        _ => Err(MLORA_ERROR_COUNT),
    }
}

/// "MLRM" in memory on a little-endian machine.
const MAGIC: u32 = 0x4D52_4C4D;
/// The same while the memory is busy: "MLRm".
const BUSY: u32 = 0x6D52_4C4D;

#[repr(C)]
struct Front {
    magic: u32,
    abi_version: u32,
    model_id: u32,
    bytes: u32,
    header: MemoryHeader,
}

fn counted(header: &MemoryHeader) -> usize {
    let layout = header.layout();
    let words = layout.words(header.capacity()).saturating_add(layout.scratch());
    words.saturating_mul(4).saturating_add(size_of::<Front>())
}

/// The bytes that a memory of lists takes, if a guard word can hold the number.
pub(crate) fn bytes(header: &MemoryHeader) -> Result<usize> {
    let bytes = counted(header);
    if u32::try_from(bytes).is_ok() && isize::try_from(bytes).is_ok() {
        Ok(bytes)
    } else {
        Err(MLORA_ERROR_COUNT)
    }
}

/// A handle whose guard words and sizes were checked.
#[derive(Clone, Copy)]
pub(crate) struct Slab {
    front: *mut Front,
    pub(crate) span: Span,
}

impl Slab {
    /// # Safety
    /// If it is neither NULL nor misaligned, the handle points to readable memory, of the size in its guard words if
    /// they are valid, and nobody writes to it meanwhile.
    pub(crate) unsafe fn of(handle: *const mlora_memory) -> Result<Self> {
        let front = handle.cast::<Front>();
        check_pointer(front)?;
        // SAFETY: readable by this function's contract, and aligned.
        match unsafe { (&raw const (*front).magic).read() } {
            MAGIC => {}
            BUSY => return Err(MLORA_ERROR_BUSY),
            _ => return Err(MLORA_ERROR_NOT_INITIALISED),
        }
        // SAFETY: the magic word says that a whole memory is there. Its front has no invalid bits.
        let Front { abi_version, bytes: said, header, .. } = unsafe { &*front };
        if *abi_version != MLORA_ABI_VERSION {
            return Err(MLORA_ERROR_ABI);
        }
        // Sizes that somebody overwrote must not lead out of the memory, or to an endless loop.
        let found = counted(header);
        if usize::try_from(*said) != Ok(found) || header.len() > header.capacity() {
            return Err(MLORA_ERROR_CORRUPT);
        }
        Ok(Self { front: front.cast_mut(), span: Span::new(front, found) })
    }

    /// An empty memory of lists in memory that was found large enough.
    ///
    /// # Safety
    /// The memory is the caller's alone, aligned and of at least `bytes(header)` bytes.
    pub(crate) unsafe fn prepare(memory: *mut u8, header: MemoryHeader, model_id: u32, bytes: usize) {
        // SAFETY: that many bytes exist by this function's contract.
        unsafe { memory.write_bytes(0, bytes) };
        let front =
            Front { magic: MAGIC, abi_version: MLORA_ABI_VERSION, model_id, bytes: bytes as u32, header };
        // SAFETY: `bytes` covers a `Front`, and the memory is aligned for it.
        unsafe { memory.cast::<Front>().write(front) };
    }

    /// Every use of the handle is refused until the value is dropped, since a callback may also have the handle.
    ///
    /// # Safety
    /// Nobody else uses the memory during the value's life.
    pub(crate) unsafe fn occupy(self) -> Occupied {
        // SAFETY: `of` has read this word, so it is there; no reference is made to it.
        let magic = unsafe { &raw mut (*self.front).magic };
        // SAFETY: this function's contract.
        unsafe { Occupied::new(magic, BUSY) }
    }

    /// # Safety
    /// Nobody writes to the memory during `'a`.
    pub(crate) unsafe fn header<'a>(self) -> &'a MemoryHeader {
        // SAFETY: `of` vouches for the front; unchanged by this function's contract.
        unsafe { &(*self.front).header }
    }

    /// # Safety
    /// Nobody writes to the memory meanwhile.
    pub(crate) unsafe fn model_id(self) -> u32 {
        // SAFETY: `of` vouches for the front; unchanged by this function's contract.
        unsafe { (*self.front).model_id }
    }

    /// # Safety
    /// The memory is the caller's alone.
    pub(crate) unsafe fn set_model_id(self, model_id: u32) {
        // SAFETY: `of` vouches for the front; nobody else uses it.
        unsafe { (*self.front).model_id = model_id };
    }

    /// The engine's view.
    ///
    /// # Safety
    /// The memory is the caller's alone during `'a`, except for the guard words.
    pub(crate) unsafe fn view<'a>(self) -> MemoryMut<'a> {
        // SAFETY: `of` vouches for the front; nobody else uses the header.
        let header = unsafe { &mut (*self.front).header };
        let layout = header.layout();
        let start = self.front.wrapping_add(1).cast::<f32>();
        let words_at = start.wrapping_add(layout.scratch()).cast::<u32>();
        // SAFETY: `bytes` covers both parts, one after the other; nobody else uses them, and none has invalid bits.
        let scratch = unsafe { slice::from_raw_parts_mut(start, layout.scratch()) };
        // SAFETY: as before.
        let words = unsafe { slice::from_raw_parts_mut(words_at, layout.words(header.capacity())) };
        MemoryMut { header, words, scratch }
    }
}
