//! An audit for people and programs: a terminal's text, Markdown, and JSON. All show the same model.

mod json;
mod markdown;
mod terminal;

pub use json::json;
pub use markdown::markdown;
pub use terminal::terminal;

use migr_plan::ColumnType;
use migr_plan::lock::{LockedColumn, LockedSourceObject, ObjectState};

use super::masking::shown;
use super::{AcceptedFindings, Audit, Finding, FindingKind, PreviewAction, PreviewEntry, Severity};
use migr_decide::expected::CONFLICT;

/// Examples of a kind that are shown.
const EXAMPLES: usize = 5;

/// Group of the findings of one kind and severity.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// Kind of the findings.
    pub kind: FindingKind,
    /// Severity of the findings.
    pub severity: Severity,
    /// Number of findings, those that are not kept included.
    pub total: u64,
    /// Per object, in order.
    pub objects: Vec<(&'a str, u64)>,
    /// The first few.
    pub examples: Vec<&'a Finding>,
    /// Advice on what to do.
    pub help: &'a str,
}

/// The findings by severity and kind, worst first.
pub fn groups(audit: &Audit) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for total in &audit.totals {
        let at = groups.iter().position(|group| (group.kind, group.severity) == (total.kind, total.severity));
        let object = total.object.as_deref().map(|object| (object, total.findings));
        if let Some(group) = at.and_then(|at| groups.get_mut(at)) {
            group.total += total.findings;
            group.objects.extend(object);
            continue;
        }
        let of_kind =
            || audit.findings.iter().filter(|finding| (finding.kind, finding.severity) == (total.kind, total.severity));
        let mut helps = of_kind().filter_map(|finding| finding.help.as_deref());
        let own = helps.next().filter(|first| of_kind().all(|finding| finding.help.as_deref() == Some(*first)));
        groups.push(Group {
            kind: total.kind,
            severity: total.severity,
            total: total.findings,
            objects: object.into_iter().collect(),
            examples: of_kind().take(EXAMPLES).collect(),
            help: own.unwrap_or_else(|| total.kind.help()),
        });
    }
    groups
}

/// `allow "orphan-owner" max 77 : "why"`, for warnings.
fn entry_that_accepts(group: &Group<'_>) -> Option<String> {
    let is_warning = group.severity == Severity::Warning;
    is_warning.then(|| format!("allow \"{}\" : \"why\"", group.kind))
}

/// `accepted[orphan-owner]: 77 records (migration.migr:9): people who have left`
fn accepted_words(accepted: &AcceptedFindings) -> String {
    let AcceptedFindings { finding, reason, origin, records, is_exceeded, .. } = accepted;
    let place = format!("{}:{}", origin.file, origin.line);
    let records = counted(*records, "record");
    if *is_exceeded {
        return format!("not accepted[{finding}]: {records}, more than `max` of {place} says: {reason}");
    }
    format!("accepted[{finding}]: {records} ({place}): {reason}")
}

/// `export/contacts.csv:12 C00000012`
fn place(finding: &Finding) -> String {
    let mut place = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.clone(),
        (None, _) => finding.object.clone().unwrap_or_default(),
    };
    if let Some(key) = &finding.key {
        place.push(' ');
        place.push_str(key);
    }
    place
}

/// `email: "x" is no address`
fn message(finding: &Finding) -> String {
    match &finding.column {
        Some(column) => format!("{column}: {}", finding.message),
        None => finding.message.clone(),
    }
}

/// `400 rows`, `not in this export`
fn state(object: &LockedSourceObject) -> String {
    match object.state {
        ObjectState::Absent => "not in this export".to_owned(),
        ObjectState::Unreadable => "cannot be read".to_owned(),
        ObjectState::Present => counted(object.rows, "row"),
    }
}

/// `3 rows`, `1 row`
pub(super) fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// `integer`, `date %m/%d/%Y`
fn reading_words(ty: ColumnType, format: Option<&str>) -> String {
    let ty = serde_json::to_value(ty).ok();
    let ty = ty.as_ref().and_then(serde_json::Value::as_str).unwrap_or("text").to_owned();
    match format {
        Some(format) => format!("{ty} {format}"),
        None => ty,
    }
}

/// Cells with something in them, of a hundred.
fn filled_percent(column: &LockedColumn) -> u64 {
    let all = column.filled + column.blank;
    column.filled.saturating_mul(100).checked_div(all).unwrap_or(0)
}

/// `export/contacts.csv:5 C5: changes 6ba7…, jobTitle "Nurse" → "Doctor"`
fn preview_entry(entry: &PreviewEntry) -> String {
    let key = entry.key.as_deref().map_or_else(String::new, |key| format!(" {key}"));
    let other = entry.other.as_deref().unwrap_or("another");
    let does = match entry.action {
        PreviewAction::Change if entry.field.is_none() => format!("{other} holds all of it already"),
        PreviewAction::Change => format!("changes {other}"),
        PreviewAction::Restore => format!("takes {other} out of the trash"),
        PreviewAction::Replace => format!("destroys {other} in the trash and makes it anew"),
        PreviewAction::Keep => format!("leaves {other} as it is"),
        PreviewAction::Stay => format!("{other} holds another value, which stays"),
        PreviewAction::SetAside => format!("is quarantined: {other} is there"),
        PreviewAction::Merge if entry.field.is_some() => format!("becomes one with {other}, whose value counts"),
        PreviewAction::Merge => format!("becomes one with {other}"),
        PreviewAction::GiveWay if entry.field.is_some() => format!("gives way to {other}, and is not written:"),
        PreviewAction::GiveWay => format!("gives way to {other}"),
        PreviewAction::Vanish => format!("is in the export no more; {other} stays"),
        PreviewAction::Trash => format!("is in the export no more; {other} goes into the trash"),
    };
    let field = entry.field.as_deref().map_or_else(String::new, |field| {
        let text = |text: &Option<String>| shown(text.as_deref().unwrap_or_default(), false);
        let conflict =
            entry.conflict.map_or_else(String::new, |policy| format!(" ({CONFLICT}: {})", policy.in_words()));
        let (before, after) = (text(&entry.before), text(&entry.after));
        match entry.action {
            PreviewAction::Stay => format!(", {field} {before}; {after} of the export is not written"),
            PreviewAction::GiveWay => format!(" {field} {before} ({after} counts)"),
            PreviewAction::Change if entry.after.as_deref() == Some("") => {
                format!(", {field} {before} is cleared: the export has no value{conflict}")
            }
            _ => format!(", {field} {before} → {after}{conflict}"),
        }
    });
    format!("{}:{}{key}: {does}{field}", entry.file, entry.line)
}

/// Sum of what a run would do: `Would create 5120, …`
fn outcome(audit: &Audit) -> String {
    let stages = &audit.lock.stages.stages;
    let sum = |of: fn(&migr_plan::lock::LockedStage) -> u64| stages.iter().map(of).sum::<u64>();
    let known = if audit.lock.stages.with_destination { "" } else { " (the destination was not asked)" };
    let unchanged = sum(|stage| stage.unchanged);
    let unchanged = if unchanged == 0 { String::new() } else { format!(", leave {unchanged} as they are") };
    format!(
        "A run would create {}, update {}{unchanged}, skip {} and quarantine {}{known}.",
        sum(|stage| stage.create),
        sum(|stage| stage.update),
        sum(|stage| stage.skip),
        sum(|stage| stage.quarantine),
    )
}

/// `48 errors, 1 warning, 3 notes`
fn counts(audit: &Audit) -> String {
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    counts.map(|(severity, word)| counted(audit.count(severity), word)).join(", ")
}
