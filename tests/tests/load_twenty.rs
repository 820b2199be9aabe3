//! The Twenty connector against the sandbox, over real HTTP.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use migr_connect::connect;
use migr_engine::{Executor as _, InProcess, Unit, UnitRecord};
use migr_journal::Operation;
use migr_load::{
    Comparison, Deleted, Destination, Endpoint, Fault, HttpOptions, LoadError, NewRecord, Rate, RecordUpdate, Refusal,
    Secret, SetupOutcome, SetupRecord, Suspect, UndoOutcome, Written,
};
use migr_plan::{FieldMapping, LinkMapping, Plan, SetupAction};
use migr_sandbox::{Faults, RateLimit, Sandbox, SandboxOptions, TwentyVersion, start};
use migr_transform::{Currency, Money, Phone, Reference, Value};
use serde_json::{Value as Json, json};

const VERSIONS: [TwentyVersion; 2] = [TwentyVersion::V2_19, TwentyVersion::V1_10];

fn plan() -> Plan {
    serde_json::from_value(json!({
        "format_version": 1, "migration": "m", "inputs": {"files": []}, "options": {},
        "source": {"system": "s", "files": "*.csv", "blank": [], "objects": []},
        "destination": {"system": "twenty", "connector": "twenty", "name": "staging", "settings": {}, "limits": [{"what": "batch", "value": 200}]},
        "setup": [], "stages": [], "picklists": [], "degradations": [], "rows": [],
        "estimate": {}, "summary": {"schema_changes": 0, "blocking": 0},
    }))
    .unwrap()
}

fn options() -> HttpOptions {
    HttpOptions {
        attempts: 12,
        back_off: Duration::from_millis(5),
        longest_back_off: Duration::from_millis(50),
        timeout: Duration::from_secs(20),
        rate: Some(Rate { requests: 60_000, per_seconds: 60, burst: None }),
        ..HttpOptions::default()
    }
}

fn open(sandbox: &Sandbox, options: HttpOptions) -> Box<dyn Destination> {
    let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
    connect(&plan(), endpoint, options).unwrap()
}

async fn sandbox(version: TwentyVersion) -> (Sandbox, Box<dyn Destination>) {
    let sandbox = start(SandboxOptions { version, ..SandboxOptions::default() }).await.unwrap();
    let destination = open(&sandbox, options());
    destination.schema().await.unwrap();
    (sandbox, destination)
}

fn origin() -> Json {
    json!({"file": "main.migr", "line": 1, "column": 1})
}

fn action(mut value: Json) -> SetupAction {
    value["origin"] = origin();
    serde_json::from_value(value).unwrap()
}

fn field(object: &str, name: &str, ty: &Json, more: &Json) -> SetupAction {
    let mut value =
        json!({"action": "create_field", "object": object, "field": name, "label": format!("The {name}"), "type": ty});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    action(value)
}

fn mapping(field: &str, ty: &Json) -> FieldMapping {
    serde_json::from_value(
        json!({"field": field, "type": ty, "value": {"op": "none"}, "reads": [], "origin": origin()}),
    )
    .unwrap()
}

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

fn id(number: u32) -> String {
    format!("00000000-0000-5000-8000-{number:012}")
}

fn options_of(values: [&str; 2]) -> Json {
    json!({"options": values.map(|value| json!({"value": value, "label": value.to_lowercase()}))})
}

