//! What is measured on: exports and programs, made once and kept by size and seed in the system's temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fault::Fault;
use crate::{program, transforming};

const SEED: u64 = 42;

/// Where inputs are kept.
fn kept() -> PathBuf {
    std::env::temp_dir().join("migr-bench")
}

/// A project of so many maps.
pub(crate) fn program(maps: u64) -> Result<PathBuf, Fault> {
    made(&format!("program-{maps}"), |folder| program::generate(maps, folder))
}

/// An export of so many contacts, with their owners and companies.
pub(crate) fn export(contacts: u64) -> Result<PathBuf, Fault> {
    made(&format!("export-{contacts}-{SEED}"), |folder| generated(folder, contacts, Some("owners,companies,contacts")))
}

/// An export of so many contacts with everything that belongs to them.
pub(crate) fn whole_export(contacts: u64) -> Result<PathBuf, Fault> {
    made(&format!("whole-{contacts}-{SEED}"), |folder| generated(folder, contacts, None))
}

fn generated(folder: &Path, contacts: u64, tables: Option<&str>) -> Result<(), Fault> {
    let generator = Path::new(env!("CARGO_MANIFEST_DIR")).join("generate_export.py");
    let mut command = Command::new("python3");
    command.arg(&generator).arg("--out").arg(folder);
    command.args(["--contacts", &contacts.to_string(), "--seed", &SEED.to_string(), "--variants", "0"]);
    if let Some(tables) = tables {
        command.args(["--tables", tables]);
    }
    let ended = command.stdout(Stdio::null()).status().map_err(|error| Fault::of("python3", error))?;
    if ended.success() { Ok(()) } else { Err(Fault::of(generator.display(), ended)) }
}

/// Lines of NDJSON to load, as the transform writes them.
pub(crate) fn people(records: u64) -> Result<PathBuf, Fault> {
    let export = export(records)?;
    let folder = made(&format!("people-{records}-{SEED}"), |folder| {
        fs::create_dir_all(folder).map_err(|error| Fault::of(folder.display(), error))?;
        transforming::transform(&export, &folder.join("people.ndjson")).map(drop)
    })?;
    Ok(folder.join("people.ndjson"))
}

/// A file that may be overwritten.
pub(crate) fn output() -> Result<PathBuf, Fault> {
    let folder = kept();
    fs::create_dir_all(&folder).map_err(|error| Fault::of(folder.display(), error))?;
    Ok(folder.join("output.ndjson"))
}

/// A folder that is whole: what is half made carries another name.
fn made(name: &str, make: impl FnOnce(&Path) -> Result<(), Fault>) -> Result<PathBuf, Fault> {
    let folder = kept().join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let half = kept().join(format!("{name}.{}", std::process::id()));
    let failed = |error| Fault::of(half.display(), error);
    fs::create_dir_all(kept()).map_err(failed)?;
    make(&half)?;
    if fs::rename(&half, &folder).is_err() && !folder.is_dir() {
        return Err(Fault::new(format!("{} could not be moved to {}", half.display(), folder.display())));
    }
    Ok(folder)
}
