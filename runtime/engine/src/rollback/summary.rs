//! Summary of a rollback.

use std::collections::BTreeMap;

use migr_report::{Finding, Rollback, RollbackStep};

/// Entries of a list that are kept; what is beyond is counted.
const KEPT: usize = 10_000;

/// Result of a rollback, or of looking at what it would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollbackSummary {
    /// Nothing was done, only looked at.
    pub dry_run: bool,
    /// The maps whose records are taken back, in the plan's order; empty: all of the migration.
    pub maps: Vec<String>,
    /// Records that were removed for good.
    pub destroyed: u64,
    /// Fields that hold again what they held before.
    pub restored_fields: u64,
    /// Records that hold again what they held before.
    pub restored_records: u64,
    /// Records that went back to the trash.
    pub trashed: u64,
    /// Fields that somebody changed since; they were left. The first ten thousand.
    pub kept_because_changed: Vec<KeptField>,
    /// Number of such fields.
    pub kept_fields: u64,
    /// Created records that others changed or refer to since, left until a person decides.
    pub undecided: u64,
    /// Created records that others changed or refer to since, and that went with it all, as a person decided. The first ten thousand.
    pub gone_with_theirs: Vec<KeptField>,
    /// Number of such records.
    pub gone_with: u64,
    /// Records that were there before and are not shown any more: nothing can be given back to them.
    pub missing: u64,
    /// Created records that a person decided to keep.
    pub decided: u64,
    /// Records that were there already, by ids of ours, when the journal was begun: they stay.
    pub adopted: u64,
    /// Facts that cannot be brought back, or were refused. The first ten thousand.
    pub not_undoable: Vec<NotUndone>,
    /// Traces that no rollback takes back, as the maps' classes say beforehand.
    pub stays: Vec<String>,
    /// Names, such as tags, that the destination made by itself beside records and that stay, each with the reason.
    pub stays_beside: Vec<String>,
    /// Changes of the schema that were rolled back.
    pub schema_removed: u64,
    /// Names, such as tags, that the destination had made by itself beside records, and that were removed.
    pub made_beside: u64,
    /// True where the rollback was stopped before it was through.
    pub interrupted: bool,
    /// Nothing that can be undone is left to do.
    pub complete: bool,
    /// True where everything is as before.
    pub holds: bool,
    pub(crate) steps: BTreeMap<usize, RollbackStep>,
    pub(crate) left: bool,
    /// Entries of `not_undoable` that are of a class which says so beforehand.
    pub(crate) classed: usize,
    /// Changes of the schema that stay, because records hold values in them.
    pub(crate) schema_left: usize,
}

/// A field that was not given back because another user changed it since.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeptField {
    /// The step that wrote it.
    pub step: String,
    /// The source key.
    pub key: String,
    /// The destination object.
    pub object: String,
    /// The destination id.
    pub id: String,
    /// The field, by the key that it is written by; absent where the whole record is meant.
    pub field: Option<String>,
    /// Why it was left. Holds no value.
    pub reason: String,
}

/// Something that is not as before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotUndone {
    /// The step, where it concerns one.
    pub step: Option<String>,
    /// Fact, and the reason.
    pub what: String,
}

impl RollbackSummary {
    /// Counts for one step; `position` is its place in the order of the rollback.
    pub(crate) fn step(&mut self, position: usize, name: &str) -> &mut RollbackStep {
        let new = || RollbackStep { step: name.to_owned(), ..RollbackStep::default() };
        self.steps.entry(position).or_insert_with(new)
    }

    pub(crate) fn kept(&mut self, kept: KeptField) {
        self.kept_fields += 1;
        self.kept_record(kept);
    }

    /// Lists a record that is left.
    pub(crate) fn kept_record(&mut self, kept: KeptField) {
        if self.kept_because_changed.len() < KEPT {
            self.kept_because_changed.push(kept);
        }
    }

    /// Lists a record that goes with what others did to it.
    pub(crate) fn gone_with_theirs(&mut self, gone: KeptField) {
        self.gone_with += 1;
        if self.gone_with_theirs.len() < KEPT {
            self.gone_with_theirs.push(gone);
        }
    }

    /// Number of entries that nothing can bring back, as the plan says beforehand.
    pub fn stays_by_class(&self) -> usize {
        self.classed
    }

    /// Lists something that nothing can bring back, as the plan says beforehand.
    pub(crate) fn irreversible(&mut self, step: Option<&str>, what: String) {
        let listed = self.not_undoable.len();
        self.not_undoable(step, what);
        self.classed += self.not_undoable.len() - listed;
    }

    pub(crate) fn not_undoable(&mut self, step: Option<&str>, what: String) {
        let entry = NotUndone { step: step.map(str::to_owned), what };
        if self.not_undoable.len() < KEPT && !self.not_undoable.contains(&entry) {
            self.not_undoable.push(entry);
        }
    }

    /// Draws the conclusion.
    pub(crate) fn closed(mut self) -> Self {
        self.complete = !self.interrupted && !self.left;
        // What records that a person decided to keep hold stays with them.
        let schema_stays = if self.decided > 0 { self.schema_left } else { 0 };
        self.holds = self.complete && self.kept_fields == 0 && self.not_undoable.len() == schema_stays + self.classed;
        self
    }

    /// As the report shows it.
    pub fn report(&self) -> Rollback {
        let kept = self.kept_because_changed.iter().map(|kept| Finding {
            map: Some(kept.step.clone()),
            what: match &kept.field {
                Some(field) => format!("{} {}, {field}: {}", kept.object, kept.id, kept.reason),
                None => format!("{} {}: {}", kept.object, kept.id, kept.reason),
            },
        });
        let not_undoable =
            self.not_undoable.iter().map(|entry| Finding { map: entry.step.clone(), what: entry.what.clone() });
        Rollback {
            dry_run: self.dry_run,
            held: self.holds,
            maps: self.maps.clone(),
            steps: self.steps.values().cloned().collect(),
            kept: kept.chain(not_undoable).collect(),
            stays: self.stays.iter().chain(&self.stays_beside).cloned().collect(),
        }
    }
}
