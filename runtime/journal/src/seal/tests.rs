use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Change, Identity, Journal, JournalError, Reader};

const PLAN: Identity<'static> = Identity { migration: "m", destination: "d", plan_hash: "blake3:aa" };

/// A journal with a few entries.
fn written(folder: &Path) -> Journal {
    let mut journal = Journal::open(&folder.join("journal.db"), &PLAN).unwrap();
    journal.begin_run("run").unwrap();
    let step = journal.step("Contact", "people").unwrap();
    for records in 1..8 {
        journal.write(&[Change::Read { step, records }]).unwrap();
    }
    journal
}

/// A copy of a journal's files as they lie there now.
fn copied(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["journal.db", "journal.db-wal", "journal.db.lock"] {
        if from.join(file).exists() {
            std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
        }
    }
    folder
}

/// Everything that it tells.
fn told(path: &Path) -> String {
    let reader = Reader::open(path).unwrap();
    let lines: Vec<_> = reader.lines().map(|line| format!("{:?}", line.unwrap())).collect();
    format!("{lines:?} {:?} {:?}", reader.fold().unwrap(), reader.steps().unwrap())
}

/// Changes the bytes of a file and opens the journal. Gives what was noticed; none where it opens and tells the same as before.
fn noticed(from: &Path, file: &str, change: impl FnOnce(&mut Vec<u8>), before: &str) -> Option<String> {
    let copy = copied(from);
    let (path, file) = (copy.path().join("journal.db"), copy.path().join(file));
    let mut bytes = std::fs::read(&file).unwrap();
    change(&mut bytes);
    std::fs::write(&file, bytes).unwrap();
    match Journal::open(&path, &PLAN) {
        Err(error) => Some(error.to_string()),
        Ok(journal) => {
            drop(journal);
            assert_eq!(told(&path), before, "a change was not noticed");
            None
        }
    }
}

#[test]
fn a_changed_byte_anywhere_in_a_closed_journal_is_noticed_by_writers_and_readers() {
    let folder = tempfile::tempdir().unwrap();
    drop(written(folder.path()));
    let path = folder.path().join("journal.db");
    assert!(!folder.path().join("journal.db-wal").exists());
    let bytes = std::fs::read(&path).unwrap();
    let before = told(&path);
    for at in (0..bytes.len()).step_by(53) {
        let flip = |bytes: &mut Vec<u8>| bytes[at] ^= 1 << (at % 8);
        assert!(noticed(folder.path(), "journal.db", flip, &before).is_some(), "byte {at}");
    }
    let copy = copied(folder.path());
    let copied: PathBuf = copy.path().join("journal.db");
    for at in (0..bytes.len()).step_by(311) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&copied, changed).unwrap();
        assert!(matches!(Reader::open_sound(&copied), Err(JournalError::Changed { .. })), "byte {at}");
    }
    for length in [0, 1, 100, 4096, bytes.len() - 4096, bytes.len() - 1] {
        let said = noticed(folder.path(), "journal.db", |bytes| bytes.truncate(length), &before);
        assert!(said.is_some(), "cut to {length} bytes");
    }
}

#[test]
fn a_journal_that_was_refused_is_refused_again_until_it_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    drop(written(folder.path()));
    let path = folder.path().join("journal.db");
    let sound = std::fs::read(&path).unwrap();
    let refused = |what: &str| {
        for _ in 0..2 {
            for error in [Reader::open_sound(&path).unwrap_err(), Journal::open(&path, &PLAN).unwrap_err()] {
                assert!(error.to_string().contains(what), "{error}");
            }
        }
    };
    let mut changed = sound.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&path, changed).unwrap();
    refused("the file was changed since it was closed");
    std::fs::write(&path, []).unwrap();
    refused("it is empty, and 8 entries were written");
    std::fs::remove_file(&path).unwrap();
    refused("it is gone, and 8 entries were written");
    assert!(!path.exists());
    std::fs::write(&path, sound).unwrap();
    drop(Journal::open(&path, &PLAN).unwrap());
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(folder.path().join("journal.db.lock")).unwrap();
    assert!(matches!(Reader::open_sound(&path), Err(JournalError::Missing { .. })));
    drop(Journal::open(&path, &PLAN).unwrap());
}

#[test]
fn what_a_crash_leaves_is_opened_and_a_changed_or_missing_part_of_it_is_noticed_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let journal = written(folder.path());
    let (log, before) = (folder.path().join("journal.db-wal"), told(&folder.path().join("journal.db")));
    let bytes = std::fs::read(&log).unwrap().len();
    assert_eq!(noticed(folder.path(), "journal.db-wal", |_| {}, &before), None, "a crash alone loses nothing");
    let mut said = 0;
    for at in (0..bytes).step_by(509) {
        let flip = |bytes: &mut Vec<u8>| bytes[at] ^= 1 << (at % 8);
        said += usize::from(noticed(folder.path(), "journal.db-wal", flip, &before).is_some());
    }
    assert!(said > 100, "{said} of {} changes were noticed", bytes / 509);
    for length in (0..bytes).step_by(4099) {
        let cut = noticed(folder.path(), "journal.db-wal", |bytes| bytes.truncate(length), &before);
        let cut = cut.unwrap_or_else(|| panic!("cut to {length} of {bytes} bytes"));
        assert!(cut.contains("its end is missing") || cut.contains("it is empty") || cut.contains("format"), "{cut}");
    }
    drop(journal);
}

#[test]
fn a_journal_that_lost_its_end_says_how_much_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&folder.path().join("journal.db"), &PLAN).unwrap();
    journal.begin_run("run").unwrap();
    drop(journal);
    let copy = copied(folder.path());
    let mut journal = Journal::open(&folder.path().join("journal.db"), &PLAN).unwrap();
    journal.end_run("done").unwrap();
    // The state of before, beside what was noted since, as a disk leaves it that lost the last writes.
    std::fs::copy(folder.path().join("journal.db.lock"), copy.path().join("journal.db.lock")).unwrap();
    drop(journal);
    let error = Journal::open(&copy.path().join("journal.db"), &PLAN).unwrap_err().to_string();
    let shown = error.replace(&copy.path().display().to_string(), "[folder]");
    insta::assert_snapshot!(shown, @"[folder]/journal.db: the journal is not what was written: its end is missing: 2 entries were written, and 1 are there. Put it back from a backup, with the `.lock` file beside it. Without one, move both away to begin anew: records that were written before are found by their ids, and not doubled; but what they held before is known to the old file alone");
}
