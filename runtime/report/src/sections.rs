//! The sections that have an entry per record, as every rendering shows them.

use crate::ListName;
use crate::groups::{self, Group};
use migr_plan::ReasonCode;

use crate::model::{Quarantined, Repaired, Report, UnsentFile};
use crate::words::grouped;

/// A section: some entries of each kind, and in which file all of them are.
#[derive(Debug)]
pub(crate) struct Section<'r> {
    pub(crate) list: ListName,
    pub(crate) title: &'static str,
    /// Text before the entries, with code between backquotes.
    pub(crate) lead: String,
    pub(crate) kinds: Vec<Rows<'r>>,
}

/// Entries of one kind.
#[derive(Debug)]
pub(crate) struct Rows<'r> {
    pub(crate) map: &'r str,
    pub(crate) field: Option<&'r str>,
    /// Code of the reason, where it has one.
    pub(crate) code: Option<ReasonCode>,
    pub(crate) reason: &'r str,
    /// Number of entries, those that are not among `examples` included.
    pub(crate) entries: u64,
    pub(crate) examples: Vec<Row<'r>>,
}

/// An entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'r> {
    pub(crate) key: &'r str,
    pub(crate) file: &'r str,
    pub(crate) line: u64,
    pub(crate) text: &'r str,
}

/// Records that were quarantined; none where there are none.
pub(crate) fn quarantine<'r>(report: &'r Report) -> Option<Section<'r>> {
    let but = match report.uncertain() {
        0 => String::new(),
        uncertain => format!(", but for {} that may be there (Q502)", grouped(uncertain)),
    };
    let lead = format!(
        "Nothing of these records was written{but}. Mend the rows, or the rules, and try them again with `migr quarantine retry`."
    );
    let row = |one: &'r Quarantined| Row { key: &one.key, file: &one.file, line: one.line, text: &one.reason };
    section(report, ListName::Quarantine, "Quarantined", lead, groups::of_quarantine(report), row)
}

/// Values that a rule left out or replaced.
pub(crate) fn repairs<'r>(report: &'r Report) -> Option<Section<'r>> {
    let row = |one: &'r Repaired| Row { key: &one.key, file: &one.file, line: one.line, text: &one.reason };
    let title = "Left out, replaced or kept by a rule";
    section(report, ListName::Repairs, title, String::new(), groups::of_repairs(report), row)
}

/// Files of records, those that were not sent.
pub(crate) fn files<'r>(report: &'r Report) -> Option<Section<'r>> {
    let row = |one: &'r UnsentFile| Row { key: &one.key, file: &one.file, line: one.line, text: &one.path };
    let lead = format!("{}.", report.files.in_words());
    section(report, ListName::Files, "Files", lead, groups::of_unsent_files(report), row)
}

fn section<'r, T>(
    report: &'r Report,
    list: ListName,
    title: &'static str,
    lead: String,
    groups: Vec<Group<'r, T>>,
    row: impl Fn(&'r T) -> Row<'r>,
) -> Option<Section<'r>> {
    let rows = |group: Group<'r, T>| Rows {
        map: group.map,
        field: group.field,
        code: group.code,
        reason: group.reason,
        entries: group.entries,
        examples: group.examples.into_iter().map(&row).collect(),
    };
    (report.entries_of(list) > 0).then(|| Section { list, title, lead, kinds: groups.into_iter().map(rows).collect() })
}
