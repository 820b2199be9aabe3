//! Summary of a verification.

use migr_report::words::percent;
use migr_report::{Difference, Finding, MapVerification, Missing, Verification};

/// Entries of a list that are kept; what is beyond is counted.
const KEPT: usize = 1000;

/// Result of reading everything back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifySummary {
    /// Fields that were compared, those of missing records and links included.
    pub fields_compared: u64,
    /// Fields that hold what they should.
    pub fields_matching: u64,
    /// Records that were asked for.
    pub records: u64,
    /// Records that are not there, or lie in the trash.
    pub missing_records: u64,
    /// Which; the first thousand.
    pub missing: Vec<VerifyMissing>,
    /// Number of fields and links that hold something else.
    pub difference_count: u64,
    /// Which; the first thousand.
    pub differences: Vec<VerifyDifference>,
    /// Other facts that do not hold, each with its map; the first thousand.
    pub findings: Vec<(Option<String>, String)>,
    /// Map by map, in the plan's order.
    pub maps: Vec<MapVerification>,
    /// The share of equal fields that the plan requires, in percent (`99.9`); absent: all.
    pub required_percent: Option<String>,
    /// The share of equal fields in percent, two decimals, never rounded up.
    pub percent: String,
    /// Only some records were read back.
    pub sampled: bool,
    /// True where the verification was stopped before it was through.
    pub interrupted: bool,
    /// Nothing is missing, nothing else was found, and enough fields are equal.
    pub holds: bool,
}

/// A field that holds something else than the source says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VerifyDifference {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Line of the record in that file.
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
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VerifyMissing {
    /// The map.
    pub map: String,
    /// The source key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Line of the record in that file.
    pub line: u64,
    /// The id it should have.
    pub id: String,
}

impl VerifyMissing {
    /// As an entry of the list of differences.
    pub(crate) fn as_difference(&self) -> VerifyDifference {
        VerifyDifference {
            map: self.map.clone(),
            key: self.key.clone(),
            file: self.file.clone(),
            line: self.line,
            id: self.id.clone(),
            field: String::new(),
            expected: "a record".to_owned(),
            found: "no record".to_owned(),
        }
    }
}

impl VerifySummary {
    pub(crate) fn requiring(required_percent: Option<String>) -> Self {
        Self { required_percent, ..Self::default() }
    }

    pub(crate) fn finding(&mut self, map: Option<&str>, what: String) {
        if self.findings.len() < KEPT {
            self.findings.push((map.map(str::to_owned), what));
        }
    }

    pub(crate) fn missing(&mut self, missing: VerifyMissing) {
        self.missing_records += 1;
        if self.missing.len() < KEPT {
            self.missing.push(missing);
        }
    }

    pub(crate) fn difference(&mut self, difference: VerifyDifference) {
        self.difference_count += 1;
        if self.differences.len() < KEPT {
            self.differences.push(difference);
        }
    }

    pub(crate) fn map(&mut self, counts: MapVerification) {
        self.records += counts.expected;
        self.fields_compared += counts.fields;
        self.fields_matching += counts.same;
        self.maps.push(counts);
    }

    /// Draws the conclusion.
    pub(crate) fn closed(mut self) -> Self {
        self.percent = percent(self.fields_matching, self.fields_compared);
        let enough = match &self.required_percent {
            None => self.fields_matching == self.fields_compared,
            Some(required) => reaches(self.fields_matching, self.fields_compared, required),
        };
        self.holds = enough && self.missing_records == 0 && self.findings.is_empty() && !self.interrupted;
        self
    }

    /// As the report shows it.
    pub fn report(&self) -> Verification {
        Verification {
            held: self.holds,
            records: self.records,
            fields: self.fields_compared,
            same: self.fields_matching,
            required_percent: self.required_percent.clone(),
            sampled: self.sampled,
            maps: self.maps.clone(),
            differences: self
                .differences
                .iter()
                .map(|difference| Difference {
                    map: difference.map.clone(),
                    key: difference.key.clone(),
                    line: difference.line,
                    id: difference.id.clone(),
                    field: difference.field.clone(),
                    expected: difference.expected.clone(),
                    found: difference.found.clone(),
                })
                .collect(),
            difference_count: self.difference_count,
            missing_count: self.missing_records,
            missing: self
                .missing
                .iter()
                .map(|missing| Missing {
                    map: missing.map.clone(),
                    key: missing.key.clone(),
                    line: missing.line,
                    id: missing.id.clone(),
                })
                .collect(),
            findings: self
                .findings
                .iter()
                .map(|(map, what)| Finding { map: map.clone(), what: what.clone() })
                .collect(),
        }
    }
}

/// True where a share reaches a decimal numeral of percent, exactly. A numeral that cannot be read asks for everything.
fn reaches(same: u64, fields: u64, required: &str) -> bool {
    let (whole, fraction) = required.trim().trim_end_matches('%').trim().split_once('.').unwrap_or((required, ""));
    let digits: String = whole.chars().chain(fraction.chars()).filter(|digit| !digit.is_whitespace()).collect();
    let scale = u32::try_from(fraction.trim().len()).ok().and_then(|places| 10_u128.checked_pow(places));
    let (Ok(wanted), Some(scale)) = (digits.trim_end_matches('%').parse::<u128>(), scale) else {
        return same == fields;
    };
    let there = u128::from(same).checked_mul(100).and_then(|share| share.checked_mul(scale));
    let least = u128::from(fields).checked_mul(wanted);
    match (there, least) {
        (Some(there), Some(least)) => there >= least,
        _ => same == fields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_required_share_is_compared_exactly() {
        assert!(reaches(999, 1000, "99.9"));
        assert!(!reaches(998, 1000, "99.9"));
        assert!(!reaches(999_999, 1_000_000, "100"));
        assert!(reaches(0, 0, "100"));
        assert!(reaches(1, 2, "50%"));
        assert!(!reaches(999, 1000, "most"), "a numeral that cannot be read asks for everything");
    }

    #[test]
    fn a_missing_record_a_finding_or_a_stop_never_holds_however_many_fields_are_equal() {
        let equal = || VerifySummary { fields_compared: 1000, fields_matching: 1000, ..VerifySummary::default() };
        assert!(equal().closed().holds);
        assert!(!VerifySummary { missing_records: 1, ..equal() }.closed().holds);
        assert!(!VerifySummary { findings: vec![(None, "odd".to_owned())], ..equal() }.closed().holds);
        assert!(!VerifySummary { interrupted: true, ..equal() }.closed().holds);
        assert!(!VerifySummary { fields_matching: 999, ..equal() }.closed().holds);
    }
}
