//! The engine as one function of numbers: vectors and adapters are addresses in the linear memory.
//! `js/` makes the API of it, and what wasm-bindgen makes of this crate is no more than how `js/` reaches it.
//!
//! One function rather than one for each call: most of such a function is the way from an address to
//! an adapter, and from an error to a number.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(
    clippy::too_many_arguments,
    reason = "a call from JavaScript passes numbers, and nothing that could hold them"
)]

mod calls;
#[cfg(feature = "full")]
mod full;
#[cfg(not(feature = "full"))]
mod lite;
mod memory;
#[cfg(feature = "memory")]
mod recall;
#[cfg(feature = "full")]
mod report;

use wasm_bindgen::prelude::wasm_bindgen;

/// Whether this is the build with simd128.
#[wasm_bindgen]
pub fn simd() -> bool {
    cfg!(target_feature = "simd128")
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
