//! Appointments of a user whom the calendar's team lacks: set aside, given to the first of the team, or left to the calendar, as the map says.

use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::stand_in::StandIn;
use crate::studio::studio;

/// A location whose calendar has one user in its team, who holds no appointment of the export.
pub(crate) fn location() -> StandIn {
    let before = json!({
        "name": "Team of one", "timezone": "America/New_York", "country": "US",
        "settings": {"allowDuplicateContact": false, "allowDuplicateOpportunity": true, "duplicateOrder": ["email", "phone"]},
        "users": [
            {"name": "Jane Smith", "email": "jane.smith@clinic.example"},
            {"name": "Front Desk", "email": "front.desk@clinic.example"},
        ],
        "pipelines": [{"name": "Coaching", "stages": ["New lead", "Discovery call", "Signed", "Closed"]}],
        "calendars": [{"name": "Client sessions", "team": ["front.desk@clinic.example"]}],
    });
    StandIn::location(highlevel::Options { before: Some(before), lag: Duration::ZERO, ..highlevel::Options::default() })
}

/// The users of the appointments that are there, by address.
fn holders(stand_in: &StandIn) -> Vec<String> {
    let place = highlevel::Options::default().location;
    let at = |path: &str| stand_in.ask(&Method::GET, path, &Value::Null);
    let company = at(&format!("/locations/{place}"))["location"]["companyId"].as_str().expect("an id").to_owned();
    let users = at(&format!("/users/search?companyId={company}&locationId={place}"));
    let calendars = at(&format!("/calendars/?locationId={place}"));
    let calendar = calendars["calendars"][0]["id"].as_str().expect("an id").to_owned();
    let events =
        at(&format!("/calendars/events?locationId={place}&calendarId={calendar}&startTime=0&endTime=4102444800000"));
    let address = |id: &Value| {
        let users = users["users"].as_array().expect("a list");
        users.iter().find(|user| user["id"] == *id).map(|user| user["email"].as_str().expect("text").to_owned())
    };
    events["events"].as_array().expect("a list").iter().filter_map(|event| address(&event["assignedUserId"])).collect()
}

#[test]
fn an_appointment_of_a_user_outside_the_calendars_team_goes_by_the_maps_rule_and_is_foreseen() {
    for (rule, there, noted) in
        [("", 0, None), ("first", 2, Some("the first of the team")), ("none", 2, Some("the destination chooses"))]
    {
        let project = studio();
        let words = if rule.is_empty() { String::new() } else { format!(" on outside {rule}") };
        let spec = project
            .read("migration.migr")
            .replace("assignedTo = coach\n}\n\nmap Scan", &format!("assignedTo = coach{words}\n}}\n\nmap Scan"));
        project.write("migration.migr", &spec);
        if !rule.is_empty() {
            let plan = project.migr(&["plan", "--format", "json"]).exits(0).json().to_string();
            assert!(plan.contains(&format!("\"on_outside\":\"{rule}\"")), "{plan}");
        }
        let stand_in = location();
        let audit = stand_in.migr(&project, &["audit", "--format", "json"]).json();
        let found = audit["findings"].as_array().expect("a list").iter();
        let about =
            found.filter(|one| one["message"].as_str().unwrap_or_default().contains("not in the calendar's team"));
        assert_eq!(about.count(), 2, "each of the two is foreseen: {audit:#}");
        stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
        let holders = holders(&stand_in);
        assert_eq!(holders, vec!["front.desk@clinic.example"; there], "{rule}");
        let report = project.report();
        let text = report.to_string();
        assert!(noted.is_none_or(|noted| text.contains(noted)), "{rule}: {report:#}");
        stand_in.migr(&project, &["verify"]).exits(0);
        let again = stand_in.migr(&project, &["run", "--no-approval"]);
        assert_eq!(again.code, 5, "{}", again.stderr);
        stand_in.migr(&project, &["rollback"]).exits(0);
    }
}
