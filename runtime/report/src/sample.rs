//! Sample of a migration: a few records, written and read back, with the source, what was expected and what is there, field by field.

mod changes;
pub mod csv;
pub mod html;
pub mod terminal;
pub mod values;

use migr_journal::RecordReason;
use serde::{Deserialize, Serialize};

use crate::groups::{Kind, Said, Tallies, Tally};

pub use changes::{ChangedField, MASKED, SampleChanges};

/// Version of the JSON form. Raised when a reader of the old form would misread the new one.
pub const SAMPLE_FORMAT_VERSION: u32 = 1;

/// Records of a sample, with what they show and what no record can show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// [`SAMPLE_FORMAT_VERSION`].
    pub format_version: u32,
    /// The migration.
    pub migration: String,
    /// The source system.
    pub source: String,
    /// The destination, by its name in the plan.
    pub destination: String,
    /// `blake3:…` of what the plan does to records.
    pub effect: String,
    /// Records that were asked for.
    pub asked: u64,
    /// Records of the export that belong to a map.
    pub of: u64,
    /// Numbers in all.
    pub totals: SampleTotals,
    /// Shown and possible cases, by kind.
    pub coverage: Vec<Covered>,
    /// Cases that no record of the export shows.
    pub uncovered: Vec<Uncovered>,
    /// Other facts that a read-back found not to hold.
    pub findings: Vec<String>,
    /// Records, map by map in the plan's order, each map's by line.
    pub records: Vec<SampledRecord>,
    /// Differences from the sample before; absent where there was none.
    pub changes: Option<SampleChanges>,
}

/// Numbers of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleTotals {
    /// Records.
    pub records: u64,
    /// Records that are in the destination.
    pub written: u64,
    /// Records that became one with another.
    pub merged: u64,
    /// Records that a rule left behind.
    pub skipped: u64,
    /// Quarantined records.
    pub quarantined: u64,
    /// Written records that cannot be found.
    pub missing: u64,
    /// Fields and links that were compared.
    pub fields: u64,
    /// Fields and links that hold what was expected.
    pub same: u64,
}

/// Cases of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// Kind in words: `rows of picklists`.
    pub kind: String,
    /// Cases that the sample shows.
    pub shown: u64,
    /// Cases that there are.
    pub all: u64,
}

/// Case that no record of the export shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncovered {
    /// Kind in words.
    pub kind: String,
    /// Case in words.
    pub what: String,
    /// Line of the spec: `migration.migr:40`.
    pub place: String,
}

/// Outcome of a record of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampledState {
    /// Record that was created.
    Created,
    /// Record that was there, and was changed.
    Updated,
    /// Record that was there as it should be.
    Unchanged,
    /// Record that became one with another.
    Merged,
    /// A rule left it behind.
    Skipped,
    /// Record that is quarantined.
    Quarantined,
}

impl SampledState {
    /// In words that follow "it".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Created => "was created",
            Self::Updated => "was there before, and was changed",
            Self::Unchanged => "was there before, as it should be",
            Self::Merged => "became one with another record",
            Self::Skipped => "was left behind by a rule",
            Self::Quarantined => "was not written",
        }
    }

    /// True where the record is in the destination by itself.
    pub fn is_there(self) -> bool {
        matches!(self, Self::Created | Self::Updated | Self::Unchanged)
    }
}

/// Record of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledRecord {
    /// The map.
    pub map: String,
    /// The source object.
    pub source_object: String,
    /// The destination object.
    pub destination_object: String,
    /// The source key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// The line there.
    pub line: u64,
    /// Id in the destination; absent where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Outcome of the record.
    pub state: SampledState,
    /// True where it was written and cannot be found.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// Reasons for not being written, or for becoming one with another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<SampledReason>,
    /// Reasons for being in the sample.
    pub because: Vec<String>,
    /// Fields and links, in the order of the map.
    pub fields: Vec<SampledField>,
}

/// Reason why a record of a sample is not written, or became one with another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledReason {
    /// Code of the reason, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The destination field, where one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// In words.
    pub reason: String,
}

impl From<RecordReason> for SampledReason {
    fn from(RecordReason { code, field, reason }: RecordReason) -> Self {
        Self { code, field, reason }
    }
}

