//! A rollback after people have worked with what was imported: it compares before it destroys.

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{clinic, others};
use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;
use crate::studio::studio;
use crate::wire::{Act, Wire};

/// A run, and what people did since.
struct Worked {
    project: Project,
    stand_in: StandIn,
    /// The state before the run, and after it.
    before: String,
    /// A person whose job somebody changed.
    changed: String,
    /// A person on whom somebody hung a deal, and the deal.
    referred: String,
    deal: String,
}

/// Ids of the records that a map created.
fn created(project: &Project, map: &str) -> Vec<String> {
    let trail = project.migr(&["journal"]).exits(0).stdout;
    let lines = trail.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let of_map = lines.filter(|line| line["type"] == "created" && line["step"] == map);
    of_map.map(|line| line["id"].as_str().expect("an id").to_owned()).collect()
}

fn worked() -> Worked {
    let project = clinic(2);
    let stand_in = StandIn::new();
    others(&stand_in);
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let created = created(&project, "Person");
    let (changed, referred) = (created[0].clone(), created[1].clone());
    stand_in.ask(&Method::PATCH, &format!("/rest/people/{changed}"), &json!({"jobTitle": "By hand"}));
    let deal = json!({"name": "Hung on later", "pointOfContactId": referred});
    let made = stand_in.ask(&Method::POST, "/rest/opportunities", &deal);
    let deal = made["data"]["createOpportunity"]["id"].as_str().expect("an id").to_owned();
    Worked { project, stand_in, before, changed, referred, deal }
}

#[test]
fn what_others_changed_or_refer_to_since_is_listed_with_who_and_what_and_left_until_a_person_decides() {
    let Worked { project, stand_in, changed, referred, deal, .. } = worked();
    let looked = stand_in.migr(&project, &["rollback", "--dry-run"]).exits(0);
    let said = stand_in.migr(&project, &["rollback"]).exits(6);
    for text in [&looked.stdout, &said.stdout] {
        assert!(text.contains(&format!("kept      people {changed}: it was changed since it was imported")), "{text}");
        let hung = format!("kept      people {referred}: opportunities {deal}, made");
        assert!(text.contains(&hung) && text.contains("refers to it in `pointOfContact`"), "{text}");
        assert!(text.contains("`migr rollback --changed keep`"), "{text}");
    }
    let people = stand_in.records("people");
    let there = |id: &str| people.iter().find(|person| person["id"] == id);
    assert_eq!(there(&changed).expect("it is left")["jobTitle"], "By hand");
    assert!(there(&referred).is_some());
    let again = stand_in.migr(&project, &["rollback"]).exits(6);
    assert!(again.stdout.contains("0 records were destroyed"), "{}", again.stdout);
}

#[test]
fn records_that_a_person_decides_to_keep_stay_and_the_journal_is_laid_aside() {
    let Worked { project, stand_in, changed, referred, deal, .. } = worked();
    let said = stand_in.migr(&project, &["rollback", "--changed", "keep"]).exits(0);
    assert!(said.stdout.contains("all else is as before"), "{}", said.stdout);
    let people = stand_in.records("people");
    assert!([&changed, &referred].iter().all(|id| people.iter().any(|person| person["id"] == **id)));
    let deals = stand_in.records("opportunities");
    assert_eq!(deals.iter().find(|one| one["id"] == *deal).expect("the deal")["pointOfContactId"], *referred);
    assert!(!project.path().join(".migr/staging/journal.db").exists());
}