/// New fields of visits, with a value for each.
fn of_every_type() -> Vec<(&'static str, Json, Json, Value<'static>)> {
    let kind = |kind: &str| json!({"kind": kind});
    let phone = Phone {
        e164: "+442079460000".to_owned(),
        calling_code: 44,
        country: migr_transform::Country::new("GB"),
        extension: None,
    };
    let money = Money { micros: 1_234_560_000, currency: Currency::new("USD").unwrap() };
    vec![
        ("reason", kind("text"), json!({}), text("Müller — “check-up”")),
        ("story", kind("richtext"), json!({}), text("# Title\n\n- a\n- b")),
        ("visits", kind("integer"), json!({}), Value::Integer(42)),
        ("weight", kind("decimal"), json!({}), Value::Decimal("71.25".parse().unwrap())),
        ("urgent", kind("boolean"), json!({}), Value::Boolean(true)),
        ("day", kind("date"), json!({}), Value::Date("2024-02-29".parse().unwrap())),
        ("startedAt", kind("datetime"), json!({}), Value::Datetime("2015-01-02T03:04:05.678901Z".parse().unwrap())),
        ("mail", kind("email"), json!({}), text("Ada@X.example")),
        ("mobile", kind("phone"), json!({}), Value::Phone(phone)),
        ("site", kind("url"), json!({}), text("HTTPS://Münster.example/A/?b=C")),
        ("fee", kind("currency"), json!({}), Value::Money(money)),
        ("raw", kind("json"), json!({}), Value::Json(Box::new(json!({"b": [1, 2.5, null], "a": {"c": "d"}})))),
        ("tags", json!({"kind": "list", "of": {"kind": "text"}}), json!({}), Value::List(vec![text("x"), text("y")])),
        ("legacy", kind("uuid"), json!({}), text("A3B48594-8045-4E5F-9239-6BA4608863B9")),
        (
            "state",
            json!({"kind": "select", "options": ["OPEN", "DONE"]}),
            options_of(["OPEN", "DONE"]),
            Value::Option("DONE".into()),
        ),
        (
            "kinds",
            json!({"kind": "multiselect", "options": ["X_RAY", "LAB"]}),
            options_of(["X_RAY", "LAB"]),
            Value::List(vec![Value::Option("LAB".into()), Value::Option("X_RAY".into())]),
        ),
        (
            "patient",
            json!({"kind": "reference", "objects": ["people"]}),
            json!({"inverse": "Visits"}),
            Value::Reference(Reference { object: "people".into(), id: id(1).into() }),
        ),
    ]
}

async fn done(destination: &dyn Destination, action: &SetupAction) -> SetupRecord {
    match destination.setup(action).await {
        Ok(SetupOutcome::Done(record)) => record,
        other => panic!("{other:?}"),
    }
}

async fn people(destination: &dyn Destination, numbers: std::ops::Range<u32>) {
    let names = json!({"kind": "composite", "name": "name", "parts": []});
    let mapping = mapping("name", &names);
    let batch: Vec<NewRecord> = numbers
        .map(|number| {
            let last = format!("L{number}");
            let name = Value::Record(vec![("firstName".into(), text("F")), ("lastName".into(), text(&last))]);
            NewRecord::new(id(number), destination.encode_text("people", &[(&mapping, &name)]).unwrap())
        })
        .collect();
    all_written(destination.create("people", &batch).await);
}

