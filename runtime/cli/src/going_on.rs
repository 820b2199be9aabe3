//! Going on after the spec changed: what the change does to records that are written, in words, and whether the run may go on.

use std::fmt::Write as _;

use migr_engine::{Asked, ChangeClass, EarlierPlans, MapSince, SharedJournal, Since, Touched};
use migr_escape::line;
use migr_journal::{Fold, Reader, RunFold};
use migr_plan::Plan;
use migr_report::words::{count, grouped};

use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::session::{Session, json};

/// Plan that does other things to records than those that written records are of.
#[derive(Debug)]
pub(crate) struct ChangedPlan {
    /// The one that the journal was last used with; absent where its text cannot be read any more.
    last: Option<Box<Plan>>,
    /// Every plan that written records may be of; empty where the text of one cannot be read any more.
    before: Vec<Plan>,
    hash: String,
    text: String,
}

/// Takes a plan up that does the same to records as the last one, or that finds none written. Another one comes back.
pub(crate) fn settle(journal: &SharedJournal, plan: &Plan) -> Result<Option<ChangedPlan>, Fault> {
    // How the destination is reached may change while a migration is under way.
    let plan = plan.without_reach();
    let hash = plan.hash().map_err(|error| Fault::failed(format!("the plan could not be hashed: {error}")))?;
    let text = json(&plan)?;
    let failed = |error: migr_journal::JournalError| Fault::failed(error.to_string());
    let reader = journal.reader().map_err(failed)?;
    let EarlierPlans { last, all, differ } = migr_engine::earlier_plans(&reader, (&plan, &hash)).map_err(fault)?;
    if !differ {
        migr_engine::adopt(journal, last.as_ref(), &plan, (&hash, &text)).map_err(fault)?;
        return Ok(None);
    }
    Ok(Some(ChangedPlan { last: last.map(Box::new), before: all, hash, text }))
}

/// Fault of a command that does not go on with a changed plan.
pub(crate) fn refusal() -> Fault {
    Fault::new(Exit::Blocked, "the spec does other things to records than it did at the last run; nothing was done")
        .with_help("`migr plan --since-run` shows what; `migr run` goes on with it, or put the earlier spec back")
}

/// Fault where the spec and the export changed.
pub(crate) fn both(file: &str) -> Fault {
    Fault::new(Exit::Blocked, format!("the spec and {file} changed since the last run; one at a time")).with_help(
        "put the earlier export back and run, or put the earlier spec back and pick the export up with `migr delta`",
    )
}

/// Compares a session's plan with those that written records are of.
pub(crate) async fn compared(
    session: &Session,
    changed: &ChangedPlan,
    asked: Asked,
) -> Result<(Since, Touched), Fault> {
    migr_engine::since(&session.context, &changed.before, asked).await.map_err(fault)
}

/// Goes on with a changed plan where it may: says what it does to records that are written, and opens them to be changed.
pub(crate) async fn go_on(session: &Session, accepted: Option<&str>, console: Console) -> Result<(), Fault> {
    let reader = session.context.journal.reader().map_err(|error| Fault::failed(error.to_string()))?;
    if migr_engine::is_under_way(&reader).map_err(fault)? {
        return Err(Fault::new(Exit::Blocked, "a delta was begun and is not through; nothing was done")
            .with_help("`migr delta` goes on where it stopped"));
    }
    drop(reader);
    open_change(session, accepted.map_or(Accepted::Nothing, Accepted::Hash), console).await.map(drop)
}

/// Change that a person accepts.
#[derive(Clone, Copy, Debug)]
enum Accepted<'h> {
    Nothing,
    /// The one of this number.
    Hash(&'h str),
    /// Whatever it is, of the records of a sample.
    InSample,
}

impl Accepted<'_> {
    fn takes(self, since: &Since) -> bool {
        match self {
            Self::Nothing => false,
            Self::Hash(hash) => since.is_meant(hash),
            Self::InSample => true,
        }
    }
}

/// Says what a change does to records that are written, and opens them to be changed where it may.
async fn open_change(session: &Session, accepted: Accepted<'_>, console: Console) -> Result<Option<Touched>, Fault> {
    let Some(changed) = &session.changed else { return Ok(None) };
    if let Some(file) = migr_engine::changed_file(&session.context).map_err(fault)? {
        return Err(both(&file));
    }
    let (since, touched) = compared(session, changed, Asked::default()).await?;
    let text = in_words(&since, &last_run(session)?);
    match since.class() {
        ChangeClass::Identity => {
            console.error(text.trim_end());
            return Err(other_records(&since));
        }
        ChangeClass::Values if !accepted.takes(&since) => {
            console.error(text.trim_end());
            let message = match accepted {
                Accepted::Hash(other) => {
                    format!("`--accept-change {other}` is another change than this one; nothing was done")
                }
                _ => "written records would get other values; nothing was done".to_owned(),
            };
            return Err(Fault::new(Exit::Blocked, message).with_help(format!(
                "`migr run --accept-change {}` changes them, and keeps what they held before; or put the earlier spec back",
                since.hash
            )));
        }
        ChangeClass::Text | ChangeClass::More | ChangeClass::Values => console.news(text.trim_end()),
    }
    let plan = (changed.hash.as_str(), changed.text.as_str());
    let after = Plan::from_json(&changed.text).map_err(|error| Fault::failed(error.to_string()))?;
    // What is opened first is done by whichever plan is taken up then: killed in between, the next run compares again.
    migr_engine::go_on(&session.context, &since).await.map_err(fault)?;
    let journal = &session.context.journal;
    match accepted {
        Accepted::InSample if was_run(session)? => migr_engine::begin_trial(journal).map_err(fault)?,
        Accepted::InSample => {}
        Accepted::Nothing | Accepted::Hash(_) => migr_engine::end_trial(journal).map_err(fault)?,
    }
    migr_engine::adopt(journal, changed.last.as_deref(), &after, plan).map_err(fault)?;
    session.keep_plan()?;
    Ok(Some(touched))
}

