//! State in which a record ended, and the steps of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// State in which a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Record that was not there and is now.
    Created,
    /// Record that was there and was changed.
    Updated,
    /// Record that was there, up to date.
    Unchanged,
    /// Record that stayed behind by a written rule.
    Skipped,
    /// Record that was quarantined for a person.
    Quarantined,
    /// Record that was sent and may have been written: it is in quarantine until a person has looked.
    Uncertain,
}

impl State {
    /// True where a person has to look at the record.
    pub fn is_quarantined(self) -> bool {
        matches!(self, Self::Quarantined | Self::Uncertain)
    }

    /// True where the destination has the record.
    pub fn is_there(self) -> bool {
        matches!(self, Self::Created | Self::Updated | Self::Unchanged)
    }

    /// The number that stands for it in the file.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Created => 1,
            Self::Updated => 2,
            Self::Unchanged => 3,
            Self::Skipped => 4,
            Self::Quarantined => 5,
            Self::Uncertain => 6,
        }
    }

    /// The state of a number.
    pub(crate) fn of(number: i64) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Unchanged, Self::Skipped, Self::Quarantined, Self::Uncertain]
            .into_iter()
            .find(|state| state.number() == number)
    }

    /// Name of the state in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Quarantined => "quarantined",
            Self::Uncertain => "uncertain",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A step of a run in this journal: a stage, its links, or its deferred fields. Valid for one journal file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub(crate) i64);

impl StepId {
    /// Step that no journal has begun, by its place among such steps: for what is only foreseen.
    pub fn unbegun(place: usize) -> Self {
        Self(i64::try_from(place).map_or(i64::MIN, |place| -1 - place))
    }

    /// True where a journal has begun the step.
    pub fn is_begun(self) -> bool {
        self.0 >= 0
    }

    /// The number that stands for it.
    pub fn number(self) -> i64 {
        self.0
    }
}
