//! The tests with the checks for undefined behaviour that the compiler and the standard library have: preconditions of
//! unsafe functions of `core`, null and misaligned pointers, overflow, and values of constants.

use xshell::Shell;

use super::rebuilt;
use crate::needs;
use crate::report::Report;

/// `core` checks its preconditions only where it is built with debug assertions.
const FLAGS: &str = "-Cdebug-assertions=on -Zextra-const-ub-checks";

/// The core, the C interface in Rust, and the C interface from C.
const PACKAGES: [&str; 6] =
    ["--package", "micro-lora", "--package", "micro-lora-ffi", "--package", "micro-lora-c-tests"];

pub fn run(shell: &Shell, report: &mut Report) {
    report.step("ub-checks", || {
        needs::ensure(shell, &[&needs::GCC])?;
        let (test, _) = rebuilt::cargo(shell, "test", "std,test,panic_unwind", FLAGS, "ub-checks")?;
        Ok(test
            .args(PACKAGES)
            .args(["--features", "micro-lora/alloc", "--lib", "--tests", "--no-fail-fast"])
            .run()?)
    });
}
