//! One module per command.

pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod graph;
pub(crate) mod journal;
pub(crate) mod man;
pub(crate) mod others;
pub(crate) mod plan;
pub(crate) mod quarantine;
pub(crate) mod report;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod setup;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod verify;
pub(crate) mod why;
