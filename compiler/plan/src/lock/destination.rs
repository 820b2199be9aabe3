//! Part of a lock that describes the destination.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Automation, Count, FieldType, NewOption};

/// Contents of the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedDestination {
    /// The system's name.
    pub system: String,
    /// The name it goes by.
    pub name: String,
    /// The server's version, as far as it could be told.
    pub version: String,
    /// Capabilities of the destination.
    pub capabilities: LockedCapabilities,
    /// The objects that the plan writes or refers to and that are there, sorted by name.
    pub objects: Vec<LockedObject>,
    /// Names of the other objects, sorted.
    pub other_objects: Vec<String>,
    /// Members that can own records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<LockedMembers>,
    /// Records that the spec names with `existing`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub existing: Vec<LockedExisting>,
    /// Workflows and webhooks that are switched on and that records start, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub automations: Vec<Automation>,
}

impl LockedDestination {
    /// The object of a name.
    pub fn object(&self, name: &str) -> Option<&LockedObject> {
        self.objects.iter().find(|object| object.name == name)
    }
}

/// Capabilities of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedCapabilities {
    /// Records per write request.
    pub batch_size: u64,
    /// Requests per window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// The window, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_seconds: Option<u64>,
    /// Largest file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Ids may be ours.
    pub client_ids: bool,
    /// The time of creation may be written.
    pub settable_created_at: bool,
    /// A deleted record still holds its unique values.
    pub trash: bool,
}

/// An object of the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedObject {
    /// Name of many.
    pub name: String,
    /// Name of one.
    pub singular: String,
    /// Label of many.
    pub label: String,
    /// True where a person made the object; it is not of the stock.
    pub custom: bool,
    /// True where the object is switched on.
    pub active: bool,
    /// Number of records.
    pub records: Count,
    /// Those in the trash.
    pub trashed: Count,
    /// Fields of the object, sorted by name.
    pub fields: Vec<LockedField>,
}

impl LockedObject {
    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&LockedField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A field of the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedField {
    /// Name of the field.
    pub name: String,
    /// Label of the field.
    pub label: String,
    /// Type in the language's terms; absent where the language has none.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<FieldType>,
    /// Type in the system's terms.
    pub native: String,
    /// Options of a select or multiselect, by position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<NewOption>,
    /// No two records hold the same value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// True where the field must not be empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The API does not take it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub readonly: bool,
    /// True where a person made the field; it is not of the stock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub custom: bool,
    /// True where the field is switched off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inactive: bool,
}

/// Members that can own records, without saying who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedMembers {
    /// The destination object of members.
    pub object: String,
    /// The field that was hashed.
    pub field: String,
    /// Salt that is hashed before each value.
    pub salt: String,
    /// See [`crate::lock::member_hash`]; sorted.
    pub hashes: Vec<String>,
}

impl LockedMembers {
    /// True where one of the members has this value.
    pub fn contains(&self, value: &str) -> bool {
        self.hashes.binary_search(&super::member_hash(&self.salt, value)).is_ok()
    }
}

/// A record that the spec names with `existing`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedExisting {
    /// The destination object.
    pub object: String,
    /// Fields that identify the record.
    pub fields: Vec<NamedText>,
    /// Id of the record.
    pub id: String,
}

/// `name: "value"`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NamedText {
    /// The field.
    pub name: String,
    /// Value of the field.
    pub value: String,
}
