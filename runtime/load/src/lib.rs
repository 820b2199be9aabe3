#![doc = include_str!("../README.md")]

mod capabilities;
mod destination;
mod error;
mod http;
mod options;
mod schema;
mod secret;

pub use capabilities::{Capabilities, Rate};
pub use destination::{
    BoxFuture, Change, Comparison, Created, Deleted, Destination, Found, Map, Member, NewRecord, Page, StoredFile,
    Uploaded,
};
pub use error::{BatchError, LoadError};
pub use options::{Endpoint, HttpOptions};
pub use schema::{FieldSchema, Made, ObjectSchema, OptionSchema, Schema, SetupOutcome, SetupRecord, UndoOutcome};
pub use secret::Secret;
