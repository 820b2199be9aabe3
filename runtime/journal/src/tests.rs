//! Tests of the journal.

mod format;

use std::path::Path;

use super::*;

const PLAN: Identity<'_> = Identity { migration: "clinic", destination: "staging", plan_hash: "blake3:aa" };
const FIRST: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const SECOND: &str = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";

fn journal(folder: &Path) -> Journal {
    Journal::open(&folder.join("journal.db"), &PLAN).unwrap()
}

fn planned(key: &str, id: &str, line: u64) -> Planned {
    Planned { key: key.to_owned(), id: id.to_owned(), line, digest: "00ff".to_owned(), ..Planned::default() }
}

fn intent(journal: &mut Journal, step: StepId, records: Vec<Planned>) -> BatchId {
    let batch = journal.next_batch();
    journal.write(&[Change::Intent(Intent { batch, step, operation: Operation::Create, records })]).unwrap();
    batch
}

fn result(state: State) -> RecordResult {
    RecordResult { state: Some(state), attempts: 1, ..RecordResult::default() }
}

fn quarantined(key: &str, line: u64, reason: &str) -> QuarantineNote {
    QuarantineNote {
        key: key.to_owned(),
        source_key: key.to_owned(),
        file: "export/contacts.csv".to_owned(),
        line,
        field: Some("emails".to_owned()),
        reason: reason.to_owned(),
        code: Some("Q201".to_owned()),
    }
}

#[test]
fn a_journal_that_is_set_aside_keeps_what_it_holds_and_the_next_one_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let aside = example(folder.path()).set_aside().unwrap();
    assert_eq!(aside, folder.path().join("journal.db.rolled-back-1"));
    assert!(!path.exists() && Reader::open(&aside).unwrap().steps().unwrap().len() == 1);
    let held = journal(folder.path());
    assert!(held.reader().unwrap().steps().unwrap().is_empty());
    assert!(matches!(Journal::reopen(&path), Err(JournalError::Busy { .. })), "one lock for whatever stands there");
    assert_eq!(held.set_aside().unwrap(), folder.path().join("journal.db.rolled-back-2"));
}

/// Two sent, one of them refused, one skipped.
fn example(folder: &Path) -> Journal {
    let mut journal = journal(folder);
    journal.begin_run("run").unwrap();
    let step = journal.step("Contact", "people").unwrap();
    journal.write(&[Change::Read { step, records: 3 }]).unwrap();
    let settled = Settled {
        step,
        key: "C3".to_owned(),
        line: 4,
        state: State::Skipped,
        id: Some(FIRST.to_owned()),
        winner: Some("C1".to_owned()),
    };
    let skip = SkipNote { key: "C3".to_owned(), reason: "duplicate of C1".to_owned(), code: Some("S104".to_owned()) };
    journal.write(&[Change::Settled { records: vec![settled], quarantine: vec![], skips: vec![skip] }]).unwrap();
    let batch = intent(&mut journal, step, vec![planned("C1", FIRST, 2), planned("C2", SECOND, 3)]);
    let refused = RecordResult {
        state: Some(State::Quarantined),
        attempts: 2,
        reason: Some("400 A duplicate entry was detected".to_owned()),
        id: None,
    };
    journal
        .write(&[
            Change::Outcome {
                batch,
                results: vec![result(State::Created), refused],
                quarantine: vec![quarantined("C2", 3, "400 A duplicate entry was detected")],
            },
            Change::Done { step },
        ])
        .unwrap();
    journal.end_run("done").unwrap();
    journal
}

#[test]
fn a_journal_of_an_earlier_program_has_no_codes_and_is_read_and_completed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let codes = |path: &Path| {
        let mut codes = Vec::new();
        let take = |remark| -> Result<(), JournalError> {
            match remark {
                Remark::Quarantined(one) => codes.push(one.code),
                Remark::Skipped(one) => codes.push(one.code),
                _ => {}
            }
            Ok(())
        };
        Reader::open(path).unwrap().remarks(take).unwrap();
        codes
    };
    drop(example(folder.path()));
    assert_eq!(codes(&path), [Some("Q201".to_owned()), Some("S104".to_owned())]);
    let older = rusqlite::Connection::open(&path).unwrap();
    older.execute_batch("ALTER TABLE quarantine DROP COLUMN code; ALTER TABLE skips DROP COLUMN code;").unwrap();
    assert_eq!(codes(&path), [None, None]);
    schema::complete(&older).unwrap();
    assert!(schema::knows_codes(&older).unwrap());
    assert_eq!(codes(&path), [None, None]);
}

