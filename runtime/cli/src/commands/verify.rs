//! `migr verify`: reads the records back and compares them.

use std::sync::Arc;

use migr_engine::VerifySummary;
use migr_escape::line;
use migr_report::words::count;
use migr_report::{ListName, Report, not_there};

use crate::args::VerifyArguments;
use crate::console::{Console, key};
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Shown;
use crate::report_files::Differences;
use crate::session::{Opening, Session};

/// Differences that are printed; the report has more.
const PRINTED: usize = 20;

/// Reads back what was written and compares every field with what the source rows say. Exit 6 when it does not hold.
pub(crate) async fn run(arguments: &VerifyArguments, console: Console) -> Result<Exit, Fault> {
    let shown = Arc::new(Shown::new(console, arguments.format));
    let opening = Opening::reading(&arguments.live, "verify", Arc::clone(&shown));
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let mut differences = Differences::begin(&session.state)?;
    let done = migr_engine::verify(&session.context, arguments.sample, &mut |one| differences.take(one)).await;
    let state = session.state.clone();
    let list = session.state.lists().join(ListName::Differences.file_name());
    let finished = if done.is_ok() { differences.finish() } else { Ok(()) };
    let page = session.report().await;
    let summary = done.map_err(fault)?;
    finished?;
    page?;
    let plan = crate::commands::report::plan(&state)?;
    let total = Report::counted(&plan, &state.reader()?.fold()?).total();
    if !shown.is_json() {
        show(&summary, console);
        if let Some(rest) = not_there(&total) {
            console.result(format_args!("{rest}.\n"));
        }
        if summary.missing_records + summary.difference_count > 0 {
            console.news(format_args!("each of them has a line in {}", crate::project::shown(&list)));
        }
    }
    let exit = exit(&summary);
    shown.summary(serde_json::json!({
        "holds": summary.holds,
        "records": summary.records,
        "missing_records": summary.missing_records,
        "fields_compared": summary.fields_compared,
        "fields_matching": summary.fields_matching,
        "fields_different": summary.difference_count,
        "percent": summary.percent,
        "differences": summary.differences,
        "missing": summary.missing,
        "exit": exit as u8,
    }));
    Ok(exit)
}

/// Exit code of a verification.
pub(crate) fn exit(summary: &VerifySummary) -> Exit {
    match (summary.interrupted, summary.holds) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::DoesNotHold,
    }
}

/// The result for a person.
pub(crate) fn show(summary: &VerifySummary, console: Console) {
    for missing in summary.missing.iter().take(PRINTED) {
        console.result(format_args!(
            "missing    {} {} ({}:{}), id {}\n",
            missing.map, missing.key, missing.file, missing.line, missing.id
        ));
    }
    for one in summary.differences.iter().take(PRINTED) {
        console.result(format_args!(
            "different  {} {} ({}:{}), {}: expected {}, found {}\n",
            one.map,
            key(&one.key),
            line(&one.file),
            one.line,
            one.field,
            line(&one.expected),
            line(&one.found)
        ));
    }
    for (map, what) in summary.findings.iter().take(PRINTED) {
        let map = map.as_deref().map_or_else(String::new, |map| format!("{map}: "));
        console.result(format_args!("found      {map}{}\n", line(what)));
    }
    let listed = summary.missing.len() + summary.differences.len() + summary.findings.len();
    if listed > PRINTED {
        console.news("`migr report` lists more of them");
    }
    let required =
        summary.required_percent.as_ref().map_or_else(String::new, |percent| format!(", {percent}% required"));
    console.result(format_args!(
        "Verify: {} and {} read back, {}{required}; {}.\n",
        count(summary.records, "record", "records"),
        count(summary.fields_compared, "field", "fields"),
        if summary.fields_compared == 0 {
            "nothing to compare".to_owned()
        } else {
            format!("{}% as the source says", summary.percent)
        },
        if summary.holds { "holds" } else { "does not hold" },
    ));
}
