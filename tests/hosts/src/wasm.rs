//! A program for `run-wasm.mjs`.

use core::arch::wasm32::unreachable;
use core::fmt::{self, Write};
use core::panic::PanicInfo;

use crate::report;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    fn print(start: *const u8, length: usize);
}

struct Console;

const HAS_MEMORY: bool = true;

fn variant() -> &'static str {
    if cfg!(target_feature = "simd128") { "wasm simd128" } else { "wasm scalar" }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the host reads these bytes and keeps nothing.
        unsafe { print(text.as_ptr(), text.len()) };
        Ok(())
    }
}

#[unsafe(no_mangle)]
extern "C" fn run() {
    report::run::<HAS_MEMORY>(&mut Console, variant());
}

#[panic_handler]
fn fail(info: &PanicInfo) -> ! {
    let _ = writeln!(Console, "{info}");
    unreachable()
}
