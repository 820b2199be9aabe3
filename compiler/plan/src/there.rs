//! Counts of a run's effects on records that are in the destination already.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Count;

/// Effects of a run on records that are in the destination already, and on source records that would be merged; as an audit counted them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct There {
    /// Records of the destination that are changed.
    pub changed: Count,
    /// Those that hold all that would be written.
    pub unchanged: Count,
    /// Those that are left as they are by the map's policy.
    pub kept: Count,
    /// Those that come out of the trash.
    pub restored: Count,
    /// Those in the trash that are destroyed and made anew.
    pub replaced: Count,
    /// Records of the source that are quarantined because the destination has them.
    pub set_aside: Count,
    /// Records of the source that become one with another.
    pub merged: Count,
    /// Records of the source for which another one stands.
    pub given_way: Count,
    /// Fields that change, with the number of their records, in the order in which they were met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<ThereField>,
    /// Fields and parts of those records whose values stay, since the export has none, with the number of their records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_fields: Vec<ThereField>,
    /// Fields of those records that hold something else than the export says, and stay, with the number of their records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outdone_fields: Vec<ThereField>,
    /// Fields of written records that people changed in the destination since and that spec or export would change too, with the number of their records:
    /// they go by `on conflict`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<ThereField>,
    /// Written records that the export has no more, and that stay.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vanished: Count,
    /// Those that go into the trash.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trashed: Count,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
pub(crate) fn is_zero(count: &Count) -> bool {
    *count == 0
}

/// A field that changes, or stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThereField {
    /// The destination field.
    pub field: String,
    /// Records in which it does.
    pub records: Count,
}

/// `jobTitle 2, phones 1`
fn listed(fields: &[ThereField]) -> String {
    fields.iter().map(|field| format!("{} {}", field.field, field.records)).collect::<Vec<_>>().join(", ")
}

impl There {
    /// Nothing was met.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// In words, by `; `: `3 records change (jobTitle 2, phones 1); 1 comes out of the trash`.
    pub fn in_words(&self) -> String {
        let mut words = Vec::new();
        let mut say = |count: Count, one: &str, many: &str| {
            if count > 0 {
                words.push(format!("{count} {}", if count == 1 { one } else { many }));
            }
        };
        say(self.changed, "record there changes", "records there change");
        say(self.unchanged, "needs no change", "need no change");
        say(self.kept, "is left as it is", "are left as they are");
        say(self.restored, "comes out of the trash", "come out of the trash");
        say(self.replaced, "in the trash is replaced", "in the trash are replaced");
        say(self.set_aside, "is quarantined because it is there", "are quarantined because they are there");
        say(self.merged, "of the source becomes one with another", "of the source become one with others");
        say(self.given_way, "of the source gives way to another", "of the source give way to others");
        say(self.vanished, "is in the export no more and stays", "are in the export no more and stay");
        say(
            self.trashed,
            "is in the export no more and goes into the trash",
            "are in the export no more and go into the trash",
        );
        if !self.fields.is_empty() {
            words.push(format!("fields that change: {}", listed(&self.fields)));
        }
        if !self.conflicts.is_empty() {
            words.push(format!("changed in the destination since they were written: {}", listed(&self.conflicts)));
        }
        if !self.kept_fields.is_empty() {
            words.push(format!("values that stay, since the export has none: {}", listed(&self.kept_fields)));
        }
        if !self.outdone_fields.is_empty() {
            words.push(format!(
                "values of the export that are not written, since the destination holds others: {}",
                listed(&self.outdone_fields)
            ));
        }
        words.join("; ")
    }
}
