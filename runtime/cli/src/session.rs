//! Session of a command that touches the world: the plan, the export, the destination and its journal.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use migr_diagnostics::Severity;
use migr_engine::{CancellationFlag, Context, RunOptions, SharedJournal};
use migr_extract::Export;
use migr_journal::{Identity, Journal, JournalError, Reader, Workspace};
use migr_load::{Destination, Endpoint, HttpOptions, Rate, Secret};
use migr_plan::{Lock, Plan};
use migr_sandbox::Sandbox;

use crate::args::LiveArguments;
use crate::commands::audit::previous;
use crate::console::Console;
use crate::counted::{Source, counted};
use crate::endpoint::{endpoint, reach};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings::show_on_stderr;
use crate::going_on::{self, ChangedPlan};
use crate::progress::Shown;
use crate::project::{Findings, Project};
use crate::report_files::write_page;
use crate::sandboxed::{self, Started};
use crate::state::State;

/// A destination that is reached: the real one or the embedded sandbox.
#[derive(Debug)]
pub(crate) struct Reached {
    /// The destination.
    pub(crate) destination: Arc<dyn Destination>,
    /// Where it is, and which workspace it is there.
    pub(crate) workspace: Workspace,
    sandbox: Option<Sandbox>,
}

impl Reached {
    /// Reaches the destination of a plan, or starts the sandbox in its place. Refuses one that is not the workspace of the state's journal.
    pub(crate) async fn open(plan: &Plan, state: &State, console: Console) -> Result<Self, Fault> {
        let (endpoint, http, sandbox) = if state.is_sandbox() {
            let Started { sandbox, settings } = sandboxed::start(plan, state).await?;
            let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
            let http = HttpOptions { rate: Some(UNPACED), allowances: false, settings, ..HttpOptions::default() };
            (endpoint, http, Some(sandbox))
        } else {
            (endpoint(&plan.destination)?, reach(&plan.destination, state, console)?, None)
        };
        let host = if state.is_sandbox() { state.name().to_owned() } else { host(&endpoint.url) };
        let destination =
            migr_connect::connect(plan, endpoint, http).map_err(|error| Fault::failed(error.to_string()))?;
        let workspace = Workspace { host, id: destination.workspace(), word: destination.workspace_word() };
        // A journal that cannot be read is for those to tell who read it.
        if let Ok(reader) = Reader::open(&state.journal()) {
            reader.check_workspace(&workspace).map_err(journal_fault)?;
        }
        Ok(Self { destination: Arc::from(destination), workspace, sandbox })
    }

    /// A hash over all that the sandbox holds, where it is the destination.
    pub(crate) fn fingerprint(&self) -> Option<Result<String, Fault>> {
        let fingerprint = self.sandbox.as_ref()?.fingerprint();
        Some(fingerprint.map_err(|error| Fault::failed(format!("the sandbox cannot be read: {error}"))))
    }

