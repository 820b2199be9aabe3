//! Values of The Practice as its location holds them after a run, against the export's cells by rules of the test's own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use serde_json::Value;

use crate::practice_truth::{Lived, example};

/// A row of a file: its line, its cells by column, and the record that was made of it.
type Arrived = (u64, BTreeMap<String, String>, Value);

/// Rows of a file that each became a new record.
fn arrived(lived: &Lived, file: &str, object: &str) -> Vec<Arrived> {
    let records = lived.records(object);
    let (header, rows) = lived.lines(file);
    let one = |(line, row): (u64, csv::StringRecord)| {
        let became = lived.rows.get(&(file.to_owned(), line))?;
        let id = became.iter().find(|became| became.state == "created")?.id.clone()?;
        let cells = header.iter().zip(&row).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect();
        Some((line, cells, records.get(id.rsplit('/').next()?)?.clone()))
    };
    rows.into_iter().filter_map(one).collect()
}

/// A time of New York's clocks.
fn instant(cell: &str, format: &str) -> Option<jiff::Timestamp> {
    Some(DateTime::strptime(format, cell.trim()).ok()?.in_tz("America/New_York").ok()?.timestamp())
}

/// Values that stand otherwise than they are meant.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn hold(&mut self, place: (&str, u64, &str), wanted: &str, found: &Value) {
        let text = || if found.is_null() { String::new() } else { found.to_string() };
        let found = found.as_str().map_or_else(text, str::to_owned);
        if found != wanted {
            let (file, line, field) = place;
            self.0.push(format!("{file}:{line} {field}: {wanted:?} stands as {found:?}"));
        }
    }
}

/// Ids of the contacts that clients became, by the client's key.
fn contacts_of(lived: &Lived) -> BTreeMap<String, String> {
    let became = |(line, row): (u64, csv::StringRecord)| {
        let became = lived.rows.get(&("clients.csv".to_owned(), line))?;
        Some((row[0].to_owned(), became.iter().find_map(|became| became.id.clone())?))
    };
    lived.lines("clients.csv").1.into_iter().filter_map(became).collect()
}

fn clients(lived: &Lived, faults: &mut Faults) {
    let fields = lived.records("customField");
    let own = |contact: &Value, name: &str| {
        let is_it = |field: &Value| field["model"] == "contact" && field["name"] == name;
        let (id, _) = fields.iter().find(|(_, field)| is_it(field)).expect("a field of contacts");
        contact["customFields"][id].clone()
    };
    let businesses = lived.records("business");
    let (_, groups) = lived.lines("groups.csv");
    let tags_of: BTreeMap<&str, &str> = groups.iter().map(|(_, row)| (&row[0], &row[1])).collect();
    let skipped = lived.rows.values().flatten().filter(|became| became.state == "skipped");
    let merged: BTreeSet<&str> = skipped.filter_map(|became| became.id.as_deref()).collect();
    let all = arrived(lived, "clients.csv", "contact");
    assert!(all.len() > 70, "{} clients", all.len());
    for (line, cells, contact) in &all {
        let became = &lived.rows[&("clients.csv".to_owned(), *line)];
        // Of a contact of several rows the newest one counts, field by field.
        if became.iter().any(|became| became.id.as_deref().is_some_and(|id| merged.contains(id))) {
            continue;
        }
        let mut hold =
            |field: &str, wanted: &str, found: &Value| faults.hold(("clients.csv", *line, field), wanted, found);
        let words: Vec<&str> = cells["full_name"].split_whitespace().collect();
        let (first, rest) = words.split_first().expect("a name");
        hold("firstName", first, &contact["firstName"]);
        hold("lastName", &rest.join(" "), &contact["lastName"]);
        for (column, field) in [("street", "address1"), ("city", "city"), ("state", "state"), ("zip", "postalCode")] {
            hold(field, &cells[column], &contact[field]);
        }
        hold("source", "The Practice import", &contact["source"]);
        hold("goal", &cells["cf_goal"], &own(contact, "Goal"));
        hold("second e-mail", &cells["email_2"], &own(contact, "Second e-mail"));
        let born = jiff::civil::Date::strptime("%m/%d/%Y", &cells["birthday"]).map(|day| day.to_string());
        let there: String = contact["dateOfBirth"].as_str().unwrap_or_default().chars().take(10).collect();
        hold("dateOfBirth", &born.unwrap_or_default(), &there.into());
        let made = instant(&cells["created_at"], "%Y-%m-%d %H:%M").map(|at| at.to_string());
        hold("originally created", &made.unwrap_or_default(), &own(contact, "Originally created"));
        let own_groups = cells["groups"].split(',').filter_map(|group| tags_of.get(group.trim()));
        let tags = cells["tags"].split(',').chain(own_groups.flat_map(|tags| tags.split(',')));
        let wanted: BTreeSet<String> =
            tags.map(|tag| tag.trim().to_lowercase()).filter(|tag| !tag.is_empty()).collect();
        let found = contact["tags"].as_array().into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned));
        hold("tags", &format!("{wanted:?}"), &format!("{:?}", found.collect::<BTreeSet<_>>()).into());
        let company = cells["company"].split_whitespace().collect::<Vec<_>>().join(" ");
        let is_acme = ["ACME", "Acme, Inc", "acme inc"].contains(&company.as_str());
        let company = if is_acme { "Acme Inc." } else { company.as_str() };
        let business = contact["businessId"].as_str().map_or(&Value::Null, |id| &businesses[id]["name"]);
        hold("business", company, business);
    }
}

