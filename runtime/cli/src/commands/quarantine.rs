//! `migr quarantine`: the quarantined records, their release for retry, and a person's word about uncertain ones.

use std::sync::Arc;

use migr_diagnostics::nearest;
use migr_engine::Word;
use migr_escape::line;
use migr_journal::Remark;
use migr_plan::ReasonCode;
use migr_report::Report;
use migr_report::words::count;

use crate::args::{
    EventFormat, QuarantineAction, QuarantineArguments, QuarantineListArguments, RetryArguments, SettleArguments,
};
use crate::commands::report::plan;
use crate::console::{Console, key};
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Shown;
use crate::project::Project;
use crate::session::{Opening, Session};
use crate::state::State;

/// Lists what was quarantined and why; releases it for retry by the next run; or settles an uncertain record.
pub(crate) async fn run(arguments: &QuarantineArguments, console: Console) -> Result<Exit, Fault> {
    match &arguments.action {
        QuarantineAction::List(arguments) => list(arguments, console),
        QuarantineAction::Retry(arguments) => retry(arguments, console).await,
        QuarantineAction::Settle(arguments) => settle(arguments, console).await,
    }
}

fn list(arguments: &QuarantineListArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    let state = State::meant(&project, arguments.project.to.as_deref(), arguments.sandbox)?;
    let (plan, reader) = (plan(&state)?, state.reader()?);
    let maps = migr_report::Maps::of(&plan);
    let wanted = arguments.reason.as_deref().map(code).transpose()?;
    let mut entries = 0_u64;
    if arguments.json {
        console.json("{\"format_version\":1,\"quarantine\":[");
    }
    reader.quarantined(|remark| -> Result<(), Fault> {
        let Remark::Quarantined(one) = remark else { return Ok(()) };
        if wanted.is_some() && one.code.as_deref().and_then(ReasonCode::find) != wanted {
            return Ok(());
        }
        entries += 1;
        if arguments.json {
            let entry = migr_report::Quarantined::of(&maps, one);
            let entry = serde_json::to_string(&entry).map_err(|error| Fault::failed(error.to_string()))?;
            console.json(format_args!("{}{entry}", if entries > 1 { "," } else { "" }));
        } else {
            let map = maps.name(&one.step);
            let field = one.field.as_deref().map_or_else(String::new, |field| format!(" {field}:"));
            let code = one.code.as_deref().map_or_else(String::new, |code| format!(" ({})", line(code)));
            console.result(format_args!(
                "{}:{}  {map} {}{field} {}{code}\n",
                line(&one.file),
                one.line,
                key(&one.key),
                line(&one.reason)
            ));
        }
        Ok(())
    })?;
    if arguments.json {
        console.json("]}\n");
    } else {
        let total = Report::counted(&plan, &reader.fold()?).total();
        let of_reason = wanted.map_or_else(String::new, |code| {
            format!("; {} of {code}: {}", count(entries, "entry is", "entries are"), code.summary())
        });
        console.news(format_args!("{} quarantined{of_reason}", count(total.quarantined, "record is", "records are")));
    }
    Ok(Exit::Done)
}

/// The code of a reason for quarantine.
fn code(written: &str) -> Result<ReasonCode, Fault> {
    ReasonCode::find(written).ok_or_else(|| {
        let fault = Fault::usage(format!("there is no reason `{written}`"));
        match nearest(&written.to_uppercase(), ReasonCode::ALL.iter().map(|code| code.as_str())) {
            Some(near) => fault.with_help(format!("did you mean `{near}`?")),
            None => fault.with_help("reasons look like Q202; `migr quarantine list` names those that there are"),
        }
    })
}

async fn retry(arguments: &RetryArguments, console: Console) -> Result<Exit, Fault> {
    let shown = Arc::new(Shown::new(console, EventFormat::Human));
    let opening = Opening::reading(&arguments.live, "quarantine retry", shown);
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let released = migr_engine::retry(&session.context, arguments.map.as_deref()).await;
    let page = session.report().await;
    let released = released.map_err(fault)?;
    page?;
    let records = count(released.records, "record is", "records are");
    let values = match released.values {
        0 => String::new(),
        values => {
            format!(", with {} of others", count(values, "value that was left out", "values that were left out"))
        }
    };
    console.result(format_args!("{records} released for retry{values}; `migr run` tries again.\n"));
    if released.uncertain > 0 {
        let records = count(released.uncertain, "record stays", "records stay");
        console.result(format_args!(
            "{records} uncertain: each may be in the destination or not, and sent again it could be doubled. \
             `migr quarantine list --reason Q502` names each; look there, then say `migr quarantine settle KEY --id ID`, or `--create`.\n"
        ));
    }
    Ok(Exit::Done)
}

async fn settle(arguments: &SettleArguments, console: Console) -> Result<Exit, Fault> {
    let shown = Arc::new(Shown::new(console, EventFormat::Human));
    let opening = Opening::reading(&arguments.live, "quarantine settle", shown);
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let as_it_is = arguments.as_it_is;
    let word = arguments.id.as_deref().map_or(Word::Create, |id| Word::There { id, as_it_is });
    let settled = migr_engine::settle(&session.context, &arguments.key, arguments.map.as_deref(), word).await;
    let page = session.report().await;
    let map = settled.map_err(fault)?;
    page?;
    let named = key(&arguments.key);
    match word {
        Word::There { id, .. } => console.result(format_args!(
            "{map} {named} is there as {}. `migr quarantine retry` releases what was quarantined because of it, and `migr run` goes on.\n",
            line(id)
        )),
        Word::Create => console.result(format_args!("{map} {named} is not there: `migr run` sends it again.\n")),
    }
    Ok(Exit::Done)
}
