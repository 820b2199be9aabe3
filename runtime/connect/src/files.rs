//! Files that a destination refuses by name and content, whatever the record, known before they are sent.

use std::borrow::Cow;

use migr_load::Connector;
use migr_plan::{Destination, SettingValue};

/// Bytes of a file's start that are looked at.
pub const FILE_START: usize = 8192;

/// The setting of a destination that says what becomes of files that it refuses.
const SETTING: &str = "unfit_files";

/// True where the files that a destination refuses are sent under another name.
pub(crate) fn renames(destination: &Destination) -> bool {
    matches!(destination.settings.get(SETTING), Some(SettingValue::Text { value }) if value == "rename")
}

/// Fitness of a file with some name and first bytes ([`FILE_START`] are enough) for a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFitness<'n> {
    /// File that is sent under this name: its own, or another where the specification says so.
    Sent(Cow<'n, str>),
    /// The destination refuses it, for this reason.
    Refused(String),
}

/// The rule of a destination for files.
#[derive(Clone, Debug)]
pub struct FileRule<'p> {
    destination: &'p Destination,
    connector: Option<&'static Connector>,
    version: Option<String>,
    object: Option<&'p str>,
}

impl<'p> FileRule<'p> {
    /// The rule of a plan's destination; its version where it is known.
    pub fn new(destination: &'p Destination, version: Option<&str>) -> Self {
        Self {
            destination,
            connector: crate::connector(&destination.connector),
            version: version.map(str::to_owned),
            object: None,
        }
    }

    /// The same, for files that records of an object hold.
    #[must_use]
    pub fn of(self, object: &'p str) -> Self {
        Self { object: Some(object), ..self }
    }

    /// True where the destination keeps other bytes than those that are sent under a name.
    pub fn rewrites(&self, name: &str) -> bool {
        self.connector
            .is_some_and(|connector| connector.files.is_rewritten(self.destination, self.version.as_deref(), name))
    }

    /// Fitness of a file.
    pub fn fitness<'n>(&self, name: &'n str, start: &[u8]) -> FileFitness<'n> {
        let Some(connector) = self.connector else { return FileFitness::Sent(Cow::Borrowed(name)) };
        let Some(reason) = connector.files.refusal(self.destination, self.version.as_deref(), self.object, name, start)
        else {
            return FileFitness::Sent(Cow::Borrowed(name));
        };
        match connector.files.plain_name(name).filter(|_| renames(self.destination)) {
            Some(plain) => FileFitness::Sent(Cow::Owned(plain)),
            None => FileFitness::Refused(reason),
        }
    }
}
