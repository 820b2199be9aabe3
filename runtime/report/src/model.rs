//! Model of a report, as its JSON form has it.

use migr_journal::Filed;
use migr_plan::{AutomationKind, Compatibility, ReasonCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::approvals::Approved;
use crate::groups::Tallies;
use crate::words::{count, grouped};
use crate::{Delta, ListName, Maps, Rollback, Undeclared, Verification};

/// Report of a run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Raised when a reader of the old form would misread the new one.
    pub format_version: u32,
    /// The migration.
    pub migration: String,
    /// The source system.
    pub source: String,
    /// The destination, by its name in the plan.
    pub destination: String,
    /// `blake3:…` of the plan.
    pub plan: String,
    /// Every map is through.
    pub finished: bool,
    /// Map by map, in the plan's order.
    pub objects: Vec<Object>,
    /// Source owners as they were resolved, by address; see `lists`.
    pub owners: Vec<Owner>,
    /// Records that were quarantined; one entry per failing field; see `lists`.
    pub quarantine: Vec<Quarantined>,
    /// Records that stayed behind, by map and kind of reason.
    pub skipped: Vec<Skipped>,
    /// Owners without a matching user, with their records; see `lists`.
    pub orphans: Vec<Orphan>,
    /// Number of such owners.
    pub orphan_owners: u64,
    /// Values that a written rule left out or replaced; see `lists`.
    pub repairs: Vec<Repaired>,
    /// The files that records name, by how they stand and what became of them.
    pub files: Files,
    /// Files that were not sent; see `lists`.
    pub unsent_files: Vec<UnsentFile>,
    /// Lists that have an entry per record: the length of each, how many entries stand here, and where all of them are.
    /// Up to a thousand of each kind stand here.
    pub lists: Vec<List>,
    /// Entries of `quarantine` and `repairs` by map, field and kind of reason, those that do not stand here too; the largest first.
    pub reasons: Vec<Reason>,
    /// Data that the destination cannot hold as it was.
    pub degradations: Vec<Degraded>,
    /// Every concept of the source, and what became of it.
    pub rows: Vec<Moved>,
    /// Number of concepts that move one to one.
    pub compatibility: Compatibility,
    /// Data that is to be kept for a time, and how long.
    pub retention: Vec<String>,
    /// Findings that the spec accepts, each with its reason.
    pub accepted: Vec<AcceptedFindings>,
    /// Workflows and webhooks of the destination that what is written is permitted to start.
    pub workflows: Vec<PermittedWorkflow>,
    /// Share of the export's columns that is mapped.
    pub coverage: Vec<Coverage>,
    /// Fields of records that were there before, with the number of records in which each was changed.
    pub updated_fields: Vec<UpdatedField>,
    /// The file with before and after of each of them, as the last audit read the destination, where there is one.
    pub before_and_after: Option<String>,
    /// Changes of the destination's schema.
    pub setup: Vec<SchemaChange>,
    /// Runs, oldest first.
    pub runs: Vec<Run>,
    /// Plans that it was carried out by, oldest first.
    #[serde(default)]
    pub plans: Vec<PlanUse>,
    /// Columns and files of the export that nobody declared.
    #[serde(default)]
    pub undeclared: Undeclared,
    /// Requests and time that were estimated of an audit, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<String>,
    /// Approvals that runs went by, oldest first.
    #[serde(default)]
    pub approvals: Vec<Approved>,
    /// List of what needs a person, most urgent first.
    pub attention: Vec<Attention>,
    /// The last verification.
    pub verify: Option<Verification>,
    /// The last rollback.
    pub rollback: Option<Rollback>,
    /// Later exports that were picked up, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<Delta>,
    #[serde(skip)]
    pub(crate) quarantined: Tallies,
    #[serde(skip)]
    pub(crate) repaired: Tallies,
    #[serde(skip)]
    pub(crate) not_sent: Tallies,
}

/// The JSON Schema (2020-12) of the report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}