    /// Ends it; the sandbox writes its state to disk.
    pub(crate) async fn close(self) {
        drop(self.destination);
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

/// Everything that a command on a destination works with.
#[derive(Debug)]
pub(crate) struct Session {
    /// Context that the engine works with.
    pub(crate) context: Context,
    /// State that is kept of the destination.
    pub(crate) state: State,
    /// The destination.
    pub(crate) reached: Reached,
    /// The plan, where it does other things to records than the one that the journal was last used with.
    pub(crate) changed: Option<ChangedPlan>,
    /// The plan with the counts of the last audit, as it is kept once it is carried out.
    kept: String,
}

/// Options with which a session is opened.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    /// The project and its destination.
    pub(crate) live: &'a LiveArguments,
    /// A saved plan, which must still be what the spec says.
    pub(crate) saved_plan: Option<&'a Path>,
    /// The destination, where the command has reached it already.
    pub(crate) reached: Option<Reached>,
    /// True where the session writes to the destination: the journal is bound to its workspace.
    pub(crate) writes: bool,
    /// True where the command goes on with a plan that does other things to records than the last one, or tells of it.
    pub(crate) goes_on: bool,
    /// True where records are written: what no audit has counted is counted for the report.
    pub(crate) counts: bool,
    /// Options of the run.
    pub(crate) options: RunOptions,
    /// View that shows progress.
    pub(crate) shown: Arc<Shown>,
}

impl<'a> Opening<'a> {
    /// Opening of a session of a command that writes no record and goes on with nothing.
    pub(crate) fn reading(live: &'a LiveArguments, command: &str, shown: Arc<Shown>) -> Self {
        let options = RunOptions { command: command.to_owned(), ..RunOptions::default() };
        Self { live, saved_plan: None, reached: None, writes: false, goes_on: false, counts: false, options, shown }
    }
}

impl Session {
    /// Opens a session. `None` where the spec has errors, which are printed.
    pub(crate) async fn open(opening: Opening<'_>, console: Console) -> Result<Option<Self>, Fault> {
        let project = Project::at(&opening.live.project.path)?;
        let to = opening.live.project.to.as_deref();
        let Some(plan) = compiled(&project, to, console)? else {
            return if opening.writes { held_by_deny(&project, to) } else { Ok(None) };
        };
        if let Some(path) = opening.saved_plan {
            same_plan(&plan, path)?;
        }
        let lock = previous(&project.lock(to)).ok().flatten();
        if let Some(lock) = lock.as_ref().filter(|_| opening.writes) {
            held_by_audit(&plan, lock)?;
        }
        let state = state(&project, opening.live, &plan);
        let export = export(&plan, &project)?;
        let mut journal = journal(&plan, &state)?;
        crate::project_id::note(&mut journal, &project.folder)?;
        let reached = match opening.reached {
            Some(reached) => reached,
            None => Reached::open(&plan, &state, console).await?,
        };
        if opening.writes {
            if !journal.is_bound().map_err(journal_fault)? {
                // Nothing is bound to a workspace that has not answered: a mistyped one can be corrected.
                reached.destination.known_schema().await.map_err(|error| crate::engine_fault::fault(error.into()))?;
            }
            journal.bind(&reached.workspace).map_err(journal_fault)?;
        }
        let journal = SharedJournal::new(journal);
        let changed = going_on::settle(&journal, &plan)?;
        if changed.is_some() && !opening.goes_on {
            return Err(going_on::refusal());
        }
        state.note_as_last()?;
        let mut plan = plan;
        migr_engine::keep_apart_there(&mut plan, &export, lock.as_ref(), Some(&*reached.destination))
            .await
            .map_err(|error| Fault::failed(error.to_string()))?;
        let source = opening.counts.then_some(Source { export: &export, state: &state });
        let kept = json(&counted(&plan, (&project, to), source, console).await?)?;
        let context = Context {
            plan: Arc::new(plan),
            export: Arc::new(export),
            destination: Arc::clone(&reached.destination),
            journal,
            progress: opening.shown,
            cancellation: stop_on_interrupt(console),
            options: RunOptions { audited_files: Some(state.attachments()), ..opening.options },
            work: state.folder(),
        };
        let session = Self { context, state, reached, changed, kept };
        if session.changed.is_none() {
            session.keep_plan()?;
        }
        Ok(Some(session))
    }

    /// Keeps the plan as the one that is carried out.
    pub(crate) fn keep_plan(&self) -> Result<(), Fault> {
        crate::files::replace_private(&self.state.plan(), self.kept.as_bytes())
    }

    /// Ends it.
    pub(crate) async fn close(self) {
        drop(self.context);
        self.reached.close().await;
    }

    /// Ends it, and writes the report anew: what the command did is told however it ended. The page comes back.
    pub(crate) async fn report(self) -> Result<PathBuf, Fault> {
        let state = self.state.clone();
        self.close().await;
        write_page(&state, &crate::commands::report::plan(&state)?)
    }
}

/// The state of the destination that a command means.
pub(crate) fn state(project: &Project, live: &LiveArguments, plan: &Plan) -> State {
    if live.sandbox { State::of_sandbox(project) } else { State::of_destination(project, &plan.destination.name) }
}

/// The export that a plan reads.
pub(crate) fn export(plan: &Plan, project: &Project) -> Result<Export, Fault> {
    Export::open(plan, &project.folder).map_err(|error| Fault::new(Exit::Findings, error.to_string()))
}

/// The JSON form of a plan.
pub(crate) fn json(plan: &Plan) -> Result<String, Fault> {
    plan.to_json().map_err(|error| Fault::failed(format!("the plan could not be written as JSON: {error}")))
}

/// The sandbox has no limit unless it is asked for one.
const UNPACED: Rate = Rate { requests: 1_000_000, per_seconds: 1, burst: None };

/// The project's plan; `None` where it has errors, which are printed.
pub(crate) fn compiled(project: &Project, to: Option<&str>, console: Console) -> Result<Option<Plan>, Fault> {
    told(project, project.plan(to), console)
}

/// The plan of a compilation, whose findings are printed. `None` where it has errors.
pub(crate) fn told(
    project: &Project,
    planned: Result<(Plan, Findings), Box<Findings>>,
    console: Console,
) -> Result<Option<Plan>, Fault> {
    match planned {
        Ok((plan, findings)) => {
            // They are told once, by `check`, and not before every command.
            show_on_stderr(&findings, console);
            Ok(Some(plan))
        }
        Err(findings) if findings.diagnostics.is_empty() => {
            Err(Fault::usage(format!("no file of `{}` has a `migration` item", project.folder.display()))
                .with_help("a project's folder holds one `migration NAME { … }`"))
        }
        Err(findings) => {
            show_on_stderr(&findings, console);
            Ok(None)
        }
    }
}

/// A fault where the last audit found what the spec denies.
fn held_by_audit(plan: &Plan, lock: &Lock) -> Result<(), Fault> {
    let denied: Vec<String> =
        lock.denied_by(&plan.denied).map(|found| format!("{} {}", found.findings, found.finding)).collect();
    if denied.is_empty() {
        return Ok(());
    }
    let message = format!("the audit found what the spec denies: {}; nothing was written", denied.join(", "));
    Err(Fault::new(Exit::Blocked, message)
        .with_help("mend it, or accept it with the entry that the audit's help ends with; then run `migr audit` again"))
}

/// Nothing where errors stand in the way; a fault where only the spec's own `deny` does.
fn held_by_deny<T>(project: &Project, to: Option<&str>) -> Result<Option<T>, Fault> {
    match project.plan(to) {
        Err(findings) if findings.stops() && findings.count(Severity::Error) == 0 => {
            Err(Fault::new(Exit::Blocked, "the spec's `deny` stops at what is said above; nothing was written")
                .with_help("mend it, or accept it with the entry that its help ends with"))
        }
        _ => Ok(None),
    }
}

fn same_plan(plan: &Plan, path: &Path) -> Result<(), Fault> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Fault::usage(format!("cannot read the plan {}: {error}", path.display())))?;
    let saved = Plan::from_json(&text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))?;
    if saved.without_counts() == *plan {
        return Ok(());
    }
    let message = format!("the spec has changed since {} was made: {}", path.display(), moved(&saved, plan));
    Err(Fault::new(Exit::Blocked, message).with_help(format!(
        "`migr diff {} .` shows what changed; make the plan anew with `migr plan --out`, and run that one",
        path.display()
    )))
}

