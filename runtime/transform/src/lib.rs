#![doc = include_str!("../README.md")]

mod failure;
mod lookup;
mod outcome;
mod program;
mod value;

pub use failure::{CompileError, CreatedOption, Failure, Orphan, Repair};
pub use lookup::{Cells, Lookup, LookupError, OwnerFound, Resolved};
pub use outcome::{Admission, Evaluated, Linked, Outcome, Pass};
pub use program::Program;
pub use value::{Country, Currency, FileValue, Money, Phone, Reference, Value};
