//! The C interface of MicroLoRA: `include/micro_lora.h` is generated from this crate.
//!
//! No function trusts its arguments: it checks pointers for NULL, alignment and overlap, and a handle by the guard
//! words before its state; the engine checks lengths. What cannot be checked is the caller's promise, the same for
//! every function and stated once in the header:
//!
//! - a pointer with a length points to that many values, initialised if they are read;
//! - nobody else writes to a buffer, or to a state, while a function works on it;
//! - a handle points to memory of the size that `mlora_init` was given.
//!
//! Functions are named as in C, so that the header can be read beside the code.

#![cfg_attr(not(test), no_std)]
#![deny(
    unsafe_op_in_unsafe_fn,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used
)]
#![allow(
    non_camel_case_types,
    clippy::missing_safety_doc,
    reason = "the names are C's, and so is the contract, said once above and in the header"
)]

mod apply;
mod batch;
mod buffer;
mod busy;
mod config;
mod environment;
mod explore;
mod holdback;
mod host;
mod learn;
mod lifecycle;
mod lists;
mod memory;
mod modules;
mod peft;
mod predictions;
mod recall;
mod replay;
mod ring;
mod sample;
mod save;
mod slab;
mod status;
mod teach;
mod weights;

pub use apply::*;
pub use batch::*;
pub use config::*;
pub use environment::*;
pub use explore::*;
pub use holdback::*;
pub use host::{mlora_lookup, mlora_vector, mlora_vectors};
pub use learn::*;
pub use lifecycle::*;
pub use lists::*;
pub use memory::{MLORA_ABI_VERSION, MLORA_INFERENCE, mlora};
pub use modules::*;
pub use peft::*;
pub use predictions::*;
pub use recall::*;
pub use replay::*;
pub use ring::mlora_replay;
pub use sample::*;
pub use save::*;
pub use slab::{mlora_memory, mlora_memory_layout, mlora_stored};
pub use status::{mlora_status, mlora_status_message, mlora_status_name};
pub use weights::*;
