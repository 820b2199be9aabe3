//! Files that are put in place whole, or not at all.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// Puts a file in place whole: what was there before is never left half overwritten.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    write(path, Readers::Everybody, bytes)
}

/// The same for a file that holds something of the records, or is kept in `.migr`: for its owner alone.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    write(path, Readers::Owner, bytes)
}

fn write(path: &Path, readers: Readers, bytes: &[u8]) -> Result<(), Fault> {
    let mut part = Part::begin(path, readers)?;
    part.write_all(bytes).map_err(|error| unwritten(path, &error))?;
    part.finish()
}

/// Readers that a file may have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Readers {
    /// Everybody whom the system lets.
    Everybody,
    /// Owner of the file alone: it holds values of records.
    Owner,
}

/// A file while it is written, under a name of its own; thrown away unless it is finished.
#[derive(Debug)]
pub(crate) struct Part {
    place: PathBuf,
    /// Name of the file while it is written; absent for a pipe or a device, which is written to as it is.
    name: Option<PathBuf>,
    /// Writer of the file; absent once it is finished.
    writer: Option<BufWriter<File>>,
}

impl Part {
    /// Begins the file that is to be at `place`, and makes the folders above it.
    pub(crate) fn begin(place: &Path, readers: Readers) -> Result<Self, Fault> {
        let failed = |error: io::Error| unwritten(place, &error);
        if let Some(folder) = place.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let is_stream = std::fs::metadata(place).is_ok_and(|there| !there.is_file() && !there.is_dir());
        let mut name = place.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
        name.push(".part");
        let name = (!is_stream).then(|| place.with_file_name(name));
        let mut options = File::options();
        options.write(true);
        if let Some(part) = &name {
            // Made anew, so that what stands there already, a link among it, is not written through.
            let _ = std::fs::remove_file(part);
            options.create_new(true);
        }
        #[cfg(unix)]
        if let Readers::Owner = readers {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        #[cfg(not(unix))]
        let _ = readers;
        let file = options.open(name.as_deref().unwrap_or(place)).map_err(failed)?;
        Ok(Self { place: place.to_owned(), name, writer: Some(BufWriter::new(file)) })
    }

    /// Puts it in its place.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        let put = |part: &mut Self| {
            let Some(writer) = part.writer.as_mut() else { return Ok(()) };
            writer.flush()?;
            let Some(name) = &part.name else { return Ok(()) };
            writer.get_ref().sync_all()?;
            std::fs::rename(name, &part.place)
        };
        put(&mut self).map_err(|error| unwritten(&self.place, &error))?;
        self.writer = None;
        Ok(())
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().map_or(Ok(0), |writer| writer.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // What is left in memory is not wanted either.
            drop(writer.into_parts());
            if let Some(name) = &self.name {
                let _ = std::fs::remove_file(name);
            }
        }
    }
}

/// A file that could not be written, and what to do.
pub(crate) fn unwritten(path: &Path, error: &io::Error) -> Fault {
    let fault = Fault::failed(format!("cannot write {}: {error}", path.display()));
    match way_on(error) {
        Some(help) => fault.with_help(help),
        None => fault,
    }
}

/// Advice where the system refused to write.
pub(crate) fn way_on(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Some("make room on its disk and run the same command again")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("let this user write there, or name another place, and run the same command again")
        }
        _ => None,
    }
}
