//! The script of operations, for a program in C, `tests/ports/script.c`.
#![no_std]

use core::fmt::{self, Write};
use core::panic::PanicInfo;

#[path = "../../hosts/src/report.rs"]
mod report;
#[path = "../../script/mod.rs"]
mod script;

unsafe extern "C" {
    fn port_print(text: *const u8, length: usize);
    fn port_fail() -> !;
}

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the program prints these bytes and keeps nothing.
        unsafe { port_print(text.as_ptr(), text.len()) };
        Ok(())
    }
}

#[unsafe(no_mangle)]
extern "C" fn port_run() {
    let endian = if cfg!(target_endian = "big") { "big-endian" } else { "little-endian" };
    report::run::<true>(&mut Console, format_args!("{} bits, {endian}", usize::BITS));
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let _ = writeln!(Console, "{info}");
    // SAFETY: ends the program.
    unsafe { port_fail() }
}
