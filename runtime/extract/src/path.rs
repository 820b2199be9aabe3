//! Path of a source file, with the state in which it was found.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::ExtractError;
use crate::watched::{Stand, Watched};

/// A file of the export, as it was when the export was opened.
#[derive(Debug)]
pub struct SourcePath {
    shown: String,
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
    hash: OnceLock<String>,
}

impl SourcePath {
    /// `relative` is inside `project`; a symbolic link on the way is refused, but for the export's own folder, where the project's owner made the link.
    pub(crate) fn new(project: &Path, relative: &Path) -> Result<Self, ExtractError> {
        let parts: Vec<String> = relative.components().map(|part| part.as_os_str().to_string_lossy().into()).collect();
        let shown = parts.join("/");
        let io = |source| ExtractError::Io { path: shown.clone(), source };
        let mut path = project.to_path_buf();
        for (at, part) in relative.components().enumerate() {
            path.push(part);
            let metadata = fs::symlink_metadata(&path).map_err(io)?;
            let may_be_linked = at == 0 && relative.components().nth(1).is_some() && is_of_owner(&metadata, project);
            if metadata.is_symlink() && !may_be_linked {
                let reason = "it is, or goes through, a symbolic link; put the file itself there".to_owned();
                return Err(ExtractError::Refused { path: shown, reason });
            }
        }
        let metadata = fs::metadata(&path).map_err(io)?;
        if !metadata.is_file() {
            return Err(ExtractError::Refused { path: shown, reason: "it is not a file".to_owned() });
        }
        Ok(Self { shown, path, bytes: metadata.len(), modified: modified(&metadata), hash: OnceLock::new() })
    }

    /// The path relative to the project, with `/`.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        self.shown.rsplit('/').next().unwrap_or_default()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length of the file when the export was opened, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// `blake3:` and the hash of its bytes; read once, then remembered.
    pub fn hash(&self) -> Result<&str, ExtractError> {
        if let Some(known) = self.hash.get() {
            return Ok(known);
        }
        let hash = self.compute()?;
        Ok(self.hash.get_or_init(|| hash))
    }

    /// True where the file is no longer what it was: another length, another hash where one was taken, else another
    /// time of change; or gone.
    pub fn changed(&self) -> Result<bool, ExtractError> {
        let metadata = match fs::symlink_metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(self.io(error)),
        };
        if metadata.len() != self.bytes || !metadata.is_file() {
            return Ok(true);
        }
        match self.hash.get() {
            Some(known) => Ok(self.compute()? != *known),
            None => Ok(modified(&metadata) != self.modified),
        }
    }

    /// Opens it for reading, for as long as it stands as it did when the export was opened.
    pub(crate) fn open(&self) -> io::Result<Watched> {
        Watched::open(&self.path, Stand { bytes: self.bytes, modified: self.modified })
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name() == name || self.shown.strip_suffix(name).is_some_and(|before| before.ends_with('/'))
    }

    pub(crate) fn is_json(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    }

    pub(crate) fn io(&self, source: io::Error) -> ExtractError {
        ExtractError::Io { path: self.shown.clone(), source }
    }

    fn compute(&self) -> Result<String, ExtractError> {
        let mut hasher = blake3::Hasher::new();
        let mut file = File::open(&self.path).map_err(|error| self.io(error))?;
        io::copy(&mut file, &mut hasher).map_err(|error| self.io(error))?;
        Ok(format!("blake3:{}", hasher.finalize().to_hex()))
    }
}

/// True where the owner of the project's folder owns this too.
#[cfg(unix)]
fn is_of_owner(metadata: &Metadata, project: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let project = if project.as_os_str().is_empty() { Path::new(".") } else { project };
    fs::metadata(project).is_ok_and(|project| project.uid() == metadata.uid())
}

/// True where the owner of the project's folder owns this too: not known on this system.
#[cfg(not(unix))]
fn is_of_owner(_metadata: &Metadata, _project: &Path) -> bool {
    false
}

fn modified(metadata: &Metadata) -> Option<SystemTime> {
    metadata.modified().ok()
}
