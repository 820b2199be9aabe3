//! `migr report`: the report of a migration.

use migr_plan::Plan;
use migr_report::{Report, html, markdown};

use crate::args::{ReportArguments, ReportFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::Project;
use crate::report_files::write_lists;
use crate::state::State;

/// Shows what became of every record. Exit 6 when the numbers do not add up.
pub(crate) fn run(arguments: &ReportArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    let state = State::meant(&project, arguments.project.to.as_deref(), arguments.sandbox)?;
    let report = write_lists(&state, &plan(&state)?, &state.reader()?)?;
    let text = match arguments.format {
        ReportFormat::Html => html::render(&report),
        ReportFormat::Markdown => markdown::render(&report),
        ReportFormat::Json => {
            report.to_json().map_err(|error| Fault::failed(format!("the report could not be written: {error}")))?
        }
    };
    match &arguments.out {
        Some(path) => {
            crate::files::replace_private(path, text.as_bytes())?;
            console.news(format_args!("the report is in {}", path.display()));
        }
        None if arguments.format == ReportFormat::Json => console.json(text),
        None if arguments.format == ReportFormat::Markdown => console.page(&text),
        None => console.document(text),
    }
    Ok(exit(&report, console))
}

/// The numbers of a destination's journal and the plan that it carries out; every list is empty.
pub(crate) fn counted(state: &State) -> Result<Report, Fault> {
    Ok(Report::counted(&plan(state)?, &state.reader()?.fold()?))
}

/// The plan that a destination's journal carries out, kept beside it.
pub(crate) fn plan(state: &State) -> Result<Plan, Fault> {
    let path = state.plan();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Fault::failed(format!("cannot read the plan kept in {}: {error}", path.display())))?;
    Plan::from_json(&text).map_err(|error| Fault::failed(format!("{}: {error}", path.display())))
}

/// Done, or 6 where a finished map's numbers do not add up.
pub(crate) fn exit(report: &Report, console: Console) -> Exit {
    let imbalances = report.imbalances();
    for one in &imbalances {
        console.error(format_args!(
            "error: {}: {} records were read and {} are accounted for",
            one.map, one.read, one.accounted
        ));
    }
    if imbalances.is_empty() { Exit::Done } else { Exit::DoesNotHold }
}
