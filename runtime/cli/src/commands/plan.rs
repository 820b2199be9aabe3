//! `migr plan`: the plan of a spec.

use migr_diagnostics::Severity;
use migr_plan::render::View;

use crate::args::{PlanArguments, PlanFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings::show_on_stderr;
use crate::project::Project;

/// Shows the plan; writes its JSON where asked.
pub(crate) async fn run(arguments: &PlanArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    if let Some(revision) = &arguments.base {
        return Box::pin(super::diff::since(&project, revision, arguments, console)).await;
    }
    let (plan, findings) = match project.counted_plan(arguments.project.to.as_deref()) {
        Ok(found) => found,
        Err(findings) => {
            show_on_stderr(&findings, console);
            if findings.count(Severity::Error) == 0 {
                return Err(Fault::usage(format!("no file of `{}` has a `migration` item", project.folder.display()))
                    .with_help("a project's folder holds one `migration NAME { … }`"));
            }
            return Ok(Exit::Findings);
        }
    };
    show_on_stderr(&findings, console);
    let json =
        || plan.to_json().map_err(|error| Fault::failed(format!("the plan could not be written as JSON: {error}")));
    if let Some(path) = &arguments.out {
        crate::files::replace(path, json()?.as_bytes())?;
        console.news(format_args!("the plan is in {}", path.display()));
    }
    let lock = project.found_lock(arguments.project.to.as_deref());
    let view = View {
        full: arguments.full,
        width: console.width(),
        color: console.colored(),
        destination: lock.as_ref().and_then(|lock| lock.destination.as_ref()),
    };
    match arguments.format {
        PlanFormat::Human => {
            console.result(migr_plan::render::terminal(&plan, &view));
            if let Some(estimate) = migr_plan::render::estimate(&plan) {
                console.result(format_args!("{estimate}\n"));
            }
        }
        PlanFormat::Json => console.json(json()?),
        PlanFormat::Markdown => console.document(migr_plan::render::markdown(&plan, &view)),
    }
    Ok(Exit::Done)
}
