//! `migr plan --since-run`: what going on after the last run would do to records that are written.

use std::sync::Arc;

use migr_engine::{ChangeClass, RunOptions, Since};

use crate::args::{EventFormat, LiveArguments, PlanArguments, PlanFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::going_on::{compared, in_words, last_run};
use crate::progress::Shown;
use crate::project::Project;
use crate::session::{Opening, Session};
use crate::state::State;

/// Compares the spec with the one of the last run, derives the written records anew where it differs, and says what would change. Writes nothing.
pub(crate) async fn run(arguments: &PlanArguments, console: Console) -> Result<Exit, Fault> {
    let live = LiveArguments { project: arguments.project.clone(), sandbox: arguments.sandbox };
    let project = Project::at(&live.project.path)?;
    // Nothing is begun by looking.
    State::meant(&project, live.project.to.as_deref(), live.sandbox)?.reader()?;
    let shown = Arc::new(Shown::new(console, EventFormat::Human));
    let options = RunOptions { command: "plan".to_owned(), ..RunOptions::default() };
    let opening = Opening { live: &live, saved_plan: None, writes: false, goes_on: true, options, shown };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let since = match &session.changed {
        None => Ok(Since::default()),
        Some(changed) => compared(&session, changed).await.map(|(since, _)| since),
    };
    let day = last_run(&session);
    session.close().await;
    let (since, day) = (since?, day?);
    if arguments.format == PlanFormat::Json {
        let document = serde_json::json!({
            "format_version": 1,
            "class": since.class(),
            "maps": since.maps,
            "accept_change": (since.class() == ChangeClass::Values).then_some(&since.hash),
        });
        console.json(format!("{document:#}\n"));
        return Ok(Exit::Done);
    }
    console.result(in_words(&since, &day));
    let last = match since.class() {
        ChangeClass::Text | ChangeClass::More => "Go on: migr run\n".to_owned(),
        ChangeClass::Values => format!("Go on: migr run --accept-change {}\n", since.hash),
        ChangeClass::Identity => {
            "Keep the earlier spec, or take these records back first: migr rollback --map NAME\n".to_owned()
        }
    };
    console.result(last);
    Ok(Exit::Done)
}
