//! Deltas: what each later export brought, map by map.

use std::collections::BTreeMap;

use migr_escape::line;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{count, grouped};

/// One map in a delta.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MapDelta {
    /// Name of the map.
    pub map: String,
    /// Records that were not there.
    pub created: u64,
    /// Records that differ from what was written.
    pub changed: u64,
    /// Records that are as they were written.
    pub unchanged: u64,
    /// Records that the export has no more, since this delta.
    pub vanished: u64,
    /// Those that the export has again.
    pub returned: u64,
    /// Those that were put into the trash.
    pub trashed: u64,
    /// Values that differ and that could not be written: the destination refused them, or they cannot be derived any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left: u64,
    /// Values that could not be written and are empty now, since another record has what was written before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub emptied: u64,
    /// Values that one record alone may hold, and that went to records which had gone without, since another gave them up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub given: u64,
    /// Fields that got one so, the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_fields: Vec<FieldOfRecord>,
    /// Fields that a person changed in the destination since, and that were left.
    pub conflicts: u64,
    /// Fields that were left so, the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflict_fields: Vec<FieldOfRecord>,
    /// Records by the field that differs.
    pub fields: BTreeMap<String, u64>,
    /// Those of them whose field is cleared, since the export has no value for it any more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cleared: BTreeMap<String, u64>,
    /// Keys of the records that vanished, the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vanished_keys: Vec<String>,
    /// Differences of the export that nothing changes: links that it has no more, files, fields that are written once alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<String>,
    /// Records by a field that keeps what was written, since the export has a value that cannot be taken now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<String, u64>,
    /// Records that the export has not, those that vanished before included.
    #[serde(skip)]
    pub missing: u64,
    /// Records that were written before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub was_written: u64,
    /// Vanished records that were in the trash before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub was_trashed: u64,
    /// Those of them that the export has again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub came_back: u64,
}

/// Words for a field that keeps what was written, since the export has a value that cannot be taken.
pub fn kept_as_written(field: &str, records: u64) -> String {
    let they =
        count(records, "record whose value cannot be taken now keeps", "records whose values cannot be taken now keep");
    format!(".{}: {they} what was written", line(field))
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldOfRecord {
    /// The record's source key.
    pub key: String,
    /// The field.
    pub field: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl MapDelta {
    /// Takes over what a delta that was stopped had noted already.
    pub fn take_over(&mut self, earlier: &Self) {
        self.vanished += earlier.vanished;
        self.returned += earlier.returned;
        self.came_back += earlier.came_back;
        self.was_trashed = earlier.was_trashed;
        self.was_written = earlier.was_written;
        self.vanished_keys.splice(0..0, earlier.vanished_keys.iter().cloned());
    }

    /// In lines: the map's first, then what is particular to it.
    pub fn in_lines(&self) -> Vec<String> {
        let map = line(&self.map);
        let mut lines = vec![format!(
            "{map}: {} created, {} changed, {} unchanged, {} vanished",
            grouped(self.created),
            grouped(self.changed),
            grouped(self.unchanged),
            grouped(self.vanished),
        )];
        for (field, records) in &self.fields {
            let cleared = match self.cleared.get(field) {
                None => String::new(),
                Some(cleared) if cleared == records => ", cleared: the export has no value now".to_owned(),
                Some(cleared) => format!(", {} of them cleared: the export has no value now", grouped(*cleared)),
            };
            lines.push(format!("{map}.{}: {}{cleared}", line(field), count(*records, "record", "records")));
        }
        lines.extend(self.stays.iter().map(|words| line(words).into_owned()));
        lines.extend(self.failed.iter().map(|(field, records)| format!("{map}{}", kept_as_written(field, *records))));
        if self.left > 0 {
            let they = count(self.left, "change", "changes");
            lines.push(format!("{they} could not be written: what was written before stays (R205)"));
        }
        if self.emptied > 0 {
            let (they, are) = (count(self.emptied, "value", "values"), if self.emptied == 1 { "is" } else { "are" });
            lines.push(format!(
                "{they} could not be written, and {are} empty now: another record has what was there (R301)"
            ));
        }
        if self.given > 0 {
            let they = count(self.given, "value that another record gave up", "values that other records gave up");
            lines.push(format!("{they} went to whom had gone without (`on taken none`)"));
        }
        let given = self.given_fields.iter();
        lines.extend(given.map(|it| format!("has it now: {} {}", line(&it.key), line(&it.field))));
        if self.conflicts > 0 {
            let fields = count(self.conflicts, "field", "fields");
            let them = if self.conflicts == 1 { "it" } else { "them" };
            lines.push(format!("{fields} left as a person changed {them} in the destination since"));
        }
        let left = self.conflict_fields.iter();
        lines.extend(left.map(|it| format!("left as a person changed it: {} {}", line(&it.key), line(&it.field))));
        if self.returned > 0 {
            lines.push(format!("{} there again", count(self.returned, "record is", "records are")));
        }
        if self.trashed > 0 {
            lines.push(format!("{} put into the trash", count(self.trashed, "record was", "records were")));
        }
        lines.extend(self.vanished_keys.iter().map(|key| format!("vanished: {}", line(key))));
        lines
    }
}

/// A delta.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delta {
    /// Map by map, in the plan's order.
    pub maps: Vec<MapDelta>,
    /// Every record was compared.
    #[serde(default)]
    pub compared: bool,
}