/// The hash that moved from one plan to another: of a file, or of the plan where its files are the same.
fn moved(saved: &Plan, plan: &Plan) -> String {
    let hash =
        |plan: &Plan, path: &str| plan.inputs.files.iter().find(|file| file.path == path).map(|file| file.hash.clone());
    let short = |hash: Option<String>| {
        hash.map_or_else(|| "nothing".to_owned(), |hash| hash.chars().take("blake3:".len() + 12).collect())
    };
    let paths: BTreeSet<&str> =
        saved.inputs.files.iter().chain(&plan.inputs.files).map(|file| file.path.as_str()).collect();
    let moved: Vec<String> = paths
        .into_iter()
        .map(|path| (path, hash(saved, path), hash(plan, path)))
        .filter(|(_, before, after)| before != after)
        .map(|(path, before, after)| format!("{path} was {}, is {}", short(before), short(after)))
        .collect();
    if !moved.is_empty() {
        return moved.join("; ");
    }
    let hash = |plan: &Plan| short(plan.without_counts().hash().ok());
    format!("the plan was {}, is {}", hash(saved), hash(plan))
}

/// The journal of a state for going back, whatever plan wrote it.
pub(crate) fn reopened(state: &State) -> Result<Journal, Fault> {
    Journal::reopen(&state.journal()).map_err(|error| Fault::failed(error.to_string()))
}

/// The journal of a plan's migration, for writing.
fn journal(plan: &Plan, state: &State) -> Result<Journal, Fault> {
    let plan = plan.without_reach();
    let hash = plan.hash().map_err(|error| Fault::failed(format!("the plan could not be hashed: {error}")))?;
    let identity = Identity { migration: &plan.migration, destination: state.name(), plan_hash: &hash };
    Journal::open(&state.journal(), &identity).map_err(journal_fault)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn journal_fault(error: JournalError) -> Fault {
    let exit = match error {
        JournalError::OtherWorkspace { .. } => Exit::Blocked,
        _ => Exit::Failed,
    };
    Fault::new(exit, error.to_string())
}

/// The host of an address, with a port of its own. A loopback address names no machine, and its port changes with each start of what listens there.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host.as_str(),
    };
    let is_loopback = name == "localhost" || name == "[::1]" || name.starts_with("127.");
    if is_loopback { "this machine".to_owned() } else { host }
}

/// The first Ctrl-C stops at the end of a batch; a second one ends the program at once, which a later run copes with too. One flag for all sessions of a program.
#[expect(clippy::exit, reason = "the second Ctrl-C means now")]
pub(crate) fn stop_on_interrupt(console: Console) -> CancellationFlag {
    static FLAG: OnceLock<CancellationFlag> = OnceLock::new();
    let cancellation = CancellationFlag::default();
    let flag = cancellation.clone();
    if FLAG.set(cancellation).is_err() {
        return FLAG.get().cloned().unwrap_or_default();
    }
    let cancellation = flag.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            flag.cancel();
            console.error("stopping at the end of this batch; press Ctrl-C again to stop at once");
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    cancellation
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_host_is_told_with_its_port_and_without_whatever_else_an_address_holds() {
        let table = [
            ("https://crm.example", "crm.example"),
            ("https://CRM.example/base?x#y", "crm.example"),
            ("https://user:key@crm.example:8443/", "crm.example:8443"),
            ("http://127.0.0.1:3000", "this machine"),
            ("http://localhost:3000/", "this machine"),
            ("http://[::1]:3000", "this machine"),
            ("http://[2001:db8::1]:80", "[2001:db8::1]:80"),
            ("https://localhost.example", "localhost.example"),
        ];
        for (url, expected) in table {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
