//! Emulated bare chips.

use std::path::Path;

use xshell::{Cmd, Shell, cmd};

/// Runs a program on a board. Its semihosting output becomes stdout.
pub fn board<'a>(shell: &'a Shell, board: &str, program: &Path) -> Cmd<'a> {
    // By default the program's output would go to stderr, among QEMU's own messages.
    cmd!(shell, "qemu-system-arm -machine {board} -display none -monitor none -serial null")
        .args(["-chardev", "stdio,id=out"])
        .args(["-semihosting-config", "enable=on,target=native,chardev=out", "-kernel"])
        .arg(program)
}

/// The board `virt`: its serial port is stdout, and its test device gives the exit code.
pub fn riscv32<'a>(shell: &'a Shell, program: &Path) -> Cmd<'a> {
    cmd!(
        shell,
        "qemu-system-riscv32 -machine virt -display none -monitor none -serial stdio -bios none -kernel"
    )
    .arg(program)
}
