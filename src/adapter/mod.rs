//! What an adapter is: limits, settings, header, borrowed views, owners, statistics, and what changes them.

mod changes;
pub(crate) mod config;
pub(crate) mod frozen;
pub(crate) mod header;
pub(crate) mod limits;
pub(crate) mod owned;
mod snapshot;
pub(crate) mod stats;
mod traits;
pub(crate) mod view;
