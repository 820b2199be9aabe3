//! What of the example's export stands in the destination after one run, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::Value;

use crate::harness::Project;
use crate::stand_in::{StandIn, hurry};

struct Arrived {
    project: Project,
    report: Value,
    records: BTreeMap<&'static str, Vec<Value>>,
}

const OBJECTS: [&str; 10] = [
    "companies",
    "people",
    "opportunities",
    "notes",
    "tasks",
    "noteTargets",
    "treatmentPlans",
    "planProviders",
    "attachments",
    "workspaceMembers",
];

/// One run for all tests.
fn arrived() -> &'static Arrived {
    static ONCE: OnceLock<Arrived> = OnceLock::new();
    ONCE.get_or_init(|| {
        let project = Project::example();
        hurry(&project, 200);
        let stand_in = StandIn::new();
        stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
        let records = OBJECTS.iter().map(|object| (*object, stand_in.records(object))).collect();
        Arrived { report: project.report(), records, project }
    })
}

impl Arrived {
    fn of(&self, object: &str) -> &[Value] {
        &self.records[object]
    }

    fn by_id(&self, object: &str) -> BTreeMap<&str, &Value> {
        self.of(object).iter().map(|record| (record["id"].as_str().unwrap(), record)).collect()
    }

    /// The rows of a file, by header.
    fn rows(&self, file: &str) -> Vec<BTreeMap<String, String>> {
        let text = self.project.read(&format!("export/{file}"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().map(|row| row.unwrap()).collect()
    }
}

#[test]
fn address_revenue_and_domain_go_to_their_parts() {
    let arrived = arrived();
    let company = arrived
        .of("companies")
        .iter()
        .find(|one| one["domainName"]["primaryLinkUrl"] == "https://clinic1.example")
        .unwrap();
    assert_eq!(company["address"]["addressStreet1"], "92 Main St");
    assert_eq!(company["address"]["addressCity"], "Austin");
    assert_eq!(company["annualRevenue"]["amountMicros"].to_string().trim_matches('"'), "111935720000");
    assert_eq!(
        (&company["annualRevenue"]["currencyCode"], &company["employees"]),
        (&Value::from("USD"), &Value::from(1049))
    );
}

#[test]
fn parents_are_set_and_a_company_that_would_be_its_own_ancestor_is_cut_loose() {
    let arrived = arrived();
    let companies = arrived.by_id("companies");
    let parent = |id: &str| companies[id]["parentCompanyId"].as_str().map(str::to_owned);
    let with_parent = companies.keys().filter(|id| parent(id).is_some()).count();
    assert!(with_parent >= 5, "{with_parent}");
    for id in companies.keys() {
        let mut seen = BTreeSet::new();
        let mut at = Some((*id).to_owned());
        while let Some(next) = at {
            assert!(seen.insert(next.clone()), "a circle through {next}");
            at = parent(&next);
        }
    }
}

#[test]
fn further_companies_of_a_contact_are_kept_by_name_and_the_plan_says_so() {
    let arrived = arrived();
    let kept =
        arrived.of("people").iter().filter(|one| one["otherCompanies"].as_str().is_some_and(|names| !names.is_empty()));
    let several = arrived.rows("contacts.csv").iter().filter(|row| row["Company IDs"].contains(';')).count();
    assert!(several > 5 && kept.count() > several / 2);
    let said = arrived.report["degradations"].as_array().unwrap();
    assert!(
        said.iter().any(|one| one["what"] == "people.company" && one["kept_in"] == "people.otherCompanies"),
        "{said:?}"
    );
}

#[test]
fn the_probability_of_its_stage_goes_with_each_deal() {
    let arrived = arrived();
    let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let stages: BTreeMap<String, f64> = arrived
        .rows("pipelines.csv")
        .iter()
        .map(|row| (fold(&row["Stage"]), row["Probability"].parse().unwrap()))
        .collect();
    let expected: BTreeMap<String, f64> = arrived
        .rows("deals.csv")
        .iter()
        .filter_map(|row| Some((row["Name"].clone(), *stages.get(&fold(&row["Stage"]))?)))
        .collect();
    let deals = arrived.of("opportunities");
    let matching = deals.iter().filter(|deal| {
        let name = deal["name"].as_str().unwrap_or_default();
        expected.get(name).copied() == deal["probability"].as_f64()
    });
    assert!(deals.len() > 100 && matching.count() > 100);
}

#[test]
fn custom_objects_and_junctions_have_both_of_their_parents() {
    let arrived = arrived();
    let (people, plans, members) =
        (arrived.by_id("people"), arrived.by_id("treatmentPlans"), arrived.by_id("workspaceMembers"));
    assert_eq!(plans.len(), 30);
    assert!(plans.values().all(|plan| people.contains_key(plan["patientId"].as_str().unwrap())));
    let links = arrived.of("planProviders");
    assert_eq!(links.len(), 55);
    assert!(links.iter().all(|link| plans.contains_key(link["treatmentPlanId"].as_str().unwrap())));
    assert!(links.iter().filter_map(|link| link["providerId"].as_str()).all(|id| members.contains_key(id)));
    let object =
        arrived.report["objects"].as_array().unwrap().iter().find(|one| one["map"] == "TreatmentPlanProvider").unwrap();
    assert_eq!(
        (object["skipped"].as_u64(), object["quarantined"].as_u64()),
        (Some(1), Some(0)),
        "the doubled link is left out by the written policy"
    );
}

#[test]
fn calls_and_mails_are_tasks_of_their_kind_and_tasks_keep_state_and_days() {
    let arrived = arrived();
    let tasks = arrived.of("tasks");
    let kind = |kind: &str| tasks.iter().filter(|task| task["kind"] == kind).count();
    assert!(kind("CALL") > 100 && kind("EMAIL") > 100);
    let of_kind: Vec<&Value> = tasks.iter().filter(|task| task["kind"].is_string()).collect();
    assert!(of_kind.iter().all(|task| task["status"] == "DONE"
        && task["completedAt"].is_string()
        && task["dueAt"] == task["completedAt"]));
    let own: Vec<&Value> = tasks.iter().filter(|task| task["kind"].is_null()).collect();
    assert_eq!(own.len(), 150);
    let states: BTreeSet<&str> = own.iter().filter_map(|task| task["status"].as_str()).collect();
    assert!(states.contains("TODO") && states.contains("DONE"), "{states:?}");
    assert!(own.iter().filter(|task| task["assigneeId"].is_string()).count() > 100);
}

#[test]
fn meetings_and_notes_keep_times_author_and_every_parent() {
    let arrived = arrived();
    let notes = arrived.by_id("notes");
    let meetings = notes.values().filter(|note| note["startedAt"].is_string());
    assert!(meetings.clone().count() > 100);
    assert!(meetings.clone().all(|note| note["endedAt"].as_str() >= note["startedAt"].as_str()));
    let own: Vec<&&Value> = notes.values().filter(|note| note["originalCreatedAt"].is_string()).collect();
    assert!(own.len() > 250 && own.iter().filter(|note| note["authorId"].is_string()).count() > 200);
    let linked: BTreeSet<&str> =
        arrived.of("noteTargets").iter().filter_map(|target| target["noteId"].as_str()).collect();
    assert!(own.iter().all(|note| linked.contains(note["id"].as_str().unwrap())));
    let both = notes
        .keys()
        .filter(|id| arrived.of("noteTargets").iter().filter(|target| target["noteId"] == **id).count() > 1);
    assert!(both.count() > 10, "meetings with a contact and a deal");
}

#[test]
fn what_stays_behind_or_is_rebuilt_by_hand_is_named_with_its_reason() {
    let arrived = arrived();
    let rows = arrived.report["rows"].as_array().unwrap();
    let states: BTreeSet<&str> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert!(states.is_superset(&BTreeSet::from(["exact", "degraded", "none", "by_hand"])), "{states:?}");
    assert!(rows.iter().filter(|row| row["state"] != "exact").all(|row| row["reason"].is_string()), "{rows:#?}");
    let plan = arrived.project.migr(&["plan"]).exits(0).stdout;
    assert!(plan.contains("Not one to one") && plan.contains("by hand  reference Workflow"), "{plan}");
}

#[test]
fn the_journal_has_a_line_for_every_record_and_says_when_it_was_tampered_with() {
    let arrived = arrived();
    let lines = arrived.project.migr(&["journal"]).exits(0).stdout;
    let read: u64 =
        arrived.report["objects"].as_array().unwrap().iter().map(|object| object["read"].as_u64().unwrap()).sum();
    assert!(lines.lines().count() as u64 > read);
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    arrived.project.migr(&["journal", "--verify"]).exits(0);
}
