//! Migrations, owners, picklists, maps and the other items as written.

use migr_source::Spanned;

use super::{Allow, Entry, Expr, Findings, Name, Path, RecordField, Text, Type};

/// `migration NAME { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Migration {
    /// Name of the migration.
    pub name: Name,
    /// Entries of the migration.
    pub entries: Vec<Entry<MigrationEntry>>,
}

/// An entry of `migration`.
#[derive(Clone, Debug, PartialEq)]
pub enum MigrationEntry {
    /// `source visual_practice { files = "export/*.csv" }`
    Source {
        /// The system's name.
        system: Name,
        /// Settings of the source.
        settings: Vec<Entry<Setting>>,
    },
    /// `destination twenty as staging { url = env("…") }`
    Destination {
        /// The system's name.
        system: Name,
        /// The name it goes by.
        alias: Option<Name>,
        /// Settings of the destination.
        settings: Vec<Entry<Setting>>,
    },
    /// `timezone = "America/New_York"`
    Setting(Setting),
    /// `on conflict list`
    On(On),
    /// `require match >= 99.9%`
    Require {
        /// Measure that is required (`match`).
        what: Name,
        /// The threshold, a quantity.
        at_least: Expr,
    },
    /// `permit SessionNote : "who, when"`
    Permit {
        /// The restricted object.
        object: Name,
        /// Reason as written: who permitted it, and when.
        reason: Text,
    },
    /// `permit workflow "Create company" : "why"`
    PermitWorkflow {
        /// The workflow's name in the destination.
        workflow: Text,
        /// Why.
        reason: Text,
    },
    /// `permit webhook "hooks.example.com" : "why"`
    PermitWebhook {
        /// The host that it tells.
        host: Text,
        /// Why.
        reason: Text,
    },
    /// `permit irreversible : "why"`
    PermitIrreversible {
        /// Why.
        reason: Text,
    },
    /// `allow W0321 : "why"`
    Allow(Allow),
    /// `deny warnings`
    Deny(Findings),
}

/// `name = value`
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The setting.
    pub name: Name,
    /// Value of the setting.
    pub value: Expr,
}

/// `on duplicate keep oldest created_at`: an event and the words of its policy; which are known is for `check` to say.
#[derive(Clone, Debug, PartialEq)]
pub struct On {
    /// `existing`, `duplicate`, `deleted`, `cycle`, `error`, `conflict`, `vanished`.
    pub event: Name,
    /// One or more words.
    pub policy: Vec<Name>,
}

/// An entry of `owners`.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnersEntry {
    /// `match User.email = workspaceMembers.userEmail`
    Match {
        /// The source object and field.
        source: Path,
        /// The destination object and field.
        destination: Path,
    },
    /// `"old@x" = "new@y"`
    Override {
        /// The source address.
        source: Text,
        /// The member's address.
        destination: Text,
    },
    /// `fallback "front.desk@clinic.example"`; `None` is `fallback none`.
    Fallback(Spanned<Option<Text>>),
    /// `allow W0605 : "why"`
    Allow(Allow),
}

/// `picklist NAME (inputs) -> object.field ignore case, space { rows }`
#[derive(Clone, Debug, PartialEq)]
pub struct Picklist {
    /// Name of the picklist, used as a pipe.
    pub name: Name,
    /// Named inputs where there are several; empty for one.
    pub inputs: Vec<Name>,
    /// The destination object.
    pub object: Name,
    /// The destination field or fields.
    pub fields: Vec<Name>,
    /// Words after `ignore`: `case`, `space`.
    pub ignore: Vec<Name>,
    /// Rows and `otherwise`.
    pub entries: Vec<Entry<PicklistEntry>>,
}

/// An entry of `picklist`.
#[derive(Clone, Debug, PartialEq)]
pub enum PicklistEntry {
    /// `"New" | "Open" = NEW`
    Row {
        /// One or more keys.
        keys: Vec<Spanned<PicklistKey>>,
        /// Result for the keys.
        target: Spanned<PicklistTarget>,
    },
    /// `otherwise quarantine | create | none | skip | OPTION`
    Otherwise(Spanned<PicklistTarget>),
    /// `allow W0607 : "why"`
    Allow(Allow),
}

