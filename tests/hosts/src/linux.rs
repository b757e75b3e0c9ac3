//! A program for Linux on aarch64 or s390x without a C library: it needs only two system calls, and
//! builds wherever `core` does.

use core::arch::asm;
use core::fmt::{self, Write};
use core::panic::PanicInfo;

use crate::report::run;

struct Console;

const HAS_MEMORY: bool = true;

fn variant() -> &'static str {
    match (cfg!(target_arch = "aarch64"), cfg!(target_feature = "neon"), cfg!(target_endian = "big")) {
        (true, true, false) => "aarch64 NEON",
        (false, _, true) => "s390x, big-endian",
        _ => "another processor",
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            // SAFETY: the kernel reads `rest`, which outlives the call.
            let written = unsafe { system_call(WRITE, STDOUT, rest.as_ptr() as usize, rest.len()) };
            rest = usize::try_from(written).ok().and_then(|n| rest.get(n..)).ok_or(fmt::Error)?;
        }
        Ok(())
    }
}

const STDOUT: usize = 1;
#[cfg(target_arch = "aarch64")]
const WRITE: usize = 64;
#[cfg(target_arch = "aarch64")]
const EXIT: usize = 93;
#[cfg(target_arch = "s390x")]
const WRITE: usize = 4;
#[cfg(target_arch = "s390x")]
const EXIT: usize = 1;

/// # Safety
/// As required by the kernel's call with this number.
unsafe fn system_call(number: usize, mut a: usize, b: usize, c: usize) -> isize {
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the kernel keeps every register but x0.
    unsafe {
        asm!("svc 0", in("x8") number, inout("x0") a, in("x1") b, in("x2") c, options(nostack));
    };
    #[cfg(target_arch = "s390x")]
    // SAFETY: the kernel keeps every register but r2.
    unsafe {
        asm!("svc 0", in("r1") number, inout("r2") a, in("r3") b, in("r4") c, options(nostack));
    };
    a.cast_signed()
}

fn exit(code: usize) -> ! {
    loop {
        // SAFETY: ends the process, and takes no pointers.
        unsafe { system_call(EXIT, code, 0, 0) };
    }
}

// The kernel starts it with a stack and nothing else.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    run::<HAS_MEMORY>(&mut Console, variant());
    exit(0)
}

#[panic_handler]
fn fail(info: &PanicInfo) -> ! {
    let _ = writeln!(Console, "{info}");
    exit(1)
}
