//! Sample as a table for a spreadsheet: a line for each field of each record.

use std::io::{self, Write};

use super::{Sample, SampledRecord, Standing};
use crate::write_cells;

const HEADER: [&str; 13] = [
    "map",
    "key",
    "file",
    "line",
    "id",
    "outcome",
    "field",
    "in the export",
    "rule",
    "rule's line",
    "expected",
    "in the destination",
    "is",
];

/// Writes a sample, a line for each field; a record without fields has one line.
pub fn write<W: Write>(sample: &Sample, to: W) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    write_cells(&mut writer, HEADER)?;
    for record in &sample.records {
        let line = record.line.to_string();
        let outcome = outcome(record);
        let id = record.id.as_deref().unwrap_or_default();
        let start = [&record.map, &record.key, &record.file, &line, id, &outcome];
        if record.fields.is_empty() {
            let [map, key, file, line, id, outcome] = start;
            write_cells(&mut writer, [map, key, file, line, id, outcome, "", "", "", "", "", "", ""])?;
        }
        for field in &record.fields {
            let [map, key, file, line, id, outcome] = start;
            let cells: Vec<String> =
                field.source.iter().map(|cell| format!("{}: {}", cell.column, cell.text)).collect();
            let standing = match (record.missing, field.standing) {
                (true, _) => "missing",
                (_, Standing::Same) => "as expected",
                (_, Standing::Different) => "different",
                (_, Standing::Left) => "left to the destination",
                (_, Standing::NotWritten) => "not written",
            };
            write_cells(
                &mut writer,
                [
                    map,
                    key,
                    file,
                    line,
                    id,
                    outcome,
                    &field.field,
                    &cells.join("; "),
                    &field.rule,
                    &field.place,
                    &field.expected,
                    field.actual.as_deref().unwrap_or_default(),
                    standing,
                ],
            )?;
        }
    }
    writer.flush()
}

fn outcome(record: &SampledRecord) -> String {
    let words = record.state.in_words();
    let reasons: Vec<String> = record.reasons.iter().map(ToString::to_string).collect();
    if reasons.is_empty() { words.to_owned() } else { format!("{words}: {}", reasons.join("; ")) }
}
