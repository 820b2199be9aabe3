//! Policies of maps, of fields and of their parts, carried out over small exports: what a record gets, what stays as it is there, and what is said of it.

use serde_json::json;

use crate::small::Small;

const PEOPLE: &str = "  object Person from \"people.csv\" { key id; id: text; last: text; email: text; job: text }";

const NAMED: &str = "  name = { lastName: last }\n";

fn people<'s>(maps: &'s str, files: &'s [(&'s str, &'s str)]) -> Small<'s> {
    Small { objects: PEOPLE, maps, files, held: Vec::new() }
}

#[test]
fn rows_that_a_rule_leaves_behind_need_no_key_and_take_none_from_others() {
    let small = Small {
        objects: "  object Firm from \"list.csv\" { key site; firm: text; site: text; old: text }\n  object Person from \"list.csv\" { key email; last: text; email: text; site: -> Firm }",
        maps: "skip Firm when site == none or old != none : \"not a firm of ours\"\n\nmap Firm -> companies {\n  match domainName\n  on duplicate keep first\n  name = firm\n  domainName = site | domain\n}\n\nmap Person -> people {\n  match emails.primaryEmail\n  name = { lastName: last }\n  emails = { primaryEmail: email | email }\n  company = site on missing none\n}",
        files: &[(
            "list.csv",
            "last,email,firm,site,old\nLee,lee@a.example,Acme of old,acme.example,x\nRay,ray@a.example,Acme,acme.example,\nFox,fox@a.example,Acme,acme.example,\nElm,elm@a.example,,,\n",
        )],
        held: Vec::new(),
    };
    let moved = small.moved();
    assert_eq!(moved.codes, [0, 0, 0, 0], "{}", moved.said);
    moved.has("companies", &json!({"name": "Acme"}));
    moved.has("people", &json!({"name": {"lastName": "Elm"}, "companyId": null}));
    for unsaid in ["blank-key", "extra-column", "left behind: ", "Remove the repetition"] {
        assert!(!moved.said.contains(unsaid), "{unsaid}:\n{}", moved.said);
    }
}

#[test]
fn defaults_of_the_destination_are_told_by_record_and_verified_and_touch_nothing_that_is_there() {
    let small = Small {
        objects: "  object Task from \"tasks.csv\" { key id; id: text; title: text; status: text; made: datetime }",
        maps: "picklist Status -> tasks.status { \"Done\" = DONE; otherwise none }\n\nmap Task -> tasks {\n  match title\n  on existing update\n  title = title\n  status = status | Status\n  createdAt = made\n}",
        files: &[(
            "tasks.csv",
            "id,title,status,made\n1,T1,Done,2024-01-02T00:00:00Z\n2,T2,,2024-01-02T00:00:00Z\n3,T3,Lost,\n4,T4,,\n",
        )],
        held: vec![("tasks", json!({"title": "T4", "status": "IN_PROGRESS"}))],
    };
    let moved = small.moved();
    assert_eq!(moved.codes, [0, 0, 0, 0], "{}", moved.said);
    moved.has("tasks", &json!({"title": "T2", "status": "TODO"}));
    moved.has("tasks", &json!({"title": "T3", "status": "TODO"}));
    moved.has("tasks", &json!({"title": "T4", "status": "IN_PROGRESS"}));
    moved.says(&[
        "note[default-taken]",
        "export/tasks.csv:3 2: status: there is no value: it becomes TODO, the destination's default (W0618)",
        "export/tasks.csv:4 3: createdAt: there is no value: it becomes the time of creation",
    ]);
    let told = moved.said.matches("it becomes").count();
    assert_eq!(told, 3, "T4 is there and changes nothing:\n{}", moved.said);
}

#[test]
fn an_empty_value_quarantines_its_record_where_the_map_or_the_field_or_the_part_says_so() {
    for (maps, why) in [
        (
            format!("map Person -> people {{\n{NAMED}  jobTitle = job on empty quarantine\n  emails = {{ primaryEmail: email | email }}\n}}"),
            "job: there is no value",
        ),
        (
            format!("map Person -> people {{\n  on empty quarantine\n{NAMED}  jobTitle = job\n  emails = {{ primaryEmail: email | email }} on empty keep\n}}"),
            "job: there is no value",
        ),
        (
            "map Person -> people {\n  name.lastName = last\n  name.firstName = job on empty quarantine\n  emails = { primaryEmail: email | email }\n}".to_owned(),
            "`firstName` has no value",
        ),
    ] {
        let files = [("people.csv", "id,last,email,job\n1,Lee,lee@a.example,Chef\n2,Ray,ray@a.example,\n3,Fox,,Smith\n")];
        let moved = people(&maps, &files).moved();
        assert_eq!(moved.codes, [1, 0, 5, 0], "{maps}\n{}", moved.said);
        assert_eq!(moved.stand_in.records("people").iter().filter(|it| it["name"]["lastName"] == "Ray").count(), 0);
        moved.has("people", &json!({"name": {"lastName": "Lee"}}));
        moved.has("people", &json!({"name": {"lastName": "Fox"}}));
        moved.says(&["export/people.csv:3", why]);
    }
}

