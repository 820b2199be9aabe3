//! Types of values and fields, shared by the catalogs of both sides and by expressions.

use std::fmt;
use std::sync::Arc;

use migr_plan::{FieldType, Part, PlainType};
use migr_source::Spanned;

use crate::in_order::{IndexMap, IndexSet};
use crate::labels::label_of_option;

/// The type of a value or of a field. Catalogs of both sides and expressions share it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    /// Already reported, or not known; fits everywhere.
    Unknown,
    /// The type of `none`; fits everywhere.
    None,
    Text,
    /// A source's rich text: HTML until `markdown` or `plain` made something of it.
    Html,
    Richtext,
    Integer,
    Number,
    Decimal,
    Boolean,
    Date,
    Datetime,
    Email,
    Phone,
    Url,
    Currency,
    Json,
    File,
    Uuid,
    Select(Arc<Options>),
    Multiselect(Arc<Options>),
    List(Arc<Type>),
    /// `-> Contact`: in a source a key that refers, in a destination a relation.
    Key(Arc<Key>),
    /// The key of a `map distinct` record.
    DistinctKey(Arc<str>),
    /// A record of this destination object, already resolved.
    Record(Arc<str>),
    Many(Arc<Many>),
    Composite(Arc<Composite>),
    /// A record written out: `{ a: x }`.
    Parts(Vec<(Arc<str>, Type)>),
    Tuple(Vec<Type>),
}

/// The options of a select.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    /// `opportunities.stage`, for messages.
    pub(crate) of: Arc<str>,
    pub(crate) values: Vec<Arc<str>>,
    pub(crate) extensible: bool,
    /// Options depend on another field, so any text may be one.
    pub(crate) open: bool,
    /// Labels that rows of picklists write for options, by value; those of others follow from their values.
    pub(crate) labels: IndexMap<Arc<str>, Arc<str>>,
    /// Options as the server has them.
    pub(crate) served: Served,
}

/// Options of a field as the destination's server has them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Served {
    /// No server has the field yet, or none was asked for its options.
    Nowhere,
    /// The catalog tells of the field, and no audit has asked for its options.
    Unasked,
    /// Labels by value.
    Known(IndexMap<Arc<str>, Arc<str>>),
    /// Every option counts as one until the server was asked.
    Any,
}

/// Options that a text may name by a label.
#[derive(Debug, PartialEq)]
pub(crate) enum Labelled {
    /// No option has it.
    None,
    /// One has it, by its value.
    One(Arc<str>),
    /// Two have it.
    Two(Arc<str>, Arc<str>),
}

impl Labelled {
    /// Of values and their labels, those of one label.
    pub(crate) fn of<'o>(label: &str, options: impl IntoIterator<Item = (&'o Arc<str>, String)>) -> Self {
        let mut found = options.into_iter().filter(|(_, known)| known == label).map(|(value, _)| value);
        let Some(one) = found.next() else { return Self::None };
        match found.find(|other| *other != one) {
            None => Self::One(Arc::clone(one)),
            Some(other) => Self::Two(Arc::clone(one), Arc::clone(other)),
        }
    }
}

impl Options {
    /// Label of an option: the one that a row writes for it, else the one that setup gives it.
    pub(crate) fn label(&self, value: &Arc<str>) -> String {
        self.labels.get(value).map_or_else(|| label_of_option(value), ToString::to_string)
    }

    /// Options of a label.
    pub(crate) fn by_label(&self, label: &str) -> Labelled {
        Labelled::of(label, self.values.iter().map(|value| (value, self.label(value))).chain(self.served()))
    }

    /// Options of the server with the labels that they have there.
    pub(crate) fn served(&self) -> impl Iterator<Item = (&Arc<str>, String)> {
        let known = if let Served::Known(known) = &self.served { Some(known) } else { None };
        known.into_iter().flatten().map(|(value, label)| (value, label.to_string()))
    }

    /// True for a value that the server has, or that counts as one of its options until it was asked.
    pub(crate) fn is_served(&self, value: &str) -> bool {
        match &self.served {
            Served::Nowhere | Served::Unasked => false,
            Served::Known(known) => known.contains_key(value),
            Served::Any => true,
        }
    }

    /// Values that may be written: those of the catalog, and those that the server alone has.
    pub(crate) fn all(&self) -> Vec<Arc<str>> {
        let served = self.served().map(|(value, _)| value);
        let all: IndexSet<&Arc<str>> = self.values.iter().chain(served).collect();
        all.into_iter().cloned().collect()
    }

    /// Fact about an option that is not known here: the server may have it.
    pub(crate) fn elsewhere(&self) -> Option<&'static str> {
        (self.served == Served::Unasked).then_some(
            "the catalog lists these; an option that the server alone has is known, by its name and its label, once `migr audit` has asked it",
        )
    }
}

