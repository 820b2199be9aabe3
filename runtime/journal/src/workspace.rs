//! The workspace that a journal is bound to.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::JournalError;

/// Workspace of a destination: where it is, and which one it is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Workspace {
    /// The host, with its port where it has one of its own.
    pub host: String,
    /// The workspace's or location's id, where the destination tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The destination's own word for a workspace; no part of which one it is, and not kept.
    #[serde(skip, default = "usual_word")]
    pub word: &'static str,
}

fn usual_word() -> &'static str {
    "workspace"
}

impl PartialEq for Workspace {
    fn eq(&self, other: &Self) -> bool {
        (&self.host, &self.id) == (&other.host, &other.id)
    }
}

impl Eq for Workspace {}

impl Workspace {
    /// True where this is the workspace that a journal was begun with. What only one of the two knows is not held
    /// against it.
    pub(crate) fn is(&self, bound: &Self) -> bool {
        let other_id = self.id.as_ref().zip(bound.id.as_ref()).is_some_and(|(id, bound)| id != bound);
        self.host == bound.host && !other_id
    }

    /// An error where this is not the workspace that the journal was begun with.
    pub(crate) fn check(&self, bound: &Self, journal: &Path) -> Result<(), JournalError> {
        if self.is(bound) {
            return Ok(());
        }
        let bound = Self { word: self.word, ..bound.clone() };
        let (path, found, wanted) = (journal.to_owned(), bound.to_string(), self.to_string());
        Err(JournalError::OtherWorkspace { path, word: self.word, found, wanted })
    }
}

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{}, {} {id}", self.host, self.word),
            None => f.write_str(&self.host),
        }
    }
}
