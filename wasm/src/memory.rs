//! The linear memory above the module's own data. JavaScript hands out its parts and passes their
//! addresses; each is checked here, so that no mistake over there can break anything.
//!
//! It begins with the report: what a call says besides the number that it returns. The block of an
//! adapter, wherever JavaScript put it:
//!
//! ```text
//! header   160 bytes, micro_lora::Header
//! lora_A   rank * in_features floats, rank-major
//! lora_B   rank * out_features
//! grad_A   rank * in_features
//! grad_B   rank * out_features
//! scratch  out_features
//! input    in_features
//! output   out_features
//! ```

use micro_lora::{AdapterMut, Error, Header, Result};

/// Words of the report.
const REPORT: usize = 8;

const WORD: usize = 4;
const HEADER: usize = size_of::<Header>();

/// All of it, for the length of one call.
pub(crate) struct Memory {
    start: usize,
    bytes: &'static mut [u8],
}

/// An adapter with the vectors that go in and out, and what was passed.
pub(crate) struct Lent<'m> {
    pub(crate) adapter: AdapterMut<'m>,
    pub(crate) input: &'m mut [f32],
    pub(crate) output: &'m mut [f32],
    pub(crate) passed: [&'m [f32]; 3],
}

impl Memory {
    /// The address of the report.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    pub(crate) fn report(&mut self) -> &mut [u32] {
        let words =
            self.bytes.get_mut(..REPORT * WORD).and_then(|bytes| bytemuck::try_cast_slice_mut(bytes).ok());
        words.unwrap_or_default()
    }

    /// The adapter in the block at one address, and three arrays of floats one after the other at
    /// another.
    pub(crate) fn lend(&mut self, adapter: usize, passed: usize, lengths: [usize; 3]) -> Result<Lent<'_>> {
        self.try_lend(adapter, passed, lengths).ok_or(Error::NotInitialised)
    }

    fn try_lend(&mut self, adapter: usize, passed: usize, lengths: [usize; 3]) -> Option<Lent<'_>> {
        let floats: &mut [f32] = bytemuck::try_cast_slice_mut(self.bytes).ok()?;
        let at = |address: usize| Some(address.checked_sub(self.start)? / WORD);
        // Blocks do not overlap: one of the two stands before the other.
        let (adapter, passed) = (at(adapter)?, at(passed)?);
        let (low, high) = floats.split_at_mut_checked(adapter.max(passed))?;
        let (block, mut passed): (_, &[f32]) =
            if adapter < passed { (low.get_mut(adapter..)?, high) } else { (high, low.get(passed..)?) };
        let (front, mut rest) = block.split_at_mut_checked(HEADER / WORD)?;
        let header = header(front)?;
        let (in_features, out_features) = (header.in_features(), header.out_features());
        let rank = header.rank();
        let (a_len, b_len) = (rank.checked_mul(in_features)?, rank.checked_mul(out_features)?);
        let mut take = |len| rest.split_off_mut(..len);
        let (a, b) = (take(a_len)?, take(b_len)?);
        let (grad_a, grad_b) = (take(a_len)?, take(b_len)?);
        let (scratch, input, output) = (take(out_features)?, take(in_features)?, take(out_features)?);
        let adapter = AdapterMut::from_parts(header, a, b, grad_a, grad_b, scratch).ok()?;
        let mut arrays: [&[f32]; 3] = [&[]; 3];
        for (array, len) in arrays.iter_mut().zip(lengths) {
            *array = passed.split_off(..len)?;
        }
        Some(Lent { adapter, input, output, passed: arrays })
    }
}

fn header(words: &mut [f32]) -> Option<&mut Header> {
    let words: &mut [f32; HEADER / WORD] = words.try_into().ok()?;
    // SAFETY: both are of the same size and alignment, and a header has no invalid bits.
    Some(unsafe { &mut *words.as_mut_ptr().cast::<Header>() })
}

#[cfg(target_arch = "wasm32")]
mod linear {
    use core::slice;

    use super::Memory;

    unsafe extern "C" {
        /// The linker puts it after the stack and the data.
        static __heap_base: u8;
    }

    impl Memory {
        /// Exported functions alone may call it, once each.
        pub(crate) fn enter() -> Self {
            let first = &raw const __heap_base;
            let (start, end) = (first.addr(), core::arch::wasm32::memory_size(0) << 16);
            // SAFETY: nothing of the module's own is between these, and all of it is initialised. The module
            // imports nothing, so no other exported function runs until this one returns.
            let bytes = unsafe { slice::from_raw_parts_mut(first.cast_mut(), end.saturating_sub(start)) };
            Self { start, bytes }
        }
    }
}

/// Other targets compile this crate for its lints alone.
#[cfg(not(target_arch = "wasm32"))]
impl Memory {
    pub(crate) fn enter() -> Self {
        Self { start: 0, bytes: &mut [] }
    }
}