/// Findings that an entry of the spec accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AcceptedFindings {
    /// Code, or name of a finding of the audit.
    pub finding: String,
    /// The field or column that the entry is narrowed to.
    pub on: Option<String>,
    /// Reason as written.
    pub reason: String,
    /// File and line of the entry.
    pub place: String,
    /// Number that may be accepted, where it is said.
    pub max: Option<u64>,
    /// Number of findings, or for a finding of the audit of the records that they concern; where it was counted.
    pub found: Option<u64>,
    /// The entry in one line.
    #[serde(skip)]
    pub in_words: String,
}

/// A workflow or webhook of the destination that the migration permits what is written to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PermittedWorkflow {
    /// Name of the workflow, or host of the webhook.
    pub name: String,
    /// Kind; absent: a workflow.
    #[serde(skip_serializing_if = "AutomationKind::is_workflow")]
    pub kind: AutomationKind,
    /// Reason of the permit, as written.
    pub reason: String,
}

/// The files that records name, counted. Each stands in one way; those that were sent are counted again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Files {
    /// In the export.
    pub found: u64,
    /// Behind a link that the migration follows.
    pub to_fetch: u64,
    /// Links that are not followed.
    pub link_only: u64,
    /// Not in the export.
    pub missing: u64,
    /// Not to be used: a folder, a link of the file system, a path that leads out of the export.
    pub refused: u64,
    /// Larger than the destination takes.
    pub too_large: u64,
    /// Sent with their records.
    pub sent: u64,
    /// Bytes of those that were sent.
    pub sent_bytes: u64,
}

impl Files {
    /// Number of files, each status counted.
    pub fn all(&self) -> u64 {
        self.found + self.to_fetch + self.link_only + self.missing + self.refused + self.too_large
    }

    /// Number of files that cannot be sent as they stand.
    pub fn unfit(&self) -> u64 {
        self.link_only + self.missing + self.refused + self.too_large
    }

    /// `12 files are named: 11 in the export, 1 not in it; 11 were sent, 8,192 bytes`
    pub(crate) fn in_words(&self) -> String {
        let parts = [
            (self.found, "in the export"),
            (self.to_fetch, "behind links that are followed"),
            (self.link_only, "behind links that are not followed"),
            (self.missing, "not in the export"),
            (self.refused, "not to be used"),
            (self.too_large, "too large for the destination"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", grouped(*count)))
            .collect();
        format!(
            "Records name {}: {}. {} sent, {} in all",
            count(self.all(), "file", "files"),
            parts.join(", "),
            count(self.sent, "was", "were"),
            count(self.sent_bytes, "byte", "bytes")
        )
    }

    pub(crate) fn add(&mut self, file: &Filed) {
        let count = match file.state.as_str() {
            "found" => &mut self.found,
            "to_fetch" => &mut self.to_fetch,
            "link_only" => &mut self.link_only,
            "missing" => &mut self.missing,
            "too_large" => &mut self.too_large,
            _ => &mut self.refused,
        };
        *count += 1;
        if file.is_sent() {
            self.sent += 1;
            self.sent_bytes += file.bytes.unwrap_or_default();
        }
    }
}

/// A file that was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnsentFile {
    /// The map of its record.
    pub map: String,
    /// The record's source key.
    pub key: String,
    /// The file of the export that names it.
    pub file: String,
    /// The line there.
    pub line: u64,
    /// The source column.
    pub column: String,
    /// The cell as it may be shown.
    pub path: String,
    /// Status of the file: `found`, `to_fetch`, `link_only`, `missing`, `refused`, `too_large`.
    pub state: String,
    /// Why it was not sent.
    pub reason: String,
    /// Code of the reason, which `migr explain` knows; absent in a report of before there were codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A list that has an entry per record or value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct List {
    /// Which.
    pub list: ListName,
    /// Number of entries that the list has.
    pub entries: u64,
    /// Number of entries that stand in the report.
    pub listed: u64,
    /// The file with all of them, where one was written.
    pub file: Option<String>,
}

/// Entries of a list that say the same of different records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// The list.
    pub list: ListName,
    /// The map; empty for what is counted together because there are too many kinds.
    pub map: String,
    /// The destination field, where one is to blame.
    pub field: Option<String>,
    /// Code of the reason, which `migr explain` explains; absent where it has none.
    #[serde(default)]
    pub code: Option<String>,
    /// The reason without what differs from record to record.
    pub reason: String,
    /// Number of entries.
    pub entries: u64,
}

