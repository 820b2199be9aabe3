//! The rows of an export as findings of `check`: what an audit finds in them, each at its file, line and column.

use std::collections::BTreeMap;

use migr_diagnostics::{Code, Diagnostic, Label};
use migr_engine::EngineError;
use migr_engine::audit::render::{Group, groups};
use migr_engine::audit::{
    Audit, AuditError, AuditOptions, Finding, FindingKind, Quiet, Severity, audit, cell_columns, salt,
};
use migr_extract::Export;
use migr_plan::{Lock, Plan, ReadingSetting};
use migr_source::{LineColumn, Span};

use crate::commands::audit::previous;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::{Findings, Project, shown};
use crate::state::State;

/// Hint at the command that lists every finding, where a few are shown.
const ALL: &str = "`migr audit --offline --findings FILE` lists every one";

/// Checks projects together with the rows of their exports. Gives the findings and the number of rows. Nothing is kept.
pub(crate) async fn with_rows(projects: &[Project], console: Console) -> Result<(Findings, u64), Fault> {
    let mut findings = Findings::default();
    let mut rows = 0;
    for project in projects {
        let compiled = project.compile(None);
        if compiled.has_errors() {
            findings.add(&project.folder, compiled);
            console.news(format_args!("the export of {} was not read: mend its spec first", shown(&project.folder)));
            continue;
        }
        // The plan as an audit carries it out, without an earlier one's counts.
        let Some(plan) = project.compile_uncounted(None).plan else {
            findings.add(&project.folder, compiled);
            continue;
        };
        let state = State::of_destination(project, &plan.destination.name);
        let is_first = !project.state_folder().exists();
        state.keep_from_git()?;
        let read = read(project, &plan, None, &state).await;
        if is_first {
            state.forget();
        }
        match read {
            Ok(audit) => {
                rows += audit.lock.export.objects.iter().map(|object| object.rows).sum::<u64>();
                add(project, &plan, &audit, &mut findings)?;
            }
            Err(AuditError::Extract(error)) => {
                findings.add(&project.folder, compiled);
                findings.diagnostics.push(unplaced(&error.to_string()));
            }
            Err(error) => return Err(Fault::failed(error.to_string())),
        }
    }
    Ok((findings, rows))
}

/// Counts of an export's records by a plan, as an audit would keep them; of the destination what an earlier lock says. Nothing is kept.
pub(crate) async fn counted(project: &Project, plan: &Plan, to: Option<&str>) -> Result<Lock, Fault> {
    let state = State::of_destination(project, &plan.destination.name);
    let is_first = !project.state_folder().exists();
    state.keep_from_git()?;
    let lock = counted_beside(project, plan, to, &state).await;
    if is_first {
        state.forget();
    }
    lock
}

/// The same, with the state of a destination to work beside.
pub(crate) async fn counted_beside(
    project: &Project,
    plan: &Plan,
    to: Option<&str>,
    state: &State,
) -> Result<Lock, Fault> {
    let failed = |error: AuditError| Fault::new(Exit::Findings, format!("the records cannot be counted: {error}"));
    read(project, plan, to, state).await.map(|audit| audit.lock).map_err(failed)
}

/// Counts of the records that differ by the time zone, country or currency of two plans, as the export's rows say.
pub(crate) fn read_otherwise(
    project: &Project,
    before: &Plan,
    after: &Plan,
) -> Result<BTreeMap<ReadingSetting, u64>, Fault> {
    let failed = |error: EngineError| Fault::new(Exit::Findings, format!("the records cannot be counted: {error}"));
    let export = Export::open(after, &project.folder).map_err(|error| failed(error.into()))?;
    migr_engine::read_otherwise(before, after, &export).map_err(failed)
}

/// Reads an export as `migr audit --offline` does.
async fn read(project: &Project, plan: &Plan, to: Option<&str>, state: &State) -> Result<Audit, AuditError> {
    let previous = previous(&project.lock(to)).ok().flatten();
    // Of its own, so that it disturbs no audit beside it.
    let spill = state.folder().join(format!("check-{}", std::process::id()));
    let options = AuditOptions {
        plan,
        project: &project.folder,
        spill: &spill,
        destination: None,
        journal: None,
        previous: previous.as_ref(),
        salt: previous.as_ref().and_then(salt).unwrap_or(&plan.migration),
        sink: None,
        attachments: None,
        preview: None,
        expected: BTreeMap::new(),
    };
    let audit = audit(options, &Quiet).await;
    // Left where something is in it, which is in nobody's way.
    let _ = std::fs::remove_dir(&spill);
    audit
}

