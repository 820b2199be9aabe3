//! Keys that may occur more than once, found by eight bytes of each: only those few need to be compared in full.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::SpillError;

/// Fingerprints that are sorted in memory at once: eight bytes each.
const TOGETHER: usize = 1 << 20;
/// Repeated fingerprints that are remembered; where there are more, every key counts as one that may be repeated.
const REPEATED: usize = 1 << 20;
/// Bytes of a fingerprint.
const WIDTH: usize = 8;

/// Fingerprints of keys, in the order in which they come. Beyond a million they lie sorted in files without a name, so that a killed process leaves nothing.
#[derive(Debug)]
pub struct Repeats {
    hasher: RandomState,
    folder: PathBuf,
    recent: Vec<u64>,
    runs: Vec<File>,
}

/// Keys that may occur more than once: all that do, and, of billions, one that does not.
#[derive(Debug)]
pub struct RepeatedKeys {
    hasher: RandomState,
    /// Repeated fingerprints; none: there are too many to remember.
    repeated: Option<BTreeSet<u64>>,
}

impl RepeatedKeys {
    /// True where no key is repeated.
    pub fn is_empty(&self) -> bool {
        self.repeated.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// True where a key may be repeated.
    pub fn may_have(&self, key: &str) -> bool {
        self.repeated.as_ref().is_none_or(|repeated| repeated.contains(&self.hasher.hash_one(key)))
    }
}

impl Repeats {
    /// An empty set of fingerprints; the folder is for what memory does not hold.
    pub fn in_folder(folder: &Path) -> Self {
        Self { hasher: RandomState::new(), folder: folder.to_owned(), recent: Vec::new(), runs: Vec::new() }
    }

    /// Takes a key.
    pub fn add(&mut self, key: &str) -> Result<(), SpillError> {
        self.recent.push(self.hasher.hash_one(key));
        if self.recent.len() < TOGETHER {
            return Ok(());
        }
        self.recent.sort_unstable();
        let run = written(&self.folder, &self.recent).map_err(|source| refused(&self.folder, source))?;
        self.runs.push(run);
        self.recent.clear();
        Ok(())
    }

    /// The keys that may be repeated, once all were taken.
    pub fn find(mut self) -> Result<RepeatedKeys, SpillError> {
        self.recent.sort_unstable();
        let runs = std::mem::take(&mut self.runs);
        let repeated = merged(runs, &self.recent).map_err(|source| refused(&self.folder, source))?;
        Ok(RepeatedKeys { hasher: self.hasher, repeated })
    }
}

fn refused(folder: &Path, source: io::Error) -> SpillError {
    SpillError::File { path: folder.display().to_string(), source }
}

/// A file of sorted fingerprints.
fn written(folder: &Path, fingerprints: &[u64]) -> io::Result<File> {
    let mut run = BufWriter::new(tempfile::tempfile_in(folder)?);
    for fingerprint in fingerprints {
        run.write_all(&fingerprint.to_le_bytes())?;
    }
    run.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Fingerprints that occur more than once in sorted runs; none: there are too many.
fn merged(files: Vec<File>, recent: &[u64]) -> io::Result<Option<BTreeSet<u64>>> {
    let mut runs: Vec<Run> = Vec::with_capacity(files.len());
    for file in files {
        runs.extend(Run::open(file)?);
    }
    let mut recent = recent.iter().copied().peekable();
    let (mut repeated, mut before) = (BTreeSet::new(), None);
    loop {
        let first = runs.iter().enumerate().min_by_key(|(_, run)| run.next).map(|(at, run)| (at, run.next));
        let next = match (first, recent.peek().copied()) {
            (Some((at, next)), waiting) if waiting.is_none_or(|waiting| next <= waiting) => {
                if let Some(run) = runs.get_mut(at)
                    && !run.step()?
                {
                    runs.swap_remove(at);
                }
                next
            }
            (_, Some(next)) => {
                recent.next();
                next
            }
            _ => return Ok(Some(repeated)),
        };
        if before == Some(next) {
            repeated.insert(next);
            if repeated.len() > REPEATED {
                return Ok(None);
            }
        }
        before = Some(next);
    }
}

/// Sorted fingerprints in a file.
struct Run {
    file: BufReader<File>,
    next: u64,
}

impl Run {
    /// A run with its first fingerprint at hand; none where it is empty.
    fn open(mut file: File) -> io::Result<Option<Self>> {
        file.seek(SeekFrom::Start(0))?;
        let mut run = Self { file: BufReader::new(file), next: 0 };
        Ok(run.step()?.then_some(run))
    }

    /// Goes to the next fingerprint; false where there is none.
    fn step(&mut self) -> io::Result<bool> {
        let mut bytes = [0; WIDTH];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {
                self.next = u64::from_le_bytes(bytes);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(runs: &[&[u64]], recent: &[u64]) -> Vec<u64> {
        let folder = tempfile::tempdir().unwrap();
        let files = runs.iter().map(|run| written(folder.path(), run).unwrap()).collect();
        merged(files, recent).unwrap().unwrap().into_iter().collect()
    }

    #[test]
    fn what_repeats_is_found_within_and_across_runs() {
        assert_eq!(repeated(&[], &[]), []);
        assert_eq!(repeated(&[], &[1, 2, 2, 3, 3, 3]), [2, 3]);
        assert_eq!(repeated(&[&[1, 5, 9], &[2, 5], &[]], &[1, 7]), [1, 5]);
        assert_eq!(repeated(&[&[u64::MAX], &[0, 0]], &[u64::MAX]), [0, u64::MAX]);
    }

    #[test]
    fn every_repeated_key_may_be_repeated_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut repeats = Repeats::in_folder(folder.path());
        let many = u64::try_from(TOGETHER).unwrap() + 1_000;
        for key in (0..many).chain([3, many - 1]) {
            repeats.add(&format!("key {key}")).unwrap();
        }
        let found = repeats.find().unwrap();
        assert!(!found.is_empty());
        let met: Vec<u64> = (0..many).filter(|key| found.may_have(&format!("key {key}"))).collect();
        assert_eq!(met, [3, many - 1]);
    }
}
