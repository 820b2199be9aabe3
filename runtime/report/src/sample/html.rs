//! Sample as a page for those who approve it: one file, no script, nothing loaded from elsewhere.

use std::fmt::{self, Write as _};

use super::{Sample, SampledField, SampledRecord, SampledState, Standing};
use crate::html::{Escaped, STYLE};
use crate::words::{count, grouped, percent};

const OWN_STYLE: &str = include_str!("sample.css");

/// The sample as one page.
pub fn render(sample: &Sample) -> String {
    let mut page = String::new();
    // A string takes everything; there is no error to report.
    let _ = write(sample, &mut page);
    page
}

fn write(sample: &Sample, page: &mut String) -> fmt::Result {
    let title = Escaped(&sample.migration);
    writeln!(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(page, "<meta name=\"color-scheme\" content=\"light dark\">")?;
    writeln!(page, "<title>{title}: sample</title>\n<style>\n{STYLE}{OWN_STYLE}</style>\n</head>\n<body>\n<main>")?;
    head(sample, page)?;
    first(sample, page)?;
    changes(sample, page)?;
    coverage(sample, page)?;
    uncovered(sample, page)?;
    records(sample, page)?;
    writeln!(page, "</main>\n</body>\n</html>")
}

fn head(sample: &Sample, page: &mut String) -> fmt::Result {
    let totals = &sample.totals;
    writeln!(page, "<h1>{}: sample</h1>", Escaped(&sample.migration))?;
    writeln!(
        page,
        "<p class=\"lead\">{} of the {} in the export of {} were moved to {} as a sample. Each one that was written was read back and compared, value by value.</p>",
        grouped(totals.records),
        count(sample.of, "record", "records"),
        Escaped(&sample.source),
        Escaped(&sample.destination)
    )?;
    writeln!(
        page,
        "<p class=\"lead\">All other records are still where they were. They move once this sample is approved.</p>"
    )
}

/// Matters that a reader should look at before anything else.
fn first(sample: &Sample, page: &mut String) -> fmt::Result {
    let totals = &sample.totals;
    writeln!(page, "<section>\n<h2>In short</h2>\n<ul class=\"attention\">")?;
    let mut item = |class: &str, strong: String, text: String| {
        writeln!(page, "<li class=\"{class}\"><strong>{}</strong> {}</li>", Escaped(&strong), Escaped(&text))
    };
    if totals.fields == 0 {
        item("todo", "Nothing was written.".to_owned(), "There is no value to compare.".to_owned())?;
    } else if totals.same == totals.fields {
        item(
            "calm",
            "Every value is as expected.".to_owned(),
            format!("All {} of the {} read back.", count(totals.fields, "value", "values"), written(totals.written)),
        )?;
    } else {
        item(
            "now",
            format!("{} not as expected.", count(totals.fields - totals.same, "value is", "values are")),
            format!(
                "{} of {} are as expected ({} %). The others are marked below; a person or a workflow may have changed them meanwhile.",
                grouped(totals.same),
                grouped(totals.fields),
                percent(totals.same, totals.fields)
            ),
        )?;
    }
    if totals.missing > 0 {
        item(
            "now",
            format!("{} written and cannot be found.", count(totals.missing, "record was", "records were")),
            "Somebody or something has removed them since.".to_owned(),
        )?;
    }
    for finding in &sample.findings {
        item("now", finding.clone(), String::new())?;
    }
    if totals.quarantined > 0 {
        item(
            "todo",
            format!("{} not written.", count(totals.quarantined, "record was", "records were")),
            "Each is listed below with its reason. Mend the row in the source, or the rule, if that is not what you want."
                .to_owned(),
        )?;
    }
    if totals.skipped + totals.merged > 0 {
        let mut parts = Vec::new();
        if totals.skipped > 0 {
            parts
                .push(format!("{} behind by a written rule", count(totals.skipped, "record stayed", "records stayed")));
        }
        if totals.merged > 0 {
            parts.push(format!("{} one with another", count(totals.merged, "record became", "records became")));
        }
        item("know", format!("{}.", parts.join(", ")), "Each is listed below with its reason.".to_owned())?;
    }
    if !sample.uncovered.is_empty() {
        item(
            "know",
            format!(
                "{} cannot be shown.",
                count(sample.uncovered.len() as u64, "case of the rules", "cases of the rules")
            ),
            "No record of the export has them, so nobody has seen them at work.".to_owned(),
        )?;
    }
    writeln!(page, "</ul>\n</section>")
}

fn written(records: u64) -> String {
    count(records, "record that was written was", "records that were written were")
}

fn changes(sample: &Sample, page: &mut String) -> fmt::Result {
    let Some(changes) = &sample.changes else { return Ok(()) };
    writeln!(page, "<section>\n<h2>{}</h2>", changes.title())?;
    if changes.is_empty() {
        writeln!(page, "<p>Nothing changed: these are the same {}.</p>", count(changes.in_both, "record", "records"))?;
        return writeln!(page, "</section>");
    }
    let values = count(changes.fields.len() as u64, "value", "values");
    write!(page, "<p>{values} changed, {} as before.", grouped(changes.same))?;
    if !changes.since_the_run {
        write!(
            page,
            " {} not in the sample before; {} not in this one.",
            count(changes.added.len() as u64, "record was", "records were"),
            count(changes.gone.len() as u64, "record is", "records are")
        )?;
    }
    writeln!(page, "</p>")?;
    if !changes.outcomes.is_empty() {
        writeln!(page, "<ul>")?;
        for one in &changes.outcomes {
            writeln!(page, "<li>{}</li>", Escaped(one))?;
        }
        writeln!(page, "</ul>")?;
    }
    if !changes.fields.is_empty() {
        writeln!(
            page,
            "<table class=\"text\"><thead><tr><th>Record</th><th>Field</th><th>Before</th><th>Now</th><th>Rule</th></tr></thead>\n<tbody>"
        )?;
        for one in &changes.fields {
            writeln!(
                page,
                "<tr><td>{} <code>{}</code></td><td>{}</td><td>{}</td><td class=\"mark\">{}</td><td><code>{}</code> <span class=\"place\">{}</span></td></tr>",
                Escaped(&one.map),
                Escaped(&one.key),
                Escaped(&one.field),
                Shown(&one.before),
                Shown(&one.after),
                Escaped(&one.rule),
                Escaped(&one.place)
            )?;
        }
        writeln!(page, "</tbody></table>")?;
    }
    writeln!(page, "</section>")
}

fn coverage(sample: &Sample, page: &mut String) -> fmt::Result {
    writeln!(
        page,
        "<section>\n<h2>What the sample shows</h2>\n<p>The records were chosen so that every case that the export has is among them; the rest were drawn at random.</p>"
    )?;
    writeln!(
        page,
        "<table class=\"text\"><thead><tr><th>Cases</th><th>Shown</th><th>In the rules</th></tr></thead>\n<tbody>"
    )?;
    for one in &sample.coverage {
        writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
            Escaped(&one.kind),
            grouped(one.shown),
            grouped(one.all)
        )?;
    }
    writeln!(page, "</tbody></table>\n</section>")
}

