//! The files of a project as they were at a git revision.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use migr_source::{System, SystemError};

use crate::fault::Fault;
use crate::trusted::LARGEST_SPEC;

/// A folder at a revision; git is asked for every file.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    folder: PathBuf,
    name: String,
}

impl Revision {
    /// The folder as it was at `name`, which git must know.
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Self, Fault> {
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
        let revision = Self { folder, name: name.to_owned() };
        revision
            .git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])
            .map_err(|reason| {
                let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                Fault::usage(format!("git knows no revision `{name}` here{reason}"))
            })?;
        Ok(revision)
    }

    fn git(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let output = Command::new("git").arg("-C").arg(&self.folder).args(arguments).output();
        let output = output.map_err(|error| format!("git cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    fn object(&self, path: &str) -> String {
        format!("{}:./{path}", self.name)
    }
}

impl System for Revision {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        let failed = |reason: String| SystemError { path: path.to_owned(), reason };
        let bytes = self.git(&["show", "--end-of-options", &self.object(path)]).map_err(failed)?;
        // The same bound as for a file on disk.
        if bytes.len() as u64 > LARGEST_SPEC {
            return Err(failed(format!("it is larger than the {} MiB that such a file may have", LARGEST_SPEC >> 20)));
        }
        let text = crate::disk::text(bytes).map_err(failed)?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).into())
    }

    fn migr_files(&self, folder: &str) -> Result<Vec<String>, SystemError> {
        let failed = |reason: String| SystemError { path: folder.to_owned(), reason };
        let below = if folder.is_empty() { "./".to_owned() } else { format!("./{folder}/") };
        let listed = self.git(&["ls-tree", "-z", "--name-only", &self.name, "--", &below]).map_err(failed)?;
        let listed = String::from_utf8_lossy(&listed);
        let is_migr = |path: &&str| Path::new(path).extension().is_some_and(|extension| extension == "migr");
        let mut files: Vec<String> = listed.split('\0').filter(is_migr).map(str::to_owned).collect();
        files.sort();
        Ok(files)
    }

    fn exists(&self, path: &str) -> bool {
        self.git(&["cat-file", "-e", &self.object(path)]).is_ok()
    }
}
