//! A connector: what the program must know of a system before it is spoken to, and how it is opened.

use std::fmt;

use migr_plan::{Destination as Stated, Plan};

use crate::{Destination, Endpoint, HttpOptions, LoadError};

/// Opener of the destination of a plan, at an address.
pub type Open = fn(&Plan, Endpoint, HttpOptions) -> Result<Box<dyn Destination>, LoadError>;

/// A system that this program can write to.
#[derive(Clone, Copy, Debug)]
pub struct Connector {
    /// Name by which catalogs call it (`connector NAME`).
    pub name: &'static str,
    /// Address of a system that has one for everybody; none: each destination states its own.
    pub url: Option<&'static str>,
    /// Names of the settings that it reads, besides those that every destination has.
    pub settings: &'static [&'static str],
    /// Opens the destination of a plan. Nothing is sent yet.
    pub open: Open,
    /// Treatment of files by the system.
    pub files: &'static dyn FileFacts,
}

/// Treatment of files by a system, by their names and first bytes alone. Pure.
pub trait FileFacts: fmt::Debug + Sync {
    /// Reason for which a file is refused whatever the record, as far as a version is known and the object whose record holds it; none where it is taken.
    fn refusal(
        &self,
        destination: &Stated,
        version: Option<&str>,
        object: Option<&str>,
        name: &str,
        start: &[u8],
    ) -> Option<String>;

    /// The most bytes of a file that the place takes where a record of the object holds it; none where the system has one bound for all.
    fn most_bytes(&self, object: Option<&str>, name: &str) -> Option<u64> {
        let _ = (object, name);
        None
    }

    /// True where other bytes are kept than those that are sent under a name.
    fn is_rewritten(&self, destination: &Stated, version: Option<&str>, name: &str) -> bool;

    /// A name under which a refused file is taken; none where there is none.
    fn plain_name(&self, name: &str) -> Option<String>;
}
