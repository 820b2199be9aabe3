//! The report for the people who own the data: one file, no script, nothing loaded from elsewhere.

mod lists;

use std::fmt::{self, Write as _};

use migr_plan::Compatibility;

use crate::approvals;
use crate::model::{Object, Report, Run, Urgency};
use crate::outcome::{Rollback, not_there};
use crate::sections;
use crate::words::{count, grouped, percent};
use crate::{ListName, MapDelta};
use lists::{SHOWN, in_full, more, shown};

pub(crate) const STYLE: &str = include_str!("report.css");

/// The report as one HTML page.
pub fn render(report: &Report) -> String {
    let mut page = String::new();
    // A string takes everything; there is no error to report.
    let _ = write(report, &mut page);
    page
}

/// Text that cannot be taken for markup, between tags or in a quoted attribute.
pub(crate) struct Escaped<'t>(pub(crate) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&migr_escape::html(self.0))
    }
}

/// Text of ours, with code between backquotes.
struct Marked<'t>(&'t str);

impl fmt::Display for Marked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in self.0.split('`').enumerate() {
            if position % 2 == 0 {
                Escaped(part).fmt(f)?;
            } else {
                write!(f, "<code>{}</code>", Escaped(part))?;
            }
        }
        Ok(())
    }
}

fn write(report: &Report, page: &mut String) -> fmt::Result {
    let title = Escaped(&report.migration);
    writeln!(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(page, "<meta name=\"color-scheme\" content=\"light dark\">")?;
    writeln!(page, "<title>{title}: migration report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>")?;
    head(report, page)?;
    attention(report, page)?;
    objects(report, page)?;
    verification(report, page)?;
    left_by_rollback(report, page)?;
    lists::section(report, sections::quarantine(report), page)?;
    lists::updated_fields(report, page)?;
    lists::section(report, sections::files(report), page)?;
    lists::orphans(report, page)?;
    lists::section(report, sections::repairs(report), page)?;
    lists::skipped(report, page)?;
    concepts(report, page)?;
    coverage(report, page)?;
    report.undeclared.html(page)?;
    setup(report, page)?;
    approvals::html(report, page)?;
    deltas(report, page)?;
    runs(report, page)?;
    writeln!(page, "</main>\n</body>\n</html>")
}

fn head(report: &Report, page: &mut String) -> fmt::Result {
    writeln!(page, "<h1>{}</h1>", Escaped(&report.migration))?;
    writeln!(page, "<p class=\"lead\">From {} to {}. ", Escaped(&report.source), Escaped(&report.destination))?;
    let total = report.total();
    let arrived = total.created + total.updated + total.unchanged;
    if report.is_taken_back() {
        writeln!(page, "The migration was rolled back.</p>")
    } else if report.finished {
        writeln!(
            page,
            "Of {} in the export, {} in the destination now.</p>",
            count(total.read, "record", "records"),
            count(arrived, "is", "are")
        )
    } else {
        writeln!(
            page,
            "The migration is under way; {} in the destination so far.</p>",
            count(arrived, "record is", "records are")
        )
    }
}

fn attention(report: &Report, page: &mut String) -> fmt::Result {
    if report.attention.is_empty() {
        return writeln!(
            page,
            "<section class=\"calm\">\n<h2>Nothing needs you</h2>\n<p>Every record arrived as planned.</p>\n</section>"
        );
    }
    writeln!(page, "<section>\n<h2>What needs you</h2>\n<ul class=\"attention\">")?;
    for attention in &report.attention {
        let (class, word) = match attention.urgency {
            Urgency::Now => ("now", "Now"),
            Urgency::Todo => ("todo", "To do"),
            Urgency::Know => ("know", "Good to know"),
        };
        writeln!(
            page,
            "<li class=\"{class}\"><span class=\"tag\">{word}</span> <strong>{}</strong> {}</li>",
            Escaped(&attention.what),
            Marked(&attention.action)
        )?;
    }
    writeln!(page, "</ul>\n</section>")
}

fn objects(report: &Report, page: &mut String) -> fmt::Result {
    writeln!(
        page,
        "<section>\n<h2>Records</h2>\n<table>\n<thead><tr><th>From</th><th>To</th><th class=\"wide\"></th>"
    )?;
    writeln!(
        page,
        "<th>In the export</th><th>Created</th><th>Updated</th><th>As they were</th><th>Left by a rule</th><th>Quarantined</th></tr></thead>\n<tbody>"
    )?;
    for object in &report.objects {
        let name = Escaped(&object.source_object);
        let map = if object.map == object.source_object {
            String::new()
        } else {
            format!(" <small>{}</small>", Escaped(&object.map))
        };
        let note = if object.finished || report.is_taken_back() { "" } else { " <small>not finished</small>" };
        write!(page, "<tr><th scope=\"row\">{name}{map}{note}</th><td>{}</td>", Escaped(&object.destination_object))?;
        numbers(object, page)?;
    }
    write!(page, "</tbody>\n<tfoot><tr><th scope=\"row\">All</th><td></td>")?;
    numbers(&report.total(), page)?;
    writeln!(page, "</tfoot>\n</table>")?;
    writeln!(
        page,
        "<p class=\"key\"><i class=\"created\"></i> created <i class=\"updated\"></i> updated <i class=\"unchanged\"></i> as they were \
         <i class=\"skipped\"></i> left by a rule <i class=\"quarantined\"></i> quarantined</p>\n</section>"
    )
}

fn numbers(object: &Object, page: &mut String) -> fmt::Result {
    let parts = [
        ("created", object.created),
        ("updated", object.updated),
        ("unchanged", object.unchanged),
        ("skipped", object.skipped),
        ("quarantined", object.quarantined),
    ];
    write!(page, "<td class=\"wide\"><div class=\"bar\" role=\"img\" aria-label=\"")?;
    for (name, number) in parts.iter().filter(|(_, number)| *number > 0) {
        write!(page, "{} {name} ", grouped(*number))?;
    }
    write!(page, "\">")?;
    let whole = object.accounted().max(object.read);
    for (name, number) in parts.iter().filter(|(_, number)| *number > 0) {
        write!(page, "<i class=\"{name}\" style=\"width:{}%\"></i>", percent(*number, whole))?;
    }
    write!(page, "</div></td><td>{}</td>", grouped(object.read))?;
    for (name, number) in parts {
        let class = if name == "quarantined" && number > 0 { " class=\"mark\"" } else { "" };
        write!(page, "<td{class}>{}</td>", grouped(number))?;
    }
    writeln!(page, "</tr>")
}

fn left_by_rollback(report: &Report, page: &mut String) -> fmt::Result {
    let is_told = |rollback: &&Rollback| !rollback.kept.is_empty() || !rollback.stays.is_empty();
    let Some(rollback) = report.rollback.as_ref().filter(is_told) else { return Ok(()) };
    writeln!(page, "<section>\n<h2>What the rollback left</h2>\n<ul>")?;
    for stays in &rollback.stays {
        writeln!(page, "<li>By its class in the plan: {}</li>", Escaped(stays))?;
    }
    for finding in rollback.kept.iter().take(SHOWN) {
        writeln!(page, "<li>{}</li>", Escaped(&finding.what))?;
    }
    writeln!(page, "</ul>")?;
    let rest = rollback.kept.len().saturating_sub(SHOWN);
    if rest > 0 {
        writeln!(page, "<p>And {} more.</p>", grouped(rest as u64))?;
    }
    writeln!(page, "</section>")
}

fn verification(report: &Report, page: &mut String) -> fmt::Result {
    let Some(verify) = &report.verify else { return Ok(()) };
    writeln!(page, "<section>\n<h2>Read back and compared</h2>")?;
    writeln!(
        page,
        "<p>{}{}.{}</p>",
        Escaped(&verify.in_words()),
        verify
            .required_percent
            .as_deref()
            .map(|required| format!("; required {} %", Escaped(required)))
            .unwrap_or_default(),
        not_there(&report.total()).map(|rest| format!(" {}.", Escaped(&rest))).unwrap_or_default()
    )?;
    if !verify.findings.is_empty() {
        writeln!(page, "<ul>")?;
        for finding in &verify.findings {
            writeln!(page, "<li>{}</li>", Escaped(&finding.what))?;
        }
        writeln!(page, "</ul>")?;
    }
    if !verify.missing.is_empty() {
        writeln!(page, "<details open><summary>Missing records ({})</summary>\n<ul>", grouped(verify.missing()))?;
        for missing in verify.missing.iter().take(SHOWN) {
            writeln!(
                page,
                "<li>{} <code>{}</code>, line {}, <code>{}</code></li>",
                Escaped(&missing.map),
                Escaped(&missing.key),
                missing.line,
                Escaped(&missing.id)
            )?;
        }
        more(page, verify.missing.len(), verify.missing())?;
        writeln!(page, "</ul></details>")?;
    }
    if !verify.differences.is_empty() {
        writeln!(
            page,
            "<details open><summary>Differences ({})</summary>\n<table class=\"text\">",
            grouped(verify.different())
        )?;
        writeln!(
            page,
            "<thead><tr><th>Record</th><th>Line</th><th>Field</th><th>Should be</th><th>Is</th></tr></thead>\n<tbody>"
        )?;
        for difference in verify.differences.iter().take(SHOWN) {
            writeln!(
                page,
                "<tr><td>{} <code>{}</code></td><td>{}</td><td>{}</td><td><code>{}</code></td><td><code>{}</code></td></tr>",
                Escaped(&difference.map),
                Escaped(&difference.key),
                difference.line,
                Escaped(&difference.field),
                Escaped(&difference.expected),
                Escaped(&difference.found)
            )?;
        }
        writeln!(page, "</tbody></table>")?;
        if verify.different() > shown(verify.differences.len()) {
            writeln!(page, "<ul>")?;
            more(page, verify.differences.len(), verify.different())?;
            writeln!(page, "</ul>")?;
        }
        writeln!(page, "</details>")?;
    }
    in_full(report, ListName::Differences, page)?;
    writeln!(page, "</section>")
}

fn concepts(report: &Report, page: &mut String) -> fmt::Result {
    if !report.rows.is_empty() {
        let Compatibility { objects, others } = report.compatibility;
        writeln!(page, "<section>\n<h2>What became of each part</h2>")?;
        writeln!(
            page,
            "<p>One to one: {} of {} objects and {} of {} other concepts.</p>",
            objects.exact, objects.all, others.exact, others.all
        )?;
        writeln!(page, "<table class=\"text\">")?;
        writeln!(
            page,
            "<thead><tr><th>In the source</th><th>Records</th><th>Now</th><th>How</th><th>Why</th></tr></thead>\n<tbody>"
        )?;
        for row in &report.rows {
            let how = match row.state.as_str() {
                "exact" => "one to one",
                "degraded" => "in another form",
                "by_hand" => "by hand",
                _ => "stays behind",
            };
            writeln!(
                page,
                "<tr><td>{} <small>{}</small></td><td>{}</td><td>{}</td><td>{how}</td><td>{}</td></tr>",
                Escaped(&row.concept),
                Escaped(&row.kind.replace('_', " ")),
                row.records.map(grouped).unwrap_or_default(),
                Escaped(row.destination.as_deref().unwrap_or("–")),
                Escaped(row.reason.as_deref().unwrap_or_default())
            )?;
        }
        writeln!(page, "</tbody></table>\n</section>")?;
    }
    if !report.accepted.is_empty() {
        writeln!(page, "<section>\n<h2>Accepted</h2>\n<ul>")?;
        for entry in &report.accepted {
            writeln!(page, "<li>{}</li>", Escaped(&entry.in_words))?;
        }
        writeln!(page, "</ul>\n</section>")?;
    }
    if report.degradations.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Kept in another form</h2>\n<ul>")?;
    for entry in &report.degradations {
        let map = entry.map.as_deref().map(|map| format!("{} · ", Escaped(map))).unwrap_or_default();
        let kept = entry.kept_in.as_deref().map(|kept| format!("; kept in {}", Escaped(kept))).unwrap_or_default();
        let records = entry.records.map(|records| format!(" ({})", count(records, "record", "records")));
        let records = records.unwrap_or_default();
        writeln!(page, "<li>{map}{}{records}: {}{kept}</li>", Escaped(&entry.what), Escaped(&entry.reason))?;
    }
    writeln!(page, "</ul>\n</section>")
}

fn coverage(report: &Report, page: &mut String) -> fmt::Result {
    if report.coverage.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Columns</h2>\n<table>")?;
    writeln!(
        page,
        "<thead><tr><th>Object</th><th>Columns</th><th>Mapped</th><th>Left by a rule</th><th class=\"wide\">Unused</th></tr></thead>\n<tbody>"
    )?;
    for entry in &report.coverage {
        writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td class=\"wide\">{}</td></tr>",
            Escaped(&entry.source_object),
            entry.columns,
            entry.mapped,
            entry.dropped,
            Escaped(&entry.unused.join(", "))
        )?;
    }
    writeln!(page, "</tbody></table>\n</section>")
}

