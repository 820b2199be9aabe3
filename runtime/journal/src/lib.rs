#![doc = include_str!("../README.md")]

mod aside;
mod audit;
mod chain;
mod change;
mod codec;
mod derived;
mod error;
mod fields;
pub mod findings;
mod fold;
mod held;
mod ids;
mod lock;
mod reader;
mod remarks;
mod replay;
mod schema;
mod seal;
mod state;
mod workspace;
mod writer;
mod writes;
mod written;

pub use audit::{Line, Lines};
pub use chain::ChainReport;
pub use change::{
    BatchId, BeforeImage, Change, FileNote, FileSent, Intent, MendedNote, MovedNote, Operation, OrphanNote, OwnerNote,
    Planned, QuarantineNote, RecordResult, RepairNote, Settled, SetupNote, SkipNote, VanishedNote,
};
pub use error::JournalError;
pub use fields::{FieldDigests, RecordSalt};
pub use fold::{ChangedField, Counts, Fold, OWNERS, PlanFold, RunFold, StepFold};
pub use held::HeldReader;
pub use reader::{LastWritten, Mapped, MappedRow, NoteKind, NotedField, Reader, RecordReason, StepRow};
pub use remarks::{Filed, Orphaned, Quarantined, Remark, Repaired, Skipped};
pub use state::{State, StepId};
pub use workspace::Workspace;
pub use writer::{Identity, Journal};
pub use written::{AS_KEPT, Written, WrittenReader};

#[cfg(test)]
mod tests;