fn uncovered(sample: &Sample, page: &mut String) -> fmt::Result {
    if sample.uncovered.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "<section>\n<h2>What no record shows</h2>\n<p>These rules are written, but no record of the export meets them.</p>\n<ul>"
    )?;
    for one in &sample.uncovered {
        writeln!(
            page,
            "<li>{}: {} <span class=\"place\">{}</span></li>",
            Escaped(&one.kind),
            Escaped(&one.what),
            Escaped(&one.place)
        )?;
    }
    writeln!(page, "</ul>\n</section>")
}

fn records(sample: &Sample, page: &mut String) -> fmt::Result {
    let mut map = None;
    for record in &sample.records {
        if map != Some(&record.map) {
            if map.is_some() {
                writeln!(page, "</section>")?;
            }
            let name = if record.map == record.source_object {
                String::new()
            } else {
                format!(" <small>{}</small>", Escaped(&record.map))
            };
            writeln!(
                page,
                "<section>\n<h2>{} → {}{name}</h2>",
                Escaped(&record.source_object),
                Escaped(&record.destination_object)
            )?;
            map = Some(&record.map);
        }
        one(record, page)?;
    }
    if map.is_some() { writeln!(page, "</section>") } else { Ok(()) }
}

fn one(record: &SampledRecord, page: &mut String) -> fmt::Result {
    let different = record.fields.iter().filter(|field| field.standing == Standing::Different).count();
    let is_open = different > 0 || record.missing;
    let key = if record.key.is_empty() { "without a key" } else { &record.key };
    let standing = match (record.missing, different, record.state) {
        (true, ..) => " <b class=\"bad\">cannot be found</b>".to_owned(),
        (_, 0, state) if state.is_there() => {
            let compared = record.fields.iter().filter(|field| field.standing == Standing::Same).count();
            format!(", all {} as expected", count(compared as u64, "value is", "values are"))
        }
        (_, 0, _) => String::new(),
        (_, different, _) => {
            format!(" <b class=\"bad\">{} not as expected</b>", count(different as u64, "value is", "values are"))
        }
    };
    let class = if record.state == SampledState::Quarantined { " class=\"mark\"" } else { "" };
    writeln!(
        page,
        "<details{}><summary><code>{}</code> <span class=\"place\">{}:{}</span> <span{class}>{}</span>{standing}</summary>",
        if is_open { " open" } else { "" },
        Escaped(key),
        Escaped(&record.file),
        record.line,
        record.state.in_words()
    )?;
    for reason in &record.reasons {
        writeln!(page, "<p class=\"reason\">{}</p>", Escaped(&reason.to_string()))?;
    }
    if !record.because.is_empty() {
        writeln!(page, "<p class=\"place\">In the sample because {}.</p>", Escaped(&record.because.join("; ")))?;
    }
    if let Some(id) = &record.id {
        writeln!(page, "<p class=\"place\">Its id there: <code>{}</code></p>", Escaped(id))?;
    }
    if !record.fields.is_empty() {
        writeln!(
            page,
            "<table class=\"text fields\"><thead><tr><th>Field</th><th>In the export</th><th>Expected</th><th>In the destination</th><th>Rule</th></tr></thead>\n<tbody>"
        )?;
        for field in &record.fields {
            row(field, page)?;
        }
        writeln!(page, "</tbody></table>")?;
    }
    writeln!(page, "</details>")
}