#[test]
fn records_that_a_person_decides_to_destroy_go_and_what_others_made_stays() {
    let Worked { project, stand_in, deal, before, .. } = worked();
    stand_in.migr(&project, &["rollback", "--changed", "destroy"]).exits(0);
    stand_in.ask(&Method::DELETE, &format!("/rest/opportunities/{deal}"), &Value::Null);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn a_journal_is_laid_aside_without_undoing_anything_where_a_person_says_so() {
    let Worked { project, stand_in, .. } = worked();
    let after = stand_in.fingerprint();
    let said = stand_in.migr(&project, &["rollback", "--forget"]).exits(0);
    assert!(said.stdout.starts_with("Nothing was undone."), "{}", said.stdout);
    assert_eq!(stand_in.fingerprint(), after);
    assert!(!project.path().join(".migr/staging/journal.db").exists());
}

#[test]
fn nothing_is_destroyed_where_a_record_that_was_there_before_is_not_shown_until_a_person_decides() {
    let Worked { project, stand_in, .. } = worked();
    let updated = project
        .migr(&["journal"])
        .exits(0)
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
        .find(|line| line["type"] == "updated")
        .map(|line| line["id"].as_str().expect("an id").to_owned())
        .expect("a record that was there before");
    stand_in.ask(&Method::DELETE, &format!("/rest/companies/{updated}"), &Value::Null);
    let people = stand_in.records("people");
    for _ in 0..2 {
        let said = stand_in.migr(&project, &["rollback"]).exits(6).stdout;
        assert!(
            said.contains(&format!("companies {updated}: it was there before, and is not shown any more")),
            "{said}"
        );
        assert!(said.contains("0 records were destroyed") && said.contains("`migr rollback --changed keep`"), "{said}");
    }
    assert_eq!(stand_in.records("people").len(), people.len());
    let said = stand_in.migr(&project, &["rollback", "--changed", "keep"]).exits(6).stdout;
    assert!(!said.contains(" 0 records were destroyed"), "{said}");
    assert!(!project.path().join(".migr/staging/journal.db").exists());
}

/// Another moment in place of each at which a record was changed last.
fn long_ago(body: &mut Vec<u8>) {
    const KEY: &str = "\"updatedAt\":\"";
    let mut text = String::from_utf8(std::mem::take(body)).expect("text");
    let places: Vec<usize> = text.match_indices(KEY).map(|(place, _)| place + KEY.len()).collect();
    for place in places {
        let end = place + text[place..].find('"').expect("its end");
        text.replace_range(place..end, &"2000-01-01T00:00:00.000Z"[..(end - place).min(24)]);
    }
    *body = text.into_bytes();
}

#[test]
fn what_people_changed_is_told_by_its_value_whatever_the_times_say() {
    let project = clinic(2);
    let stand_in = StandIn::new();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let people = created(&project, "Person");
    let there = |id: &str| stand_in.records("people").into_iter().find(|one| one["id"] == *id).expect("a person");
    let patch = |id: &str, body: &Value| stand_in.ask(&Method::PATCH, &format!("/rest/people/{id}"), body);
    // Touched, and nothing more: its name is written as it is.
    patch(&people[0], &json!({"name": there(&people[0])["name"]}));
    let said = stand_in.migr(&project, &["rollback", "--dry-run"]).exits(0).stdout;
    assert!(!said.contains("kept "), "{said}");
    // An e-mail, which the destination spells in its own way, and a field that nothing was written to.
    patch(&people[1], &json!({"emails": {"primaryEmail": "by.hand@elsewhere.example"}}));
    patch(&people[2], &json!({"linkedinLink": {"primaryLinkUrl": "https://hand.example"}}));
    let kept =
        |said: &str, id: &str| said.contains(&format!("kept      people {id}: it was changed since it was imported"));
    let said = stand_in.migr(&project, &["rollback", "--dry-run"]).exits(0).stdout;
    assert!(kept(&said, &people[1]) && kept(&said, &people[2]) && !kept(&said, &people[0]), "{said}");
    assert!(said.contains("imported (emails)") && said.contains("imported (linkedinLink)"), "{said}");
    let wire = Wire::to(&stand_in.url(), |_| Act::Change(None, Box::new(|told| long_ago(&mut told.body))));
    let mut command = stand_in.command_over(&wire.url(), project.path(), &["rollback", "--dry-run"]);
    let said = Ran::from(command.output().expect("migr starts")).exits(0).stdout;
    assert!(kept(&said, &people[1]), "its times are of before the run: {said}");
}

#[test]
fn what_others_changed_or_hung_on_records_is_seen_where_the_server_chooses_ids() {
    let project = studio();
    let stand_in =
        StandIn::location(highlevel::Options { lag: std::time::Duration::ZERO, ..highlevel::Options::default() });
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["drift", "--exit-code"]).exits(0);
    let (clients, deals) = (created(&project, "Client"), created(&project, "Deal"));
    let put = |path: &str, body: &Value| stand_in.ask(&Method::PUT, path, body);
    put(&format!("/contacts/{}", clients[0]), &json!({"email": "ADA@x.example", "phone": "(201) 555-0101"}));
    stand_in.migr(&project, &["drift", "--exit-code"]).exits(0);
    put(&format!("/contacts/{}", clients[0]), &json!({"phone": "+12015550199"}));
    put(&format!("/contacts/{}", clients[1]), &json!({"email": "bob.stone@x.example"}));
    let drift = stand_in.migr(&project, &["drift", "--exit-code"]).exits(1).stdout;
    assert!(drift.contains(": phone") && drift.contains(": email"), "{drift}");
    put(&format!("/opportunities/{}", deals[0]), &json!({"name": "By hand"}));
    let note =
        stand_in.ask(&Method::POST, &format!("/contacts/{}/notes", clients[2]), &json!({"body": "Hung on later"}));
    let note = note["note"]["id"].as_str().expect("an id").to_owned();
    for arguments in [&["rollback", "--dry-run"][..], &["rollback"]] {
        let ran = stand_in.migr(&project, arguments);
        assert_eq!(ran.code, if arguments.len() > 1 { 0 } else { 6 }, "{}\n{}", ran.stdout, ran.stderr);
        for said in [
            format!("contacts {}: it was changed since it was imported (phone)", clients[0]),
            format!("contacts {}: it was changed since it was imported (email)", clients[1]),
            format!("opportunities {}: it was changed since it was imported (name)", deals[0]),
            format!("contacts {}: notes {}/{note}, made by others, refers to it", clients[2], clients[2]),
        ] {
            assert!(ran.stdout.contains(&said), "no {said:?} in {}", ran.stdout);
        }
    }
    let here = highlevel::Options::default().location;
    let calendars = stand_in.ask(&Method::GET, &format!("/calendars/?locationId={here}"), &Value::Null);
    let booking = json!({
        "locationId": here, "calendarId": calendars["calendars"][0]["id"], "contactId": clients[2], "toNotify": false,
        "startTime": "2027-01-04T10:00:00Z", "ignoreFreeSlotValidation": true,
    });
    stand_in.ask(&Method::POST, "/calendars/events/appointments", &booking);
    let destroy = ["rollback", "--changed", "destroy"];
    let said = stand_in.migr(&project, &[&destroy[..], &["--dry-run"]].concat()).exits(0).stdout;
    let goes = format!("would go  contacts {}: ", clients[2]);
    assert!(said.contains("; 1 more record of others refers to it"), "{said}");
    assert!(!said.contains("contacts.migrId: left"), "nothing holds a value any more: {said}");
    assert!(
        said.contains(&goes) && said.contains(&format!("would go  contacts {}: it was changed", clients[0])),
        "{said}"
    );
    assert!(said.contains("4 records are not the migration's alone any more, and would go with all that others changed and attached, as you decided."), "{said}");
    let said = stand_in.migr(&project, &destroy).exits(0).stdout;
    assert!(said.contains(&goes.replace("would go ", "gone     ")), "{said}");
    assert!(said.contains("4 records were not the migration's alone any more, and went with"), "{said}");
    let path = format!("/contacts/search/duplicate?locationId={here}&email=ada@x.example");
    assert_eq!(stand_in.ask(&Method::GET, &path, &Value::Null)["contact"], Value::Null);
}

