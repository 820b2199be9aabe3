//! The trait of a system that records are written to, in parts of one purpose each.

mod files;
mod metadata;
mod records;
mod refusals;
mod spelling;
mod values;

use std::future::Future;
use std::pin::Pin;

pub use files::{AnsweredPage, Files, StoredFile, Uploaded};
pub use metadata::{Barred, Listing, Metadata};
pub use records::{Deleted, Found, MadeBeside, Member, Page, Records, Removal, by_tokens};
pub use refusals::{AtFault, Fault, Refusals, Suspect};
pub use spelling::Spelling;
pub use values::{Comparison, Values};

/// One JSON object: a body that is sent, or a record that was found.
pub type Map = serde_json::Map<String, serde_json::Value>;

/// A future behind a pointer, so that the trait can stand behind one too.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A system that records are written to: whatever has all the parts.
///
/// Objects are called by their name of many (`companies`), fields by the catalog's name. [`Metadata::known_schema`] must have succeeded once before anything of
/// [`Values`], [`Spelling`] and [`Files`], and anything that reads or writes records; what setup changes is known afterwards without another call.
///
/// A method has a default only where it follows from another one of the same part: whatever stands before a destination hands all else on, and the compiler says
/// what it forgot.
pub trait Destination: Metadata + Records + Values + Spelling + Files + Refusals {}

impl<D: Metadata + Records + Values + Spelling + Files + Refusals> Destination for D {}
