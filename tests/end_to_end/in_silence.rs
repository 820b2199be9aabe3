//! Values that changed, stayed or went without a word: signs that nobody sees, separators inside a value, records that are there, circles and later exports.

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::small::Small;
use crate::stand_in::StandIn;

fn later(project: &crate::harness::Project) {
    let spec = project.read("migration.migr").replace("currency = \"USD\"\n", "currency = \"USD\"\n  delta = 48h\n");
    project.write("migration.migr", &spec);
}

#[test]
fn signs_that_are_not_seen_and_separators_inside_a_value_are_told() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; name: text; tags: list(text) split \";\"; more: text }",
        maps: "map Person -> people {\n  name.lastName = name\n  jobTitle = tags | join(\" / \")\n  new more \"More\": list(text) = more | split(\",\")\n}",
        files: &[(
            "people.csv",
            "id,name,tags,more\n1,Lee\u{200b},a\\;b;c,x\n\u{feff}1,A\u{202e}b,a;b,\"\"\"y, z\"\",w\"\n3,Zoë 👩\u{200d}🚀,\"5\"\";6\"\"\",\"x,y\"\n4,A\u{7}nn,\u{7f}c,\n",
        )],
        held: Vec::new(),
    };
    let moved = small.moved();
    moved.says(&[
        "warning[unseen-signs]",
        "1 cell of `id` holds signs that are not seen, such as U+FEFF in",
        "note[unseen-signs]",
        "3 cells of `name` hold signs that are not seen, such as U+200B in \"Lee\\u{200b}\"",
        "1 cell of `tags` holds signs that are not seen, such as U+007F in",
        "warning[separator-in-value]",
        "1 cell of `tags` looks like \"a\\;b;c\": a separator is escaped or stands in quotes",
        "1 cell of `more` looks like",
    ]);
}

#[test]
fn births_to_come_and_days_in_years_far_from_any_are_told_with_their_number() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; born: date format \"%d-%m-%y\" pivot 2070; dob: text; since: date }",
        maps: "map Person -> people {\n  name.lastName = id\n  new bornOn \"Born\": date = born\n  new birthday \"Birthday\": date = date(dob)\n  new since \"Since\": date = since\n}",
        files: &[(
            "people.csv",
            "id,born,dob,since\n1,16-07-68,2054-01-02,1024-05-01\n2,23-10-64,1971-01-05,2024-05-01\n3,05-01-71,1789-07-14,2204-01-01\n",
        )],
        held: Vec::new(),
    };
    let moved = small.moved();
    moved.says(&[
        "warning[odd-day]",
        "2 births of `people.bornOn` lie in the future, such as \"2068-07-16\"",
        "1 birth of `people.birthday` lies in the future, such as \"2054-01-02\"",
        "1 day of `people.birthday` lies in years far from any, such as \"1789-07-14\"",
        "2 days of `people.since` lie in years far from any, such as \"1024-05-01\"",
    ]);
}

#[test]
fn of_a_record_that_is_there_no_value_is_told_as_another_one_that_is_the_same() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; first: text; last: text; email: email; more: list(email) split \";\" }",
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on existing fill\n  name = { firstName: first, lastName: last }\n  emails = { primaryEmail: email, additionalEmails: more }\n}",
        files: &[(
            "people.csv",
            "id,first,last,email,more\n1,Anna,Lee,ann@x.example,new@x.example\n2,Bob,,bob@x.example,\n",
        )],
        held: vec![
            (
                "people",
                json!({"name": {"firstName": "Ann", "lastName": "Lee"}, "emails": {"primaryEmail": "ann@x.example", "additionalEmails": ["old@x.example"]}}),
            ),
            (
                "people",
                json!({"name": {"firstName": "Bob", "lastName": "Ray"}, "emails": {"primaryEmail": "bob@x.example"}}),
            ),
        ],
    };
    let moved = small.moved();
    moved.says(&["\"Anna\" of the export is not written"]);
    assert_eq!(moved.said.matches("holds another value, which stays").count(), 1, "{}", moved.said);
    let report = moved.project.report();
    let noted: Vec<&Value> = report["repairs"].as_array().expect("a list").iter().map(|it| &it["field"]).collect();
    assert_eq!(noted, ["name.firstName"]);
    moved.has(
        "people",
        &json!({"emails": {"primaryEmail": "ann@x.example", "additionalEmails": ["old@x.example", "new@x.example"]}}),
    );
}

