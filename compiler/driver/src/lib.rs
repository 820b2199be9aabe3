#![doc = include_str!("../README.md")]

mod allows;
mod environment;
mod library;
mod load;
mod tests_of;
mod unseen;

use std::sync::Arc;

use migr_check::{CheckOptions, Spec};
use migr_diagnostics::{Accepted, Allow, Code, Diagnostic, Diagnostics, Severity, apply_allows};
use migr_plan::lock::LockError;
use migr_plan::{Lock, Plan, Test};
use migr_source::{SourceMap, System};

use crate::load::Loaded;

pub use environment::EnvironmentVariable;
pub use library::library;
pub use migr_check::ServedOptions;

/// Findings of one program that are shown.
const MOST_FINDINGS: usize = 2_000;

/// Project that is to be compiled.
#[derive(Clone)]
pub struct Project<'a> {
    /// Access to files; the project's folder is the empty path.
    pub system: &'a dyn System,
    /// One file in place of the whole folder.
    pub entry: Option<&'a str>,
    /// The destination's name (`--to NAME`); the first one where absent.
    pub destination: Option<&'a str>,
    /// The text of the lock file, for counts.
    pub lock: Option<Arc<str>>,
}

impl std::fmt::Debug for Project<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Project")
            .field("entry", &self.entry)
            .field("destination", &self.destination)
            .field("has_lock", &self.lock.is_some())
            .finish_non_exhaustive()
    }
}

/// Result of a compilation.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// Every file that was read, the library's too.
    pub sources: SourceMap,
    /// Findings by file, place and code; each once, without those that the spec accepts.
    pub diagnostics: Vec<Diagnostic>,
    /// Findings that the spec accepts, each with its reason.
    pub accepted: Vec<Accepted>,
    /// Codes and names of findings that stop check, audit and run; `warnings` for all.
    pub denied: Vec<String>,
    /// The plan; there is one exactly where the program has a migration and no error was found.
    pub plan: Option<Plan>,
    /// The checked program, under the same condition.
    pub spec: Option<Spec>,
    /// Variables of the environment that its destinations read, all of them, in order of name.
    pub environment: Vec<EnvironmentVariable>,
    /// The program's own tests, under the same condition.
    pub tests: Vec<Test>,
}

impl Compilation {
    /// True where an error was found.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|one| one.severity() == Severity::Error)
    }

    /// True where a finding stops by `deny`.
    pub fn is_denied(&self, diagnostic: &Diagnostic) -> bool {
        self.denied.iter().any(|denied| {
            denied == "warnings" && diagnostic.severity() == Severity::Warning
                || Code::find(denied) == Some(diagnostic.code)
        })
    }
}

/// Compiles a project: loads and parses its files and what they use, checks them, lowers the spec to a plan, and counts by the lock. What the lock says of the
/// destination's options is known.
pub fn compile(project: &Project<'_>) -> Compilation {
    compile_by(project, None)
}

/// Compiles a project as [`compile`] does, with what is known of the destination's options from elsewhere than its lock.
pub fn compile_serving(project: &Project<'_>, served: ServedOptions<'_>) -> Compilation {
    compile_by(project, Some(served))
}

fn compile_by(project: &Project<'_>, served: Option<ServedOptions<'_>>) -> Compilation {
    let mut diagnostics = Diagnostics::default();
    let (lock, unread) = match project.lock.as_deref().map(read_lock) {
        Some(Ok(lock)) => (Some(lock), None),
        Some(Err(unread)) => (None, Some(unread)),
        None => (None, None),
    };
    let of_lock = lock.as_ref().and_then(|lock| lock.destination.as_ref()).map(ServedOptions::Known);
    let served = served.or(of_lock).unwrap_or_default();
    let Loaded { sources, asts, uses } = load::load(project.system, project.entry, &mut diagnostics);
    let is_whole_project = project.entry.is_none();
    let shipped: Vec<&str> =
        library().iter().filter_map(|(path, _)| path.strip_prefix("std/systems/")?.strip_suffix(".migr")).collect();
    let options =
        CheckOptions { destination: project.destination, is_whole_project, uses: &uses, shipped: &shipped, served };
    let spec = migr_check::check(&asts, options, &mut diagnostics).filter(|_| !diagnostics.has_errors());
    let comments = asts.iter().zip(sources.files()).flat_map(|(ast, (_, file))| allows::comments(ast, &file.text));
    let allows: Vec<Allow> = comments.chain(allows::entries(&asts)).collect();
    let denied = allows::denied(&asts).iter().map(|name| name.node.to_string()).collect();
    let homes = allows::Homes::gather(&asts);
    let environment = environment::variables(&asts);
    // The trees are most of what a large program takes; the plan is made where they were.
    drop(asts);
    diagnostics.extend(unread.map(|unread| *unread));
    if let (Some(spec), Some(lock)) = (&spec, &lock) {
        migr_check::check_lock(spec, lock, &mut diagnostics);
    }
    let plan = spec.as_ref().and_then(|spec| migr_lower::lower(spec, &sources, &mut diagnostics));
    let plan = plan.map(|plan| counted(plan, lock.as_ref()));
    if let (Some(spec), Some(plan), Some(lock)) = (&spec, &plan, &lock) {
        migr_check::check_automations(spec, plan, lock, &mut diagnostics);
    }
    let (mut diagnostics, accepted) = shown(diagnostics, &allows, &sources);
    allows::offer(&mut diagnostics, &homes, &sources);
    let plan = plan.map(|plan| with_accepted(plan, &accepted, &sources));
    let has_errors = diagnostics.iter().any(|one| one.severity() == Severity::Error);
    let spec = spec.filter(|_| !has_errors);
    Compilation {
        tests: spec.as_ref().map(|spec| tests_of::tests_of(spec, &sources)).unwrap_or_default(),
        plan: plan.filter(|_| !has_errors),
        spec,
        environment,
        sources,
        diagnostics,
        accepted,
        denied,
    }
}

