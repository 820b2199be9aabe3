//! Approval: who may let a migration run, what it binds, and that it goes stale when something moves.

use std::process::Command;

use migr_sandbox::SandboxOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::small::Small;
use crate::stand_in::StandIn;

fn small() -> Small<'static> {
    Small {
        objects: "  object Firm from \"firms.csv\" {\n    key id\n    id: text\n    name: text sensitive\n    note: text\n  }",
        maps: "map Firm -> companies {\n  // a name\n  name = name\n  new remark \"Remark\": text = note | trim\n}",
        files: &[("firms.csv", "id,name,note\nF1,Secretive One,a\nF2,Secretive Two,b\n")],
        held: Vec::new(),
    }
}

/// A sample that was approved.
fn approved() -> (Project, StandIn) {
    let (project, stand_in) = (small().project(), StandIn::new());
    stand_in.migr(&project, &["sample", "--records", "1"]).exits(0);
    stand_in.migr(&project, &["approve", "--by", "Ada Brown", "--note", "as agreed"]).exits(0);
    (project, stand_in)
}

/// A run that is refused, with every word; nothing may have been written.
#[track_caller]
fn refused(project: &Project, stand_in: &StandIn, words: &[&str]) -> Ran {
    let before = stand_in.fingerprint();
    let ran = stand_in.migr(project, &["run"]).exits(4);
    for word in words.iter().chain(&["nothing is written"]) {
        assert!(ran.stderr.contains(word), "nothing says {word:?}:\n{}", ran.stderr);
    }
    assert_eq!(stand_in.fingerprint(), before, "something was written");
    ran
}

#[test]
fn a_run_needs_an_approval_and_goes_by_it_and_the_report_names_it() {
    let (project, stand_in) = (small().project(), StandIn::new());
    let ran = refused(&project, &stand_in, &["this migration is not approved", "`migr sample`", "`migr approve`"]);
    assert!(!project.path().join(".migr/staging/journal.db").exists(), "{}", ran.stderr);
    let ran = stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(4);
    assert!(ran.stderr.contains("there is no sample of `staging` to approve"), "{}", ran.stderr);

    let (project, stand_in) = approved();
    let text = project.read("migr.staging.approval");
    let approval: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&approval["by"], &approval["note"]), (&json!("Ada Brown"), &json!("as agreed")));
    assert!(!text.contains("Secretive"), "no value of a record is in it: {text}");
    let ran = stand_in.migr(&project, &["run"]).exits(0);
    assert!(ran.stderr.contains("approved: by Ada Brown"), "{}", ran.stderr);
    let page = project.read(".migr/staging/report.html");
    assert!(page.contains("Ada Brown") && page.contains("as agreed"), "{page}");
    assert!(!page.contains("without an approval"), "{page}");
    // What was approved is there: nothing moved, and nothing is left to do.
    let ran = stand_in.migr(&project, &["run"]).exits(0);
    assert!(ran.stdout.contains("Nothing was left to do"), "{}", ran.stdout);
}

#[test]
fn a_run_without_an_approval_says_so_loudly_and_a_rehearsal_needs_none() {
    let (project, stand_in) = (small().project(), StandIn::new());
    let ran = stand_in.migr(&project, &["--quiet", "run", "--no-approval"]).exits(0);
    assert!(ran.stderr.contains("NOT APPROVED"), "{}", ran.stderr);
    let report = stand_in.migr(&project, &["report"]).exits(0).stdout;
    assert!(report.contains("without an approval"), "{report}");
    let ran = small().project().migr(&["run", "--sandbox"]).exits(0);
    assert!(!ran.stderr.contains("APPROVED"), "{}", ran.stderr);
}

#[test]
fn text_that_changes_nothing_leaves_an_approval_standing() {
    let (project, stand_in) = approved();
    let spec = project.read("migration.migr");
    project.write(
        "migration.migr",
        &format!("// A word on top.\n\n\n{}", spec.replace("// a name", "// the name of the firm")),
    );
    let ran = stand_in.migr(&project, &["run"]);
    assert!(ran.stderr.contains("approved: by Ada Brown"), "{}", ran.stderr);
    stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(0);
}

