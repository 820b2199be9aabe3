//! The proof that a program is right. It exists only if no error was found: every name is resolved, every conversion written out, every transform
//! expanded. Its expressions are the plan's; places are still spans of this session.

use indexmap::IndexMap;
use migr_plan::{
    Distinct, Expr, FieldType, HostPattern, Limit, NewOption, Options, PicklistOtherwise, Policies, SettingValue,
    SourceColumn, Undocumented,
};
use migr_source::Span;

/// A checked migration.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The migration's name.
    pub name: String,
    /// `///` text of the migration.
    pub description: Option<String>,
    /// Where it is written.
    pub span: Span,
    /// Settings of the migration.
    pub options: Options,
    /// Where records come from.
    pub source: Source,
    /// Where they go.
    pub destination: Destination,
    /// Objects that setup creates, in the order written.
    pub new_objects: Vec<NewObject>,
    /// Fields that setup creates, in the order written.
    pub new_fields: Vec<NewField>,
    /// Options that setup adds to fields that are there.
    pub new_options: Vec<AddedOptions>,
    /// Assignment of owners.
    pub owners: Option<Owners>,
    /// Value tables, in the order written.
    pub picklists: Vec<Picklist>,
    /// Maps and links, in the order written.
    pub maps: Vec<Map>,
    /// The program's own tests.
    pub tests: Vec<Test>,
    /// Findings that are expected.
    pub accepted: Vec<Acceptance>,
    /// Findings that stop: `warnings`, codes, or names of the audit's.
    pub denied: Vec<String>,
    /// Permits that a person has given.
    pub permits: Vec<Permit>,
}

/// Where records come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The system's name.
    pub system: String,
    /// The pattern of the export's files.
    pub files: String,
    /// The hosts that files may be fetched from, where a cell holds a link.
    pub fetch: Vec<(HostPattern, Span)>,
    /// Cells that count as empty.
    pub blank: Vec<String>,
    /// Objects that the migration reads, drops or refers to, in the catalog's order.
    pub objects: Vec<SourceObject>,
    /// Files that stay behind.
    pub dropped_files: Vec<DroppedFile>,
    /// Where the migration names it.
    pub span: Span,
}

/// An object of the export.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceObject {
    /// Name of the object.
    pub name: String,
    /// The file that holds it.
    pub file: Option<String>,
    /// True where the export may lack the object.
    pub is_optional: bool,
    /// The columns that tell records apart.
    pub key: Vec<String>,
    /// Every column.
    pub columns: Vec<SourceColumn>,
    /// Conditions that each record must fulfil.
    pub checks: Vec<Rule>,
    /// Records that stay behind.
    pub skips: Vec<Rule>,
    /// Why and where the whole object is dropped.
    pub dropped: Option<(String, Span)>,
    /// Where it is named as a reference for rebuilding by hand.
    pub reference_only: Option<Span>,
    /// Time for which such records are to be kept.
    pub retain: Option<String>,
    /// Where the catalog declares it.
    pub span: Span,
}

/// A condition with its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The condition.
    pub condition: Expr,
    /// The reason.
    pub reason: String,
    /// Where it is written.
    pub span: Span,
}

/// Files that stay behind.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedFile {
    /// A name, or a pattern with `*`.
    pub pattern: String,
    /// Why.
    pub reason: String,
    /// Where it is written.
    pub span: Span,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// The system's name.
    pub system: String,
    /// The connector that speaks to it.
    pub connector: String,
    /// The name it goes by.
    pub name: String,
    /// Settings of the destination.
    pub settings: IndexMap<String, SettingValue>,
    /// Limits that the catalog states.
    pub limits: Vec<Limit>,
    /// Losses of values there, as the catalog says.
    pub losses: Vec<Loss>,
    /// Parts of its interface that its documents do not name and the migration sends.
    pub undocumented: Vec<Undocumented>,
    /// Versions of it, the oldest first.
    pub versions: Vec<String>,
    /// Degrees to which records of objects can be taken back.
    pub rollback: IndexMap<String, Undone>,
    /// The same of maps that write fields of some types.
    pub rollback_of: Vec<(String, Undone)>,
    /// The same of objects that setup makes.
    pub schema: Option<Undone>,
}

/// Part or form of values that the destination does not keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Part or form that is lost.
    pub what: Lost,
    /// True for fields that setup makes.
    pub is_new: bool,
    /// A type, or an object and its field.
    pub of: String,
    /// The undocumented part of the destination's interface by which nothing is lost, where a migration sends it.
    pub unless: Option<String>,
    /// Reason as the catalog gives it.
    pub reason: String,
}

