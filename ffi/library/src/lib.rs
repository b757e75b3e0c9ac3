//! Turns the crate `micro-lora-ffi` into libraries for C. It adds only what `no_std` requires.

#![no_std]

pub use micro_lora_ffi::*;

/// Nothing in the library panics; only the compiler needs this. `cargo xtask embedded` proves it with the feature
/// `link-proof`, for every function that does not read or write JSON (`docs/embedded.md`).
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "link-proof")]
    // SAFETY: a program with this call in it cannot be linked, so it is never made.
    unsafe {
        mlora_panic_is_reachable()
    }
    #[cfg(not(feature = "link-proof"))]
    loop {}
}

#[cfg(feature = "link-proof")]
unsafe extern "C" {
    fn mlora_panic_is_reachable() -> !;
}
