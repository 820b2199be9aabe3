use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a line of the plan comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// Path relative to the project, or `std/…`.
    pub file: String,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
}

/// The type of a destination field, in the language's terms; the connector knows what its system calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FieldType {
    /// Plain text.
    Text,
    /// Formatted text, as Markdown.
    Richtext,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// An exact decimal number.
    Decimal,
    /// True or false.
    Boolean,
    /// A calendar date.
    Date,
    /// An instant.
    Datetime,
    /// One e-mail address.
    Email,
    /// One phone number.
    Phone,
    /// One address of the web.
    Url,
    /// An amount with its currency.
    Currency,
    /// Any JSON.
    Json,
    /// A file.
    File,
    /// A UUID.
    Uuid,
    /// One of a set of options.
    Select {
        /// Option values, in order, those that setup adds too.
        options: Vec<String>,
    },
    /// Several of a set of options.
    Multiselect {
        /// Option values, in order.
        options: Vec<String>,
    },
    /// A list.
    List {
        /// Of what.
        of: Box<FieldType>,
    },
    /// A reference to one record.
    Reference {
        /// Destination objects that may be referred to.
        objects: Vec<String>,
    },
    /// References to many records, each a record of the object `through`.
    Many {
        /// Destination objects that may be referred to; `custom` stands for every custom object.
        objects: Vec<String>,
        /// The object that holds the links.
        through: Option<String>,
    },
    /// A value of several parts.
    Composite {
        /// Its name in the catalog: `emails`, `links`, `address`, …
        name: String,
        /// Its parts.
        parts: Vec<Part>,
    },
}

/// One part of a composite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Its name: `primaryEmail`.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: FieldType,
    /// No two records hold the same value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
}
