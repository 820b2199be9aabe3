//! The plan and its parts: inputs, options, source, destination, owners, picklists, concepts and counts.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::empty::is_default;
use crate::{
    Acceptance, FetchHost, FileRule, FiredAutomation, NewOption, Origin, Permit, SetupAction, SourceObject, Stage,
};

/// The version of the plan's JSON form. Raised when a reader of the old form would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

/// Plan of what a migration will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The migration's name.
    pub migration: String,
    /// `///` text of the migration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Inputs that the plan was made from.
    pub inputs: Inputs,
    /// The migration's settings.
    pub options: Options,
    /// Where records come from.
    pub source: Source,
    /// Where they go.
    pub destination: Destination,
    /// Changes of the destination's schema, in order.
    pub setup: Vec<SetupAction>,
    /// Maps in dependency order.
    pub stages: Vec<Stage>,
    /// Assignment of owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Owners>,
    /// Value tables, by name.
    pub picklists: Vec<Picklist>,
    /// Fields and concepts that the destination cannot hold as they were, and where they are kept instead.
    pub degradations: Vec<Degradation>,
    /// Every concept of the source, with what becomes of it.
    pub rows: Vec<Row>,
    /// Findings that are accepted, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Acceptance>,
    /// Findings that stop check, audit and run: `warnings` for all of them, or codes and names of findings, in the order written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// Permits that a person has given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permits: Vec<Permit>,
    /// Workflows of the destination that run on what is written, as an audit found them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub automations: Vec<FiredAutomation>,
    /// Columns that no catalog declares and files that no object reads, as an audit found them: they stay behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undeclared: Vec<String>,
    /// Estimate of the time that the migration takes.
    pub estimate: Estimate,
    /// In one line.
    pub summary: Summary,
}

impl Plan {
    /// The plan without what was counted in an export: what is left says what will be done, and is the same before and after an audit.
    #[must_use]
    pub fn without_counts(&self) -> Self {
        let mut plan = self.clone();
        plan.inputs.lock = None;
        plan.automations.clear();
        plan.undeclared.clear();
        plan.estimate = Estimate::default();
        plan.summary = Summary {
            schema_changes: plan.summary.schema_changes,
            blocking: plan.summary.blocking,
            ..Summary::default()
        };
        for accepted in &mut plan.accepted {
            accepted.found = None;
        }
        for degradation in &mut plan.degradations {
            degradation.records = None;
        }
        for row in &mut plan.rows {
            row.records = None;
            row.found = None;
        }
        for stage in &mut plan.stages {
            stage.there = None;
            for dropped in &mut stage.dropped {
                dropped.records = None;
            }
        }
        plan
    }

    /// The plan without what only says how its destination is reached, limits, timeout, proxy and certificates, and without the hashes of the texts that say
    /// so. They may change while it is carried out.
    #[must_use]
    pub fn without_reach(&self) -> Self {
        let mut plan = self.clone();
        plan.inputs = Inputs::default();
        plan.destination.limits.clear();
        for name in Destination::REACH {
            plan.destination.settings.shift_remove(name);
        }
        plan
    }

    /// Share of the source that moves one to one, counted from the rows.
    pub fn compatibility(&self) -> Compatibility {
        let mut compatibility = Compatibility::default();
        for row in &self.rows {
            let is_object = matches!(row.kind.as_str(), "object" | "owners" | "reference");
            let share = if is_object { &mut compatibility.objects } else { &mut compatibility.others };
            share.all += 1;
            share.exact += Count::from(row.standing().0 == RowState::Exact);
        }
        compatibility
    }

    /// The source object of a name.
    pub fn source_object(&self, name: &str) -> Option<&SourceObject> {
        self.source.objects.iter().find(|object| object.name == name)
    }

    /// The stage of an id.
    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// The picklist of a name.
    pub fn picklist(&self, name: &str) -> Option<&Picklist> {
        self.picklists.iter().find(|picklist| picklist.name == name)
    }
}

