//! `migr graph`: the dependency graph of the maps.

use migr_plan::render::{dot, mermaid, svg};

use crate::args::{GraphArguments, GraphFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings::show_on_stderr;
use crate::project::Project;

/// Draws which map waits for which.
pub(crate) fn run(arguments: &GraphArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    match project.plan(arguments.project.to.as_deref()) {
        Ok((plan, findings)) => {
            show_on_stderr(&findings, console);
            console.document(match arguments.format {
                GraphFormat::Mermaid => mermaid(&plan),
                GraphFormat::Dot => dot(&plan),
                GraphFormat::Svg => svg(&plan),
            });
            Ok(Exit::Done)
        }
        Err(findings) => {
            show_on_stderr(&findings, console);
            Ok(Exit::Findings)
        }
    }
}
