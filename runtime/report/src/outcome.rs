//! Results that the engine keeps in the journal and the report shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Object;
use crate::words::{count, grouped, percent};

/// Result of reading everything back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Verification {
    /// Nothing is missing, the counts agree, and the share of equal fields is what the plan requires.
    pub held: bool,
    /// Records that were read back.
    pub records: u64,
    /// Fields that were compared.
    pub fields: u64,
    /// Fields that hold what they should.
    pub same: u64,
    /// The share of equal fields that the plan requires, in percent, as written (`99.9`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_percent: Option<String>,
    /// Only some records were read back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
    /// Map by map, in the plan's order.
    pub maps: Vec<MapVerification>,
    /// Fields that hold something else; the first thousand.
    pub differences: Vec<Difference>,
    /// Number of such fields; absent in what an earlier version kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub difference_count: u64,
    /// Records that the journal says were written and the destination does not have; the first thousand.
    pub missing: Vec<Missing>,
    /// Number of such records; absent in what an earlier version kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing_count: u64,
    /// Other facts that do not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Verification {
    /// Number of fields that hold something else.
    pub fn different(&self) -> u64 {
        self.difference_count.max(self.differences.len() as u64)
    }

    /// Share of the fields that hold what the export says, and of what it is a share: `All 5,076 fields of the 300 records that were read back hold what the
    /// export says (100.00 %)`.
    pub(crate) fn in_words(&self) -> String {
        let records = count(self.records, "record", "records");
        let sampled = if self.sampled { ", a sample" } else { "" };
        if self.fields == 0 {
            return format!("{records} read back{sampled}; there was no field to compare");
        }
        let fields = count(self.fields, "field", "fields");
        let share = percent(self.same, self.fields);
        let which = if self.same == self.fields {
            format!("All {fields}")
        } else {
            format!("{} of {fields}", grouped(self.same))
        };
        format!("{which} of the {records} that were read back{sampled} hold what the export says ({share} %)")
    }

    /// Number of records that are not there.
    pub fn missing(&self) -> u64 {
        self.missing_count.max(self.missing.len() as u64)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Records of the export that are not in the destination, in words; none where all are: `14 of 316 records of the export are not there: 11 quarantined, 3 left behind
/// by a rule`.
pub fn not_there(total: &Object) -> Option<String> {
    let absent = total.quarantined + total.skipped;
    let parts =
        [(total.quarantined, "quarantined"), (total.skipped, "left behind by a rule or part of another record")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", grouped(*number)))
        .collect();
    (absent > 0).then(|| {
        format!(
            "{} of {} of the export are not there by themselves: {}",
            grouped(absent),
            count(total.read, "record", "records"),
            parts.join(", ")
        )
    })
}

/// Result of reading one map's records back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct MapVerification {
    /// The map.
    pub map: String,
    /// Records that the journal says are there.
    pub expected: u64,
    /// Records that are there.
    pub found: u64,
    /// Fields that were compared.
    pub fields: u64,
    /// Fields that hold what they should.
    pub same: u64,
}

/// A field that holds something else than the source says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Difference {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The line of the export.
    pub line: u64,
    /// The destination id.
    pub id: String,
    /// The destination field.
    pub field: String,
    /// Expected value; `***` where it is sensitive.
    pub expected: String,
    /// Value that was found; `***` where it is sensitive.
    pub found: String,
}

/// A record that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Missing {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The line of the export.
    pub line: u64,
    /// The id it should have.
    pub id: String,
}

/// Something that does not hold, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Finding {
    /// The map, where it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// Fact in words.
    pub what: String,
}

/// Result of a rollback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Rollback {
    /// Nothing was done, only looked at.
    pub dry_run: bool,
    /// True where everything is as before.
    pub held: bool,
    /// The maps whose records were taken back, in the plan's order; empty: all of the migration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<String>,
    /// Step by step, in the order in which they were rolled back.
    pub steps: Vec<RollbackStep>,
    /// Records and changes that were left, each with the reason.
    pub kept: Vec<Finding>,
    /// Traces that no rollback takes back, as the plan's classes say beforehand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<String>,
}

/// One step of going back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct RollbackStep {
    /// The step: a map, its links, the setup.
    pub step: String,
    /// Records that were removed.
    pub destroyed: u64,
    /// Records that hold again what they held before.
    pub restored: u64,
    /// Records that were left.
    pub kept: u64,
}