/// Inputs that a plan was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    /// The specification's files with their BLAKE3 hashes, sorted by path.
    pub files: Vec<InputFile>,
    /// Hash of the lock file, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputFile {
    /// Relative path.
    pub path: String,
    /// `blake3:` and the hash in hexadecimal.
    pub hash: String,
}

/// The migration's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    /// IANA zone of wall-clock times that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Default region of phones and addresses, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Default currency, ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Size of the sample, in records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<u64>,
    /// The delta window, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_seconds: Option<u64>,
    /// `keep`, `overwrite`, `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<String>,
    /// `keep`, `delete`, `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_vanished: Option<String>,
    /// Policy of a rollback for imported records that a person changed, or hung something on: `keep`, `destroy`, `list` (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_rollback: Option<String>,
    /// Least share of fields that must verify, as a decimal numeral of percent (`99.9`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_match_percent: Option<String>,
}

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The system's name.
    pub system: String,
    /// The pattern of the export's files, relative to the project.
    pub files: String,
    /// The hosts that files are fetched from where a cell holds a link; no other host is ever asked for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<FetchHost>,
    /// Cells that count as empty, besides the blank one.
    pub blank: Vec<String>,
    /// The objects that the migration reads, drops or refers to, in the catalog's order.
    pub objects: Vec<SourceObject>,
    /// Files that stay behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped_files: Vec<FileRule>,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Destination {
    /// The system's name.
    pub system: String,
    /// The connector that speaks to it.
    pub connector: String,
    /// The name it goes by (`staging`); the system's where the spec gives none.
    pub name: String,
    /// Settings: `url`, `token`, …
    pub settings: IndexMap<String, SettingValue>,
    /// Limits that the catalog and the migration state; the connector may find others.
    pub limits: Vec<Limit>,
    /// Parts of its interface that its documents do not name, and that are sent because the migration says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undocumented: Vec<Undocumented>,
    /// Objects that this migration creates: name of many → name of one.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub new_objects: IndexMap<String, String>,
    /// Reason for which a rollback leaves the objects that setup creates; none: it removes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects_stay: Option<String>,
}

impl Destination {
    /// Settings that say how it is reached, and nothing about what is done there.
    pub const REACH: [&str; 4] = ["certificates", "proxy", "settle", "timeout"];
    /// Seconds from which a limit is no pace to keep but a quota that is used up.
    const LONG: u64 = 3600;

    /// Requests and the seconds that they are allowed in, the shortest time first.
    fn requests(&self) -> Vec<(u64, u64)> {
        let limits = self.limits.iter().filter(|limit| limit.what == "requests" && limit.value > 0);
        let mut limits: Vec<_> = limits.filter_map(|limit| Some((limit.value, limit.per_seconds?))).collect();
        limits.sort_by_key(|(_, seconds)| *seconds);
        limits
    }

    /// The pace: requests, and the seconds that they are allowed in.
    pub fn pace(&self) -> Option<(u64, u64)> {
        self.requests().first().copied().filter(|(_, seconds)| *seconds < Self::LONG)
    }

    /// Amounts of requests for longer times, such as a day: requests, and the seconds that they are allowed in.
    pub fn allowances(&self) -> Vec<(u64, u64)> {
        let paced = usize::from(self.pace().is_some());
        self.requests().split_off(paced)
    }
}

/// Part of a system's interface that its documents do not name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undocumented {
    /// Name of the part, as its catalog has it: `customFields.options`.
    pub what: String,
    /// Use of it, in words.
    pub reason: String,
}

/// A setting of a destination. A secret is named, never held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum SettingValue {
    /// As written.
    Text {
        /// The value.
        value: String,
    },
    /// `env("NAME")`
    Env {
        /// The environment variable.
        name: String,
    },
    /// `secret("NAME")`: an environment variable, or a file named by `NAME_FILE`.
    Secret {
        /// The variable.
        name: String,
    },
}

