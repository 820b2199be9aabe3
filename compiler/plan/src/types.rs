//! Types of the language and of destination fields, and places in the specification.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ColumnType;

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

macro_rules! plain_types {
    ($($kind:ident $name:literal;)*) => {
        /// A type of the language whose values have one part, and that needs nothing more said.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the language's type names")]
        pub enum PlainType { $($kind,)* }

        impl PlainType {
            /// Every one, by name.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// As the language writes it: `datetime`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }

        impl From<PlainType> for FieldType {
            fn from(plain: PlainType) -> Self {
                match plain { $(PlainType::$kind => Self::$kind,)* }
            }
        }

        impl From<PlainType> for ColumnType {
            fn from(plain: PlainType) -> Self {
                match plain { $(PlainType::$kind => Self::$kind,)* }
            }
        }

        impl FieldType {
            /// The plain type that it is, if it is one.
            pub fn plain(&self) -> Option<PlainType> {
                match self {
                    $(Self::$kind => Some(PlainType::$kind),)*
                    _ => None,
                }
            }
        }
    };
}

plain_types! {
    Boolean "boolean";
    Currency "currency";
    Date "date";
    Datetime "datetime";
    Decimal "decimal";
    Email "email";
    File "file";
    Integer "integer";
    Json "json";
    Number "number";
    Phone "phone";
    Richtext "richtext";
    Text "text";
    Url "url";
    Uuid "uuid";
}

impl PlainType {
    /// The type of a name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|plain| plain.name() == name)
    }
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
        /// Name of the composite in the catalog: `emails`, `links`, `address`, …
        name: String,
        /// Parts of the composite.
        parts: Vec<Part>,
    },
}

/// One part of a composite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Name of the part: `primaryEmail`.
    pub name: String,
    /// Type of the part.
    #[serde(rename = "type")]
    pub ty: FieldType,
    /// No two records hold the same value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
}
