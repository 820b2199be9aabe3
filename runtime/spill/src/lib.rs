#![doc = include_str!("../README.md")]

pub mod cycles;
mod database;
mod error;
mod groups;
mod inventory;
mod later;
mod made;
mod numbers;
mod outcomes;
mod references;
mod remembered;
mod repeats;
mod row_notes;
mod row_set;
mod spill;

pub use error::SpillError;
pub use groups::{GivenWay, Sharing, SortedRow};
pub use inventory::{Inventory, ReferredRow};
pub use later::{KeyFate, LaterExport};
pub use made::MadeRecords;
pub use outcomes::{KeyOutcome, Meeting, Outcomes, SharedValue};
pub use repeats::{RepeatedKeys, Repeats};
pub use row_notes::RowNotes;
pub use row_set::RowSet;
pub use rusqlite::types::Value as SortValue;
pub use spill::Spill;
