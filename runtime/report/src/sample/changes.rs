//! Differences between two samples.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Sample, SampledField, SampledRecord, Standing};

/// Shown in place of a sensitive value.
pub const MASKED: &str = "***";

/// Differences between a sample and the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleChanges {
    /// Records that both have.
    pub in_both: u64,
    /// Records that only the later one has: `Contact C7`.
    pub added: Vec<String>,
    /// Records that only the earlier one had.
    pub gone: Vec<String>,
    /// Records of both whose outcome is another: `Contact C7: was not written → was created`.
    pub outcomes: Vec<String>,
    /// Fields of records of both that are expected to hold something else now, or do.
    pub fields: Vec<ChangedField>,
    /// Number of fields of records of both that are as before.
    pub same: u64,
    /// True where they are differences from what a run wrote before the spec changed, and not from another sample.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub since_the_run: bool,
}

/// Field that is another than in the sample before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedField {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The destination field.
    pub field: String,
    /// Value before: what was there, or was expected where nothing was written.
    pub before: String,
    /// Value now, likewise.
    pub after: String,
    /// The rule now.
    pub rule: String,
    /// Line of the rule.
    pub place: String,
}

impl SampleChanges {
    /// Differences of a sample from the one before it.
    pub fn between(before: &Sample, after: &Sample) -> Self {
        let mut changes = Self::default();
        let earlier: BTreeMap<_, _> = before.records.iter().map(|record| (place(record), record)).collect();
        let later: BTreeMap<_, _> = after.records.iter().map(|record| (place(record), record)).collect();
        changes.gone = earlier.keys().filter(|place| !later.contains_key(*place)).map(named).collect();
        for (place, now) in &later {
            let Some(then) = earlier.get(place) else {
                changes.added.push(named(place));
                continue;
            };
            changes.in_both += 1;
            if (then.state, then.missing) != (now.state, now.missing) && then.state.is_there() != now.state.is_there() {
                let words = |record: &SampledRecord| record.state.in_words();
                changes.outcomes.push(format!("{}: {} → {}", named(place), words(then), words(now)));
            }
            changes.fields(then, now);
        }
        changes
    }

    /// Differences of a sample from what its records held before they were brought to a changed spec. What was not listed then was not written.
    pub fn since_the_run(before: Vec<SampledRecord>, after: &Sample) -> Self {
        let before = Sample { records: before, ..Sample::default() };
        let mut changes = Self { since_the_run: true, ..Self::between(&before, after) };
        changes.gone.clear();
        changes.added.clear();
        let known: BTreeSet<_> = before.records.iter().map(place).collect();
        for record in after.records.iter().filter(|record| record.state.is_there() && !known.contains(&place(record))) {
            changes.outcomes.push(format!("{}: was not written → {}", named(&place(record)), record.state.in_words()));
        }
        changes
    }

    /// Title of the differences.
    pub fn title(&self) -> &'static str {
        if self.since_the_run {
            "Since the last run: what the change of the spec does"
        } else {
            "Since the sample before"
        }
    }

    /// True where the later sample says nothing new of records that both have, and has no others.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.gone.is_empty() && self.outcomes.is_empty() && self.fields.is_empty()
    }

    fn fields(&mut self, then: &SampledRecord, now: &SampledRecord) {
        let known = |field: &str| then.fields.iter().find(|known| known.field == field);
        for field in &now.fields {
            let then = known(&field.field);
            let is_read = |field: &SampledField| matches!(field.standing, Standing::Same | Standing::Different);
            // Nothing was written to it then.
            let was_left = then.is_some_and(|then| then.standing == Standing::Left) && is_read(field);
            let before = then.filter(|_| !was_left).map_or("", value);
            // Of a sensitive field nothing but its standing tells.
            let is_masked_change = value(field) == MASKED
                && then.is_some_and(|then| {
                    (then.standing == Standing::Different) != (field.standing == Standing::Different)
                });
            if before == value(field) && !is_masked_change {
                self.same += 1;
                continue;
            }
            self.fields.push(ChangedField {
                map: now.map.clone(),
                key: now.key.clone(),
                field: field.field.clone(),
                before: before.to_owned(),
                after: value(field).to_owned(),
                rule: field.rule.clone(),
                place: field.place.clone(),
            });
        }
        for field in then.fields.iter().filter(|field| !now.fields.iter().any(|known| known.field == field.field)) {
            self.fields.push(ChangedField {
                map: now.map.clone(),
                key: now.key.clone(),
                field: field.field.clone(),
                before: value(field).to_owned(),
                after: String::new(),
                rule: "the map does not write it any more".to_owned(),
                place: String::new(),
            });
        }
    }
}

fn place(record: &SampledRecord) -> (&str, &str, u64) {
    (&record.map, &record.key, if record.key.is_empty() { record.line } else { 0 })
}

fn named((map, key, line): &(&str, &str, u64)) -> String {
    if key.is_empty() { format!("{map}, line {line}") } else { format!("{map} {key}") }
}

fn value(field: &SampledField) -> &str {
    match (&field.actual, field.standing) {
        (Some(actual), Standing::Same | Standing::Different) => actual,
        _ => &field.expected,
    }
}
