//! Decision about one record: what becomes of it, and why. Made once, for a run and for the forecast of one.

use migr_plan::ReasonCode;
use migr_transform::{CreatedOption, Failure};
use serde::{Deserialize, Serialize};

use crate::identities::Identities;
use crate::odd_days::OddDay;
use crate::record_write::RecordWrite;

/// Decision about a record whose values are known.
#[derive(Debug)]
pub enum Decision {
    /// The destination does not have it.
    Create(Box<RecordWrite>),
    /// The destination has it, under the item's id. What of it is written depends on what the record there holds.
    Update(Box<RecordWrite>),
    /// The destination has it in its trash, under the item's id: it comes out and is written as one that is there.
    Restore(Box<RecordWrite>),
    /// The destination has it in its trash: that one is destroyed, and this one created.
    Replace(Box<RecordWrite>),
    /// A written rule leaves it behind.
    Skip(SkipReason),
    /// A person has to look at it.
    Quarantine(QuarantineReason),
}

/// Reason for which a record is left behind by a written rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SkipReason {
    /// A rule of the catalog or of the map, in its own words.
    Rule(String),
    /// Another row has its key.
    SameKey {
        /// The line of the row that stays.
        kept: u64,
        /// True where both rows say the same in every column.
        same: bool,
    },
    /// The destination has it, and it stays there as it is.
    Existing {
        /// The record there.
        id: String,
    },
    /// Another record of the export stands for it.
    MergeInto {
        /// Key of the survivor.
        survivor: String,
        /// True where its values go into the survivor's record.
        merges: bool,
    },
}

impl SkipReason {
    /// Code of the reason.
    pub fn code(&self) -> ReasonCode {
        match self {
            Self::Rule(_) => ReasonCode::S101,
            Self::SameKey { .. } => ReasonCode::S102,
            Self::Existing { .. } => ReasonCode::S103,
            Self::MergeInto { .. } => ReasonCode::S104,
        }
    }

    /// The reason in words; `key` is the record's own.
    pub fn text(&self, key: &str) -> String {
        match self {
            Self::Rule(reason) => reason.clone(),
            Self::SameKey { kept, same: true } => {
                format!("duplicate of {} in line {kept}, which says the same in every column", shown(key))
            }
            Self::SameKey { kept, .. } => {
                format!("duplicate of {} in line {kept}, which has the same key", shown(key))
            }
            Self::Existing { .. } => "it is in the destination already".to_owned(),
            Self::MergeInto { survivor, merges } => merged_into(survivor, *merges),
        }
    }
}

/// `merged into C7`
fn merged_into(survivor: &str, merges: bool) -> String {
    format!("{} {}", if merges { "merged into" } else { "duplicate of" }, shown(survivor))
}

