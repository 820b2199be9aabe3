//! The proof that a program is right. It exists only if no error was found: every name is resolved, every conversion written out, every transform
//! expanded. Its expressions are the plan's; places are still spans of this session.

use indexmap::IndexMap;
use migr_plan::{
    Distinct, Expr, FieldType, HostPattern, Limit, NewOption, Options, PicklistOtherwise, Policies, SettingValue,
    SourceColumn,
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
    /// Its settings.
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
    /// Who owns what.
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
    /// What a person has agreed to.
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
    /// Its name.
    pub name: String,
    /// The file that holds it.
    pub file: Option<String>,
    /// It may be absent.
    pub is_optional: bool,
    /// The columns that tell records apart.
    pub key: Vec<String>,
    /// Every column.
    pub columns: Vec<SourceColumn>,
    /// What each record must fulfil.
    pub checks: Vec<Rule>,
    /// Records that stay behind.
    pub skips: Vec<Rule>,
    /// Why and where the whole object is dropped.
    pub dropped: Option<(String, Span)>,
    /// Where it is named as a reference for rebuilding by hand.
    pub reference_only: Option<Span>,
    /// How long such records are to be kept.
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
    /// Its settings.
    pub settings: IndexMap<String, SettingValue>,
    /// Limits that the catalog states.
    pub limits: Vec<Limit>,
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
    /// Its name.
    pub name: String,
    /// Its label.
    pub label: String,
    /// Its type.
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
    /// What is added.
    pub options: Vec<NewOption>,
    /// All options that the picklists name, in their order.
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
    /// How many records.
    pub max: Option<u64>,
    /// Why.
    pub reason: String,
    /// Where it is written.
    pub span: Span,
}

/// Something that a person has agreed to.
#[derive(Clone, Debug, PartialEq)]
pub struct Permit {
    /// What.
    pub what: migr_plan::Permitted,
    /// Who, when or why.
    pub reason: String,
    /// Where it is written.
    pub span: Span,
}

/// Who owns what.
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
    /// Who gets what nobody owns.
    pub fallback: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// A value table.
#[derive(Clone, Debug, PartialEq)]
pub struct Picklist {
    /// Its name.
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
    /// Its rows.
    pub rows: Vec<PicklistRow>,
    /// What a value becomes that no row names.
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

/// A map, or a link as the map that makes its associations.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Its name.
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
    /// How a record that is there is recognised.
    pub matching: Option<Matching>,
    /// What happens in the known cases.
    pub policies: Policies,
    /// What is written.
    pub fields: Vec<Field>,
    /// Links to other records.
    pub links: Vec<ManyField>,
    /// Columns that stay behind: name, reason, place.
    pub dropped: Vec<(String, String, Span)>,
    /// Where its name stands.
    pub name_span: Span,
    /// Where it is written.
    pub span: Span,
}

/// `match`
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    /// All fields must be equal.
    pub all: bool,
    /// Paths; a composite stands for its unique part.
    pub fields: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

/// A field that a map writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: FieldType,
    /// What computes it.
    pub value: Expr,
    /// The name of a file.
    pub file_name: Option<Expr>,
    /// When a file is not there.
    pub missing_file: migr_plan::OnMissing,
    /// When there is no value.
    pub on_empty: migr_plan::EmptyPolicy,
    /// When another record holds the value.
    pub on_taken: migr_plan::TakenPolicy,
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
    /// It cannot be left for a deferred step.
    pub is_required: bool,
    /// The second call that writes it.
    pub linked_by: Option<String>,
    /// What of its value no map takes, in words.
    pub loses: Option<String>,
    /// It depends on a sensitive column.
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
    /// What may be linked.
    pub objects: Vec<String>,
    /// Gives a list of references.
    pub value: Expr,
    /// When a referred record is not there.
    pub on_missing: migr_plan::OnMissing,
    /// The record's own columns that it depends on, sorted.
    pub reads: Vec<String>,
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
    /// What must come out.
    pub expectations: Vec<Expectation>,
    /// Where it is written.
    pub span: Span,
}

/// A source record of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The source object.
    pub object: String,
    /// Its cells; columns not named are empty.
    pub cells: IndexMap<String, String>,
    /// Where it is written.
    pub span: Span,
}

/// What a test expects.
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
        /// Its key.
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
    /// Its type.
    pub ty: FieldType,
    /// The value; reads no column.
    pub value: Expr,
    /// Where it is written.
    pub span: Span,
}
