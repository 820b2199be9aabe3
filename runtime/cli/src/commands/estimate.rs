//! `migr estimate`: requests, time, bytes and complexity, from what an audit counted.

use std::fmt::Write as _;

use migr_plan::{Scope, scope, time};
use migr_report::words::{count, grouped};

use crate::args::{EstimateArguments, EstimateFormat};
use crate::commands::audit::previous;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::Project;
use crate::session::compiled;

/// Shows what a migration takes. Needs the lock of an audit of the spec as it is.
pub(crate) fn run(arguments: &EstimateArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    let to = arguments.project.to.as_deref();
    let Some(plan) = compiled(&project, to, console)? else { return Ok(Exit::Findings) };
    let lock = previous(&project.lock(to))?;
    let Some(scope) = lock.as_ref().and_then(|lock| scope(&plan, lock)) else {
        let why =
            if lock.is_some() { "the last audit was of another state of the spec" } else { "nothing was counted yet" };
        return Err(Fault::new(Exit::Blocked, format!("there is nothing to estimate from: {why}"))
            .with_help("run `migr audit`, with `--sandbox` or `--offline` where the destination is not to be asked"));
    };
    match arguments.format {
        EstimateFormat::Human => console.result(shown(&scope)),
        EstimateFormat::Json => {
            let document = serde_json::json!({ "format_version": 1, "migration": plan.migration, "estimate": scope });
            console.json(format_args!("{document}\n"));
        }
    }
    Ok(Exit::Done)
}

fn shown(scope: &Scope) -> String {
    let mut out = String::new();
    let head = ["", "records", "writes", "links", "files", "look-ups", "verify"];
    let _ = writeln!(
        out,
        "  {:<28}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}",
        head[0], head[1], head[2], head[3], head[4], head[5], head[6]
    );
    let number = |number: u64| if number == 0 { "·".to_owned() } else { grouped(number) };
    for calls in &scope.calls {
        let _ = writeln!(
            out,
            "  {:<28}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}",
            calls.map,
            number(calls.records),
            number(calls.writes),
            number(calls.links),
            number(calls.files),
            number(calls.lookups),
            number(calls.verify)
        );
    }
    let (least, most) = scope.requests;
    let _ = writeln!(out, "\nRequests  {} at least, {} at most", grouped(least), grouped(most));
    match scope.seconds {
        Some((least, most)) => {
            let _ = writeln!(
                out,
                "Time      {} at least, {} at most, by {}",
                time(least),
                time(most),
                scope.limits.join(" and ")
            );
        }
        None => {
            let _ = writeln!(out, "Time      not known: the destination states no limit");
        }
    }
    let _ = writeln!(out, "Files     {}", count(scope.bytes, "byte", "bytes"));
    if let Some(why) = &scope.individually {
        let _ = writeln!(out, "Scope     individually: {why}");
    }
    let _ = writeln!(out, "Grade     {} ({} of 20 points)", scope.grade, scope.points);
    for dimension in &scope.dimensions {
        let _ = writeln!(out, "  {} of 4  {:<16} {}", dimension.points, dimension.name, dimension.input);
    }
    let _ = writeln!(out, "\nThe formula is in compiler/plan/ESTIMATE.md.");
    out
}
