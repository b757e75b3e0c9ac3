//! A ring of lists in the caller's memory:
//!
//! ```text
//! guard        4 words: magic, ABI version, model id, bytes of all of it
//! header       7 words, micro_lora::ReplayHeader
//! entries      capacity * 4 words
//! scales       capacity * list floats
//! weights      capacity * list floats
//! row          in_features floats
//! rows         list * out_features floats
//! inputs       capacity * in_features bytes
//! candidates   capacity * list * out_features bytes, and up to 3 more to a whole word
//! ```

use core::slice;

use micro_lora::{ReplayEntry, ReplayHeader, ReplayMut};

use crate::buffer::{Span, check_pointer};
use crate::memory::MLORA_ABI_VERSION;
use crate::status::Result;
use crate::status::mlora_status::*;

/// A ring of remembered lists in the caller's memory. An opaque type.
pub struct mlora_replay {
    _opaque: [u8; 0],
}

/// "MLRR" in memory on a little-endian machine.
const MAGIC: u32 = 0x5252_4C4D;

#[repr(C)]
struct Front {
    magic: u32,
    abi_version: u32,
    model_id: u32,
    bytes: u32,
    header: ReplayHeader,
}

/// How many values each part of a ring takes, in the order of memory.
struct Lengths {
    entries: usize,
    scales: usize,
    row: usize,
    rows: usize,
    inputs: usize,
    candidates: usize,
}

impl Lengths {
    fn new(header: &ReplayHeader) -> Self {
        let [width, out, list, capacity] = header.sizes();
        let rows = list.saturating_mul(out);
        Self {
            entries: capacity,
            scales: capacity.saturating_mul(list),
            row: width,
            rows,
            inputs: capacity.saturating_mul(width),
            candidates: capacity.saturating_mul(rows),
        }
    }

    fn bytes(&self) -> usize {
        let floats = self.scales.saturating_mul(2).saturating_add(self.row).saturating_add(self.rows);
        let codes = self.inputs.saturating_add(self.candidates).checked_next_multiple_of(4);
        let entries = self.entries.saturating_mul(size_of::<ReplayEntry>());
        let words = floats.saturating_mul(4).saturating_add(entries).saturating_add(size_of::<Front>());
        words.saturating_add(codes.unwrap_or(usize::MAX))
    }
}

/// The bytes that a ring takes, if a guard word can hold the number.
pub(crate) fn bytes(header: &ReplayHeader) -> Result<usize> {
    let bytes = Lengths::new(header).bytes();
    if u32::try_from(bytes).is_ok() && isize::try_from(bytes).is_ok() {
        Ok(bytes)
    } else {
        Err(MLORA_ERROR_COUNT)
    }
}

/// A handle whose guard words and sizes were checked.
#[derive(Clone, Copy)]
pub(crate) struct Ring {
    front: *mut Front,
    pub(crate) span: Span,
}

impl Ring {
    /// # Safety
    /// If it is neither NULL nor misaligned, the handle points to readable memory, of the size in its guard words if
    /// they are valid, and nobody writes to it meanwhile.
    pub(crate) unsafe fn of(handle: *const mlora_replay) -> Result<Self> {
        let front = handle.cast::<Front>();
        check_pointer(front)?;
        // SAFETY: readable by this function's contract, and aligned.
        if unsafe { (&raw const (*front).magic).read() } != MAGIC {
            return Err(MLORA_ERROR_NOT_INITIALISED);
        }
        // SAFETY: the magic word says that a whole ring is there. Its front has no invalid bits.
        let Front { abi_version, bytes: said, header, .. } = unsafe { &*front };
        if *abi_version != MLORA_ABI_VERSION {
            return Err(MLORA_ERROR_ABI);
        }
        // Sizes that somebody overwrote must not lead out of the memory.
        let found = Lengths::new(header).bytes();
        if usize::try_from(*said) != Ok(found) {
            return Err(MLORA_ERROR_CORRUPT);
        }
        Ok(Self { front: front.cast_mut(), span: Span::new(front, found) })
    }

    /// An empty ring in memory that was found large enough.
    ///
    /// # Safety
    /// The memory is the caller's alone, aligned and of at least `bytes(header)` bytes.
    pub(crate) unsafe fn prepare(memory: *mut u8, header: ReplayHeader, model_id: u32, bytes: usize) {
        // SAFETY: that many bytes exist by this function's contract.
        unsafe { memory.write_bytes(0, bytes) };
        let front =
            Front { magic: MAGIC, abi_version: MLORA_ABI_VERSION, model_id, bytes: bytes as u32, header };
        // SAFETY: `bytes` covers a `Front`, and the memory is aligned for it.
        unsafe { memory.cast::<Front>().write(front) };
    }

    /// # Safety
    /// Nobody writes to the ring during `'a`.
    pub(crate) unsafe fn header<'a>(self) -> &'a ReplayHeader {
        // SAFETY: `of` vouches for the front; unchanged by this function's contract.
        unsafe { &(*self.front).header }
    }

    /// # Safety
    /// Nobody writes to the ring meanwhile.
    pub(crate) unsafe fn model_id(self) -> u32 {
        // SAFETY: `of` vouches for the front; unchanged by this function's contract.
        unsafe { (*self.front).model_id }
    }

    /// The engine's view.
    ///
    /// # Safety
    /// The ring is the caller's alone during `'a`.
    pub(crate) unsafe fn view<'a>(self) -> ReplayMut<'a> {
        // SAFETY: `of` vouches for the front; nobody else uses it.
        let header = unsafe { &mut (*self.front).header };
        let Lengths { entries, scales, row, rows, inputs, candidates } = Lengths::new(header);
        let mut rest = Rest(self.front.wrapping_add(1).cast());
        // SAFETY: `bytes` covers all parts, one after the other, and nobody else uses them; no part has invalid bits,
        // and parts of words come before parts of bytes.
        unsafe {
            ReplayMut {
                header,
                entries: rest.take(entries),
                scales: rest.take(scales),
                weights: rest.take(scales),
                row: rest.take(row),
                rows: rest.take(rows),
                inputs: rest.take(inputs),
                candidates: rest.take(candidates),
            }
        }
    }
}

/// Walks over the parts.
struct Rest(*mut u8);

impl Rest {
    /// # Safety
    /// That many values exist, aligned and initialised, and nobody else uses them during `'a`.
    unsafe fn take<'a, T>(&mut self, len: usize) -> &'a mut [T] {
        let start = self.0.cast::<T>();
        self.0 = start.wrapping_add(len).cast();
        // SAFETY: this function's contract.
        unsafe { slice::from_raw_parts_mut(start, len) }
    }
}
