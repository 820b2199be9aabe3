//! A small migration into a location whose server chooses ids: a business, contacts with and without an address, deals, notes that are alike, tasks,
//! appointments, files, records of an own object, and relations.

use std::path::PathBuf;
use std::time::Duration;

use migr_sandbox::{RateLimit, highlevel};

use crate::harness::{Project, Ran, repository};
use crate::killed::{Left, Wanted};
use crate::stand_in::StandIn;

/// Maps of which the facts say that an absence cannot be proved: contacts without an address, deals where a contact may have several, files of the library.
const UNPROVABLE: [(&str, &[&str]); 3] = [("Client", &["C3"]), ("Deal", &["D1", "D2", "D3"]), ("OfNobody", &["S3"])];

/// The project; its requests are not paced.
pub(crate) fn studio() -> Project {
    let project = Project::copy_of(&repository().join("tests/studio"), Some(".migr"));
    hurried(&project);
    project
}

/// Lets a project's spec use a catalog without a pace.
pub(crate) fn hurried(project: &Project) {
    let catalog = std::fs::read_to_string(repository().join("specs/systems/highlevel.migr")).expect("the catalog");
    let fast = catalog.replace("requests 100 per 10s; requests 200000 per 24h", "requests 1000000 per 1s");
    assert_ne!(fast, catalog, "the catalog's limits are written otherwise now");
    project.write("highlevel.migr", &fast);
    let spec = project.read("migration.migr").replace("use \"std/systems/highlevel\"", "use \"highlevel\"");
    project.write("migration.migr", &spec);
}

/// A location whose state is kept in a file. Its searches lag.
pub(crate) fn location_on_disk(state: Option<PathBuf>) -> StandIn {
    StandIn::location(lagging(state))
}

/// Time after which the location's lists tell of what was written.
pub(crate) const LAG: Duration = Duration::from_millis(300);

/// The options of one.
pub(crate) fn lagging(state: Option<PathBuf>) -> highlevel::Options {
    highlevel::Options { state, lag: LAG, ..highlevel::Options::default() }
}

/// Says of each record that the command left uncertain whether it is there, as a person does who looks, and has the command go on; says of how many.
#[track_caller]
pub(crate) fn told_by_a_person(
    project: &Project,
    stand_in: &StandIn,
    (arguments, code): Wanted,
    disturbed: &str,
) -> usize {
    let uncertain = Left::by(project, stand_in).uncertain();
    for (map, key) in &uncertain {
        let is_known = UNPROVABLE.iter().any(|(of, keys)| of == map && keys.contains(&key.as_str()));
        assert!(is_known, "{disturbed}: {map} {key} is uncertain, and need not be");
        let id = id_of(project, map, key);
        let word: Vec<&str> = id.as_deref().map_or_else(|| vec!["--create"], |id| vec!["--id", id]);
        let settle = [&["quarantine", "settle", key, "--map", map], &word[..]].concat();
        stand_in.migr(project, &settle).exits(0);
    }
    if !uncertain.is_empty() {
        stand_in.migr(project, &["quarantine", "retry"]).exits(0);
        stand_in.migr(project, arguments).exits(code);
    }
    uncertain.len()
}

/// The id of a record in the location, by what only this one says.
fn id_of(project: &Project, map: &str, key: &str) -> Option<String> {
    let (kind, said) = match (map, key) {
        ("Client", _) => ("contact", "Cyrus"),
        ("Deal", "D1") => ("opportunity", "Ada one"),
        ("Deal", "D2") => ("opportunity", "Ada two"),
        ("Deal", _) => ("opportunity", "Bob one"),
        _ => ("media", "S3.txt"),
    };
    let state = rusqlite::Connection::open(project.path().join("workspace.db")).expect("the location's state");
    let sql = "SELECT id FROM records WHERE object = ?1 AND instr(body, ?2) > 0";
    state.query_row(sql, [kind, said], |row| row.get(0)).ok()
}

#[test]
fn an_object_that_nothing_removes_is_made_only_where_the_migration_permits_it_and_a_rollback_lists_it() {
    let (project, stand_in) = (studio(), location_on_disk(None));
    let spec = project.read("migration.migr");
    let permit = "  permit irreversible : \"made for a test\"\n";
    assert!(spec.contains(permit));
    project.write("migration.migr", &spec.replace(permit, ""));
    let before = stand_in.fingerprint();
    let ran = stand_in.migr(&project, &["setup"]).exits(4);
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(told.contains("the API removes no custom object; `permit irreversible : \"why\"`"), "{told}");
    assert_eq!(stand_in.fingerprint(), before, "nothing is begun that cannot be ended");
    let project = studio();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let ran = stand_in.migr(&project, &["rollback"]).exits(0);
    assert!(ran.stdout.contains("not back  setup: create object courses: left, because"), "{}", ran.stdout);
}

#[test]
fn a_pipeline_that_the_token_may_not_make_is_told_before_anything_is_made() {
    let without_scopes = vec!["pipelines.create".to_owned()];
    let (project, stand_in) = (studio(), StandIn::location(highlevel::Options { without_scopes, ..lagging(None) }));
    let before = stand_in.fingerprint();
    let listed = stand_in.migr(&project, &["setup", "--checklist"]);
    let told = format!("{}{}", listed.stdout, listed.stderr);
    assert!(told.contains("pipelines.create") && told.contains("\"Workshops\""), "{told}");
    assert_eq!(listed.code, 4, "{told}");
    assert_eq!(stand_in.fingerprint(), before, "asking makes nothing");
    // A token that may: nothing is said of scopes, and asking made nothing there either.
    let (project, stand_in) = (studio(), location_on_disk(None));
    let before = stand_in.fingerprint();
    let listed = stand_in.migr(&project, &["setup", "--checklist"]);
    assert!(!format!("{}{}", listed.stdout, listed.stderr).contains("pipelines.create"), "{}", listed.stdout);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn the_limit_that_the_server_tells_is_kept_whatever_the_catalog_says() {
    let rate = Some(RateLimit { requests: 20, per: Duration::from_secs(1) });
    // The catalog says that there is no limit worth the name.
    let (project, stand_in) =
        (studio(), StandIn::location(highlevel::Options { rate, ..highlevel::Options::default() }));
    let mut run = stand_in.command(project.path(), &["--log", "json", "run", "--no-approval"]);
    let ran = Ran::from(run.env("RUST_LOG", "debug").output().expect("migr starts")).exits(5);
    let refused = ran.stderr.matches("Too Many Requests").count();
    // The first requests go side by side, before any answer has told the limit.
    assert!(refused <= 4, "{refused} requests were one too many");
    assert!(ran.stderr.contains("the server's limit"), "{}", ran.stderr);
}
