//! The board is a bare Cortex-M in an emulator, and prints by semihosting.

use core::panic::PanicInfo;

use cortex_m::singleton;
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::{debug, hprintln};

// The macro takes no captured arguments: it would print `println!("{len}")` literally.
pub use cortex_m_semihosting::hprintln as println;

use crate::suggestions::{Lora, run};

#[entry]
fn main() -> ! {
    // Statics that are handed out once, so that no adapter is ever on the stack.
    let lora = singleton!(LORA: Lora = Lora::zeroed());
    let json = singleton!(JSON: [u8; Lora::JSON_MAX] = [0; Lora::JSON_MAX]);
    match lora.zip(json).map(|(lora, json)| run(lora, json)) {
        Some(Ok(())) => stop(debug::EXIT_SUCCESS),
        Some(Err(error)) => hprintln!("{}", error),
        None => hprintln!("the statics were taken twice"),
    }
    stop(debug::EXIT_FAILURE)
}

fn stop(status: debug::ExitStatus) -> ! {
    loop {
        debug::exit(status);
    }
}

#[exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    hprintln!("the chip faulted");
    stop(debug::EXIT_FAILURE)
}

#[panic_handler]
fn fail(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    stop(debug::EXIT_FAILURE)
}
