//! Turns the crate `micro-lora-ffi` into libraries for C. No code of its own but what `no_std` asks for.

#![no_std]

pub use micro_lora_ffi::*;

/// Nothing in the library panics, so this is there for the compiler alone.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
