//! Records that were there before and that a later export says more of: a field that nothing was written to gets its value.

use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::delta::with_window;
use crate::harness::Project;
use crate::killed::{Moment, kill_at};
use crate::small::Small;
use crate::stand_in::StandIn;
use crate::wire::Asked;

const FIRM: &str = "object Firm from \"firms.csv\" {\n  key id\n  id: text\n  name: text\n  domain: url\n  staff: integer\n  slogan: text\n}";

const BEFORE: &str =
    "id,name,domain,staff,slogan\nF1,Acme,acme.example,,\nF2,Beta,beta.example,3,Ours\nF3,Gamma,gamma.example,,\n";

/// A migration into a workspace that has the three firms, without what the first export lacks, after its first run.
fn moved(policy: &str) -> (Project, StandIn, String) {
    let maps = format!(
        "map Firm -> companies {{\n  match domainName.primaryLinkUrl\n  on existing {policy}\n  name = name\n  domainName = domain | domain\n  employees = staff\n  address = {{ addressCity: slogan }}\n}}\n"
    );
    let maps = maps.replace("  employees = staff\n", "  new employees \"Employees\": integer = staff\n");
    let held = |name: &str, city: &str| {
        let link = json!({"primaryLinkUrl": format!("https://{}.example", name.to_lowercase())});
        json!({"name": name, "domainName": link, "address": {"addressCity": city}})
    };
    let small = Small { objects: FIRM, maps: &maps, files: &[("firms.csv", BEFORE)], held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    for body in [held("Acme", ""), held("Beta", "Theirs"), held("Gamma", "")] {
        stand_in.ask(&Method::POST, "/rest/companies", &body);
    }
    with_window(&project, "on conflict keep");
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.migr(&project, &["verify"]).exits(0);
    (project, stand_in, before)
}

fn firm(stand_in: &StandIn, domain: &str) -> Value {
    let firms = stand_in.records("companies");
    let link = format!("https://{domain}");
    firms.iter().find(|firm| firm["domainName"]["primaryLinkUrl"] == *link).expect("a firm").clone()
}

#[test]
fn a_field_that_was_empty_everywhere_gets_what_a_later_export_says() {
    for policy in ["update", "fill"] {
        let (project, stand_in, before) = moved(policy);
        let later = "id,name,domain,staff,slogan\nF1,Acme,acme.example,12,First\nF2,Beta,beta.example,3,Ours\nF3,Gamma & Co,gamma.example,,\n";
        project.write("export/firms.csv", later);
        let audit = stand_in.migr(&project, &["audit", "--format", "json"]).json();
        let update = if policy == "fill" { 1 } else { 2 };
        assert_eq!(audit["stages"][0]["update"], update, "{policy}: {}", audit["stages"][0]);
        let delta = stand_in.migr(&project, &["delta"]).exits(0);
        let acme = firm(&stand_in, "acme.example");
        assert_eq!(
            (&acme["employees"], &acme["address"]["addressCity"]),
            (&json!(12), &json!("First")),
            "{policy}: {}",
            delta.stdout
        );
        let name = if policy == "fill" { "Gamma" } else { "Gamma & Co" };
        assert_eq!(firm(&stand_in, "gamma.example")["name"], name, "{policy}: {}", delta.stdout);
        stand_in.migr(&project, &["verify"]).exits(0);
        let asked = stand_in.requests();
        stand_in.migr(&project, &["delta"]).exits(0);
        assert!(stand_in.requests() - asked < 12, "{policy}: {} requests", stand_in.requests() - asked);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(stand_in.fingerprint(), before, "{policy}");
    }
}

/// Spec of clients that fill or update contacts of a location.
fn clients(policy: &str) -> String {
    format!(
        "use \"std/systems/highlevel\"\n\nmigration small {{\n  source old {{ files = \"export/*.csv\" }}\n  destination highlevel as staging {{ url = env(\"STAGING_URL\"); location = env(\"STAGING_LOCATION\"); token = secret(\"STAGING_KEY\"); settle = 1s }}\n  timezone = \"UTC\"\n  country = \"US\"\n  currency = \"USD\"\n  delta = 48h\n}}\n\nsystem old {{\n  object Client from \"clients.csv\" {{ key id; id: text; email: email; city: text; tags: list(text) split \";\" }}\n}}\n\nmap Client -> contacts {{\n  match email\n  on existing {policy}\n  lastName = id\n  email = email\n  city = city\n  tags = tags\n}}\n"
    )
}

#[test]
fn tags_that_a_delta_adds_and_takes_away_go_back_and_an_empty_field_gets_its_later_value() {
    for policy in ["fill", "update"] {
        let project = Project::empty();
        project.write("migration.migr", &clients(policy));
        project.write("export/clients.csv", "id,email,city,tags\nC1,ann@x.example,,gold;weekly\nC2,bob@x.example,,\n");
        let stand_in = StandIn::location(highlevel::Options { lag: Duration::ZERO, ..highlevel::Options::default() });
        let place = highlevel::Options::default().location;
        for (email, tags) in [("ann@x.example", json!(["theirs"])), ("bob@x.example", json!(["own"]))] {
            let body = json!({"locationId": place, "lastName": "Before", "email": email, "tags": tags});
            stand_in.ask(&Method::POST, "/contacts/", &body);
        }
        let contacts = || {
            let body = json!({"locationId": place, "page": 1, "pageLimit": 10});
            let found = stand_in.ask(&Method::POST, "/contacts/search", &body);
            let text = |contact: &Value| {
                let mut tags: Vec<String> =
                    contact["tags"].as_array().into_iter().flatten().map(Value::to_string).collect();
                tags.sort();
                format!("{} {} {} {}", contact["email"], contact["lastName"], contact["city"], tags.join(","))
            };
            let mut contacts: Vec<String> = found["contacts"].as_array().expect("a list").iter().map(text).collect();
            contacts.sort();
            contacts
        };
        let before = contacts();
        stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
        let later = "id,email,city,tags\nC1,ann@x.example,,gold;new\nC2,bob@x.example,Bern,first\n";
        project.write("export/clients.csv", later);
        stand_in.migr(&project, &["delta"]).exits(0);
        let there = contacts().join("\n");
        for words in ["\"gold\",\"new\",\"theirs\"", "\"Bern\" \"first\",\"own\""] {
            assert!(there.contains(words), "{policy}: {words} in {there}");
        }
        stand_in.migr(&project, &["verify"]).exits(0);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(contacts(), before, "{policy}");
    }
}

const BERN: &str = "https://bern.example";
const CHUR: &str = "https://chur.example";

const PERSON: &str = "object Person from \"people.csv\" {\n  key id\n  id: text\n  email: email\n  job: text\n  page: url\n  kind: text\n}";

/// Ann and Bob hold what the export says already, Cid another page, Dan nothing.
fn people() -> Vec<(&'static str, Value)> {
    ["ann", "bob", "cid", "dan"].iter().map(|name| ("people", person(name))).collect()
}

fn person(name: &str) -> Value {
    let (job, page) = match name {
        "ann" | "bob" => ("Nurse", BERN),
        "cid" => ("Nurse", CHUR),
        _ => ("", ""),
    };
    json!({"name": {"lastName": name.to_uppercase()}, "emails": {"primaryEmail": format!("{name}@x.example")}, "jobTitle": job, "linkedinLink": {"primaryLinkUrl": page}})
}

/// A migration over four people who were there, after its first run. The spec knows their job alone.
fn met(policy: &str) -> (Project, StandIn, String) {
    let maps = format!(
        "map Person -> people {{\n  match emails.primaryEmail\n  on existing {policy}\n  name = {{ lastName: id }}\n  emails = {{ primaryEmail: email }}\n  jobTitle = job\n  drop page, kind : \"later\"\n}}\n"
    );
    let kind = |name: &str| if name == "bob" { "" } else { "Open" };
    let row = |name: &str| format!("{},{name}@x.example,Nurse,{BERN},{}\n", name.to_uppercase(), kind(name));
    let rows: String = ["ann", "bob", "cid", "dan"].map(row).concat();
    let export = format!("id,email,job,page,kind\n{rows}");
    let small = Small { objects: PERSON, maps: &maps, files: &[("people.csv", &export)], held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    for (object, body) in people() {
        stand_in.ask(&Method::POST, &format!("/rest/{object}"), &body);
    }
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.migr(&project, &["verify"]).exits(0);
    (project, stand_in, before)
}

fn edit(project: &Project, from: &str, to: &str) {
    let spec = project.read("migration.migr");
    assert!(spec.contains(from), "{from}");
    project.write("migration.migr", &spec.replacen(from, to, 1));
}

/// Runs the changed spec, accepting what it does to written records.
fn accept(stand_in: &StandIn, project: &Project) {
    let stops = stand_in.migr(project, &["run", "--no-approval"]).exits(4);
    let accepted = number(&format!("{}{}", stops.stdout, stops.stderr));
    stand_in.migr(project, &["run", "--no-approval", "--accept-change", &accepted]).exits(0);
    stand_in.migr(project, &["verify"]).exits(0);
}

/// The number in `migr run --accept-change NUMBER`.
fn number(said: &str) -> String {
    let (_, rest) = said.split_once("--accept-change ").expect("a number to accept the change by");
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

fn with(stand_in: &StandIn, field: &str, value: &str) -> usize {
    let is_met =
        |person: &Value| person["emails"]["primaryEmail"].as_str().is_some_and(|it| it.ends_with("@x.example"));
    let holds =
        |person: &&Value| is_met(person) && (person[field] == value || person[field]["primaryLinkUrl"] == value);
    stand_in.records("people").iter().filter(holds).count()
}

#[test]
fn a_field_that_records_held_by_themselves_gets_what_a_changed_spec_says() {
    for policy in ["update", "fill"] {
        let (project, stand_in, before) = met(policy);
        edit(&project, "jobTitle = job\n", "jobTitle = job | upper\n");
        let said = stand_in.migr(&project, &["plan", "--since-run"]).exits(0).stdout;
        let audit = stand_in.migr(&project, &["audit", "--format", "json"]).json();
        if policy == "update" {
            assert!(said.contains("~ Person.jobTitle: 4 of 4 written records would change (values)"), "{said}");
            assert_eq!(audit["stages"][0]["update"], 4, "{}", audit["stages"][0]);
            accept(&stand_in, &project);
            assert_eq!(with(&stand_in, "jobTitle", "NURSE"), 4);
        } else {
            // Dan's was filled by the run, the others' are their own.
            assert!(said.contains("~ Person.jobTitle: 1 of 4 written records would change (values)"), "{said}");
            assert_eq!(audit["stages"][0]["update"], 1, "{}", audit["stages"][0]);
            accept(&stand_in, &project);
            assert_eq!((with(&stand_in, "jobTitle", "NURSE"), with(&stand_in, "jobTitle", "Nurse")), (1, 3));
        }
        stand_in.migr(&project, &["verify"]).exits(0);
        let said = stand_in.migr(&project, &["plan", "--since-run"]).exits(0).stdout;
        assert!(said.contains("nothing changes what is written"), "{said}");
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(stand_in.fingerprint(), before, "{policy}");
    }
}

#[test]
fn a_field_that_a_changed_spec_brings_fills_or_overwrites_as_the_policy_says() {
    for policy in ["update", "fill"] {
        let (project, stand_in, before) = met(policy);
        edit(
            &project,
            "  drop page, kind : \"later\"\n",
            "  linkedinLink = page | url\n  new kind \"Kind\": text = kind\n",
        );
        let said = stand_in.migr(&project, &["plan", "--since-run"]).exits(0).stdout;
        assert!(said.contains("+ Person.kind: 3 of 4 written records would be filled (more)"), "{said}");
        assert!(said.contains("+ Person.linkedinLink: 1 of 4 written records would be filled (more)"), "{said}");
        let overwrites = said.contains("~ Person.linkedinLink: 1 of 4 written records would change (values)");
        assert_eq!(overwrites, policy == "update", "{said}");
        if policy == "update" {
            accept(&stand_in, &project);
        } else {
            stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
        }
        let chur = usize::from(policy == "fill");
        assert_eq!((with(&stand_in, "linkedinLink", BERN), with(&stand_in, "linkedinLink", CHUR)), (4 - chur, chur));
        assert_eq!(with(&stand_in, "kind", "Open"), 3);
        stand_in.migr(&project, &["verify"]).exits(0);
        let asked = stand_in.requests();
        let again = stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
        assert!(again.stdout.contains("nothing was written"), "{}", again.stdout);
        assert!(stand_in.requests() - asked < 12, "{policy}: {} requests", stand_in.requests() - asked);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(stand_in.fingerprint(), before, "{policy}");
    }
}

#[test]
fn a_record_that_somebody_changed_since_goes_by_the_policy_for_conflicts() {
    for (on_conflict, upper) in [("keep", 3), ("overwrite", 4)] {
        let (project, stand_in, _) = met("update");
        with_window(&project, &format!("on conflict {on_conflict}"));
        let people = stand_in.records("people");
        let ann = people.iter().find(|person| person["name"]["lastName"] == "ANN").expect("Ann");
        let id = ann["id"].as_str().expect("an id");
        std::thread::sleep(Duration::from_millis(20));
        stand_in.ask(&Method::PATCH, &format!("/rest/people/{id}"), &json!({"jobTitle": "Matron"}));
        edit(&project, "jobTitle = job\n", "jobTitle = job | upper\n");
        let said = stand_in.migr(&project, &["plan", "--since-run"]).exits(0).stdout;
        assert!(said.contains("~ Person.jobTitle: 4 of 4 written records would change (values)"), "{said}");
        assert!(said.contains("1 of them was changed in the destination since"), "{said}");
        accept(&stand_in, &project);
        assert_eq!(with(&stand_in, "jobTitle", "NURSE"), upper, "{on_conflict}");
        stand_in.migr(&project, &["verify"]).exits(0);
    }
}

#[test]
fn a_value_that_records_held_by_themselves_is_cleared_where_a_changed_spec_or_a_later_export_says_so() {
    for is_later_export in [false, true] {
        let (project, stand_in, before) = met("update");
        edit(&project, "jobTitle = job\n", "jobTitle = job on empty clear\n");
        let export = project.read("export/people.csv");
        if is_later_export {
            stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
            with_window(&project, "on conflict keep");
            project.write("export/people.csv", &export.replace("ANN,ann@x.example,Nurse", "ANN,ann@x.example,"));
            let audit = stand_in.migr(&project, &["audit", "--format", "json"]).json();
            assert_eq!(audit["stages"][0]["update"], 1, "{}", audit["stages"][0]);
            stand_in.migr(&project, &["delta"]).exits(0);
        } else {
            // Bob has nothing in the column that the job is of now.
            edit(&project, "jobTitle = job on", "jobTitle = kind on");
            edit(&project, "drop page, kind", "drop page, job");
            let said = stand_in.migr(&project, &["plan", "--since-run"]).exits(0).stdout;
            assert!(said.contains("~ Person.jobTitle: 4 of 4 written records would change (values)"), "{said}");
            assert!(said.contains("1 of them would be cleared"), "{said}");
            accept(&stand_in, &project);
        }
        assert_eq!(with(&stand_in, "jobTitle", ""), 1);
        stand_in.migr(&project, &["verify"]).exits(0);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(stand_in.fingerprint(), before);
    }
}

#[test]
fn a_map_that_fills_no_more_but_updates_looks_at_every_field_of_records_that_were_there() {
    let (project, stand_in, before) = met("fill");
    edit(&project, "drop page, kind", "linkedinLink = page | url\n  drop kind");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    assert_eq!(with(&stand_in, "linkedinLink", CHUR), 1);
    edit(&project, "on existing fill", "on existing update");
    let said = stand_in.migr(&project, &["plan", "--since-run"]).exits(0).stdout;
    assert!(said.contains("~ Person.linkedinLink: 1 of 4 written records would change (values)"), "{said}");
    accept(&stand_in, &project);
    assert_eq!(with(&stand_in, "linkedinLink", BERN), 4);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn a_second_change_does_what_the_first_one_was_killed_at() {
    let (project, stand_in, before) = met("update");
    edit(&project, "jobTitle = job\n", "jobTitle = job | upper\n");
    let stops = stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    let accepted = number(&format!("{}{}", stops.stdout, stops.stderr));
    let command = ["run", "--no-approval", "--accept-change", &accepted];
    let writes = |asked: &Asked<'_>| asked.method == Method::POST && asked.path.starts_with("/rest/batch/people");
    assert!(kill_at(move |asked| writes(asked).then_some(Moment::Before), &stand_in, &project, &command));
    edit(&project, "drop page, kind", "linkedinLink = page | url\n  drop kind");
    let said = stand_in.migr(&project, &["plan", "--since-run"]).exits(0).stdout;
    accept(&stand_in, &project);
    assert_eq!((with(&stand_in, "jobTitle", "NURSE"), with(&stand_in, "linkedinLink", BERN)), (4, 4), "{said}");
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn values_that_a_later_export_makes_options_are_set_up_by_the_delta_that_the_audit_names() {
    let objects = "object Deal from \"deals.csv\" {\n  key id\n  id: text\n  stage: text\n  kind: text\n}";
    let maps = "picklist Stage -> opportunities.stage { \"first\" = NEW; otherwise create }\npicklist Kind -> opportunities.kind { otherwise create }\n\nmap Deal -> opportunities {\n  name = id\n  stage = stage | Stage\n  new kind \"Kind\": select Kind = kind | Kind\n}\n";
    let rows = "id,stage,kind\nD1,first,big\nD2,second,\n";
    let small = Small { objects, maps, files: &[("deals.csv", rows)], held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    with_window(&project, "on conflict keep");
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["audit"]);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    for (more, option) in [("D3,third,small\n", "SMALL"), ("D3,fourth,tiny\n", "TINY")] {
        project.write("export/deals.csv", &format!("{rows}{more}"));
        let audit = stand_in.migr(&project, &["audit"]);
        assert!(audit.stderr.contains("Go on: migr delta"), "{}{}", audit.stdout, audit.stderr);
        stand_in.migr(&project, &["delta"]).exits(0);
        stand_in.migr(&project, &["verify"]).exits(0);
        let deals = stand_in.records("opportunities");
        assert!(deals.iter().any(|deal| deal["kind"] == option), "{deals:#?}");
        let report = stand_in.migr(&project, &["report"]).stdout;
        let made = report.lines().find(|line| line.contains("create field opportunities.kind")).expect("a line");
        assert!(made.to_uppercase().contains(option), "{made}");
    }
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), before);
}
