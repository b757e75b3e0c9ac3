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

mod adapter;
mod apply;
mod base64;
mod batch;
mod beside;
mod config;
mod crc;
mod error;
mod explore;
mod feedback;
mod forward;
mod frozen;
mod header;
mod holdback;
mod json;
mod kernel;
mod learn;
mod owned;
pub mod peft;
mod pull;
mod replay;
mod rng;
mod sample;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod short;
mod state;
mod stats;
mod step;
mod wire;

pub use adapter::{Adapter, AdapterMut};
pub use apply::Apply;
pub use batch::BatchReceipt;
pub use config::{Config, MAX_FEATURES, MAX_RANK, StepKind};
#[cfg(micro_lora_terse)]
#[doc(hidden)]
pub use error::refuse::REPORT;
pub use error::{Error, Result};
pub use explore::{Explore, MAX_DIRECTIONS, principal_directions};
pub use frozen::FrozenMut;
pub use header::Header;
pub use holdback::{Holdback, HoldbackReport, Serving};
pub use kernel::simd::Simd;
pub use learn::Learn;
pub use owned::{FrozenLora, MicroLora};
pub use replay::{REHEARSALS, Replay, ReplayEntry, ReplayHeader, ReplayMut};
pub use sample::{Choice, Feedback, Listwise, MAX_CANDIDATES, MIN_CANDIDATES, Sample};
pub use state::StateInfo;
pub use stats::{Outcome, Receipt, Skip, Stats};