#[test]
fn records_of_circles_of_one_field_alone_are_quarantined() {
    let small = Small {
        objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text; parent: -> Firm; buyer: -> Firm }",
        maps: "map Firm -> companies {\n  on cycle quarantine\n  name = name\n  new parentFirm \"Parent\": -> companies inverse \"Children\" = parent\n  new buyerFirm \"Buyer\": -> companies inverse \"Sellers\" = buyer\n}",
        files: &[(
            "firms.csv",
            "id,name,parent,buyer\n1,Acme,,2\n2,Beta,1,\n3,Gamma,4,4\n4,Delta,3,3\n5,Eta,,5\n6,Zeta,1,2\n",
        )],
        held: Vec::new(),
    };
    let moved = small.moved();
    let names: Vec<Value> = moved.stand_in.records("companies").iter().map(|it| it["name"].clone()).collect();
    for (name, is_there) in
        [("Acme", true), ("Beta", true), ("Gamma", false), ("Delta", false), ("Eta", false), ("Zeta", true)]
    {
        assert_eq!(names.contains(&json!(name)), is_there, "{name}: {names:?}");
    }
    moved.says(&[
        "A run would create 3, update 0, skip 0 and quarantine 3.",
        "it is part of a circular reference: 3 (line 4) → 4 (line 5) → 3",
        "it is part of a circular reference: 5 (line 6) → 5",
    ]);
}

#[test]
fn a_value_that_the_record_holds_already_is_not_left_out_for_another_that_is_to_have_it() {
    let small = Small {
        objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text; site: text }",
        maps: "map Firm -> companies {\n  match name\n  on existing update\n  name = name\n  domainName = site on taken none\n}",
        files: &[("firms.csv", "id,name,site\n1,Beta,https://acme.example\n2,Acme,https://acme.example\n")],
        held: vec![("companies", json!({"name": "Acme", "domainName": {"primaryLinkUrl": "https://acme.example"}}))],
    };
    let moved = small.moved();
    let report = moved.project.report();
    let noted: Vec<&Value> = report["repairs"].as_array().expect("a list").iter().map(|it| &it["key"]).collect();
    assert_eq!(noted, ["1"], "{}", report["repairs"]);
    moved.has("companies", &json!({"name": "Acme", "domainName": {"primaryLinkUrl": "https://acme.example"}}));
    moved.has("companies", &json!({"name": "Beta", "domainName": {"primaryLinkUrl": ""}}));
}

#[test]
fn marks_of_html_in_texts_and_lists_with_another_separator_are_told() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; name: text; bio: text; tags: list(text) split \";\"; more: list(text) split \";\" }",
        maps: "map Person -> people {\n  name.lastName = name\n  jobTitle = bio | plain\n  new tags \"Tags\": list(text) = tags\n  new more \"More\": list(text) = more\n}",
        files: &[(
            "people.csv",
            "id,name,bio,tags,more\n1,Smith &amp; Sons,a &amp; b,x|y,\"a, b\"\n2,<b>Lee</b>,c,z,c\n3,R&D; x < y,<i>d</i>,v|w,\n",
        )],
        held: Vec::new(),
    };
    small.moved().says(&[
        "warning[html-text]",
        "2 cells of `name` look like \"Smith &amp; Sons\": the marks of HTML in it are written as they stand",
        "Texts that hold marks of HTML (W0612): 1 (Person 1)",
        "warning[other-separator]",
        "2 cells of `tags` hold \"|\" and no \";\", which separates its values, such as \"x|y\"",
        "note[other-separator]",
        "1 cell of `more` holds \",\" and no \";\"",
    ]);
}

