//! Any bytes are a table or an error that says where: rows come in the order of their lines, the same ones at a second reading, and every cell has its place.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use migr_extract::{Export, OwnedRecord, Row};
use migr_fuzz::Project;

/// A row as a reading gives it.
#[derive(Debug, PartialEq)]
enum Read {
    Record(u64, OwnedRecord),
    Malformed(u64),
}

fn read(export: &Export) -> Option<Vec<Read>> {
    let mut records = export.records("Contact").ok()?;
    let mut rows = Vec::new();
    loop {
        match records.next() {
            Ok(Some(Row::Record(record))) => rows.push(Read::Record(record.line, record.to_owned())),
            Ok(Some(Row::Malformed { line, .. })) => rows.push(Read::Malformed(line)),
            Ok(None) | Err(_) => return Some(rows),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    static PROJECT: OnceLock<Project> = OnceLock::new();
    let project = PROJECT.get_or_init(Project::new);
    let Some(export) = project.with("contacts.csv", bytes) else { return };
    let Some(rows) = read(&export) else { return };
    let lines: Vec<u64> = rows.iter().map(|row| match row { Read::Record(line, _) | Read::Malformed(line) => *line }).collect();
    assert!(lines.iter().all(|line| *line >= 1) && lines.is_sorted(), "{lines:?}");
    let wanted: Vec<(u64, usize)> = lines.iter().map(|line| (*line, 0)).collect();
    if let Ok(places) = export.cell_starts("Contact", &wanted) {
        assert_eq!(places.len(), wanted.len());
    }
    assert_eq!(read(&export).as_ref(), Some(&rows), "two readings differ");
});
