//! Room on the disk that a migration needs.

use std::path::Path;

use migr_extract::Export;
use migr_report::words::grouped;

use crate::fault::Fault;
use crate::state::State;

/// A journal is about three and a half times as large as the export it tells of (measured at 25,000 and 100,000 contacts); the look before a run takes as
/// much as the export once more.
const TIMES_THE_EXPORT: u64 = 5;
/// The embedded sandbox keeps the records too, with their indexes.
const TIMES_IN_THE_SANDBOX: u64 = 12;
/// Bytes that the smallest migration needs.
const LEAST: u64 = 8 << 20;

/// Refuses to begin what the disk has no room for: a full disk stops a run in the middle.
pub(crate) fn check(export: &Export, state: &State) -> Result<(), Fault> {
    let folder = state.folder();
    // A file system that does not tell is no reason not to run: a full disk is noticed when it is written to.
    let Ok(free) = fs4::available_space(&folder) else { return Ok(()) };
    let written = std::fs::metadata(state.journal()).map_or(0, |file| file.len());
    let read = export.files().map(migr_extract::SourcePath::bytes).sum();
    enough(free, needed(read, written, state.is_sandbox()), &folder)
}

/// Bytes that a migration may still write, by the size of its export and of its journal so far.
fn needed(export: u64, journal: u64, is_sandbox: bool) -> u64 {
    let times = if is_sandbox { TIMES_IN_THE_SANDBOX } else { TIMES_THE_EXPORT };
    (export.saturating_mul(times)).saturating_sub(journal).max(LEAST)
}

fn enough(free: u64, needed: u64, folder: &Path) -> Result<(), Fault> {
    if free >= needed {
        return Ok(());
    }
    let megabytes = |bytes: u64| format!("{} MB", grouped(bytes.div_ceil(1 << 20)));
    Err(Fault::failed(format!(
        "the disk of {} has {} free, and this migration may need {} for its journal",
        folder.display(),
        megabytes(free),
        megabytes(needed)
    ))
    .with_help(
        "make room, or move the project to a disk that has it, and run the same command again; nothing was sent",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_asked_for_by_the_size_of_the_export_less_what_is_written() {
        assert_eq!(needed(100 << 20, 0, false), 500 << 20);
        assert_eq!(needed(100 << 20, 0, true), 1200 << 20);
        assert_eq!(needed(100 << 20, 350 << 20, false), 150 << 20);
        assert_eq!(needed(100 << 20, 900 << 20, false), LEAST);
    }

    #[test]
    fn too_little_room_is_said_with_what_to_do() {
        assert!(enough(500, 500, Path::new("p")).is_ok());
        let fault = enough(3 << 20, 1500 << 20, Path::new(".migr/staging")).unwrap_err();
        insta::assert_snapshot!(fault, @r"
        error: the disk of .migr/staging has 3 MB free, and this migration may need 1,500 MB for its journal
         help: make room, or move the project to a disk that has it, and run the same command again; nothing was sent
        ");
    }
}
