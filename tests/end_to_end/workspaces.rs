//! The workspace that a journal is bound to: no command writes to another one, or takes back what it finds there.

use migr_sandbox::SandboxOptions;

use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;
use crate::studio::{location_on_disk, studio};

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}

map Person -> people { name = { firstName: name } }
"#;

const CATALOG: &str = r#"system clinic {
  object Person from "people.csv" { key person_id; person_id: text; name: text }
}
"#;

const RUN: &[&str] = &["run", "--no-approval"];

fn stand_in(workspace: &str) -> StandIn {
    StandIn::with(SandboxOptions { workspace: Some(workspace.to_owned()), ..SandboxOptions::default() })
}

fn project() -> Project {
    let project = Project::empty();
    project.write("migration.migr", SPEC);
    project.write("clinic.migr", CATALOG);
    project.write("export/people.csv", "person_id,name\nP1,Ada\nP2,Bob\n");
    project
}

#[test]
fn a_journal_is_of_one_workspace_and_every_command_refuses_another_before_it_sends_anything() {
    let (ours, other, project) = (stand_in("ours"), stand_in("other"), project());
    let before = ours.fingerprint();
    ours.migr(&project, RUN).exits(0);
    let moved = ours.fingerprint();
    assert_ne!(moved, before);
    for command in [RUN, &["setup"], &["verify"], &["audit"], &["quarantine", "retry"], &["rollback"]] {
        let ran = other.migr(&project, command).exits(4);
        assert!(ran.stderr.contains("this journal is of another workspace"), "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("workspace ours") && ran.stderr.contains("workspace other"), "{}", ran.stderr);
    }
    assert_eq!(other.requests(), 0);
    assert_eq!(ours.fingerprint(), moved);
    ours.migr(&project, &["verify"]).exits(0);
    ours.migr(&project, &["rollback"]).exits(0);
    assert_eq!(ours.fingerprint(), before);
    // What was rolled back binds nothing any more.
    other.migr(&project, RUN).exits(0);
}

#[test]
fn another_location_is_called_so_where_a_journal_is_of_one() {
    let (ours, project) = (location_on_disk(None), studio());
    ours.migr(&project, &["setup"]).exits(0);
    for command in [RUN, &["rollback"]] {
        let mut elsewhere = ours.command(project.path(), command);
        let ran = Ran::from(elsewhere.env("STAGING_LOCATION", "Elsewhere01").output().expect("migr starts")).exits(4);
        assert!(ran.stderr.contains("this journal is of another location ("), "{}", ran.stderr);
        assert!(ran.stderr.contains(", not ") && ran.stderr.contains("location Elsewhere01"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("workspace"), "{}", ran.stderr);
    }
}

#[test]
fn a_command_that_writes_nothing_binds_the_journal_to_no_workspace() {
    let (ours, other, project) = (stand_in("ours"), stand_in("other"), project());
    other.migr(&project, &["setup", "--checklist"]).exits(0);
    ours.migr(&project, RUN).exits(0);
}

#[test]
fn a_workspace_that_never_let_the_token_in_binds_no_journal() {
    let (ours, project) = (location_on_disk(None), studio());
    for command in [&["setup"][..], RUN] {
        let mut mistyped = ours.command(project.path(), command);
        let ran = Ran::from(mistyped.env("STAGING_LOCATION", "mistyped").output().expect("migr starts")).exits(3);
        assert!(ran.stderr.contains("does not have access to this location"), "{}", ran.stderr);
        let mut refused = ours.command(project.path(), command);
        Ran::from(refused.env("STAGING_KEY", "mistyped").output().expect("migr starts")).exits(3);
    }
    ours.migr(&project, &["setup"]).exits(0);
}
