use serde::Serialize;

use crate::{Rollback, Verification};

/// What a run amounts to.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// How source owners were resolved, by address.
    pub owners: Vec<Owner>,
    /// Records that were set aside; one entry per failing field.
    pub quarantine: Vec<Quarantined>,
    /// Records that stayed behind, by rule.
    pub skipped: Vec<Skipped>,
    /// Owners whom nobody stands for, with their records.
    pub orphans: Vec<Orphan>,
    /// Values that a written rule left out or replaced.
    pub repairs: Vec<Repaired>,
    /// What the destination cannot hold as it was.
    pub degradations: Vec<Degraded>,
    /// Every concept of the source, and what became of it.
    pub rows: Vec<Moved>,
    /// How much of the export's columns is mapped.
    pub coverage: Vec<Coverage>,
    /// Changes of the destination's schema.
    pub setup: Vec<SchemaChange>,
    /// Runs, oldest first.
    pub runs: Vec<Run>,
    /// What needs a person, most urgent first.
    pub attention: Vec<Attention>,
    /// The last verification.
    pub verify: Option<Verification>,
    /// The last rollback.
    pub rollback: Option<Rollback>,
}

/// How the records of one map ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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
    /// Set aside for a person.
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

/// How a source owner was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// The source owner.
    pub source: String,
    /// The member; absent: nobody.
    pub destination: Option<String>,
    /// `match`, `override`, `fallback`, `none`.
    pub how: String,
}

/// Why a record was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Its line.
    pub line: u64,
    /// The destination field, where one is to blame.
    pub field: Option<String>,
    /// Why.
    pub reason: String,
}

/// Records that stayed behind by one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The map.
    pub map: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub records: u64,
}

/// An owner whom nobody stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// The source owner.
    pub owner: String,
    /// Who got the records; absent: nobody.
    pub assigned: Option<String>,
    /// Which.
    pub records: Vec<OrphanRecord>,
}

/// A record without its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Its line.
    pub line: u64,
    /// The destination field.
    pub field: String,
    /// What was done, and why.
    pub reason: String,
}

/// What the destination cannot hold as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Degraded {
    /// The map, where it concerns one.
    pub map: Option<String>,
    /// What.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Where it is kept instead.
    pub kept_in: Option<String>,
    /// How many records, where the plan counted them.
    pub records: Option<u64>,
}

/// A concept of the source and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// `object`, `picklist`, `owners`, …
    pub kind: String,
    /// Its name in the source.
    pub concept: String,
    /// What it became.
    pub destination: Option<String>,
    /// `exact`, `degraded`, `by_hand`, `none`.
    pub state: String,
    /// Why not better.
    pub reason: Option<String>,
}

/// How much of a source object's columns is mapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

/// A change of the destination's schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaChange {
    /// In words.
    pub action: String,
    /// `done`, `already there`, or why not.
    pub outcome: String,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

/// How soon a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// How soon.
    pub urgency: Urgency,
    /// What.
    pub what: String,
    /// What to do.
    pub action: String,
}

impl Report {
    /// The JSON form: pretty, keys in declaration order, a newline at the end.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The finished maps for which `read` is not the sum of the others.
    pub fn imbalances(&self) -> Vec<Imbalance> {
        self.objects
            .iter()
            .filter(|object| object.finished && object.read != object.accounted())
            .map(|object| Imbalance { map: object.map.clone(), read: object.read, accounted: object.accounted() })
            .collect()
    }

    /// All maps together.
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
