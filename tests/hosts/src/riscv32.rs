//! A program for a bare RISC-V processor without an FPU, on QEMU's board `virt`: its console is a serial port, and
//! a register of the board ends the emulation.

use core::arch::{asm, global_asm};
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::ptr::write_volatile;

use crate::report::run;

struct Console;

const HAS_MEMORY: bool = true;
const SERIAL_PORT: *mut u8 = 0x1000_0000 as *mut u8;
const TEST_DEVICE: *mut u32 = 0x0010_0000 as *mut u32;
const PASS: u32 = 0x5555;
const FAIL: u32 = 0x1_3333;

// The stack ends at 64 MB of the board's 128.
global_asm!(
    ".section .start, \"ax\"",
    ".globl _start",
    "_start:",
    "  lui sp, 0x84000",
    "  la t0, trapped",
    "  csrw mtvec, t0",
    "  tail {start}",
    ".balign 4",
    "trapped:",
    "  tail {fault}",
    fault = sym fault,
    start = sym start,
);

fn variant() -> &'static str {
    let is_soft = cfg!(not(target_feature = "f"));
    if is_soft { "riscv32imac" } else { "riscv32 with an FPU" }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the board's serial port, whose emulation is always ready.
            unsafe { write_volatile(SERIAL_PORT, byte) };
        }
        Ok(())
    }
}

fn exit(code: u32) -> ! {
    loop {
        // SAFETY: the board's register that ends the emulation.
        unsafe { write_volatile(TEST_DEVICE, code) };
    }
}

extern "C" fn start() -> ! {
    run::<HAS_MEMORY>(&mut Console, variant());
    exit(PASS)
}

extern "C" fn fault() -> ! {
    let (cause, address): (usize, usize);
    // SAFETY: reads the cause and the address of the trap.
    unsafe { asm!("csrr {}, mcause", "csrr {}, mepc", out(reg) cause, out(reg) address) };
    let _ = writeln!(Console, "trap {cause} at {address:#x}");
    exit(FAIL)
}

#[panic_handler]
fn fail(info: &PanicInfo) -> ! {
    let _ = writeln!(Console, "{info}");
    exit(FAIL)
}
