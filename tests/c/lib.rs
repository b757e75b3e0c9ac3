//! The tests in C and C++, which `build.rs` compiles.

#![cfg(unix)]

use std::ffi::c_int;

// They call its functions.
use micro_lora_ffi as _;

unsafe extern "C" {
    #[link_name = "mlora_test_main"]
    fn main_of_c() -> c_int;
    // The C++ name of a function without arguments.
    #[link_name = "_Z18mlora_test_wrapperv"]
    fn main_of_wrapper() -> c_int;
}

/// Their `main`, at most once per process: they count in globals.
pub fn c() -> c_int {
    // SAFETY: it is called once, as the system would.
    unsafe { main_of_c() }
}

/// The same for the C++ wrapper.
pub fn wrapper() -> c_int {
    // SAFETY: as above.
    unsafe { main_of_wrapper() }
}