#[test]
fn a_circle_takes_no_reference_but_the_one_that_closes_it() {
    let small = Small {
        objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text; parent: -> Firm; buyer: -> Firm }",
        maps: "map Firm -> companies {\n  on cycle cut\n  name = name\n  new parentFirm \"Parent\": -> companies inverse \"Children\" = parent\n  new buyerFirm \"Buyer\": -> companies inverse \"Sellers\" = buyer\n}",
        files: &[("firms.csv", "id,name,parent,buyer\n1,Acme,,2\n2,Beta,1,2\n3,Gamma,4,1\n4,Delta,3,3\n")],
        held: Vec::new(),
    };
    let moved = small.moved();
    let records = moved.stand_in.records("companies");
    let id = |name: &str| records.iter().find(|it| it["name"] == name).expect("it is there")["id"].clone();
    for (name, parent, buyer) in [
        ("Acme", Value::Null, id("Beta")),
        // A firm that buys of itself has its parent all the same, and the buyer of its parent makes no circle of parents.
        ("Beta", id("Acme"), Value::Null),
        ("Gamma", id("Delta"), id("Acme")),
        ("Delta", Value::Null, id("Gamma")),
    ] {
        moved.has("companies", &json!({"name": name, "parentFirmId": parent, "buyerFirmId": buyer}));
    }
    moved.says(&["a circular reference of 2 records: 3 (line 4) → 4 (line 5) → 3", "it refers to itself: 2 (line 3)"]);
}

#[test]
fn a_reference_to_a_record_of_its_own_object_that_fits_two_is_told_before() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; email: text; boss: -> Person.email ignore case }",
        maps: "map Person -> people {\n  name.lastName = id\n  jobTitle = email\n  new boss \"Boss\": -> people inverse \"Team\" = boss on missing none\n}",
        files: &[(
            "people.csv",
            "id,email,boss\n1,ann@x.example,\n2,bob@x.example,ANN@x.example\n3,ann@x.example,bob@x.example\n4,,cy@x.example\n",
        )],
        held: Vec::new(),
    };
    let moved = small.moved();
    moved.says(&[
        "warning[ambiguous-reference]: References that fit several records: 1 (Person 1)",
        "2: boss: \"ANN@x.example\" is the email of 2 Person records",
        "warning[dangling-reference]: References to records that are not in the export: 1 (Person 1)",
    ]);
    assert_eq!(moved.codes, [0, 0, 0, 0], "{}", moved.said);
}

#[test]
fn what_a_row_that_becomes_part_of_another_could_not_give_is_told() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; email: email; more: list(email) split \";\"; skills: list(text) split \";\"; age: text; size: text; tel: phone; seen: date }",
        maps: "picklist Skill -> people.skills { \"a\" = A; \"b\" = B; otherwise none }\nmap Person -> people {\n  match emails.primaryEmail\n  on duplicate merge newest seen\n  name.lastName = id\n  emails = { primaryEmail: email, additionalEmails: more } otherwise none\n  new skills \"Skills\": multiselect Skill = skills | Skill\n  new age \"Age\": integer = age | integer otherwise none\n  new size \"Size\": integer = size | integer otherwise none\n  phones = { primaryPhoneNumber: tel } otherwise none\n  new seen \"Seen\": date = seen\n}",
        files: &[(
            "people.csv",
            "id,email,more,skills,age,size,tel,seen\n1,ann@x.example,an@x.example;bad@,a;golf,old,7,+14155552671 x12,2024-01-01\n2,ann@x.example,,b,5,big,+14155552671,2024-01-02\n3,ann@x.example,,,6,,,2023-01-01\n",
        )],
        held: Vec::new(),
    };
    let moved = small.moved();
    moved.has("people", &json!({"name": {"lastName": "2"}, "skills": ["B", "A"], "age": 5, "size": 7}));
    moved.says(&[
        "phones.primaryPhoneNumber \"+14155552671 x12\" → \"+14155552671\"",
        "emails: \"bad@\" is not an e-mail address; left out of the list",
        "skills: \"golf\" is in no row of Skill; left out of the list",
        "age: \"old\" is not a whole number; the value of another row taken",
        "size: \"big\" is not a whole number; the value of another row taken",
    ]);
    let report = moved.project.report();
    let notes = report["repairs"].as_array().expect("a list").iter();
    let mut fields: Vec<&str> = notes.filter_map(|it| it["field"].as_str()).collect();
    fields.sort_unstable();
    // The age of the third gave way, as did two names and two days.
    assert_eq!(
        fields,
        [
            "age",
            "age",
            "emails",
            "name.lastName",
            "name.lastName",
            "phones.primaryPhoneNumber",
            "seen",
            "seen",
            "size",
            "skills"
        ]
    );
}

