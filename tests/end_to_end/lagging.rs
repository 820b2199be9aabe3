//! Time between a write and what is seen of it: reads that lag, requests that outlive the program, and people at work between a look and a write.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Ran;
use crate::killed::{Left, Pair, ROLLBACK, RUN, Rest, kill_behind};
use crate::stand_in::StandIn;
use crate::studio;
use crate::wire::{Act, Asked, Wire};

/// Time in which a record that was written is not shown.
const LAG: Duration = Duration::from_millis(400);

/// Moments at which records were written, by their ids.
type Young = Arc<Mutex<HashMap<String, Instant>>>;

fn note(young: &Young, body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    let rows = if body.is_array() { body.as_array().cloned().unwrap_or_default() } else { vec![body] };
    let mut young = young.lock().expect("the list");
    for id in rows.iter().filter_map(|row| row["id"].as_str()) {
        young.entry(id.to_owned()).or_insert_with(Instant::now);
    }
}

/// Takes out of a list what is too young to be seen, and counts it out.
fn hide(young: &Young, answer: &mut Value) {
    let young = young.lock().expect("the list");
    let is_old = |row: &Value| {
        let id = row["id"].as_str().or_else(|| row["node"]["id"].as_str()).unwrap_or_default();
        young.get(id).is_none_or(|written| written.elapsed() >= LAG)
    };
    let counts_outside = answer.get("totalCount").is_some();
    let Some(lists) = answer.get_mut("data").and_then(Value::as_object_mut) else { return };
    let mut hidden = 0;
    for list in lists.values_mut() {
        let is_connection = list.get("edges").is_some();
        let Some(rows) = (if is_connection { list["edges"].as_array_mut() } else { list.as_array_mut() }) else {
            continue;
        };
        let before = rows.len();
        rows.retain(is_old);
        let gone = u64::try_from(before - rows.len()).expect("a small number");
        hidden += gone;
        if let Some(total) = list.get("totalCount").and_then(Value::as_u64) {
            list["totalCount"] = json!(total - gone);
        }
    }
    if let Some(total) = answer["totalCount"].as_u64().filter(|_| counts_outside) {
        answer["totalCount"] = json!(total - hidden);
    }
}

/// A line on which reads lag behind writes; every so many-th write's answer is lost.
fn lagging(stand_in: &StandIn, lost: u64) -> Wire {
    let young = Young::default();
    let writes = Mutex::new(0_u64);
    Wire::to(&stand_in.url(), move |asked| {
        if asked.path.starts_with("/rest/metadata")
            || asked.path.starts_with("/metadata")
            || asked.path.starts_with("/file")
        {
            return Act::Pass;
        }
        if asked.writes() {
            note(&young, asked.body);
            let mut writes = writes.lock().expect("a number");
            *writes += 1;
            return if lost > 0 && (*writes).is_multiple_of(lost) { Act::CutAfter } else { Act::Pass };
        }
        let young = Arc::clone(&young);
        Act::Change(
            None,
            Box::new(move |told| {
                if let Ok(mut answer) = serde_json::from_slice::<Value>(&told.body) {
                    hide(&young, &mut answer);
                    told.body = answer.to_string().into_bytes();
                }
            }),
        )
    })
}

#[test]
fn nothing_is_set_aside_doubled_or_called_foreign_on_the_word_of_a_read_that_lags_behind_a_write() {
    let rest = Rest::after(&[]);
    let honest = {
        let (project, stand_in) = rest.wake();
        stand_in.migr(&project, RUN.0).exits(RUN.1);
        Left::by(&project, &stand_in)
    };
    for lost in [0, 2, 3] {
        let (project, stand_in) = rest.wake();
        let wire = lagging(&stand_in, lost);
        let output = stand_in.command_over(&wire.url(), project.path(), RUN.0).output().expect("migr starts");
        let ran = Ran::from(output).exits(RUN.1);
        let differs = honest.differs(&Left::by(&project, &stand_in));
        assert_eq!(differs, None, "every {lost}th answer lost\n{}{}", ran.stdout, ran.stderr);
    }
}

