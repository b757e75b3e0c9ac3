//! The floating-point mode of the caller.

use crate::status::mlora_status::{self, *};
use crate::status::run;

/// Checks that this thread has the default floating-point mode: rounding to nearest, subnormal numbers kept. Audio
/// code, games and -ffast-math change it. In another mode nothing breaks, and files load with the same bits, but
/// results may differ in their last bits from those of other machines. For unmasked exceptions (feenableexcept) see
/// docs/floating-point.md.
///
/// Errors: ENVIRONMENT.
/// Threads: any number at once, each about its own mode.
#[unsafe(no_mangle)]
pub extern "C" fn mlora_check_environment() -> mlora_status {
    run(|| micro_lora::check_environment().map_err(|_| MLORA_ERROR_ENVIRONMENT))
}