/// Part or form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Letters in capitals.
    Case,
    /// The currency of an amount.
    Currency,
    /// The bytes of a drawing.
    Drawings,
    /// A phone number's extension.
    Extension,
    /// The type: another holds the value.
    Form,
    /// The record that it belongs to: it goes to one that this one belongs to.
    Holder,
    /// Line breaks of a text.
    Lines,
    /// A second value of the kind: it is kept beside the first.
    Second,
    /// The time and the author of the record.
    Time,
}

impl Lost {
    /// Every one of them, by its word.
    pub const ALL: [(&'static str, Self); 9] = [
        ("case", Self::Case),
        ("currency", Self::Currency),
        ("drawings", Self::Drawings),
        ("extension", Self::Extension),
        ("form", Self::Form),
        ("holder", Self::Holder),
        ("lines", Self::Lines),
        ("second", Self::Second),
        ("time", Self::Time),
    ];
}

/// Degree to which something can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undone {
    /// Class of the rollback.
    pub class: migr_plan::RollbackClass,
    /// Part that stays, in words.
    pub reason: Option<String>,
}

/// An object that setup creates.
#[derive(Clone, Debug, PartialEq)]
pub struct NewObject {
    /// Name of many.
    pub plural: String,
    /// Label of many.
    pub plural_label: String,
    /// Name of one.
    pub singular: String,
    /// Label of one.
    pub singular_label: String,
    /// `///` text.
    pub description: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// A field that setup creates.
#[derive(Clone, Debug, PartialEq)]
pub struct NewField {
    /// The destination object.
    pub object: String,
    /// Name of the field.
    pub name: String,
    /// Label of the field.
    pub label: String,
    /// Type of the field.
    pub ty: FieldType,
    /// Options of a select, in order.
    pub options: Vec<NewOption>,
    /// The picklist whose unknown values become options.
    pub options_from: Option<String>,
    /// Label of a relation's other side.
    pub inverse: Option<String>,
    /// `///` text.
    pub description: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// Options that setup adds to a field that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedOptions {
    /// The destination object.
    pub object: String,
    /// The field.
    pub field: String,
    /// Options that are added.
    pub options: Vec<NewOption>,
    /// Options that the picklists name, every one, in their order.
    pub order: Vec<String>,
    /// The picklist whose unknown values become options.
    pub options_from: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// A finding that is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    /// A code, or the name of a finding of the audit.
    pub finding: String,
    /// The block that it stands in.
    pub within: migr_plan::Within,
    /// A field or column.
    pub on: Option<String>,
    /// Number of records at most.
    pub max: Option<u64>,
    /// Why.
    pub reason: String,
    /// Where it is written.
    pub span: Span,
}

/// Something that a person has agreed to.
#[derive(Clone, Debug, PartialEq)]
pub struct Permit {
    /// Action that is permitted.
    pub what: migr_plan::Permitted,
    /// Reason as written: person, date or cause.
    pub reason: String,
    /// Where it is written.
    pub span: Span,
}

/// Assignment of owners in the source to members of the destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Owners {
    /// The source object of owners.
    pub source_object: String,
    /// The column that is compared.
    pub source_column: String,
    /// The destination object of members.
    pub destination_object: String,
    /// The field that is compared.
    pub destination_field: String,
    /// Written pairs: source address, member's address.
    pub overrides: Vec<(String, String, Span)>,
    /// Member who gets the records without an owner.
    pub fallback: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// A value table.
#[derive(Clone, Debug, PartialEq)]
pub struct Picklist {
    /// Name of the picklist.
    pub name: String,
    /// The destination object.
    pub object: String,
    /// The destination fields.
    pub fields: Vec<String>,
    /// Names of several inputs.
    pub inputs: Vec<String>,
    /// Keys are compared without regard to case.
    pub ignore_case: bool,
    /// Keys are compared without regard to blanks.
    pub ignore_space: bool,
    /// Rows of the table.
    pub rows: Vec<PicklistRow>,
    /// Rule for a value that no row names.
    pub otherwise: PicklistOtherwise,
    /// Where its name stands.
    pub name_span: Span,
    /// Where it is written.
    pub span: Span,
}

/// A row of a value table.
#[derive(Clone, Debug, PartialEq)]
pub struct PicklistRow {
    /// Alternatives, one value per input.
    pub keys: Vec<Vec<Option<String>>>,
    /// One value per field.
    pub values: Vec<Option<String>>,
    /// The option that setup creates.
    pub new: Option<NewOption>,
    /// Where it is written.
    pub span: Span,
}

impl Map {
    /// The name by which its records are known: the one that it had first.
    pub fn id(&self) -> &str {
        self.formerly.as_deref().unwrap_or(&self.name)
    }
}

/// A map, or a link as the map that makes its associations.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Name of the map.
    pub name: String,
    /// The name that it had before.
    pub formerly: Option<String>,
    /// `///` text.
    pub description: Option<String>,
    /// The source object.
    pub source_object: String,
    /// The destination object.
    pub destination_object: String,
    /// Label of the association, where this is a link.
    pub association: Option<String>,
    /// Which records.
    pub when: Option<Expr>,
    /// One record per distinct value.
    pub distinct: Option<Distinct>,
    /// Fields by which a record that is there is recognised.
    pub matching: Option<Matching>,
    /// Policies for the known cases.
    pub policies: Policies,
    /// Fields that are written.
    pub fields: Vec<Field>,
    /// Links to other records.
    pub links: Vec<ManyField>,
    /// Columns that stay behind: name, reason, place.
    pub dropped: Vec<(String, String, Span)>,
    /// Columns of which no map of the object takes anything, although something reads them; at the object's first map.
    pub decides: Vec<(String, Span)>,
    /// Where its name stands.
    pub name_span: Span,
    /// Where it is written.
    pub span: Span,
}

