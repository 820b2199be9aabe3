//! `migr approve`: writes down who approved which sample.

use std::process::Command;

use crate::approval::{Approval, differing};
use crate::args::{ApproveArguments, LiveArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::{Project, shown};
use crate::sampled::{self, Sampled};
use crate::session::{compiled, export, state};
use crate::signature;
use crate::state::unreadable;

/// Approves the last sample, where the plan and the export are still those that it was made of. Exit 4 where there is none, or they moved.
pub(crate) fn run(arguments: &ApproveArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    let to = arguments.project.to.as_deref();
    let Some(plan) = compiled(&project, to, console)? else { return Ok(Exit::Findings) };
    let live = LiveArguments { project: arguments.project.clone(), sandbox: arguments.sandbox };
    let state = state(&project, &live, &plan);
    let sample = match migr_journal::Reader::open_sound(&state.journal()) {
        Ok(reader) => Sampled::last(&reader)?,
        Err(migr_journal::JournalError::Missing { .. }) => None,
        Err(error) => return Err(unreadable(error)),
    };
    let Some(sample) = sample else {
        return Err(Fault::new(Exit::Blocked, format!("there is no sample of `{}` to approve", state.name()))
            .with_help("run `migr sample` first, and read the page that it writes"));
    };
    let mut moved = Vec::new();
    if migr_engine::effect_of(&plan).digest.to_string() != sample.effect {
        let maps = differing(&sample.maps, &sampled::maps(&plan));
        moved.push(if maps.is_empty() { "the plan".to_owned() } else { format!("the plan, in {}", maps.join(", ")) });
    }
    let files = differing(&sample.export, &sampled::export(&plan, &export(&plan, &project)?)?);
    if !files.is_empty() {
        moved.push(format!("the export, {}", files.join(", ")));
    }
    if !moved.is_empty() {
        return Err(Fault::new(Exit::Blocked, format!("the sample is not of this any more: {}", moved.join("; ")))
            .with_help("run `migr sample` again and read what it shows"));
    }
    let by = match &arguments.by {
        Some(by) if !by.trim().is_empty() => by.trim().to_owned(),
        _ => whoever()?,
    };
    let approval = Approval::of(&plan, sample, by, arguments.note.clone());
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