/// Counts of the records of one map, by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Object {
    /// The map.
    pub map: String,
    /// The source object.
    pub source_object: String,
    /// The destination object.
    pub destination_object: String,
    /// Records of the export that belong to the map, counted there.
    pub read: u64,
    /// Not there before.
    pub created: u64,
    /// There before, and changed.
    pub updated: u64,
    /// There before, as they should be.
    pub unchanged: u64,
    /// Left by a written rule.
    pub skipped: u64,
    /// Quarantined for a person.
    pub quarantined: u64,
    /// Nothing is left to do.
    pub finished: bool,
}

impl Object {
    /// Records that ended in any way.
    pub fn accounted(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.skipped + self.quarantined
    }
}

/// A map whose numbers do not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// The map.
    pub map: String,
    /// Records of the export.
    pub read: u64,
    /// Records that ended in any way.
    pub accounted: u64,
}

/// Source owner as it was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Owner {
    /// The source owner.
    pub source: String,
    /// The member; absent: nobody.
    pub destination: Option<String>,
    /// `match`, `override`, `fallback`, `none`.
    pub how: String,
}

/// List of what is quarantined, as `migr quarantine list --json` writes it: an entry for each field that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QuarantineList {
    /// Version of the form.
    pub format_version: u32,
    /// In the order of maps, files and lines.
    pub quarantine: Vec<Quarantined>,
}

/// The JSON Schema (2020-12) of the list of what is quarantined.
pub fn quarantine_schema() -> serde_json::Value {
    schemars::schema_for!(QuarantineList).to_value()
}

/// Why a record was quarantined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quarantined {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Line of the record in that file.
    pub line: u64,
    /// The destination field, where one is to blame.
    pub field: Option<String>,
    /// Why.
    pub reason: String,
    /// Code of the reason, which `migr explain` explains; absent where the journal is of an earlier program.
    #[serde(default)]
    pub code: Option<String>,
}

impl Quarantined {
    /// A remark of the journal as the report says it.
    pub fn of(maps: &Maps, entry: migr_journal::Quarantined) -> Self {
        Self {
            map: maps.name(&entry.step).to_owned(),
            key: entry.key,
            file: entry.file,
            line: entry.line,
            field: entry.field,
            reason: entry.reason,
            code: entry.code,
        }
    }
}

/// Records that stayed behind by one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Skipped {
    /// The map.
    pub map: String,
    /// Why.
    pub reason: String,
    /// Code of the reason, which `migr explain` explains; absent where the journal is of an earlier program.
    #[serde(default)]
    pub code: Option<String>,
    /// Number of records.
    pub records: u64,
}

/// An owner without a matching user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Orphan {
    /// The source owner.
    pub owner: String,
    /// User who got the records; absent: no user.
    pub assigned: Option<String>,
    /// Number of entries: one per record and field.
    pub count: u64,
    /// Which; up to a thousand.
    pub records: Vec<OrphanRecord>,
}

/// A record without its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrphanRecord {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The line of the export.
    pub line: u64,
    /// The destination field.
    pub field: String,
}

/// A value that a written rule left out or replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Repaired {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Line of the record in that file.
    pub line: u64,
    /// The destination field.
    pub field: String,
    /// Reason, with what was done.
    pub reason: String,
    /// Code of the reason, which `migr explain` knows; absent in a journal of before there were codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Data that the destination cannot hold as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Degraded {
    /// The map, where it concerns one.
    pub map: Option<String>,
    /// Data concerned.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Where it is kept instead.
    pub kept_in: Option<String>,
    /// Number of records, where the plan counted them.
    pub records: Option<u64>,
}

/// A concept of the source and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Moved {
    /// `object`, `picklist`, `owners`, …
    pub kind: String,
    /// Name of the concept in the source.
    pub concept: String,
    /// Counterpart in the destination.
    pub destination: Option<String>,
    /// `exact`, `degraded`, `by_hand`, `none`.
    pub state: String,
    /// Records of the export, of an object that an audit counted.
    pub records: Option<u64>,
    /// Why not better.
    pub reason: Option<String>,
}

