//! An adapter in the caller's memory:
//!
//! ```text
//! guard      4 words: magic, ABI version, flags, bytes of all of it
//! header     260 bytes, micro_lora::Header
//! lora_A     rank * in_features floats, rank-major
//! lora_B     rank * out_features
//! bias       out_features
//! grad_A     rank * in_features        these five only without MLORA_INFERENCE
//! grad_B     rank * out_features
//! grad_bias  out_features
//! input_sum  in_features
//! scratch    out_features
//! ```
//!
//! All parts are 32-bit words without pointers: the bytes are the same on every little-endian machine, and a copy of
//! them is a copy of the adapter.

use core::slice;

use micro_lora::{Adapter, AdapterMut, FrozenMut, Header};

use crate::buffer::{Span, check_pointer};
use crate::busy::Occupied;
use crate::status::Result;
use crate::status::mlora_status::*;

/// An adapter in the caller's memory. An opaque type.
pub struct mlora {
    _opaque: [u8; 0],
}

/// The version of this interface. A library refuses any other version.
pub const MLORA_ABI_VERSION: u32 = 2;

/// Flag: the adapter can be applied but cannot learn. It needs half of the memory.
pub const MLORA_INFERENCE: u32 = 1;

/// "MLRA" in memory on a little-endian machine.
const MAGIC: u32 = 0x4152_4C4D;
/// The same while the adapter is busy: "MLRa".
const BUSY: u32 = 0x6152_4C4D;

/// What a handle points to; the matrices follow it.
#[repr(C)]
struct Front {
    guard: Guard,
    header: Header,
}

pub(crate) const FRONT_BYTES: usize = size_of::<Front>();

#[repr(C)]
#[derive(Clone, Copy)]
struct Guard {
    magic: u32,
    abi_version: u32,
    flags: u32,
    bytes: u32,
}

/// How many floats each part of an adapter takes.
struct Lengths {
    a: usize,
    b: usize,
    bias: usize,
    grad_a: usize,
    grad_b: usize,
    grad_bias: usize,
    input_sum: usize,
    scratch: usize,
}

impl Lengths {
    fn new(header: &Header, flags: u32) -> Self {
        let (width, out) = (header.in_features(), header.out_features());
        let (a, b) = (header.rank().saturating_mul(width), header.rank().saturating_mul(out));
        let applied = Self { a, b, bias: out, grad_a: 0, grad_b: 0, grad_bias: 0, input_sum: 0, scratch: 0 };
        if flags & MLORA_INFERENCE == 0 {
            Self { grad_a: a, grad_b: b, grad_bias: out, input_sum: width, scratch: out, ..applied }
        } else {
            applied
        }
    }

    fn floats(&self) -> usize {
        let Self { a, b, bias, grad_a, grad_b, grad_bias, input_sum, scratch } = *self;
        let lengths = [a, b, bias, grad_a, grad_b, grad_bias, input_sum, scratch];
        lengths.into_iter().fold(0, usize::saturating_add)
    }

    fn bytes(&self) -> usize {
        self.floats().saturating_mul(size_of::<f32>()).saturating_add(FRONT_BYTES)
    }
}

pub(crate) fn check_flags(flags: u32) -> Result<()> {
    if flags & !MLORA_INFERENCE == 0 { Ok(()) } else { Err(MLORA_ERROR_FLAGS) }
}

/// The bytes that an adapter with this header takes; at most 2^20 features and rank 4 keep it far
/// below 2^32.
pub(crate) fn bytes(header: &Header, flags: u32) -> usize {
    Lengths::new(header, flags).bytes()
}

/// A handle whose guard words and sizes were checked.
#[derive(Clone, Copy)]
pub(crate) struct State {
    front: *mut Front,
    pub(crate) flags: u32,
    bytes: usize,
}

