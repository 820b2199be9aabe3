//! Objects and fields, as the metadata knows them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod stock;

pub(crate) use stock::{custom_system_fields, stock_objects};

/// Kind of a field; the names are the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    Actor,
    Address,
    Array,
    Boolean,
    Currency,
    Date,
    DateTime,
    Emails,
    Files,
    FullName,
    Links,
    MorphRelation,
    MultiSelect,
    Number,
    Numeric,
    Phones,
    Position,
    Rating,
    RawJson,
    Relation,
    RichText,
    #[serde(rename = "RICH_TEXT_V2")]
    RichTextV2,
    Select,
    Text,
    TsVector,
    Uuid,
}

impl Kind {
    /// The kind of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(Value::String(name.to_owned())).ok()
    }

    /// True where values are one of the field's options.
    pub(crate) fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::MultiSelect | Self::Rating)
    }

    /// True for a relation of either sort.
    pub(crate) fn is_relation(self) -> bool {
        matches!(self, Self::Relation | Self::MorphRelation)
    }

    /// The sub-field that a unique index stands on, for composites.
    pub(crate) fn unique_part(self) -> Option<&'static str> {
        match self {
            Self::Emails => Some("primaryEmail"),
            Self::Links => Some("primaryLinkUrl"),
            Self::Phones => Some("primaryPhoneNumber"),
            _ => None,
        }
    }

    /// The sub-fields of a composite.
    pub(crate) fn parts(self) -> &'static [&'static str] {
        match self {
            Self::Actor => &["source", "workspaceMemberId", "name", "context"],
            Self::Address => &[
                "addressStreet1",
                "addressStreet2",
                "addressCity",
                "addressPostcode",
                "addressState",
                "addressCountry",
                "addressLat",
                "addressLng",
            ],
            Self::Currency => &["amountMicros", "currencyCode"],
            Self::Emails => &["primaryEmail", "additionalEmails"],
            Self::FullName => &["firstName", "lastName"],
            Self::Links => &["primaryLinkLabel", "primaryLinkUrl", "secondaryLinks"],
            Self::Phones => {
                &["primaryPhoneNumber", "primaryPhoneCountryCode", "primaryPhoneCallingCode", "additionalPhones"]
            }
            Self::RichText | Self::RichTextV2 => &["blocknote", "markdown"],
            _ => &[],
        }
    }
}

/// Rule for a record when the one it points at is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OnDelete {
    /// The key becomes null.
    SetNull,
    /// The record goes too.
    Cascade,
}

/// The other end of a relation field.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Relation {
    /// The record holds the key of one record of `target`; `inverse` is the field on that side.
    One { target: String, inverse: String, on_delete: OnDelete },
    /// The records of `source` whose field `via` points here.
    Many { source: String, via: String },
}

/// One field of an object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) id: String,
    pub(crate) universal_id: String,
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) description: Option<String>,
    pub(crate) icon: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    pub(crate) unique: bool,
    pub(crate) system: bool,
    pub(crate) editable: bool,
    pub(crate) custom: bool,
    pub(crate) active: bool,
    pub(crate) default: Value,
    pub(crate) options: Option<Vec<Value>>,
    pub(crate) settings: Option<Value>,
    pub(crate) relation: Option<Relation>,
    pub(crate) created: String,
    pub(crate) updated: String,
}

impl Field {
    /// The key that holds a relation's target, `companyId` for `company`.
    pub(crate) fn join_key(&self) -> Option<String> {
        match self.relation {
            Some(Relation::One { .. }) => Some(format!("{}Id", self.name)),
            _ => None,
        }
    }

    /// The object this field's key points at, and what happens when that record is destroyed.
    pub(crate) fn target(&self) -> Option<(&str, OnDelete)> {
        match &self.relation {
            Some(Relation::One { target, on_delete, .. }) => Some((target, *on_delete)),
            _ => None,
        }
    }

    /// The option values, in order.
    pub(crate) fn option_values(&self) -> Vec<&str> {
        let options = self.options.as_deref().unwrap_or_default();
        options.iter().filter_map(|option| option.get("value")?.as_str()).collect()
    }
}

/// One object with its fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) universal_id: String,
    pub(crate) singular: String,
    pub(crate) plural: String,
    pub(crate) label_singular: String,
    pub(crate) label_plural: String,
    pub(crate) description: Option<String>,
    pub(crate) icon: Option<String>,
    pub(crate) shortcut: Option<String>,
    pub(crate) duplicates: Vec<String>,
    pub(crate) identifier: String,
    pub(crate) system: bool,
    pub(crate) custom: bool,
    pub(crate) active: bool,
    pub(crate) created: String,
    pub(crate) updated: String,
    pub(crate) fields: Vec<Field>,
}

impl Object {
    /// The field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field whose key this is: `company` for `companyId`.
    pub(crate) fn field_of_key(&self, key: &str) -> Option<&Field> {
        let name = key.strip_suffix("Id")?;
        self.fields.iter().find(|field| field.name == name && matches!(field.relation, Some(Relation::One { .. })))
    }

    /// The fields with a unique index.
    pub(crate) fn unique_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.unique)
    }

    /// The name of the table, as Postgres errors show it.
    pub(crate) fn table(&self) -> String {
        if self.custom { format!("_{}", self.singular) } else { self.singular.clone() }
    }

    /// `Company` for `company`.
    pub(crate) fn type_name(&self) -> String {
        capital(&self.singular)
    }

    /// `Companies` for `companies`.
    pub(crate) fn type_names(&self) -> String {
        capital(&self.plural)
    }
}

/// The word with its first letter in upper case.
pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Every object of the workspace, in order of making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) objects: Vec<Object>,
}

impl Schema {
    /// The object of this singular name.
    pub(crate) fn by_name(&self, singular: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.singular == singular)
    }

    /// The object of this plural name.
    pub(crate) fn by_plural(&self, plural: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.plural == plural)
    }

    /// The object of this id.
    pub(crate) fn by_id(&self, id: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.id == id)
    }

    /// The object that has the field of this id, and the field.
    pub(crate) fn field_by_id(&self, id: &str) -> Option<(&Object, &Field)> {
        self.objects.iter().find_map(|object| Some((object, object.fields.iter().find(|field| field.id == id)?)))
    }

    /// Every field that points at `target`, with its object.
    pub(crate) fn pointing_at<'a>(&'a self, target: &'a str) -> impl Iterator<Item = (&'a Object, &'a Field)> + 'a {
        self.objects.iter().flat_map(move |object| {
            object
                .fields
                .iter()
                .filter(move |field| field.target().is_some_and(|(name, _)| name == target))
                .map(move |field| (object, field))
        })
    }
}
