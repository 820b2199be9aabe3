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

    /// The most bytes of a file: those of the place that takes it, and no more than are stated for all.
    pub fn most(&self, name: &str, stated: Option<u64>) -> Option<u64> {
        let of_place = self.connector.and_then(|connector| connector.files.most_bytes(self.object, name));
        of_place.into_iter().chain(stated).min()
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

#[cfg(test)]
mod tests {
    use super::FileRule;

    fn destination(connector: &str) -> migr_plan::Destination {
        let json =
            serde_json::json!({ "name": "d", "system": "d", "connector": connector, "settings": {}, "limits": [] });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_most_bytes_are_those_of_the_place_and_no_more_than_are_stated() {
        let located = destination("highlevel");
        let most = |object, name| FileRule::new(&located, None).of(object).most(name, None);
        assert_eq!(most("contactFiles", "scan.pdf"), Some(50_000_000));
        assert_eq!(most("contactFiles", "film.MP4"), Some(50_000_000));
        assert_eq!(most("media", "scan.pdf"), Some(25_000_000));
        assert_eq!(most("media", "film.MP4"), Some(500_000_000));
        assert_eq!(FileRule::new(&located, None).of("media").most("film.mp4", Some(10)), Some(10));
        let other = destination("twenty");
        assert_eq!(FileRule::new(&other, None).of("attachments").most("film.mp4", Some(10)), Some(10));
        assert_eq!(FileRule::new(&other, None).of("attachments").most("film.mp4", None), None);
    }
}
