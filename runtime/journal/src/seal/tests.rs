//! Tests of the seal: a changed or shortened journal is noticed.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{
    BeforeImage, Change, FileNote, FileSent, Identity, Intent, Journal, JournalError, MendedNote, Operation,
    OrphanNote, OwnerNote, Planned, QuarantineNote, Reader, RecordResult, RepairNote, Settled, SetupNote, SkipNote,
    State,
};

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
    refused("it is empty, and 10 entries were written");
    std::fs::remove_file(&path).unwrap();
    refused("it is gone, and 10 entries were written");
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
    insta::assert_snapshot!(shown, @"[folder]/journal.db: the journal is not what was written: its end is missing: 3 entries were written, and 2 are there. Put it back from a backup, with the `.lock` file beside it. Without one, move both away to begin anew: records that were written before are found by their ids, and not doubled; but what they held before is known to the old file alone");
}

/// A journal with a row in every table, left open as a crash leaves it.
fn full(folder: &Path) -> Journal {
    let mut journal = Journal::open(&folder.join("journal.db"), &PLAN).unwrap();
    journal.keep_plan("{}").unwrap();
    journal.bind(&crate::Workspace { host: "crm.example".to_owned(), id: None, word: "workspace" }).unwrap();
    journal.begin_run("run").unwrap();
    let step = journal.step("Contact", "people").unwrap();
    let second = journal.step("Contact.second", "people").unwrap();
    let (key, file, line) = ("K1".to_owned(), "export/a.csv".to_owned(), 2);
    let planned = |key: &str| Planned {
        key: key.to_owned(),
        id: key.replace('K', "00000000-0000-4000-8000-00000000000"),
        line,
        fields: if key == "K1" { vec![0, 1, 2, 3] } else { Vec::new() },
        ..Planned::default()
    };
    let (done, open) = (journal.next_batch(), journal.next_batch());
    let intent = |batch, step, keys: &[&str]| {
        let records = keys.iter().map(|key| planned(key)).collect();
        Change::Intent(Intent { batch, step, operation: Operation::Create, records })
    };
    let written = RecordResult { state: Some(State::Created), attempts: 1, ..RecordResult::default() };
    let refused =
        RecordResult { state: Some(State::Quarantined), attempts: 1, reason: Some("no".to_owned()), id: None };
    let aside = |key: &str| QuarantineNote {
        key: key.to_owned(),
        source_key: key.to_owned(),
        file: file.clone(),
        line,
        field: None,
        reason: "no".to_owned(),
        code: Some("Q201".to_owned()),
    };
    let settled = |key: &str, state| Settled { step, key: key.to_owned(), line, state, id: None, winner: None };
    let image = |written: &str| BeforeImage {
        step: second,
        key: key.clone(),
        id: planned("K1").id,
        operation: Operation::Update,
        image: "{\"city\":\"Rome\"}".to_owned(),
        written: written.to_owned(),
    };
    let repair = |field: &str| RepairNote {
        code: Some("R101".to_owned()),
        key: key.clone(),
        file: file.clone(),
        line,
        field: field.to_owned(),
        reason: "left empty".to_owned(),
    };
    journal
        .write(&[
            Change::Owners(vec![OwnerNote {
                source: "a@x".to_owned(),
                destination: None,
                id: None,
                how: "none".to_owned(),
            }]),
            Change::Setup(SetupNote {
                position: 0,
                action: "create".to_owned(),
                outcome: "done".to_owned(),
                undo: "{}".to_owned(),
            }),
            Change::Setup(SetupNote {
                position: 1,
                action: "create".to_owned(),
                outcome: "done".to_owned(),
                undo: "{}".to_owned(),
            }),
            Change::SetupUndone { position: 1 },
            Change::Files {
                step,
                files: vec![FileNote {
                    file: file.clone(),
                    line,
                    column: "path".to_owned(),
                    key: key.clone(),
                    path: "a.txt".to_owned(),
                    state: "found".to_owned(),
                    bytes: Some(3),
                    reason: None,
                }],
            },
            Change::Read { step, records: 4 },
            intent(done, step, &["K1", "K2"]),
        ])
        .unwrap();
    let sent = FileSent {
        file: file.clone(),
        line,
        column: "path".to_owned(),
        hash: Some("blake3:aa".to_owned()),
        bytes: Some(3),
        reason: None,
    };
    journal
        .write(&[
            Change::FilesSent { step, files: vec![sent] },
            Change::Fields { step, names: vec!["city".to_owned()] },
            Change::Outcome { batch: done, results: vec![written, refused], quarantine: vec![aside("K2")] },
            Change::Settled {
                records: vec![
                    settled("K3", State::Skipped),
                    settled("K4", State::Quarantined),
                    settled("K5", State::Quarantined),
                ],
                quarantine: vec![aside("K4"), aside("K5")],
                skips: vec![SkipNote { key: "K3".to_owned(), reason: "a test".to_owned(), code: None }],
            },
            Change::TakenBack { step, keys: vec!["K5".to_owned()] },
            Change::Repairs { step, repairs: vec![repair("city"), repair("zip")] },
            Change::Mended { step, mended: vec![MendedNote { key: key.clone(), field: "zip".to_owned() }] },
            Change::Orphans {
                step,
                orphans: vec![OrphanNote {
                    owner: "a@x".to_owned(),
                    key: key.clone(),
                    field: "owner".to_owned(),
                    line,
                }],
            },
            Change::Before(vec![image("{\"city\":\"Pisa\"}")]),
            Change::Before(vec![image("{\"zip\":\"1\"}")]),
            Change::Done { step },
            Change::Reset { step: second },
            Change::Before(vec![image("{\"city\":\"Pisa\"}")]),
            Change::Finding { name: "verify".to_owned(), value: "{}".to_owned() },
            intent(open, second, &["K1"]),
        ])
        .unwrap();
    journal
}

