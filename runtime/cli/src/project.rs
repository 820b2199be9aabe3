//! Projects on disk: finding them, compiling them, and showing their files by the paths a person typed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Severity};
use migr_driver::{Compilation, EnvironmentVariable, ServedOptions, compile, compile_serving};
use migr_plan::{Lock, Plan};
use migr_source::{FileId, SourceMap, Span, System as _};

use crate::disk::Disk;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::revision::Revision;
use crate::trusted::{self, LARGEST_DOCUMENT};

/// A folder whose `.migr` files belong together, or one file of it.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The one file, where a file was named.
    pub(crate) entry: Option<String>,
}

impl Project {
    /// The project at a path that a person typed: a folder or a `.migr` file.
    pub(crate) fn at(path: &Path) -> Result<Self, Fault> {
        if path.is_dir() {
            trusted::check_kept(path)?;
            return Ok(Self { folder: path.to_owned(), entry: None });
        }
        if path.is_file() {
            let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
            trusted::check_kept(&folder)?;
            let entry = path.file_name().map(|name| name.to_string_lossy().into_owned());
            return Ok(Self { folder, entry });
        }
        Err(Fault::usage(format!("there is no file or folder `{}`", path.display())))
    }

    /// Compiles it for one of its destinations, with what its lock file says of the export and the destination.
    pub(crate) fn compile(&self, to: Option<&str>) -> Compilation {
        let lock = self.lock(to).is_file().then(|| self.lock_text(to));
        let compilation = self.compile_with(to, lock);
        if to.is_some() || !lack_options_alone(&compilation.diagnostics) {
            return compilation;
        }
        // An audit of the same destination that named it with `--to` kept what it found under that name.
        let served = self.named_locks().into_iter().filter_map(|lock| lock.destination);
        let known = served.map(|served| self.compile_serving(to, ServedOptions::Known(&served)));
        known.into_iter().find(|known| !lack_options_alone(&known.diagnostics)).unwrap_or(compilation)
    }

    /// Findings of an audit; none where there is no lock that can be read.
    pub(crate) fn found_lock(&self, to: Option<&str>) -> Option<Lock> {
        self.lock(to).is_file().then(|| Lock::from_json(&self.lock_text(to)).ok()).flatten()
    }

