//! What The Practice is promised, whose destination's connector comes later: proved by the plan and by the real transform code.

use serde_json::{Value, json};

use crate::harness::{Project, repository};

/// The shipped migration, with tests of its own.
fn practice(tests: &str) -> Project {
    let project = Project::empty();
    let spec = repository().join("specs/migrations/the-practice-to-highlevel/migration.migr");
    let spec = std::fs::read_to_string(spec).unwrap();
    project.write("migration.migr", &format!("{spec}\n{tests}"));
    project
}

fn plan(project: &Project) -> Value {
    project.migr(&["plan", "--format", "json"]).exits(0).json()
}

fn stage<'p>(plan: &'p Value, id: &str) -> &'p Value {
    plan["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == id).unwrap()
}

fn field<'p>(plan: &'p Value, of: &str, name: &str) -> &'p Value {
    stage(plan, of)["fields"].as_array().unwrap().iter().find(|field| field["field"] == name).unwrap()
}

fn created<'p>(plan: &'p Value, object: &str, name: &str) -> &'p Value {
    let mut actions = plan["setup"].as_array().unwrap().iter();
    actions.find(|action| action["object"] == object && action["field"] == name).unwrap()
}

#[test]
fn tags_of_a_group_are_added_once_each_by_itself_and_a_map_that_forgets_them_is_warned_of() {
    let project = practice(
        r#"
test "each tag is a value of its own, once" {
  given ClientGroup { group_name: "VIP", tags: "vip, priority" }
  given ClientGroup { group_name: "Yoga", tags: "yoga,Morning Class" }
  given Client { client_id: "1", full_name: "Ada Lovelace", tags: "VIP, newsletter", groups: "VIP,Yoga" }
  given Client { client_id: "2", full_name: "Grace Hopper", tags: "a b,c" }
  expect contacts { firstName: "Ada", tags: ["vip", "newsletter", "priority", "yoga", "morning class"], clientGroups: ["VIP", "Yoga"] }
  expect contacts { firstName: "Grace", tags: ["a b", "c"] }
}
"#,
    );
    project.migr(&["test"]).exits(0);
    let spec = project.read("migration.migr").replace("((tags + groups.tags) | trim | lower) | unique", "tags | trim");
    let forgetful = Project::empty();
    let spec: String = spec.split("\ntest ").next().unwrap().to_owned();
    forgetful.write("migration.migr", &spec);
    let ran = forgetful.migr(&["check", "--format", "short", "--deny", "warnings"]).exits(1);
    assert!(ran.stdout.contains("W0323") && ran.stdout.contains("ClientGroup"), "{}", ran.stdout);
}

#[test]
fn restricted_objects_need_a_permit_and_what_is_to_be_kept_says_so_in_the_plan() {
    let project = practice("");
    let spec = project.read("migration.migr");
    let permit = spec.lines().find(|line| line.contains("permit SessionNote")).unwrap().to_owned();
    project.write("migration.migr", &spec.replace(&permit, ""));
    let ran = project.migr(&["check", "--format", "short"]).exits(1);
    assert!(ran.stdout.contains("E0311") && ran.stdout.contains("needs the client's consent"), "{}", ran.stdout);
    let kept =
        "extend system the_practice {\n  object SessionNote { remarks: text sensitive retain 6y; retain 7y }\n}\n";
    let dropped =
        spec.replace("map SessionNote -> notes {", "map SessionNote -> notes {\n  drop remarks : \"internal\"");
    project.write("migration.migr", &format!("{dropped}\n{kept}"));
    let plan = project.migr(&["plan"]).exits(0).stdout;
    let kept: Vec<&str> = plan.lines().map(str::trim).filter(|line| line.starts_with("To be kept")).collect();
    assert_eq!(kept, ["To be kept 7y: SessionNote", "To be kept 6y: SessionNote.remarks"], "{plan}");
}

