#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
#![doc = include_str!("../README.md")]

#[cfg(feature = "alloc")]
extern crate alloc;

mod adapter;
#[cfg(feature = "alloc")]
mod boxed;
mod companions;
mod error;
mod forward;
mod kernel;
#[doc(hidden)]
pub mod layout;
mod learn;
pub mod peft;
mod profile;
mod state;

pub use adapter::config::{Config, MAX_FEATURES, MAX_RANK, StepKind};
pub use adapter::frozen::{FrozenLora, FrozenMut};
pub use adapter::header::Header;
pub use adapter::owned::MicroLora;
pub use adapter::stats::{Outcome, Predictions, Receipt, Skip, Stats};
pub use adapter::view::{Adapter, AdapterMut};
pub use companions::explore::{Explore, MAX_DIRECTIONS, principal_directions};
pub use companions::holdback::{Holdback, HoldbackReport, Serving};
pub use companions::memory::{
    Clicks, Forgotten, Lookup, Memory, MemoryHeader, MemoryLayout, MemoryMut, MemoryReceipt, Stored, VISITS,
    VectorId, no_vectors,
};
pub use companions::replay::{REHEARSALS, Replay, ReplayEntry, ReplayHeader, ReplayMut};
pub use error::{Error, Result};
pub use forward::apply::Apply;
pub use kernel::environment::check_environment;
pub use kernel::simd::Simd;
pub use learn::Learn;
pub use learn::batch::BatchReceipt;
pub use learn::sample::{Choice, Feedback, Listwise, MAX_CANDIDATES, MIN_CANDIDATES, Sample};
pub use state::StateInfo;

profile::terse_only! {
    #[doc(hidden)]
    pub use profile::refuse::REPORT;
}
