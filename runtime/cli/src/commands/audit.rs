//! `migr audit`: reads the export and the destination, and writes nothing to them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use migr_driver::ServedOptions;
use migr_engine::Rebuild;
use migr_engine::audit::{
    Audit, AuditError, AuditOptions, AuditProgress, Finding, FindingSink, GoingOn, JsonLines, Severity, audit, render,
    salt, served,
};
use migr_plan::lock::LockedDestination;
use migr_plan::{Lock, Plan};
use serde::Serialize;

use crate::args::{AuditArguments, AuditFormat, LiveArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::files::{Part, Readers, unwritten, way_on};
use crate::going_on;
use crate::preview_list::PreviewList;
use crate::progress::version_line;
use crate::project::Project;
use crate::session::{Reached, state, told};
use crate::state::State;

/// Reads the whole export and what the destination holds, writes `migr.lock`, and reports what an administrator should know. Exit 1 where something is wrong.
pub(crate) async fn run(arguments: &AuditArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.live.project.path)?;
    let to = arguments.live.project.to.as_deref();
    let planned = match project.plan(to) {
        Err(findings) if !arguments.offline && findings.lack_options_alone() => {
            match options_there(&project, &arguments.live, console).await? {
                Some(served) => project.plan_serving(to, ServedOptions::Known(&served)),
                None => Err(findings),
            }
        }
        planned => planned,
    };
    let Some(plan) = told(&project, planned, console)? else {
        return Ok(Exit::Findings);
    };
    let state = state(&project, &arguments.live, &plan);
    let reached = if arguments.offline { None } else { Some(Reached::open(&plan, &state, console).await?) };
    let lock = project.lock(arguments.live.project.to.as_deref());
    let streams = arguments.format == AuditFormat::Jsonl;
    if streams {
        console.json(version_line());
    }
    let done = carry_out(
        &Looked { project: &project, plan: &plan, state: &state, lock: &lock },
        reached.as_ref(),
        &Asked { findings: arguments.findings.as_deref(), streams, expected: expected(&arguments.expect, &plan)? },
        console,
    )
    .await;
    if let Some(reached) = reached {
        reached.close().await;
    }
    let audit = done?;
    let stops = audit.count(Severity::Error) > 0 || audit.is_denied(&plan);
    let exit = if stops { Exit::Findings } else { Exit::Done };
    let text = match arguments.format {
        AuditFormat::Human => render::terminal(&audit, arguments.full),
        AuditFormat::Markdown => render::markdown(&audit),
        AuditFormat::Json => render::json(&audit).map_err(|error| Fault::failed(error.to_string()))?,
        AuditFormat::Jsonl => summary(&audit, exit),
    };
    match arguments.format {
        AuditFormat::Human => console.result(text),
        AuditFormat::Markdown => console.document(text),
        AuditFormat::Json | AuditFormat::Jsonl => console.json(text),
    }
    if audit.lock.export.objects.iter().any(|object| object.attachments.is_some()) {
        let manifest = state.attachments();
        console.news(format_args!("each file of a record is in {} with its hash", crate::project::shown(&manifest)));
    }
    if !audit.preview.is_empty() {
        let list = crate::project::shown(&state.preview());
        console.news(format_args!("what would become of every record that is there already is in {list}"));
    }
    let standing = looked_after(&state, &audit.going_on)?;
    if !standing.is_empty() {
        console.news(standing.trim_end());
    }
    for rebuild in &audit.rebuilds {
        let list = crate::project::shown(&state.rebuilds().join(format!("{}.md", rebuild.file_stem())));
        console.news(format_args!("what is to be rebuilt by hand of {} is in {list}, to tick off", rebuild.object));
    }
    console.news(format_args!("what was found is in {}; commit it beside the spec", crate::project::shown(&lock)));
    Ok(exit)
}

/// Options that the destination has beside those of the catalog, where the spec has no other error than that it names such ones.
async fn options_there(
    project: &Project,
    live: &LiveArguments,
    console: Console,
) -> Result<Option<LockedDestination>, Fault> {
    let Ok((plan, _)) = project.plan_serving(live.project.to.as_deref(), ServedOptions::Any) else { return Ok(None) };
    let reached = Reached::open(&plan, &state(project, live, &plan), console).await?;
    let served = served(&plan, &*reached.destination).await;
    reached.close().await;
    served.map(Some).map_err(|error| Fault::failed(error.to_string()))
}

