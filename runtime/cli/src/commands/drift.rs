//! `migr drift`: what others changed in the destination since it was written.

use std::sync::Arc;

use migr_engine::{DriftedRecord, RunOptions};
use migr_escape::line;
use migr_report::words::count;
use serde::Serialize;

use crate::args::{DriftArguments, EventFormat};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Shown;
use crate::project::Project;
use crate::session::{Opening, Session};
use crate::state::State;

/// A line of the stream.
#[derive(Serialize)]
struct Event<'r> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    record: &'r DriftedRecord,
}

/// Lists the fields that hold another value than was written, record by record. With `--exit-code` it ends with 1 where there is one.
pub(crate) async fn run(arguments: &DriftArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.live.project.path)?;
    // Nothing is begun by looking.
    State::meant(&project, arguments.live.project.to.as_deref(), arguments.live.sandbox)?.reader()?;
    let shown = Arc::new(Shown::new(console, EventFormat::Human));
    let options = RunOptions { command: "drift".to_owned(), ..RunOptions::default() };
    let opening = Opening {
        live: &arguments.live,
        saved_plan: None,
        reached: None,
        writes: false,
        goes_on: true,
        counts: false,
        options,
        shown,
    };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let is_json = arguments.format == EventFormat::Jsonl;
    let mut show = |record: DriftedRecord| {
        if is_json {
            let event = Event { kind: "drift", record: &record };
            console.result(format_args!("{}\n", serde_json::to_string(&event).unwrap_or_default()));
        } else {
            console.result(format_args!("{}\n", in_words(&record)));
        }
    };
    if is_json {
        console.result("{\"type\":\"version\",\"format_version\":1}\n");
    }
    let done = migr_engine::drift(&session.context, arguments.since, &mut show).await;
    session.close().await;
    let summary = done.map_err(fault)?;
    let exit = if arguments.exit_code && summary.drifted > 0 { Exit::Findings } else { Exit::Done };
    if is_json {
        let summary = serde_json::json!({"type": "summary", "summary": summary, "exit": exit as u8});
        console.result(format_args!("{summary}\n"));
    } else {
        console.result(format_args!(
            "Drift: {} of {} looked at: {} others changed since.\n",
            count(summary.drifted, "record", "records"),
            count(summary.records, "record", "records"),
            count(
                summary.fields,
                "field that was written holds a value that",
                "fields that were written hold values that"
            ),
        ));
    }
    Ok(exit)
}

fn in_words(record: &DriftedRecord) -> String {
    let what = match record.what {
        "gone" => "it is in the destination no more".to_owned(),
        "trashed" => "it is in the trash".to_owned(),
        _ => record.fields.join(", "),
    };
    let at = record.at.as_ref().map(|at| format!(", at {}", line(at))).unwrap_or_default();
    format!("{} {}: {} {}: {}{at}", line(&record.map), line(&record.key), record.object, line(&record.id), line(&what))
}