fn is_new_deal(asked: &Asked<'_>) -> bool {
    asked.method == "POST" && asked.path.starts_with("/rest/batch/opportunities")
}

#[test]
fn a_rollback_outlasts_the_requests_of_the_run_that_was_killed_and_takes_back_what_they_made() {
    let (project, stand_in) = Rest::after(&[]).wake();
    let spec = project.read("migration.migr");
    project.write(
        "migration.migr",
        &spec.replace("secret(\"TWENTY_STAGING_KEY\") }", "secret(\"TWENTY_STAGING_KEY\"); timeout = 3s }"),
    );
    let before = stand_in.fingerprint();
    let (tell, told) = mpsc::channel();
    let is_held = AtomicBool::new(false);
    let wire = Wire::to(&stand_in.url(), move |asked| {
        if !is_new_deal(asked) || is_held.swap(true, Ordering::Relaxed) {
            return Act::Pass;
        }
        let _ = tell.send(());
        // It is carried out when the program is long gone.
        Act::First(Box::new(|| std::thread::sleep(Duration::from_millis(1_500))))
    });
    let mut run = stand_in.command_over(&wire.url(), project.path(), RUN.0).spawn().expect("migr starts");
    told.recv().expect("it sends deals");
    run.kill().expect("it can be killed");
    run.wait().expect("it ends");
    let ran = stand_in.migr(&project, &["rollback"]).exits(0);
    assert!(ran.stderr.contains("may still be on its way"), "{}", ran.stderr);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(stand_in.records("opportunities"), Vec::<Value>::new());
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn an_update_makes_no_record_anew_that_somebody_destroyed_meanwhile() {
    let (project, stand_in) = Rest::after(&[]).wake();
    let acme = |stand_in: &StandIn| {
        let all = stand_in.records("companies");
        all.iter()
            .find(|one| one["name"] == "Acme Incorporated")
            .map(|one| one["id"].as_str().expect("an id").to_owned())
    };
    let id = acme(&stand_in).expect("others have it");
    let (url, token, done) = (stand_in.url(), stand_in.token(), AtomicBool::new(false));
    let path = format!("/rest/companies/{id}");
    let target = id.clone();
    let wire = Wire::to(&stand_in.url(), move |asked| {
        let changes_it = asked.method == "POST" && asked.path.contains("upsert=true") || asked.method == "PATCH";
        let names_it = String::from_utf8_lossy(asked.body).contains(&target) || asked.path.contains(&target);
        if !changes_it || !names_it || done.swap(true, Ordering::Relaxed) {
            return Act::Pass;
        }
        let (address, token) = (format!("{url}{path}"), token.clone());
        Act::First(Box::new(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let request = reqwest::Client::new().request(Method::DELETE, address).bearer_auth(token);
                assert!(request.send().await.expect("an answer").status().is_success());
            });
        }))
    });
    let output = stand_in.command_over(&wire.url(), project.path(), RUN.0).output().expect("migr starts");
    let ran = Ran::from(output).exits(RUN.1);
    let there = stand_in.records("companies");
    assert!(there.iter().all(|one| one["id"] != *id), "a stub was made: {}{}", ran.stdout, ran.stderr);
    let report = project.report();
    let notes = report["quarantine"].as_array().expect("a list");
    let about: Vec<&Value> = notes.iter().filter(|note| note["key"] == "F1").collect();
    assert!(
        about.iter().any(|note| note["reason"].as_str().unwrap_or_default().contains("since it was looked up")),
        "{report:#}"
    );
}

#[test]
fn a_record_that_a_killed_rollback_destroyed_refers_to_nothing_however_long_a_list_names_it() {
    let project = Rest::of(Pair::Studio, &[RUN]).asleep();
    let state = Some(project.path().join("workspace.db"));
    let stand_in = StandIn::location(highlevel::Options { lag: Duration::from_secs(4), ..studio::lagging(state) });
    assert!(kill_behind("DELETE /businesses/", &stand_in, &project, ROLLBACK.0), "it destroys the business");
    let again = stand_in.migr(&project, ROLLBACK.0).exits(ROLLBACK.1);
    assert!(!again.stdout.contains("refers to it"), "{}", again.stdout);
}