#[test]
fn what_is_changed_beside_the_entries_of_a_journal_that_a_crash_left_open_is_noticed_in_every_table() {
    let folder = tempfile::tempdir().unwrap();
    let journal = full(folder.path());
    let opened = |change: &str| {
        let copy = copied(folder.path());
        let path = copy.path().join("journal.db");
        // Another connection, as somebody with a tool would have it, which leaves everything in the log.
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA wal_autocheckpoint=0").unwrap();
        if !change.is_empty() {
            let changed = connection.execute(change, []).unwrap();
            assert!(changed > 0, "{change} changes nothing");
        }
        Journal::open(&path, &PLAN).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(opened(""), Ok(()), "a crash alone is no change");
    let mut said = std::collections::BTreeMap::new();
    for change in [
        "UPDATE id_map SET state = 3 WHERE key = 'K1'",
        "UPDATE id_map SET id = zeroblob(16) WHERE key = 'K1'",
        "UPDATE id_map SET line = line + 1 WHERE key = 'K3'",
        "UPDATE id_map SET winner = 'K1' WHERE key = 'K3'",
        "DELETE FROM id_map WHERE key = 'K4'",
        "INSERT INTO id_map(step, key, state, id, line) SELECT step, 'K9', state, id, line FROM id_map WHERE key = 'K1'",
        "UPDATE steps SET done = 0 WHERE name = 'Contact'",
        "UPDATE steps SET records = 9 WHERE name = 'Contact'",
        "UPDATE steps SET name = 'Other' WHERE name = 'Contact'",
        "UPDATE steps SET object = 'companies'",
        "UPDATE runs SET command = 'verify'",
        "DELETE FROM open_intents",
        "UPDATE quarantine SET reason = 'another' WHERE key = 'K2'",
        "DELETE FROM quarantine WHERE key = 'K4'",
        "UPDATE skips SET reason = 'another'",
        "DELETE FROM repairs",
        "UPDATE repairs SET field = 'zip'",
        "UPDATE files SET hash = 'blake3:bb'",
        "UPDATE files SET state = 'missing'",
        "DELETE FROM orphans",
        "UPDATE owners SET how = 'match'",
        "UPDATE setup SET undo = '{\"a\":1}'",
        "DELETE FROM setup",
        "UPDATE findings SET value = '{\"held\":true}'",
        "UPDATE before_images SET image = '{\"city\":\"Ostia\"}'",
        "UPDATE before_images SET written = '{}'",
        "UPDATE before_images SET image = 'x', written = ''",
        "DELETE FROM before_images",
        "UPDATE meta SET value = 'blake3:ab' WHERE name = 'plan'",
        "UPDATE meta SET value = '1' WHERE name = 'batch'",
        "UPDATE entries SET data = replace(data, 'K3', 'K7') WHERE kind = 'settled'",
        "UPDATE entries SET data = data || zeroblob(1) WHERE kind = 'intent'",
        "UPDATE id_map SET writes = zeroblob(4) WHERE key = 'K1'",
        "UPDATE plans SET text = 'another'",
        "UPDATE plans SET hash = 'another'",
        "UPDATE fields SET name = 'another'",
        "UPDATE meta SET value = '{\"host\":\"elsewhere\"}' WHERE name = 'workspace'",
    ] {
        let error = opened(change).expect_err(change);
        let what = error.split(": ").nth(2).unwrap_or_default();
        *said.entry(what.split(". ").next().unwrap_or_default().to_owned()).or_insert(0) += 1;
    }
    insta::assert_debug_snapshot!(said);
    drop(journal);
}
