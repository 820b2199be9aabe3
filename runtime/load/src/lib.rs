#![doc = include_str!("../README.md")]

mod allowance;
mod automations;
mod body;
mod capabilities;
mod codec;
mod connector;
mod destination;
mod error;
mod fetch;
mod http;
mod options;
mod schema;
mod secret;
mod write;

pub use allowance::{Allowance, Clock, SystemClock};
pub use automations::{AutomationRuns, Automations};
pub use body::{Body, BodyText, in_form};
pub use capabilities::{Capabilities, Rate};
pub use codec::Codec;
pub use connector::{Connector, FileFacts, Open};
pub use destination::{
    AnsweredPage, AtFault, Barred, BoxFuture, Comparison, Deleted, Destination, Fault, Files, Found, Listing,
    MadeBeside, Map, Member, Metadata, Page, Records, Refusals, Removal, Spelling, StoredFile, Suspect, Uploaded,
    Values, by_tokens,
};
pub use error::LoadError;
pub use fetch::{FetchError, Fetched, LinkFetcher, check_link, is_link, link_host, shown_link};
pub use http::{Again, Call, CallError, Dialect, FormFile, Http, NoDebug, Payload, pause};
pub use options::{Endpoint, HttpOptions, Wait, WaitSink};
pub use schema::{FieldSchema, Made, ObjectSchema, OptionSchema, Schema, SetupOutcome, SetupRecord, UndoOutcome};
pub use secret::Secret;
pub use write::{IdPolicy, NewRecord, RecordRef, RecordUpdate, Refusal, Settlement, Unsettled, Written};
