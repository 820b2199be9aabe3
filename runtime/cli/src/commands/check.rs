//! `migr check`: the findings of a spec.

use std::collections::BTreeMap;
use std::path::Path;

use migr_diagnostics::{Applicability, Fix, Format, apply_fixes};
use migr_driver::EnvironmentVariable;

use crate::args::CheckArguments;
use crate::console::Console;
use crate::data::with_rows;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings::rendered;
use crate::project::{Findings, projects_below};

/// Reports every problem that can be known offline, in every project at or below the path; on request also those of the exports' rows.
pub(crate) async fn run(arguments: &CheckArguments, console: Console) -> Result<Exit, Fault> {
    if arguments.data && arguments.base.is_some() {
        return Err(Fault::usage(
            "`--base` tells what a change of the spec brought, and git keeps no export to compare the rows with",
        )
        .with_help("leave out `--base`, or `--data`"));
    }
    let projects = projects_below(&arguments.path)?;
    let check = || {
        let mut findings = Findings::default();
        for project in &projects {
            findings.add(&project.folder, project.compile(None));
        }
        findings
    };
    let mut findings = check();
    if arguments.fix && mend(&findings, console)? {
        findings = check();
    }
    if let Some(revision) = &arguments.base {
        let mut base = Findings::default();
        for project in &projects {
            base.add(&project.folder, project.compile_at(revision, None)?);
        }
        findings.without(&base);
    }
    let mut rows = None;
    if arguments.data {
        let (found, read) = Box::pin(with_rows(&projects, console)).await?;
        (findings, rows) = (found, Some(read));
    }
    let text = rendered(&findings, arguments.format, console);
    if arguments.format == Format::Human && findings.diagnostics.is_empty() {
        let files = findings.sources.files().filter(|(_, file)| !file.path.starts_with("std/")).count();
        let rows = rows.map_or_else(String::new, |rows| format!(" and {rows} rows of the export"));
        console.news(format_args!("no problems in {files} {}{rows}", if files == 1 { "file" } else { "files" }));
    } else {
        match arguments.format {
            Format::Human | Format::Short => console.result(text),
            _ => console.document(text),
        }
    }
    if !findings.environment.is_empty() {
        let names: Vec<String> = findings.environment.iter().map(in_words).collect();
        console.news(format_args!("read from the environment where a destination is asked: {}", names.join(", ")));
    }
    Ok(findings.exit(arguments.deny.is_some()))
}

/// `TWENTY_KEY (token, a secret)`
fn in_words(variable: &EnvironmentVariable) -> String {
    let secret = if variable.is_secret { ", a secret" } else { "" };
    format!("{} ({}{secret})", migr_escape::line(&variable.name), variable.setting)
}

/// Makes the changes that are certain. Says whether a file changed.
fn mend(findings: &Findings, console: Console) -> Result<bool, Fault> {
    let mut by_file: BTreeMap<String, Vec<&Fix>> = BTreeMap::new();
    for fix in findings.diagnostics.iter().filter_map(|diagnostic| diagnostic.fix.as_ref()) {
        let path = fix.edits.first().map_or("", |edit| findings.sources.path(edit.span));
        if fix.applicability == Applicability::Safe && !path.is_empty() && !path.starts_with("std/") {
            by_file.entry(path.to_owned()).or_default().push(fix);
        }
    }
    let mut changed = false;
    for (path, fixes) in by_file {
        let Some(file) = findings.sources.find(&path).and_then(|id| findings.sources.file(id)) else { continue };
        let mended = apply_fixes(&file.text, &fixes);
        if *mended != *file.text {
            crate::files::replace(Path::new(&path), mended.as_bytes())?;
            console.news(format_args!("mended {path}"));
            changed = true;
        }
    }
    Ok(changed)
}
