//! `migr run`: moves the records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use migr_engine::{EngineError, MaxFailures, Proofs, RunOptions, RunSummary};
use migr_extract::column_name;
use migr_journal::{Change, SetupNote, StepFold, findings};
use migr_plan::{Plan, ReasonCode, Within};
use migr_report::words::count;
use migr_report::{Report, Undeclared, UndeclaredColumn};

use crate::approval::{self, Approval};
use crate::args::{EventFormat, RunArguments};
use crate::commands::setup::{in_words, open_items};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::going_on;
use crate::progress::Shown;
use crate::project::{Project, shown};
use crate::room;
use crate::session::{Opening, Reached, Session};
use crate::table::Table;

/// Carries the migration out: the schema first, then every map. What was done before is not done again.
pub(crate) async fn run(arguments: &RunArguments, console: Console) -> Result<Exit, Fault> {
    let (approved, reached) = approved(arguments, console).await?.unzip();
    let options = RunOptions {
        command: if arguments.no_approval { "run --no-approval" } else { "run" }.to_owned(),
        max_failures: arguments.max_failures.as_deref().map(max_failures).transpose()?,
        ..RunOptions::default()
    };
    let progress = Arc::new(Shown::new(console, arguments.format));
    let opening = Opening {
        live: &arguments.live,
        saved_plan: arguments.plan.as_deref(),
        reached,
        writes: true,
        goes_on: true,
        counts: true,
        options,
        shown: Arc::clone(&progress),
    };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    going_on::go_on(&session, arguments.accept_change.as_deref(), console).await?;
    if let Some(approval) = &approved {
        approval.note(&session)?;
    }
    room::check(&session.context.export, &session.state)?;
    tell_undeclared(&session, console)?;
    hold_formats(&session, console)?;
    let outcome = patiently(&session, arguments.wait, console).await;
    let page = session.report().await;
    let Some(outcome) = outcome? else { return Ok(Exit::Blocked) };
    let page = page?;
    if arguments.format == EventFormat::Human {
        show(&outcome, console);
        console.news(format_args!("report: {}", shown(&page)));
    }
    let exit = exit(&outcome.summary, console);
    progress.summary(summary(&outcome, exit));
    Ok(exit)
}

/// The approval that lets a run go on; none where it needs none, or is told to do without. A fault where it is not there, or is not of this any more.
async fn approved(arguments: &RunArguments, console: Console) -> Result<Option<(Approval, Reached)>, Fault> {
    if arguments.live.sandbox {
        return Ok(None);
    }
    if arguments.no_approval {
        console.error(
            "NOT APPROVED: this run goes on without an approval. Nobody has signed a sample of this plan; the report says so.",
        );
        return Ok(None);
    }
    let project = Project::at(&arguments.live.project.path)?;
    // What keeps it from having a plan is told where the session is opened.
    let Ok((plan, _)) = project.plan(arguments.live.project.to.as_deref()) else { return Ok(None) };
    let (approval, reached) =
        approval::check(&project, &arguments.live, &plan, arguments.allowed_signers.as_deref(), console).await?;
    console.news(format_args!("approved: {}", approval.in_words()));
    Ok(Some((approval, reached)))
}

