//! The report's lists: complete in numbers, some entries of each as examples.

use std::collections::BTreeSet;

use migr_journal::{Filed, Orphaned, Remark};
use migr_plan::{Plan, ReasonCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::groups::{self, KINDS, Said, Tallies};
use crate::model::{Files, Orphan, OrphanRecord, Quarantined, Repaired, UnsentFile};

/// Why a file was not sent that has no fault of its own.
const WITH_ITS_RECORD: &str =
    "its record was not created: it was quarantined, left by a rule, there already, or is still to come";

/// A list with an entry per record or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListName {
    /// Records quarantined, an entry per failing field.
    Quarantine,
    /// Records that stayed behind by a written rule.
    Skipped,
    /// Values that a written rule left out or replaced.
    Repairs,
    /// Files that records name, with how each stands and whether it was sent.
    Files,
    /// Records without their owner.
    Orphans,
    /// Source owners with the users that they were resolved to.
    Owners,
    /// Fields that the last verification found to hold something else, and records that it missed.
    Differences,
}

impl ListName {
    /// The lists that follow from the journal, in the order of its remarks.
    pub const OF_THE_JOURNAL: [Self; 6] =
        [Self::Quarantine, Self::Skipped, Self::Repairs, Self::Files, Self::Orphans, Self::Owners];

    /// The name of the file that holds every entry.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Quarantine => "set-aside.csv",
            Self::Skipped => "skipped.csv",
            Self::Repairs => "repairs.csv",
            Self::Files => "files.csv",
            Self::Orphans => "orphans.csv",
            Self::Owners => "owners.csv",
            Self::Differences => "differences.csv",
        }
    }
}

/// Maps of a plan, to name the map of a step: links and deferred fields are steps of their own; a person knows their map.
#[derive(Clone, Debug, Default)]
pub struct Maps(BTreeSet<String>);

impl Maps {
    /// The maps of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self(plan.stages.iter().map(|stage| stage.id.clone()).collect())
    }

    /// The map of a step.
    pub fn name<'s>(&self, step: &'s str) -> &'s str {
        if self.0.contains(step) { step } else { migr_plan::Step::stage_of(step) }
    }
}

/// A key as a person reads it: the parts of a composite one, a line where the row has none of its own.
pub fn shown(key: &str) -> String {
    key.trim_start_matches('\u{1f}').replace('\u{1f}', ", ")
}

/// Code of the reason for which a file was not sent.
pub(crate) fn why_not_sent(file: &Filed) -> ReasonCode {
    match (file.state.as_str(), &file.reason) {
        ("missing", _) => ReasonCode::F101,
        ("refused", _) => ReasonCode::F102,
        ("too_large", _) => ReasonCode::F103,
        ("link_only", _) => ReasonCode::F104,
        (_, Some(_)) => ReasonCode::F105,
        (_, None) => ReasonCode::F106,
    }
}

/// Gathers remarks: counts all of them, holds some. Takes no more room however many there are.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    maps: Maps,
    /// Where the files with every entry are, as a person reads it.
    pub(crate) folder: Option<String>,
    /// The last verification wrote its list there too.
    pub(crate) has_differences: bool,
    /// Where before and after of changed fields stand.
    pub(crate) before_and_after: Option<String>,
    pub(crate) quarantine: Vec<Quarantined>,
    pub(crate) quarantined: Tallies,
    pub(crate) skipped: Tallies,
    pub(crate) repairs: Vec<Repaired>,
    pub(crate) repaired: Tallies,
    pub(crate) files: Files,
    pub(crate) unsent: Vec<UnsentFile>,
    pub(crate) not_sent: Tallies,
    pub(crate) orphans: Vec<Orphan>,
    pub(crate) orphaned: u64,
    pub(crate) orphan_owners: u64,
    orphans_listed: u64,
    /// The owner that the last orphan had; it may be beyond those that are listed.
    owner: Option<String>,
}

impl Lists {
    /// Lists of a plan's journal without entries.
    pub fn new(plan: &Plan) -> Self {
        Self { maps: Maps::of(plan), ..Self::default() }
    }

