//! Sample for a terminal: what was written, what is different, what nothing shows.

use std::fmt::Write as _;

use migr_escape::line;

use super::{NotWritten, Sample};
use crate::words::{count, grouped, percent};

/// Entries of a list that are printed; the page and the table have all.
const PRINTED: usize = 20;

/// The sample in short.
pub fn render(sample: &Sample) -> String {
    let mut out = String::new();
    for (record, field) in sample.different().take(PRINTED) {
        let source: Vec<String> =
            field.source.iter().map(|cell| format!("{} \"{}\"", line(&cell.column), line(&cell.text))).collect();
        let _ = writeln!(
            out,
            "different  {} {} ({}:{}), {}",
            record.map,
            line(&record.key),
            line(&record.file),
            record.line,
            field.field
        );
        let _ = writeln!(out, "             export    {}", source.join(", "));
        let _ = writeln!(out, "             rule      {} ({})", line(&field.rule), field.place);
        let _ = writeln!(out, "             expected  {}", shown(&field.expected));
        let _ = writeln!(out, "             found     {}", shown(field.actual.as_deref().unwrap_or_default()));
    }
    for record in sample.records.iter().filter(|record| record.missing).take(PRINTED) {
        let place = (line(&record.file), record.line);
        let _ = writeln!(
            out,
            "missing    {} {} ({}:{}), id {}",
            record.map,
            line(&record.key),
            place.0,
            place.1,
            record.id.as_deref().unwrap_or_default()
        );
    }
    for finding in sample.findings.iter().take(PRINTED) {
        let _ = writeln!(out, "found      {}", line(finding));
    }
    changes(sample, &mut out);
    let reasons = sample.reasons();
    if !reasons.is_empty() {
        let _ = writeln!(out, "\nNot written");
        for NotWritten { map, reason, records } in reasons.iter().take(PRINTED) {
            let _ = writeln!(out, "  {:>4}  {map}: {}", grouped(*records), line(&reason.to_string()));
        }
        rest(&mut out, reasons.len());
    }
    if !sample.uncovered.is_empty() {
        let _ = writeln!(out, "\nNot shown: no record of the export has it");
        for one in sample.uncovered.iter().take(PRINTED) {
            let _ = writeln!(out, "  {}: {} ({})", one.kind, line(&one.what), one.place);
        }
        rest(&mut out, sample.uncovered.len());
    }
    if !sample.coverage.is_empty() {
        let _ = writeln!(out, "\nShown");
        for one in &sample.coverage {
            let _ = writeln!(out, "  {:>5} of {:<5} {}", grouped(one.shown), grouped(one.all), one.kind);
        }
    }
    let _ = writeln!(out, "\n{}", in_a_line(sample));
    out
}

/// The sample in one line.
pub fn in_a_line(sample: &Sample) -> String {
    let totals = &sample.totals;
    let mut parts = vec![format!("{} written", grouped(totals.written))];
    for (number, what) in
        [(totals.merged, "merged"), (totals.skipped, "left behind by a rule"), (totals.quarantined, "quarantined")]
    {
        if number > 0 {
            parts.push(format!("{} {what}", grouped(number)));
        }
    }
    let share = if totals.fields == 0 {
        "there was no value to compare".to_owned()
    } else {
        let (same, values) = (grouped(totals.same), count(totals.fields, "value is", "values are"));
        format!("{same} of {values} as expected ({}%)", percent(totals.same, totals.fields))
    };
    let (records, of) = (grouped(totals.records), count(sample.of, "record", "records"));
    format!("Sample: {records} of {of}, {}; {share}.", parts.join(", "))
}

fn changes(sample: &Sample, out: &mut String) {
    let Some(changes) = &sample.changes else { return };
    let _ = writeln!(out, "\n{}", changes.title());
    if changes.is_empty() {
        let _ = writeln!(out, "  nothing changed: the same {}", count(changes.in_both, "record", "records"));
        return;
    }
    for one in changes.fields.iter().take(PRINTED) {
        let _ = writeln!(
            out,
            "  {} {}, {}: {} → {}  ({})",
            one.map,
            line(&one.key),
            one.field,
            shown(&one.before),
            shown(&one.after),
            one.place
        );
    }
    rest(out, changes.fields.len());
    for one in changes.outcomes.iter().take(PRINTED) {
        let _ = writeln!(out, "  {}", line(one));
    }
    rest(out, changes.outcomes.len());
    let _ = write!(
        out,
        "  {} changed, {} as before",
        count(changes.fields.len() as u64, "value", "values"),
        grouped(changes.same),
    );
    if changes.since_the_run {
        let _ = writeln!(out);
        return;
    }
    let _ = writeln!(
        out,
        "; {} not in the sample before, {} not in this one",
        count(changes.added.len() as u64, "record", "records"),
        count(changes.gone.len() as u64, "record", "records"),
    );
}

fn rest(out: &mut String, all: usize) {
    if all > PRINTED {
        let _ = writeln!(out, "  and {} more", grouped((all - PRINTED) as u64));
    }
}

fn shown(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { line(value).into_owned() }
}