impl std::fmt::Display for SampledReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.reason)?,
            None => f.write_str(&self.reason)?,
        }
        self.code.as_ref().map_or(Ok(()), |code| write!(f, " ({code})"))
    }
}

/// Records of a sample that are not written for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotWritten {
    /// The map.
    pub map: String,
    /// The reason, with its field and code.
    pub reason: SampledReason,
    /// Number of the records.
    pub records: u64,
}

/// Standing of a field of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Field that holds what was expected.
    Same,
    /// Field that holds something else.
    Different,
    /// Nothing of it is this migration's to write: the record was there before, or the destination decides.
    Left,
    /// Field of a record that was not written.
    NotWritten,
}

/// Field or link of a record of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledField {
    /// The destination field.
    pub field: String,
    /// Cells that it is made of; `***` for a sensitive one.
    pub source: Vec<SampledCell>,
    /// The rule, as the language writes it.
    pub rule: String,
    /// Line of the rule: `migration.migr:40`.
    pub place: String,
    /// Rows of picklists that decided, with their lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<String>,
    /// Expected value, readable; `***` for a sensitive one, empty for none.
    pub expected: String,
    /// Value in the destination, as it was read back; absent where nothing was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Standing of the field.
    pub standing: Standing,
    /// Places where a written rule took effect, or why there is no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Cell of the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledCell {
    /// Header of the column in the file, or the catalog's name of a column that the file lacks.
    pub column: String,
    /// Text of the cell.
    pub text: String,
}

impl Sample {
    /// Counts what its records hold.
    pub fn count(&mut self) {
        let mut totals = SampleTotals { records: self.records.len() as u64, ..SampleTotals::default() };
        for record in &self.records {
            match record.state {
                SampledState::Created | SampledState::Updated | SampledState::Unchanged => totals.written += 1,
                SampledState::Merged => totals.merged += 1,
                SampledState::Skipped => totals.skipped += 1,
                SampledState::Quarantined => totals.quarantined += 1,
            }
            totals.missing += u64::from(record.missing);
            for field in &record.fields {
                match field.standing {
                    Standing::Same => {
                        totals.fields += 1;
                        totals.same += 1;
                    }
                    Standing::Different => totals.fields += 1,
                    Standing::Left | Standing::NotWritten => {}
                }
            }
        }
        self.totals = totals;
    }

    /// True where everything that was written is there as expected.
    pub fn holds(&self) -> bool {
        self.totals.missing == 0 && self.totals.same == self.totals.fields && self.findings.is_empty()
    }

    /// Fields that hold something else than expected, with their records.
    pub fn different(&self) -> impl Iterator<Item = (&SampledRecord, &SampledField)> {
        self.records.iter().flat_map(|record| {
            let different = record.fields.iter().filter(|field| field.standing == Standing::Different);
            different.map(move |field| (record, field))
        })
    }

    /// Reasons for which records are not written, by map, field and code; the most frequent first.
    pub fn reasons(&self) -> Vec<NotWritten> {
        let mut tallies = Tallies::default();
        for record in self.records.iter().filter(|record| record.state == SampledState::Quarantined) {
            for SampledReason { code, field, reason } in &record.reasons {
                let said = Said { map: &record.map, field: field.as_deref(), code: code.as_deref(), reason };
                tallies.count(said, reason.clone());
            }
        }
        let not_written = |(kind, tally): (&Kind, &Tally)| NotWritten {
            map: kind.map.clone(),
            reason: SampledReason {
                code: kind.code.map(|code| code.to_string()),
                field: kind.field.clone(),
                reason: tally.label.clone(),
            },
            records: tally.entries,
        };
        tallies.largest_first().into_iter().map(not_written).collect()
    }

    /// Text that its approval binds: the records as they were read back, and what no record shows.
    pub fn bound(&self) -> serde_json::Result<String> {
        let mut records = self.records.clone();
        for record in &mut records {
            record.because.clear();
        }
        serde_json::to_string(&(&self.effect, records, &self.uncovered, &self.findings))
    }

    /// One JSON document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| format!("{text}\n"))
    }
}
