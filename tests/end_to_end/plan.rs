use crate::harness::{Project, migr_in, repository};

#[test]
fn the_same_project_gives_the_same_plan_byte_for_byte() {
    for example in ["examples/visual-practice-to-twenty", "examples/the-practice-to-highlevel"] {
        let arguments = ["plan", example, "--format", "json"];
        let first = migr_in(&repository(), &arguments).exits(0);
        let second = migr_in(&repository(), &arguments).exits(0);
        assert_eq!(first.stdout, second.stdout);
        let committed = std::fs::read_to_string(repository().join(example).join("expected-plan.json")).unwrap();
        assert_eq!(
            first.stdout, committed,
            "expected-plan.json of {example} is stale: `migr plan --out expected-plan.json` makes it anew"
        );
    }
}

#[test]
fn stages_come_in_dependency_order_and_every_edge_has_a_reason() {
    let plan = Project::example().migr(&["plan", "--format", "json"]).exits(0).json();
    let stages = plan["stages"].as_array().unwrap();
    let position = |object: &str| stages.iter().position(|stage| stage["destination_object"] == object).unwrap();
    assert!(position("companies") < position("people"));
    assert!(position("people") < position("opportunities"));
    assert!(position("opportunities") < position("notes"));
    for (at, stage) in stages.iter().enumerate() {
        for edge in stage["edges"].as_array().unwrap() {
            assert!(
                edge["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
                "an edge without a reason: {edge}"
            );
        }
        for on in stage["depends_on"].as_array().unwrap() {
            let before = stages.iter().position(|other| other["id"] == *on).unwrap();
            assert!(before < at, "{} comes before {on}", stage["id"]);
            assert!(stage["edges"].as_array().unwrap().iter().any(|edge| edge["on"] == *on), "no edge says why {on}");
        }
    }
}

#[test]
fn every_column_of_a_mapped_object_is_used_or_dropped_with_a_reason() {
    let project = Project::example();
    let spec = project
        .read("migration.migr")
        .replace("jobTitle  = job_title | trim\n", "\n")
        .replace("jobTitle = job_title | trim\n", "\n");
    let without: String = spec.lines().filter(|line| !line.contains("job_title")).collect::<Vec<_>>().join("\n");
    project.write("migration.migr", &without);
    let ran = project.migr(&["check", "--format", "short"]).exits(1);
    assert!(ran.stdout.contains("E0306") && ran.stdout.contains("job_title"), "{}", ran.stdout);
}

#[test]
fn a_name_that_the_destination_refuses_is_an_error_before_anything_runs() {
    let project = Project::example();
    let spec = project.read("migration.migr").replace("new originalCreatedAt ", "new originalCreatedAt__c ");
    project.write("migration.migr", &spec);
    let ran = project.migr(&["check", "--format", "short"]).exits(1);
    assert!(ran.stdout.contains("originalCreatedAt__c"), "{}", ran.stdout);
}

#[test]
fn a_field_without_an_equivalent_is_created_by_the_plan_with_its_type() {
    let plan = Project::example().migr(&["plan", "--format", "json"]).exits(0).json();
    let created = plan["setup"]
        .as_array()
        .unwrap()
        .iter()
        .find(|action| {
            action["action"] == "create_field" && action["object"] == "people" && action["field"] == "originalCreatedAt"
        })
        .expect("people.originalCreatedAt is created");
    assert_eq!(created["type"]["kind"], "datetime");
    assert_eq!(created["label"], "Originally created");
}

#[test]
fn what_highlevel_cannot_hold_is_encoded_elsewhere_or_said_to_be_lost() {
    let folder = repository().join("specs/migrations/the-practice-to-highlevel");
    let plan = migr_in(&folder, &["plan", "--format", "json"]).exits(0).json();
    let stage = |id: &str| plan["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == id).unwrap().clone();
    // Notes have no custom fields there: when and by whom stands at the head of the text.
    let note = stage("SessionNote");
    let body = note["fields"].as_array().unwrap().iter().find(|field| field["field"] == "body").unwrap();
    for column in ["created_at", "author_email", "body"] {
        assert!(body["reads"].as_array().unwrap().contains(&column.into()), "{body}");
    }
    let value = body["value"].to_string();
    let place = |column: &str| value.find(&format!("\"{column}\"")).unwrap_or_else(|| panic!("no {column} in {value}"));
    assert!(place("created_at") < place("body") && place("author_email") < place("body"), "{value}");
    // A file of a deal goes to the media library, where no deal can be named.
    let lost = |map: &str| -> Vec<(String, String)> {
        let degradations = plan["degradations"].as_array().unwrap().iter();
        let text = |one: &serde_json::Value, part: &str| one[part].as_str().unwrap().to_owned();
        degradations.filter(|one| one["map"] == map).map(|one| (text(one, "what"), text(one, "reason"))).collect()
    };
    let pair = |what: &str, reason: &str| (what.to_owned(), reason.to_owned());
    let alone = pair("media.file", "the file is kept, and not which record it belongs to (owner_ref)");
    assert_eq!(lost("DealFile"), [alone]);
    let decides = "no record of its own holds it: conditions, policies or other records alone read it";
    assert_eq!(lost("ClientFile"), [pair("File.owner_type", decides)], "a client's file stays with the client");
}

#[test]
fn companies_made_of_a_text_property_are_planned_for_highlevel_too() {
    let project = Project::empty();
    let spec = repository().join("specs/migrations/the-practice-to-highlevel/migration.migr");
    project.write("migration.migr", &std::fs::read_to_string(spec).unwrap());
    let plan = project.migr(&["plan", "--format", "json"]).exits(0).json();
    let stages = plan["stages"].as_array().unwrap();
    let position = |id: &str| stages.iter().position(|stage| stage["id"] == id).unwrap();
    let company = &stages[position("ClientCompany")];
    assert_eq!((&company["source_object"], &company["destination_object"]), (&"Client".into(), &"businesses".into()));
    assert_eq!(company["distinct"]["same"][0]["canonical"], "Acme Inc.");
    assert!(position("ClientCompany") < position("Client"), "a client is linked to a company that is there");
    // The spellings of an export that the spec does not name yet are proposed for review.
    let head = "Client ID,Full Name,Email,Email 2,Phone,Street,City,State,Zip,Country,Company,Tags,Groups,Owner Email,Birthday,Created At,Updated At,CF Goal\n";
    let row = |key: u8, company: &str| format!("C{key},Ada,,,,,,,,,{company},,,,,2024-01-02 10:00,2024-01-02 10:00,\n");
    let names = ["ACME", "Harbor Yoga", "\"Harbor Yoga, LLC\"", "acme inc", "Acme Inc."];
    let rows: String = names.iter().zip(1..).map(|(name, key)| row(key, name)).collect();
    project.write("export/clients.csv", &format!("{head}{rows}"));
    let audit = project.migr(&["audit", "--offline", "--format", "json"]).exits(1).json();
    let of_kind = audit["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "name-variants");
    let messages: Vec<&str> = of_kind.map(|finding| finding["message"].as_str().unwrap()).collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(
        messages[0].ends_with("write in the map ClientCompany: same \"Harbor Yoga\" = \"Harbor Yoga, LLC\""),
        "{messages:?}"
    );
    let made = audit["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == "ClientCompany").unwrap();
    assert_eq!(made["create"], 3, "the spellings that the spec names are one: {made}");
}

#[test]
fn a_run_without_approval_or_by_a_plan_that_moved_is_refused_before_anything_is_sent() {
    let project = Project::example();
    let unapproved = project.migr(&["run"]).exits(4);
    assert!(unapproved.stderr.contains("this migration is not approved"), "{}", unapproved.stderr);

    project.migr(&["plan", "--format", "json", "--out", "plan.json"]).exits(0);
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("text = city", "text = city | title"));
    let moved = project.migr(&["run", "--sandbox", "--no-approval", "--plan", "plan.json"]).exits(4);
    assert!(moved.stderr.contains("the spec has changed since plan.json was made"), "{}", moved.stderr);
    // The hash that moved is named, and how to see what it means.
    assert!(moved.stderr.contains("migration.migr was blake3:"), "{}", moved.stderr);
    assert!(moved.stderr.contains("`migr diff plan.json .`"), "{}", moved.stderr);
    assert!(!project.path().join(".migr/sandbox.db").exists(), "nothing may have been sent");

    project.write("migration.migr", &spec);
    project.migr(&["run", "--sandbox", "--no-approval", "--plan", "plan.json"]).exits(5);
    // A plan that gives written records other values is no less refused while its migration is under way.
    project.write("migration.migr", &spec.replace("text = city", "text = city | upper"));
    let under_way = project.migr(&["run", "--sandbox", "--no-approval"]).exits(4);
    assert!(under_way.stderr.contains("written records would get other values"), "{}", under_way.stderr);
}

#[test]
fn the_graph_has_every_stage_and_every_reference_in_each_form() {
    let project = Project::example();
    let graph = |form: &str| project.migr(&["graph", "--format", form]).exits(0).stdout;
    let (mermaid, dot, svg) = (graph("mermaid"), graph("dot"), graph("svg"));
    let edges = dot.matches(" -> s").count();
    assert!(edges > 10, "{dot}");
    assert_eq!(mermaid.matches("-->|").count() + mermaid.matches("-.->|").count(), edges, "{mermaid}");
    assert_eq!(svg.matches("class=\"edge\"").count(), edges, "{svg}");
    for stage in ["Company → companies", "Meeting (Activity) → notes", "Attachment → attachments"] {
        assert!([&mermaid, &dot, &svg].iter().all(|form| form.contains(stage)), "{stage}");
    }
    assert_eq!(svg.matches("stroke-dasharray").count(), 1, "the deferred step is dotted: {svg}");
    assert_eq!(svg, graph("svg"), "the same plan, the same picture");
}

#[test]
fn which_time_of_creation_the_destination_shows_and_where_the_sources_is_kept_is_said() {
    let plan = Project::example().migr(&["plan", "--full"]).exits(0);
    let said: Vec<&str> =
        plan.stdout.lines().map(str::trim).filter(|line| line.starts_with("createdAt is set")).collect();
    assert!(said.contains(&"createdAt is set to created_at, and kept in originalCreatedAt as well"), "{said:?}");
}
