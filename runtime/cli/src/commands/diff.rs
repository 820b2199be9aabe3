//! `migr diff` and `migr plan --base`: what differs between two plans, by meaning.

use std::collections::BTreeMap;
use std::path::Path;

use migr_diagnostics::Severity;
use migr_diff::{Counts, Diff, diff, render};
use migr_plan::{Lock, Plan, ReadingSetting};

use crate::args::{DiffArguments, PlanArguments, PlanFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings::show_on_stderr;
use crate::project::{Findings, Project};

/// A plan, and the project whose export and lock count its records; a plan's file has none.
type Side = (Plan, Option<Project>);

/// Shows what differs between two plans.
pub(crate) async fn run(arguments: &DiffArguments, console: Console) -> Result<Exit, Fault> {
    let here = || Project::at(Path::new("."));
    let side = |name: &str| side(name, here, console);
    let (Some((before, earlier)), Some((after, later))) = (side(&arguments.before)?, side(&arguments.after)?) else {
        return Ok(Exit::Findings);
    };
    let counted = match later.or(earlier) {
        Some(project) => counts(&project, (&before, &after), None, arguments.data, console).await?,
        None if arguments.data => {
            return Err(Fault::usage("`--data` counts in a project's export, and a plan's file has none")
                .with_help("name a project's folder or a git revision as one of the two"));
        }
        None => Counted::default(),
    };
    let found = diff(&before, &after, counted.lent());
    say_bounds(&found, console);
    show(&found, arguments.format, console)?;
    Ok(if arguments.exit_code && !found.is_empty() { Exit::Findings } else { Exit::Done })
}

/// Shows what the change of a project since a git revision does.
pub(crate) async fn since(
    project: &Project,
    revision: &str,
    arguments: &PlanArguments,
    console: Console,
) -> Result<Exit, Fault> {
    let to = arguments.project.to.as_deref();
    let before = taken(project.plan_at(revision, to)?, revision, console)?;
    let after = taken(project.counted_plan(to), &crate::project::shown(&project.folder), console)?;
    let (Some(before), Some(after)) = (before, after) else { return Ok(Exit::Findings) };
    let counted = counts(project, (&before, &after), to, arguments.data, console).await?;
    let found = diff(&before, &after, counted.lent());
    say_bounds(&found, console);
    show(&found, arguments.format, console)?;
    Ok(Exit::Done)
}

/// Counts of the records that changes concern.
#[derive(Default)]
struct Counted {
    lock: Option<Lock>,
    read_otherwise: Option<BTreeMap<ReadingSetting, u64>>,
}

impl Counted {
    fn lent(&self) -> Counts<'_> {
        Counts { lock: self.lock.as_ref(), read_otherwise: self.read_otherwise.as_ref() }
    }
}

/// Counts of the records: of the export's rows where they are asked for, else of the lock.
async fn counts(
    project: &Project,
    (before, after): (&Plan, &Plan),
    to: Option<&str>,
    in_rows: bool,
    console: Console,
) -> Result<Counted, Fault> {
    if in_rows {
        let lock = crate::data::counted(project, after, to).await?;
        let read_otherwise = crate::data::read_otherwise(project, before, after)?;
        return Ok(Counted { lock: Some(lock), read_otherwise: Some(read_otherwise) });
    }
    let lock = project.found_lock(to);
    if lock.is_none() {
        console.news("records are not counted: there is no `migr.lock`; `--data` counts them in the export");
    }
    Ok(Counted { lock, read_otherwise: None })
}

/// Says how a count becomes exact that is none yet.
fn say_bounds(found: &Diff, console: Console) {
    if found.changes.iter().any(|change| change.at_most) {
        console.news(
            "`up to`: an audit counts what a setting may decide about; `--data` counts the rows whose values differ",
        );
    }
}

/// A side of the comparison: a plan's file, a project, or a revision of the project in this folder; none where its spec has errors, which are shown.
fn side(name: &str, here: impl Fn() -> Result<Project, Fault>, console: Console) -> Result<Option<Side>, Fault> {
    let path = Path::new(name);
    if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
        let failed = |reason: String| Fault::usage(format!("{name} is not a plan: {reason}"));
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        return Ok(Some((Plan::from_json(&text).map_err(|error| failed(error.to_string()))?, None)));
    }
    if path.exists() {
        let project = Project::at(path)?;
        let plan = taken(project.counted_plan(None), name, console)?;
        return Ok(plan.map(|plan| (plan, Some(project))));
    }
    let project = here()?;
    let found = project.plan_at(name, None).map_err(|fault| {
        Fault::usage(format!(
            "`{name}` is no plan file, no project and no git revision of this folder: {}",
            fault.message
        ))
        .with_help("name a plan's JSON file, a project's folder, or a revision such as HEAD~1 in the project's folder")
    })?;
    Ok(taken(found, name, console)?.map(|plan| (plan, Some(project))))
}

/// The plan, or none once the findings that keep it from being made are shown.
fn taken(found: Result<(Plan, Findings), Box<Findings>>, name: &str, console: Console) -> Result<Option<Plan>, Fault> {
    match found {
        Ok((plan, _)) => Ok(Some(plan)),
        Err(findings) if findings.count(Severity::Error) == 0 => {
            Err(Fault::usage(format!("no file of `{name}` has a `migration` item"))
                .with_help("a project's folder holds one `migration NAME { … }`"))
        }
        Err(findings) => {
            console.news(format_args!("`{name}` has no plan to compare:"));
            show_on_stderr(&findings, console);
            Ok(None)
        }
    }
}

fn show(found: &Diff, format: PlanFormat, console: Console) -> Result<(), Fault> {
    match format {
        PlanFormat::Human => {
            let look = render::Look { width: console.width(), color: console.colored() };
            console.result(render::terminal(found, look));
        }
        PlanFormat::Markdown => console.document(render::markdown(found)),
        PlanFormat::Json => {
            let failed = |error| Fault::failed(format!("the differences could not be written as JSON: {error}"));
            console.json(serde_json::to_string_pretty(found).map_err(failed)? + "\n");
        }
    }
    Ok(())
}