impl State {
    /// # Safety
    /// If it is neither NULL nor misaligned, the handle points to readable memory, of the size in its guard words if
    /// they are valid, and nobody writes to it meanwhile.
    pub(crate) unsafe fn of(handle: *const mlora) -> Result<Self> {
        let front = handle.cast::<Front>();
        check_pointer(front)?;
        // SAFETY: readable by this function's contract, and aligned.
        let guard = unsafe { (&raw const (*front).guard).read() };
        match guard.magic {
            MAGIC => {}
            BUSY => return Err(MLORA_ERROR_BUSY),
            _ => return Err(MLORA_ERROR_NOT_INITIALISED),
        }
        if guard.abi_version != MLORA_ABI_VERSION {
            return Err(MLORA_ERROR_ABI);
        }
        check_flags(guard.flags)?;
        // SAFETY: the magic word says that a whole adapter is there. A header has no invalid bits.
        let header = unsafe { &(*front).header };
        // Sizes that somebody overwrote must not lead out of the memory.
        let bytes = bytes(header, guard.flags);
        if usize::try_from(guard.bytes) != Ok(bytes) || !(1..=4).contains(&header.rank()) {
            return Err(MLORA_ERROR_CORRUPT);
        }
        Ok(Self { front: front.cast_mut(), flags: guard.flags, bytes })
    }

    /// As [`of`](Self::of), for an adapter that must be able to learn.
    ///
    /// # Safety
    /// As for [`of`](Self::of).
    pub(crate) unsafe fn learning(handle: *mut mlora) -> Result<Self> {
        // SAFETY: this function's contract.
        let state = unsafe { Self::of(handle) }?;
        if state.is_inference() { Err(MLORA_ERROR_INFERENCE_ONLY) } else { Ok(state) }
    }

    /// Prepares memory that [`check_memory`] found large enough: a fresh header, everything else zero.
    ///
    /// # Safety
    /// The memory is the caller's alone, aligned and of at least `bytes(header, flags)` bytes.
    pub(crate) unsafe fn prepare(memory: *mut u8, header: &Header, flags: u32) -> Self {
        let bytes = bytes(header, flags);
        let guard = Guard { magic: MAGIC, abi_version: MLORA_ABI_VERSION, flags, bytes: bytes as u32 };
        // SAFETY: that many bytes exist by this function's contract.
        unsafe { memory.write_bytes(0, bytes) };
        let front = memory.cast::<Front>();
        // SAFETY: `bytes` covers a `Front`, and the memory is aligned for it.
        unsafe { (&raw mut (*front).guard).write(guard) };
        // SAFETY: the same.
        unsafe { (&raw mut (*front).header).write(*header) };
        Self { front, flags, bytes }
    }

    /// Makes every later use of the handle fail.
    ///
    /// # Safety
    /// The memory is the caller's alone.
    pub(crate) unsafe fn close(self) {
        // SAFETY: `of` has read this word, so it is there.
        unsafe { (&raw mut (*self.front).guard.magic).write(0) };
    }

    /// Every use of the handle is refused until the value is dropped, since a callback may also have the handle.
    ///
    /// # Safety
    /// Nobody else uses the memory during the value's life.
    pub(crate) unsafe fn occupy(self) -> Occupied {
        // SAFETY: `of` has read this word, so it is there; no reference is made to it.
        let magic = unsafe { &raw mut (*self.front).guard.magic };
        // SAFETY: this function's contract.
        unsafe { Occupied::new(magic, BUSY) }
    }

