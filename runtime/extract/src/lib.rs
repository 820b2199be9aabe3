#![doc = include_str!("../README.md")]

mod columns;
mod error;
mod export;
mod header;
mod json;
mod layout;
mod path;
mod places;
mod quotes;
mod record;
mod records;
mod scan;
mod usage;
mod watched;

pub use columns::column_name;
pub use error::ExtractError;
pub use export::Export;
pub use path::SourcePath;
pub use record::{OwnedRecord, Record, Row};
pub use records::Records;
pub use scan::Encoding;
