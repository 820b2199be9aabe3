//! Workflows and webhooks of the destination that what is written starts: told beforehand, held back, permitted, and what workflows made since.

use std::time::Duration;

use migr_sandbox::SandboxOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;

const STOCK: &str = "Create company when adding a new person";

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY"); timeout = 3s }
PERMIT}

map Firm -> companies { name = name }

map Person -> people {
  name    = { firstName: name }
  emails  = { primaryEmail: email } otherwise none
  company = firm on missing none
}
"#;

const CATALOG: &str = r#"system clinic {
  object Firm from "firms.csv" { key firm_id; firm_id: text; name: text }
  object Person from "people.csv" { key person_id; person_id: text; name: text; email: text; firm: -> Firm }
}
"#;

fn spec(permit: &str) -> String {
    let permit = if permit.is_empty() { String::new() } else { format!("  {permit}\n") };
    SPEC.replace("PERMIT", &permit)
}

fn project(permit: &str) -> Project {
    let project = Project::empty();
    project.write("migration.migr", &spec(permit));
    project.write("clinic.migr", CATALOG);
    project.write("export/firms.csv", "firm_id,name\nF1,Acme\n");
    let people = "person_id,name,email,firm\nP1,Ada,ada@new.example,\nP2,Bob,bob@gmail.com,F1\nP3,Cleo,,F1\n";
    project.write("export/people.csv", people);
    project
}

fn with_workflows() -> StandIn {
    StandIn::with(SandboxOptions { workflows: true, ..SandboxOptions::default() })
}

fn permit() -> String {
    format!("permit workflow \"{STOCK}\" : \"agreed with M. Ortiz\"")
}

