//! What the dual step promises, beside the reference in `dual_golden.rs`.

mod evidence;
mod forgetting;
mod ids;
mod learning;
mod people;
mod saving;
mod steps;