#[test]
fn an_approval_goes_stale_with_the_plan_and_names_the_map() {
    let (project, stand_in) = approved();
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("note | trim", "note | trim | upper"));
    refused(&project, &stand_in, &["\n  plan: what it does to records is another in Firm"]);
    let ran = stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(4);
    assert!(ran.stderr.contains("the sample is not of this any more: the plan, in Firm"), "{}", ran.stderr);
}

/// A migration of firms, two of them quarantined for a status that no row names, carried out as it was approved.
fn carried_out() -> (Project, StandIn) {
    let small = Small {
        objects: "  object Firm from \"firms.csv\" {\n    key id\n    id: text\n    name: text\n    status: text\n    town: text\n  }",
        maps: "picklist Status -> companies.status {\n  \"Open\" = new OPEN \"Open\" blue\n  otherwise quarantine\n}\n\nmap Firm -> companies {\n  name = name | trim\n  new status \"Status\": select Status = status | Status\n  drop town : \"later\"\n}",
        files: &[(
            "firms.csv",
            "id,name,status,town\nF1,One  Firm,Open,A\nF2,Two,Later,B\nF3,Three,Later,C\nF4,Four,Open,D\n",
        )],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    stand_in.migr(&project, &["sample", "--records", "1"]).exits(5);
    stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(0);
    stand_in.migr(&project, &["run"]).exits(5);
    (project, stand_in)
}

#[test]
fn after_a_run_a_change_that_gives_no_written_record_another_value_is_approved_without_another_sample() {
    let (project, stand_in) = carried_out();
    let spec = project.read("migration.migr");
    let more = spec
        .replace("  otherwise quarantine", "  \"Later\" = new LATER \"Later\" gray\n  otherwise quarantine")
        .replace("  drop town : \"later\"", "  new town \"Town\": text = town");
    project.write("migration.migr", &more);
    let asked = refused(&project, &stand_in, &["\n  plan: what it does to records is another in Firm"]);
    assert!(asked.stderr.contains("`migr plan --since-run`") && asked.stderr.contains("`migr approve` is enough"));
    let told = stand_in.migr(&project, &["approve", "--by", "Eve Green"]).exits(0);
    let words = "and on a change of Firm that gives no written record another value";
    assert!(told.stdout.contains("by Eve Green") && told.stdout.contains(words), "{}", told.stdout);
    // Setup comes between the approval and the run, and between two halves of a run.
    stand_in.migr(&project, &["setup"]);
    let ran = stand_in.migr(&project, &["run"]).exits(0);
    assert!(ran.stdout.contains("2 records were written; 2 records got other values"), "{}", ran.stdout);
    let again = stand_in.migr(&project, &["run"]).exits(0);
    assert!(again.stdout.contains("Nothing was left to do"), "{}", again.stdout);
    stand_in.migr(&project, &["verify"]).exits(0);
    let approvals = project.report()["approvals"].clone();
    assert_eq!(
        (&approvals[1]["by"], &approvals[1]["changed_since"]),
        (&json!("Eve Green"), &json!(["Firm"])),
        "{approvals}"
    );

    // A field that somebody made is no part of what the setup makes.
    let objects = stand_in.metadata();
    let companies = objects.iter().find(|object| object["namePlural"] == "companies").unwrap();
    let field = json!({ "objectMetadataId": companies["id"], "type": "TEXT", "name": "theirs", "label": "Theirs" });
    stand_in.ask(&Method::POST, "/rest/metadata/fields", &field);
    refused(&project, &stand_in, &["\n  schema: fields of companies are others in the destination"]);
}

#[test]
fn after_a_run_a_change_of_written_values_wants_another_sample_and_one_before_the_run_always_does() {
    let (project, stand_in) = carried_out();
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("name | trim", "name | trim | collapse"));
    let asked = stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(4);
    assert!(asked.stderr.contains("written records would get other values"), "{}", asked.stderr);
    assert!(asked.stderr.contains("run `migr sample` again"), "{}", asked.stderr);
    project.write("migration.migr", &spec.replace("map Firm -> companies {", "map Firm -> companies {\n  match name"));
    let asked = stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(4);
    assert!(asked.stderr.contains("`migr rollback --map Firm`"), "{}", asked.stderr);
    // A later export is a delta's.
    project.write("migration.migr", &spec.replace("  drop town : \"later\"", "  new town \"Town\": text = town"));
    let rows = project.read("export/firms.csv");
    project.write("export/firms.csv", &rows.replace("F4,Four", "F4,Vier"));
    let asked = stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(4);
    assert!(asked.stderr.contains("the spec and export/firms.csv changed"), "{}", asked.stderr);

    let (project, stand_in) = approved();
    let spec = project.read("migration.migr");
    project
        .write("migration.migr", &spec.replace("note | trim\n", "note | trim\n  new again \"Again\": text = note\n"));
    let asked = stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(4);
    assert!(asked.stderr.contains("the sample is not of this any more: the plan, in Firm"), "{}", asked.stderr);
}

