//! `migr approve`: writes down who approved which sample.

use std::process::Command;
use std::sync::Arc;

use migr_engine::{Asked, ChangeClass, Since};
use migr_journal::findings;
use migr_plan::Plan;

use crate::approval::{Approval, differing};
use crate::args::{ApproveArguments, EventFormat, LiveArguments};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::going_on::{self, both, compared};
use crate::progress::Shown;
use crate::project::{Project, shown};
use crate::sampled::{self, Sampled};
use crate::session::{Opening, Session, compiled, export, state};
use crate::signature;
use crate::state::unreadable;

/// Approves the last sample, where the plan and the export are still those that it was made of; once a run is through, also a change of the plan that gives no
/// written record another value. Exit 4 where there is none, or they moved.
pub(crate) async fn run(arguments: &ApproveArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    let to = arguments.project.to.as_deref();
    let Some(plan) = compiled(&project, to, console)? else { return Ok(Exit::Findings) };
    let live = LiveArguments { project: arguments.project.clone(), sandbox: arguments.sandbox };
    let state = state(&project, &live, &plan);
    let (sample, is_through) = match migr_journal::Reader::open_sound(&state.journal()) {
        Ok(reader) => (Sampled::last(&reader)?, going_on::is_through(&reader)?),
        Err(migr_journal::JournalError::Missing { .. }) => (None, false),
        Err(error) => return Err(unreadable(error)),
    };
    let Some(sample) = sample else {
        return Err(Fault::new(Exit::Blocked, format!("there is no sample of `{}` to approve", state.name()))
            .with_help("run `migr sample` first, and read the page that it writes"));
    };
    let is_changed = migr_engine::effect_of(&plan).digest.to_string() != sample.effect;
    let (sample, changed_since) = if is_changed && is_through {
        after_change(&live, &plan, sample, console).await?
    } else {
        let mut moved = Vec::new();
        if is_changed {
            moved.push(of_plan(&differing(&sample.maps, &sampled::maps(&plan))));
        }
        let files = differing(&sample.export, &sampled::export(&plan, &export(&plan, &project)?)?);
        if !files.is_empty() {
            moved.push(format!("the export, {}", files.join(", ")));
        }
        if !moved.is_empty() {
            return Err(stale(&moved.join("; ")));
        }
        (sample, Vec::new())
    };
    let by = match &arguments.by {
        Some(by) if !by.trim().is_empty() => by.trim().to_owned(),
        _ => whoever()?,
    };
    let approval = Approval { changed_since, ..Approval::of(&plan, sample, by, arguments.note.clone()) };
    let path = project.approval(to);
    approval.write(&path)?;
    match &arguments.sign {
        Some(key) => signature::sign(&path, key)?,
        None => signature::remove(&path)?,
    }
    if approval.sample.as_expected < approval.sample.values {
        console.news("some values of the sample are not as expected: the page shows which");
    }
    console.result(format_args!("Approved {}.\n", approval.in_words()));
    let signed = if arguments.sign.is_some() {
        format!(", signed in {}", shown(&signature::place(&path)))
    } else {
        String::new()
    };
    console.news(format_args!("it is in {}{signed}; commit it beside the spec", shown(&path)));
    Ok(Exit::Done)
}

fn stale(what: &str) -> Fault {
    Fault::new(Exit::Blocked, format!("the sample is not of this any more: {what}"))
        .with_help("run `migr sample` again and read what it shows")
}

fn of_plan(maps: &[String]) -> String {
    if maps.is_empty() { "the plan".to_owned() } else { format!("the plan, in {}", maps.join(", ")) }
}

/// The last sample as it is approved with a change that gives no written record another value: it binds what there is now. The maps that changed come with it.
async fn after_change(
    live: &LiveArguments,
    plan: &Plan,
    sample: Sampled,
    console: Console,
) -> Result<(Sampled, Vec<String>), Fault> {
    let shown = Arc::new(Shown::new(console, EventFormat::Human));
    let opening = Opening { goes_on: true, ..Opening::reading(live, "approve", shown) };
    let Some(session) = Session::open(opening, console).await? else { return Err(stale("the plan")) };
    let bound = rebound(&session, plan, sample).await;
    session.close().await;
    bound
}

async fn rebound(session: &Session, plan: &Plan, sample: Sampled) -> Result<(Sampled, Vec<String>), Fault> {
    let context = &session.context;
    let export = sampled::export(&context.plan, &context.export)?;
    if let Some(file) = migr_engine::changed_file(context).map_err(fault)? {
        return Err(both(&file));
    }
    let kept = session.state.reader()?.finding(findings::EXPORT)?;
    if kept.is_none_or(|kept| kept == findings::NONE) {
        let files = differing(&sample.export, &export);
        if !files.is_empty() {
            return Err(stale(&format!("the export, {}", files.join(", "))));
        }
    }
    let since = match &session.changed {
        Some(changed) => compared(session, changed, Asked::default()).await?.0,
        None => Since::default(),
    };
    let now = sampled::maps(plan);
    let mut maps = differing(&sample.maps, &now);
    match since.class() {
        ChangeClass::Text | ChangeClass::More => {}
        ChangeClass::Values => {
            return Err(stale(&format!("{}: written records would get other values", of_plan(&maps))));
        }
        ChangeClass::Identity => return Err(going_on::other_records(&since)),
    }
    if maps.is_empty() {
        maps.push("the plan's own policies".to_owned());
    }
    let schema = context.destination.known_schema().await.map_err(|error| Fault::failed(error.to_string()))?;
    let workspace = &session.reached.workspace;
    let bound = Sampled {
        effect: migr_engine::effect_of(plan).digest.to_string(),
        maps: now,
        export,
        schema: migr_engine::schema_digests_without_setup(plan, &schema),
        host: workspace.host.clone(),
        workspace: workspace.id.clone(),
        ..sample
    };
    Ok((bound, maps))
}

/// The name that git or the system has for whoever runs this.
fn whoever() -> Result<String, Fault> {
    let git = Command::new("git").args(["config", "user.name"]).output().ok();
    let git = git
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let user = || ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    git.filter(|name| !name.is_empty())
        .or_else(user)
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| Fault::usage("nobody is named who approves").with_help("`--by NAME` names the person"))
}
