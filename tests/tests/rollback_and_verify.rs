//! Going back, and reading everything back, against the sandbox over real HTTP.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../drill/mod.rs"]
mod drill;

use std::collections::BTreeSet;
use std::sync::Arc;

use drill::{Drill, Killed};
use migr_engine::{RollbackContext, RollbackSummary, SharedJournal, rollback, set_journal_aside};
use migr_journal::{Journal, Settled, State};
use migr_load::{Deleted, RecordUpdate};
use migr_plan::DeletedPolicy;
use serde_json::{Value, json};

async fn back(drill: &Drill) -> RollbackSummary {
    rollback(&RollbackContext::from(&drill.context), false).await.unwrap()
}

/// People and companies that were there before; thirty-nine of the companies, and one that every sandbox has, are those of the export.
async fn foreign(drill: &Drill) {
    let companies: Vec<Value> = (0..60)
        .map(|at| {
            let host = if at < 39 { format!("clinic{}.example", at + 4) } else { format!("elsewhere{at}.example") };
            json!({"name": format!("There before {at}"), "domainName": {"primaryLinkUrl": format!("https://{host}")}})
        })
        .collect();
    drill.create("companies", companies).await;
    for from in [0, 200, 400] {
        let people = (from..440.min(from + 200)).map(|at| {
            json!({"name": {"firstName": "There", "lastName": format!("Before {at}")}, "emails": {"primaryEmail": format!("before{at}@elsewhere.example")}})
        });
        drill.create("people", people.collect()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_leaves_the_workspace_as_it_was_but_for_what_a_person_changed_since() {
    let drill = Drill::new().await;
    foreign(&drill).await;
    let before = drill.sandbox.fingerprint().unwrap();
    let report = drill.run().await;
    let company = report.objects.iter().find(|object| object.map == "Company").unwrap();
    assert_eq!((company.updated, report.finished), (40, true), "{company:?}");

    let changed = drill.updated("Company", "annualRevenue", 3);
    for (place, id) in changed.iter().enumerate() {
        let revenue = json!({"annualRevenue": {"amountMicros": place + 1, "currencyCode": "EUR"}});
        drill.change("companies", id, revenue).await;
    }
    let looked = rollback(&RollbackContext::from(&drill.context), true).await.unwrap();
    let summary = back(&drill).await;
    assert_eq!((summary.complete, summary.holds), (true, false));
    assert_eq!(summary.not_undoable, []);
    let kept: BTreeSet<(&str, Option<&str>)> =
        summary.kept_because_changed.iter().map(|kept| (kept.id.as_str(), kept.field.as_deref())).collect();
    assert_eq!(kept, changed.iter().map(|id| (id.as_str(), Some("annualRevenue"))).collect());
    assert_eq!(looked.kept_because_changed, summary.kept_because_changed, "a dry run says beforehand what is kept");
    assert_eq!(
        (looked.destroyed, looked.restored_fields, looked.schema_removed),
        (summary.destroyed, summary.restored_fields, summary.schema_removed),
        "a dry run says beforehand what is done"
    );

    assert_ne!(drill.sandbox.fingerprint().unwrap(), before);
    for id in &changed {
        drill.change("companies", id, json!({"annualRevenue": {"amountMicros": null, "currencyCode": ""}})).await;
    }
    assert_eq!(drill.sandbox.fingerprint().unwrap(), before, "only those three fields were left");

    let again = back(&drill).await;
    assert_eq!((again.holds, again.destroyed, again.restored_fields), (true, 0, 0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_out_of_the_trash_goes_back_and_a_new_run_starts_from_the_beginning() {
    let mut drill = Drill::new().await;
    let trashed = drill
        .create(
            "companies",
            vec![json!({"name": "Thrown away", "domainName": {"primaryLinkUrl": "https://clinic7.example"}})],
        )
        .await;
    drill.context.destination.trash("companies", &trashed).await.unwrap();
    let before = drill.sandbox.fingerprint().unwrap();
    let first = drill.run().await;
    let live = drill.context.destination.fetch("companies", &trashed, Deleted::Live).await.unwrap();
    assert_eq!(live.len(), 1, "the run took it out of the trash");

    let summary = back(&drill).await;
    assert_eq!((summary.trashed, summary.holds), (1, true), "{summary:?}");
    assert_eq!(drill.sandbox.fingerprint().unwrap(), before);

    let journal = drill.journal();
    drill.close_journal();
    let shared = SharedJournal::new(Journal::reopen(&journal).unwrap());
    let aside = set_journal_aside(shared, &summary).unwrap().unwrap();
    assert!(aside.exists() && !journal.exists());
    drill.open_journal();
    let second = drill.run().await;
    assert_eq!(second.objects, first.objects);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_is_killed_anywhere_can_be_run_again() {
    let drill = Drill::new().await;
    foreign(&drill).await;
    let before = drill.sandbox.fingerprint().unwrap();
    drill.run().await;
    let mut kills = 0;
    let summary = loop {
        // One more write each time, so that every attempt gets on, and ends at another place.
        let killed = Arc::new(Killed::after(drill.context.destination.clone(), kills % 4));
        let context = RollbackContext { destination: killed, ..RollbackContext::from(&drill.context) };
        match rollback(&context, false).await {
            Ok(summary) => break summary,
            Err(_) => kills += 1,
        }
        assert!(kills < 500, "it does not get on");
    };
    assert!(kills > 10, "it was killed {kills} times only");
    assert!(summary.holds, "{summary:?}");
    assert_eq!(drill.sandbox.fingerprint().unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_half_way_can_be_taken_back() {
    let mut drill = Drill::new().await;
    foreign(&drill).await;
    let before = drill.sandbox.fingerprint().unwrap();
    migr_engine::setup(&drill.context).await.unwrap();
    let destination = drill.context.destination.clone();
    drill.context.destination = Arc::new(Killed::after(destination.clone(), 8));
    migr_engine::run(&drill.context).await.unwrap_err();
    drill.context.destination = destination;
    let people = drill.context.destination.count("people", Deleted::Live).await.unwrap();
    assert!(people > 442, "the last batch was written, and its answer never came: {people}");
    let summary = back(&drill).await;
    assert!(summary.holds, "{summary:?}");
    assert_eq!(drill.sandbox.fingerprint().unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_destroyed_to_make_room_is_said_to_be_beyond_recall() {
    let mut drill = Drill::new().await;
    let twin = json!({"name": "Thrown away", "domainName": {"primaryLinkUrl": "https://clinic7.example"}});
    let twins = drill.create("companies", vec![twin]).await;
    drill.context.destination.trash("companies", &twins).await.unwrap();
    let plan = Arc::make_mut(&mut drill.context.plan);
    let company = plan.stages.iter_mut().find(|stage| stage.id == "Company").unwrap();
    company.policies.deleted = DeletedPolicy::Destroy;
    drill.run().await;
    for _ in 0..2 {
        let summary = back(&drill).await;
        let said: Vec<&str> = summary.not_undoable.iter().map(|entry| entry.what.as_str()).collect();
        assert!(
            said.len() == 1 && said[0].starts_with(&format!("companies {} lay in the trash", twins[0])),
            "{said:?}"
        );
        assert!(summary.complete && !summary.holds, "again and again, until the journal is put aside");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_others_have_begun_to_use_is_left_and_said() {
    let drill = Drill::new().await;
    let theirs = drill.create("people", vec![json!({"emails": {"primaryEmail": "x@elsewhere.example"}})]).await;
    drill.run().await;
    drill.change("people", &theirs[0], json!({"city": "Rome"})).await;
    let summary = back(&drill).await;
    let said: Vec<&str> = summary.not_undoable.iter().map(|entry| entry.what.as_str()).collect();
    assert_eq!(said, ["create field people.city: left, because 1 record still holds a value in it"]);
    assert!(summary.complete && !summary.holds);
    let found = drill.context.destination.fetch("people", &theirs, Deleted::Live).await.unwrap();
    assert_eq!(found[0].values["city"], "Rome");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_holds_after_a_clean_run_and_again_over_records_that_were_there() {
    let drill = Drill::new().await;
    foreign(&drill).await;
    let report = drill.run().await;
    let summary = drill.verify(None).await;
    assert_eq!(summary.differences, []);
    assert_eq!(summary.missing, []);
    assert_eq!(summary.findings, []);
    assert!(summary.holds && summary.percent == "100.00", "{summary:?}");
    let written = report.objects.iter().map(|object| object.created + object.updated + object.unchanged).sum::<u64>();
    assert_eq!(summary.records, written);
    assert!(summary.fields_compared > 10_000, "{}", summary.fields_compared);
    let sample = drill.verify(Some(200)).await;
    assert!(sample.holds && sample.sampled && (100..400).contains(&sample.records), "{}", sample.records);
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_every_difference_that_somebody_made() {
    let drill = Drill::new().await;
    drill.run().await;
    let other = drill.created("Contact", 290)[289].1.clone();
    let mut made: BTreeSet<(String, String)> = BTreeSet::new();
    for (map, object, field, body) in [
        ("Company", "companies", "name", json!({"name": "Somebody else"})),
        ("Company", "companies", "domainName", json!({"domainName": {"primaryLinkUrl": "https://else.example"}})),
        ("Company", "companies", "annualRevenue", json!({"annualRevenue": {"amountMicros": 1, "currencyCode": "USD"}})),
        ("Company", "companies", "employees", json!({"employees": -1})),
        ("Company", "companies", "address", json!({"address": {"addressCity": "Nowhere"}})),
        ("Contact", "people", "jobTitle", json!({"jobTitle": "Somebody else"})),
        ("Contact", "people", "name", json!({"name": {"firstName": "A", "lastName": "B"}})),
        ("Contact", "people", "city", json!({"city": "Nowhere"})),
        ("Contact", "people", "tags", json!({"tags": ["odd"]})),
        ("Contact", "people", "bio", json!({"bio": {"markdown": "odd"}})),
        ("Contact", "people", "originalCreatedAt", json!({"originalCreatedAt": "1999-01-01T00:00:00.000Z"})),
        ("Deal", "opportunities", "amount", json!({"amount": {"amountMicros": 1, "currencyCode": "EUR"}})),
        ("Deal", "opportunities", "probability", json!({"probability": 0.123})),
        ("Deal", "opportunities", "pointOfContact", json!({"pointOfContactId": other})),
        ("Note", "notes", "title", json!({"title": "odd"})),
        ("Note", "notes", "bodyV2", json!({"bodyV2": {"markdown": "odd"}})),
        ("Task", "tasks", "dueAt", json!({"dueAt": "1999-01-01T00:00:00.000Z"})),
        ("TreatmentPlan", "treatmentPlans", "patient", json!({"patientId": other})),
        ("CallOrEmail", "tasks", "completedAt", json!({"completedAt": "1999-01-01T00:00:00.000Z"})),
    ] {
        let (key, id) = drill.created(map, 20)[made.len()].clone();
        drill.change(object, &id, body).await;
        made.insert((key, field.to_owned()));
    }
    let (key, link) = drill.created("Note.targets", 1)[0].clone();
    drill.change("noteTargets", &link, json!({"targetPersonId": other})).await;
    made.insert((key.split('\u{1e}').next().unwrap().to_owned(), "targets".to_owned()));
    assert_eq!(made.len(), 20);

    let summary = drill.verify(None).await;
    let found: BTreeSet<(String, String)> =
        summary.differences.iter().map(|difference| (difference.key.clone(), difference.field.clone())).collect();
    assert_eq!(found, made);
    assert_eq!(summary.fields_compared - summary.fields_matching, 20);
    assert!(!summary.holds, "20 of {} fields are more than the required 99.9 % allow", summary.fields_compared);
    assert!(
        summary.differences.iter().all(|it| it.line > 1 && it.file.starts_with("export/") && !it.expected.is_empty())
    );

    let (key, gone) = drill.created("Contact", 100)[99].clone();
    drill.context.destination.trash("people", std::slice::from_ref(&gone)).await.unwrap();
    let summary = drill.verify(None).await;
    assert_eq!(summary.missing.iter().map(|it| (&it.key, &it.id)).collect::<Vec<_>>(), [(&key, &gone)]);
    assert!(!summary.holds, "a missing record never holds");
    let kept: Value = serde_json::from_str(&drill.finding("verify")).unwrap();
    assert_eq!((kept["held"].as_bool(), kept["missing"][0]["id"].as_str()), (Some(false), Some(gone.as_str())));
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_options_that_lost_their_order_and_stays_below_the_required_share_when_too_much_differs() {
    let drill = Drill::new().await;
    drill.run().await;
    for (_, id) in drill.created("Contact", 200) {
        drill
            .context
            .destination
            .update("people", &[RecordUpdate::new(id, drill::body(json!({"city": "Nowhere", "jobTitle": "Odd"})))])
            .await
            .unwrap();
    }
    let summary = drill.verify(None).await;
    assert!(!summary.holds && summary.missing.is_empty() && summary.findings.is_empty());
    assert!(summary.percent.as_str() < "99.90", "{}", summary.percent);

    drill.reverse_options("opportunities", "stage").await;
    let summary = drill.verify(None).await;
    let said: Vec<&str> = summary.findings.iter().map(|(_, what)| what.as_str()).collect();
    assert!(said.len() == 1 && said[0].starts_with("the options of opportunities.stage come as "), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_links_files_options_fields_and_objects_that_are_not_there() {
    let drill = Drill::new().await;
    drill.run().await;
    let (key, link) = drill.created("Note.targets", 1)[0].clone();
    drill.context.destination.destroy("noteTargets", &[link]).await.unwrap();
    let (scan, attachment) = drill.created("Attachment", 2)[1].clone();
    drill.change("attachments", &attachment, json!({"file": []})).await;
    let summary = drill.verify(None).await;
    let mut found: Vec<(&str, &str, &str)> =
        summary.differences.iter().map(|it| (it.key.as_str(), it.field.as_str(), it.found.as_str())).collect();
    found.sort_unstable();
    let note = key.split('\u{1e}').next().unwrap();
    let mut wanted = vec![
        (note, "targets", "no such link"),
        (scan.as_str(), "file", found.iter().find(|it| it.1 == "file").map_or("", |it| it.2)),
    ];
    wanted.sort_unstable();
    assert_eq!(found, wanted, "{:?}", summary.differences);

    let ours: Vec<String> = drill
        .context
        .plan
        .setup
        .iter()
        .find_map(|action| match action {
            migr_plan::SetupAction::AddOptions { object, options, .. } if object == "opportunities" => {
                Some(options.iter().map(|option| option.value.clone()).collect())
            }
            _ => None,
        })
        .unwrap();
    drill
        .change_options("opportunities", "stage", |options| {
            options.retain(|option| option["value"] != ours[0].as_str());
            options.iter_mut().find(|option| option["value"] == ours[1].as_str()).unwrap()["label"] = json!("Renamed");
        })
        .await;
    drill.remove("people", Some("originalCreatedAt")).await;
    drill.replace_by_text("opportunities", "probability").await;
    drill.remove("planProviders", None).await;
    let schema = drill.context.destination.schema().await.unwrap();
    assert!(!schema.objects.contains_key("planProviders"));
    let said = match migr_engine::verify(&drill.context, Some(1), &mut |_| {}).await {
        Ok(summary) => summary.findings.into_iter().map(|(_, what)| what).collect::<Vec<_>>(),
        Err(error) => panic!("{error}"),
    };
    insta::assert_snapshot!(said.join("\n"), @r#"
    the destination has no object planProviders
    the destination has no field people.originalCreatedAt
    opportunities.probability: its type is TEXT, and the plan needs NUMBER
    the destination has no field planProviders.treatmentPlan
    the destination has no field planProviders.provider
    the destination has no field planProviders.providerRole
    opportunities.stage has no option DEMO_DONE
    the option QUALIFIED of opportunities.stage is labelled "Renamed" instead of "Qualified"
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_what_does_not_add_up() {
    let mut drill = Drill::new().await;
    drill.run().await;
    let plan = drill.created("TreatmentPlan", 1)[0].1.clone();
    let plan = drill.context.destination.fetch("treatmentPlans", &[plan], Deleted::Live).await.unwrap().remove(0);
    let patient = plan.values["patientId"].as_str().unwrap().to_owned();
    drill.journal_says(|reader| {
        let step = |name: &str| reader.step(name).unwrap().unwrap();
        let settled = |step, key: &str, state, id: Option<String>| Settled {
            step,
            key: key.to_owned(),
            line: 0,
            state,
            id,
            winner: None,
        };
        let of = |records| migr_journal::Change::Settled { records, quarantine: Vec::new(), skips: Vec::new() };
        let tasks = reader.fold().unwrap().step("Task").unwrap().read.unwrap();
        vec![
            // The export has no such note; the patient of a plan is said to be quarantined; a task was never counted; a map has something left to do.
            of(vec![settled(
                step("Note"),
                "N99999999",
                State::Created,
                Some("00000000-0000-4000-8000-999999999999".to_owned()),
            )]),
            of(vec![settled(
                step("Contact"),
                &reader.keys_of(step("Contact"), &patient).unwrap()[0].key,
                State::Quarantined,
                None,
            )]),
            migr_journal::Change::Read { step: step("Task"), records: tasks + 1 },
            migr_journal::Change::TakenBack { step: step("Deal"), keys: Vec::new() },
        ]
    });
    let summary = drill.verify(None).await;
    assert!(!summary.holds);
    let said: Vec<String> =
        summary.findings.iter().map(|(map, what)| format!("{}: {what}", map.as_deref().unwrap_or("-"))).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    Note: the journal has 295 records in the destination, but 294 follow from the export
    TreatmentPlan: P0000001 (line 2): its values cannot be derived again: patient: "C00000269" is no Contact of the destination: it was quarantined
    Note: the export has 300 records, the journal accounts for 301; this is a fault of migr
    Task: the export has 151 records, the journal accounts for 150; this is a fault of migr
    Deal: it is not finished; `migr run` goes on where it stopped
    "#);
}
