//! Scopes that a token lacks: told before anything is made, each by its name, and asked for by nothing that could change the location.

use migr_sandbox::highlevel;

use crate::stand_in::StandIn;
use crate::studio::{lagging, location_on_disk, studio};

/// Scopes of the updates that the studio's migration could make, of records and of the schema.
const WRITTEN_BY: [&str; 8] = [
    "contacts.write",
    "businesses.write",
    "opportunities.write",
    "calendars/events.write",
    "objects/record.write",
    "objects/schema.write",
    "locations/customFields.write",
    "associations.write",
];

/// Scopes of requests that no harmless one stands for: relations, and files of contacts and of the library.
const FOUND_LATE: [&str; 3] = ["associations/relation.write", "forms.write", "medias.write"];

fn without(scope: &str) -> StandIn {
    StandIn::location(highlevel::Options { without_scopes: vec![scope.to_owned()], ..lagging(None) })
}

#[test]
fn a_scope_that_the_token_lacks_is_told_before_anything_is_made() {
    for scope in WRITTEN_BY {
        let (project, stand_in) = (studio(), without(scope));
        let before = stand_in.fingerprint();
        let said = format!("the token lacks the scope `{scope}`; give it to the private integration");
        let commands: [(&[&str], i32); 4] =
            [(&["setup"], 4), (&["setup", "--checklist"], 4), (&["run", "--no-approval"], 4), (&["audit"], 1)];
        // One scope is told by every command, the others by the first.
        let commands = if scope == WRITTEN_BY[0] { &commands[..] } else { &commands[..1] };
        for (arguments, code) in commands {
            let ran = stand_in.migr(&project, arguments).exits(*code);
            let told = format!("{}{}", ran.stdout, ran.stderr);
            assert!(told.contains(&said), "{scope} {arguments:?}: {told}");
        }
        assert_eq!(stand_in.fingerprint(), before, "{scope}: all or nothing begins");
    }
}

#[test]
fn asking_for_scopes_writes_nothing_and_is_not_told_where_the_token_has_them() {
    let (project, stand_in) = (studio(), location_on_disk(None));
    let before = stand_in.fingerprint();
    let listed = stand_in.migr(&project, &["setup", "--checklist"]);
    assert!(!format!("{}{}", listed.stdout, listed.stderr).contains("scope"), "{}", listed.stdout);
    stand_in.migr(&project, &["audit"]);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn a_scope_that_was_taken_away_since_setup_stops_the_run_before_its_first_write() {
    let (project, state) = (studio(), "workspace.db");
    let path = project.path().join(state);
    let stand_in = location_on_disk(Some(path.clone()));
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.stop();
    let without_scopes = vec!["opportunities.write".to_owned()];
    let stand_in = StandIn::location(highlevel::Options { without_scopes, ..lagging(Some(path)) });
    let before = stand_in.fingerprint();
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    assert!(ran.stderr.contains("the scope `opportunities.write`"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn where_nothing_is_left_to_write_no_right_is_asked_for() {
    let project = studio();
    let path = project.path().join("workspace.db");
    let stand_in = location_on_disk(Some(path.clone()));
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.stop();
    let without_scopes = vec!["opportunities.write".to_owned()];
    let stand_in = StandIn::location(highlevel::Options { without_scopes, ..lagging(Some(path)) });
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
}

#[test]
fn a_scope_that_nothing_harmless_asks_for_stops_the_run_by_its_name_and_the_run_goes_on_once_it_is_given() {
    for scope in FOUND_LATE {
        let project = studio();
        let path = project.path().join("workspace.db");
        let on_disk =
            |without_scopes| StandIn::location(highlevel::Options { without_scopes, ..lagging(Some(path.clone())) });
        let stand_in = on_disk(vec![scope.to_owned()]);
        let ran = stand_in.migr(&project, &["run", "--no-approval"]);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, 3, "{scope}: {told}");
        assert!(told.contains(&format!("Give the private integration the scope `{scope}`")), "{scope}: {told}");
        stand_in.stop();
        let stand_in = on_disk(Vec::new());
        stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
        stand_in.migr(&project, &["verify"]).exits(0);
        let report = stand_in.migr(&project, &["report", "--format", "json"]).exits(0).json();
        let objects = report["objects"].as_array().expect("a list").iter();
        let uncertain: Vec<_> = objects.filter(|object| object["uncertain"].as_u64().unwrap_or_default() > 0).collect();
        assert!(uncertain.is_empty(), "{scope}: {uncertain:?}");
    }
}
