//! Adapters in the linear memory. JavaScript hands out its parts above the module's own data and passes
//! their addresses: `js/engine.js` and `js/adapter.js`, or `js/lite.js`, are the other side of this contract.
//!
//! The block of an adapter, wherever JavaScript put it:
//!
//! ```text
//! header     260 bytes, micro_lora::Header
//! lora_A     rank * in_features floats, rank-major
//! lora_B     rank * out_features
//! grad_A     rank * in_features
//! grad_B     rank * out_features
//! bias       out_features
//! input_sum  in_features
//! grad_bias  out_features
//! scratch    out_features
//! input      in_features
//! output     out_features
//! ```

use core::slice;

use micro_lora::{AdapterMut, Header, Result};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

/// Where the memory begins that JavaScript hands out. wasm-bindgen takes the linker's own export of it away.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen]
pub fn heap() -> usize {
    unsafe extern "C" {
        static __heap_base: u8;
    }
    (&raw const __heap_base).addr()
}

/// wasm-bindgen links `alloc`, which wants an allocator. Nothing calls it, and the linker leaves it out.
#[cfg(target_arch = "wasm32")]
mod never {
    use core::alloc::{GlobalAlloc, Layout};
    use core::ptr;

    struct Never;

    // SAFETY: it gives no memory, so there is none that could be wrong.
    unsafe impl GlobalAlloc for Never {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            ptr::null_mut()
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static NEVER: Never = Never;
}

/// An adapter with the vectors that go in and out, and what was passed.
pub(crate) struct Lent<'m, const N: usize> {
    pub(crate) adapter: AdapterMut<'m>,
    pub(crate) input: &'m mut [f32],
    pub(crate) output: &'m mut [f32],
    pub(crate) passed: [&'m [f32]; N],
}

/// The adapter in the block at one address, and three arrays of floats one after the other at another.
///
/// # Safety
/// The block was made for the sizes that its header has, arrays of these lengths are where `passed`
/// says, outside of it, and nothing else uses either until the borrows end.
pub(crate) unsafe fn lend<'m, const N: usize>(
    block: *mut Header,
    passed: *const f32,
    lengths: [usize; N],
) -> Result<Lent<'m, N>> {
    // SAFETY: a header is there, and it has no invalid bits.
    let header = unsafe { &mut *block };
    let (in_features, out_features) = (header.in_features(), header.out_features());
    let a_len = in_features.saturating_mul(header.rank());
    let b_len = out_features.saturating_mul(header.rank());
    // SAFETY: the parts of the block follow the header and each other, as the caller has promised.
    let mut at = unsafe { block.add(1) }.cast::<f32>();
    let mut take = |len| unsafe {
        let part = slice::from_raw_parts_mut(at, len);
        at = at.add(len);
        part
    };
    let (a, b, grad_a, grad_b) = (take(a_len), take(b_len), take(a_len), take(b_len));
    let (bias, input_sum, grad_bias) = (take(out_features), take(in_features), take(out_features));
    let (scratch, input, output) = (take(out_features), take(in_features), take(out_features));
    let mut at = passed;
    // SAFETY: the arrays follow each other, as the caller has promised.
    let passed = lengths.map(|len| unsafe {
        let array = slice::from_raw_parts(at, len);
        at = at.add(len);
        array
    });
    Ok(Lent {
        adapter: AdapterMut::from_parts(header, a, b, grad_a, grad_b, scratch)?
            .with_bias(bias, grad_bias, input_sum)?,
        input,
        output,
        passed,
    })
}
