//! Part of a lock that counts the results of each stage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Count, There};

/// Results that the maps would have on the export, as of one state of the spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedStages {
    /// Hash of what the counts depend on besides the data; see [`crate::lock::counted_inputs`].
    pub inputs: String,
    /// The destination was looked at too: updates are counted. Else every record that is clean counts as created.
    pub with_destination: bool,
    /// In plan order.
    pub stages: Vec<LockedStage>,
    /// Options that picklists with `otherwise create` make of values, sorted by picklist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<LockedOptions>,
    /// Owners that records name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<LockedOwners>,
}

/// Owners of records, without saying who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedOwners {
    /// Salt that is hashed before each owner.
    pub salt: String,
    /// Sorted by hash.
    pub owners: Vec<OwnedRecords>,
}

impl LockedOwners {
    /// The owner of an address, where records name it.
    pub fn owner(&self, address: &str) -> Option<&OwnedRecords> {
        let hash = super::member_hash(&self.salt, address);
        let at = self.owners.binary_search_by(|one| one.owner.cmp(&hash)).ok()?;
        self.owners.get(at)
    }
}

/// Records of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnedRecords {
    /// See [`crate::lock::member_hash`].
    pub owner: String,
    /// Records that name the owner.
    pub records: Count,
    /// True where a user of the destination has this address; absent where the destination was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_user: Option<bool>,
}

/// Results that a stage would have on its records: `read = create + update + unchanged + skip + quarantine`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedStage {
    /// The stage.
    pub id: String,
    /// Records that are the stage's; those that its `when` leaves to others are not.
    pub read: Count,
    /// Clean, and not in the destination.
    pub create: Count,
    /// Clean, and in the destination.
    pub update: Count,
    /// In the destination as they should be.
    pub unchanged: Count,
    /// Left behind by a written rule.
    pub skip: Count,
    /// Quarantined.
    pub quarantine: Count,
    /// Records with a value that a written rule replaced.
    pub repaired: Count,
    /// Records whose owner nobody stands for.
    pub orphans: Count,
    /// Links, each a record of its own.
    pub links: Count,
    /// Records with a field that is deferred.
    pub deferred: Count,
    /// Effects on records that are there, and on those that would be merged.
    #[serde(default, skip_serializing_if = "There::is_empty")]
    pub there: There,
    /// Counts of each field's values, in the map's order.
    pub fields: Vec<FieldCount>,
    /// Values that records look up in picklists whose keys are no plain cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked_up: Vec<LookedUp>,
}

/// Values that the records of a stage look up in a picklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookedUp {
    /// The picklist.
    pub picklist: String,
    /// Sorted by key.
    pub keys: Vec<KeyedRecords>,
    /// There are more than are kept here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// Records that look a key up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyedRecords {
    /// One value for each input.
    pub key: Vec<Option<String>>,
    /// Number of the records.
    pub records: Count,
}

/// Counts of a field's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldCount {
    /// The destination field.
    pub field: String,
    /// Records with a value.
    pub filled: Count,
    /// Records in which a written rule replaced its value.
    #[serde(default, skip_serializing_if = "crate::there::is_zero")]
    pub repaired: Count,
    /// Records that it quarantines.
    #[serde(default, skip_serializing_if = "crate::there::is_zero")]
    pub failed: Count,
    /// Records whose value the destination does not hold whole: an extension, line breaks, the bytes of a drawing.
    #[serde(default, skip_serializing_if = "crate::there::is_zero")]
    pub lost: Count,
    /// Records of whose value the expression takes a part, and leaves something that nothing else takes.
    #[serde(default, skip_serializing_if = "crate::there::is_zero")]
    pub cut: Count,
}

/// The options that a picklist makes of values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedOptions {
    /// The picklist.
    pub picklist: String,
    /// Sorted by value.
    pub options: Vec<LockedOption>,
    /// There are more than are kept here: the values are no options.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// An option made of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedOption {
    /// `IN_PROGRESS`
    pub value: String,
    /// The first spelling in the export.
    pub label: String,
    /// Records that have it.
    pub records: Count,
}