#[test]
fn what_written_rules_leave_out_of_a_later_export_is_told_as_of_the_first() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; name: text; email: email; skills: list(text) split \";\"; age: text; pay: text; seen: date }",
        maps: "picklist Skill -> people.skills { \"a\" = A; \"b\" = B; otherwise none }\nmap Person -> people {\n  match emails.primaryEmail\n  on duplicate merge newest seen\n  name.lastName = name\n  emails = { primaryEmail: email } otherwise none\n  new skills \"Skills\": multiselect Skill = skills | Skill\n  new age \"Age\": integer = age | integer otherwise 0\n  new pay \"Pay\": integer = pay | integer otherwise none\n  drop seen : \"the merge alone needs it\"\n}",
        files: &[(
            "people.csv",
            "id,name,email,skills,age,pay,seen\n1,Ann,ann@x.example,a,5,9,2024-01-01\n2,Bob,bob@x.example,tea,6,,2024-01-01\n3,Bobby,bob@x.example,,6,,2023-01-01\n",
        )],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    later(&project);
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    // Of the first no skill changes that is written, nor its pay, which cannot be read any more; of the second and third another name counts.
    project.write(
        "export/people.csv",
        "id,name,email,skills,age,pay,seen\n1,Ann,ann@x.example,a;golf,old,much,2024-01-01\n2,Bob,bob@x.example,tea,6,,2024-01-01\n3,Rob,bob@x.example,,6,,2025-01-01\n4,Cy,cy@x.example,chess,7,,2024-01-01\n",
    );
    let audit = stand_in.migr(&project, &["audit"]).exits(0);
    for words in [
        "1: skills: \"golf\" is in no row of Skill; left out of the list",
        "1: age: \"old\" is not a whole number; the other value of the map taken",
        "1: pay: \"much\" is not a whole number; what was written before stays",
        "4: skills: \"chess\" is in no row of Skill; left out of the list",
        "name \"lastName: Bob\" → \"lastName: Rob\"",
    ] {
        assert_eq!(audit.stdout.matches(words).count(), 1, "{words}: {}", audit.stdout);
    }
    stand_in.migr(&project, &["delta"]).exits(0);
    let report = project.report();
    let notes = report["repairs"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut told: Vec<(String, String)> = notes.map(|it| (text(&it["key"]), text(&it["field"]))).collect();
    told.sort_unstable();
    let expected = [
        ("1", "age"),
        ("1", "pay"),
        ("1", "skills"),
        ("2", "name.lastName"),
        ("2", "skills"),
        ("3", "name.lastName"),
        ("4", "skills"),
    ];
    assert_eq!(told, expected.map(|(key, field)| (key.to_owned(), field.to_owned())));
    stand_in.migr(&project, &["verify"]).exits(0);
    // A second look at the same export tells it once.
    stand_in.migr(&project, &["delta"]).exits(0);
    assert_eq!(project.report()["repairs"].as_array().expect("a list").len(), expected.len());
}

#[test]
fn a_reference_to_the_record_itself_makes_no_circle_and_fills_no_row() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; itself: -> Person column \"id\"; name: text; note: text }",
        maps: "map Person -> people { name.lastName = name }\nmap Person as Remark -> notes when note != none {\n  title = note\n  targets = [itself]\n}",
        files: &[("people.csv", "id,name,note\n1,Ann,Called\n2,\"  \",\n")],
        held: Vec::new(),
    };
    let moved = small.moved();
    moved.says(&["people.csv:3 2: every column but its key is empty, and a record of nothing is written"]);
    assert!(!moved.said.contains("reference-cycle"), "{}", moved.said);
    assert_eq!(moved.codes, [0, 0, 0, 0], "{}", moved.said);
}

