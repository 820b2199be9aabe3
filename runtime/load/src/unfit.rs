//! Files that a destination refuses by name and content, whatever the record, known before they are sent.

use std::borrow::Cow;

use migr_plan::{Destination, SettingValue};

pub use crate::twenty::FILE_START;

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
#[derive(Clone, Copy, Debug)]
pub struct FileRule<'p> {
    destination: &'p Destination,
    version: Option<FileVersion>,
}

/// Versions between which the rules for files differ.
#[derive(Clone, Copy, Debug)]
enum FileVersion {
    Older,
    Newer,
}

impl<'p> FileRule<'p> {
    /// The rule of a plan's destination; its version where it is known.
    pub fn new(destination: &'p Destination, version: Option<&str>) -> Self {
        let version =
            version.map(|version| if version.starts_with('1') { FileVersion::Older } else { FileVersion::Newer });
        Self { destination, version }
    }

    /// The version, as far as it is known.
    fn version(&self) -> Option<&'static str> {
        match self.version {
            Some(FileVersion::Older) => Some("1"),
            Some(FileVersion::Newer) => Some("2"),
            None if self.destination.system.ends_with("_1") => Some("1"),
            None => None,
        }
    }

    /// True where the destination keeps other bytes than those that are sent under a name.
    pub fn rewrites(&self, name: &str) -> bool {
        match self.destination.connector.as_str() {
            "twenty" => crate::twenty::is_rewritten(self.version(), name),
            _ => false,
        }
    }

    /// Fitness of a file.
    pub fn fitness<'n>(&self, name: &'n str, start: &[u8]) -> FileFitness<'n> {
        let refused = match self.destination.connector.as_str() {
            "twenty" => crate::twenty::file_refusal(self.version(), name, start),
            _ => None,
        };
        match refused {
            None => FileFitness::Sent(Cow::Borrowed(name)),
            Some(_) if renames(self.destination) => FileFitness::Sent(Cow::Owned(crate::twenty::plain_name(name))),
            Some(reason) => FileFitness::Refused(reason),
        }
    }
}