#[test]
fn one_part_of_a_field_is_emptied_by_its_own_word_and_the_others_stay() {
    let held = json!({"name": {"firstName": "Ann", "lastName": "Old"}, "emails": {"primaryEmail": "lee@a.example", "additionalEmails": ["l@b.example"]}});
    for (part, kept) in [("on empty clear", json!("")), ("on empty keep", json!("Ann")), ("", json!("Ann"))] {
        let maps = format!(
            "map Person -> people {{\n  match emails.primaryEmail\n  on existing update\n  name.firstName = job {part}\n  name.lastName = last\n  emails.primaryEmail = email | email\n}}"
        );
        let files = [("people.csv", "id,last,email,job\n1,Lee,lee@a.example,\n")];
        let small = Small { held: vec![("people", held.clone())], ..people(&maps, &files) };
        let moved = small.moved();
        assert_eq!(moved.codes, [0, 0, 0, 0], "{maps}\n{}", moved.said);
        let emails = json!({"primaryEmail": "lee@a.example", "additionalEmails": ["l@b.example"]});
        moved.has("people", &json!({"name": {"firstName": kept, "lastName": "Lee"}, "emails": emails}));
    }
}

#[test]
fn a_unique_value_that_another_record_holds_is_left_out_or_leaves_its_record_out() {
    let held = || vec![("people", json!({"name": {"lastName": "There"}, "emails": {"primaryEmail": "t@a.example"}}))];
    let files = [(
        "people.csv",
        "id,last,email,job\n1,Lee,a@a.example,x\n2,Ray,a@a.example,x\n3,Fox,t@a.example,x\n4,Elm,e@a.example,x\n",
    )];
    for (word, written, code) in [
        ("none", ["Lee", "Ray", "Fox", "Elm"].as_slice(), 0),
        ("skip", &["Lee", "Elm"], 0),
        ("quarantine", &["Lee", "Elm"], 5),
    ] {
        let maps = format!(
            "map Person -> people {{\n{NAMED}  jobTitle = job\n  emails = {{ primaryEmail: email | email }} on taken {word}\n}}"
        );
        let small = Small { held: held(), ..people(&maps, &files) };
        let moved = small.moved();
        assert_eq!(moved.codes[2..], [code, 0], "{word}\n{}", moved.said);
        for name in ["Lee", "Ray", "Fox", "Elm"] {
            let there = moved.stand_in.records("people").iter().filter(|it| it["name"]["lastName"] == name).count();
            assert_eq!(there, usize::from(written.contains(&name)), "{word} {name}\n{}", moved.said);
        }
        moved.has("people", &json!({"name": {"lastName": "Lee"}, "emails": {"primaryEmail": "a@a.example"}}));
        moved.has("people", &json!({"name": {"lastName": "There"}, "emails": {"primaryEmail": "t@a.example"}}));
        if word == "none" {
            moved.says(&[
                "export/people.csv:3",
                "export/people.csv:4",
                "1 (line 2) has the same value, which must be unique",
            ]);
            let fields: Vec<_> = moved.project.report()["repairs"].as_array().unwrap().clone();
            assert_eq!(fields.len(), 2, "{fields:#?}");
        }
        // What was left out stays out: a second run, and a retry, change nothing.
        let before = moved.stand_in.fingerprint();
        moved.stand_in.migr(&moved.project, &["quarantine", "retry"]);
        moved.stand_in.migr(&moved.project, &["run", "--no-approval"]).exits(code);
        assert_eq!(moved.stand_in.fingerprint(), before, "{word}");
    }
}