/// Reason for which a record is quarantined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuarantineReason {
    /// The row is no record.
    Malformed(String),
    /// The record has no key.
    NoKey(Vec<Reason>),
    /// A rule of the catalog keeps it out.
    Check(Vec<Reason>),
    /// Values that cannot be computed or written.
    Values(Vec<Reason>),
    /// No map takes it.
    NoMap {
        /// The source object.
        object: String,
    },
    /// Another row has its key.
    SameKey {
        /// The line of the row that has it first.
        kept: u64,
        /// The file.
        file: String,
    },
    /// Another record of the export would be the same one.
    Duplicate {
        /// The identities that say so, in words.
        names: String,
        /// Key of the record that stays.
        first: String,
        /// Line of the other record.
        line: u64,
    },
    /// Another record of the export is found as the same record of the destination.
    SameThere {
        /// The record there.
        id: String,
        /// Key of the record that stays.
        first: String,
        /// Line of the other record.
        line: u64,
    },
    /// A record before it has the same value, which must be unique.
    Clash {
        /// Position of the identity.
        path: usize,
        /// Key of the record that has it.
        first: String,
        /// Line of the record before it.
        line: u64,
    },
    /// Circular reference that the record is part of, as it is drawn.
    Cycle(String),
    /// Several records of the destination could be it.
    Several {
        /// Position of the identity that they share with it.
        path: usize,
        /// Number of these records; few are counted.
        records: usize,
    },
    /// Several records of the export could be it, and differ in an earlier field of `match`.
    Ambiguous {
        /// Position of the identity that they share with it.
        path: usize,
        /// Key and line of the first of them.
        candidates: Vec<(String, u64)>,
        /// Number of these records.
        records: usize,
    },
    /// Another record of the destination holds a value that must be unique.
    Taken {
        /// Position of the identity.
        path: usize,
        /// The other record.
        id: String,
        /// True where the other record is soft-deleted.
        deleted: bool,
    },
    /// The destination has it in its trash.
    Trashed {
        /// The record there.
        id: String,
    },
    /// The destination has it in its trash, and it cannot be destroyed: another record would lose its reference to it.
    Referred {
        /// The record there.
        id: String,
        /// The other record, with its object.
        by: String,
        /// Field of the other record.
        field: String,
    },
    /// The destination has it.
    Existing {
        /// The record there.
        id: String,
    },
    /// The record that stands for it was quarantined.
    SurvivorQuarantined {
        /// Key of the survivor.
        survivor: String,
        /// Values would have gone into the survivor's record.
        merges: bool,
    },
}

/// Record that is settled without a request.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// Key of the record in the journal.
    pub key: &'s str,
    /// Key of the record as a person knows it; may be empty.
    pub source_key: &'s str,
    /// The line of the export.
    pub line: u64,
}

/// Remarks of a forecast about a record that is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Positions of the fields that have a value.
    pub filled: Vec<usize>,
    /// Positions of those whose value the destination does not hold whole.
    pub lost: Vec<usize>,
    /// Positions of those whose expression takes a part of a value, and leaves something.
    pub cut: Vec<usize>,
    /// Where written rules take effect.
    pub adjusted: Vec<Reason>,
    /// Values that the destination gives.
    pub defaults: Vec<Reason>,
    /// Texts that are longer than the destination is known to take.
    pub long: Vec<Reason>,
    /// Days that it hardly means.
    pub odd_days: Vec<OddDay>,
    /// An owner has no matching user.
    pub has_orphans: bool,
    /// Values that become options.
    pub created: Vec<CreatedOption>,
    /// The owners that it names, folded.
    pub owned: Vec<String>,
    /// Links of it, each a record of its own.
    pub links: u64,
}

/// Failure of one value, kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Code of the reason.
    pub code: ReasonCode,
    /// The destination field; empty where none is to blame.
    pub field: String,
    /// Why.
    pub reason: String,
    /// The row whose value is concerned, where several rows are the record and it is not the record's own.
    pub row: Option<OfRow>,
}

/// One of the rows that are a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfRow {
    /// The row's own source key.
    pub key: String,
    /// The line of the export.
    pub line: u64,
}

impl Reason {
    /// Reason that speaks of the record's own row.
    pub fn new(code: ReasonCode, field: String, reason: String) -> Self {
        Self { code, field, reason, row: None }
    }
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code, failure.field, failure.reason)
    }
}

impl From<&Reason> for Failure {
    fn from(reason: &Reason) -> Self {
        Self { code: reason.code, field: reason.field.clone(), reason: reason.reason.clone() }
    }
}

/// Failures as they are kept.
pub fn reasons(failures: Vec<Failure>) -> Vec<Reason> {
    failures.into_iter().map(Reason::from).collect()
}

