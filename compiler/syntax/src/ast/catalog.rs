//! Systems as written: objects, fields, types and what is said of them.

use std::sync::Arc;

use migr_source::Spanned;

use super::{Allow, Entry, Expr, Literal, Name, Path, Quantity, Text};

/// `system NAME { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// Name of the system.
    pub name: Name,
    /// Entries of the system.
    pub entries: Vec<Entry<SystemEntry>>,
}

/// An entry of `system`.
#[derive(Clone, Debug, PartialEq)]
pub enum SystemEntry {
    /// `timezone "America/New_York"`
    Timezone(Text),
    /// `blank "n/a", "-"`; an empty list is `blank never`.
    Blank(Vec<Text>),
    /// `connector twenty`
    Connector(Name),
    /// `limits { requests 100 per 60s; batch 200; file 1GB }`
    Limits(Vec<Entry<Limit>>),
    /// `names "^[a-z]…$" max 63 reserved "type", …`
    Names {
        /// A regular expression.
        pattern: Text,
        /// Longest name, in characters.
        max: Option<Spanned<Quantity>>,
        /// Names that the system refuses.
        reserved: Vec<Text>,
        /// Names that every object has a field of.
        of_fields: Vec<Text>,
    },
    /// `labels "[a-zA-Z0-9]" max 63 distinct`
    Labels {
        /// A regular expression.
        pattern: Text,
        /// Longest label, in characters.
        max: Option<Spanned<Quantity>>,
        /// True where the labels of an object's fields must differ in their letters or digits.
        distinct: bool,
    },
    /// `options "^[A-Z]…$" max 63 labels "^[^,]+$" colors "green", "red"`
    Options {
        /// A regular expression for the value.
        pattern: Text,
        /// Longest value and label, in characters.
        max: Option<Spanned<Quantity>>,
        /// A regular expression for the label.
        labels: Option<Text>,
        /// Colours that an option may have; none: any.
        colors: Vec<Text>,
    },
    /// `composite emails { primaryEmail: email unique }`
    Composite {
        /// The type's name.
        name: Name,
        /// Parts of the composite.
        fields: Vec<Entry<Field>>,
    },
    /// `object Contact from "contacts.csv" { … }`
    Object(Object),
    /// `format number "1.234.567,89"`: how columns of a type are written, unless one says otherwise.
    Format {
        /// The type.
        ty: Name,
        /// One or more formats.
        formats: Vec<Text>,
        /// `pivot 2026`
        pivot: Option<Spanned<Arc<str>>>,
    },
    /// `layout { separator ";" }`
    Layout(Vec<Entry<LayoutSetting>>),
    /// `allow W0604 : "why"`
    Allow(Allow),
    /// `loses extension of phone : "why"`
    Loses {
        /// Part or form of a value that is lost.
        what: Name,
        /// `new`: of fields that setup makes.
        is_new: bool,
        /// A type, or an object and its field.
        of: Path,
        /// `unless "customFields.options"`: what a migration may send all the same, so that nothing is lost.
        unless: Option<Text>,
        /// Reason as the catalog gives it.
        reason: Text,
    },
    /// `undocumented "customFields.options" : "why"`: what its documents do not name, sent where a migration says so.
    Undocumented {
        /// Name of the part.
        what: Text,
        /// Use of it, in words.
        reason: Text,
    },
    /// `junctions noteTargets, taskTargets`: objects that the connector keeps links in.
    Junctions(Vec<Name>),
    /// `calls bulk`: second calls that link records.
    Calls(Vec<Name>),
    /// `versions "2021-07-28", "v3"`, the oldest first.
    Versions(Vec<Text>),
    /// `rollback of file best effort : "why"`
    RollbackOf {
        /// The type of a field that a map writes.
        ty: Name,
        /// Degree of the rollback.
        undone: Undone,
    },
}

/// `exact`, `best effort : "why"`, `irreversible : "why"`
#[derive(Clone, Debug, PartialEq)]
pub struct Undone {
    /// `exact`, `best effort`, `irreversible`.
    pub class: Text,
    /// Part that stays, in words.
    pub reason: Option<Text>,
}

/// `separator ";"`, an entry of `layout`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayoutSetting {
    /// Which.
    pub name: Name,
    /// Value of the setting.
    pub value: Spanned<Literal>,
}

/// `requests 100 per 60s`
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// `requests`, `batch`, `file`.
    pub what: Name,
    /// Amount of the limit.
    pub value: Spanned<Quantity>,
}

/// `optional object NAME from "file" restricted "why" matched only { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// `optional`: present in some deployments.
    pub optional: bool,
    /// Name of the object.
    pub name: Name,
    /// The file that holds it.
    pub from: Option<Text>,
    /// `sheet "Accounts"`, `table "tasks"`, `at "data.deals"`: the place in the file.
    pub place: Option<(Name, Text)>,
    /// `restricted "why"`: compiles only with a `permit`.
    pub restricted: Option<Text>,
    /// `matched only`: the destination cannot create records of it.
    pub matched_only: bool,
    /// Entries of the object; empty where no block is written.
    pub entries: Vec<Entry<ObjectEntry>>,
}

