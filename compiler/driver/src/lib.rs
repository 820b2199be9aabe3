#![doc = include_str!("../README.md")]

mod allows;
mod library;
mod load;

use std::fmt;

use migr_check::Spec;
use migr_diagnostics::{Diagnostic, Diagnostics, apply_allows};
use migr_plan::Plan;
use migr_source::{SourceMap, System};

pub use library::library;

/// What is compiled.
#[derive(Clone, Copy)]
pub struct Project<'a> {
    /// How files are reached; the empty path is the project's folder.
    pub system: &'a dyn System,
    /// One file instead of every `.migr` file of the folder.
    pub entry: Option<&'a str>,
    /// The destination, where the spec names several; the first otherwise.
    pub destination: Option<&'a str>,
}

impl fmt::Debug for Project<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project")
            .field("entry", &self.entry)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Compilation {
    /// The files read.
    pub sources: SourceMap,
    /// Every finding, sorted by file, place and code, none twice.
    pub diagnostics: Vec<Diagnostic>,
    /// The checked program: there if no error was found and the files hold a migration.
    pub spec: Option<Spec>,
    /// What it will do: there if `spec` is and its references can be ordered.
    pub plan: Option<Plan>,
}

/// Compiles a project: reads its files, parses, checks and lowers them. No finding hides another.
pub fn compile(project: &Project<'_>) -> Compilation {
    let mut diagnostics = Diagnostics::default();
    let loaded = load::load(project, &mut diagnostics);
    let spec =
        migr_check::check(&loaded.asts, project.destination, &mut diagnostics).filter(|_| !diagnostics.has_errors());
    let plan = spec.as_ref().and_then(|spec| migr_lower::lower(spec, &loaded.sources, &mut diagnostics));
    let allows: Vec<_> = loaded.asts.iter().flat_map(allows::allows).collect();
    let mut shown = Diagnostics::default();
    shown.extend(apply_allows(diagnostics.into_sorted(&loaded.sources), &allows));
    Compilation { diagnostics: shown.into_sorted(&loaded.sources), sources: loaded.sources, spec, plan }
}
