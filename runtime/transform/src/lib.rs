#![doc = include_str!("../README.md")]

mod addresses;
mod column;
mod compile;
mod convert;
mod dates;
mod evaluate;
mod failure;
mod functions;
mod json;
mod lookup;
mod markup;
mod matching;
mod memory;
mod money;
mod node;
mod numbers;
mod operators;
mod outcome;
mod phones;
mod picklist;
mod program;
mod spec_tests;
mod text;
mod value;

pub use failure::{CompileError, CreatedOption, Failure, Orphan, Repair};
pub use json::to_json;
pub use lookup::{Cells, Lookup, LookupError, OwnerFound, Resolved};
pub use matching::{normalise_match, option_value};
pub use memory::{MemoryLookup, Trial};
pub use outcome::{Admission, Evaluated, Linked, Outcome, Partial, Pass, TableRow, Traced};
pub use program::Program;
pub use spec_tests::{Mismatch, SpecTestError, TestOutcome, run_spec_tests};
pub use text::comparable;
pub use value::{Country, Currency, FileValue, Money, Phone, Reference, Value};
