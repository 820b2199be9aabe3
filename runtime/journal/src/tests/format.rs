//! Tests of what format 3 holds beside that of before: the workspace, the plans, what was written field by field, and
//! outcomes with ids.

use super::*;

#[test]
fn a_journal_of_format_2_is_refused_with_the_way_on_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    // A run of two records by the program that wrote format 2.
    std::fs::write(&path, include_bytes!("format2.db")).unwrap();
    let refused = [
        Journal::open(&path, &PLAN).unwrap_err(),
        Journal::reopen(&path).unwrap_err(),
        Reader::open(&path).unwrap_err(),
        Reader::open_sound(&path).unwrap_err(),
    ];
    for error in refused {
        let shown = error.to_string().replace(&folder.path().display().to_string(), "[folder]");
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown, @"[folder]/journal.db: this journal has format 2, this program writes format 3. Go on, or roll back, with the `migr` that began it; or move the file away, with the `.lock` file beside it, to begin anew: records that were written before are found by their ids and not doubled, but what they held before is known to the old file alone");
        }
    }
    assert_eq!(std::fs::read(&path).unwrap(), include_bytes!("format2.db"));
}

#[test]
fn a_file_in_which_nothing_was_laid_out_yet_is_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    // A writer that was killed after its settings were kept, and before the tables were.
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA page_size=2048; PRAGMA journal_mode=WAL;")
        .unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() > 0);
    assert!(matches!(Reader::open(&path), Err(JournalError::Missing { .. })));
    drop(journal(folder.path()));
    Reader::open(&path).unwrap();
}

fn workspace(host: &str, id: Option<&str>) -> Workspace {
    Workspace { host: host.to_owned(), id: id.map(str::to_owned), word: "workspace" }
}

#[test]
fn a_journal_is_bound_to_the_first_workspace_and_refuses_another() {
    let folder = tempfile::tempdir().unwrap();
    let ours = workspace("crm.example", Some("W1"));
    {
        let mut journal = journal(folder.path());
        assert_eq!(journal.reader().unwrap().workspace().unwrap(), None);
        journal.check_workspace(&workspace("anywhere.example", None)).unwrap();
        journal.bind(&ours).unwrap();
    }
    let mut journal = journal(folder.path());
    assert_eq!(journal.reader().unwrap().workspace().unwrap(), Some(ours.clone()));
    journal.bind(&ours).unwrap();
    let entries = |journal: &Journal| journal.reader().unwrap().lines().count();
    assert_eq!(entries(&journal), 2, "it is bound once");
    journal.check_workspace(&workspace("crm.example", None)).unwrap();
    for other in [workspace("crm.example", Some("W2")), workspace("other.example", Some("W1")), workspace("x", None)] {
        assert!(matches!(journal.bind(&other), Err(JournalError::OtherWorkspace { .. })), "{other}");
        assert!(matches!(journal.check_workspace(&other), Err(JournalError::OtherWorkspace { .. })), "{other}");
    }
    let error = journal.bind(&workspace("other.example", Some("W2"))).unwrap_err().to_string();
    let shown = error.replace(&folder.path().display().to_string(), "[folder]");
    insta::assert_snapshot!(shown, @"[folder]/journal.db: this journal is of another workspace (crm.example, workspace W1, not other.example, workspace W2); nothing was sent. Name the workspace that it was begun with in the settings again; or give the other workspace a destination of its own in the spec: each has a journal of its own");
}

#[test]
fn the_id_of_a_workspace_is_added_once_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    journal.bind(&workspace("crm.example", None)).unwrap();
    journal.bind(&workspace("crm.example", Some("W1"))).unwrap();
    assert!(journal.bind(&workspace("crm.example", Some("W2"))).is_err());
}

#[test]
fn the_plan_is_kept_with_the_entries_that_belong_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = example(folder.path());
    assert_eq!(journal.reader().unwrap().plan_text("blake3:aa").unwrap(), None);
    journal.keep_plan("{\"stages\":[]}").unwrap();
    journal.keep_plan("another").unwrap();
    assert_eq!(journal.reader().unwrap().plan_text("blake3:aa").unwrap().as_deref(), Some("{\"stages\":[]}"));
    drop(journal);
    let connection = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    let without: i64 = connection
        .query_row(
            "SELECT COUNT(*) FROM entries LEFT JOIN plans ON plans.id = entries.plan WHERE plans.hash IS NOT 'blake3:aa'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(without, 0);
}