impl QuarantineReason {
    /// Code of the reason; values that fail have codes of their own.
    fn code(&self) -> ReasonCode {
        match self {
            Self::Malformed(_) => ReasonCode::Q101,
            Self::NoKey(_) => ReasonCode::Q102,
            Self::Check(_) => ReasonCode::Q103,
            Self::Values(_) => ReasonCode::Q201,
            Self::NoMap { .. } => ReasonCode::Q105,
            Self::SameKey { .. } => ReasonCode::Q106,
            Self::Duplicate { .. } | Self::SameThere { .. } => ReasonCode::Q301,
            Self::Clash { .. } => ReasonCode::Q302,
            Self::Cycle(_) => ReasonCode::Q303,
            Self::SurvivorQuarantined { .. } => ReasonCode::Q304,
            Self::Ambiguous { .. } => ReasonCode::Q305,
            Self::Several { .. } => ReasonCode::Q401,
            Self::Taken { .. } => ReasonCode::Q402,
            Self::Trashed { .. } => ReasonCode::Q403,
            Self::Referred { .. } => ReasonCode::Q404,
            Self::Existing { .. } => ReasonCode::Q405,
        }
    }

    /// The reasons in words, with the fields to blame; `key` is the record's own.
    pub fn failures(&self, key: &str, identities: &Identities) -> Vec<Failure> {
        let code = self.code();
        let whole = |reason: String| vec![Failure { code, field: String::new(), reason }];
        let of_path = |path: usize, reason: String| vec![Failure { code, field: identities.name(path), reason }];
        match self {
            Self::Malformed(reason) => whole(reason.clone()),
            Self::NoKey(failures) | Self::Check(failures) | Self::Values(failures) => {
                failures.iter().map(Failure::from).collect()
            }
            Self::NoMap { object } => {
                whole(format!("no map takes this record of {object}; add a map, or a `skip` rule with the reason"))
            }
            Self::SameKey { kept, file } => {
                whole(format!("the key {} is double; line {kept} of {file} has it first", shown(key)))
            }
            Self::Duplicate { names, first, line } => {
                whole(format!("it has the same {names} as {} (line {line})", shown(first)))
            }
            Self::SameThere { id, first, line } => whole(format!(
                "the record {id} of the destination is a match of it and of {} (line {line}), which is written into that one",
                shown(first)
            )),
            Self::Clash { path, first, line } => {
                of_path(*path, format!("{} (line {line}) has the same value, which must be unique", shown(first)))
            }
            Self::Cycle(drawn) => whole(format!("it is part of a circular reference: {drawn}")),
            Self::Several { path, .. } => of_path(
                *path,
                "several records of the destination have this value; it is not clear which one is meant".to_owned(),
            ),
            Self::Ambiguous { path, candidates, records } => {
                let mut named: Vec<String> =
                    candidates.iter().map(|(key, line)| format!("{key} (line {line})")).collect();
                if *records > candidates.len() {
                    named.push(format!("{} more", records - candidates.len()));
                }
                of_path(
                    *path,
                    format!(
                        "{records} records that are not one have the same {}: {}; it is not clear which of them this is",
                        identities.name(*path),
                        named.join(", ")
                    ),
                )
            }
            Self::Taken { path, id, deleted } => {
                let place = if *deleted { " in the trash" } else { "" };
                of_path(
                    *path,
                    format!("the record {id}{place} of the destination has the same value, which must be unique"),
                )
            }
            Self::Trashed { id } => whole(format!(
                "a match, {id}, lies in the destination's trash; restore or destroy it there, or say `on deleted restore`"
            )),
            Self::Referred { id, by, field } => whole(format!(
                "a match, {id}, lies in the destination's trash, and destroying it would take it out of `{field}` of {by}, which refers to it; \
                 restore it there, or empty that field, or say `on deleted restore`"
            )),
            Self::Existing { id } => whole(format!("it is in the destination already, as {id}")),
            Self::SurvivorQuarantined { survivor, merges } => {
                whole(format!("{}, which was quarantined", merged_into(survivor, *merges)))
            }
        }
    }
}

/// A key as a person reads it.
pub fn shown(key: &str) -> String {
    key.replace('\u{1f}', ", ")
}