/// Effect of going on with what changed since the last run, in words, and the command that does.
fn looked_after(state: &State, going_on: &GoingOn) -> Result<String, Fault> {
    let mut text = String::new();
    if going_on == &GoingOn::default() {
        return Ok(text);
    }
    let day = going_on::last_day(&state.reader()?)?;
    if let Some(since) = &going_on.since {
        text.push_str(&going_on::in_words(since, &day));
        text.push_str(&going_on::way_on(since));
    }
    if let Some(file) = &going_on.later_export {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "Since the run of {day}\n  ~ {file} is another one\nGo on: migr delta");
    }
    if let (Some(_), Some(file)) = (&going_on.since, &going_on.later_export) {
        let _ = writeln!(text, "The spec and {file} changed: put one of them back first, and go on with one at a time");
    }
    if let Some(why) = &going_on.asks {
        let _ = writeln!(text, "{why}: `migr delta` asks for --accept-shrunk");
    }
    Ok(text)
}

/// The last line of a stream of events.
fn summary(audit: &Audit, exit: Exit) -> String {
    let summary = serde_json::json!({
        "type": "summary",
        "errors": audit.count(Severity::Error),
        "warnings": audit.count(Severity::Warning),
        "notes": audit.count(Severity::Note),
        "totals": audit.totals,
        "stages": audit.lock.stages.stages,
        "exit": exit as u8,
    });
    format!("{summary}\n")
}

/// Project and state that are audited.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    /// The project.
    pub(crate) project: &'a Project,
    /// Plan of the project.
    pub(crate) plan: &'a Plan,
    /// The state of its destination.
    pub(crate) state: &'a State,
    /// Where the lock is kept.
    pub(crate) lock: &'a Path,
}

/// Options of an audit.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    /// A file for every finding.
    pub(crate) findings: Option<&'a Path>,
    /// True where records and findings go to stdout as they come, one JSON object a line.
    pub(crate) streams: bool,
    /// Record counts that the source states, by object.
    pub(crate) expected: BTreeMap<String, u64>,
}

/// `Contact=20431` for an object of the plan.
fn expected(texts: &[String], plan: &Plan) -> Result<BTreeMap<String, u64>, Fault> {
    let one = |text: &String| {
        let bad = |why: String| Fault::usage(format!("`--expect {text}`: {why}"));
        let (object, records) = text.split_once('=').ok_or_else(|| bad("write it as OBJECT=RECORDS".to_owned()))?;
        let records = records.parse().map_err(|_| bad(format!("`{records}` is no number of records")))?;
        if plan.source_object(object).is_none() {
            let names: Vec<&str> = plan.source.objects.iter().map(|object| object.name.as_str()).collect();
            return Err(bad(format!("the migration reads no object `{object}`"))
                .with_help(format!("it reads {}", names.join(", "))));
        }
        Ok((object.to_owned(), records))
    };
    texts.iter().map(one).collect()
}

/// Audits and writes the lock.
pub(crate) async fn carry_out(
    looked: &Looked<'_>,
    reached: Option<&Reached>,
    asked: &Asked<'_>,
    console: Console,
) -> Result<Audit, Fault> {
    let previous = previous(looked.lock)?;
    let salt = previous.as_ref().and_then(salt).map_or_else(|| looked.plan.migration.clone(), str::to_owned);
    let spill = looked.state.folder().join("audit");
    let file = asked.findings.map(open_sink).transpose()?;
    let mut findings = Findings { file, stream: asked.streams.then_some(console) };
    looked.state.keep_from_git()?;
    let mut manifest = open_sink(&looked.state.attachments())?;
    let mut preview = PreviewList::begin(looked.state)?;
    let journal = Some(looked.state.journal()).filter(|path| path.exists());
    let options = AuditOptions {
        plan: looked.plan,
        project: &looked.project.folder,
        spill: &spill,
        destination: reached.map(|reached| Arc::clone(&reached.destination)),
        journal: journal.as_deref(),
        previous: previous.as_ref(),
        salt: &salt,
        sink: findings.are_asked_for().then_some(&mut findings as &mut (dyn FindingSink + Send)),
        attachments: Some(&mut manifest),
        preview: Some(&mut preview),
        expected: asked.expected.clone(),
    };
    let mut audit = audit(options, &News { console, streams: asked.streams }).await.map_err(|error| {
        let exit = if matches!(error, AuditError::Extract(_)) { Exit::Findings } else { Exit::Failed };
        let way_on = match &error {
            AuditError::Sink(source)
            | AuditError::Manifest(source)
            | AuditError::Preview(source)
            | AuditError::Folder { source, .. } => way_on(source),
            _ => None,
        };
        let fault = Fault::new(exit, error.to_string());
        match way_on {
            Some(help) => fault.with_help(help),
            None => fault,
        }
    })?;
    manifest.0.finish()?;
    if let Some(file) = findings.file {
        file.0.finish()?;
    }
    preview.finish()?;
    write_rebuilds(&audit.rebuilds, &looked.state.rebuilds())?;
    audit.lock.project = Some(match audit.lock.project.take() {
        Some(project) => project,
        None => crate::project_id::of(&looked.project.folder, looked.state.reader().ok().as_ref())?,
    });
    let json = audit.lock.to_json().map_err(|error| Fault::failed(error.to_string()))?;
    crate::files::replace(looked.lock, json.as_bytes())?;
    Ok(audit)
}

