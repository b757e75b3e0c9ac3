//! What an adapter is: limits, settings, header, borrowed views, owners, statistics.

#[cfg(feature = "alloc")]
mod boxed;
pub(crate) mod config;
pub(crate) mod frozen;
pub(crate) mod header;
pub(crate) mod limits;
pub(crate) mod owned;
pub(crate) mod stats;
pub(crate) mod view;
