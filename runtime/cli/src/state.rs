//! State of a project below `.migr/`: for each destination a folder with its journal; and the destination last worked
//! with.

use std::path::{Path, PathBuf};

use migr_journal::{JournalError, Reader};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::Project;
use crate::trusted;

/// The name under which the embedded sandbox's journal is kept.
const SANDBOX: &str = "sandbox";

/// The state kept for one destination of a project.
#[derive(Clone, Debug)]
pub(crate) struct State {
    root: PathBuf,
    name: String,
}

impl State {
    /// The state of the embedded sandbox.
    pub(crate) fn of_sandbox(project: &Project) -> Self {
        Self { root: project.state_folder(), name: SANDBOX.to_owned() }
    }

    /// The state of a destination by its name in the plan. `~` keeps a destination called `sandbox` apart from the sandbox.
    pub(crate) fn of_destination(project: &Project, name: &str) -> Self {
        let name = if name == SANDBOX { format!("{name}~") } else { name.to_owned() };
        Self { root: project.state_folder(), name }
    }

    /// The state that a command without a destination means: the named one, the sandbox where asked for, else the one last worked with.
    pub(crate) fn meant(project: &Project, to: Option<&str>, sandbox: bool) -> Result<Self, Fault> {
        if sandbox {
            return Ok(Self::of_sandbox(project));
        }
        if let Some(name) = to {
            if !trusted::is_plain_name(name) {
                return Err(Fault::usage(format!("`{name}` is no name of a destination")));
            }
            return Ok(Self::of_destination(project, name));
        }
        let root = project.state_folder();
        let name = std::fs::read_to_string(root.join("last")).map_err(|_| {
            Fault::usage(format!("nothing was carried out yet in `{}`", project.folder.display()))
                .with_help("`migr run --sandbox` rehearses the migration without touching a real system")
        })?;
        let name = name.trim();
        if !trusted::is_plain_name(name) {
            return Err(Fault::usage(format!("{} names no destination", root.join("last").display()))
                .with_help("remove it, or name a destination with `--to`"));
        }
        Ok(Self { root, name: name.to_owned() })
    }

    /// Notes that this state was last worked with.
    pub(crate) fn note_as_last(&self) -> Result<(), Fault> {
        self.keep_from_git()?;
        crate::files::replace_private(&self.root.join("last"), format!("{}\n", self.name).as_bytes())
    }

    /// Keeps git away from all of it.
    pub(crate) fn keep_from_git(&self) -> Result<(), Fault> {
        let ignore = self.root.join(".gitignore");
        if ignore.exists() { Ok(()) } else { crate::files::replace_private(&ignore, b"*\n") }
    }

    /// Removes it where nothing was kept in it, so that a project in which nothing was carried out stays as it was.
    pub(crate) fn forget(&self) {
        let _ = std::fs::remove_dir(self.folder());
        let is_bare = std::fs::read_dir(&self.root).is_ok_and(|entries| entries.count() == 1);
        if is_bare && std::fs::remove_file(self.root.join(".gitignore")).is_ok() {
            let _ = std::fs::remove_dir(&self.root);
        }
    }

    /// True where the state is the sandbox's.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.name == SANDBOX
    }

    /// The destination's name, for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join(&self.name)
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> &Path {
        self.root.parent().unwrap_or(&self.root)
    }

    /// Journal of the destination.
    pub(crate) fn journal(&self) -> PathBuf {
        self.folder().join("journal.db")
    }

    /// The list of the files that records name, which an audit writes.
    pub(crate) fn attachments(&self) -> PathBuf {
        self.folder().join("attachments.jsonl")
    }

    /// Folder of what is to be rebuilt by hand, which an audit writes: a file of definitions and a checklist for each
    /// object.
    pub(crate) fn rebuilds(&self) -> PathBuf {
        self.folder().join("rebuild")
    }

    /// Preview of a run for records that are there already, which an audit writes.
    pub(crate) fn preview(&self) -> PathBuf {
        self.folder().join("preview.csv")
    }

    /// The page a run leaves behind.
    pub(crate) fn report_page(&self) -> PathBuf {
        self.folder().join("report.html")
    }

    /// The folder of the report's lists in full.
    pub(crate) fn lists(&self) -> PathBuf {
        self.folder().join("report")
    }

    /// The folder of the last sample: a document, a page, a table.
    pub(crate) fn sample(&self) -> PathBuf {
        self.folder().join("sample")
    }

    /// Plan as it was carried out.
    pub(crate) fn plan(&self) -> PathBuf {
        self.folder().join("plan.json")
    }

    /// Counts of an export that no audit has counted, as a lock.
    pub(crate) fn counts(&self) -> PathBuf {
        self.folder().join("counts.lock")
    }

    /// The database of the sandbox.
    pub(crate) fn sandbox_database(&self) -> PathBuf {
        self.root.join("sandbox.db")
    }

    /// Journal of the destination, for reading.
    pub(crate) fn reader(&self) -> Result<Reader, Fault> {
        Reader::open_sound(&self.journal()).map_err(unreadable)
    }
}

/// A journal that is not there is a matter of usage; one that cannot be trusted is not.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
pub(crate) fn unreadable(error: JournalError) -> Fault {
    let exit = if matches!(error, JournalError::Missing { .. }) { Exit::Usage } else { Exit::Failed };
    Fault::new(exit, error.to_string())
}
