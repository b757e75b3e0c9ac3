//! Prints the results of the script of operations.

use core::fmt::{Display, Write};

use crate::script::{self, Outcome};

/// Any error is a panic, which ends the program with a message and an error code.
pub fn run<const HAS_MEMORY: bool>(console: &mut impl Write, variant: impl Display) {
    writeln!(console, "variant: {variant}").unwrap();
    let mut print = |Outcome { shape, script, save }: Outcome| {
        writeln!(console, "{shape}: script {script:#018x}, save {save:#018x}").unwrap();
    };
    script::small(&mut [0; script::SMALL_BUFFER], &mut print).unwrap();
    if HAS_MEMORY {
        large(&mut print);
    }
}

// Not inlined, so that the small shapes do not carry its buffer on their stack.
#[inline(never)]
fn large(print: &mut dyn FnMut(Outcome)) {
    script::large(&mut [0; script::LARGE_BUFFER], print).unwrap();
}
