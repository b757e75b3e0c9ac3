//! Bare chips in an emulator.

use std::path::Path;

use xshell::{Cmd, Shell, cmd};

/// Runs a program on a board. What it prints by semihosting comes to stdout.
pub fn board<'a>(shell: &'a Shell, board: &str, program: &Path) -> Cmd<'a> {
    // What the program prints would go to stderr, among QEMU's own messages.
    cmd!(shell, "qemu-system-arm -machine {board} -display none -monitor none -serial null")
        .args(["-chardev", "stdio,id=out"])
        .args(["-semihosting-config", "enable=on,target=native,chardev=out", "-kernel"])
        .arg(program)
}

/// The board `virt`, whose serial port comes to stdout and whose test device gives the exit code.
pub fn riscv32<'a>(shell: &'a Shell, program: &Path) -> Cmd<'a> {
    cmd!(
        shell,
        "qemu-system-riscv32 -machine virt -display none -monitor none -serial stdio -bios none -kernel"
    )
    .arg(program)
}