#[test]
fn what_was_done_is_known_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = example(folder.path());
    let step = journal.step("Contact", "people").unwrap();
    let reader = journal.reader().unwrap();
    let created = Mapped { state: State::Created, id: Some(FIRST.to_owned()), line: 2, winner: None, parent: None };
    assert_eq!(reader.id_of(step, "C1").unwrap(), Some(created));
    assert_eq!(reader.id_of(step, "C2").unwrap().unwrap().id, None);
    assert_eq!(reader.id_of(step, "C3").unwrap().unwrap().winner.as_deref(), Some("C1"));
    assert_eq!(reader.id_of(step, "C4").unwrap(), None);
    let fold = reader.fold().unwrap();
    let counts = Counts { created: 1, skipped: 1, quarantined: 1, ..Counts::default() };
    assert_eq!(fold.steps[0].counts, counts);
    assert_eq!(fold.steps[0].read, Some(counts.sum()));
    let reasons: Vec<String> = reader.reasons(step, "C2").unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(reasons, ["emails: 400 A duplicate entry was detected"]);
}

fn remarks(reader: &Reader) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let kept: Result<(), JournalError> = reader.remarks(|remark| {
        remarks.push(remark);
        Ok(())
    });
    kept.unwrap();
    remarks
}

#[test]
fn what_is_to_be_told_about_single_records_comes_one_at_a_time_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = example(folder.path());
    let step = journal.step("Contact", "people").unwrap();
    let second = journal.step("Contact.second", "people").unwrap();
    let orphan = |owner: &str, key: &str, line| OrphanNote {
        owner: owner.to_owned(),
        key: key.to_owned(),
        field: "owner".to_owned(),
        line,
    };
    let repair = |key: &str, line| RepairNote {
        code: Some("R101".to_owned()),
        key: key.to_owned(),
        file: "export/contacts.csv".to_owned(),
        line,
        field: "phones".to_owned(),
        reason: "left empty".to_owned(),
    };
    let owner = OwnerNote {
        source: "left@old.example".to_owned(),
        destination: Some("desk@clinic.example".to_owned()),
        id: None,
        how: "fallback".to_owned(),
    };
    journal
        .write(&[
            Change::Orphans {
                step,
                orphans: vec![orphan("z@old.example", "C1", 2), orphan("left@old.example", "C2", 3)],
            },
            Change::Repairs { step, repairs: vec![repair("C2", 3), repair("C1", 2)] },
            Change::Repairs { step: second, repairs: vec![repair("C1", 2)] },
            Change::Owners(vec![owner]),
        ])
        .unwrap();
    let reader = journal.reader().unwrap();
    insta::assert_debug_snapshot!(remarks(&reader));
    let fold = reader.fold().unwrap();
    assert_eq!((fold.repaired_records, fold.owner_count), (2, 1), "a later step of a map counts as the map");
    let stopped: Result<(), JournalError> =
        reader.remarks(|_| Err(JournalError::Entry { seq: 7, reason: "enough".to_owned() }));
    assert!(matches!(stopped, Err(JournalError::Entry { seq: 7, .. })));
}

#[test]
fn the_trail_has_one_line_per_record_and_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let journal = example(folder.path());
    let lines: Vec<String> = journal
        .reader()
        .unwrap()
        .lines()
        .map(|line| {
            let line = Line { at: "[at]".to_owned(), hash: "[hash]".to_owned(), ..line.unwrap() };
            serde_json::to_string(&line).unwrap()
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_intent_without_an_outcome_is_found_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    journal.begin_run("run").unwrap();
    let step = journal.step("Contact", "people").unwrap();
    let batch = intent(&mut journal, step, vec![planned("C1", FIRST, 2)]);
    drop(journal);
    let mut journal = self::journal(folder.path());
    let open = journal.open_intents();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].batch, open[0].step, open[0].records[0].key.as_str()), (batch, step, "C1"));
    assert!(journal.next_batch() > batch);
    journal.write(&[Change::Outcome { batch, results: vec![result(State::Created)], quarantine: vec![] }]).unwrap();
    assert!(journal.open_intents().is_empty());
    drop(journal);
    assert!(self::journal(folder.path()).open_intents().is_empty());
}

