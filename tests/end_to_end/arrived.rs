//! What of the example's export stands in the destination after one run, and where.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::moved::{instant, moved, shown};

/// `$ 111,935.72 ` in millionths.
pub(crate) fn micros(cell: &str) -> Option<i64> {
    let digits: String = cell.chars().filter(|character| character.is_ascii_digit() || *character == '.').collect();
    let (whole, cents) = digits.split_once('.').unwrap_or((&digits, ""));
    Some(format!("{whole}{cents:0<6}").parse::<i64>().ok()?).filter(|_| !digits.is_empty())
}

#[test]
fn name_domain_employees_revenue_and_address_of_every_company_arrive_in_their_parts() {
    let pairs = moved().pairs("Company", "companies.csv", "Company ID", "companies");
    assert_eq!(pairs.len(), 59);
    // One was there already, with a name of its own.
    let created: Vec<_> = pairs.iter().filter(|(_, there)| there["createdBy"]["source"] == "API").collect();
    assert!(created.len() >= 58);
    for (row, there) in created {
        if there["name"] != row["Name"].trim() {
            assert_eq!(there["name"], "Clinic 3", "{row:?}");
            continue;
        }
        let host = row["Domain"].to_lowercase().replace("https://", "").replace("www.", "").replace('/', "");
        assert_eq!(there["domainName"]["primaryLinkUrl"], format!("https://{}", host.trim()), "{row:?}");
        assert_eq!(there["employees"], row["Employees"].parse::<i64>().map_or(Value::Null, Value::from), "{row:?}");
        let found = there["annualRevenue"]["amountMicros"].to_string();
        assert_eq!(found.trim_matches('"').parse::<i64>().ok(), micros(&row["Annual Revenue"]), "{row:?}");
        assert_eq!(there["annualRevenue"]["currencyCode"] == "USD", micros(&row["Annual Revenue"]).is_some());
        let street = row["Address"].split('\n').next().unwrap();
        assert_eq!(there["address"]["addressStreet1"].as_str().unwrap_or_default(), street, "{row:?}");
        let city = row["Address"].split(", ").nth(1).unwrap_or_default();
        assert_eq!(there["address"]["addressCity"].as_str().unwrap_or_default(), city, "{row:?}");
    }
}