/// Share of a source object's columns that is mapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Coverage {
    /// The source object.
    pub source_object: String,
    /// Columns of the catalog.
    pub columns: u64,
    /// Columns that a map reads.
    pub mapped: u64,
    /// Columns that stay behind by a written rule.
    pub dropped: u64,
    /// Columns that no map reads and no rule drops.
    pub unused: Vec<String>,
}

/// A field of records that were there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UpdatedField {
    /// The map.
    pub map: String,
    /// The destination object.
    pub destination_object: String,
    /// The destination field.
    pub field: String,
    /// Records in which it was changed.
    pub records: u64,
}

/// A change of the destination's schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SchemaChange {
    /// In words.
    pub action: String,
    /// `done`, `already there`, or why not.
    pub outcome: String,
    /// Labels of the options that were made by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// A plan that the migration was carried out by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlanUse {
    /// `blake3:…` of the plan.
    pub hash: String,
    /// Moment of its first use.
    pub first: String,
    /// Moment of its last use.
    pub last: String,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Run {
    /// The command.
    pub command: String,
    /// When it began.
    pub started: String,
    /// When it ended; absent: it did not say.
    pub ended: Option<String>,
    /// In a word.
    pub result: Option<String>,
}

/// Urgency: how soon a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// The result cannot be trusted before somebody looked.
    Now,
    /// Something is left to do.
    Todo,
    /// Worth knowing.
    Know,
}

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attention {
    /// Urgency of the matter.
    pub urgency: Urgency,
    /// Matter in words.
    pub what: String,
    /// Action to take.
    pub action: String,
}

impl SchemaChange {
    /// Options that are told of one change; the JSON form has all.
    const TOLD: usize = 20;

    /// `; 3 options: New, Open, Closed`
    pub(crate) fn options_in_words(&self) -> String {
        if self.options.is_empty() {
            return String::new();
        }
        let told: Vec<&str> = self.options.iter().take(Self::TOLD).map(String::as_str).collect();
        let rest = self.options.len() - told.len();
        let rest = if rest > 0 { format!(" and {} more", grouped(rest as u64)) } else { String::new() };
        format!("; {}: {}{rest}", count(self.options.len() as u64, "option", "options"), told.join(", "))
    }
}

impl Report {
    /// The JSON form: pretty, keys in declaration order, a newline at the end.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| migr_escape::json(&text).into_owned() + "\n")
    }

    /// The finished maps for which `read` is not the sum of the others.
    pub fn imbalances(&self) -> Vec<Imbalance> {
        self.objects
            .iter()
            .filter(|object| object.finished && object.read != object.accounted())
            .map(|object| Imbalance { map: object.map.clone(), read: object.read, accounted: object.accounted() })
            .collect()
    }

    /// The file with every entry of a list, where one was written.
    pub fn file_of(&self, list: ListName) -> Option<&str> {
        self.lists.iter().find(|known| known.list == list)?.file.as_deref()
    }

    /// Number of entries that a list has.
    pub fn entries_of(&self, list: ListName) -> u64 {
        self.lists.iter().find(|known| known.list == list).map_or(0, |known| known.entries)
    }

    /// Number of quarantined records of which nobody can tell whether they are there.
    pub fn uncertain(&self) -> u64 {
        let code = ReasonCode::Q502.to_string();
        let of_it = self.reasons.iter().filter(|reason| reason.list == ListName::Quarantine);
        of_it.filter(|reason| reason.code.as_ref() == Some(&code)).map(|reason| reason.entries).sum()
    }

    /// True where a rollback of the whole migration took back whatever was written.
    pub fn is_taken_back(&self) -> bool {
        let total = self.total();
        let is_whole = |rollback: &Rollback| !rollback.dry_run && rollback.maps.is_empty();
        self.rollback.as_ref().is_some_and(is_whole) && total.created + total.updated == 0
    }

    /// Sum of every map.
    pub fn total(&self) -> Object {
        let mut total = Object { finished: self.finished, ..Object::default() };
        for object in &self.objects {
            total.read += object.read;
            total.created += object.created;
            total.updated += object.updated;
            total.unchanged += object.unchanged;
            total.skipped += object.skipped;
            total.quarantined += object.quarantined;
        }
        total
    }
}
