//! The engine as one function of numbers: vectors and adapters are addresses in the linear memory.
//! `js/` makes the API of it.
//!
//! One function rather than one for each call: most of such a function is the way from an address to
//! an adapter, and from an error to a number.

#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(not(micro_lora_terse))]
compile_error!("expected `--cfg micro_lora_terse`, which `cargo xtask npm` gives: errors are numbers here");

#[cfg(feature = "full")]
mod full;
#[cfg(not(feature = "full"))]
mod lite;
mod memory;

/// Whether this is the build with simd128.
#[unsafe(no_mangle)]
pub extern "C" fn simd() -> bool {
    cfg!(target_feature = "simd128")
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