/// `requests 100 per 60s`, `batch 200`, `file 1GB`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    /// `requests`, `batch`, `file`.
    pub what: String,
    /// Requests, records, or bytes.
    pub value: u64,
    /// The window of requests, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_seconds: Option<u64>,
}

/// Assignment of owners in the source to members of the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owners {
    /// The source object of owners.
    pub source_object: String,
    /// The source column that is compared.
    pub source_column: String,
    /// The destination object of members.
    pub destination_object: String,
    /// The destination field that is compared, without regard to case.
    pub destination_field: String,
    /// Written pairs; they go before the match.
    pub overrides: Vec<OwnerOverride>,
    /// Member who gets the records without an owner; absent: the field stays empty. Each use is logged as an orphan.
    pub fallback: Option<String>,
    /// Where it is written.
    pub origin: Origin,
}

impl Owners {
    /// The addresses of members that the spec names: the fallback, then the right sides of overrides.
    pub fn named_members(&self) -> impl Iterator<Item = &str> {
        let overrides = self.overrides.iter().map(|pair| pair.destination.as_str());
        self.fallback.as_deref().into_iter().chain(overrides)
    }
}

/// `"old@x" = "new@y"`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerOverride {
    /// The source address.
    pub source: String,
    /// The member's.
    pub destination: String,
    /// The line.
    pub origin: Origin,
}

/// A value table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Picklist {
    /// Name of the picklist.
    pub name: String,
    /// The destination object.
    pub object: String,
    /// The destination fields, one unless several are decided together.
    pub fields: Vec<String>,
    /// Names of the inputs where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Keys are compared without regard to case.
    pub ignore_case: bool,
    /// Keys are compared trimmed, with runs of blanks as one.
    pub ignore_space: bool,
    /// Rows of the table, in order.
    pub rows: Vec<PicklistRow>,
    /// Rule for a value that no row names.
    pub otherwise: PicklistOtherwise,
    /// Options of values (`otherwise create`) that would fall together with another one, kept apart by a number; told by the export.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<MadeOption>,
    /// Where it is written.
    pub origin: Origin,
}

impl Picklist {
    /// The values that new rows of tables give to other fields together with an option of one field, as they follow its name: ` (pipeline "Workshops")`.
    pub fn given_with(tables: &[Self], object: &str, field: &str, option: &str) -> String {
        let mut given = BTreeSet::new();
        for table in tables.iter().filter(|table| table.object == object) {
            let Some(at) = table.fields.iter().position(|name| name == field) else { continue };
            for row in table.rows.iter().filter(|row| row.new.is_some()) {
                if row.values.get(at).and_then(Option::as_deref) != Some(option) {
                    continue;
                }
                let others = table.fields.iter().zip(&row.values).filter(|(name, _)| *name != field);
                let named = others.filter_map(|(name, value)| Some(format!("{name} \"{}\"", value.as_ref()?)));
                given.insert(named.collect::<Vec<_>>().join(", "));
            }
        }
        let shown = given.iter().filter(|words| !words.is_empty()).map(|words| format!(" ({words})"));
        shown.collect::<Vec<_>>().concat()
    }
}

/// An option that a value gets because another one has the name that it would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeOption {
    /// The value, which is the option's label.
    pub label: String,
    /// `A_2`
    pub value: String,
}

/// One row of a value table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PicklistRow {
    /// Alternatives; each one value per input, `null` for an empty cell.
    pub keys: Vec<Vec<Option<String>>>,
    /// One value per field; `null` leaves the field empty.
    pub values: Vec<Option<String>>,
    /// The option that setup creates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<NewOption>,
    /// The line.
    pub origin: Origin,
}

/// Rule for a value that no row names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum PicklistOtherwise {
    /// The record is quarantined.
    Quarantine,
    /// The record is left out, counted as skipped.
    Skip,
    /// The field stays empty.
    None,
    /// An option is made of the value.
    Create,
    /// This option.
    Use {
        /// Value of the option.
        value: String,
    },
    /// These options, of a table of several fields.
    UseAll {
        /// One for each field; `null` leaves the field empty.
        values: Vec<Option<String>>,
    },
}