    /// Locks of destinations that were named with `--to`, in order of name.
    fn named_locks(&self) -> Vec<Lock> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let files: BTreeSet<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let names = files.iter().filter_map(|file| file.strip_prefix("migr.")?.strip_suffix(".lock"));
        names.filter_map(|name| self.found_lock(Some(name))).collect()
    }

    /// The text of its lock; what cannot be read is none of a lock, and told as that.
    fn lock_text(&self, to: Option<&str>) -> Arc<str> {
        let name = self.lock(to).file_name().map(PathBuf::from).unwrap_or_default();
        let bytes = trusted::read(&self.folder, &name, LARGEST_DOCUMENT).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default().into()
    }

    /// Compiles it for one of its destinations, with a lock file's text or none.
    pub(crate) fn compile_with(&self, to: Option<&str>, lock: Option<Arc<str>>) -> Compilation {
        let disk = Disk::new(&self.folder);
        compile(&migr_driver::Project { system: &disk, entry: self.entry.as_deref(), destination: to, lock })
    }

    /// Plan of the project as it is carried out, by what is known of the destination's options; or every finding that keeps it from having one.
    pub(crate) fn plan_serving(
        &self,
        to: Option<&str>,
        served: ServedOptions<'_>,
    ) -> Result<(Plan, Findings), Box<Findings>> {
        self.planned(self.compile_serving(to, served))
    }

    fn compile_serving(&self, to: Option<&str>, served: ServedOptions<'_>) -> Compilation {
        let (system, entry) = (&Disk::new(&self.folder), self.entry.as_deref());
        compile_serving(&migr_driver::Project { system, entry, destination: to, lock: None }, served)
    }

    /// Compiles it as it is carried out: of its lock counts only what the destination's options are.
    pub(crate) fn compile_uncounted(&self, to: Option<&str>) -> Compilation {
        let lock = self.found_lock(to);
        let served = lock.as_ref().and_then(|lock| lock.destination.as_ref());
        self.compile_serving(to, served.map_or(ServedOptions::Unasked, ServedOptions::Known))
    }

    /// Compiles it as it was at a git revision, for one of its destinations.
    pub(crate) fn compile_at(&self, revision: &str, to: Option<&str>) -> Result<Compilation, Fault> {
        let files = Revision::new(&self.folder, revision)?;
        let lock = files.read(&Self::lock_name(to)).ok();
        Ok(compile(&migr_driver::Project { system: &files, entry: self.entry.as_deref(), destination: to, lock }))
    }

    /// Plan of the project as it was at a git revision, or every finding that keeps it from having one.
    pub(crate) fn plan_at(
        &self,
        revision: &str,
        to: Option<&str>,
    ) -> Result<Result<(Plan, Findings), Box<Findings>>, Fault> {
        Ok(self.planned(self.compile_at(revision, to)?))
    }

    /// `migr.lock`, or `migr.NAME.lock` for a destination named with `--to`.
    pub(crate) fn lock(&self, to: Option<&str>) -> PathBuf {
        self.folder.join(Self::lock_name(to))
    }

    /// `migr.approval`, or `migr.NAME.approval` for a destination named with `--to`.
    pub(crate) fn approval(&self, to: Option<&str>) -> PathBuf {
        self.folder.join(to.map_or_else(|| "migr.approval".to_owned(), |name| format!("migr.{name}.approval")))
    }

    fn lock_name(to: Option<&str>) -> String {
        to.map_or_else(|| "migr.lock".to_owned(), |name| format!("migr.{name}.lock"))
    }

    /// Plan of the project with the counts of its lock file, or every finding that keeps it from having one.
    pub(crate) fn counted_plan(&self, to: Option<&str>) -> Result<(Plan, Findings), Box<Findings>> {
        self.planned(self.compile(to))
    }

    /// Plan of the project as it is carried out, without counts; or every finding that keeps it from having one.
    pub(crate) fn plan(&self, to: Option<&str>) -> Result<(Plan, Findings), Box<Findings>> {
        self.planned(self.compile_uncounted(to))
    }

    fn planned(&self, mut compilation: Compilation) -> Result<(Plan, Findings), Box<Findings>> {
        let plan = compilation.plan.take();
        let mut findings = Findings::default();
        findings.add(&self.folder, compilation);
        match plan.filter(|_| !findings.stops()) {
            Some(plan) => Ok((plan, findings)),
            None => Err(Box::new(findings)),
        }
    }

    /// The folder for what migr keeps of a project: journal, sandbox, reports.
    pub(crate) fn state_folder(&self) -> PathBuf {
        self.folder.join(".migr")
    }
}

/// The findings of one or more projects over one source map, files named as a person would type them.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The files.
    pub(crate) sources: SourceMap,
    /// Findings, in order of file and place within each project.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Findings that a spec's `deny` stops.
    denied: HashSet<Diagnostic>,
    /// Variables of the environment that the projects read.
    pub(crate) environment: BTreeSet<EnvironmentVariable>,
    /// Findings of several projects; one project has none twice.
    seen: HashSet<Diagnostic>,
}

