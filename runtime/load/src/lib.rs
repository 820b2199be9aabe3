#![doc = include_str!("../README.md")]

mod allowance;
mod automations;
mod body;
mod capabilities;
mod codec;
mod destination;
mod error;
mod fetch;
mod http;
mod options;
mod schema;
mod secret;
mod twenty;
mod unfit;
mod write;

pub use allowance::{Clock, SystemClock};
pub use automations::{AutomationRuns, Automations};
pub use body::Body;
pub use capabilities::{Capabilities, Rate};
pub use codec::Codec;
pub use destination::{
    AnsweredPage, AtFault, BoxFuture, Comparison, Deleted, Destination, Fault, Found, Map, Member, Page, StoredFile,
    Suspect, Uploaded,
};
pub use error::LoadError;
pub use fetch::{FetchError, Fetched, LinkFetcher, check_link, is_link, link_host, shown_link};
pub use options::{Endpoint, HttpOptions, Wait, WaitSink};
pub use schema::{FieldSchema, Made, ObjectSchema, OptionSchema, Schema, SetupOutcome, SetupRecord, UndoOutcome};
pub use secret::Secret;
pub use unfit::{FILE_START, FileFitness, FileRule};
pub use write::{IdPolicy, NewRecord, RecordRef, RecordUpdate, Refusal, Written};

/// The destination that a plan names, at an address. Nothing is sent yet.
pub fn connect(
    plan: &migr_plan::Plan,
    endpoint: Endpoint,
    options: HttpOptions,
) -> Result<Box<dyn Destination>, LoadError> {
    match plan.destination.connector.as_str() {
        "twenty" => Ok(Box::new(twenty::Twenty::new(plan, endpoint, options)?)),
        other => Err(LoadError::NoConnector { connector: other.to_owned() }),
    }
}