/// Says which columns and files of the export nobody declared: they stay behind. The report tells of them too.
pub(crate) fn tell_undeclared(session: &Session, console: Console) -> Result<(), Fault> {
    let (plan, export) = (&session.context.plan, &session.context.export);
    let mut are_columns = false;
    let mut undeclared = Undeclared::default();
    for file in export.unclaimed() {
        undeclared.files.push(file.shown().to_owned());
        console.news(format_args!(
            "left behind: {}; no object reads it and no `drop file` names it (W0610)",
            file.shown()
        ));
    }
    for object in &plan.source.objects {
        let Ok(records) = export.records(&object.name) else { continue };
        let told = records.extra_columns().iter().filter(|column| !is_accepted(plan, &object.name, column));
        let extra: Vec<String> = told.map(|column| format!("`{column}`")).collect();
        are_columns |= !extra.is_empty();
        let names = records.extra_columns().iter().filter(|column| !is_accepted(plan, &object.name, column));
        undeclared.columns.extend(
            names.map(|column| UndeclaredColumn { source_object: object.name.clone(), column: column.clone() }),
        );
        if !extra.is_empty() {
            console.news(format_args!(
                "left behind: {} of {}; {} does not declare {} (W0604)",
                extra.join(", "),
                records.file(),
                object.name,
                if extra.len() == 1 { "it" } else { "them" }
            ));
        }
    }
    if are_columns {
        console.news(format_args!("to accept such columns, write in the migration: allow \"extra-column\" : \"why\""));
    }
    let value = serde_json::to_string(&undeclared).unwrap_or_default();
    let change = Change::finding(findings::UNDECLARED, value);
    session.context.journal.write(&[change]).map_err(|error| Fault::failed(error.to_string()))
}

/// True where an entry of the spec accepts that a column stays behind undeclared.
fn is_accepted(plan: &Plan, object: &str, header: &str) -> bool {
    let column = column_name(header);
    plan.accepted.iter().any(|entry| {
        let within = match &entry.within {
            Within::Migration | Within::System { .. } => true,
            Within::Object { name, .. } => name == object,
            _ => false,
        };
        let on = entry.on.as_deref();
        within
            && entry.max.is_none()
            && matches!(entry.finding.as_str(), "W0604" | "extra-column")
            && on.is_none_or(|on| on == column || on.split_once('.') == Some((object, &column)))
    })
}

/// A run does not begin while all values of a column say that its format is another one.
pub(crate) fn hold_formats(session: &Session, console: Console) -> Result<(), Fault> {
    let Proofs { proofs, unread } = migr_engine::proofs(&session.context.plan, &session.context.export);
    // A file that a map reads stops the run, which says too whether it is the one that it was begun with.
    for (object, error) in unread {
        console.news(format_args!("the formats of {object} are not proven by its values: {error}"));
    }
    let held: Vec<_> = proofs.iter().filter(|proof| proof.holds_a_run()).collect();
    for proof in &held {
        let beyond = proof.beyond.as_ref().map_or_else(String::new, |beyond| format!(" ({beyond})"));
        let words = format!("{}{beyond}", proof.in_words().unwrap_or_default());
        console.news(format_args!("{}: W0614: {words}\n  help: {}", proof.file, proof.help().unwrap_or_default()));
    }
    match held.len() {
        0 => Ok(()),
        count => Err(Fault::new(
            Exit::Blocked,
            format!(
                "{} contradicted by the values (W0614); nothing was written",
                if count == 1 { "a format is".to_owned() } else { format!("{count} formats are") }
            ),
        )
        .with_help("write the formats that fit, or `allow \"contradicted-format\" on COLUMN : \"why\"` where the values are right")),
    }
}

/// The longest sleep before Ctrl-C and the clock are looked at again: it may have been set, or the machine may have slept.
const LONGEST_SLEEP: Duration = Duration::from_millis(500);

/// A clock that goes back by more was set, and not only corrected.
const STEP_BACK: SignedDuration = SignedDuration::from_secs(1);

/// The longest wait by a steady clock before what is allowed is looked up again.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Waits after which nothing was reached: as the time moves on, a few requests are allowed again after each, too few to begin with.
const MOST_WAITS_IN_VAIN: u32 = 5;