    /// Says where the files are that hold every entry, [`ListName::file_name`] each; shown as it stands.
    #[must_use]
    pub fn kept_in(mut self, folder: &str) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Says that [`ListName::Differences`] is there too: the last verification wrote it.
    #[must_use]
    pub fn with_differences(mut self) -> Self {
        self.has_differences = true;
        self
    }

    /// Says which file has before and after of the fields that an update changes; shown as it stands.
    #[must_use]
    pub fn with_before_and_after(mut self, file: &str) -> Self {
        self.before_and_after = Some(file.to_owned());
        self
    }

    /// The map of a step.
    pub(crate) fn map<'s>(&self, step: &'s str) -> &'s str {
        self.maps.name(step)
    }

    /// Takes a remark. Those of one owner come one after the other.
    pub fn add(&mut self, remark: &Remark) {
        match remark {
            Remark::Quarantined(entry) => {
                let map = self.maps.name(&entry.step);
                let label = groups::without_values(&entry.reason);
                let (field, code) = (entry.field.as_deref(), entry.code.as_deref());
                if self.quarantined.count(Said { map, field, code, reason: &entry.reason }, label) {
                    self.quarantine.push(Quarantined::of(&self.maps, entry.clone()));
                }
            }
            Remark::Skipped(entry) => {
                let (map, code) = (self.maps.name(&entry.step), entry.code.as_deref());
                self.skipped.count(Said { map, field: None, code, reason: &entry.reason }, entry.reason.clone());
            }
            Remark::Repaired(entry) => {
                let map = self.maps.name(&entry.step);
                let label = groups::without_values(&entry.reason);
                let code = entry.code.as_deref();
                let said = Said { map, field: Some(&entry.field), code, reason: &entry.reason };
                if self.repaired.count(said, label) {
                    self.repairs.push(Repaired {
                        map: map.to_owned(),
                        key: entry.key.clone(),
                        file: entry.file.clone(),
                        line: entry.line,
                        field: entry.field.clone(),
                        reason: entry.reason.clone(),
                        code: entry.code.clone(),
                    });
                }
            }
            Remark::Filed(entry) => self.file(entry),
            Remark::Orphaned(entry) => self.orphan(entry),
            Remark::Owner(_) => {}
        }
    }

    fn file(&mut self, entry: &Filed) {
        self.files.add(entry);
        if entry.is_sent() {
            return;
        }
        let map = self.maps.name(&entry.step);
        let reason = entry.reason.clone().unwrap_or_else(|| WITH_ITS_RECORD.to_owned());
        let label = groups::without_values(&reason);
        let code = why_not_sent(entry).as_str();
        let said = Said { map, field: Some(&entry.column), code: Some(code), reason: &reason };
        if self.not_sent.count(said, label) {
            self.unsent.push(UnsentFile {
                map: map.to_owned(),
                key: shown(&entry.key),
                file: entry.file.clone(),
                line: entry.line,
                column: entry.column.clone(),
                path: entry.path.clone(),
                state: entry.state.clone(),
                reason,
                code: Some(code.to_owned()),
            });
        }
    }

    fn orphan(&mut self, entry: &Orphaned) {
        self.orphaned += 1;
        if self.owner.as_deref() != Some(entry.owner.as_str()) {
            self.owner = Some(entry.owner.clone());
            self.orphan_owners += 1;
            if self.orphans.len() < KINDS {
                self.orphans.push(Orphan {
                    owner: entry.owner.clone(),
                    assigned: entry.assigned.clone(),
                    count: 0,
                    records: Vec::new(),
                });
            }
        }
        let Some(last) = self.orphans.last_mut().filter(|last| last.owner == entry.owner) else { return };
        last.count += 1;
        if groups::takes(last.records.len() as u64, self.orphans_listed) {
            self.orphans_listed += 1;
            last.records.push(OrphanRecord {
                map: self.maps.name(&entry.step).to_owned(),
                key: entry.key.clone(),
                line: entry.line,
                field: entry.field.clone(),
            });
        }
    }

    /// Number of records of orphans that are held.
    pub(crate) fn orphans_listed(&self) -> u64 {
        self.orphans_listed
    }
}
