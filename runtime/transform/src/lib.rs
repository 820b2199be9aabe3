#![allow(dead_code)]
#![doc = include_str!("../README.md")]

mod addresses;
mod dates;
mod failure;
mod lookup;
mod money;
mod numbers;
mod outcome;
mod phones;
mod program;
mod text;
mod value;

pub use failure::{CompileError, CreatedOption, Failure, Orphan, Repair};
pub use lookup::{Cells, Lookup, LookupError, OwnerFound, Resolved};
pub use outcome::{Admission, Evaluated, Linked, Outcome, Pass};
pub use program::Program;
pub use text::comparable;
pub use value::{Country, Currency, FileValue, Money, Phone, Reference, Value};