#[test]
fn what_others_attach_while_a_rollback_is_at_work_leaves_the_contact_in_words_that_an_administrator_understands() {
    let project = studio();
    let stand_in =
        StandIn::location(highlevel::Options { lag: std::time::Duration::ZERO, ..highlevel::Options::default() });
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let client = created(&project, "Client")[2].clone();
    let (url, token, is_hung) = (stand_in.url(), stand_in.token(), std::sync::atomic::AtomicBool::new(false));
    let path = format!("/contacts/{client}/notes");
    // A person writes a note once the rollback has looked at the contact, and begins to remove what was made.
    let wire = Wire::to(&stand_in.url(), move |asked| {
        if asked.method != "DELETE"
            || !asked.path.contains("/notes/")
            || is_hung.swap(true, std::sync::atomic::Ordering::Relaxed)
        {
            return Act::Pass;
        }
        let (url, token, path) = (url.clone(), token.clone(), path.clone());
        Act::First(Box::new(move || hang(&url, &token, &path)))
    });
    let mut command = stand_in.command_over(&wire.url(), project.path(), &["rollback"]);
    let ran = Ran::from(command.output().expect("migr starts")).exits(6);
    let left = format!("kept      contacts {client}: others have attached to it since what would go with it: 1 note\n");
    assert!(ran.stdout.contains(&left), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("1 record is not the migration's alone any more, and left until you decide"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("409") && !ran.stdout.contains("DELETE"), "{}", ran.stdout);
    let said = stand_in.migr(&project, &["rollback", "--changed", "destroy"]).exits(0).stdout;
    assert!(said.contains(&format!("gone      contacts {client}: notes {client}/")), "{said}");
}

/// Writes a note, as a person does.
fn hang(url: &str, token: &str, path: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let request = reqwest::Client::new().post(format!("{url}{path}")).bearer_auth(token).header("version", "v3");
        let request = request.header("content-type", "application/json").body(json!({"body": "Hung on"}).to_string());
        assert!(request.send().await.expect("an answer").status().is_success());
    });
}