/// Adds the findings of the spec's own checks over what was read, then those of the rows.
fn add(project: &Project, plan: &Plan, audit: &Audit, findings: &mut Findings) -> Result<(), Fault> {
    let lock = audit.lock.to_json().map_err(|error| Fault::failed(error.to_string()))?;
    findings.add(&project.folder, project.compile_with(None, Some(lock.into())));
    // A file that is missing or that nothing claims stops a run: said below, as an error.
    findings.diagnostics.retain(|one| !matches!(one.code, Code::W0602 | Code::W0610));
    let groups: Vec<Group<'_>> = groups(audit).into_iter().filter(|group| code(group.severity).is_some()).collect();
    let said: Vec<(&Finding, Diagnostic)> = groups.iter().flat_map(|group| of_group(plan, audit, group)).collect();
    let about: Vec<&Finding> = said.iter().map(|(finding, _)| *finding).collect();
    let columns = cell_columns(plan, &project.folder, &about).map_err(|error| Fault::failed(error.to_string()))?;
    let mut by_file: BTreeMap<&str, Vec<LineColumn>> = BTreeMap::new();
    let mut placed = Vec::new();
    for ((finding, diagnostic), column) in said.into_iter().zip(columns) {
        if finding.file.is_none() {
            let label = finding.object.as_deref().and_then(|object| reads(project, plan, object, findings));
            placed.push((Diagnostic { labels: label.into_iter().collect(), ..diagnostic }, None));
            continue;
        }
        let place = finding.file.as_deref().map(|file| {
            let line = finding.line.map_or(1, |line| u32::try_from(line).unwrap_or(u32::MAX));
            let of_file = by_file.entry(file).or_default();
            of_file.push(LineColumn { line, column });
            (file, of_file.len() - 1, finding.column.clone().unwrap_or_default())
        });
        placed.push((diagnostic, place));
    }
    let mut ids = BTreeMap::new();
    for (file, places) in by_file {
        ids.insert(file, findings.sources.add_places(shown(&project.folder.join(file)), places));
    }
    for (mut diagnostic, place) in placed {
        if let Some((file, at, text)) = place
            && let Some(id) = ids.get(file)
        {
            diagnostic.labels.push(Label { span: Span::new(*id, at, at), text });
        }
        findings.diagnostics.push(diagnostic);
    }
    Ok(())
}

/// The map that reads an object: the place of a file that is not there.
fn reads(project: &Project, plan: &Plan, object: &str, findings: &Findings) -> Option<Label> {
    let origin = &plan.stages.iter().find(|stage| stage.source_object == object)?.origin;
    let id = findings.sources.find(&shown(&project.folder.join(&origin.file)))?;
    let file = findings.sources.file(id)?;
    let line = file.lines.line_start(origin.line)?;
    let before = file.text.get(line..)?.chars().take(origin.column.saturating_sub(1) as usize);
    let at = line + before.map(char::len_utf8).sum::<usize>();
    Some(Label { span: Span::new(id, at, at), text: "reads it".to_owned() })
}

/// The examples of a class, and how many more there are, each with the finding at whose place it is said.
fn of_group<'a>(plan: &Plan, audit: &'a Audit, group: &Group<'a>) -> Vec<(&'a Finding, Diagnostic)> {
    let is_said_in_the_spec = |finding: &Finding| {
        let is_mapped = finding
            .object
            .as_ref()
            .is_some_and(|object| plan.stages.iter().any(|stage| stage.source_object == *object));
        let is_of_columns = matches!(group.kind, FindingKind::HiddenColumn | FindingKind::ExtraColumn);
        is_of_columns && is_mapped && group.severity == Severity::Warning
    };
    let mut said: Vec<(&Finding, Diagnostic)> = group
        .examples
        .iter()
        .filter(|finding| !is_said_in_the_spec(finding))
        .filter_map(|finding| Some((*finding, one(group, finding)?)))
        .collect();
    let shown = u64::try_from(group.examples.len()).unwrap_or_default();
    let mut of_class =
        audit.findings.iter().filter(|finding| (finding.kind, finding.severity) == (group.kind, group.severity));
    let next = of_class.nth(group.examples.len()).filter(|finding| !is_said_in_the_spec(finding));
    if let (Some(next), Some(code)) = (next, code(group.severity)) {
        let objects: Vec<String> = group.objects.iter().map(|(object, count)| format!("{object} {count}")).collect();
        let objects = if objects.is_empty() { String::new() } else { format!(" ({})", objects.join(", ")) };
        let message = format!(
            "{}: {} more from here on; {} in all{objects}",
            group.kind,
            group.total - shown.min(group.total),
            group.total
        );
        said.push((next, Diagnostic { help: Some(ALL.to_owned()), ..unlabelled(code, message) }));
    }
    said
}

/// A finding, without its place. A note of an audit is none of `check`.
fn one(group: &Group<'_>, finding: &Finding) -> Option<Diagnostic> {
    let subject: Vec<&str> =
        [&finding.object, &finding.key, &finding.column].into_iter().filter_map(|part| part.as_deref()).collect();
    let subject = if subject.is_empty() { String::new() } else { format!("{}: ", subject.join(" ")) };
    let message = format!("{}: {subject}{}", finding.kind, finding.message);
    let help = Some(finding.help.as_deref().unwrap_or(group.help).trim_end_matches('.').to_owned());
    Some(Diagnostic { help, ..unlabelled(code(finding.severity)?, message) })
}

/// An export that cannot be read at all.
fn unplaced(why: &str) -> Diagnostic {
    let help = "correct the path in the migration's `source`, or put the export there".to_owned();
    Diagnostic { help: Some(help), ..unlabelled(Code::E0611, why.to_owned()) }
}

fn unlabelled(code: Code, message: String) -> Diagnostic {
    Diagnostic { code, message, labels: Vec::new(), notes: Vec::new(), help: None, fix: None, related: Vec::new() }
}

fn code(severity: Severity) -> Option<Code> {
    match severity {
        Severity::Error => Some(Code::E0611),
        Severity::Warning => Some(Code::W0612),
        Severity::Note => None,
    }
}
