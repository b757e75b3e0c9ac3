//! The builds of this crate, and what each leaves out. No other file of `src/` names their cfgs: the rest reads
//! the constants below, and `refuse`.
//!
//! - **whole**: no cfg. Everything is there.
//! - **terse**: `--cfg micro_lora_terse`, for a program of one thread that counts every byte; the npm package. An error
//!   inside the engine is one byte, its code. What it is about (name, expected, got) is written to `REPORT`, which the
//!   host reads, and [`Error`](crate::Error) is `Error::Reported`. Every check is still made.
//! - **lite**: `--cfg micro_lora_terse --cfg micro_lora_lite`, for the npm package's entry `lite`, whose JavaScript
//!   checks arguments and loaded documents before it calls the engine. Without: the checks of lengths and ranges
//!   ([`HOST_CHECKS`]), `REPORT` ([`REPORTS_DETAILS`]), every step but the dual one ([`DUAL_STEP_ONLY`]). Values
//!   that are not finite and results that overflow are refused here as everywhere.
//! - **dual**: `--cfg micro_lora_dual`, for a device that learns from lists alone. Without every step but the dual one
//!   ([`DUAL_STEP_ONLY`]): other feedback, and settings and states of another step, are refused ([`REFUSES_STEPS`]).

#[cfg(all(micro_lora_lite, not(micro_lora_terse)))]
compile_error!("micro_lora_lite: expected micro_lora_terse besides, got it alone");

/// Errors inside the engine: how they are made, and what they are.
#[cfg(not(micro_lora_terse))]
#[path = "error/whole.rs"]
pub(crate) mod refuse;
#[cfg(micro_lora_terse)]
#[path = "error/terse.rs"]
pub(crate) mod refuse;

/// An error of which only the code is known: [`Error::code`](crate::Error::code).
#[cfg(micro_lora_terse)]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reported(pub(crate) u8);
/// No value: errors of this build say everything.
#[cfg(not(micro_lora_terse))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reported {}

impl Reported {
    #[cfg(micro_lora_terse)]
    pub(crate) const fn code(&self) -> u32 {
        self.0 as u32
    }

    #[cfg(not(micro_lora_terse))]
    pub(crate) const fn code(&self) -> u32 {
        match *self {}
    }
}

/// Items of terse builds only.
#[cfg(micro_lora_terse)]
macro_rules! terse_only {
    ($($item:item)*) => { $($item)* };
}
#[cfg(not(micro_lora_terse))]
macro_rules! terse_only {
    ($($item:item)*) => {};
}
pub(crate) use terse_only;

/// Whether the host has checked every length, range and loaded value. Then `check_length`, `check_range` and
/// `check_initialised` accept everything, rows are not counted, and `take_up_weights` does not check the norms of the
/// matrices. `check_ranges`, which checks `Config` and loaded headers, still refuses.
pub(crate) const HOST_CHECKS: bool = cfg!(micro_lora_lite);

/// Whether a terse build reports the details of an error.
#[cfg(micro_lora_terse)]
pub(crate) const REPORTS_DETAILS: bool = !cfg!(micro_lora_lite);

/// Whether a shorter program is worth more than a faster one, where it is not the time that somebody waits for.
pub(crate) const COUNTS_BYTES: bool = cfg!(micro_lora_terse);

/// Whether an adapter that was never initialised has nothing but zeros in its arrays: then to start it touches `lora_A` and
/// its header alone, and pages that nobody wrote to need not be there.
pub(crate) const STARTS_ZEROED: bool = cfg!(micro_lora_terse);

/// Whether the dual step is the only one there is.
pub(crate) const DUAL_STEP_ONLY: bool = cfg!(any(micro_lora_lite, micro_lora_dual));

/// Whether settings and states of another step are refused here. Of lite, the host sees to it.
pub(crate) const REFUSES_STEPS: bool = cfg!(micro_lora_dual);