#[test]
fn a_record_that_a_rule_leaves_out_of_a_later_export_stays_as_it_was_written() {
    let small = Small {
        objects: "  object Act from \"acts.csv\" { key id; id: text; kind: text; subject: text; who: list(-> Person) split \";\" }\n  object Person from \"people.csv\" { key id; id: text; name: text }",
        maps: "skip Act when subject == none : \"nothing is said\"\nmap Person -> people { name.lastName = name }\nmap Act as Call -> notes when kind == \"call\" {\n  title = subject\n  targets = who\n}\nmap Act as Task -> tasks when kind == \"task\" { title = subject }",
        files: &[
            ("acts.csv", "id,kind,subject,who\nA1,call,Hi,P1\nA2,task,Do,\nA3,call,Ask,P2\n"),
            ("people.csv", "id,name\nP1,Ann\nP2,Bob\n"),
        ],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    later(&project);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    // The first becomes a task, the second is left out by `skip`.
    project.write("export/acts.csv", "id,kind,subject,who\nA1,task,Hello,P1;P2\nA2,task,,\nA3,call,Ask,P2\n");
    let audit = stand_in.migr(&project, &["audit"]).exits(0);
    assert!(!audit.stdout.contains("title"), "{}", audit.stdout);
    let delta = stand_in.migr(&project, &["delta"]).exits(0);
    for words in
        ["Call: 0 created, 0 changed, 1 unchanged, 1 vanished", "Task: 1 created, 0 changed, 0 unchanged, 1 vanished"]
    {
        assert!(delta.stdout.contains(words), "nothing says {words:?}: {}", delta.stdout);
    }
    let titles = |object: &str| {
        let mut titles: Vec<String> =
            stand_in.records(object).iter().filter_map(|it| it["title"].as_str().map(str::to_owned)).collect();
        titles.sort_unstable();
        titles
    };
    assert_eq!(
        (titles("notes"), titles("tasks")),
        (vec!["Ask".into(), "Hi".into()], vec!["Do".into(), "Hello".into()])
    );
    assert_eq!(stand_in.records("noteTargets").len(), 2);
    stand_in.migr(&project, &["verify"]).exits(0);
}

/// People with an address and a job, each row one of `id,email,job`.
fn people(rows: &[&str]) -> String {
    format!("id,email,job\n{}\n", rows.join("\n"))
}

fn with_people<'s>(maps: &'s str, files: &'s [(&'s str, &'s str)]) -> Small<'s> {
    let objects = "  object Person from \"people.csv\" { key id; id: text; email: email; job: text }";
    Small { objects, maps, files, held: Vec::new() }
}

const PEOPLE: &str =
    "map Person -> people {\n  name.lastName = id\n  emails = { primaryEmail: email }\n  jobTitle = job\n}";

#[test]
fn a_change_of_a_later_export_that_could_not_be_written_is_told() {
    let first = people(&["1,ann@x.example,Nurse", "2,bob@x.example,Cook", "3,carl@x.example,Vet"]);
    let (project, stand_in) = (with_people(PEOPLE, &[("people.csv", &first)]).project(), StandIn::new());
    later(&project);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.ask(&Method::POST, "/rest/people", &json!({"emails": {"primaryEmail": "theirs@x.example"}}));
    // The value that 1 is to get is somebody else's, so that it gives its own up to nobody.
    project.write(
        "export/people.csv",
        &people(&["1,theirs@x.example,Nurse", "2,ann@x.example,Chef", "3,carl@x.example,Vet"]),
    );
    let audit = stand_in.migr(&project, &["audit"]);
    assert!(audit.stdout.contains("holds another value, which stays"), "{}", audit.stdout);
    assert!(
        audit.stdout.contains("1 record there changes; 1 is left as it is; fields that change: jobTitle 1"),
        "{}",
        audit.stdout
    );
    let delta = stand_in.migr(&project, &["delta"]).exits(5);
    assert!(
        delta.stdout.contains("2 changes could not be written: what was written before stays (R205)"),
        "{}",
        delta.stdout
    );
    let report = project.report();
    let reasons = report["repairs"].to_string();
    assert_eq!(reasons.matches("of the destination has the same value, which must be unique").count(), 2, "{reasons}");
    let jobs: Vec<Value> = stand_in.records("people").iter().map(|it| it["jobTitle"].clone()).collect();
    assert!(jobs.contains(&json!("Chef")), "{jobs:?}");
}

#[test]
fn records_of_a_later_export_that_swap_a_unique_value_have_it_swapped() {
    let first =
        people(&["1,ann@x.example,Nurse", "2,bob@x.example,Cook", "3,carl@x.example,Vet", "4,dora@x.example,Vet"]);
    let (project, stand_in) = (with_people(PEOPLE, &[("people.csv", &first)]).project(), StandIn::new());
    later(&project);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let second = people(&["1,bob@x.example,Nurse", "2,carl@x.example,Chef", "3,ann@x.example,Vet", "4,,Vet"]);
    project.write("export/people.csv", &second);
    let audit = stand_in.migr(&project, &["audit"]).exits(0);
    assert!(
        audit.stdout.contains("4 records there change; fields that change: emails 4, jobTitle 1"),
        "{}",
        audit.stdout
    );
    stand_in.migr(&project, &["delta"]).exits(0);
    for (name, address, job) in [
        ("1", "bob@x.example", "Nurse"),
        ("2", "carl@x.example", "Chef"),
        ("3", "ann@x.example", "Vet"),
        ("4", "", "Vet"),
    ] {
        let is_it = |it: &&Value| it["name"]["lastName"] == name;
        let person = stand_in.records("people").iter().find(is_it).cloned().expect("it is there");
        assert_eq!((&person["emails"]["primaryEmail"], &person["jobTitle"]), (&json!(address), &json!(job)), "{name}");
    }
    stand_in.migr(&project, &["verify"]).exits(0);
    // Nothing is left to do, and a rollback takes all of it back.
    let again = stand_in.migr(&project, &["delta"]).exits(0);
    assert!(again.stdout.contains("nothing was done"), "{}", again.stdout);
    stand_in.migr(&project, &["rollback"]).exits(0);
    let left = stand_in.records("people");
    assert!(left.iter().all(|it| !["1", "2", "3", "4"].map(Value::from).contains(&it["name"]["lastName"])), "{left:?}");
}

#[test]
fn a_cell_that_is_empty_in_a_later_export_clears_what_the_migration_wrote_alone() {
    let maps = "map Person -> people {\n  match emails.primaryEmail\n  on existing update\n  name.lastName = id\n  emails.primaryEmail = email\n  jobTitle = job\n}";
    let first = people(&["1,ann@x.example,Nurse", "2,bob@x.example,Cook", "3,carl@x.example,Vet"]);
    let (project, stand_in) = (with_people(maps, &[("people.csv", &first)]).project(), StandIn::new());
    later(&project);
    let held = json!({"emails": {"primaryEmail": "bob@x.example"}, "jobTitle": "Baker"});
    stand_in.ask(&Method::POST, "/rest/people", &held);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let of = |name: &str| {
        let is_it = |it: &&Value| it["name"]["lastName"] == name;
        stand_in.records("people").iter().find(is_it).cloned().expect("it is there")
    };
    assert_eq!(of("2")["jobTitle"], "Cook");
    // Somebody changes the third by hand.
    let carl = of("3")["id"].as_str().expect("an id").to_owned();
    stand_in.ask(&Method::PATCH, &format!("/rest/people/{carl}"), &json!({"jobTitle": "Surgeon"}));
    project.write("export/people.csv", &people(&["1,ann@x.example,", "2,bob@x.example,", "3,carl@x.example,"]));
    let audit = stand_in.migr(&project, &["audit"]).exits(0);
    assert!(audit.stdout.contains("jobTitle \"Nurse\" is cleared: the export has no value"), "{}", audit.stdout);
    let delta = stand_in.migr(&project, &["delta"]);
    assert!(
        delta.stdout.contains("Person.jobTitle: 2 records, cleared: the export has no value now"),
        "{}",
        delta.stdout
    );
    // A record that was there before is not the migration's alone.
    let kept =
        "Person.jobTitle: 1 record that was there before has no value now and keeps what was written (`on empty keep`)";
    assert!(delta.stdout.contains(kept), "{}", delta.stdout);
    let jobs = ["1", "2", "3"].map(|name| of(name)["jobTitle"].clone());
    assert_eq!(jobs, ["", "Cook", "Surgeon"].map(Value::from));
    stand_in.migr(&project, &["verify"]).exits(0);
}

#[test]
fn a_value_that_a_later_export_spoils_clears_nothing() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; born: date; boss: -> Person }",
        maps: "map Person -> people {\n  name.lastName = id\n  new bornOn \"Born\": date = born otherwise none\n  new boss \"Boss\": -> people inverse \"Team\" = boss on missing none\n}",
        files: &[("people.csv", "id,born,boss\n1,1990-01-02,\n2,1991-01-02,1\n")],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    later(&project);
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    project.write("export/people.csv", "id,born,boss\n1,1990-02-30,\n2,,9\n");
    let delta = stand_in.migr(&project, &["delta"]).exits(0);
    for words in [
        "Person.bornOn: 1 record, cleared: the export has no value now",
        "Person.bornOn: 1 record whose value cannot be taken now keeps what was written",
        "Person.boss: 1 record whose value cannot be taken now keeps what was written",
    ] {
        assert!(delta.stdout.contains(words), "nothing says {words:?}: {}", delta.stdout);
    }
    let records = stand_in.records("people");
    let of = |name: &str| records.iter().find(|it| it["name"]["lastName"] == name).expect("it is there");
    assert_eq!((&of("1")["bornOn"], &of("2")["bornOn"]), (&json!("1990-01-02"), &Value::Null));
    assert_eq!(of("2")["bossId"], of("1")["id"]);
    stand_in.migr(&project, &["verify"]).exits(0);
}