fn says(ran: &Ran, text: &str) {
    assert!(ran.stdout.contains(text) || ran.stderr.contains(text), "{text:?} in\n{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn a_workflow_that_runs_on_what_is_written_is_told_by_every_command_and_stops_a_run_before_its_first_write() {
    let (project, stand_in) = (project(""), with_workflows());
    let before = stand_in.fingerprint();
    let fires = format!("\"{STOCK}\" (person.upserted; map Person)");

    let audit = stand_in.migr(&project, &["audit"]).exits(1);
    says(
        &audit,
        "error[firing-workflow]: Workflows and webhooks of the destination that what is written starts (W0615): 1",
    );
    says(&audit, &fires);
    let lock: Value = serde_json::from_str(&project.read("migr.staging.lock")).unwrap();
    let trigger = json!([{"event": "person.upserted", "object": "people", "on": ["created", "updated", "restored"], "fields": ["emails"]}]);
    assert_eq!(lock["destination"]["automations"], json!([{"name": STOCK, "triggers": trigger}]));

    project.write("migr.lock", &project.read("migr.staging.lock"));
    says(&project.migr(&["check"]).exits(0), "W0615");
    for format in ["human", "markdown"] {
        let plan = project.migr(&["plan", "--to", "staging", "--format", format]).exits(0);
        assert!(plan.stdout.contains("person.upserted; map Person"), "{}", plan.stdout);
    }
    let plan = project.migr(&["plan", "--to", "staging", "--format", "json"]).exits(0).json();
    assert_eq!(plan["automations"], json!([{"name": STOCK, "events": ["person.upserted"], "maps": ["Person"]}]));

    let checklist = stand_in.migr(&project, &["setup", "--checklist"]).exits(4);
    says(
        &checklist,
        &format!("missing   switch off or permit the workflow {fires}  (look at the status of the workflow"),
    );
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    says(&ran, &fires);
    says(&ran, "switch them off in the destination");
    says(&ran, &format!("`permit workflow \"{STOCK}\" : \"why\"`"));
    assert_eq!(stand_in.fingerprint(), before, "nothing was written");
}

#[test]
fn one_that_is_switched_off_holds_nothing_back_and_a_permit_for_none_is_told() {
    let (project, stand_in) = (project("permit workflow \"Create company\" : \"agreed\""), with_workflows());
    let workflow = stand_in.records("workflows")[0]["id"].as_str().unwrap().to_owned();
    stand_in.ask(&Method::PATCH, &format!("/rest/workflows/{workflow}"), &json!({"statuses": ["DEACTIVATED"]}));
    let audit = stand_in.migr(&project, &["audit"]).exits(0);
    says(&audit, "warning[idle-permit]");
    says(&audit, "migration.migr:7: \"Create company\" is permitted");
    project.write("migr.lock", &project.read("migr.staging.lock"));
    says(&project.migr(&["check"]).exits(0), "W0616");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.migr(&project, &["verify"]).exits(0);
    says(&stand_in.migr(&project, &["rollback"]).exits(0), "all is as before");
}

#[test]
fn one_that_is_permitted_runs_and_what_it_changed_and_made_is_told_as_its_own() {
    let (project, stand_in) = (project(&permit()), with_workflows());
    let (people, companies) = (stand_in.records("people").len(), stand_in.records("companies").len());
    let audit = stand_in.migr(&project, &["audit"]).exits(0);
    says(&audit, "is permitted: agreed with M. Ortiz");
    says(&project.migr(&["plan", "--to", "staging"]).exits(0), "permitted: agreed with M. Ortiz");
    stand_in.migr(&project, &["setup", "--checklist"]).exits(0);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let report = project.report();
    assert_eq!(report["workflows"], json!([{"name": STOCK, "reason": "agreed with M. Ortiz"}]));
    assert_eq!(stand_in.records("companies").len(), companies + 2, "one of the export, one of the workflow");

    let made = stand_in.records("companies").into_iter().find(|one| one["createdBy"]["source"] == "WORKFLOW").unwrap();
    let made = made["id"].as_str().unwrap().to_owned();
    let verify = stand_in.migr(&project, &["verify"]).exits(6);
    says(&verify, &format!("(the workflow \"{STOCK}\" changed the record last)"));

    let looked = stand_in.migr(&project, &["rollback", "--dry-run"]).exits(0);
    let said = stand_in.migr(&project, &["rollback"]).exits(6);
    for ran in [&looked, &said] {
        says(ran, &format!("it was changed since it was imported (companyId) by the workflow \"{STOCK}\""));
        says(ran, &format!("not back  companies {made}: the workflow \"{STOCK}\" made it since the run; it stays"));
    }
    says(&stand_in.migr(&project, &["rollback", "--changed", "destroy"]).exits(6), &format!("companies {made}"));
    assert_eq!(stand_in.records("people").len(), people);
    assert_eq!(stand_in.records("companies").len(), companies + 1, "the workflow's company stays");
}

#[test]
fn a_rollback_waits_for_runs_that_are_queued_and_says_which_have_not_ended() {
    let (project, stand_in) = (project(""), StandIn::new());
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let queued = stand_in.ask(&Method::POST, "/rest/workflowRuns", &json!({"name": STOCK, "status": "RUNNING"}));
    let queued = queued["data"]["createWorkflowRun"]["id"].as_str().unwrap().to_owned();
    let waiting = stand_in.command(project.path(), &["rollback"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    stand_in.ask(&Method::PATCH, &format!("/rest/workflowRuns/{queued}"), &json!({"status": "COMPLETED"}));
    let ended = Ran::from(waiting.wait_with_output().unwrap()).exits(0);
    says(&ended, "while workflows of the destination end");
    says(&ended, "all is as before");

    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.ask(&Method::POST, "/rest/workflowRuns", &json!({"name": STOCK, "status": "RUNNING"}));
    let ended = stand_in.migr(&project, &["rollback"]).exits(6);
    says(&ended, "1 run of the destination's workflows, since the migration began, not ended");
}

const HOST: &str = "hooks.example.com";

fn hook(stand_in: &StandIn, url: &str, operations: &Value) {
    stand_in.ask(&Method::POST, "/rest/metadata/webhooks", &json!({"targetUrl": url, "operations": operations}));
}

#[test]
fn a_webhook_that_would_be_told_of_what_is_written_is_told_by_every_command_and_stops_a_run_before_its_first_write() {
    let (project, stand_in) = (project(""), StandIn::new());
    hook(
        &stand_in,
        &format!("https://{HOST}/catch/41/secret-path?key=secret-key"),
        &json!(["person.created", "note.*"]),
    );
    // Of an object that nothing writes, and of a change that no write is.
    hook(&stand_in, "https://other.example.net/in", &json!(["task.created", "company.deleted"]));
    let before = stand_in.fingerprint();
    let fires = format!("\"{HOST}\" (person.created; map Person)");

    let audit = stand_in.migr(&project, &["audit"]).exits(1);
    says(&audit, &format!("the webhook {fires} is switched on, and tells its host what is written"));
    assert!(!audit.stdout.contains("other.example.net"), "{}", audit.stdout);
    project.write("migr.lock", &project.read("migr.staging.lock"));
    says(
        &project.migr(&["check"]).exits(0),
        &format!("a webhook of the destination tells its host what is written: \"{HOST}\""),
    );
    for format in ["human", "markdown"] {
        let plan = project.migr(&["plan", "--to", "staging", "--format", format]).exits(0);
        assert!(plan.stdout.contains("person.created; map Person"), "{}", plan.stdout);
    }
    let plan = project.migr(&["plan", "--to", "staging", "--format", "json"]).exits(0).json();
    let known = json!([{"name": HOST, "kind": "webhook", "events": ["person.created"], "maps": ["Person"]}]);
    assert_eq!(plan["automations"], known);
    says(&stand_in.migr(&project, &["setup", "--checklist"]).exits(4), &format!("permit the webhook {fires}"));
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    says(&ran, &format!("the webhook {fires}"));
    says(&ran, &format!("`permit webhook \"{HOST}\" : \"why\"`"));
    assert_eq!(stand_in.fingerprint(), before, "nothing was written");
    let lock = project.read("migr.staging.lock");
    for told in [&audit.stdout, &audit.stderr, &ran.stdout, &ran.stderr, &plan.to_string(), &lock] {
        assert!(!told.contains("secret-path") && !told.contains("secret-key"), "the webhook's address is told");
    }
}

#[test]
fn a_webhook_that_is_permitted_by_its_host_holds_nothing_back_and_a_permit_of_another_kind_permits_none() {
    let permit = |kind: &str| format!("permit {kind} \"{HOST}\" : \"agreed with M. Ortiz\"");
    for (entry, exit) in [(permit("webhook"), 0), (permit("workflow"), 4)] {
        let (project, stand_in) = (project(&entry), StandIn::new());
        // Without a list of operations it is told of everything.
        stand_in.ask(&Method::POST, "/rest/metadata/webhooks", &json!({"targetUrl": format!("https://{HOST}/x")}));
        let audit = stand_in.migr(&project, &["audit"]).exits(i32::from(exit == 4));
        if exit == 0 {
            says(&audit, "is permitted: agreed with M. Ortiz");
            says(&project.migr(&["plan", "--to", "staging"]).exits(0), "permitted: agreed with M. Ortiz");
            stand_in.migr(&project, &["setup", "--checklist"]).exits(0);
        }
        stand_in.migr(&project, &["run", "--no-approval"]).exits(exit);
        if exit == 0 {
            let told = json!([{"name": HOST, "kind": "webhook", "reason": "agreed with M. Ortiz"}]);
            assert_eq!(project.report()["workflows"], told);
            stand_in.migr(&project, &["verify"]).exits(0);
        }
    }
}