/// A key of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum PicklistKey {
    /// `"New"`
    Text(Text),
    /// `none`: an empty cell.
    None,
    /// `("Coaching", "Lead")`
    Tuple(Vec<Text>),
}

/// Result of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum PicklistTarget {
    /// `NEW` or `"NEW"`; after `otherwise` also the words `quarantine`, `create`, `skip`.
    Option(Name),
    /// `none`
    None,
    /// `new LOST "Lost" red`
    New(NewOption),
    /// `("Coaching", "New lead", open)`, also with `new` before it.
    Tuple {
        /// True where `new` stands before the tuple.
        is_new: bool,
        /// One value per field.
        values: Vec<DecidedOption>,
    },
}

/// `LOST "Lost" red`, behind `new`
#[derive(Clone, Debug, PartialEq)]
pub struct NewOption {
    /// The option's value.
    pub value: Name,
    /// Label of the option.
    pub label: Option<Text>,
    /// Colour of the option.
    pub color: Option<Name>,
}

/// One value of a decision about several fields.
#[derive(Clone, Debug, PartialEq)]
pub enum DecidedOption {
    /// A text or a bare option.
    Option(Name),
    /// `new LOST "Lost" red`
    New(Spanned<NewOption>),
}

impl DecidedOption {
    /// The option's value.
    pub fn value(&self) -> &Name {
        match self {
            Self::Option(name) => name,
            Self::New(new) => &new.node.value,
        }
    }
}

/// `skip Activity when condition : "reason"`
#[derive(Clone, Debug, PartialEq)]
pub struct Skip {
    /// The source object.
    pub object: Name,
    /// Which records.
    pub condition: Expr,
    /// Why.
    pub reason: Text,
}

/// `drop object X : "reason"`, `drop file "glob" : "reason"`
#[derive(Clone, Debug, PartialEq)]
pub enum DropItem {
    /// A source object stays behind.
    Object {
        /// Which.
        object: Name,
        /// Why.
        reason: Text,
    },
    /// Files stay behind.
    File {
        /// A file name, or a pattern with `*`.
        pattern: Text,
        /// Why.
        reason: Text,
    },
}

/// `map Object as Alias -> destination when condition { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Where records come from.
    pub source: MapSource,
    /// The map's name where it is not the object's.
    pub alias: Option<Name>,
    /// `formerly NAME`: the name that the map had before.
    pub formerly: Option<Name>,
    /// Where they go.
    pub destination: MapDestination,
    /// Which records.
    pub when: Option<Expr>,
    /// Entries of the map.
    pub entries: Vec<Entry<MapEntry>>,
}

/// Where a map's records come from.
#[derive(Clone, Debug, PartialEq)]
pub enum MapSource {
    /// A source object.
    Object(Name),
    /// `distinct Client.company | collapse`: one record per distinct value.
    Distinct {
        /// The source object.
        object: Name,
        /// The expression over its fields, pipes included.
        value: Expr,
    },
    /// `each Contact.company_ids`: one record per element of a list.
    Each {
        /// The source object.
        object: Name,
        /// The list.
        value: Expr,
    },
}

impl MapSource {
    /// The source object.
    pub fn object(&self) -> &Name {
        match self {
            Self::Object(object) | Self::Distinct { object, .. } | Self::Each { object, .. } => object,
        }
    }
}

/// Where a map's records go.
#[derive(Clone, Debug, PartialEq)]
pub enum MapDestination {
    /// An object of the destination's catalog.
    Object(Name),
    /// `new treatmentPlans "Treatment plans" one treatmentPlan "Treatment plan"`
    New {
        /// Name of many.
        plural: Name,
        /// Label of many.
        plural_label: Text,
        /// Name of one.
        singular: Name,
        /// Label of one.
        singular_label: Text,
    },
}

impl MapDestination {
    /// Name of the object.
    pub fn name(&self) -> &Name {
        match self {
            Self::Object(name) | Self::New { plural: name, .. } => name,
        }
    }
}