#[test]
fn a_record_that_nothing_identifies_is_made_left_out_or_quarantined_as_the_map_says() {
    let files = [("people.csv", "id,last,email,job\n1,Lee,lee@a.example,x\n2,Ray,,x\n")];
    for (word, there, code) in [("create", 1, 0), ("skip", 0, 0), ("quarantine", 0, 5)] {
        let maps = format!(
            "map Person -> people {{\n  match emails.primaryEmail\n  on unidentified {word}\n{NAMED}  jobTitle = job\n  emails = {{ primaryEmail: email | email }} otherwise none\n}}"
        );
        let moved = people(&maps, &files).moved();
        assert_eq!(moved.codes[2..], [code, 0], "{word}\n{}", moved.said);
        let rays = moved.stand_in.records("people").iter().filter(|it| it["name"]["lastName"] == "Ray").count();
        assert_eq!(rays, there, "{word}\n{}", moved.said);
        if word != "create" {
            let report = moved.project.migr(&["report", "--format", "markdown"]).stdout;
            assert!(report.contains("emails.primaryEmail"), "{word}: {report}");
        }
    }
}

#[test]
fn values_that_stay_because_the_export_has_none_are_counted_by_field_before_the_run_and_after() {
    let held = |name: &str, city: &str| json!({ "name": { "firstName": "Old", "lastName": name }, "emails": { "primaryEmail": format!("{name}@x.example") }, "jobTitle": city });
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; first: text; last: text; email: email; job: text; made: datetime }",
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on existing update\n  name = { firstName: first, lastName: last }\n  emails = { primaryEmail: email }\n  jobTitle = job\n  createdAt = made\n}",
        files: &[(
            "people.csv",
            "id,first,last,email,job,made\n1,,A,a@x.example,,\n2,New,B,b@x.example,,\n3,,C,c@x.example,Cook,\n4,,D,d@x.example,,\n",
        )],
        held: vec![("people", held("a", "Nurse")), ("people", held("b", "")), ("people", held("c", "Nurse"))],
    };
    let outcome = small.moved();
    assert_eq!(outcome.codes, [0, 0, 0, 0], "{}", outcome.said);
    outcome.says(&["values that stay, since the export has none: jobTitle 1, name 2"]);
    let kept = "the export has no value: what is there stays (`on empty keep`)";
    let listed = outcome.project.read(".migr/staging/report/repairs.csv");
    let lines: Vec<&str> = listed.lines().filter(|line| line.contains(kept)).collect();
    assert_eq!(lines.len(), 3, "{listed}");
    outcome.has("people", &json!({ "name": { "firstName": "Old", "lastName": "A" }, "jobTitle": "Nurse" }));
    outcome.has("people", &json!({ "name": { "firstName": "New", "lastName": "B" } }));
    outcome.has("people", &json!({ "name": { "firstName": "", "lastName": "D" } }));
}

#[test]
fn values_that_give_way_in_a_merge_are_counted_in_the_report_by_field_and_rule_and_listed() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; last: text; email: text; job: text; seen: date; secret: text sensitive }",
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on duplicate merge newest seen\n  name = { lastName: last }\n  emails = { primaryEmail: email | email }\n  jobTitle = job\n  new secret \"Secret\": text sensitive = secret\n}",
        files: &[(
            "people.csv",
            "id,last,email,job,seen,secret\nP1,Lee,lee@a.example,Nurse,2024-01-01,old\nP2,Lee,LEE@a.example,Head nurse,2025-01-01,new\nP3,Ray,ray@a.example,Cook,2024-01-01,\nP4,Ray,ray@a.example,,2025-01-01,\n",
        )],
        held: Vec::new(),
    };
    let moved = small.moved();
    moved.has("people", &json!({"name": {"lastName": "Lee"}, "jobTitle": "Head nurse", "secret": "new"}));
    moved.has("people", &json!({"name": {"lastName": "Ray"}, "jobTitle": "Cook"}));
    let report = moved.project.report();
    let mut told: Vec<String> = report["repairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}:{} {} {}", one["key"], one["line"], one["field"], one["reason"]).replace('"', ""))
        .collect();
    told.sort();
    let why = "gave way in the merge into P2 (`on duplicate merge newest seen`)";
    assert_eq!(told, [format!("P1:2 jobTitle {why}"), format!("P1:2 secret {why}")], "{report:#}");
    let text = moved.stand_in.migr(&moved.project, &["report"]).exits(0).stdout;
    assert!(text.contains("gave way in the merge into P2") && text.contains("repairs.csv"), "{text}");
    let page = moved.project.read(".migr/staging/report.html");
    assert!(page.contains("gave way in the merge into P2"), "{page}");
    let list = moved.project.read(".migr/staging/report/repairs.csv");
    assert_eq!(list.matches("gave way in the merge").count(), 2, "{list}");
    // Nothing that is released changes which of several values is taken.
    let released = moved.stand_in.migr(&moved.project, &["quarantine", "retry"]).exits(0);
    assert!(released.stdout.contains("0 records are released for retry; "), "{}", released.stdout);
}
