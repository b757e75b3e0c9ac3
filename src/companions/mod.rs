//! What stands beside an adapter: lists learned again, whether it helps, exploration.

pub(crate) mod explore;
pub(crate) mod holdback;
pub(crate) mod memory;
pub(crate) mod replay;
