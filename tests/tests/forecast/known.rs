//! What the suite does not hold yet of an audit's word, and why; by hand (`MIGR_FORECAST_CASES`) it counts.

/// What a difference's kind begins with, and what it waits for. Counts, the plan's line, the destination's records, verify and the second run are held.
pub(crate) const NOT_HELD: &[(&str, &str)] = &[
    ("preview", "the record of the destination that is meant, and what is done to it"),
    ("field it", "the fields that change of a record that is there"),
    ("field failed", "the fields that quarantine a record, counted"),
    ("field repaired", "deferred references that are left empty, counted"),
    ("repaired", "the same, by record"),
    ("orphans", "owners of records that are written"),
    ("finding", "an error is said of the records that are quarantined, and of no others"),
];

/// Names of the migrations of [`crate::written::WRITTEN`] that are not held yet.
pub(crate) const WRONG_TODAY: &[&str] = &[
    "a member of a list that is not there quarantines the record",
    "a required reference whose cell is empty quarantines the record",
    "an author without a name is foreseen as it is written",
    "of two rows of one key the one that is kept may be there already",
    "what the second map into one object fills does not keep verify from holding",
];
