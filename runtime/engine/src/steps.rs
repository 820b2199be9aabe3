//! Steps that follow once the records of a stage are written: links, deferred fields, changes of written records, and the backfill of what was left empty.

pub(crate) mod backfill;
pub(crate) mod changes;
pub(crate) mod deferred;
pub(crate) mod exchange;
mod exchanging;
pub(crate) mod following;
pub(crate) mod given;
pub(crate) mod links;
pub(crate) mod together;
