#![doc = include_str!("../README.md")]

mod changes;
mod identity;
mod kind;
mod owned;
mod records;
pub mod render;
mod sentence;
mod setting;
mod words;

use std::collections::BTreeMap;

use migr_plan::{Lock, Plan, ReadingSetting};
use schemars::JsonSchema;
use serde::Serialize;

use changes::Found;
pub use kind::Kind;

/// The version of a diff's JSON form. Raised when a reader of the old form would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

/// The differences of two plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diff {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Every change, causes before what follows from them, by kind and path.
    pub changes: Vec<Change>,
    /// Counts of the causes.
    pub summary: Summary,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// Effect of the change.
    pub kind: Kind,
    /// Place in the plan, by names: `map Deal.stage`.
    pub path: String,
    /// The earlier plan's value; absent where the later plan adds it.
    pub before: Option<String>,
    /// The later plan's value; absent where it was taken away.
    pub after: Option<String>,
    /// Records that it concerns, where a lock counts them.
    pub records: Option<u64>,
    /// True where no more than these records differ, and only the export's rows tell how many do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most: bool,
    /// Owners that it concerns, where it is about who owns and a lock counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<u64>,
    /// True where the change follows from another change of the list.
    pub follows: bool,
}

/// Counts of changes that follow from no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Number of all changes.
    pub changes: usize,
    /// By kind, in the order of kinds.
    pub kinds: Vec<KindCount>,
    /// One sentence.
    pub sentence: String,
}

/// Changes of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KindCount {
    /// The kind.
    pub kind: Kind,
    /// Number of changes of the kind.
    pub changes: usize,
    /// The records that they concern, those of one field, row or rule once; absent where one was not counted.
    pub records: Option<u64>,
    /// True where one of the changes has no more records than these.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most: bool,
}

impl Diff {
    /// True where nothing differs by meaning.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Counts that tell how many records a change concerns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts<'c> {
    /// Counts of an audit.
    pub lock: Option<&'c Lock>,
    /// Records that differ by a setting, as the export's rows say it; without them the lock's counts of what the setting reads stand in.
    pub read_otherwise: Option<&'c BTreeMap<ReadingSetting, u64>>,
}

/// Differences by meaning of two plans; with counts, the records that each concerns.
pub fn diff(before: &Plan, after: &Plan, counts: Counts<'_>) -> Diff {
    let mut changes = changes::between(before, after);
    let lock = counts.lock;
    for found in &mut changes {
        let setting = setting::of(found, (before, after));
        let counted = setting.and_then(|change| counts.read_otherwise?.get(&change.setting()).copied());
        found.change.at_most = setting.is_some() && counted.is_none() && lock.is_some();
        found.change.records = counted.or_else(|| match setting {
            Some(change) => Some(setting::concerned(change, after, lock?)),
            None => records::concerned(found, (before, after), lock?),
        });
        found.change.owners = lock.and_then(|lock| owned::of(found, after, lock)).map(|owned| owned.owners);
    }
    changes.sort_by(|a, b| {
        let rank = |found: &'_ Found| (found.change.follows, found.change.kind);
        rank(a).cmp(&rank(b)).then_with(|| a.change.path.cmp(&b.change.path))
    });
    let summary = sentence::summary(&changes, (before, after), lock);
    let changes = changes.into_iter().map(|found| found.change).collect();
    Diff { format_version: FORMAT_VERSION, changes, summary }
}

/// The JSON Schema (2020-12) of a diff.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Diff).to_value()
}
