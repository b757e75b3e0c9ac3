//! A program for a bare Cortex-M in an emulator, which prints by *semihosting*: Arm's calls
//! from a chip to its debugger.
//!
//! All memory is stack, with nothing below it: a stack overflow faults instead of giving
//! wrong results.

use core::arch::asm;
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::ptr::{read_volatile, write_volatile};

use crate::report::run;

struct Console;

const HAS_FPU: bool = cfg!(target_abi = "eabihf");

/// Only the chip with the FPU has megabytes of memory.
const HAS_MEMORY: bool = HAS_FPU;
const STACK_TOP: usize = if HAS_MEMORY { 0x2040_0000 } else { 0x2000_4000 };

const CPU_ID: *const u32 = 0xe000_ed00 as *const u32;
const COPROCESSOR_ACCESS: *mut u32 = 0xe000_ed88 as *mut u32;

/// Asks the chip rather than the compiler.
fn variant() -> &'static str {
    // SAFETY: every Cortex-M has this register at this address.
    let part = unsafe { read_volatile(CPU_ID) } >> 4 & 0xfff;
    match part {
        0xc20 => "Cortex-M0",
        0xc24 if HAS_FPU => "Cortex-M4F",
        _ => "another Cortex-M",
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            semihosting(WRITE_BYTE, (&raw const byte) as usize);
        }
        Ok(())
    }
}

const WRITE_BYTE: usize = 0x03;
const EXIT: usize = 0x20;
const APPLICATION_EXIT: usize = 0x2_0026;

fn semihosting(operation: usize, parameter: usize) {
    // SAFETY: the emulator reads what `parameter` points to and gives its answer in r0.
    unsafe { asm!("bkpt 0xab", inout("r0") operation => _, in("r1") parameter, options(nostack)) };
}

fn exit(code: usize) -> ! {
    let parameters = [APPLICATION_EXIT, code];
    loop {
        semihosting(EXIT, (&raw const parameters) as usize);
    }
}

/// The chip's vector table: its stack, its first instruction, and the handler of each fault.
#[repr(C)]
struct Vectors {
    stack: usize,
    reset: unsafe extern "C" fn() -> !,
    faults: [unsafe extern "C" fn() -> !; 14],
}

#[used]
#[unsafe(link_section = ".vectors")]
static VECTORS: Vectors = Vectors { stack: STACK_TOP, reset, faults: [fault; 14] };

#[unsafe(no_mangle)]
unsafe extern "C" fn reset() -> ! {
    if HAS_FPU {
        // SAFETY: only allows the FPU, before the first instruction that needs it.
        unsafe {
            write_volatile(COPROCESSOR_ACCESS, read_volatile(COPROCESSOR_ACCESS) | 0xf << 20);
            asm!("dsb", "isb");
        }
    }
    start()
}

// Not inlined: otherwise it could save registers of the FPU before that is allowed.
#[inline(never)]
fn start() -> ! {
    run::<HAS_MEMORY>(&mut Console, variant());
    exit(0)
}

unsafe extern "C" fn fault() -> ! {
    let _ = Console.write_str("the chip faulted\n");
    exit(1)
}

#[panic_handler]
fn fail(info: &PanicInfo) -> ! {
    let _ = writeln!(Console, "{info}");
    exit(1)
}