#[test]
fn an_intent_that_came_to_nothing_leaves_no_trace_in_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    let step = journal.step("Contact", "people").unwrap();
    let batch = intent(&mut journal, step, vec![planned("C1", FIRST, 2)]);
    let nothing = RecordResult { attempts: 1, ..RecordResult::default() };
    journal.write(&[Change::Outcome { batch, results: vec![nothing], quarantine: vec![] }]).unwrap();
    assert_eq!(journal.reader().unwrap().id_of(step, "C1").unwrap(), None);
}

#[test]
fn all_of_a_write_is_remembered_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    let step = journal.step("Contact", "people").unwrap();
    let unknown = Change::Outcome { batch: BatchId(99), results: vec![], quarantine: vec![] };
    assert!(journal.write(&[Change::Done { step }, unknown]).is_err());
    assert!(!journal.reader().unwrap().is_done(step).unwrap());
    assert!(matches!(journal.reader().unwrap().verify_chain().unwrap(), ChainReport::Whole { entries: 2, .. }));
    journal.write(&[Change::Done { step }]).unwrap();
    assert!(journal.reader().unwrap().is_done(step).unwrap());
}

#[test]
fn a_later_decision_takes_the_place_of_an_earlier_one_with_its_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = example(folder.path());
    let step = journal.step("Contact", "people").unwrap();
    let batch = intent(&mut journal, step, vec![planned("C2", SECOND, 3)]);
    journal.write(&[Change::Outcome { batch, results: vec![result(State::Created)], quarantine: vec![] }]).unwrap();
    let fold = journal.reader().unwrap().fold().unwrap();
    assert_eq!(fold.steps[0].counts.created, 2);
    let remarks = remarks(&journal.reader().unwrap());
    assert!(remarks.iter().all(|remark| !matches!(remark, Remark::Quarantined(_))), "{remarks:?}");
}

#[test]
fn a_journal_goes_on_with_another_plan_and_knows_which_entries_belong_to_which() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let plans = |journal: &Journal| journal.reader().unwrap().plans().unwrap();
    let mut first = journal(folder.path());
    first.keep_plan("the first").unwrap();
    drop(first);
    let other = Identity { plan_hash: "blake3:bb", ..PLAN };
    let mut journal = Journal::open(&path, &other).unwrap();
    assert_eq!(journal.plan_hash().unwrap(), "blake3:aa", "another plan is adopted, not taken by itself");
    journal.adopt_plan("blake3:bb", "the second").unwrap();
    journal.begin_run("run").unwrap();
    drop(journal);
    let mut journal = Journal::open(&path, &PLAN).unwrap();
    assert_eq!(journal.plan_hash().unwrap(), "blake3:bb");
    assert_eq!(plans(&journal), [(1, "blake3:aa".to_owned()), (2, "blake3:bb".to_owned())]);
    journal.adopt_plan("blake3:aa", "the first").unwrap();
    journal.begin_run("run").unwrap();
    drop(journal);
    let journal = Journal::open(&path, &PLAN).unwrap();
    let reader = journal.reader().unwrap();
    assert_eq!(reader.plan_hash().unwrap(), "blake3:aa", "a plan that comes back is the one that it was");
    assert_eq!(plans(&journal).len(), 2);
    assert_eq!(reader.plan_text("blake3:bb").unwrap().as_deref(), Some("the second"));
    assert!(matches!(reader.verify_chain().unwrap(), ChainReport::Whole { .. }));
}

