//! `system` items → catalogs: objects, fields and their types, of either side.

mod build;
mod defaults;
mod field;
pub(crate) mod knowledge;
mod unbuilt;

/// Types as catalogs and new fields write them.
pub(crate) mod types {
    pub(crate) use super::field::{key_to, named, options};
}

use std::sync::{Arc, LazyLock};

use migr_plan::{FieldDefault, Limit, PlainType, Undocumented};
use migr_source::Span;
use migr_syntax::ast::{Expr, Name, Text};

pub(crate) use build::build;

use crate::formats::Formats;
use crate::in_order::IndexMap;
use crate::spec::{Loss, Undone};
use crate::types::{Composite, KeyTarget, Type};

/// The shape that every custom object of a destination is born with stands in its catalog as an object of this name.
pub(crate) const CUSTOM: &str = "custom";

/// A system's catalog.
pub(crate) struct Catalog<'a> {
    pub(crate) name: Name,
    pub(crate) timezone: Option<Text>,
    pub(crate) blank: Vec<String>,
    pub(crate) connector: Option<Name>,
    pub(crate) limits: Vec<Limit>,
    /// Formats of columns that name none, by type.
    pub(crate) formats: IndexMap<PlainType, Formats>,
    pub(crate) names: Option<NameRule>,
    pub(crate) labels: Option<LabelRule>,
    pub(crate) options: Option<OptionRule>,
    pub(crate) composites: IndexMap<Arc<str>, Arc<Composite>>,
    /// Losses of values in the destination.
    pub(crate) losses: Vec<Loss>,
    /// Parts of its interface that its documents do not name.
    pub(crate) undocumented: Vec<Undocumented>,
    /// Objects that the connector keeps links in.
    pub(crate) junctions: Vec<Arc<str>>,
    /// Second calls that link records.
    pub(crate) calls: Vec<Arc<str>>,
    /// Versions of the destination, the oldest first.
    pub(crate) versions: Vec<String>,
    /// Degrees to which maps that write fields of some types can be taken back.
    pub(crate) rollback_of: Vec<(String, Undone)>,
    pub(crate) objects: IndexMap<Arc<str>, Object<'a>>,
}

impl Catalog<'_> {
    /// True where a cell of the field holds a sensitive value: the field's own, or that of a record which it refers to.
    pub(crate) fn holds_sensitive(&self, field: &Field) -> bool {
        let key = match &field.ty {
            Type::Key(key) => Some(key),
            Type::List(of) => match &**of {
                Type::Key(key) => Some(key),
                _ => None,
            },
            _ => None,
        };
        let is_sensitive = |object: &Object<'_>, column: &Arc<str>| {
            object.fields.get(column).is_some_and(|field| field.attributes.sensitive)
        };
        let names_sensitive = |target: &KeyTarget| {
            self.objects.get(&target.object).is_some_and(|object| match &target.column {
                Some(column) => is_sensitive(object, column),
                None => object.key.iter().any(|key| is_sensitive(object, &key.node)),
            })
        };
        field.attributes.sensitive || key.is_some_and(|key| key.targets.iter().any(names_sensitive))
    }
}

/// Rule of a system for the names of new fields and objects.
pub(crate) struct NameRule {
    pub(crate) form: Form,
    pub(crate) reserved: Vec<Arc<str>>,
    /// Names that every object has a field of.
    pub(crate) of_fields: Vec<Arc<str>>,
}

/// Rule of a system for the labels of new fields.
pub(crate) struct LabelRule {
    pub(crate) form: Form,
    /// True where the labels of an object's fields must differ in their letters or digits.
    pub(crate) distinct: bool,
}

/// Rule of a system for new options.
pub(crate) struct OptionRule {
    pub(crate) form: Form,
    pub(crate) labels: Option<Form>,
    /// Colours that an option may have; none: any.
    pub(crate) colors: Vec<Arc<str>>,
}