#[test]
fn pipeline_and_stage_are_one_decision_and_a_pair_without_a_row_is_set_aside() {
    let project = practice(
        r#"
test "pairs" {
  given Client { client_id: "1", full_name: "Ada Lovelace", email: "ada@x.example" }
  given Deal { deal_id: "D1", title: "One", client_id: "1", pipeline: "Coaching", stage: "Signed" }
  given Deal { deal_id: "D2", title: "Two", client_id: "1", pipeline: "Workshops", stage: "Booked" }
  given Deal { deal_id: "D3", title: "Three", client_id: "1", pipeline: "Workshops", stage: "Signed" }
  expect opportunities { name: "One", pipelineStage: "Signed", status: won }
  expect opportunities { name: "Two", pipelineStage: "Booked", status: open }
  expect quarantined Deal("D3") on status
}
"#,
    );
    project.migr(&["test"]).exits(0);
    let plan = plan(&project);
    let table = plan["picklists"].as_array().unwrap().iter().find(|table| table["name"] == "DealStage").unwrap();
    assert_eq!(table["inputs"], json!(["pipeline", "stage"]));
    assert_eq!(table["fields"], json!(["pipeline", "pipelineStage", "status"]));
    let text = project.migr(&["plan"]).exits(0).stdout;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Booked \"Booked\" (pipeline \"Workshops\", status \"open\")"), "{text}");
    // The pipeline's own id is asked for by its name, before anything runs.
    let pipeline = &field(&plan, "Deal", "pipeline")["value"];
    assert!(pipeline.to_string().contains("\"pipelines\"") && pipeline.to_string().contains("\"name\""), "{pipeline}");
}

#[test]
fn the_time_a_stage_was_entered_has_a_field_of_its_own_and_an_export_without_it_is_told() {
    let project = practice("");
    let plan = plan(&project);
    assert_eq!(created(&plan, "opportunities", "enteredStageAt")["type"]["kind"], "datetime");
    assert_eq!(field(&plan, "Deal", "enteredStageAt")["reads"], json!(["entered_stage_at"]));
    let head = "Deal ID,Title,Client ID,Pipeline,Stage,Value,Close Date,Owner Email,Created At,Deal Priority\n";
    project.write("export/deals.csv", head);
    let audit = project.migr(&["audit", "--offline", "--format", "json"]).exits(1).json();
    let findings = audit["findings"].as_array().unwrap();
    let hidden = findings.iter().find(|one| one["kind"] == "hidden-column" && one["object"] == "Deal").unwrap();
    assert_eq!(hidden["column"], "entered_stage_at");
}

#[test]
fn probability_is_left_to_the_stage_unless_the_spec_gives_one() {
    let project = practice("");
    assert_eq!(field(&plan(&project), "Deal", "probability")["value"], json!({"op": "default"}));
    let spec = project.read("migration.migr").replace("probability   = default ", "probability   = 40 ");
    project.write("migration.migr", &spec);
    let plan = plan(&project);
    let given = &field(&plan, "Deal", "probability")["value"];
    assert!(given.to_string().contains("\"40\""), "{given}");
}

#[test]
fn appointments_have_start_end_and_user_in_utc_and_an_hour_that_never_was_is_set_aside() {
    let project = practice(
        r#"
test "Eastern wall-clock times" {
  given Client { client_id: "1", full_name: "Ada Lovelace", email: "ada@x.example" }
  given TeamMember { member_id: "T1", name: "Max", email: "max@x.example" }
  given Appointment { appointment_id: "S", client_id: "1", owner_email: "max@x.example", title: "Summer", status: "completed", starts_at: "07/01/2026 02:00 PM", ends_at: "07/01/2026 03:30 PM" }
  given Appointment { appointment_id: "W", client_id: "1", owner_email: "max@x.example", title: "Winter", status: "Scheduled", starts_at: "12/01/2026 02:00 PM", ends_at: "12/01/2026 03:30 PM" }
  given Appointment { appointment_id: "N", client_id: "1", title: "Never", status: "Scheduled", starts_at: "03/08/2026 02:30 AM", ends_at: "03/08/2026 04:00 AM" }
  given Appointment { appointment_id: "T", client_id: "1", title: "Twice", status: "Scheduled", starts_at: "11/01/2026 01:30 AM", ends_at: "11/01/2026 04:00 AM" }
  expect appointments { title: "Summer", startTime: "2026-07-01 18:00" | datetime("%Y-%m-%d %H:%M", "UTC"), endTime: "2026-07-01 19:30" | datetime("%Y-%m-%d %H:%M", "UTC"), status: showed, assignedTo: users("max@x.example") }
  expect appointments { title: "Winter", startTime: "2026-12-01 19:00" | datetime("%Y-%m-%d %H:%M", "UTC"), endTime: "2026-12-01 20:30" | datetime("%Y-%m-%d %H:%M", "UTC"), status: confirmed }
  expect quarantined Appointment("N") on startTime
  expect quarantined Appointment("T") on startTime
}
"#,
    );
    project.migr(&["test"]).exits(0);
}

