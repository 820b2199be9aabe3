//! Any bytes are a table or an error that says where: rows come in the order of their lines, the same ones at a second reading, every cell has its place, and
//! what is read is what another reader of such files finds in them.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use migr_extract::{Export, OwnedRecord, Row};
use migr_fuzz::Project;

/// A row as a reading gives it.
#[derive(Debug, PartialEq)]
enum Read {
    Record(u64, OwnedRecord, Vec<String>),
    Malformed(u64),
}

fn read(export: &Export) -> Option<Vec<Read>> {
    let mut records = export.records("Contact").ok()?;
    let mut rows = Vec::new();
    loop {
        match records.next() {
            Ok(Some(Row::Record(record))) => rows.push(Read::Record(
                record.line,
                record.to_owned(),
                record.raw().map(|(_, cell)| cell.to_owned()).collect(),
            )),
            Ok(Some(Row::Malformed { line, .. })) => rows.push(Read::Malformed(line)),
            Ok(None) | Err(_) => return Some(rows),
        }
    }
}

/// Rows of at least as many cells as another reader finds them, line ends within cells as LF; none where it is no UTF-8.
fn others(bytes: &[u8]) -> Option<Vec<Vec<String>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let cell = |cell: &str| cell.replace("\r\n", "\n").replace('\r', "\n");
    reader.records().map(|row| Some(row.ok()?.iter().map(cell).collect())).collect()
}

fuzz_target!(|bytes: &[u8]| {
    static PROJECT: OnceLock<Project> = OnceLock::new();
    let project = PROJECT.get_or_init(Project::new);
    let Some(export) = project.with("contacts.csv", bytes) else { return };
    let Some(rows) = read(&export) else { return };
    let lines: Vec<u64> = rows
        .iter()
        .map(|row| match row {
            Read::Record(line, ..) | Read::Malformed(line) => *line,
        })
        .collect();
    assert!(lines.iter().all(|line| *line >= 1) && lines.is_sorted(), "{lines:?}");
    let wanted: Vec<(u64, usize)> = lines.iter().map(|line| (*line, 0)).collect();
    if let Ok(places) = export.cell_starts("Contact", &wanted) {
        assert_eq!(places.len(), wanted.len());
    }
    assert_eq!(read(&export).as_ref(), Some(&rows), "two readings differ");
    // A row that is no record may end elsewhere for another reader.
    let records: Option<Vec<&[String]>> = rows
        .iter()
        .map(|row| match row {
            Read::Record(_, _, cells) => Some(cells.as_slice()),
            Read::Malformed(_) => None,
        })
        .collect();
    if let (Some(records), Some(others)) = (records, others(bytes)) {
        let mut found = others.iter().rev().take(records.len()).collect::<Vec<_>>();
        found.reverse();
        assert_eq!(found.len(), records.len(), "another reader finds fewer rows");
        for (own, other) in records.iter().zip(found) {
            // Cells behind the header's columns that are empty are read past.
            assert_eq!(*own, other.get(..own.len()).unwrap_or(other), "another reader finds other cells");
        }
    }
});