/// Field or concept that the destination cannot hold as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Degradation {
    /// The map, where it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// Field or concept that is degraded.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Where it is kept instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<String>,
    /// Records that are counted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub counts: DegradedRecords,
    /// Number of records, once counted.
    pub records: Option<Count>,
    /// The line.
    pub origin: Origin,
}

/// Records that a degradation counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DegradedRecords {
    /// Records with a value in the field.
    #[default]
    Filled,
    /// Records whose value the destination does not hold whole.
    Lost,
    /// Records of which the conversion leaves something out.
    Converted,
    /// Records of whose value the expression takes a part, and leaves something.
    Cut,
    /// Records with a value in the column.
    Column,
}

/// A concept of the source and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// `object`, `picklist`, `owners`, `tags`, `custom_fields`, `workflows`, …
    pub kind: String,
    /// Name of the concept in the source.
    pub concept: String,
    /// Name in the destination that the concept becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Degree to which the concept moves.
    pub state: RowState,
    /// Why not better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of records of the export that an object or reference has, once counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Count>,
    /// Loss that an audit found in records of an object of which the spec loses nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// The line that decides.
    pub origin: Origin,
}

impl Row {
    /// Degree to which the concept moves, and why not better, with what an audit found.
    pub fn standing(&self) -> (RowState, Option<&str>) {
        match &self.found {
            Some(found) if self.state == RowState::Exact => (RowState::Degraded, Some(found)),
            _ => (self.state, self.reason.as_deref()),
        }
    }
}

/// Share of a source that moves one to one: each record and each value arrives, and can be told from every other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Compatibility {
    /// Of the source's objects, with those that are matched only, rebuilt by hand or left.
    pub objects: Share,
    /// Of its other concepts: picklists, lists, custom fields, files.
    pub others: Share,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Share {
    /// Those that move one to one.
    pub exact: Count,
    /// Number in total.
    pub all: Count,
}

/// Degree to which a concept moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// One to one.
    Exact,
    /// With a loss or a detour that is named.
    Degraded,
    /// A person rebuilds it.
    ByHand,
    /// The concept stays behind.
    None,
}

/// A count that is known only once the export has been read.
pub type Count = u64;

/// Estimate of records, requests and time, by the destination's stated limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Records to write, links included; absent: not counted.
    pub records: Option<Count>,
    /// Requests at least, from setup to the reading back.
    pub requests: Option<Count>,
    /// Requests at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_at_most: Option<Count>,
    /// Seconds at least, by the destination's limits.
    pub seconds: Option<Count>,
    /// Seconds at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_at_most: Option<Count>,
}

impl Estimate {
    /// `1,200 to 1,500 requests, 12 min to 15 min by the destination's limits`; none where nothing was counted.
    pub fn in_words(&self) -> Option<String> {
        let (least, most) = self.requests.zip(self.requests_at_most)?;
        let time = self.seconds.zip(self.seconds_at_most).map_or_else(
            || "in a time that no limit of the destination tells".to_owned(),
            |(least, most)| format!("{} to {} by the destination's limits", time(least), time(most)),
        );
        Some(format!("{least} to {most} requests, {time}"))
    }
}

/// A duration for a person, rounded up: `2 h 5 min`.
pub fn time(seconds: Count) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86400, seconds % 86400 / 3600),
    }
}

/// The plan in one line. Counts come from an audit; absent: not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Records that will be created.
    pub create: Option<Count>,
    /// Records that will be updated.
    pub update: Option<Count>,
    /// Records that are there as they should be.
    pub unchanged: Option<Count>,
    /// Records that stay behind by a written rule.
    pub skip: Option<Count>,
    /// Records that will be quarantined.
    pub quarantine: Option<Count>,
    /// Changes of the schema.
    pub schema_changes: Count,
    /// Number of findings that block a run.
    pub blocking: Count,
}