#[test]
fn a_field_that_no_map_writes_and_somebody_fills_counts_where_no_time_tells_of_it() {
    let project = studio();
    let stand_in =
        StandIn::location(highlevel::Options { lag: std::time::Duration::ZERO, ..highlevel::Options::default() });
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let before = stand_in.migr(&project, &["rollback", "--dry-run"]).exits(0).stdout;
    assert!(!before.contains("it was changed"), "what a new record has by itself is nobody's change: {before}");
    let (clients, deals, todos) = (created(&project, "Client"), created(&project, "Deal"), created(&project, "Todo"));
    let put = |path: &str, body: &Value| stand_in.ask(&Method::PUT, path, body);
    let field = json!({"name": "Shoe size", "dataType": "TEXT", "model": "contact"});
    let made = stand_in.ask(
        &Method::POST,
        &format!("/locations/{}/customFields", highlevel::Options::default().location),
        &field,
    );
    let shoe = made["customField"]["id"].as_str().expect("an id");
    put(&format!("/contacts/{}", clients[0]), &json!({"address1": "1 By Hand St"}));
    put(&format!("/contacts/{}", clients[1]), &json!({"customFields": [{"id": shoe, "fieldValue": "44"}]}));
    let location =
        stand_in.ask(&Method::GET, &format!("/locations/{}", highlevel::Options::default().location), &Value::Null);
    let company = location["location"]["companyId"].as_str().expect("the agency");
    let users = stand_in.ask(&Method::GET, &format!("/users/search?companyId={company}"), &Value::Null);
    put(&format!("/opportunities/{}", deals[0]), &json!({"assignedTo": users["users"][0]["id"]}));
    let (contact, task) = todos[0].split_once('/').expect("both ids");
    put(&format!("/contacts/{contact}/tasks/{task}"), &json!({"body": "Bring the forms"}));
    let expected = [
        format!("contacts {}: it was changed since it was imported (address1)", clients[0]),
        format!("contacts {}: it was changed since it was imported (Shoe size)", clients[1]),
        format!("opportunities {}: it was changed since it was imported (assignedTo)", deals[0]),
        format!("tasks {}: it was changed since it was imported (body)", todos[0]),
    ];
    // A field that was never written is no drift.
    stand_in.migr(&project, &["drift", "--exit-code"]).exits(0);
    for arguments in [&["rollback", "--dry-run"][..], &["rollback"]] {
        let ran = stand_in.migr(&project, arguments);
        for said in &expected {
            assert!(ran.stdout.contains(said), "no {said:?} in {}", ran.stdout);
        }
        assert_eq!(ran.stdout.matches("it was changed").count(), 4, "{}", ran.stdout);
    }
    stand_in.migr(&project, &["rollback", "--changed", "destroy"]).exits(0);
}

