//! Schema of a destination, and the changes that setup makes to it.

use indexmap::IndexMap;
use migr_plan::{FieldType, SetupAction};
use serde::{Deserialize, Serialize};

/// Schema of a destination, as its metadata have it. Objects and fields are sorted by name, so that the same schema
/// serialises to the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The server's version, as far as it can be told: `1.x`, `2.x`.
    pub version: String,
    /// Objects by their name of many.
    pub objects: IndexMap<String, ObjectSchema>,
}

impl Schema {
    /// A field of an object.
    pub fn field(&self, object: &str, field: &str) -> Option<&FieldSchema> {
        self.objects.get(object)?.fields.get(field)
    }
}

/// An object of the destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectSchema {
    /// Id of the object in the metadata.
    pub id: String,
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
    /// Fields by name.
    pub fields: IndexMap<String, FieldSchema>,
}

/// A field of the destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldSchema {
    /// Id of the field in the metadata.
    pub id: String,
    /// Name of the field.
    pub name: String,
    /// Label of the field.
    pub label: String,
    /// Type of the field in the language's terms; absent where the language has none.
    #[serde(rename = "type")]
    pub ty: Option<FieldType>,
    /// Type of the field in the system's terms.
    pub native: String,
    /// Options of a select or multiselect, by position.
    pub options: Vec<OptionSchema>,
    /// True where a text stands for a field of options: it takes every option, known or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_option: bool,
    /// No two records hold the same value, trashed ones included.
    pub unique: bool,
    /// True where the field may be empty.
    pub nullable: bool,
    /// The key that it is written by; for a reference to one of several objects, see `write_keys`.
    pub write_key: String,
    /// The keys of a reference by the object referred to.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub write_keys: IndexMap<String, String>,
    /// The API takes it.
    pub writable: bool,
    /// True where a person made the field; it is not of the stock.
    pub custom: bool,
    /// True where the field is switched on.
    pub active: bool,
}

/// An option of a field of the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionSchema {
    /// Id of the option; absent in systems that give none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Value of the option.
    pub value: String,
    /// Label of the option.
    pub label: String,
    /// Colour of the option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Place of the option, from 0.
    pub position: u32,
}

/// Outcome of a change of the schema.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one per change of the schema, and it is passed on at once")]
pub enum SetupOutcome {
    /// Change that was made; keep the record, undo needs it.
    Done(SetupRecord),
    /// Change that was there.
    AlreadyThere,
    /// Something else is there by that name, or the name cannot be used.
    Mismatch {
        /// Reason in words.
        why: String,
    },
}

/// Record of a change of the schema, with what undoing it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetupRecord {
    /// The change.
    pub action: SetupAction,
    /// Parts that the change made.
    pub made: Made,
}

/// Parts that a change of the schema made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "made", rename_all = "snake_case")]
pub enum Made {
    /// An object.
    Object {
        /// Id of the object in the metadata.
        id: String,
    },
    /// A field.
    Field {
        /// Id of the field in the metadata.
        id: String,
    },
    /// Options.
    Options {
        /// The field's id in the metadata.
        id: String,
        /// The options before.
        before: Vec<OptionSchema>,
        /// The values that were added.
        added: Vec<String>,
    },
}

/// Outcome of an undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoOutcome {
    /// Schema that is as before.
    Undone,
    /// Part that was gone already.
    Gone,
    /// Part that nothing can remove.
    Irreversible {
        /// Why, in words.
        why: String,
    },
    /// Part that was left.
    Kept {
        /// Why, in words.
        why: String,
    },
}
