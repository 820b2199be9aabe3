//! Actions for a record that meets another, and values as people read them.

use migr_journal::NoteKind;
use serde::{Deserialize, Serialize};

use crate::parts::holds_something;

/// Note on a value that stays, since the export has none.
pub const KEPT: &str = "the export has no value: what is there stays (`on empty keep`)";

/// Note on a value of the export that is not written, since the destination holds another one.
pub const OUTDONE: &str = "the destination holds another value, which stays: that of the export is not written";

/// Start of the note on a value that another record's value was taken before when both became one.
pub const MERGED: &str = "gave way in the merge into ";

/// Notes on values that stay, since the export has none.
pub const KEPT_NOTES: NoteKind<'_> = NoteKind { code: "R201", start: KEPT };
/// Notes on values that stay, although the export has others.
pub const OUTDONE_NOTES: NoteKind<'_> = NoteKind { code: "R202", start: OUTDONE };
/// Notes on values that gave way in a merge.
pub const MERGED_NOTES: NoteKind<'_> = NoteKind { code: "R203", start: MERGED };

/// Characters of a value that are shown.
const SHOWN: usize = 200;

/// Action for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewAction {
    /// A record of the destination is changed.
    Change,
    /// Record is restored from the trash, and changed where that is needed.
    Restore,
    /// A record in the trash is destroyed, and a new one made.
    Replace,
    /// A record of the destination is left as it is.
    Keep,
    /// A field of a record of the destination holds another value than the export says, and keeps it.
    Stay,
    /// The record of the source is quarantined because the destination has it.
    SetAside,
    /// The record of the source becomes one with another.
    Merge,
    /// Another record of the source stands for it.
    GiveWay,
    /// The export has the record no more: it stays in the destination.
    Vanish,
    /// The export has the record no more: it goes into the trash.
    Trash,
}

impl PreviewAction {
    const ALL: [Self; 10] = [
        Self::Change,
        Self::Restore,
        Self::Replace,
        Self::Keep,
        Self::Stay,
        Self::SetAside,
        Self::Merge,
        Self::GiveWay,
        Self::Vanish,
        Self::Trash,
    ];

    /// The action of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// Name of the action in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Restore => "restore",
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Stay => "stay",
            Self::SetAside => "set_aside",
            Self::Merge => "merge",
            Self::GiveWay => "give_way",
            Self::Vanish => "vanish",
            Self::Trash => "trash",
        }
    }
}

/// Values for people, joined.
pub fn shown_values<'v>(values: impl IntoIterator<Item = &'v serde_json::Value>) -> String {
    values.into_iter().map(shown_json).collect::<Vec<_>>().join(", ")
}

/// A value for people: texts as they are; of an object the parts that hold something; cut short.
fn shown_json(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(parts) => {
            let parts = parts.iter().filter(|(_, part)| holds_something(part));
            parts.map(|(name, part)| format!("{name}: {}", shown_json(part))).collect::<Vec<_>>().join(", ")
        }
        other if holds_something(other) => other.to_string(),
        _ => String::new(),
    };
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() { format!("{start}…") } else { start }
}
