use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use migr_driver::{Compilation, Project, compile};
use migr_source::{System, SystemError};

use crate::fault::Fault;

/// Compiles the project in a folder and shows what was found. The number of its maps.
pub(crate) fn check(folder: &Path) -> Result<u64, Fault> {
    let compilation = compiled(folder)?;
    Ok(stages(&compilation))
}

/// The same, with the plan in its JSON form and its hash. The number of its maps.
pub(crate) fn plan(folder: &Path) -> Result<u64, Fault> {
    let compilation = compiled(folder)?;
    let plan = compilation.plan.as_ref().ok_or_else(|| Fault::new("there is no plan"))?;
    let json = plan.to_json().map_err(|error| Fault::of("the plan's JSON", error))?;
    std::hint::black_box(json);
    Ok(stages(&compilation))
}

fn stages(compilation: &Compilation) -> u64 {
    compilation.plan.as_ref().map_or(0, |plan| u64::try_from(plan.stages.len()).unwrap_or_default())
}

fn compiled(folder: &Path) -> Result<Compilation, Fault> {
    let disk = Disk(folder.to_owned());
    without_errors(compile(&Project { system: &disk, entry: None, destination: None, lock: None }))
}

/// A compilation that found no error; else what it found.
pub(crate) fn without_errors(compilation: Compilation) -> Result<Compilation, Fault> {
    if !compilation.has_errors() {
        return Ok(compilation);
    }
    let mut text = String::from("the program has errors");
    for diagnostic in compilation.diagnostics.iter().take(5) {
        let _ = write!(text, "\n{}: {}", diagnostic.code.as_str(), diagnostic.message);
    }
    Err(Fault::new(text))
}

/// The files of a project's folder.
struct Disk(PathBuf);

impl System for Disk {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        let text = fs::read_to_string(self.0.join(path));
        text.map(Into::into).map_err(|error| SystemError { path: path.to_owned(), reason: error.to_string() })
    }

    fn migr_files(&self, folder: &str) -> Result<Vec<String>, SystemError> {
        let failed = |error: std::io::Error| SystemError { path: folder.to_owned(), reason: error.to_string() };
        let mut files = Vec::new();
        for entry in fs::read_dir(self.0.join(folder)).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "migr")
                && let Some(name) = path.file_name().and_then(|name| name.to_str())
            {
                files.push(if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") });
            }
        }
        files.sort();
        Ok(files)
    }

    fn exists(&self, path: &str) -> bool {
        self.0.join(path).is_file()
    }
}
