#![doc = include_str!("../README.md")]

mod adopted;
mod alike;
mod batch_writer;
mod batcher;
mod bisect;
mod doubt;
mod error;
mod executor;
mod groups;
mod in_doubt;
mod in_flight;
mod left_open;
mod lost;
mod precheck;
mod reconcile;
mod shared;
mod unit;
mod uploads;

pub use adopted::{bears_our_id, doubt, is_by_another};
pub use batch_writer::{BatchWriter, Refused, Target};
pub use batcher::Batcher;
pub use bisect::{Attempt, Bisector, Decided, Explained, HeldRecord, carry_out, refused, result};
pub use error::DeliverError;
pub use executor::{Executor, InProcess};
pub use groups::Groups;
pub use left_open::OpenIntent;
pub use lost::{those_there, uncertain};
pub use reconcile::{Known, outcome_of_intent, unknown_outcome};
pub use shared::{MaxFailures, Shared};
pub use unit::{
    Doubtful, FileFate, RecordOutcome, RefusedTogether, Unit, UnitRecord, UnitResult, Uploads, WriteResult,
};