/// True where more than samples was written.
fn was_run(session: &Session) -> Result<bool, Fault> {
    let fold = session.context.journal.reader().and_then(|reader| reader.fold());
    let fold = fold.map_err(|error| Fault::failed(error.to_string()))?;
    Ok(fold.runs.iter().any(|run| run.command.starts_with("run")))
}

/// True where a run was carried out to its end: every record has its outcome.
pub(crate) fn is_through(reader: &Reader) -> Result<bool, Fault> {
    let fold = reader.fold().map_err(|error| Fault::failed(error.to_string()))?;
    Ok(first_through(&fold).is_some())
}

/// The first run that was carried out to its end.
pub(crate) fn first_through(fold: &Fold) -> Option<&RunFold> {
    fold.runs.iter().find(|run| run.command.starts_with("run") && run.result.as_deref() == Some("done"))
}

/// Goes on with a changed plan in a sample, whatever the change is: its records are brought to it. All others of a run are the next run's to change; which
/// records the change touches comes back, where there was one.
pub(crate) async fn sample_again(session: &Session, console: Console) -> Result<Option<Touched>, Fault> {
    let touched = open_change(session, Accepted::InSample, console).await?;
    Ok(if was_run(session)? { touched } else { None })
}

/// Day of the last run: `2026-11-20`.
pub(crate) fn last_run(session: &Session) -> Result<String, Fault> {
    last_day(&session.context.journal.reader().map_err(|error| Fault::failed(error.to_string()))?)
}

/// The same of a journal.
pub(crate) fn last_day(reader: &Reader) -> Result<String, Fault> {
    let fold = reader.fold().map_err(|error| Fault::failed(error.to_string()))?;
    let run = fold.runs.iter().rev().find(|run| run.command.starts_with("run") || run.command.starts_with("delta"));
    Ok(run.map(|run| run.started.chars().take(10).collect()).unwrap_or_default())
}

/// Fault of a change that makes other records of what is written.
pub(crate) fn other_records(since: &Since) -> Fault {
    Fault::new(Exit::Blocked, "records that are written would be other ones; nothing was done")
        .with_help(format!("keep the earlier spec, or take their records back first: {}", rollbacks(since)))
}

/// The command that goes on with a change.
pub(crate) fn way_on(since: &Since) -> String {
    match since.class() {
        ChangeClass::Text | ChangeClass::More => "Go on: migr run\n".to_owned(),
        ChangeClass::Values => format!("Go on: migr run --accept-change {}\n", since.hash),
        ChangeClass::Identity => {
            format!("Keep the earlier spec, or take these records back first: {}\n", rollbacks(since))
        }
    }
}

/// Commands that take back what the spec cannot go on with.
fn rollbacks(since: &Since) -> String {
    let maps = since.maps.iter().filter(|map| map.identity.is_some());
    let commands: Vec<String> = maps.map(|map| format!("`migr rollback --map {}`", line(&map.map))).collect();
    commands.join(", ")
}

/// A change in words.
pub(crate) fn in_words(since: &Since, day: &str) -> String {
    let mut text = format!("Since the run of {day}\n");
    for map in &since.maps {
        of_map(&mut text, map);
    }
    if since.class() == ChangeClass::Text {
        text.push_str("  = nothing changes what is written\n");
    }
    text
}

fn of_map(text: &mut String, map: &MapSince) {
    let name = line(&map.map);
    let written = count(map.written, "written record", "written records");
    // Writing to a text cannot fail.
    if let Some(why) = &map.identity {
        let _ = writeln!(text, "  ! {name}: {} (identity; {written})", line(why));
        return;
    }
    if map.is_new {
        let _ = writeln!(text, "  + {name}: a map of its own (more)");
        return;
    }
    if map.links_new > 0 {
        let _ = writeln!(text, "  + {name}: {} would be made (more)", count(map.links_new, "link", "links"));
    }
    for (field, counts) in &map.fields {
        let field = line(field);
        if counts.values > 0 {
            let _ = writeln!(text, "  ~ {name}.{field}: {} of {written} would change (values)", grouped(counts.values));
        }
        if counts.cleared > 0 {
            let cleared = grouped(counts.cleared);
            let _ = writeln!(text, "      {cleared} of them would be cleared: the export has no value for them now");
        }
        if counts.conflicts > 0 {
            let changed = count(counts.conflicts, "of them was", "of them were");
            let _ = writeln!(text, "      {changed} changed in the destination since: they go by `on conflict`");
        }
        if counts.filled > 0 {
            let _ =
                writeln!(text, "  + {name}.{field}: {} of {written} would be filled (more)", grouped(counts.filled));
        }
    }
    if map.fails > 0 {
        let _ = writeln!(
            text,
            "  ~ {name}: {} of {written} would be quarantined now, and stay as they are (values)",
            grouped(map.fails)
        );
    }
    if map.quarantined > 0 {
        let records = count(map.quarantined, "quarantined record", "quarantined records");
        let _ = writeln!(text, "  + {name}: {records} will be tried again (more)");
    }
    for kept in map.stays_in_words() {
        let _ = writeln!(text, "  = {name}{kept}");
    }
    if map.fields.is_empty() && map.fails == 0 && map.quarantined == 0 && map.links_new == 0 {
        let _ = writeln!(text, "  = {name}: nothing that is written changes");
    }
}
