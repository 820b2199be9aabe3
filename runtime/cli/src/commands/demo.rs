use std::path::PathBuf;
use std::sync::Arc;

use migr_engine::RunOptions;
use migr_report::html;

use crate::args::{DemoArguments, EventFormat, LiveArguments, ProjectArguments};
use crate::commands::run::{carry_out, exit, show};
use crate::console::Console;
use crate::examples::{EXAMPLES, Example};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings::show_on_stderr;
use crate::progress::Shown;
use crate::project::Project;
use crate::session::{Opening, Session};

/// Runs an example through its life in the embedded stand-in. Records that are set aside are part of the example: they do not fail it.
pub(crate) async fn run(arguments: &DemoArguments, console: Console) -> Result<Exit, Fault> {
    let example = example(arguments.name.as_deref())?;
    let folder = folder(arguments, example)?;
    console.news(format_args!("{}: a made-up export, moved into a stand-in for the destination on this machine", example.name));
    console.news("nothing leaves this machine\n");
    let project = Project { folder: folder.clone(), entry: None };

    console.news("1. check and plan");
    let plan = match project.plan(None) {
        Ok((plan, findings)) => {
            show_on_stderr(&findings, console);
            plan
        }
        Err(findings) => {
            show_on_stderr(&findings, console);
            return Ok(Exit::Findings);
        }
    };
    console.news(format_args!("   {} maps; {}", plan.stages.len(), migr_plan::render::summary_line(&plan.summary)));

    console.news("\n2. set up the destination and move the records");
    let live = LiveArguments { project: ProjectArguments { path: folder.clone(), to: None }, sandbox: true };
    let shown = Arc::new(Shown::new(console, EventFormat::Human));
    let options = RunOptions { command: "demo".to_owned(), ..RunOptions::default() };
    let opening = Opening { live: &live, saved_plan: None, options, shown };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let outcome = carry_out(&session, console).await;
    let page = session.state.report_page();
    session.close().await;
    let Some(outcome) = outcome? else { return Ok(Exit::Blocked) };
    crate::files::replace(&page, html::render(&outcome.summary.report).as_bytes())?;

    console.news("\n3. what became of every record");
    show(&outcome, console);
    console.result(format_args!("report: {}\n", page.display()));
    console.news(format_args!("\nlook around in {}, for example:", folder.display()));
    console.news(format_args!("  migr plan --full {0}\n  migr report {0}", folder.display()));
    console.news("left out, because this version cannot do it yet: audit, sample, approval, verification, rollback");
    Ok(match exit(&outcome.summary, console) {
        Exit::Quarantined => Exit::Done,
        exit => exit,
    })
}

fn example(name: Option<&str>) -> Result<&'static Example, Fault> {
    let found = match name {
        None => EXAMPLES.first(),
        Some(name) => EXAMPLES.iter().find(|example| example.name == name),
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = EXAMPLES.iter().map(|example| example.name).collect();
        Fault::usage(format!("there is no example `{}`", name.unwrap_or(""))).with_help(format!("there is {}", names.join(", ")))
    })
}

/// The folder to work in, with the example's files. A folder that holds something is not written over.
fn folder(arguments: &DemoArguments, example: &Example) -> Result<PathBuf, Fault> {
    let folder = match &arguments.dir {
        Some(folder) => {
            let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
            if !is_empty {
                return Err(Fault::usage(format!("`{}` is not empty", folder.display())).with_help("name a new folder"));
            }
            folder.clone()
        }
        None => tempfile::Builder::new()
            .prefix("migr-demo-")
            .tempdir()
            .map_err(|error| Fault::failed(format!("cannot make a temporary folder: {error}")))?
            .keep(),
    };
    example.write_to(&folder)?;
    Ok(folder)
}