/// An entry of `object`.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectEntry {
    /// `key plan_id, owner_email`
    Key(Vec<Name>),
    /// `email: email sensitive`
    Field(Field),
    /// `check end >= start : "ends before it starts"`
    Check {
        /// Condition that must hold.
        condition: Expr,
        /// Why a record that breaks it is quarantined.
        reason: Text,
    },
    /// `fields none`: no custom fields.
    FieldsNone,
    /// `retain 7y`
    Retain(Spanned<Quantity>),
    /// `rollback exact`: the degree to which records of the object can be taken back.
    Rollback(Undone),
    /// `schema irreversible : "why"`: the same of the object itself.
    Schema(Undone),
    /// `layout { header 4 }`
    Layout(Vec<Entry<LayoutSetting>>),
    /// `allow W0604 on column : "why"`
    Allow(Allow),
}

/// `name: type attribute attribute`
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Name of the field.
    pub name: Name,
    /// Type of the field.
    pub ty: Spanned<Type>,
    /// Attributes of the field besides its type.
    pub attributes: Vec<Spanned<Attribute>>,
    /// `= expression` over the columns of its own row.
    pub computed: Option<Expr>,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `text`, `emails`: a plain type or a composite.
    Named(Name),
    /// `select { A, B }`
    Select(Vec<Name>),
    /// `multiselect { A, B }`
    Multiselect(Vec<Name>),
    /// `select LeadStatus`: options come from the picklist.
    SelectFrom(Name),
    /// `multiselect LeadStatus`
    MultiselectFrom(Name),
    /// `select per pipeline`: options depend on another field.
    SelectPer(Name),
    /// `list(T)`
    List(Box<Spanned<Type>>),
    /// `-> A | B by column { "a" = A; "b" = B }`; a target is an object, or an object's column.
    Reference {
        /// Objects or columns that may be referred to.
        targets: Vec<Referred>,
        /// Column that tells which target is meant.
        by: Option<ReferenceBy>,
    },
    /// `many people | companies | custom through noteTargets`
    Many {
        /// Objects that may be linked (`custom` is every custom object).
        targets: Vec<Name>,
        /// The object that holds the links.
        through: Option<Name>,
    },
}

/// `Contact`, `Account.name`, `User.(first_name, last_name)`
#[derive(Clone, Debug, PartialEq)]
pub struct Referred {
    /// The object, and its column where one is named.
    pub path: Path,
    /// Several columns of the object; empty where none or one is named.
    pub columns: Vec<Name>,
}

/// `by parent_type { "contact" = Contact; "company" = Company }`
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceBy {
    /// The column that tells.
    pub column: Name,
    /// Values of the column and the objects they mean.
    pub rows: Vec<(Text, Name)>,
}

/// Attribute of a field besides its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// `unique`
    Unique,
    /// `required`
    Required,
    /// `readonly`
    Readonly,
    /// `create only`: not in an update.
    CreateOnly,
    /// `fixed`: cannot change.
    Fixed,
    /// `parent`: stands in the path.
    Parent,
    /// `linked by bulk`: a second call.
    LinkedBy(Name),
    /// `made "label"`: setup makes it wherever a map writes its object.
    Made(Text),
    /// `extensible`: options can be added.
    Extensible,
    /// `sensitive`
    Sensitive,
    /// `restricted "why"`
    Restricted(Text),
    /// `format "%m/%d/%Y" | "%Y-%m-%d"`
    Format(Vec<Text>),
    /// `pivot 2026`
    Pivot(Spanned<Arc<str>>),
    /// `blank "n/a", "-"`; an empty list is `blank never`.
    Blank(Vec<Text>),
    /// `form id15`
    Form(Name),
    /// `default TODO`
    Default(Spanned<Literal>),
    /// `split ";"`
    Split(Text),
    /// `column "Bio (HTML)"`, `column "Phone" 2`, `column 3`
    Column(Option<Text>, Option<Spanned<Arc<str>>>),
    /// `max 500`
    Max(Spanned<Quantity>),
    /// `safe 5000`
    Safe(Spanned<Quantity>),
    /// `ignore case, space`
    Ignore(Vec<Name>),
    /// `since v3`
    Since(Name),
    /// `among calendar`: one of those that the record in another field allows.
    Among(Name),
    /// `overlap = earlier`
    Overlap(Name),
    /// `gap = forward`
    Gap(Name),
    /// `retain 7y`
    Retain(Spanned<Quantity>),
    /// A word that the grammar reads and the language does not know; `check` reports it.
    Unknown(Name),
}