fn deals(lived: &Lived, faults: &mut Faults) {
    let (pipelines, contacts) = (lived.records("pipeline"), contacts_of(lived));
    let all = arrived(lived, "deals.csv", "opportunity");
    assert!(all.len() > 40, "{} deals", all.len());
    for (line, cells, deal) in &all {
        let mut hold =
            |field: &str, wanted: &str, found: &Value| faults.hold(("deals.csv", *line, field), wanted, found);
        hold("name", &cells["title"], &deal["name"]);
        hold("contact", contacts.get(&cells["client_id"]).map_or("", String::as_str), &deal["contactId"]);
        let pipeline = &pipelines[deal["pipelineId"].as_str().expect("a pipeline")];
        let mut stages = pipeline["stages"].as_array().into_iter().flatten();
        let stage = stages.find(|stage| stage["id"] == deal["pipelineStageId"]).expect("a stage of the pipeline");
        let (wanted, status) = match (cells["pipeline"].as_str(), cells["stage"].as_str()) {
            ("Coaching", "Lead") => ("New lead", "open"),
            ("Coaching", "Discovery") => ("Discovery call", "open"),
            ("Coaching", "Signed") => ("Signed", "won"),
            ("Coaching", "No fit") => ("Closed", "lost"),
            _ => ("Booked", "open"),
        };
        hold("pipeline", &cells["pipeline"], &pipeline["name"]);
        hold("stage", wanted, &stage["name"]);
        hold("status", status, &deal["status"]);
        let amount: String = cells["value"].chars().filter(|sign| sign.is_ascii_digit() || *sign == '.').collect();
        let there = deal["monetaryValue"].as_f64().unwrap_or_default();
        hold("value", &amount.parse::<f64>().unwrap_or_default().to_string(), &there.to_string().into());
    }
}

fn appointments(lived: &Lived, faults: &mut Faults) {
    let contacts = contacts_of(lived);
    let all = arrived(lived, "appointments.csv", "appointment");
    assert!(all.len() > 50, "{} appointments", all.len());
    for (line, cells, appointment) in &all {
        let mut hold =
            |field: &str, wanted: &str, found: &Value| faults.hold(("appointments.csv", *line, field), wanted, found);
        for (column, field) in [("starts_at", "startTime"), ("ends_at", "endTime")] {
            let wanted = instant(&cells[column], "%m/%d/%Y %I:%M %p").map(|at| at.to_string()).unwrap_or_default();
            let there: jiff::Timestamp = appointment[field].as_str().expect("a time").parse().expect("a time");
            hold(field, &wanted, &there.to_string().into());
        }
        let title = if cells["title"].is_empty() { "Session" } else { cells["title"].as_str() };
        hold("title", title, &appointment["title"]);
        hold("contact", contacts.get(&cells["client_id"]).map_or("", String::as_str), &appointment["contactId"]);
    }
}

#[test]
fn each_value_of_the_practice_arrives_as_it_is_meant() {
    let (project, truth) = example();
    let lived = Lived::of(project, truth);
    let mut faults = Faults::default();
    clients(&lived, &mut faults);
    deals(&lived, &mut faults);
    appointments(&lived, &mut faults);
    assert!(faults.0.is_empty(), "{}", faults.0.join("\n"));
}
