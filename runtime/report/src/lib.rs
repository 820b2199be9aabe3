#![doc = include_str!("../README.md")]

mod approvals;
mod attention;
mod build;
mod delta;
mod groups;
pub mod html;
mod listings;
mod lists;
pub mod markdown;
mod model;
mod outcome;
pub mod sample;
mod sections;
mod undeclared;
pub mod words;

pub use approvals::{Approved, changed_since};
pub use delta::{Delta, FieldOfRecord, MapDelta, kept_as_written};
pub use groups::{kind_of_reason, without_words_of_records};
pub use listings::{Listings, write_cells};
pub use lists::{ListName, Lists, Maps, shown as shown_key};
pub use model::{
    Attention, Coverage, Degraded, Files, Imbalance, List, Moved, Object, Orphan, OrphanRecord, Owner,
    PermittedWorkflow, PlanUse, QuarantineList, Quarantined, Reason, Repaired, Report, Run, SchemaChange, Skipped,
    UnsentFile, UpdatedField, Urgency, quarantine_schema, schema,
};
pub use outcome::{Difference, Finding, MapVerification, Missing, Rollback, RollbackStep, Verification, not_there};
pub use undeclared::{Undeclared, UndeclaredColumn};

#[cfg(test)]
mod tests;
