//! Export: the files of the source objects, found by the plan's patterns.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};
use migr_diagnostics::nearest;
use migr_plan::{Plan, SourceObject};

use crate::usage::Usage;
use crate::{ExtractError, Records, SourcePath, json, places, scan};

const MATCH: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The files of a plan's source.
#[derive(Debug)]
pub struct Export {
    objects: Vec<SourceObject>,
    usage: Usage,
    /// The folder that holds the export: the pattern up to its first wildcard.
    folder: PathBuf,
    files: Vec<SourcePath>,
    /// Object → position in `files`.
    claims: BTreeMap<String, usize>,
    unclaimed: Vec<usize>,
}

impl Export {
    /// Finds the plan's files under the project's folder. A file that the migration reads and that is not there is an error.
    pub fn open(plan: &Plan, project: &Path) -> Result<Self, ExtractError> {
        let pattern = plan.source.files.as_str();
        let literal = literal_folder(pattern)?;
        let folder = project.join(&literal);
        let mut files = matches(pattern, project)?;
        let mut claims = BTreeMap::new();
        for object in &plan.source.objects {
            let Some(name) = object.file.as_deref() else { continue };
            let mut named = files.iter().enumerate().filter(|(_, file)| file.is_named(name));
            let found = named.next().map(|(at, _)| at);
            if let (Some(first), Some((second, _))) = (found, named.next()) {
                let shown = |at: usize| files.get(at).map_or_else(String::new, |file| file.shown().to_owned());
                return Err(ExtractError::AmbiguousFile {
                    object: object.name.clone(),
                    file: name.to_owned(),
                    first: shown(first),
                    second: shown(second),
                });
            }
            let beside = project.join(&literal).join(name);
            if let Some(at) = found {
                claims.insert(object.name.clone(), at);
            } else if stays_inside(name) && beside.exists() {
                // A reference such as `workflows.json` need not match the pattern of the records.
                claims.insert(object.name.clone(), files.len());
                files.push(SourcePath::new(project, &literal.join(name))?);
            } else if !(object.optional || object.reference_only || object.dropped.is_some()) {
                let others: Vec<String> = files.iter().map(|file| file.name().to_owned()).collect();
                return Err(ExtractError::MissingFile {
                    object: object.name.clone(),
                    file: name.to_owned(),
                    pattern: pattern.to_owned(),
                    near: nearest(name, others.iter().map(String::as_str)).map(ToOwned::to_owned),
                });
            }
        }
        let dropped: Vec<Pattern> =
            plan.source.dropped_files.iter().filter_map(|rule| Pattern::new(&rule.pattern).ok()).collect();
        let unclaimed = files
            .iter()
            .enumerate()
            .filter(|(at, file)| {
                !claims.values().any(|claimed| claimed == at)
                    && !dropped.iter().any(|rule| rule.matches(file.name()) || rule.matches(file.shown()))
            })
            .map(|(at, _)| at)
            .collect();
        Ok(Self { objects: plan.source.objects.clone(), usage: Usage::of(plan), folder, files, claims, unclaimed })
    }

    /// The records of an object; the header is checked first.
    pub fn records(&self, object: &str) -> Result<Records, ExtractError> {
        let missing = || ExtractError::NoFile { object: object.to_owned() };
        let declared = self.objects.iter().find(|declared| declared.name == object).ok_or_else(missing)?;
        let file = self.file(object).ok_or_else(missing)?;
        if file.is_json() {
            let reason = format!("{object} is JSON, which is kept as a reference and not read record by record");
            return Err(ExtractError::Json { file: file.shown().to_owned(), line: 1, reason });
        }
        let mut records = Records::open(file, declared, &self.usage)?;
        let claims = |other: &&SourceObject| {
            other.name != declared.name && self.claims.get(&other.name) == self.claims.get(object)
        };
        for other in self.objects.iter().filter(claims) {
            records.are_declared_by(other);
        }
        Ok(records)
    }

    /// Where cells stand: for each record, by its line, and each column, by its position in `SourceObject.columns`, the 1-based character of the line at which
    /// the cell begins. None where the file lacks the column, or where the cell begins on a later line of its record. The file is read up to the last line that
    /// is asked for.
    pub fn cell_starts(&self, object: &str, wanted: &[(u64, usize)]) -> Result<Vec<Option<u32>>, ExtractError> {
        let records = self.records(object)?;
        let file = self.file(object).ok_or_else(|| ExtractError::NoFile { object: object.to_owned() })?;
        let places = wanted.iter().map(|(line, column)| Some((*line, records.position(*column)?)));
        let places: Vec<Option<(u64, usize)>> = places.collect();
        let mut lines: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (line, cell) in places.iter().flatten() {
            lines.entry(*line).or_default().push(*cell);
        }
        let (input, _) = file.open().and_then(scan::open).map_err(|error| file.io(error))?;
        let found = places::cell_starts(input, &lines).map_err(|error| file.io(error))?;
        Ok(places.iter().map(|place| found.get(place.as_ref()?).copied()).collect())
    }

    /// Number of elements in a JSON file of an object; for what is only kept as a reference.
    pub fn json_count(&self, object: &str) -> Result<u64, ExtractError> {
        let file = self.file(object).ok_or_else(|| ExtractError::NoFile { object: object.to_owned() })?;
        json::count(file)
    }