/// Every record was written.
fn all_written(written: Result<Vec<Written>, LoadError>) {
    let written = written.unwrap();
    let is_done = |outcome: &Written| matches!(outcome, Written::Created { .. } | Written::Updated);
    assert!(written.iter().all(is_done), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_object_with_fields_of_every_type_is_made_written_read_back_and_taken_back() {
    // The third: a workspace of the newer server that came from the older one, and answers on metadata in its envelopes.
    for (version, legacy) in VERSIONS.map(|version| (version, false)).into_iter().chain([(TwentyVersion::V2_19, true)])
    {
        let (sandbox, destination) = sandbox(version).await;
        sandbox.set_legacy_metadata(legacy);
        destination.schema().await.unwrap();
        let before = sandbox.fingerprint().unwrap();
        let mut records = Vec::new();
        let object = action(json!({
            "action": "create_object", "object": "visits", "plural_label": "Visits", "singular": "visit", "singular_label": "Visit",
        }));
        records.push(done(destination.as_ref(), &object).await);
        for (name, ty, more, _) in of_every_type() {
            let action = field("visits", name, &ty, &more);
            records.push(done(destination.as_ref(), &action).await);
            assert_eq!(destination.setup(&action).await, Ok(SetupOutcome::AlreadyThere), "{version:?} {name}");
        }
        people(destination.as_ref(), 1..2).await;

        let values = of_every_type();
        let mappings: Vec<FieldMapping> = values.iter().map(|(name, ty, _, _)| mapping(name, ty)).collect();
        let fields: Vec<_> = mappings.iter().zip(values.iter().map(|(_, _, _, value)| value)).collect();
        let body = destination.encode_text("visits", &fields).unwrap();
        all_written(destination.create("visits", &[NewRecord::new(id(7), body)]).await);
        let found = destination.fetch("visits", &[id(7), id(8)], Deleted::Both).await.unwrap();
        assert_eq!(found.len(), 1);
        for (mapping, value) in &fields {
            let same = destination.compare("visits", mapping, value, &found[0].values);
            assert_eq!(same, Comparison::Same, "{version:?} {}", mapping.field);
        }
        // A fresh reading of the metadata agrees with what was learnt on the way.
        let fresh = open(&sandbox, options()).schema().await.unwrap();
        for mapping in &mappings {
            let live = fresh.field("visits", &mapping.field).unwrap();
            assert_eq!(destination.holds(live, &mapping.ty), Ok(()), "{version:?} {}", mapping.field);
        }
        // And every value can be emptied again.
        let none = Value::None;
        let empty: Vec<_> = mappings.iter().map(|mapping| (mapping, &none)).collect();
        let body = destination.encode_text("visits", &empty).unwrap();
        all_written(destination.update("visits", &[RecordUpdate::new(id(7), body)]).await);
        let found = destination.fetch("visits", &[id(7)], Deleted::Live).await.unwrap();
        for mapping in &mappings {
            assert_eq!(
                destination.compare("visits", mapping, &none, &found[0].values),
                Comparison::Same,
                "{version:?} {}",
                mapping.field
            );
        }

        destination.destroy("visits", &[id(7)]).await.unwrap();
        destination.destroy("people", &[id(1)]).await.unwrap();
        for record in records.iter().rev() {
            assert_eq!(destination.undo_setup(record).await, Ok(UndoOutcome::Undone), "{version:?} {:?}", record.made);
        }
        assert_eq!(sandbox.fingerprint().unwrap(), before, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_added_and_taken_back_without_touching_records() {
    for version in VERSIONS {
        let (sandbox, destination) = sandbox(version).await;
        let before = sandbox.fingerprint().unwrap();
        let add = action(json!({
            "action": "add_options", "object": "opportunities", "field": "stage",
            "options": [{"value": "LOST", "label": "Lost", "color": "red"}], "order": ["NEW", "LOST", "SCREENING"],
        }));
        let record = done(destination.as_ref(), &add).await;
        let schema = open(&sandbox, options()).schema().await.unwrap();
        let stage: Vec<&str> = schema
            .field("opportunities", "stage")
            .unwrap()
            .options
            .iter()
            .map(|option| option.value.as_str())
            .collect();
        assert_eq!(stage, ["NEW", "LOST", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"]);
        let body: migr_load::Body = json!({"name": "x", "stage": "LOST"}).as_object().unwrap().into();
        all_written(destination.create("opportunities", &[NewRecord::new(id(3), body)]).await);
        assert!(matches!(destination.undo_setup(&record).await, Ok(UndoOutcome::Kept { .. })));
        destination.destroy("opportunities", &[id(3)]).await.unwrap();
        assert_eq!(destination.undo_setup(&record).await, Ok(UndoOutcome::Undone));
        assert_eq!(sandbox.fingerprint().unwrap(), before, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_is_read_emptied_and_restored() {
    for version in VERSIONS {
        let (_sandbox, destination) = sandbox(version).await;
        let live = destination.count("people", Deleted::Live).await.unwrap();
        for first in [1, 151, 301] {
            people(destination.as_ref(), first..(first + 150).min(450)).await;
        }
        let ids: Vec<String> = (1..450).map(id).collect();
        destination.trash("people", &ids[..300]).await.unwrap();
        assert_eq!(destination.count("people", Deleted::Trashed).await, Ok(300));
        assert_eq!(destination.count("people", Deleted::Live).await, Ok(live + 149));
        assert_eq!(destination.fetch("people", &ids, Deleted::Both).await.unwrap().len(), 449);
        assert_eq!(
            destination
                .fetch("people", &ids, Deleted::Trashed)
                .await
                .unwrap()
                .iter()
                .filter(|found| found.deleted)
                .count(),
            300
        );
        let mut seen = BTreeSet::new();
        let mut after = None;
        loop {
            let page = destination.scan("people", Deleted::Both, after).await.unwrap();
            for record in page.records {
                assert!(seen.insert(record.id));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), usize::try_from(live + 449).unwrap());
        destination.restore("people", &ids[..10]).await.unwrap();
        assert_eq!(destination.count("people", Deleted::Trashed).await, Ok(290));
        destination.destroy("people", &ids).await.unwrap();
        assert_eq!(destination.count("people", Deleted::Both).await, Ok(live));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_linked_and_a_file_comes_back_as_it_went_up() {
    for version in VERSIONS {
        let (_sandbox, destination) = sandbox(version).await;
        people(destination.as_ref(), 1..2).await;
        let body: migr_load::Body = json!({"title": "Note"}).as_object().unwrap().into();
        all_written(destination.create("notes", &[NewRecord::new(id(20), body)]).await);
        let link: LinkMapping = serde_json::from_value(json!({
            "field": "targets", "through": "noteTargets", "objects": ["people"], "value": {"op": "none"}, "on_missing": "quarantine", "reads": [], "origin": origin(),
        }))
        .unwrap();
        let person = Reference { object: "people".into(), id: id(1).into() };
        let body = destination.link_body(&link, "notes", &id(20), &person).unwrap();
        all_written(destination.create("noteTargets", &[NewRecord::new(id(21), body)]).await);

        for (number, bytes) in [(30, b"hello".to_vec()), (31, vec![9; 11 * 1024 * 1024])] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();
            let uploaded = destination.upload("attachments", "file", file.path(), "hello.txt").await.unwrap();
            let target = mapping("target", &json!({"kind": "reference", "objects": ["people"]}));
            let value = Value::Reference(person.clone());
            let mut body = destination.encode("attachments", &[(&target, &value)]).unwrap();
            body.extend(uploaded.body.clone());
            all_written(destination.create("attachments", &[NewRecord::new(id(number), body)]).await);
            let found = destination.fetch("attachments", &[id(number)], Deleted::Live).await.unwrap();
            let stored = destination.stored_file("attachments", "file", &found[0].values).await.unwrap().unwrap();
            assert_eq!(
                (stored.name.as_str(), stored.bytes, &stored.hash),
                ("hello.txt", uploaded.bytes, &uploaded.hash),
                "{version:?}"
            );
            assert_eq!(destination.compare("attachments", &target, &value, &found[0].values), Comparison::Same);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_arrives_exactly_once_through_faults() {
    let faults = Faults {
        percent_500: 8.0,
        percent_reset_before: 4.0,
        percent_reset_after: 8.0,
        percent_429: 2.0,
        percent_timeout: 1.0,
        percent_bad_json: 2.0,
        percent_half: 2.0,
        seed: 7,
        ..Faults::default()
    };
    let sandbox = start(SandboxOptions { faults, ..SandboxOptions::default() }).await.unwrap();
    let quick = HttpOptions { timeout: Duration::from_millis(1500), ..options() };
    let destination: Arc<dyn Destination> = Arc::from(open(&sandbox, quick.clone()));
    destination.schema().await.unwrap();
    let before = destination.count("companies", Deleted::Both).await.unwrap();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..4_u32 {
        let executor = InProcess::new(destination.clone());
        workers.spawn(async move {
            for batch in 0..25_i64 {
                let first = 1000 + worker * 500 + u32::try_from(batch).unwrap() * 20;
                let records: Vec<UnitRecord> = (first..first + 20)
                    .map(|number| {
                        let link = format!("https://c{number}.example");
                        let body = json!({"name": "C", "domainName": {"primaryLinkUrl": link, "primaryLinkLabel": "", "secondaryLinks": []}});
                        let body = body.as_object().unwrap().into();
                        UnitRecord { id: id(number), body, ..UnitRecord::default() }
                    })
                    .collect();
                let (step, object) = ("companies".to_owned(), "companies".to_owned());
                let unit = Unit { step, batch, operation: Operation::Create, object, records };
                let result = executor.execute(unit).await.unwrap();
                assert!(result.unresolved.is_empty(), "{result:?}");
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(destination.count("companies", Deleted::Both).await, Ok(before + 2000));
    let ids: Vec<String> = (1000..3000).map(id).collect();
    assert_eq!(destination.fetch("companies", &ids, Deleted::Live).await.unwrap().len(), 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_all_there_take_one_question_a_page_and_an_empty_object_is_proven_once() {
    for version in VERSIONS {
        let (_sandbox, destination) = sandbox(version).await;
        for first in [1, 201] {
            people(destination.as_ref(), first..first + 200).await;
        }
        let ids: Vec<String> = (1..401).map(id).collect();
        let before = destination.requests();
        assert_eq!(destination.fetch("people", &ids, Deleted::Live).await.unwrap().len(), 400);
        assert_eq!(destination.requests() - before, 2, "{version:?}: two pages of ids");
        assert_eq!(destination.fetch("opportunities", &ids[..200], Deleted::Live).await, Ok(Vec::new()));
        let before = destination.requests();
        assert_eq!(destination.fetch("opportunities", &ids[200..], Deleted::Live).await, Ok(Vec::new()));
        assert_eq!(destination.requests() - before, 1, "{version:?}: it was proven to be empty a moment ago");
        let body: migr_load::Body = json!({"name": "x"}).as_object().unwrap().into();
        all_written(destination.create("opportunities", &[NewRecord::new(id(300), body)]).await);
        assert_eq!(destination.fetch("opportunities", &ids[200..], Deleted::Live).await.unwrap().len(), 1);
        destination.destroy("opportunities", &[id(300)]).await.unwrap();
        let before = destination.requests();
        assert_eq!(destination.fetch("opportunities", &ids[200..], Deleted::Live).await, Ok(Vec::new()));
        assert!(destination.requests() - before > 1, "{version:?}: a proof stands until something is written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_value_that_another_record_has_is_found_in_one_look() {
    for version in VERSIONS {
        let (sandbox, destination) = sandbox(version).await;
        let person = |number: u32, address: &str| {
            let body = json!({"emails": {"primaryEmail": address, "additionalEmails": []}});
            NewRecord::new(id(number), body.as_object().unwrap())
        };
        let there = [person(1, "live@x.example"), person(2, "trashed@x.example")];
        all_written(destination.create("people", &there).await);
        destination.trash("people", &[id(2)]).await.unwrap();
        let mut batch: Vec<NewRecord> =
            (10..60).map(|number| person(number, &format!("p{number}@x.example"))).collect();
        batch.extend([
            person(61, "Live@x.example"),
            person(62, "trashed@x.example"),
            person(63, "P10@x.example"),
            person(64, ""),
            person(65, ""),
        ]);
        let refused = destination.create("people", &batch).await;
        let Some(Written::Refused(Refusal { message, .. })) = refused.unwrap().pop() else { panic!("it is taken") };
        let suspects: Vec<Suspect<'_>> =
            batch.iter().map(|record| Suspect { id: &record.id, body: &record.body }).collect();
        let before = sandbox.request_count();
        let found = destination.at_fault("people", &suspects, true, &[message]).await.unwrap();
        assert_eq!(sandbox.request_count() - before, 1, "one question is enough");
        assert_eq!(found.iter().map(|fault| fault.position).collect::<Vec<_>>(), [50, 51, 52], "{version:?}");
        let Fault::Refused { reason } = &found[1].fault else { panic!("{found:?}") };
        assert!(reason.contains(&id(2)) && reason.contains("in the trash"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_counts_whole_tokens_and_refuses_none_of_ours() {
    let rate = RateLimit { requests: 100, per: Duration::from_secs(10) };
    let sandbox =
        start(SandboxOptions { rate: Some(rate), latency: Duration::from_millis(100), ..SandboxOptions::default() })
            .await
            .unwrap();
    let stated = HttpOptions { rate: Some(Rate { requests: 100, per_seconds: 10, burst: None }), ..options() };
    let destination: Arc<dyn Destination> = Arc::from(open(&sandbox, stated));
    destination.schema().await.unwrap();
    let before = sandbox.request_count();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let destination = destination.clone();
        workers.spawn(async move {
            for _ in 0..25 {
                destination.count("people", Deleted::Live).await.unwrap();
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(sandbox.request_count() - before, 200, "a refused request would have been sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_said_so() {
    for version in VERSIONS {
        let sandbox = start(SandboxOptions { version, ..SandboxOptions::default() }).await.unwrap();
        let endpoint = Endpoint { url: sandbox.url(), token: Secret::new("wrong-key") };
        let error = connect(&plan(), endpoint, options()).unwrap().schema().await.unwrap_err();
        assert!(matches!(error, migr_load::LoadError::Unauthorized { status: 401, .. }), "{error:?}");
        assert!(!error.to_string().contains("wrong-key"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_found_by_their_addresses() {
    for version in VERSIONS {
        let (_sandbox, destination) = sandbox(version).await;
        let members = destination.members("workspaceMembers", "userEmail").await.unwrap();
        assert!(
            !members.is_empty()
                && members
                    .iter()
                    .all(|member| member.value.contains('@') && member.value == member.value.to_lowercase())
        );
    }
}