/// Writes what is to be rebuilt by hand: its definitions as JSON, and a checklist.
fn write_rebuilds(rebuilds: &[Rebuild], folder: &Path) -> Result<(), Fault> {
    if !rebuilds.is_empty() {
        std::fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
    }
    for rebuild in rebuilds {
        let json = serde_json::to_string_pretty(rebuild).map_err(|error| Fault::failed(error.to_string()))?;
        crate::files::replace_private(
            &folder.join(format!("{}.json", rebuild.file_stem())),
            format!("{json}\n").as_bytes(),
        )?;
        crate::files::replace_private(
            &folder.join(format!("{}.md", rebuild.file_stem())),
            rebuild.checklist().as_bytes(),
        )?;
    }
    Ok(())
}

/// The lock that is there, if one is.
pub(crate) fn previous(path: &Path) -> Result<Option<Lock>, Fault> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(None) };
    Lock::from_json(&text).map(Some).map_err(|error| {
        Fault::new(Exit::Findings, format!("{}: {error}", path.display()))
            .with_help("remove it, and `migr audit` writes it anew")
    })
}

type LinesFile = JsonLines<Part>;

fn open_sink(path: &Path) -> Result<LinesFile, Fault> {
    Part::begin(path, Readers::Owner).map(JsonLines)
}

/// Findings, as they come, where they are asked for.
#[derive(Debug)]
struct Findings {
    file: Option<LinesFile>,
    stream: Option<Console>,
}

impl Findings {
    fn are_asked_for(&self) -> bool {
        self.file.is_some() || self.stream.is_some()
    }
}

/// A finding as an event.
#[derive(Debug, Serialize)]
struct Found<'f> {
    r#type: &'static str,
    #[serde(flatten)]
    finding: &'f Finding,
}

impl FindingSink for Findings {
    fn finding(&mut self, finding: &Finding) -> std::io::Result<()> {
        if let Some(console) = self.stream {
            let line = serde_json::to_string(&Found { r#type: "finding", finding })?;
            console.json(format_args!("{line}\n"));
        }
        self.file.as_mut().map_or(Ok(()), |file| file.finding(finding))
    }
}

/// A pass over an object, as a person reads it; any other than the passes over all rows is a map's.
fn pass_words(object: &str, pass: &str) -> String {
    match pass {
        "asking" => format!("asking {object}"),
        "reading" => format!("reading {object}"),
        "looking" => format!("checking {object}"),
        map if map == object => format!("deciding about {object}"),
        map => format!("deciding about {map} ({object})"),
    }
}

/// Says which object is read.
#[derive(Debug)]
struct News {
    console: Console,
    streams: bool,
}

impl AuditProgress for News {
    fn object(&self, object: &str, pass: &str) {
        if self.streams {
            let event = serde_json::json!({ "type": "reading", "object": object, "pass": pass });
            self.console.json(format_args!("{event}\n"));
        } else if self.console.draws_progress() {
            self.console.news(format_args!("  {}", pass_words(object, pass)));
        }
    }

    fn records(&self, _rows: u64) {}
}