    /// The elements of an object's JSON file, as they are; for what is only kept as a reference.
    pub fn json_elements(&self, object: &str) -> Result<Vec<serde_json::Value>, ExtractError> {
        let file = self.file(object).ok_or_else(|| ExtractError::NoFile { object: object.to_owned() })?;
        json::elements(file)
    }

    /// The file of an object; none where an optional one is absent.
    pub fn file(&self, object: &str) -> Option<&SourcePath> {
        self.claims.get(object).and_then(|at| self.files.get(*at))
    }

    /// Every file that the pattern matches or an object claims, sorted by path within each of the two.
    pub fn files(&self) -> impl Iterator<Item = &SourcePath> {
        self.files.iter()
    }

    /// The files that no object claims and no `drop file` names.
    pub fn unclaimed(&self) -> impl Iterator<Item = &SourcePath> {
        self.unclaimed.iter().filter_map(|at| self.files.get(*at))
    }

    /// The file that a `file` cell names, inside the export's folder.
    pub fn attachment(&self, path: &str) -> Result<PathBuf, ExtractError> {
        let path = path.trim();
        let missing = || ExtractError::MissingAttachment { path: path.to_owned() };
        let found = match self.attached(path) {
            Err(ExtractError::MissingAttachment { .. }) if path.contains('\\') => {
                self.attached(&path.replace('\\', "/"))
            }
            found => found,
        };
        found.map_err(|error| match error {
            ExtractError::MissingAttachment { .. } => missing(),
            other => other,
        })
    }

    fn attached(&self, path: &str) -> Result<PathBuf, ExtractError> {
        let refused = |reason: &str| ExtractError::Refused { path: path.to_owned(), reason: reason.to_owned() };
        if path.is_empty() || !stays_inside(path) || names_a_drive(path) {
            return Err(refused("it leads out of the export's folder"));
        }
        let missing = |_| ExtractError::MissingAttachment { path: path.to_owned() };
        let mut found = self.folder.clone();
        for part in Path::new(path).components() {
            found.push(part);
            if fs::symlink_metadata(&found).map_err(missing)?.is_symlink() {
                return Err(refused("it goes through a symbolic link"));
            }
        }
        if fs::metadata(&found).map_err(missing)?.is_file() { Ok(found) } else { Err(refused("it is not a file")) }
    }
}

/// True where a relative path has only plain parts.
fn stays_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && !path.contains('\0')
}

/// True where a path begins with the letter of a drive, or with the name of another computer, as on Windows.
fn names_a_drive(path: &str) -> bool {
    let mut letters = path.bytes();
    let drive = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && letters.next() == Some(b':');
    drive || path.starts_with('\\')
}

/// The part of a pattern before its first wildcard, as a folder.
fn literal_folder(pattern: &str) -> Result<PathBuf, ExtractError> {
    if !stays_inside(pattern) {
        let reason = "it leads out of the project's folder; it must be relative, without `..`".to_owned();
        return Err(ExtractError::Pattern { pattern: pattern.to_owned(), reason });
    }
    let is_plain = |part: &&str| !part.contains(['*', '?', '[']);
    let parts: Vec<&str> = pattern.split('/').collect();
    let folders = parts.split_last().map_or(&[] as &[&str], |(_, folders)| folders);
    Ok(folders.iter().take_while(|part| is_plain(part)).filter(|part| !matches!(**part, "" | ".")).collect())
}

fn matches(pattern: &str, project: &Path) -> Result<Vec<SourcePath>, ExtractError> {
    let unusable = |reason: String| ExtractError::Pattern { pattern: pattern.to_owned(), reason };
    let root = project.to_str().ok_or_else(|| unusable("the project's path is not UTF-8".to_owned()))?;
    let root = if root.is_empty() { "." } else { root };
    let pattern_inside = pattern.trim_start_matches("./");
    let wanted = Pattern::new(pattern_inside).map_err(|error| unusable(error.to_string()))?;
    let whole = format!("{}/{pattern_inside}", Pattern::escape(root));
    let mut found = not_utf8(&wanted, project, &literal_folder(pattern)?);
    // The walk itself panics at a name that is not UTF-8 where it is to look for leading dots.
    let walk = MatchOptions { require_literal_leading_dot: false, ..MATCH };
    for path in glob::glob_with(&whole, walk).map_err(|error| unusable(error.to_string()))? {
        let path = path.map_err(|error| ExtractError::Io {
            path: pattern.to_owned(),
            source: io::Error::new(error.error().kind(), error.error().to_string()),
        })?;
        let relative = path.strip_prefix(root).unwrap_or(&path);
        if wanted.matches_path_with(relative, MATCH) && (!path.is_dir() || path.is_symlink()) {
            found.push(relative.to_path_buf());
        }
    }
    let mut files = found.iter().map(|relative| SourcePath::new(project, relative)).collect::<Result<Vec<_>, _>>()?;
    files.sort_by(|a, b| a.shown().cmp(b.shown()));
    Ok(files)
}

/// Files of the export's folder whose names are not UTF-8: no object can claim one, so that it is told as a file that nothing reads.
fn not_utf8(wanted: &Pattern, project: &Path, folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(project.join(folder)).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_str().is_none())
        .map(|entry| folder.join(entry.file_name()))
        .filter(|relative| wanted.matches_with(&relative.to_string_lossy(), MATCH) && project.join(relative).is_file())
        .collect()
}
