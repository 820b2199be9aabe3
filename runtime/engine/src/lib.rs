#![doc = include_str!("../README.md")]

pub mod audit;
mod automations;
mod begun;
mod bound;
mod checklist;
mod context;
mod crash;
mod delta;
mod drift;
mod error;
mod going_on;
mod held_otherwise;
mod kept_apart;
mod lacking;
mod named_records;
mod nobody;
mod opening;
mod produce;
mod read_otherwise;
mod rebuild;
mod retry;
mod rollback;
mod run;
mod sample;
mod setup;
mod shared;
mod since;
mod stage;
mod stamps;
mod step_writer;
mod steps;
mod trial;
mod update_plan;
mod verify;
mod wanted_schema;
mod why;

pub use bound::{digest, effect_of, schema_digests, schema_digests_without_setup};
pub use checklist::{ChecklistItem, ChecklistState, checklist, gone_since, schema_checklist};
pub use context::{Context, RunOptions};
pub use delta::{MapLater, close as close_delta, has_delta, is_under_way, look_at, look_at_files, pick_up};
pub use drift::{DriftSummary, DriftedRecord, drift};
pub use error::EngineError;
pub use going_on::{EarlierPlans, adopt, earlier_plans, go_on};
pub use kept_apart::{keep_apart, keep_apart_there};
pub use lacking::Lack;
pub use migr_decide::files::FileState;
pub use migr_decide::kin::judge;
pub use migr_decide::preview::{KEPT, OUTDONE};
pub use migr_decide::project::{note_project, project_of};
pub use migr_decide::proof::{FormatProof, Proofs, proofs};
pub use migr_decide::upload::{Upload, UploadFrom};
pub use migr_decide::{CancellationFlag, DecideError, Event, Ids, Progress, SharedJournal, Silent};
pub use migr_deliver::{
    Executor, FileFate, InProcess, MaxFailures, RecordOutcome, RefusedTogether, Unit, UnitRecord, UnitResult, Uploads,
    WriteResult,
};
pub use opening::changed_file;
pub use read_otherwise::read_otherwise;
pub use rebuild::{Definition, Rebuild, Step};
pub use retry::{Released, Word, retry, settle};
pub use rollback::{
    ChangedPolicy, KeptField, NotUndone, RollbackContext, RollbackSummary, rollback, set_journal_aside,
};
pub use run::{RunSummary, run, run_with};
pub use sample::{SampleOptions, SampleRun, sample};
pub use setup::{SetupSummary, setup, setup_for_run};
pub use since::{Asked, ChangeClass, FieldSince, MapSince, Since, Touched, since};
pub use trial::{begin_trial, end_trial};
pub use verify::{DifferenceSink, VerifyDifference, VerifyMissing, VerifySummary, verify};
pub use why::{FieldLineage, Lineage, PicklistLineage, SourceCell, why};