/// Carries the maps out; with `wait`, goes on by itself when the destination allows more requests. It does so by a new start, and not where the request was
/// held up: after hours or a day others may have made the records, members and fields that were looked up before, and a run that went by its old look would
/// double them. What a new start asks again is small beside what a day allows; where it is not, it says so.
async fn patiently(session: &Session, wait: bool, console: Console) -> Result<Option<Outcome>, Fault> {
    let mut written = 0;
    let mut in_vain = 0;
    let mut is_again = false;
    loop {
        let before = total(session)?;
        let reached = reached(session)?;
        // Others may have changed the schema while it waited.
        let read = if is_again { session.context.destination.schema().await.map(|_| ()) } else { Ok(()) };
        is_again = true;
        let carried = match read {
            Ok(()) => carry_out(session, console).await,
            Err(error) => Err(fault(EngineError::Load(error))),
        };
        let fault = match carried {
            Ok(outcome) => return Ok(outcome.map(|outcome| Outcome { written: outcome.written + written, ..outcome })),
            Err(fault) => fault,
        };
        let Some(until) = fault.again_at.filter(|_| wait) else { return Err(fault) };
        let after = total(session)?;
        written += (after.created + after.updated).saturating_sub(before.created + before.updated);
        in_vain = if self::reached(session)? == reached { in_vain + 1 } else { 0 };
        if in_vain > MOST_WAITS_IN_VAIN {
            return Err(fault.with_help(
                "to wait for more leads nowhere: a run needs more requests than these to begin. Allow more of them with `requests = N per TIME` in the destination",
            ));
        }
        // Before it is told: by then the clock may be set.
        let seen = Timestamp::now();
        console.news(format_args!("{}\nwaiting; Ctrl-C stops, and `migr run` goes on where it stopped", fault.message));
        if wait_until(until, seen, session).await? == Waited::LookAgain {
            in_vain = in_vain.saturating_sub(1);
        }
    }
}

/// End of a wait.
#[derive(Debug, PartialEq, Eq)]
enum Waited {
    Whole,
    /// The time to wait for may have been reckoned by a clock that was set since.
    LookAgain,
}

/// Waits for a time of the wall clock, last seen at `seen`, which may be set meanwhile: forward is believed, and after a step back what is allowed is looked up
/// again.
async fn wait_until(until: Timestamp, mut seen: Timestamp, session: &Session) -> Result<Waited, Fault> {
    let begun = Instant::now();
    while let Ok(left) = Duration::try_from(until.duration_since(seen)) {
        if session.context.cancellation.is_cancelled() {
            return Err(Fault::new(Exit::Interrupted, "stopped while it waited; `migr run` goes on where it stopped"));
        }
        tokio::time::sleep(left.clamp(Duration::from_millis(10), LONGEST_SLEEP)).await;
        let now = Timestamp::now();
        if seen.duration_since(now) > STEP_BACK || begun.elapsed() > LONGEST_WAIT {
            return Ok(Waited::LookAgain);
        }
        seen = now;
    }
    Ok(Waited::Whole)
}

/// Progress of the migration: what was set up, and the counts of each step.
fn reached(session: &Session) -> Result<(Vec<SetupNote>, Vec<StepFold>), Fault> {
    let reader = session.state.reader()?;
    let notes = reader.setup().map_err(|error| Fault::failed(error.to_string()))?;
    Ok((notes, reader.fold()?.steps))
}

/// Counts of the journal so far.
fn total(session: &Session) -> Result<migr_report::Object, Fault> {
    Ok(Report::counted(&session.context.plan, &session.state.reader()?.fold()?).total())
}

/// Result of a run, and how much of it this call did.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Summary of the run.
    pub(crate) summary: RunSummary,
    /// Records that this call created or updated.
    pub(crate) written: u64,
}

/// Sets the schema up and carries the maps out. `None` where the schema stands in the way, which is said.
pub(crate) async fn carry_out(session: &Session, console: Console) -> Result<Option<Outcome>, Fault> {
    let before = total(session)?;
    if !ready(session, console).await? {
        return Ok(None);
    }
    let summary = migr_engine::run(&session.context).await.map_err(fault)?;
    let after = summary.report.total();
    let written = (after.created + after.updated).saturating_sub(before.created + before.updated);
    Ok(Some(Outcome { summary, written }))
}

