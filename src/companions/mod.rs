//! Values that a host may keep with an adapter: rings and memories of lists, the holdback, the explorer.

pub(crate) mod explore;
pub(crate) mod holdback;
pub(crate) mod memory;
pub(crate) mod replay;
