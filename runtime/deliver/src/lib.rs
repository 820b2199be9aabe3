#![doc = include_str!("../README.md")]

mod bisect;
mod executor;
mod hashing;
mod lost;
mod unit;
mod uploads;

pub use bisect::{Attempt, Bisector, Decided, Explained, HeldRecord, carry_out, refused, result};
pub use executor::{Executor, InProcess};
pub use hashing::file_hash;
pub use lost::{those_there, uncertain};
pub use unit::{FileFate, RecordOutcome, RefusedTogether, Unit, UnitRecord, UnitResult, Uploads, WriteResult};