/// `match`
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    /// True where all fields must be equal.
    pub all: bool,
    /// Paths; a composite stands for its unique part.
    pub fields: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

/// A field that a map writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Name of the field.
    pub name: String,
    /// Type of the field.
    pub ty: FieldType,
    /// Expression that computes the value.
    pub value: Expr,
    /// The name of a file.
    pub file_name: Option<Expr>,
    /// When a file is not there.
    pub missing_file: migr_plan::OnMissing,
    /// When there is no value.
    pub on_empty: migr_plan::EmptyPolicy,
    /// When another record holds the value.
    pub on_taken: migr_plan::TakenPolicy,
    /// Policy for a value that another field's record does not allow.
    pub on_outside: migr_plan::OutsidePolicy,
    /// Parts whose entries say otherwise.
    pub parts: Vec<migr_plan::PartPolicy>,
    /// Value of a record that is created without it.
    pub default: Option<migr_plan::FieldDefault>,
    /// Setup creates it.
    pub is_new: bool,
    /// The part (or the field itself) that no two records share.
    pub unique: Option<String>,
    /// Not in an update.
    pub create_only: bool,
    /// The destination creates no record without it.
    pub required: bool,
    /// True where the field cannot be left for a deferred step.
    pub is_required: bool,
    /// The second call that writes it.
    pub linked_by: Option<String>,
    /// The version of the destination that has it first.
    pub since: Option<String>,
    /// Most characters that the destination holds.
    pub max: Option<u64>,
    /// Characters up to which the destination is known to take it; a longer text is sent whole all the same.
    pub safe: Option<u64>,
    /// The same of parts of a composite as `max`.
    pub part_max: Vec<migr_plan::PartMax>,
    /// Part of the value that no map takes, in words.
    pub loses: Option<String>,
    /// True where the field depends on a sensitive column.
    pub is_sensitive: bool,
    /// The record's own columns that it depends on, sorted.
    pub reads: Vec<String>,
    /// `///` text.
    pub description: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// Links through a table of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct ManyField {
    /// The field.
    pub name: String,
    /// The object that holds the links.
    pub through: String,
    /// Objects that may be linked.
    pub objects: Vec<String>,
    /// Gives a list of references.
    pub value: Expr,
    /// When a referred record is not there.
    pub on_missing: migr_plan::OnMissing,
    /// The record's own columns that it depends on, sorted.
    pub reads: Vec<String>,
    /// In words, what of its values stays behind.
    pub loses: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// A test of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// A sentence.
    pub name: String,
    /// The records it gives, in order.
    pub given: Vec<Given>,
    /// Results that the test expects.
    pub expectations: Vec<Expectation>,
    /// Where it is written.
    pub span: Span,
}

/// A source record of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The source object.
    pub object: String,
    /// Cells of the record; columns not named are empty.
    pub cells: IndexMap<String, String>,
    /// Where it is written.
    pub span: Span,
}

/// Result that a test expects.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// A destination record with these values among others.
    Record {
        /// The destination object.
        object: String,
        /// Paths (`emails.primaryEmail`), types and values.
        fields: Vec<ExpectedField>,
        /// Where it is written.
        span: Span,
    },
    /// A source record that was quarantined or skipped.
    SetAside {
        /// Skipped; else quarantined.
        skipped: bool,
        /// The source object.
        object: String,
        /// Key of the source record.
        key: Vec<String>,
        /// The destination field it failed on.
        on: Option<String>,
        /// Where it is written.
        span: Span,
    },
}

/// A value that a test expects.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedField {
    /// A field, or a part of one.
    pub path: String,
    /// Type of the field or part.
    pub ty: FieldType,
    /// The value; reads no column.
    pub value: Expr,
    /// Where it is written.
    pub span: Span,
}