#[test]
fn the_id_that_the_destination_chose_and_the_parent_are_known_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    let step = journal.step("Note", "notes").unwrap();
    let record = Planned { parent: Some("P1".to_owned()), ..planned("N1", "token", 2) };
    let batch = intent(&mut journal, step, vec![record, planned("N2", "token-2", 3)]);
    let chosen = RecordResult { id: Some("S17".to_owned()), ..result(State::Created) };
    let uncertain = RecordResult { reason: Some("reset".to_owned()), ..result(State::Uncertain) };
    let quarantine = vec![quarantined("N2", 3, "it may be there or not")];
    journal.write(&[Change::Outcome { batch, results: vec![chosen, uncertain], quarantine }]).unwrap();
    let reader = journal.reader().unwrap();
    let known = reader.id_of(step, "N1").unwrap().unwrap();
    assert_eq!((known.id.as_deref(), known.parent.as_deref()), (Some("S17"), Some("P1")));
    let known = reader.id_of(step, "N2").unwrap().unwrap();
    assert_eq!((known.state, known.id), (State::Uncertain, None));
    assert_eq!(reader.fold().unwrap().steps[0].counts, Counts { created: 1, quarantined: 1, ..Counts::default() });
    let told: Vec<_> =
        reader.lines_with("S17").unwrap().into_iter().map(|line| (line.kind, line.key.unwrap())).collect();
    assert_eq!(told, [("created".to_owned(), "N1".to_owned())]);
    for text in ["N1", "token"] {
        assert!(!reader.lines_with(text).unwrap().is_empty(), "{text}");
    }
}

#[test]
fn what_was_written_is_known_field_by_field_and_later_writes_add_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path());
    let step = journal.step("Contact", "people").unwrap();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    journal.write(&[Change::Fields { step, names: names(&["city", "name"]) }]).unwrap();
    journal.write(&[Change::Fields { step, names: names(&["zip"]) }]).unwrap();
    let mut write = |operation, values: &[(u32, &str)], state| {
        let mut fields = FieldDigests::default();
        for (field, value) in values {
            fields.add(RecordSalt::of(FIRST), *field, value.as_bytes());
        }
        let batch = journal.next_batch();
        let records = vec![Planned { fields: fields.to_bytes(), ..planned("C1", FIRST, 2) }];
        journal.write(&[Change::Intent(Intent { batch, step, operation, records })]).unwrap();
        journal.write(&[Change::Outcome { batch, results: vec![result(state)], quarantine: vec![] }]).unwrap();
    };
    write(Operation::Create, &[(0, "Pisa"), (1, "Ada")], State::Created);
    write(Operation::Update, &[(0, "Rome"), (2, "1")], State::Updated);
    write(Operation::Update, &[(1, "Bob")], State::Quarantined);
    let reader = journal.reader().unwrap();
    assert_eq!(reader.fields(step).unwrap(), ["city", "name", "zip"]);
    let written = reader.written(step, "C1").unwrap().unwrap();
    let is = |field, value: &str| written.is(RecordSalt::of(FIRST), field, value.as_bytes());
    assert_eq!(
        [is(0, "Rome"), is(0, "Pisa"), is(1, "Ada"), is(2, "1")],
        [Some(true), Some(false), Some(true), Some(true)]
    );
    assert_eq!(reader.written(step, "C2").unwrap(), None);
}

#[test]
fn questions_about_a_finished_step_are_answered_as_it_was_when_they_began_until_they_are_released() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = example(folder.path());
    let step = journal.step("Contact", "people").unwrap();
    let held = HeldReader::new(journal.reader().unwrap());
    assert!(held.id_of(step, "C1").unwrap().is_some());
    let batch = intent(&mut journal, step, vec![planned("C9", SECOND, 9)]);
    journal.write(&[Change::Outcome { batch, results: vec![result(State::Created)], quarantine: vec![] }]).unwrap();
    assert_eq!(held.id_of(step, "C9").unwrap(), None, "it is not asked about steps that are being written");
    held.release().unwrap();
    assert!(held.id_of(step, "C9").unwrap().is_some());
    for _ in 0..40_001 {
        assert!(held.id_of(step, "C1").unwrap().is_some());
    }
}
