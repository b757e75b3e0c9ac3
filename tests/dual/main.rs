//! The promises of the dual step; `dual_golden.rs` compares it with the reference.

mod bounds;
mod evidence;
mod forgetting;
mod ids;
mod learning;
mod people;
mod refused;
mod saving;
mod steps;