#[test]
fn saved_filters_are_listed_for_rebuilding_by_hand_and_no_file_of_records_is_uploaded() {
    let project = practice("");
    let vips = r#"{"name": "Active VIPs", "filter": {"tags": ["vip"], "status": "active"}}"#;
    project.write("export/saved_filters.json", &format!("[{vips}]"));
    let audit = project.migr(&["audit", "--offline"]).exits(1);
    let said = "what is to be rebuilt by hand of SavedFilter is in ";
    let folder =
        audit.stderr.lines().find_map(|line| line.strip_prefix(said)?.strip_suffix("/SavedFilter.md, to tick off"));
    let list = project.read(&format!("{}/SavedFilter.md", folder.expect("the audit says where the list is")));
    assert!(list.contains("- [ ] **Active VIPs**\n  - besides: filter (status active, tags vip)\n"), "{list}");
    for form in [&["plan"][..], &["plan", "--format", "markdown"]] {
        let text = project.migr(form).exits(0).stdout.replace('\n', " ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for said in
            ["SavedFilter", "one record a request, since it takes no lists of them", "no file of records is uploaded"]
        {
            assert!(text.contains(said), "no {said:?} in {text}");
        }
    }
}

#[test]
fn workflows_stay_behind_as_a_reference_and_are_counted_for_rebuilding_by_hand() {
    let project = practice("");
    let welcome = r#"{"id": "w1", "name": "Welcome", "status": "active", "trigger": "signed up", "folder": "New",
        "steps": [{"type": "send e-mail", "days": 2}]}"#;
    project.write("export/automations.json", &format!(r#"[{welcome}, {{"name": "Recall", "steps": []}}]"#));
    let audit = project.migr(&["audit", "--offline"]).exits(1);
    let folder = audit.stderr.lines().find_map(|line| {
        let list = line.strip_prefix("what is to be rebuilt by hand of Automation is in ")?;
        list.strip_suffix("/Automation.md, to tick off")
    });
    let folder = folder.expect("the audit says where the list is");
    let list = project.read(&format!("{folder}/Automation.md"));
    assert!(
        list.contains(
            "- [ ] **Welcome** (w1)\n  - status: active\n  - starts with: signed up\n  - step 1: send e-mail: days 2\n  - besides: folder New\n"
        ),
        "{list}"
    );
    let definitions: serde_json::Value =
        serde_json::from_str(&project.read(&format!("{folder}/Automation.json"))).expect("JSON");
    let whole = serde_json::json!([
        {"key": "w1", "name": "Welcome", "status": "active", "trigger": "signed up",
            "steps": [{"action": "send e-mail", "settings": {"days": 2}}], "other": {"folder": "New"}},
        {"name": "Recall", "steps": []},
    ]);
    assert_eq!(definitions["definitions"], whole, "each part is there under its documented name");
    let text = project.migr(&["plan"]).exits(0).stdout;
    assert!(text.contains("reference Automation, 2 records"), "{text}");
    let plan = plan(&project);
    assert!(plan["stages"].as_array().unwrap().iter().all(|stage| stage["source_object"] != "Automation"));
    let kept = plan["degradations"].as_array().unwrap().iter().find(|one| one["what"] == "Automation").unwrap();
    assert_eq!(kept["kept_in"], "automations.json");
}