#[test]
fn parents_are_set_and_a_company_that_would_be_its_own_ancestor_is_cut_loose_and_told_beforehand() {
    let moved = moved();
    let companies = moved.by_id("companies");
    let parent = |id: &str| companies[id]["parentCompanyId"].as_str();
    let mut set = 0;
    for (row, there) in moved.pairs("Company", "companies.csv", "Company ID", "companies") {
        if let Some(found) = there["parentCompanyId"].as_str() {
            assert_eq!(Some(found), moved.id("Company", &row["Parent Company ID"]), "{row:?}");
            set += 1;
        }
    }
    assert!(set >= 10, "{set}");
    for id in companies.keys() {
        let (mut seen, mut at) = (BTreeSet::new(), Some(*id));
        while let Some(next) = at {
            assert!(seen.insert(next), "a circle through {next}");
            at = parent(next);
        }
    }
    let findings = moved.audit["findings"].as_array().unwrap();
    let circles: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| finding["kind"] == "reference-cycle")
        .map(|finding| finding["message"].as_str().unwrap())
        .collect();
    let drawn = [
        "it refers to itself: K0000001 (line 2) → K0000001",
        "a circular reference of 2 records: K0000002 (line 4) → K0000003 (line 6) → K0000002",
        "a circular reference of 3 records: K0000004 (line 8) → K0000005 (line 10) → K0000006 (line 12) → K0000004",
    ];
    assert_eq!(circles, BTreeSet::from(drawn));
    let lines: BTreeSet<u64> = findings
        .iter()
        .filter(|finding| finding["kind"] == "reference-cycle")
        .map(|finding| finding["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, BTreeSet::from([2, 4, 6, 8, 10, 12]), "each record of a circle with its line");
    assert!(moved.plan_text.contains("deferred: companies.parentCompany refers to companies"));
}

#[test]
fn the_first_company_of_a_contact_is_linked_and_all_others_are_kept_by_name_and_counted() {
    let moved = moved();
    let name = |key: &str| {
        let rows = moved.rows("companies.csv");
        rows.iter().find(|row| row["Company ID"] == key).map(|row| row["Name"].trim().to_owned())
    };
    let mut several = 0;
    for (row, there) in moved.pairs("Contact", "contacts.csv", "Contact ID", "people") {
        let keys: Vec<&str> = row["Company IDs"].split(';').map(str::trim).filter(|key| !key.is_empty()).collect();
        if let Some(first) = keys.first()
            && let Some(company) = moved.id("Company", first)
            && keys.len() > 1
        {
            assert_eq!(there["companyId"], company, "{row:?}");
            several += 1;
        }
        let mut others: Vec<String> = Vec::new();
        for other in keys.iter().skip(1).filter_map(|key| name(key)) {
            if !others.contains(&other) {
                others.push(other);
            }
        }
        assert_eq!(there["otherCompanies"].as_str().unwrap_or_default(), others.join("; "), "{row:?}");
    }
    assert!(several > 20, "{several}");
    let expected = moved.rows("contacts.csv").iter().filter(|row| row["Company IDs"].contains(';')).count();
    for degradations in [&moved.plan["degradations"], &moved.report["degradations"]] {
        let said = degradations.as_array().unwrap().iter().find(|one| one["what"] == "people.company").unwrap();
        assert_eq!((&said["kept_in"], &said["records"]), (&json!("people.otherCompanies"), &json!(expected)));
    }
}

#[test]
fn every_deal_has_its_stage_and_the_probability_of_that_stage_and_stages_keep_their_order() {
    let moved = moved();
    let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let probabilities: BTreeMap<String, f64> = moved
        .rows("pipelines.csv")
        .iter()
        .map(|row| (fold(&row["Stage"]), row["Probability"].parse().unwrap()))
        .collect();
    let picklists = moved.plan["picklists"].as_array().unwrap();
    let table = picklists.iter().find(|picklist| picklist["name"] == "DealStage").unwrap();
    let mut meant: BTreeMap<String, &Value> = BTreeMap::new();
    for row in table["rows"].as_array().unwrap() {
        for key in row["keys"].as_array().unwrap() {
            meant.insert(fold(key[0].as_str().unwrap()), &row["values"][0]);
        }
    }
    let options = moved.field("opportunities", "stage")["options"].as_array().unwrap();
    let pairs = moved.pairs("Deal", "deals.csv", "Deal ID", "opportunities");
    assert!(pairs.len() > 140);
    for (row, there) in pairs {
        assert_eq!(there["probability"].as_f64(), probabilities.get(&fold(&row["Stage"])).copied(), "{row:?}");
        assert_eq!(there["stage"], *meant[&fold(&row["Stage"])], "{row:?}");
    }
    // As the rows of the picklist stand in the spec.
    let mut by_position: Vec<(u64, &str)> = options
        .iter()
        .map(|option| (option["position"].as_u64().unwrap(), option["value"].as_str().unwrap()))
        .collect();
    by_position.sort_unstable();
    let order: Vec<&str> = by_position.into_iter().map(|(_, value)| value).collect();
    assert_eq!(
        order,
        [
            "NEW",
            "SCREENING",
            "MEETING",
            "DEMO_DONE",
            "QUALIFIED",
            "PROPOSAL",
            "CONTRACT",
            "CUSTOMER",
            "LOST",
            "ON_HOLD"
        ]
    );
}

#[test]
fn a_junction_record_stands_for_each_pair_once_and_has_both_of_its_parents() {
    let moved = moved();
    let members: BTreeMap<&str, &str> = moved
        .of("workspaceMembers")
        .iter()
        .map(|member| (member["userEmail"].as_str().unwrap(), member["id"].as_str().unwrap()))
        .collect();
    let links = moved.of("planProviders");
    let mut expected: BTreeSet<(String, Option<String>)> = BTreeSet::new();
    for row in moved.rows("treatment_plan_providers.csv") {
        let plan = moved.id("TreatmentPlan", &row["Plan ID"]).expect("every plan was written").to_owned();
        let provider = members.get(row["Owner Email"].as_str()).map(|id| (*id).to_owned());
        expected.insert((plan, provider));
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let found: BTreeSet<(String, Option<String>)> =
        links.iter().map(|link| (text(&link["treatmentPlanId"]).unwrap(), text(&link["providerId"]))).collect();
    assert_eq!((links.len(), found.len()), (55, 55), "no pair is there twice, though one stands twice in the export");
    assert_eq!(found, expected);
    let aside =
        moved.trail.iter().filter(|line| line["type"] == "quarantined" && line["step"] == "TreatmentPlanProvider");
    assert_eq!(aside.count(), 0, "the second row of a pair goes by the written rule");
    let stages = moved.plan["stages"].as_array().unwrap();
    let position = |id: &str| stages.iter().position(|stage| stage["id"] == id).unwrap();
    assert!(position("TreatmentPlanProvider") > position("TreatmentPlan"));
    // What a person reads: the object, both of its relations with what they lead to, and the stage that waits for the parent.
    let folded: Vec<String> =
        moved.plan_text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for shown in [
        "+ object planProviders \"Plan providers\"",
        "+ field planProviders.treatmentPlan \"Treatment plan\": -> treatmentPlans",
        "+ field planProviders.provider \"Provider\": -> workspaceMembers",
        "TreatmentPlanProvider → planProviders",
        "after TreatmentPlan: planProviders.treatmentPlan refers to treatmentPlans",
    ] {
        assert!(folded.iter().any(|line| line.contains(shown)), "{shown}: {}", moved.plan_text);
    }
}

#[test]
fn calls_and_mails_are_tasks_of_their_kind_with_their_text_and_times() {
    let moved = moved();
    let pairs = moved.pairs("CallOrEmail", "activities.csv", "Activity ID", "tasks");
    assert!(pairs.len() > 440);
    let mut texts = 0;
    for (row, there) in pairs {
        assert_eq!(there["kind"], row["Type"].trim().to_uppercase(), "{row:?}");
        assert_eq!(there["status"], "DONE");
        assert_eq!(there["title"], row["Subject"].as_str());
        assert_eq!(there["startedAt"].as_str().map(str::to_owned), instant(&row["Start"]), "{row:?}");
        assert_eq!(there["completedAt"].as_str().map(str::to_owned), instant(&row["End"]), "{row:?}");
        assert_eq!(there["dueAt"], there["completedAt"]);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let body = there["bodyV2"]["markdown"].as_str().unwrap_or_default().replace('\\', "");
        assert_eq!(words(&body), words(&row["Outcome"]), "{row:?}");
        texts += usize::from(!row["Outcome"].trim().is_empty());
    }
    assert!(texts > 50, "{texts} have a text");
}

#[test]
fn tasks_keep_title_day_state_and_who_is_to_do_them() {
    let moved = moved();
    let members: BTreeMap<&str, &Value> = moved
        .of("workspaceMembers")
        .iter()
        .map(|member| (member["userEmail"].as_str().unwrap(), &member["id"]))
        .collect();
    let pairs = moved.pairs("Task", "tasks.csv", "Task ID", "tasks");
    assert_eq!(pairs.len(), 150);
    for (row, there) in pairs {
        let state = match row["Status"].split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().as_str() {
            "done" => "DONE",
            "in progress" => "IN_PROGRESS",
            _ => "TODO",
        };
        assert_eq!(there["status"], state, "{row:?}");
        assert_eq!(there["title"], row["Title"].as_str());
        let due = jiff::civil::Date::strptime("%m/%d/%Y", row["Due"].trim()).ok();
        let due = due.map(|day| shown(day.at(17, 0, 0, 0).in_tz("America/New_York").unwrap().timestamp()));
        assert_eq!(there["dueAt"].as_str().map(str::to_owned), due, "{row:?}");
        if let Some(member) = members.get(row["Owner Email"].trim().to_lowercase().as_str()) {
            assert_eq!(there["assigneeId"], **member, "{row:?}");
        }
    }
}

#[test]
fn meetings_are_notes_with_their_start_and_end_and_both_of_their_parents() {
    let moved = moved();
    let pairs = moved.pairs("Meeting", "activities.csv", "Activity ID", "notes");
    assert!(pairs.len() > 140);
    let mut with_both = 0;
    for (row, there) in pairs {
        // A time that never was, or was twice, is left out by a written rule.
        for (field, cell) in [("startedAt", "Start"), ("endedAt", "End")] {
            if let Some(found) = there[field].as_str() {
                assert_eq!(Some(found.to_owned()), instant(&row[cell]), "{row:?}");
            }
        }
        let note = there["id"].as_str().unwrap();
        let expected: BTreeSet<&str> = moved.id("Contact", &row["Contact ID"]).into_iter().collect();
        assert_eq!(moved.linked(note, "targetPersonId"), expected, "{row:?}");
        let deals: BTreeSet<&str> = moved.id("Deal", &row["Deal ID"]).into_iter().collect();
        assert_eq!(moved.linked(note, "targetOpportunityId"), deals, "{row:?}");
        with_both += usize::from(!expected.is_empty() && !deals.is_empty());
    }
    assert!(with_both > 20, "{with_both}");
    let started = moved.of("notes").iter().filter(|note| note["startedAt"].is_string()).count();
    assert!(started > 140, "{started}");
}

#[test]
fn notes_keep_when_and_by_whom_they_were_written_and_their_person() {
    let moved = moved();
    let members: BTreeMap<&str, &str> = moved
        .of("workspaceMembers")
        .iter()
        .map(|member| (member["userEmail"].as_str().unwrap(), member["id"].as_str().unwrap()))
        .collect();
    let pairs = moved.pairs("Note", "notes.csv", "Note ID", "notes");
    assert!(pairs.len() > 280);
    let mut authors = 0;
    for (row, there) in pairs {
        let written = instant(&row["Created At"]);
        assert_eq!(there["originalCreatedAt"].as_str().map(str::to_owned), written, "{row:?}");
        assert_eq!(there["createdAt"].as_str().map(str::to_owned), written, "{row:?}");
        if let Some(author) = members.get(row["Author Email"].trim().to_lowercase().as_str()) {
            assert_eq!(there["authorId"], *author, "{row:?}");
            authors += 1;
        }
        let person = moved.id("Contact", &row["Contact ID"]).into_iter().collect();
        assert_eq!(moved.linked(there["id"].as_str().unwrap(), "targetPersonId"), person, "{row:?}");
    }
    assert!(authors > 200, "{authors}");
}

#[test]
fn files_arrive_byte_by_byte_under_their_name_with_their_person_and_were_listed_with_their_hash_before() {
    let moved = moved();
    let listed: BTreeMap<String, Value> = moved
        .project
        .read(".migr/staging/attachments.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["key"].as_str().unwrap().to_owned(), line))
        .collect();
    let rows = moved.rows("attachments.csv");
    assert_eq!(listed.len(), rows.len());
    let there = moved.by_id("attachments");
    let mut arrived = 0;
    for row in rows {
        let line = &listed[&row["Attachment ID"]];
        assert_eq!(line["path"], row["Path"].as_str());
        let Some(id) = moved.id("Attachment", &row["Attachment ID"]) else {
            assert_eq!((&line["state"], &line["hash"]), (&json!("missing"), &Value::Null), "{row:?}");
            continue;
        };
        let bytes = std::fs::read(moved.project.path().join("export").join(&row["Path"])).unwrap();
        let hash = format!("blake3:{}", blake3::hash(&bytes).to_hex());
        assert_eq!((&line["state"], &line["hash"]), (&json!("found"), &json!(hash)), "{row:?}");
        assert_eq!(line["bytes"], bytes.len());
        let file = &there[id]["file"][0];
        assert_eq!(file["label"], row["File Name"].as_str());
        let extension = std::path::Path::new(&row["File Name"]).extension().unwrap().to_str().unwrap();
        assert_eq!(file["extension"], format!(".{extension}"), "its type");
        assert!(moved.files[&row["File Name"]] == bytes, "{row:?}: other bytes");
        assert_eq!(there[id]["targetPersonId"].as_str(), moved.id("Contact", &row["Contact ID"]), "{row:?}");
        arrived += 1;
    }
    assert_eq!(arrived, 11);
}