fn read_lock(text: &str) -> Result<Lock, Box<Diagnostic>> {
    let unread = |error: LockError| Diagnostic {
        code: Code::E0601,
        message: error.to_string(),
        labels: Vec::new(),
        notes: Vec::new(),
        help: Some("run `migr audit` to make it anew".to_owned()),
        fix: None,
        related: Vec::new(),
    };
    Lock::from_json(text).map_err(|error| Box::new(unread(error)))
}

/// The plan with the lock's counts, where the lock is of this state of the program.
fn counted(mut plan: Plan, lock: Option<&Lock>) -> Plan {
    if let Some(lock) = lock {
        plan.inputs.lock = lock.hash().ok();
        plan.automations = migr_plan::lock::fired_by(&plan, lock);
        plan.undeclared = migr_plan::lock::undeclared(&plan, lock);
        migr_plan::lock::count(&mut plan, lock);
    }
    plan
}

/// The plan with the number of findings that each of its entries accepts by a code.
fn with_accepted(mut plan: Plan, accepted: &[Accepted], sources: &SourceMap) -> Plan {
    for one in accepted {
        let start = sources.start(one.by);
        let written = |entry: &&mut migr_plan::Acceptance| {
            entry.origin.file == sources.path(one.by)
                && (entry.origin.line, entry.origin.column) == (start.line, start.column)
                && entry.finding.eq_ignore_ascii_case(one.diagnostic.code.as_str())
        };
        if let Some(entry) = plan.accepted.iter_mut().find(written) {
            entry.found = Some(entry.found.unwrap_or(0) + 1);
        }
    }
    plan
}

/// Findings as they are shown, without what the spec accepts, sorted, each once; and those that it accepts.
fn shown(diagnostics: Diagnostics, allows: &[Allow], sources: &SourceMap) -> (Vec<Diagnostic>, Vec<Accepted>) {
    let found = diagnostics.into_sorted(sources);
    if allows.is_empty() {
        return (cut(found), Vec::new());
    }
    let (shown, accepted) = apply_allows(found, allows);
    let mut left = Diagnostics::default();
    left.extend(shown);
    (cut(left.into_sorted(sources)), accepted)
}

/// The first of very many findings, errors before warnings where both cannot be had, and one that counts the others.
fn cut(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let all = found.len();
    if all <= MOST_FINDINGS {
        return found;
    }
    let mut errors = found.iter().filter(|one| one.severity() == Severity::Error).count().min(MOST_FINDINGS);
    let mut warnings = MOST_FINDINGS - errors;
    let mut first_cut = None;
    let mut kept = Vec::with_capacity(MOST_FINDINGS + 1);
    for one in found {
        let left = if one.severity() == Severity::Error { &mut errors } else { &mut warnings };
        if *left > 0 {
            *left -= 1;
            kept.push(one);
        } else if first_cut.is_none() {
            first_cut = Some(one);
        }
    }
    kept.extend(first_cut.map(|one| Diagnostic {
        message: format!("there are {} more findings, from here on; {all} in all", all - MOST_FINDINGS),
        labels: one.labels.into_iter().take(1).collect(),
        notes: Vec::new(),
        help: Some("mend those that are listed first".to_owned()),
        fix: None,
        related: Vec::new(),
        code: one.code,
    }));
    kept
}