#[test]
fn an_approval_goes_stale_with_the_export_the_schema_the_sample_and_the_host_each_by_name() {
    let (project, stand_in) = approved();
    let firms = project.read("export/firms.csv");
    project.write("export/firms.csv", &format!("{firms}F3,Secretive Three,c\n"));
    refused(&project, &stand_in, &["\n  export: export/firms.csv changed"]);
    let ran = stand_in.migr(&project, &["approve", "--by", "Ada Brown"]).exits(4);
    assert!(ran.stderr.contains("the sample is not of this any more: the export, export/firms.csv"), "{}", ran.stderr);
    project.write("export/firms.csv", &firms);

    // A later sample that shows something else.
    let companies = stand_in.records("companies");
    let firm =
        companies.iter().find(|one| one["name"].as_str().is_some_and(|name| name.starts_with("Secretive"))).unwrap();
    let path = format!("/rest/companies/{}", firm["id"].as_str().unwrap());
    stand_in.ask(&Method::PATCH, &path, &json!({ "remark": "another" }));
    stand_in.migr(&project, &["sample", "--records", "1"]).exits(6);
    refused(&project, &stand_in, &["\n  sample: a later sample shows something else"]);
    stand_in.ask(&Method::PATCH, &path, &json!({ "remark": firm["remark"] }));
    stand_in.migr(&project, &["sample", "--records", "1"]).exits(0);

    // A field that somebody made.
    let objects = stand_in.metadata();
    let companies = objects.iter().find(|object| object["namePlural"] == "companies").unwrap();
    let field = json!({ "objectMetadataId": companies["id"], "type": "TEXT", "name": "theirs", "label": "Theirs" });
    stand_in.ask(&Method::POST, "/rest/metadata/fields", &field);
    refused(&project, &stand_in, &["\n  schema: fields of companies are others in the destination"]);

    // Another workspace; what else moved is named beside it.
    let options = SandboxOptions { workspace: Some("another".to_owned()), ..SandboxOptions::default() };
    let other = StandIn::with(options);
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("note | trim", "note"));
    let ran = refused(&project, &other, &["\n  plan: ", "\n  host: "]);
    assert!(!ran.stderr.contains("\n  export: "), "{}", ran.stderr);
}

#[test]
fn where_signers_are_named_only_a_signature_of_theirs_over_this_text_counts() {
    let keys = Project::empty();
    let make = |name: &str| {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(keys.path().join(name))
            .output();
        match made {
            Ok(made) => {
                assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
                true
            }
            Err(error) => {
                eprintln!("LEFT OUT: ssh-keygen does not start ({error}), so no signature was made or checked");
                false
            }
        }
    };
    if !make("ada") || !make("eve") {
        return;
    }
    let (project, stand_in) = approved();
    let key = |name: &str| keys.path().join(name).to_string_lossy().into_owned();
    let public = keys.read("ada.pub");
    project.write("migr.allowed_signers", &format!("ada@clinic.example namespaces=\"migr-approval\" {public}"));
    refused(&project, &stand_in, &["\n  signature: only a signed approval counts", "it is not signed"]);
    stand_in.migr(&project, &["approve", "--by", "Eve", "--sign", &key("eve")]).exits(0);
    refused(&project, &stand_in, &["\n  signature: it is signed by a key that", "does not name"]);
    stand_in.migr(&project, &["approve", "--by", "Ada Brown", "--sign", &key("ada")]).exits(0);
    let text = project.read("migr.staging.approval");
    project.write("migr.staging.approval", &text.replace("Ada Brown", "Ada Green"));
    refused(&project, &stand_in, &["\n  signature: its signature is not of this text"]);
    project.write("migr.staging.approval", &text);
    let ran = stand_in.migr(&project, &["run"]).exits(0);
    assert!(ran.stderr.contains("signed: ada@clinic.example"), "{}", ran.stderr);
}