#[test]
fn records_move_to_the_lines_of_a_later_export_even_where_they_change_places() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    let step = journal.step("Person", "people").unwrap();
    let keys = ["C1", "C2", "C3"];
    let settled = |(place, key): (usize, &&str)| Settled {
        step,
        key: (*key).to_owned(),
        line: place as u64 + 2,
        state: State::Created,
        id: Some(format!("id-{key}")),
        winner: None,
    };
    let records = keys.iter().enumerate().map(settled).collect();
    let file = |(place, key): (usize, &&str)| FileNote {
        file: "people.csv".to_owned(),
        line: place as u64 + 2,
        column: "photo".to_owned(),
        key: (*key).to_owned(),
        path: format!("{key}.png"),
        state: "found".to_owned(),
        bytes: None,
        reason: None,
    };
    let files = keys.iter().enumerate().map(file).collect();
    journal
        .write(&[
            Change::Settled { records, quarantine: vec![], skips: vec![] },
            Change::Files { step, files },
            Change::Moved { step, lines: vec![MovedNote { key: "C1".to_owned(), line: 3 }], is_last: false },
            Change::Moved { step, lines: vec![MovedNote { key: "C2".to_owned(), line: 2 }], is_last: true },
            Change::Vanished { step, records: vec![VanishedNote { key: "C3".to_owned(), fate: "listed".to_owned() }] },
        ])
        .unwrap();
    let reader = journal.reader().unwrap();
    let line = |key: &str| reader.id_of(step, key).unwrap().unwrap().line;
    assert_eq!((line("C1"), line("C2"), line("C3")), (3, 2, 4));
    let path = |line| reader.file("people.csv", line, "photo").unwrap().map(|file| file.path);
    assert_eq!([path(2), path(3)], [Some("C2.png".to_owned()), Some("C1.png".to_owned())]);
    let step_fold = reader.fold().unwrap().steps[0].clone();
    assert_eq!((step_fold.counts.created, step_fold.vanished), (2, 1));
    journal.write(&[Change::Returned { step, keys: vec!["C3".to_owned()] }]).unwrap();
    assert_eq!(journal.reader().unwrap().fold().unwrap().steps[0].counts.created, 3);
}

#[test]
fn a_journal_is_opened_for_going_back_whatever_plan_wrote_it_and_no_other_file_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(journal(folder.path()));
    let mut reopened = Journal::reopen(&folder.path().join("journal.db")).unwrap();
    reopened.begin_run("rollback").unwrap();
    assert_eq!(reopened.reader().unwrap().fold().unwrap().runs.len(), 1);
    let error = Journal::reopen(&folder.path().join("other.db")).unwrap_err();
    assert!(matches!(error, JournalError::Format { .. }), "{error}");
}

#[test]
fn the_journal_of_another_destination_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(journal(folder.path()));
    let other = Identity { destination: "production", ..PLAN };
    let error = Journal::open(&folder.path().join("journal.db"), &other).unwrap_err();
    assert!(matches!(error, JournalError::OtherMigration { .. }), "{error}");
}

#[test]
fn a_second_writer_is_refused_and_told_who_writes() {
    let folder = tempfile::tempdir().unwrap();
    let first = journal(folder.path());
    let error = Journal::open(&folder.path().join("journal.db"), &PLAN).unwrap_err();
    let JournalError::Busy { who, .. } = &error else { panic!("{error}") };
    assert!(who.starts_with(&format!("process {} on ", std::process::id())), "{who}");
    drop(first);
    drop(journal(folder.path()));
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE other(x)").unwrap();
    assert!(matches!(Journal::open(&path, &PLAN), Err(JournalError::Format { .. })));
    assert!(matches!(Reader::open(&folder.path().join("none.db")), Err(JournalError::Missing { .. })));
}

#[cfg(unix)]
#[test]
fn its_owner_alone_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let _journal = example(folder.path());
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}

#[test]
fn the_chain_shows_a_changed_a_removed_and_a_missing_entry() {
    let folder = tempfile::tempdir().unwrap();
    let journal = example(folder.path());
    let ChainReport::Whole { entries, .. } = journal.reader().unwrap().verify_chain().unwrap() else { panic!() };
    assert_eq!(entries, 9);
    drop(journal);
    let path = folder.path().join("journal.db");
    let tamper = |sql: &str| {
        let copy = folder.path().join("copy.db");
        std::fs::copy(&path, &copy).unwrap();
        rusqlite::Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
        let report = Reader::open(&copy).unwrap().verify_chain().unwrap();
        std::fs::remove_file(&copy).unwrap();
        report
    };
    let changed =
        tamper("UPDATE entries SET data = CAST(replace(CAST(data AS TEXT), 'C3', 'C9') AS BLOB) WHERE seq = 5");
    assert_eq!(changed, ChainReport::Broken { seq: 5, why: "it is not what was written".to_owned() });
    let removed = tamper("DELETE FROM entries WHERE seq = 4");
    assert_eq!(removed, ChainReport::Broken { seq: 5, why: "entry 4 is missing".to_owned() });
    let shortened = tamper("DELETE FROM entries WHERE seq > 5");
    assert_eq!(shortened, ChainReport::Broken { seq: 6, why: "entries are missing at the end".to_owned() });
}