/// Sets the schema up. False where it stands in the way, which is said.
pub(crate) async fn ready(session: &Session, console: Console) -> Result<bool, Fault> {
    if was_set_up(session)? {
        let open = open_items(&migr_engine::gone_since(&session.context).await.map_err(fault)?);
        if !open.is_empty() {
            console.error("error: the destination's schema is no longer as setup left it");
            for line in &open {
                console.error(format_args!("  {line}"));
            }
            console.error("`migr setup` makes what is missing; mend what is of another kind by hand, then run again");
            return Ok(false);
        }
    }
    let setup = migr_engine::setup_for_run(&session.context).await.map_err(fault)?;
    console.news(format_args!("setup: {}", in_words(&setup)));
    if setup.blocked > 0 {
        console.error("error: the destination's schema stands in the way");
        let stands = |outcome: &str| outcome != SetupNote::ALREADY_THERE && !SetupNote::is_made(outcome);
        for (action, outcome) in setup.actions.iter().filter(|(_, outcome)| stands(outcome)) {
            console.error(format_args!("  {action}: {outcome}"));
        }
        console.error("mend what is named here by hand, then run again");
        return Ok(false);
    }
    Ok(true)
}

/// True where every change of the schema was made before.
fn was_set_up(session: &Session) -> Result<bool, Fault> {
    let notes = session.state.reader()?.setup().map_err(|error| Fault::failed(error.to_string()))?;
    // Notes of an earlier plan stand in other places.
    let is_made = |position: usize| {
        let note = notes.iter().find(|note| note.position == position);
        note.is_some_and(|note| SetupNote::is_made(&note.outcome))
    };
    let actions = session.context.plan.setup.len();
    Ok(actions > 0 && (0..actions).all(is_made))
}

/// The result for a person.
pub(crate) fn show(outcome: &Outcome, console: Console) {
    let report = &outcome.summary.report;
    console.result(format_args!("{}", Table::of_objects(report).within(console.width())));
    if outcome.summary.nothing_to_do {
        console.result("Nothing was left to do: nothing was written.\n");
    } else {
        let written = count(outcome.written, "record was", "records were");
        let changed = match outcome.summary.changed {
            0 => String::new(),
            changed => format!("; {}", count(changed, "record got other values", "records got other values")),
        };
        console.result(format_args!("{written} written{changed}.\n"));
    }
    let uncertain = report.uncertain();
    if report.total().quarantined > uncertain {
        console.news("quarantined means: not written, and listed with file, line and reason in the report");
    }
    if uncertain > 0 {
        console.news(format_args!(
            "{} in the destination or not, since answers were lost: `migr quarantine list --reason {}` names each; look there, then say `migr quarantine settle KEY --id ID`, or `--create`",
            count(uncertain, "quarantined record may be", "quarantined records may be"),
            ReasonCode::Q502,
        ));
    }
}

/// The last event of a stream.
fn summary(outcome: &Outcome, exit: Exit) -> serde_json::Value {
    let report = &outcome.summary.report;
    serde_json::json!({
        "migration": report.migration,
        "finished": report.finished,
        "interrupted": outcome.summary.interrupted,
        "written": outcome.written,
        "changed": outcome.summary.changed,
        "objects": report.objects,
        "exit": exit as u8,
    })
}

/// Exit code of a run.
pub(crate) fn exit(summary: &RunSummary, console: Console) -> Exit {
    if summary.interrupted {
        console.error("stopped before the end; `migr run` goes on where it stopped");
        return Exit::Interrupted;
    }
    match crate::commands::report::exit(&summary.report, console) {
        Exit::Done if summary.report.total().quarantined > 0 => Exit::Quarantined,
        exit => exit,
    }
}

/// `100` or `2%`.
fn max_failures(text: &str) -> Result<MaxFailures, Fault> {
    let parsed = match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().filter(|percent| *percent <= 100).map(MaxFailures::Percent),
        None => text.parse().ok().map(MaxFailures::Records),
    };
    parsed.ok_or_else(|| Fault::usage(format!("`--max-failures {text}` is neither a number nor a share such as 2%")))
}
