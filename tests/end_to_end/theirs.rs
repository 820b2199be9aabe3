//! A rollback after people have worked with what was imported: it compares before it destroys.

use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{clinic, others};
use crate::harness::Project;
use crate::stand_in::StandIn;

/// A run, and what people did since.
struct Worked {
    project: Project,
    stand_in: StandIn,
    /// The state before the run, and after it.
    before: String,
    /// A person whose job somebody changed.
    changed: String,
    /// A person on whom somebody hung a deal, and the deal.
    referred: String,
    deal: String,
}

fn worked() -> Worked {
    let project = clinic(2);
    let stand_in = StandIn::new();
    others(&stand_in);
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let created: Vec<String> = project
        .migr(&["journal"])
        .exits(0)
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
        .filter(|line| line["type"] == "created" && line["step"] == "Person")
        .map(|line| line["id"].as_str().expect("an id").to_owned())
        .collect();
    let (changed, referred) = (created[0].clone(), created[1].clone());
    stand_in.ask(&Method::PATCH, &format!("/rest/people/{changed}"), &json!({"jobTitle": "By hand"}));
    let deal = json!({"name": "Hung on later", "pointOfContactId": referred});
    let made = stand_in.ask(&Method::POST, "/rest/opportunities", &deal);
    let deal = made["data"]["createOpportunity"]["id"].as_str().expect("an id").to_owned();
    Worked { project, stand_in, before, changed, referred, deal }
}

#[test]
fn what_others_changed_or_refer_to_since_is_listed_with_who_and_what_and_left_until_a_person_decides() {
    let Worked { project, stand_in, changed, referred, deal, .. } = worked();
    let looked = stand_in.migr(&project, &["rollback", "--dry-run"]).exits(0);
    let said = stand_in.migr(&project, &["rollback"]).exits(6);
    for text in [&looked.stdout, &said.stdout] {
        assert!(text.contains(&format!("kept      people {changed}: it was changed since it was imported")), "{text}");
        let hung = format!("kept      people {referred}: opportunities {deal}, made");
        assert!(text.contains(&hung) && text.contains("refers to it in `pointOfContact`"), "{text}");
        assert!(text.contains("`migr rollback --changed keep`"), "{text}");
    }
    let people = stand_in.records("people");
    let there = |id: &str| people.iter().find(|person| person["id"] == id);
    assert_eq!(there(&changed).expect("it is left")["jobTitle"], "By hand");
    assert!(there(&referred).is_some());
    let again = stand_in.migr(&project, &["rollback"]).exits(6);
    assert!(again.stdout.contains("0 records were destroyed"), "{}", again.stdout);
}

#[test]
fn records_that_a_person_decides_to_keep_stay_and_the_journal_is_laid_aside() {
    let Worked { project, stand_in, changed, referred, deal, .. } = worked();
    let said = stand_in.migr(&project, &["rollback", "--changed", "keep"]).exits(0);
    assert!(said.stdout.contains("all else is as before"), "{}", said.stdout);
    let people = stand_in.records("people");
    assert!([&changed, &referred].iter().all(|id| people.iter().any(|person| person["id"] == **id)));
    let deals = stand_in.records("opportunities");
    assert_eq!(deals.iter().find(|one| one["id"] == *deal).expect("the deal")["pointOfContactId"], *referred);
    assert!(!project.path().join(".migr/staging/journal.db").exists());
}

#[test]
fn records_that_a_person_decides_to_destroy_go_and_what_others_made_stays() {
    let Worked { project, stand_in, deal, before, .. } = worked();
    stand_in.migr(&project, &["rollback", "--changed", "destroy"]).exits(0);
    stand_in.ask(&Method::DELETE, &format!("/rest/opportunities/{deal}"), &Value::Null);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn a_journal_is_laid_aside_without_undoing_anything_where_a_person_says_so() {
    let Worked { project, stand_in, .. } = worked();
    let after = stand_in.fingerprint();
    let said = stand_in.migr(&project, &["rollback", "--forget"]).exits(0);
    assert!(said.stdout.starts_with("Nothing was undone."), "{}", said.stdout);
    assert_eq!(stand_in.fingerprint(), after);
    assert!(!project.path().join(".migr/staging/journal.db").exists());
}

#[test]
fn nothing_is_destroyed_where_a_record_that_was_there_before_is_not_shown_until_a_person_decides() {
    let Worked { project, stand_in, .. } = worked();
    let updated = project
        .migr(&["journal"])
        .exits(0)
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
        .find(|line| line["type"] == "updated")
        .map(|line| line["id"].as_str().expect("an id").to_owned())
        .expect("a record that was there before");
    stand_in.ask(&Method::DELETE, &format!("/rest/companies/{updated}"), &Value::Null);
    let people = stand_in.records("people");
    for _ in 0..2 {
        let said = stand_in.migr(&project, &["rollback"]).exits(6).stdout;
        assert!(
            said.contains(&format!("companies {updated}: it was there before, and is not shown any more")),
            "{said}"
        );
        assert!(said.contains("0 records were destroyed") && said.contains("`migr rollback --changed keep`"), "{said}");
    }
    assert_eq!(stand_in.records("people").len(), people.len());
    let said = stand_in.migr(&project, &["rollback", "--changed", "keep"]).exits(6).stdout;
    assert!(!said.contains(" 0 records were destroyed"), "{said}");
    assert!(!project.path().join(".migr/staging/journal.db").exists());
}
