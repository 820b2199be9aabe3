//! `migr sample`: moves a few records that show every case, reads them back and shows each field beside its source.

use std::sync::Arc;

use migr_engine::{RunOptions, SampleOptions, SampleRun};
use migr_report::sample::{Sample, SampleChanges, csv, html, terminal};

use crate::args::{EventFormat, SampleArguments, SampleFormat};
use crate::commands::run::{hold_formats, ready, tell_undeclared};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::files::replace_private;
use crate::progress::Shown;
use crate::project::shown;
use crate::room;
use crate::sampled::Sampled;
use crate::session::{Opening, Session};
use crate::state::State;

/// Writes a sample and reads it back. Exit 6 where something is not as expected, 5 where records are quarantined.
pub(crate) async fn run(arguments: &SampleArguments, console: Console) -> Result<Exit, Fault> {
    let form = if arguments.format == SampleFormat::Jsonl { EventFormat::Jsonl } else { EventFormat::Human };
    let progress = Arc::new(Shown::new(console, form));
    let options = RunOptions { command: "sample".to_owned(), ..RunOptions::default() };
    let opening = Opening {
        live: &arguments.live,
        saved_plan: None,
        reached: None,
        writes: true,
        goes_on: true,
        counts: true,
        options,
        shown: Arc::clone(&progress),
    };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let touched = crate::going_on::sample_again(&session, console).await?;
    room::check(&session.context.export, &session.state)?;
    tell_undeclared(&session, console)?;
    hold_formats(&session, console)?;
    let options = SampleOptions { records: arguments.records, touched };
    let done = carry_out(&session, &options, console).await;
    let state = session.state.clone();
    let page = session.report().await;
    let sample = match done? {
        Done::Sampled(sample) => {
            page?;
            *sample
        }
        Done::Blocked => return Ok(Exit::Blocked),
        Done::Interrupted => {
            console.error("stopped before the end; `migr sample` goes on where it stopped");
            return Ok(Exit::Interrupted);
        }
    };
    match arguments.format {
        SampleFormat::Human => show(&sample, &state, console),
        SampleFormat::Html => console.document(html::render(&sample)),
        SampleFormat::Csv => console.document(table(&sample)?),
        SampleFormat::Json => console.json(json(&sample)?),
        SampleFormat::Jsonl => {}
    }
    let exit = exit(&sample);
    progress.summary(serde_json::json!({
        "migration": sample.migration,
        "totals": sample.totals,
        "coverage": sample.coverage,
        "uncovered": sample.uncovered,
        "holds": sample.holds(),
        "exit": exit as u8,
    }));
    Ok(exit)
}

/// End of a sample.
pub(crate) enum Done {
    /// Sample that was written, read back and kept.
    Sampled(Box<Sample>),
    /// The schema stands in the way, which is said.
    Blocked,
    /// Sample that was asked to stop.
    Interrupted,
}

/// Sets the schema up, writes the sample, reads it back and keeps it: the document, the page and the table.
pub(crate) async fn carry_out(session: &Session, options: &SampleOptions, console: Console) -> Result<Done, Fault> {
    if !ready(session, console).await? {
        return Ok(Done::Blocked);
    }
    let sampled = migr_engine::sample(&session.context, options).await.map_err(fault)?;
    let Some(SampleRun { mut sample, .. }) = sampled else { return Ok(Done::Interrupted) };
    let before = earlier(&session.state);
    sample.changes = match (sample.changes.take(), before) {
        // The sample of this change was taken before: what it did then is what it does.
        (Some(now), Some(before)) if now.is_empty() && before.effect == sample.effect => {
            before.changes.filter(|then| then.since_the_run).or(Some(now))
        }
        (Some(now), _) => Some(now),
        (None, before) => before.map(|before| SampleChanges::between(&before, &sample)),
    };
    keep(&session.state, &sample)?;
    Sampled::of(session, &sample).await?.note(session)?;
    Ok(Done::Sampled(Box::new(sample)))
}

/// The sample before, where there was one that can be read.
fn earlier(state: &State) -> Option<Sample> {
    let text = std::fs::read_to_string(state.sample().join("sample.json")).ok()?;
    serde_json::from_str(&text).ok()
}

fn keep(state: &State, sample: &Sample) -> Result<(), Fault> {
    let folder = state.sample();
    replace_private(&folder.join("sample.json"), json(sample)?.as_bytes())?;
    replace_private(&folder.join("sample.csv"), table(sample)?.as_bytes())?;
    replace_private(&folder.join("sample.html"), html::render(sample).as_bytes())
}

fn json(sample: &Sample) -> Result<String, Fault> {
    sample.to_json().map_err(|error| Fault::failed(format!("the sample could not be written: {error}")))
}

fn table(sample: &Sample) -> Result<String, Fault> {
    let failed = |error: String| Fault::failed(format!("the sample could not be written: {error}"));
    let mut bytes = Vec::new();
    csv::write(sample, &mut bytes).map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

/// The sample for a person.
pub(crate) fn show(sample: &Sample, state: &State, console: Console) {
    console.result(terminal::render(sample));
    console.news(format_args!("every record, field by field: {}", shown(&state.sample().join("sample.html"))));
    console.news("who may decide reads that page and then runs `migr approve`");
}

/// Exit code of a sample.
pub(crate) fn exit(sample: &Sample) -> Exit {
    match (sample.holds(), sample.totals.quarantined) {
        (false, _) => Exit::DoesNotHold,
        (true, 0) => Exit::Done,
        (true, _) => Exit::Quarantined,
    }
}
