//! `migr demo`: an example that is sampled, approved, moved into the sandbox, verified and rolled back.

use std::path::PathBuf;
use std::sync::Arc;

use migr_engine::audit::Severity;
use migr_engine::{RunOptions, SampleOptions};
use migr_plan::Plan;
use migr_report::sample::terminal::in_a_line;

use crate::approval::Approval;
use crate::args::{DemoArguments, EventFormat, LiveArguments, ProjectArguments};
use crate::commands::audit::{self, Looked};
use crate::commands::run::{Outcome, carry_out, exit, show};
use crate::commands::sample::Done;
use crate::commands::{others, rollback, sample, verify};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::examples::{EXAMPLES, Example};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Shown;
use crate::project::Project;
use crate::report_files::{Differences, write_page};
use crate::sampled::Sampled;
use crate::session::{Opening, Reached, Session, compiled};
use crate::state::State;

/// Runs an example through its life in the embedded sandbox. Records that are quarantined are part of the example: they do not fail it.
pub(crate) async fn run(arguments: &DemoArguments, console: Console) -> Result<Exit, Fault> {
    let example = example(arguments.name.as_deref())?;
    let folder = folder(arguments, example)?;
    console.news(format_args!("{}: a made-up export, moved into a sandbox on this machine", example.name));
    console.news("nothing leaves this machine\n");
    let project = Project { folder: folder.clone(), entry: None };

    console.news("1. check and plan");
    let Some(plan) = compiled(&project, None, console)? else { return Ok(Exit::Findings) };
    console.news(format_args!(
        "   {} maps, {} changes of the destination's schema",
        plan.stages.len(),
        plan.setup.len()
    ));

    console.news("\n2. audit: read the whole export and look at the destination");
    let state = State::of_sandbox(&project);
    let lock = project.lock(None);
    let looked = Looked { project: &project, plan: &plan, state: &state, lock: &lock };
    let reached = Reached::open(&plan, &state, console).await?;
    console.news(format_args!("   the destination is in use: {}", others::there(&reached, &plan, &folder).await?));
    let before = reached.fingerprint().transpose()?;
    let audited = audit::carry_out(&looked, Some(&reached), &audit::Asked::default(), console).await;
    reached.close().await;
    let audited = audited?;
    console.news(format_args!(
        "   {} errors, {} warnings and {} notes; they are what this export is made to have",
        audited.count(Severity::Error),
        audited.count(Severity::Warning),
        audited.count(Severity::Note),
    ));

    let live = LiveArguments { project: ProjectArguments { path: folder.clone(), to: None }, sandbox: true };
    let shown = Arc::new(Shown::new(console, EventFormat::Human));
    let options = RunOptions { command: "demo".to_owned(), ..RunOptions::default() };
    let opening = Opening {
        live: &live,
        saved_plan: None,
        reached: None,
        writes: true,
        goes_on: false,
        counts: true,
        options,
        shown: Arc::clone(&shown),
    };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let done = sample_move_and_verify(&session, &project, console).await;
    session.close().await;
    let Some((outcome, verified)) = done? else { return Ok(Exit::Blocked) };

    console.news("\n7. what became of every record");
    show(&outcome, console);
    let page = write_page(&state, &plan)?;
    let mut ended = match (exit(&outcome.summary, console), verified) {
        (Exit::Quarantined | Exit::Done, verified) => verified,
        (exit, _) => exit,
    };
    if arguments.rollback && ended == Exit::Done {
        console.news("\n8. go back");
        ended = go_back(&plan, &state, before, shown, console).await?;
    }
    console.result(format_args!("report: {}\n", page.display()));
    console.news(format_args!("\nlook around in {}, for example:", folder.display()));
    console.news(format_args!(
        "  migr plan --full {0}\n  migr audit --sandbox {0}\n  migr quarantine list {0}",
        folder.display()
    ));
    if !arguments.rollback {
        console.news("go back with `migr demo --rollback`, or in that folder with `migr rollback --sandbox`");
    }
    console
        .news(format_args!("what the sample shows, field by field: {}", state.sample().join("sample.html").display()));
    Ok(ended)
}

/// Records of the demo's sample; more where it takes more to show every case.
const SAMPLED: u64 = 100;

/// Person who approves in a demo.
const APPROVER: &str = "whoever runs this demo";

async fn sample_move_and_verify(
    session: &Session,
    project: &Project,
    console: Console,
) -> Result<Option<(Outcome, Exit)>, Fault> {
    console.news("\n3. set up the destination and move a sample: a few records that show every case");
    let Done::Sampled(sample) =
        sample::carry_out(session, &SampleOptions { records: SAMPLED, touched: None }, console).await?
    else {
        return Ok(None);
    };
    console.news(format_args!("   {}", in_a_line(&sample)));
    console.news("\n4. approve what the sample shows; with data of your own a person reads the page and does this");
    let bound = Sampled::last(&session.state.reader()?)?;
    let Some(bound) = bound else { return Err(Fault::failed("the journal does not know of the sample")) };
    let approval = Approval::of(&session.context.plan, bound, APPROVER.to_owned(), None);
    approval.write(&project.approval(None))?;
    approval.note(session)?;
    console.news(format_args!("   {}", approval.in_words()));
    console.news("\n5. move the records");
    let Some(outcome) = carry_out(session, console).await? else { return Ok(None) };
    console.news("\n6. verify: read every field back");
    let mut differences = Differences::begin(&session.state)?;
    let verified =
        migr_engine::verify(&session.context, None, &mut |one| differences.take(one)).await.map_err(fault)?;
    differences.finish()?;
    verify::show(&verified, console);
    Ok(Some((outcome, verify::exit(&verified))))
}

/// Takes everything back and compares the sandbox with what it was before.
async fn go_back(
    plan: &Plan,
    state: &State,
    before: Option<String>,
    shown: Arc<Shown>,
    console: Console,
) -> Result<Exit, Fault> {
    let summary = rollback::take_back(state, shown, rollback::How::default(), console).await?;
    rollback::show(&summary, console);
    let reached = Reached::open(plan, state, console).await?;
    let after = reached.fingerprint().transpose();
    reached.close().await;
    if before.is_some() && after? == before {
        console.result("The destination's fingerprint is the one it had before.\n");
        return Ok(rollback::exit(&summary));
    }
    if summary.holds && summary.stays_by_class() > 0 {
        console.result("The destination is as it was before, but for what is listed: nothing removes that.\n");
        return Ok(rollback::exit(&summary));
    }
    console.error("error: the destination's fingerprint is not the one it had before");
    Ok(Exit::DoesNotHold)
}

fn example(name: Option<&str>) -> Result<&'static Example, Fault> {
    let found = match name {
        None => EXAMPLES.first(),
        Some(name) => EXAMPLES.iter().find(|example| example.name == name),
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = EXAMPLES.iter().map(|example| example.name).collect();
        Fault::usage(format!("there is no example `{}`", name.unwrap_or("")))
            .with_help(format!("there is {}", names.join(", ")))
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
