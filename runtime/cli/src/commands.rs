//! One module per command.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod plan;
pub(crate) mod sandbox;