/// Objects that a reference names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) targets: Vec<KeyTarget>,
    /// The column that tells the target, with its value for each.
    pub(crate) by: Option<(Arc<str>, Vec<Arc<str>>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyTarget {
    pub(crate) object: Arc<str>,
    pub(crate) column: Option<Arc<str>>,
    pub(crate) ignore_case: bool,
    pub(crate) ignore_space: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Many {
    pub(crate) objects: Vec<Arc<str>>,
    /// The object that holds the links, and where it is named.
    pub(crate) through: Option<Spanned<Arc<str>>>,
}

/// A type of several parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Composite {
    pub(crate) name: Arc<str>,
    pub(crate) parts: Vec<CompositePart>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompositePart {
    pub(crate) name: Arc<str>,
    pub(crate) ty: Type,
    pub(crate) unique: bool,
    /// Most characters that the destination holds.
    pub(crate) max: Option<u64>,
}

impl Composite {
    pub(crate) fn part(&self, name: &str) -> Option<&CompositePart> {
        self.parts.iter().find(|part| &*part.name == name)
    }

    /// The part that a single value stands for: `primaryEmail`.
    pub(crate) fn primary(&self) -> Option<&CompositePart> {
        self.parts.iter().find(|part| part.name.starts_with("primary"))
    }

    /// The part that tells records apart where the composite is unique.
    pub(crate) fn unique_part(&self) -> Option<&CompositePart> {
        self.parts.iter().find(|part| part.unique).or_else(|| self.primary())
    }
}

impl Type {
    /// A plain type of the language.
    pub(crate) fn of(plain: PlainType) -> Self {
        match plain {
            PlainType::Boolean => Self::Boolean,
            PlainType::Currency => Self::Currency,
            PlainType::Date => Self::Date,
            PlainType::Datetime => Self::Datetime,
            PlainType::Decimal => Self::Decimal,
            PlainType::Email => Self::Email,
            PlainType::File => Self::File,
            PlainType::Integer => Self::Integer,
            PlainType::Json => Self::Json,
            PlainType::Number => Self::Number,
            PlainType::Phone => Self::Phone,
            PlainType::Richtext => Self::Richtext,
            PlainType::Text => Self::Text,
            PlainType::Url => Self::Url,
            PlainType::Uuid => Self::Uuid,
        }
    }

    /// The plain type that it is, if it is one.
    pub(crate) fn plain(&self) -> Option<PlainType> {
        PlainType::ALL.iter().copied().find(|plain| Self::of(*plain) == *self)
    }

    pub(crate) fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    /// The type of each element of a list; of anything else the type itself.
    pub(crate) fn element(&self) -> &Self {
        if let Self::List(of) = self { of } else { self }
    }

    /// True where each element of a list of the type is read as more than a text.
    pub(crate) fn is_read_by_element(&self) -> bool {
        matches!(
            self,
            Self::Integer | Self::Number | Self::Decimal | Self::Boolean | Self::Date | Self::Datetime | Self::Currency
        )
    }

    /// True where the type was not understood.
    pub(crate) fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::List(of) => of.is_unknown(),
            _ => false,
        }
    }

    /// True where nothing more is to be reported about the type.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::Unknown | Self::None)
    }

    /// True where a cell of the type is a text as it stands, so that functions of a text take it.
    pub(crate) fn is_text_like(&self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::Email
                | Self::Phone
                | Self::Url
                | Self::Uuid
                | Self::File
                | Self::Key(_)
                | Self::DistinctKey(_)
        )
    }

    pub(crate) fn is_numeric(&self) -> bool {
        matches!(self, Self::Integer | Self::Number | Self::Decimal)
    }

    /// The plan's type of a destination field.
    pub(crate) fn to_field_type(&self) -> FieldType {
        let strings = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        match self {
            Self::Html => FieldType::Richtext,
            Self::Parts(_) | Self::Tuple(_) => FieldType::Json,
            Self::Select(options) if !options.open => FieldType::Select { options: strings(&options.values) },
            Self::Multiselect(options) if !options.open => FieldType::Multiselect { options: strings(&options.values) },
            Self::List(of) => FieldType::List { of: Box::new(of.to_field_type()) },
            Self::Key(key) => {
                FieldType::Reference { objects: key.targets.iter().map(|target| target.object.to_string()).collect() }
            }
            Self::Record(object) => FieldType::Reference { objects: vec![object.to_string()] },
            Self::Many(many) => FieldType::Many {
                objects: strings(&many.objects),
                through: many.through.as_ref().map(|through| through.node.to_string()),
            },
            Self::Composite(composite) => FieldType::Composite {
                name: composite.name.to_string(),
                parts: composite
                    .parts
                    .iter()
                    .map(|part| Part { name: part.name.to_string(), ty: part.ty.to_field_type(), unique: part.unique })
                    .collect(),
            },
            other => other.plain().map_or(FieldType::Text, FieldType::from),
        }
    }
}

/// As people write it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Unknown => "something",
            Self::None => "none",
            Self::Html => "richtext in HTML",
            Self::Select(options) => return write!(f, "an option of `{}`", options.of),
            Self::Multiselect(options) => return write!(f, "options of `{}`", options.of),
            Self::List(of) => return write!(f, "list({of})"),
            Self::Key(key) => {
                f.write_str("-> ")?;
                for (at, target) in key.targets.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { " | " })?;
                    f.write_str(&target.object)?;
                    if let Some(column) = &target.column {
                        write!(f, ".{column}")?;
                    }
                }
                return Ok(());
            }
            Self::DistinctKey(map) => return write!(f, "-> {map}"),
            Self::Record(object) => return write!(f, "-> {object}"),
            Self::Many(many) => return write!(f, "many {}", many.objects.join(" | ")),
            Self::Composite(composite) => &composite.name,
            Self::Parts(parts) => {
                let names: Vec<&str> = parts.iter().map(|(name, _)| &**name).collect();
                return write!(f, "{{ {} }}", names.join(", "));
            }
            Self::Tuple(items) => {
                let names: Vec<String> = items.iter().map(ToString::to_string).collect();
                return write!(f, "({})", names.join(", "));
            }
            plain => plain.plain().map_or("something", PlainType::name),
        };
        f.write_str(name)
    }
}