    pub(crate) fn span(&self) -> Span {
        Span::new(self.front.cast_const(), self.bytes)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn handle(&self) -> *mut mlora {
        self.front.cast()
    }

    pub(crate) fn is_inference(&self) -> bool {
        self.flags & MLORA_INFERENCE != 0
    }

    /// # Safety
    /// Nobody writes to the state during `'a`.
    pub(crate) unsafe fn header<'a>(self) -> &'a Header {
        // SAFETY: `of` or `prepare` vouch for the header; unchanged by this function's contract.
        unsafe { &(*self.front).header }
    }

    /// The adapter, to apply, with its pending gradients if it has any.
    ///
    /// # Safety
    /// Nobody writes to the state during `'a`.
    pub(crate) unsafe fn adapter<'a>(self) -> Result<Adapter<'a>> {
        // SAFETY: this function's contract.
        let header = unsafe { self.header() };
        let mut rest = Floats::after(self.front);
        let Lengths { a, b, bias, grad_a, grad_b, grad_bias, input_sum, .. } =
            Lengths::new(header, self.flags);
        // SAFETY: `bytes` covers all parts, one after the other, and nobody writes to them.
        let (a, b, bias) = unsafe { (rest.take(a), rest.take(b), rest.take(bias)) };
        let adapter = Adapter::from_parts(header, a, b)?.with_bias(bias)?;
        if self.is_inference() {
            return Ok(adapter);
        }
        // SAFETY: as before.
        let (grad_a, grad_b) = unsafe { (rest.take(grad_a), rest.take(grad_b)) };
        // SAFETY: as before.
        let (grad_bias, input_sum) = unsafe { (rest.take(grad_bias), rest.take(input_sum)) };
        Ok(adapter.with_pending(grad_a, grad_b)?.with_dual(grad_bias, input_sum)?)
    }

    /// The adapter, to train. It must not be inference-only.
    ///
    /// # Safety
    /// The state is the caller's alone during `'a`.
    pub(crate) unsafe fn adapter_mut<'a>(self) -> Result<AdapterMut<'a>> {
        // SAFETY: `of` or `prepare` vouch for the header; nobody else uses it.
        let header = unsafe { &mut (*self.front).header };
        let mut rest = Floats::after(self.front);
        let Lengths { a, b, bias, grad_a, grad_b, grad_bias, input_sum, scratch } =
            Lengths::new(header, self.flags);
        // SAFETY: `bytes` covers all parts, one after the other, and nobody else uses them.
        let (a, b, bias) = unsafe { (rest.take_mut(a), rest.take_mut(b), rest.take_mut(bias)) };
        // SAFETY: as before.
        let (grad_a, grad_b) = unsafe { (rest.take_mut(grad_a), rest.take_mut(grad_b)) };
        // SAFETY: as before.
        let (grad_bias, input_sum) = unsafe { (rest.take_mut(grad_bias), rest.take_mut(input_sum)) };
        // SAFETY: as before.
        let scratch = unsafe { rest.take_mut(scratch) };
        let adapter = AdapterMut::from_parts(header, a, b, grad_a, grad_b, scratch)?;
        Ok(adapter.with_bias(bias, grad_bias, input_sum)?)
    }

    /// The adapter without its gradients, to replace weights. The adapter must be inference-only.
    ///
    /// # Safety
    /// The state is the caller's alone during `'a`.
    pub(crate) unsafe fn frozen_mut<'a>(self) -> Result<FrozenMut<'a>> {
        // SAFETY: `of` or `prepare` vouch for the header; nobody else uses it.
        let header = unsafe { &mut (*self.front).header };
        let mut rest = Floats::after(self.front);
        let Lengths { a, b, bias, .. } = Lengths::new(header, self.flags);
        // SAFETY: `bytes` covers all three, one after the other, and nobody else uses them.
        let (a, b, bias) = unsafe { (rest.take_mut(a), rest.take_mut(b), rest.take_mut(bias)) };
        Ok(FrozenMut::from_parts(header, a, b)?.with_bias(bias)?)
    }
}

/// Walks over the matrices.
struct Floats(*mut f32);

impl Floats {
    fn after(front: *mut Front) -> Self {
        Self(front.wrapping_add(1).cast())
    }

    fn advance(&mut self, len: usize) -> *mut f32 {
        let start = self.0;
        self.0 = start.wrapping_add(len);
        start
    }

    /// # Safety
    /// That many floats exist, initialised, and nobody writes to them during `'a`.
    unsafe fn take<'a>(&mut self, len: usize) -> &'a [f32] {
        // SAFETY: this function's contract; aligned, since everything here is 4 bytes wide.
        unsafe { slice::from_raw_parts(self.advance(len), len) }
    }

    /// # Safety
    /// That many floats exist, initialised, and nobody else uses them during `'a`.
    unsafe fn take_mut<'a>(&mut self, len: usize) -> &'a mut [f32] {
        // SAFETY: this function's contract; aligned, since everything here is 4 bytes wide.
        unsafe { slice::from_raw_parts_mut(self.advance(len), len) }
    }
}
