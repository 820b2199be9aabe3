#![doc = include_str!("../README.md")]

mod attention;
mod build;
mod groups;
pub mod html;
pub mod markdown;
mod model;
mod outcome;
mod words;

pub use model::{
    Attention, Coverage, Degraded, Imbalance, Moved, Object, Orphan, OrphanRecord, Owner, Quarantined, Repaired,
    Report, Run, SchemaChange, Skipped, Urgency,
};
pub use outcome::{Difference, Finding, MapVerification, Missing, Rollback, RollbackStep, Verification};

#[cfg(test)]
mod tests;