#[test]
fn the_first_before_image_counts_and_a_reset_forgets() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    let step = journal.step("Contact", "people").unwrap();
    let image = |image: &str| BeforeImage {
        step,
        key: "C1".to_owned(),
        id: FIRST.to_owned(),
        operation: Operation::Update,
        image: image.to_owned(),
        written: "{}".to_owned(),
    };
    journal.write(&[Change::Before(vec![image(r#"{"city":""}"#)])]).unwrap();
    journal.write(&[Change::Before(vec![image(r#"{"city":"Reno"}"#)])]).unwrap();
    let images = journal.reader().unwrap().before_images(step, None, 10).unwrap();
    assert_eq!(images.iter().map(|(_, image)| image.image.as_str()).collect::<Vec<_>>(), [r#"{"city":""}"#]);
    journal.write(&[Change::Reset { step }]).unwrap();
    assert_eq!(journal.reader().unwrap().before_images(step, None, 10).unwrap(), []);
}

#[test]
fn what_is_forgotten_of_a_record_is_found_without_reading_a_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    drop(journal(folder.path()));
    let connection = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    for table in ["id_map", "quarantine", "skips", "repairs", "orphans", "before_images"] {
        let asked = format!("EXPLAIN QUERY PLAN DELETE FROM {table} WHERE step = 1 AND key = 'C1'");
        let way: String = connection.query_row(&asked, [], |row| row.get("detail")).unwrap();
        assert!(way.starts_with("SEARCH"), "{table}: {way}");
    }
}

#[test]
fn a_file_was_sent_from_when_its_record_is_written_until_it_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    journal.begin_run("run").unwrap();
    let step = journal.step("Attachment", "attachments").unwrap();
    let note = |state: &str, reason: Option<&str>| FileNote {
        file: "export/files.csv".to_owned(),
        line: 2,
        column: "path".to_owned(),
        key: "A1".to_owned(),
        path: "files/a.pdf".to_owned(),
        state: state.to_owned(),
        bytes: None,
        reason: reason.map(str::to_owned),
    };
    let sent = FileSent {
        file: "export/files.csv".to_owned(),
        line: 2,
        column: "path".to_owned(),
        hash: Some("blake3:aa".to_owned()),
        bytes: Some(7),
        reason: None,
    };
    let known = |journal: &Journal| {
        let filed = journal.reader().unwrap().file("export/files.csv", 2, "path").unwrap().unwrap();
        (filed.state, filed.reason, filed.hash, filed.bytes)
    };
    let missing = note("missing", Some("the file `files/a.pdf` is not in the export"));
    journal.write(&[Change::Files { step, files: vec![missing.clone()] }]).unwrap();
    assert_eq!(known(&journal), ("missing".to_owned(), missing.reason, None, None));
    journal.write(&[Change::Files { step, files: vec![note("found", None)] }]).unwrap();
    journal.write(&[Change::FilesSent { step, files: vec![sent] }]).unwrap();
    assert_eq!(known(&journal), ("found".to_owned(), None, None, Some(7)), "its record is not written");
    let batch = intent(&mut journal, step, vec![planned("A1", "a1", 2)]);
    journal.write(&[Change::Outcome { batch, results: vec![result(State::Created)], quarantine: Vec::new() }]).unwrap();
    let hash = Some("blake3:aa".to_owned());
    assert_eq!(known(&journal), ("found".to_owned(), None, hash.clone(), Some(7)));
    journal.write(&[Change::Files { step, files: vec![FileNote { bytes: Some(7), ..note("found", None) }] }]).unwrap();
    assert_eq!(known(&journal), ("found".to_owned(), None, hash, Some(7)));
    journal.write(&[Change::TakenBack { step, keys: vec!["A1".to_owned()] }]).unwrap();
    assert_eq!(known(&journal), ("found".to_owned(), None, None, Some(7)));
    assert!(matches!(journal.reader().unwrap().verify_chain().unwrap(), ChainReport::Whole { .. }));
}