/// Form of a text: a pattern, and the most characters.
pub(crate) struct Form {
    pattern: Option<regex::Regex>,
    written: Arc<str>,
    max: Option<usize>,
}

impl Form {
    /// True where the pattern takes the text; one that is no pattern takes any.
    pub(crate) fn takes(&self, text: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }

    /// Reason for which a text is not of the form; `what` names such texts in the plural.
    pub(crate) fn refusal(&self, what: &str, text: &str) -> Option<String> {
        if !self.takes(text) {
            return Some(format!("{what} there match `{}`", self.written));
        }
        let length = text.chars().count();
        let max = self.max.filter(|max| length > *max)?;
        Some(format!("it has {length} characters, and {what} there have {max} at most"))
    }
}

/// An object of a catalog.
pub(crate) struct Object<'a> {
    pub(crate) name: Name,
    pub(crate) span: Span,
    pub(crate) is_optional: bool,
    pub(crate) file: Option<Text>,
    pub(crate) restricted: Option<Text>,
    pub(crate) is_matched_only: bool,
    pub(crate) has_no_custom_fields: bool,
    pub(crate) retain: Option<String>,
    /// Degree to which its records can be taken back.
    pub(crate) rollback: Option<Undone>,
    /// The same of the object itself, where setup makes it.
    pub(crate) schema: Option<Undone>,
    pub(crate) key: Vec<Name>,
    pub(crate) fields: IndexMap<Arc<str>, Field>,
    pub(crate) checks: Vec<Check<'a>>,
    /// An entry could not be read, so what seems to be missing may stand there.
    pub(crate) is_broken: bool,
}

/// `check condition : "reason"`
pub(crate) struct Check<'a> {
    pub(crate) condition: &'a Expr,
    pub(crate) reason: &'a Text,
    pub(crate) span: Span,
}

/// A field or column.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) ty: Type,
    pub(crate) attributes: Arc<Attributes>,
}

/// Attributes that a catalog gives a field besides its type.
#[derive(Clone, Default)]
pub(crate) struct Attributes {
    pub(crate) unique: bool,
    pub(crate) required: bool,
    pub(crate) readonly: bool,
    pub(crate) create_only: bool,
    pub(crate) fixed: bool,
    pub(crate) parent: bool,
    pub(crate) linked_by: Option<Arc<str>>,
    /// Label under which setup makes the field wherever a map writes its object.
    pub(crate) made: Option<Arc<str>>,
    pub(crate) extensible: bool,
    pub(crate) sensitive: bool,
    /// True where its value is computed, which is refused.
    pub(crate) is_computed: bool,
    pub(crate) retain: Option<String>,
    pub(crate) restricted: Option<Text>,
    /// Formats that the field names itself.
    pub(crate) formats: Formats,
    /// Cells that count as empty, in place of the system's.
    pub(crate) blank: Option<Vec<String>>,
    /// Value of a record that is created without it.
    pub(crate) default: Option<FieldDefault>,
    pub(crate) split: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) max: Option<u64>,
    /// True where the record in another field says which values are allowed.
    pub(crate) among: bool,
    /// Characters that the destination is known to take.
    pub(crate) safe: Option<u64>,
    pub(crate) ignore_case: bool,
    pub(crate) ignore_space: bool,
    pub(crate) overlap: Option<String>,
    pub(crate) gap: Option<String>,
    /// The version of the destination that has it first.
    pub(crate) since: Option<Name>,
}

impl Attributes {
    /// Those of a field of which nothing is said: one for all of them.
    pub(crate) fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<Attributes>> = LazyLock::new(Arc::default);
        Arc::clone(&NONE)
    }

    /// Those of a field of which nothing is said but that it is sensitive.
    pub(crate) fn sensitive() -> Arc<Self> {
        Arc::new(Self { sensitive: true, ..Self::default() })
    }
}

impl Object<'_> {
    /// Names of the object's columns, for suggestions.
    pub(crate) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(|name| &**name)
    }
}