#[test]
fn a_tag_that_a_later_export_has_no_more_is_taken_away() {
    let project = crate::harness::Project::empty();
    project.write(
        "migration.migr",
        "use \"std/systems/highlevel\"\n\nmigration small {\n  source old { files = \"export/*.csv\" }\n  destination highlevel as staging { url = env(\"STAGING_URL\"); location = env(\"STAGING_LOCATION\"); token = secret(\"STAGING_KEY\"); settle = 1s }\n  timezone = \"UTC\"\n  country = \"US\"\n  currency = \"USD\"\n  delta = 48h\n}\n\nsystem old {\n  object Client from \"clients.csv\" { key id; id: text; email: email; tags: list(text) split \";\" }\n}\n\nmap Client -> contacts {\n  match email\n  on existing update\n  lastName = id\n  email = email\n  tags = tags\n}\n",
    );
    project.write(
        "export/clients.csv",
        "id,email,tags\nC1,ann@x.example,vip;new\nC2,bob@x.example,vip\nC3,carl@x.example,vip\nC4,dora@x.example,vip;new\nC5,emil@x.example,vip\n",
    );
    let stand_in =
        StandIn::location(highlevel::Options { lag: std::time::Duration::ZERO, ..highlevel::Options::default() });
    let of = |email: &str| {
        let body = json!({"locationId": highlevel::Options::default().location, "page": 1, "pageLimit": 10,
            "filters": [{"field": "email", "operator": "eq", "value": email}]});
        stand_in.ask(&Method::POST, "/contacts/search", &body)["contacts"][0].clone()
    };
    let tags = |email: &str| {
        let mut tags: Vec<String> = serde_json::from_value(of(email)["tags"].clone()).expect("a list");
        tags.sort();
        tags
    };
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    // Somebody gives one of the three a tag by hand.
    let carl = of("carl@x.example")["id"].as_str().expect("an id").to_owned();
    stand_in.ask(&Method::POST, &format!("/contacts/{carl}/tags"), &json!({"tags": ["by hand"]}));
    project.write(
        "export/clients.csv",
        "id,email,tags\nC1,ann@x.example,new;gold\nC2,bob@x.example,vip\nC3,carl@x.example,new\nC4,dora@x.example,new\nC5,emil@x.example,\n",
    );
    // The preview shows what a contact will hold, and not what is sent.
    let audit = stand_in.migr(&project, &["audit"]).stdout;
    assert!(audit.contains(r#"tags "["vip","new"]" → "["new","gold"]""#), "{audit}");
    assert!(audit.contains(r#"→ "["vip","by hand","new"]""#), "{audit}");
    assert!(audit.contains(r#"tags "["vip"]" is cleared"#), "{audit}");
    // A change that could not be made is no success.
    let said = stand_in.migr(&project, &["delta"]).exits(5).stdout;
    assert_eq!(tags("ann@x.example"), ["gold", "new"]);
    assert_eq!(tags("bob@x.example"), ["vip"]);
    assert_eq!(tags("dora@x.example"), ["new"]);
    assert_eq!(tags("emil@x.example"), [""; 0]);
    assert_eq!(tags("carl@x.example"), ["by hand", "new", "vip"], "{said}");
    assert!(said.contains("could not be written: what was written before stays"), "{said}");
    stand_in.migr(&project, &["verify"]).exits(0);
}
