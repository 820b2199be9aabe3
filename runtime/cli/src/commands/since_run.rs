//! `migr plan --since-run`: what going on after the last run would do to records that are written.

use std::sync::Arc;

use migr_engine::{Asked, ChangeClass, MapLater, RunOptions, Since};
use migr_escape::line;
use migr_report::words::grouped;

use crate::args::{EventFormat, LiveArguments, PlanArguments, PlanFormat};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::going_on::{both, compared, in_words, last_run, way_on};
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
    let opening = Opening {
        live: &live,
        saved_plan: None,
        reached: None,
        writes: false,
        goes_on: true,
        counts: false,
        options,
        shown,
    };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let compared = told(&session).await;
    let day = last_run(&session);
    session.close().await;
    let (Told { since, later, file }, day) = (compared?, day?);
    if arguments.format == PlanFormat::Json {
        let document = serde_json::json!({
            "format_version": 1,
            "class": since.class(),
            "maps": since.maps,
            "later_export": file.as_ref().map(|file| serde_json::json!({ "file": file, "maps": later })),
            "accept_change": (since.class() == ChangeClass::Values).then_some(&since.hash),
        });
        console.json(format!("{document:#}\n"));
        return Ok(Exit::Done);
    }
    if let Some(file) = file {
        console.result(format_args!("Since the run of {day}\n  ~ {file} is another one\n"));
        for map in later {
            console.result(format_args!("{}\n", of_later(&map)));
        }
        console.result("Go on: migr delta\n");
        return Ok(Exit::Done);
    }
    console.result(in_words(&since, &day));
    console.result(way_on(&since));
    Ok(Exit::Done)
}

/// Everything that is told: of a change of the spec, or of a later export.
struct Told {
    since: Since,
    later: Vec<MapLater>,
    /// The first file of the export that is another one.
    file: Option<String>,
}

async fn told(session: &Session) -> Result<Told, Fault> {
    let context = &session.context;
    let asked = Asked { of_destination: true, ..Asked::default() };
    let file = migr_engine::changed_file(context).map_err(fault)?;
    match (&session.changed, &file) {
        (Some(_), Some(file)) => Err(both(file)),
        (Some(changed), None) => {
            let (since, _) = compared(session, changed, asked).await?;
            Ok(Told { since, later: Vec::new(), file })
        }
        (None, Some(_)) => {
            let later = migr_engine::look_at(context).await.map_err(fault)?;
            Ok(Told { since: Since::default(), later, file })
        }
        (None, None) => Ok(Told { since: Since::default(), later: Vec::new(), file }),
    }
}

/// `  ~ Person: 20 new, 10 gone (4 of them go into the trash)`
fn of_later(map: &MapLater) -> String {
    let trashed = match map.trashed {
        0 => String::new(),
        trashed => format!(" ({} of them would go into the trash)", grouped(trashed)),
    };
    format!("  ~ {}: {} new, {} gone{trashed}", line(&map.map), grouped(map.new), grouped(map.gone))
}
