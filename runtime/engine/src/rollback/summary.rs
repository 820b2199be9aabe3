use std::collections::BTreeMap;

use migr_report::{Finding, Rollback, RollbackStep};

/// Entries of a list that are kept; what is beyond is counted.
const KEPT: usize = 10_000;

/// What going back did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollbackSummary {
    /// Nothing was done, only looked at.
    pub dry_run: bool,
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
    /// How many such fields there are.
    pub kept_fields: u64,
    /// What cannot be brought back, or was refused. The first ten thousand.
    pub not_undoable: Vec<NotUndone>,
    /// Changes of the schema that were rolled back.
    pub schema_removed: u64,
    /// It was stopped before it was through.
    pub interrupted: bool,
    /// Nothing that can be undone is left to do.
    pub complete: bool,
    /// All is as before.
    pub holds: bool,
    pub(crate) steps: BTreeMap<usize, RollbackStep>,
    pub(crate) left: bool,
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
    /// What, and why.
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
        if self.kept_because_changed.len() < KEPT {
            self.kept_because_changed.push(kept);
        }
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
        self.holds = self.complete && self.kept_fields == 0 && self.not_undoable.is_empty();
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
            steps: self.steps.values().cloned().collect(),
            kept: kept.chain(not_undoable).collect(),
        }
    }
}