fn row(field: &SampledField, page: &mut String) -> fmt::Result {
    let class = match field.standing {
        Standing::Same => "same",
        Standing::Different => "different",
        Standing::Left => "left",
        Standing::NotWritten => "unwritten",
    };
    write!(page, "<tr class=\"{class}\"><th scope=\"row\">{}</th><td>", Escaped(&field.field))?;
    for (at, cell) in field.source.iter().enumerate() {
        let mark = if at > 0 { "<br>" } else { "" };
        write!(page, "{mark}<span class=\"place\">{}:</span> {}", Escaped(&cell.column), Shown(&cell.text))?;
    }
    write!(page, "</td><td>{}</td><td>", Shown(&field.expected))?;
    match (&field.actual, field.standing) {
        (Some(actual), Standing::Different) => write!(page, "<b class=\"bad\">{}</b>", Shown(actual))?,
        (Some(actual), _) => write!(page, "{}", Shown(actual))?,
        (None, Standing::Left) => write!(page, "<span class=\"place\">left as it is there</span>")?,
        (None, _) => write!(page, "<span class=\"place\">not written</span>")?,
    }
    write!(
        page,
        "</td><td><code>{}</code> <span class=\"place\">{}</span>",
        Escaped(&field.rule),
        Escaped(&field.place)
    )?;
    for note in field.rows.iter().chain(&field.notes) {
        write!(page, "<br><span class=\"place\">{}</span>", Escaped(note))?;
    }
    writeln!(page, "</td></tr>")
}

/// Value in a cell of the page.
struct Shown<'t>(&'t str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.trim().is_empty() { f.write_str("<i class=\"none\">nothing</i>") } else { Escaped(self.0).fmt(f) }
    }
}