/// An entry of `map`.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every entry is a mapping, so a box would save nothing")]
pub enum MapEntry {
    /// `match a`, `match a or b`, `match a and b`
    Match {
        /// The destination fields.
        fields: Vec<Path>,
        /// `true` where joined by `and`.
        all: bool,
    },
    /// `on existing fill`
    On(On),
    /// `field = expression`
    Mapping(Mapping),
    /// `drop fax, internal_code : "reason"`
    Drop {
        /// The source columns.
        columns: Vec<Name>,
        /// Why.
        reason: Text,
    },
    /// `same "Acme Inc." = "ACME" | "Acme, Inc"`
    Same {
        /// The spelling that stays.
        canonical: Text,
        /// Those that become it.
        variants: Vec<Text>,
    },
    /// `allow W0333 on field : "why"`
    Allow(Allow),
}

/// `target = value as name on missing none`
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Field or fields that are written.
    pub target: MappingTarget,
    /// The value.
    pub value: Expr,
    /// `as file_name`: the name of a file.
    pub file_name: Option<Expr>,
    /// `on missing none`, `on empty clear`, `on taken none`, in the order written.
    pub cases: Vec<OnCase>,
}

impl Mapping {
    /// The word of a case (`missing`), where it is written.
    pub fn case(&self, case: &str) -> Option<&Name> {
        self.cases.iter().find(|one| &*one.case.node == case).map(|one| &one.word)
    }
}

/// `on missing none`
#[derive(Clone, Debug, PartialEq)]
pub struct OnCase {
    /// `missing`, `empty` or `taken`.
    pub case: Name,
    /// The word of its policy.
    pub word: Name,
}

/// The left side of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub enum MappingTarget {
    /// `name`, `emails.primaryEmail`
    Field(Path),
    /// `(pipeline, pipelineStage, new pipelineName "Pipeline": text)`
    Fields(Vec<DecidedField>),
    /// `new leadStatus "Lead status": select LeadStatus inverse "…"`
    New(NewField),
}

/// One of several fields that are decided together.
#[derive(Clone, Debug, PartialEq)]
pub enum DecidedField {
    /// A field of the catalog.
    Field(Name),
    /// `new pipelineName "Pipeline": text`
    New(NewField),
}

impl DecidedField {
    /// The field's name.
    pub fn name(&self) -> &Name {
        match self {
            Self::Field(name) => name,
            Self::New(new) => &new.name,
        }
    }
}

/// `new leadStatus "Lead status": select LeadStatus inverse "…" sensitive`
#[derive(Clone, Debug, PartialEq)]
pub struct NewField {
    /// The field's name.
    pub name: Name,
    /// Label of the field.
    pub label: Text,
    /// Type of the field.
    pub ty: Spanned<Type>,
    /// Label of a relation's other side.
    pub inverse: Option<Text>,
    /// True where the field may hold sensitive values.
    pub sensitive: bool,
}

/// `link Enrolment -> contacts(client_id) to programs(program_id) "Enrolled in"`
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The source object.
    pub source: Name,
    /// One end: destination object and source column.
    pub from: (Name, Name),
    /// The other end.
    pub to: (Name, Name),
    /// The association's label.
    pub label: Text,
}

/// `reference Workflow from "workflows.json"`
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceItem {
    /// The source object.
    pub object: Name,
    /// File of the object.
    pub file: Option<Text>,
}

/// `transform slug(x) = x | lower`
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// Name of the transform.
    pub name: Name,
    /// Parameters of the transform.
    pub parameters: Vec<Name>,
    /// Expression that the transform computes.
    pub body: Expr,
}

/// `test "name" { given … expect … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// A sentence.
    pub name: Text,
    /// Entries of the test.
    pub entries: Vec<Entry<TestEntry>>,
}

/// An entry of `test`.
#[derive(Clone, Debug, PartialEq)]
pub enum TestEntry {
    /// `given Contact { contact_id: "C7" }`
    Given {
        /// The source object.
        object: Name,
        /// Cells of the record.
        fields: Vec<RecordField>,
    },
    /// `expect people { emails.primaryEmail: "a@x.com" }`
    Expect {
        /// The destination object.
        object: Name,
        /// Some of its fields.
        fields: Vec<RecordField>,
    },
    /// `expect quarantined Deal("D1") on stage`, `expect skipped Activity("A1")`
    ExpectSetAside {
        /// `quarantined` or `skipped`.
        outcome: Name,
        /// The source object.
        object: Name,
        /// Key of the source record.
        key: Vec<Text>,
        /// The field it failed on.
        on: Option<Path>,
    },
}