fn setup(report: &Report, page: &mut String) -> fmt::Result {
    if report.setup.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Changes of the destination</h2>\n<ul>")?;
    for change in &report.setup {
        let options = change.options_in_words();
        writeln!(page, "<li>{}: {}{}</li>", Escaped(&change.action), Escaped(&change.outcome), Escaped(&options))?;
    }
    writeln!(page, "</ul>\n</section>")
}

fn deltas(report: &Report, page: &mut String) -> fmt::Result {
    for (number, delta) in report.deltas.iter().enumerate() {
        writeln!(page, "<section>\n<h2>Delta {}</h2>\n<ul>", number + 1)?;
        for line in delta.maps.iter().flat_map(MapDelta::in_lines) {
            writeln!(page, "<li>{}</li>", Escaped(&line))?;
        }
        writeln!(page, "</ul>\n</section>")?;
    }
    Ok(())
}

/// A run ended before it began. Times are all UTC in one form, to the second.
fn was_set_back(run: &Run) -> bool {
    run.ended.as_deref().is_some_and(|ended| ended.get(..19) < run.started.get(..19))
}

fn runs(report: &Report, page: &mut String) -> fmt::Result {
    writeln!(page, "<section>\n<h2>Runs</h2>\n<ul>")?;
    for run in &report.runs {
        writeln!(
            page,
            "<li><code>migr {}</code>, {} to {}{}: {}</li>",
            Escaped(&run.command),
            Escaped(&run.started),
            Escaped(run.ended.as_deref().unwrap_or("–")),
            if was_set_back(run) { " (the clock was set back meanwhile)" } else { "" },
            Escaped(run.result.as_deref().unwrap_or("did not say how it ended"))
        )?;
    }
    writeln!(page, "</ul>")?;
    if let Some(estimate) = &report.estimate {
        writeln!(page, "<p>Estimated: {}.</p>", Escaped(estimate))?;
    }
    for plan in report.plans.iter().filter(|_| report.plans.len() > 1) {
        let (hash, first, last) = (Escaped(&plan.hash), Escaped(&plan.first), Escaped(&plan.last));
        writeln!(page, "<p class=\"place\">Plan {hash}, {first} to {last}</p>")?;
    }
    writeln!(page, "<p class=\"place\">Plan {}</p>\n</section>", Escaped(&report.plan))
}
