//! File of a spill database: private, without a journal of its own, and gone with the work.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::SpillError;

/// Connection to a database that nobody else opens and that does not outlive it.
#[derive(Debug)]
pub(crate) struct Database {
    // Closed before its file goes: fields are dropped in this order.
    pub(crate) connection: Connection,
    _file: Discarded,
}

/// File that holds rows of the export. Where an open file can go, its name goes at once, so that a killed process leaves nothing.
#[derive(Debug)]
struct Discarded(PathBuf);

impl Drop for Discarded {
    fn drop(&mut self) {
        if cfg!(unix) {
            return;
        }
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "a spill database is not removed");
        }
    }
}

impl Database {
    /// An empty database in a folder, which is made where it is missing; an earlier file of this name is thrown away. `cache` is in KiB.
    pub(crate) fn create(folder: &Path, name: &str, cache: u32) -> Result<Self, SpillError> {
        let refused = |path: &Path, source| SpillError::File { path: path.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(|source| refused(folder, source))?;
        for suffix in ["", "-journal", "-wal"] {
            let file = folder.join(format!("{name}{suffix}"));
            if file.exists() {
                std::fs::remove_file(&file).map_err(|source| refused(&file, source))?;
            }
        }
        let path = folder.join(name);
        private(&path).map_err(|source| refused(&path, source))?;
        let connection = Connection::open(&path)?;
        // Statements stay prepared whatever values are bound to them.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // A sort takes as much memory as the cache may, besides it.
        connection.execute_batch(&format!(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-{cache}; PRAGMA temp_store=FILE;"
        ))?;
        connection.set_prepared_statement_cache_capacity(64);
        // The lock is taken by the first write, while the file still has its name. Then one transaction that never ends: only what the cache does not hold goes to
        // the file.
        connection.execute_batch("CREATE TABLE begun(at INTEGER); BEGIN")?;
        #[cfg(unix)]
        std::fs::remove_file(&path).map_err(|source| refused(&path, source))?;
        Ok(Self { connection, _file: Discarded(path) })
    }
}

fn private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}