impl Findings {
    /// Adds a project's findings. A file that was there already is not added again, nor is what was found in it.
    pub(crate) fn add(&mut self, folder: &Path, compilation: Compilation) {
        let is_first = self.sources.files().next().is_none();
        if !is_first && self.seen.is_empty() {
            self.seen.extend(self.diagnostics.iter().cloned());
        }
        let mut ids = BTreeMap::new();
        for (id, file) in compilation.sources.files() {
            let path =
                if file.path.starts_with("std/") { file.path.to_string() } else { shown(&folder.join(&*file.path)) };
            let here = self.sources.find(&path).unwrap_or_else(|| self.sources.add(path, file.text.clone()));
            ids.insert(id, here);
        }
        self.environment.extend(compilation.environment.iter().cloned());
        let denied: Vec<bool> = compilation.diagnostics.iter().map(|one| compilation.is_denied(one)).collect();
        for (mut diagnostic, is_denied) in compilation.diagnostics.into_iter().zip(denied) {
            move_spans(&mut diagnostic, &ids);
            if is_denied {
                self.denied.insert(diagnostic.clone());
            }
            if is_first || self.seen.insert(diagnostic.clone()) {
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// Leaves out what `base` has too: as many findings of one code, file and message as it has, wherever they stand by now.
    pub(crate) fn without(&mut self, base: &Self) {
        let name = |findings: &Self, one: &Diagnostic| {
            let path = one.span().map_or_else(String::new, |span| findings.sources.path(span).to_owned());
            (one.code, path, one.message.clone())
        };
        let mut known = BTreeMap::new();
        for one in &base.diagnostics {
            *known.entry(name(base, one)).or_insert(0_usize) += 1;
        }
        let mut new = std::mem::take(&mut self.diagnostics);
        new.retain(|one| match known.get_mut(&name(self, one)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        });
        self.diagnostics = new;
    }

    /// True where every error is an option that nobody here knows: the destination may have it.
    pub(crate) fn lack_options_alone(&self) -> bool {
        lack_options_alone(&self.diagnostics)
    }

    /// Number of findings of a severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity() == severity).count()
    }

    /// True where a finding is one that the spec's `deny` stops.
    pub(crate) fn stops(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| self.denied.contains(diagnostic))
    }

    /// Done, or findings: errors, and warnings where they are denied.
    pub(crate) fn exit(&self, deny_warnings: bool) -> Exit {
        let bad = self.count(Severity::Error) > 0 || deny_warnings && self.count(Severity::Warning) > 0 || self.stops();
        if bad { Exit::Findings } else { Exit::Done }
    }
}

fn lack_options_alone(found: &[Diagnostic]) -> bool {
    let mut errors = found.iter().filter(|one| one.severity() == Severity::Error).peekable();
    errors.peek().is_some() && errors.all(|one| one.code == Code::E0305)
}

fn move_spans(diagnostic: &mut Diagnostic, ids: &BTreeMap<FileId, FileId>) {
    let moved = |span: Span| Span { file: ids.get(&span.file).copied().unwrap_or(span.file), ..span };
    for label in &mut diagnostic.labels {
        label.span = moved(label.span);
    }
    for edit in diagnostic.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
        edit.span = moved(edit.span);
    }
    for related in &mut diagnostic.related {
        move_spans(related, ids);
    }
}

/// A path with `/`, without a leading `./`.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

/// The projects at or below a path: the path itself where it is a file or holds `.migr` files, else every folder below that does.
pub(crate) fn projects_below(path: &Path) -> Result<Vec<Project>, Fault> {
    let first = Project::at(path)?;
    if first.entry.is_some() {
        return Ok(vec![first]);
    }
    let mut folders: Vec<PathBuf> =
        migr_files_below(path)?.iter().filter_map(|file| file.parent()).map(Path::to_owned).collect();
    folders.dedup();
    if folders.is_empty() {
        return Err(Fault::usage(format!("there is no `.migr` file in `{}`", path.display()))
            .with_help("name a project's folder; `examples/` of the repository holds one to look at"));
    }
    folders.iter().map(|folder| Project::at(folder)).collect()
}

/// Every `.migr` file at or below a folder, sorted; hidden folders and `target` are left out.
pub(crate) fn migr_files_below(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let failed = |error: std::io::Error| Fault::failed(format!("cannot read the folder {}: {error}", folder.display()));
    let mut entries: Vec<_> = std::fs::read_dir(folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    let (mut files, mut below) = (Vec::new(), Vec::new());
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() && !name.starts_with('.') && name != "target" {
            below.extend(migr_files_below(&entry.path())?);
        } else if !kind.is_dir() && Path::new(&name).extension().is_some_and(|extension| extension == "migr") {
            files.push(entry.path());
        }
    }
    files.extend(below);
    Ok(files)
}
