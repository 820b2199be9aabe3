//! Trusted files of a project: plain files where they stand, of a bounded size, never through a symbolic link.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use crate::fault::Fault;

/// Bytes that one spec may have.
pub(crate) const LARGEST_SPEC: u64 = 8 << 20;
/// Bytes that a lock or a saved plan may have.
pub(crate) const LARGEST_DOCUMENT: u64 = 256 << 20;
/// Bytes that a file of certificates may have.
pub(crate) const LARGEST_CERTIFICATES: u64 = 1 << 20;
/// Files and folders below `.migr` that are looked at; there are some dozens.
const MOST_KEPT: usize = 100_000;

/// Reason for not reading a linked file.
const THROUGH_A_LINK: &str = "it is, or goes through, a symbolic link; put the file itself there";

/// A file of a project, by its path in it.
pub(crate) fn read(project: &Path, relative: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut path = project.to_path_buf();
    for part in relative.components() {
        match part {
            Component::Normal(_) => path.push(part),
            Component::CurDir => continue,
            _ => return Err("it leads out of the project's folder".to_owned()),
        }
        if fs::symlink_metadata(&path).map_err(|error| error.to_string())?.is_symlink() {
            return Err(THROUGH_A_LINK.to_owned());
        }
    }
    let metadata = fs::symlink_metadata(&path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(&path).map_err(|error| error.to_string())?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it is larger than the {} MiB that such a file may have", most >> 20));
    }
    Ok(bytes)
}

/// Refuses a project whose lock or approval, or anything of what migr keeps in `.migr`, is a link or no plain file.
pub(crate) fn check_kept(project: &Path) -> Result<(), Fault> {
    let project = if project.as_os_str().is_empty() { Path::new(".") } else { project };
    let is_lock = |name: &str| {
        let kinds = ["lock", "approval", "approval.sig", "allowed_signers"];
        let is_of =
            |rest: &str, kind: &str| rest == kind || rest.strip_suffix(kind).is_some_and(|rest| rest.ends_with('.'));
        name.strip_prefix("migr.").is_some_and(|rest| kinds.iter().any(|kind| is_of(rest, kind)))
    };
    let mut waiting = vec![project.join(".migr")];
    let entries = fs::read_dir(project).into_iter().flatten().flatten();
    waiting.extend(entries.filter(|entry| is_lock(&entry.file_name().to_string_lossy())).map(|entry| entry.path()));
    let mut looked_at = 0;
    while let Some(path) = waiting.pop() {
        looked_at += 1;
        if looked_at > MOST_KEPT {
            return Err(Fault::usage(format!("{} holds more than {MOST_KEPT} files", project.join(".migr").display()))
                .with_help("migr keeps some dozens there; move what is not migr's elsewhere"));
        }
        // What is not there is no danger, and what cannot be looked at is told by whoever needs it.
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            let below: Vec<PathBuf> =
                fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            waiting.extend(below);
        } else if !metadata.is_file() {
            let what = if metadata.is_symlink() { "a symbolic link" } else { "no plain file" };
            return Err(Fault::usage(format!("{} is {what}, and migr reads and writes through none", path.display()))
                .with_help(
                    "remove it, or put the file or folder itself there; a whole project may be moved, `.migr` with it",
                ));
        }
    }
    Ok(())
}

/// True for a name that a folder below `.migr` can have.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_a_path() {
        for (name, is_plain) in [
            ("staging", true),
            ("sandbox~", true),
            ("", false),
            ("..", false),
            (".", false),
            ("a/b", false),
            ("/etc", false),
            ("a/", false),
        ] {
            assert_eq!(is_plain_name(name), is_plain, "{name}");
        }
    }

    #[test]
    fn a_file_is_read_where_it_stands_and_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "abc").unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        assert_eq!(read(folder.path(), Path::new("./a"), 3).unwrap(), b"abc");
        assert!(read(folder.path(), Path::new("a"), 2).unwrap_err().contains("larger"));
        assert!(read(folder.path(), Path::new("../a"), 9).unwrap_err().contains("out of"));
        assert!(read(folder.path(), Path::new("b"), 9).unwrap_err().contains("not a file"));
    }
}