/// Names of the location's tags, sorted.
fn tags(stand_in: &StandIn) -> Vec<String> {
    let path = format!("/locations/{}/tags", highlevel::Options::default().location);
    let answer = stand_in.ask(&Method::GET, &path, &Value::Null);
    let names = answer["tags"].as_array().expect("a list").iter().map(|tag| tag["name"].as_str().expect("a name"));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn a_tag_that_the_run_made_goes_with_its_contacts_unless_somebody_bears_it_or_it_was_there() {
    let project = studio();
    let stand_in = StandIn::location(highlevel::Options {
        lag: std::time::Duration::from_millis(300),
        ..highlevel::Options::default()
    });
    let location = highlevel::Options::default().location;
    stand_in.ask(&Method::POST, &format!("/locations/{location}/tags"), &json!({"name": "New"}));
    let before = tags(&stand_in);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let made = ["vip", "yoga"];
    assert!(made.iter().all(|tag| !before.iter().any(|known| known == tag)), "{before:?}");
    assert!(made.iter().all(|tag| tags(&stand_in).iter().any(|known| known == tag)), "{:?}", tags(&stand_in));
    let own = json!({"locationId": location, "firstName": "Own", "tags": ["Yoga", "new"]});
    let own = stand_in.ask(&Method::POST, "/contacts/", &own);
    let said = stand_in.migr(&project, &["rollback", "--dry-run"]).exits(0).stdout;
    assert!(said.contains("2 names, such as tags,"), "{said}");
    let said = stand_in.migr(&project, &["rollback"]).exits(0).stdout;
    assert!(
        said.contains("1 name, such as a tag, that the destination made by itself beside records, removed."),
        "{said}"
    );
    assert!(said.contains("stays     \"yoga\": a contact bears it\n"), "{said}");
    assert!(said.contains("; all else is as before"), "{said}");
    let mut left = before;
    left.push("yoga".to_owned());
    left.sort();
    assert_eq!(tags(&stand_in), left);
    let own = own["contact"]["id"].as_str().expect("an id");
    let borne = stand_in.ask(&Method::GET, &format!("/contacts/{own}"), &Value::Null);
    assert_eq!(borne["contact"]["tags"], json!(["yoga", "new"]));
}

#[test]
fn without_the_scope_for_tags_a_rollback_leaves_them_and_the_run_is_as_ever() {
    let project = studio();
    let without_scopes = vec!["locations/tags.readonly".to_owned()];
    let lag = std::time::Duration::ZERO;
    let stand_in = StandIn::location(highlevel::Options { lag, without_scopes, ..highlevel::Options::default() });
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    for arguments in [&["rollback", "--dry-run"][..], &["rollback"]] {
        let said = stand_in.migr(&project, arguments).exits(0).stdout;
        assert!(said.contains("locations/tags.readonly"), "the class says what a token needs: {said}");
        assert!(said.contains("\"vip\", \"yoga\": the destination did not tell"), "{said}");
        assert!(!said.contains("; all is as before"), "{said}");
    }
}

#[test]
fn tags_that_a_kept_contact_bears_go_with_the_contact_once_a_person_decides() {
    let project = studio();
    let stand_in =
        StandIn::location(highlevel::Options { lag: std::time::Duration::ZERO, ..highlevel::Options::default() });
    let before = tags(&stand_in);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let client = &created(&project, "Client")[0];
    stand_in.ask(&Method::PUT, &format!("/contacts/{client}"), &json!({"address1": "1 By Hand St"}));
    stand_in.migr(&project, &["rollback"]).exits(6);
    assert_ne!(tags(&stand_in), before);
    stand_in.migr(&project, &["rollback", "--changed", "destroy"]).exits(0);
    assert_eq!(tags(&stand_in), before);
}

#[test]
fn a_field_of_files_stays_while_a_contact_that_was_there_holds_one_and_a_dry_run_says_so() {
    let project = studio();
    let stand_in =
        StandIn::location(highlevel::Options { lag: std::time::Duration::ZERO, ..highlevel::Options::default() });
    // The export's client of two scans is a contact of the location already.
    let location = highlevel::Options::default().location;
    let own = json!({"locationId": location, "firstName": "Ada", "email": "ada@x.example"});
    stand_in.ask(&Method::POST, "/contacts/", &own);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let said = stand_in.migr(&project, &["rollback", "--dry-run"]).exits(0).stdout;
    assert!(
        said.contains("create field contactFiles.file: left, because 1 record would still hold a value in it"),
        "{said}"
    );
    assert!(said.contains("the API removes no custom object"), "{said}");
    let said = stand_in.migr(&project, &["rollback"]).exits(0).stdout;
    assert!(
        said.contains("create field contactFiles.file: left, because 1 record still holds a value in it"),
        "{said}"
    );
    assert!(said.contains("; all else is as before"), "{said}");
}

#[test]
fn files_that_stay_with_a_contact_are_told_again_by_a_rollback_that_goes_on() {
    let project = studio();
    let stand_in =
        StandIn::location(highlevel::Options { lag: std::time::Duration::ZERO, ..highlevel::Options::default() });
    let location = highlevel::Options::default().location;
    let own = json!({"locationId": location, "firstName": "Ada", "email": "ada@x.example"});
    stand_in.ask(&Method::POST, "/contacts/", &own);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let clients = created(&project, "Client");
    let client = clients.first().expect("a client that was created");
    stand_in.ask(&Method::PUT, &format!("/contacts/{client}"), &json!({"address1": "1 By Hand St"}));
    let stays = "which was there before\n";
    let said = stand_in.migr(&project, &["rollback"]).exits(6).stdout;
    assert!(said.contains(stays), "{said}");
    let said = stand_in.migr(&project, &["rollback", "--changed", "destroy"]).exits(0).stdout;
    assert!(said.contains(stays) && said.contains("; all else is as before"), "{said}");
}

#[test]
fn a_rollback_names_the_records_of_which_nobody_could_tell_whether_they_were_created() {
    let project = studio();
    // The search tells of a deal long after the time that the spec grants it.
    let stand_in = StandIn::location(highlevel::Options {
        lag: std::time::Duration::from_secs(3600),
        ..highlevel::Options::default()
    });
    let wire = Wire::to(&stand_in.url(), |asked| {
        let makes_a_deal = asked.method == "POST" && asked.path.trim_end_matches('/') == "/opportunities";
        if makes_a_deal { Act::CutAfter } else { Act::Pass }
    });
    let migr = |arguments: &[&str]| {
        let mut command = stand_in.command_over(&wire.url(), project.path(), arguments);
        Ran::from(command.output().expect("migr starts"))
    };
    let ran = migr(&["run", "--no-approval"]).exits(5);
    let said = "3 quarantined records may be in the destination or not, since answers were lost";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let report = migr(&["report"]).stdout;
    assert!(report.contains("- 3 records may be in the destination or not, since answers were lost."), "{report}");
    assert!(report.contains("Nothing of these records was written, but for 3 that may be there (Q502)."), "{report}");
    for arguments in [&["rollback", "--dry-run"][..], &["rollback"]] {
        let ran = migr(arguments);
        let said = "not back  Deal: opportunities: one may be there, made of D1, line 2: nobody could tell whether it was created";
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
        assert!(!ran.stdout.contains("as before") || ran.stdout.contains("; not all is as before"), "{}", ran.stdout);
        assert_eq!(ran.code, if arguments.len() == 2 { 0 } else { 6 });
    }
}
