//! Changes of the destination's schema that setup makes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FieldType, Origin};

/// A change of the destination's schema. Each is idempotent: what is there already is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum SetupAction {
    /// A custom object.
    CreateObject {
        /// Name of many.
        object: String,
        /// Label of many.
        plural_label: String,
        /// Name of one.
        singular: String,
        /// Label of one.
        singular_label: String,
        /// `///` text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The line that asks for it.
        origin: Origin,
    },
    /// A custom field.
    CreateField {
        /// The destination object.
        object: String,
        /// The field's name.
        field: String,
        /// Label of the field.
        label: String,
        /// Type of the field.
        #[serde(rename = "type")]
        ty: FieldType,
        /// Options of a select or multiselect, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<NewOption>,
        /// The picklist whose unknown values become options once the export has been read (`otherwise create`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options_from: Option<String>,
        /// Label of a relation's other side.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inverse: Option<String>,
        /// `///` text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The line that asks for it.
        origin: Origin,
    },
    /// Options of a field that is there.
    AddOptions {
        /// The destination object.
        object: String,
        /// The field.
        field: String,
        /// Options that are added, in the picklist's order.
        options: Vec<NewOption>,
        /// Option values, every one, as the picklist orders them; existing ones that it does not name keep their places after these.
        order: Vec<String>,
        /// The picklist whose unknown values become options once the export has been read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options_from: Option<String>,
        /// The line that asks for it.
        origin: Origin,
    },
}

/// An option that setup creates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewOption {
    /// Value of the option.
    pub value: String,
    /// Label of the option.
    pub label: String,
    /// Colour of the option, where the spec names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}
