#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
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
mod api;
mod config;
mod error;
mod feedback;
mod header;
mod kernel;
mod owned;
mod rng;
mod sample;
mod stats;
mod step;

pub use adapter::{Adapter, AdapterMut};
pub use api::{Apply, Learn};
pub use config::{Config, MAX_FEATURES, MAX_RANK, StepKind};
pub use error::{Error, Result};
pub use header::Header;
pub use owned::{FrozenLora, MicroLora};
pub use sample::{Choice, Listwise, MAX_CANDIDATES, MIN_CANDIDATES, Sample};
pub use stats::{Outcome, Receipt, Skip, Stats};
