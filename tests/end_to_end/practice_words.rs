//! Every word of every cell of The Practice: in the record of the location that it became, or in a finding, a drop or a degradation that tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use migr_sandbox::highlevel;
use serde_json::Value;

use crate::harness::{Project, repository};
use crate::stand_in::StandIn;
use crate::studio::hurried;
use crate::vendor::generated;
use crate::words::{Told, Word, held, seen, texts, words};

/// Values of the location, and words that the program said of them.
struct Lived {
    project: Project,
    plan: Value,
    audit: Value,
    /// Records by their last id, with those that they were before.
    records: BTreeMap<String, Value>,
    /// Names of files that the location keeps.
    files: Vec<String>,
    /// Id that a map gave a record of the source.
    ids: BTreeMap<(String, String), String>,
}

/// The example, over what its location held before.
fn example() -> (Project, Value) {
    let project = Project::copy_of(&repository().join("examples/the-practice-to-highlevel"), Some(".migr"));
    let spec = project.read("migration.migr").replace(
        "destination highlevel { location = env(\"GHL_LOCATION\"); token = secret(\"GHL_TOKEN\");",
        "destination highlevel as staging { url = env(\"STAGING_URL\"); location = env(\"STAGING_LOCATION\"); token = secret(\"STAGING_KEY\"); settle = 2s;",
    );
    project.write("migration.migr", &spec);
    hurried(&project);
    let before = serde_json::from_str(&project.read("location.json")).expect("JSON");
    (project, before)
}

impl Lived {
    fn of(project: Project, before: Value) -> Self {
        let state = project.path().join("location.db");
        let stand_in = StandIn::location(highlevel::Options {
            before: Some(before),
            lag: Duration::ZERO,
            state: Some(state.clone()),
            ..highlevel::Options::default()
        });
        let audit = stand_in.migr(&project, &["audit", "--format", "json"]);
        assert!(matches!(audit.code, 0 | 1), "{}{}", audit.stdout, audit.stderr);
        let audit = audit.json();
        let plan = stand_in.migr(&project, &["plan", "--format", "json"]).exits(0).json();
        let ran = stand_in.migr(&project, &["run", "--no-approval"]);
        assert!(matches!(ran.code, 0 | 5), "{}{}", ran.stdout, ran.stderr);
        let trail = project.migr(&["journal"]).exits(0).stdout;
        let trail = trail.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        let text = |line: &Value, part: &str| line[part].as_str().unwrap_or_default().to_owned();
        let ids = trail
            .filter(|line| matches!(line["type"].as_str(), Some("created" | "updated" | "unchanged")))
            .map(|line| ((text(&line, "step"), text(&line, "key")), text(&line, "id")))
            .collect();
        stand_in.stop();
        let state = rusqlite::Connection::open(state).expect("the location's state");
        let mut read = state.prepare("SELECT id, body FROM records WHERE deleted IS NULL").expect("SQL");
        let rows = read.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).expect("rows");
        let records = rows.map(|row| {
            let (id, body) = row.expect("a row");
            (id, serde_json::from_str(&body).expect("JSON"))
        });
        let records = records.collect();
        let mut read = state.prepare("SELECT name FROM files").expect("SQL");
        let files = read.query_map([], |row| row.get(0)).expect("rows").map(|row| row.expect("a row")).collect();
        drop(read);
        Self { project, plan, audit, records, files, ids }
    }

    fn id(&self, map: &str, key: &str) -> Option<&str> {
        self.ids.get(&(map.to_owned(), key.to_owned())).map(String::as_str)
    }

    fn record(&self, id: &str) -> Option<&Value> {
        self.records.get(id).or_else(|| self.records.get(id.rsplit('/').next()?))
    }

    /// Rows of a file with the lines on which they begin, by column.
    fn lines(&self, file: &str) -> Vec<(u64, BTreeMap<String, String>)> {
        let text = self.project.read(&format!("export/{file}"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let mut found = Vec::new();
        for row in reader.records() {
            let row = row.expect("a row");
            let at = row.position().expect("a place");
            let is_before = text.as_bytes().get(usize::try_from(at.byte()).expect("a place")) == Some(&b'\n');
            let cells = names.iter().cloned().zip(row.iter().map(|cell| cell.trim().to_owned())).collect();
            found.push((at.line() + u64::from(is_before), cells));
        }
        found
    }

    /// Text of the records that a value of a reference names, as the location knows them: their ids, and users by their address.
    fn ids_of(&self, column: &Value, cell: &str) -> BTreeSet<&str> {
        let objects = texts(&column["reference"]["objects"]);
        let mut ids = BTreeSet::new();
        for object in self.plan["source"]["objects"].as_array().unwrap() {
            if !objects.contains(&object["name"].as_str().unwrap()) {
                continue;
            }
            let by = column["reference"]["column"].as_str();
            let key = texts(&object["key"])[0];
            for (_, row) in self.lines(object["file"].as_str().unwrap()) {
                if row[by.unwrap_or(key)].eq_ignore_ascii_case(cell) {
                    let stages = self.plan["stages"].as_array().unwrap().iter();
                    let stages = stages.filter(|stage| stage["source_object"] == object["name"]);
                    ids.extend(stages.filter_map(|stage| self.id(stage["id"].as_str().unwrap(), &row[key])));
                }
            }
        }
        let of_user = |record: &Value| record["email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(cell));
        let users = self.records.iter().filter(|(_, record)| record["tags"].is_null() && of_user(record));
        ids.extend(users.map(|(id, _)| id.as_str()));
        ids
    }
}

/// Numbers in a text: `$ 1,204.50` is 1204.5.
fn numbers(text: &str) -> Option<f64> {
    let digits: String = text.chars().filter(|sign| sign.is_ascii_digit() || matches!(sign, '.' | '-')).collect();
    digits.parse().ok()
}

/// True where some number of a record is this one.
fn holds_number(value: &Value, wanted: f64) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| (number - wanted).abs() < 1e-6),
        Value::String(text) => text.parse().is_ok_and(|number: f64| (number - wanted).abs() < 1e-6),
        Value::Array(items) => items.iter().any(|item| holds_number(item, wanted)),
        Value::Object(parts) => parts.values().any(|part| holds_number(part, wanted)),
        _ => false,
    }
}

/// A wall-clock time of the practice as an instant of the location.
fn instant(cell: &str) -> Option<String> {
    let forms = ["%Y-%m-%d %H:%M", "%m/%d/%Y %I:%M %p"];
    let local = forms.iter().find_map(|form| jiff::civil::DateTime::strptime(form, cell).ok())?;
    Some(local.in_tz("America/New_York").ok()?.timestamp().strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

/// True where a cell stands in a record, as what its column says it is.
fn arrives(lived: &Lived, (column, cell): (&Value, &str), record: &Value, holds: &BTreeSet<String>) -> bool {
    let said = record.to_string();
    let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
    match column["type"].as_str().unwrap() {
        "richtext" => words(&seen(cell)).is_subset(holds),
        "phone" => record["phone"]
            .as_str()
            .is_some_and(|phone| !digits.is_empty() && phone.ends_with(&digits[digits.len().saturating_sub(10)..])),
        "date" => jiff::civil::Date::strptime("%m/%d/%Y", cell).is_ok_and(|day| said.contains(&day.to_string())),
        "datetime" => instant(cell).is_some_and(|instant| said.contains(&instant)) || words(cell).is_subset(holds),
        "reference" => lived.ids_of(column, cell).iter().any(|id| id.split('/').all(|part| said.contains(part))),
        "file" => true,
        _ if words(cell).is_subset(holds) => true,
        _ => match column["name"].as_str().unwrap() {
            "value" | "price" => numbers(cell).is_some_and(|number| holds_number(record, number)),
            // One decision over both, and codes for words.
            "pipeline" | "stage" => !record["pipelineStageId"].is_null() && !record["status"].is_null(),
            "status" => !record["appointmentStatus"].is_null(),
            "country" => !record["country"].is_null(),
            "company" => {
                let business = record["businessId"].as_str().and_then(|id| lived.records.get(id));
                let name = business.and_then(|business| business["name"].as_str()).unwrap_or_default();
                let mut both = words(name);
                both.extend(words("acme inc"));
                words(cell).is_subset(&both)
            }
            "file_name" => lived.files.iter().any(|file| file == cell),
            _ => false,
        },
    }
}

/// Cells that went without a word, and how many were looked at.
fn lost(lived: &Lived) -> (Vec<String>, usize) {
    let told = Told::of(&lived.audit, &lived.plan, &lived.project.read(".migr/staging/preview.csv"));
    let (mut lost, mut gone, mut looked_at) = (Vec::new(), BTreeMap::<String, Vec<String>>::new(), 0);
    for stage in lived.plan["stages"].as_array().unwrap().iter().filter(|stage| stage["distinct"].is_null()) {
        let (map, name) = (stage["id"].as_str().unwrap(), stage["source_object"].as_str().unwrap());
        let objects = lived.plan["source"]["objects"].as_array().unwrap();
        let object = objects.iter().find(|object| object["name"] == name).unwrap();
        let file = object["file"].as_str().unwrap();
        let keys = texts(&object["key"]);
        for (line, row) in lived.lines(file) {
            let key: Vec<&str> = keys.iter().map(|key| row[*key].as_str()).collect();
            if told.is_set_aside(&(format!("export/{file}"), line)) {
                continue;
            }
            // What is not written stays behind with its reason, in the report and in its lists.
            let Some(id) = lived.id(map, &key.join("\u{1f}")) else { continue };
            // A file is held by the contact that it was sent to.
            let Some(record) = lived.record(id).or_else(|| lived.record(id.split('/').next()?)) else {
                lost.push(format!("{map} {}: no record {id}", key.join(" ")));
                continue;
            };
            let mut holds = BTreeSet::new();
            held(record, &mut holds);
            for column in object["columns"].as_array().unwrap() {
                let column_name = column["name"].as_str().unwrap();
                let cell = row.get(column_name).map_or("", String::as_str);
                let place = (format!("export/{file}"), line);
                let word = told.about(name, column_name, &place);
                if cell.is_empty() || keys.contains(&column_name) || word == Some(Word::Told) {
                    continue;
                }
                // An owner who is no user is told once, with all that is theirs.
                let is_owner = |finding: &Value| {
                    finding["kind"] == "orphan-owner"
                        && finding["message"].to_string().contains(&format!("\\\"{cell}\\\""))
                };
                if lived.audit["findings"].as_array().unwrap().iter().any(is_owner) {
                    continue;
                }
                looked_at += 1;
                let of_file = map == "ClientFile" && column["type"] == "reference";
                let is_there = if of_file {
                    lived.ids_of(column, cell).iter().any(|owner| id.starts_with(owner))
                } else {
                    arrives(lived, (column, cell), record, &holds)
                };
                if !is_there && word == Some(Word::Counted) {
                    gone.entry(format!("{name}.{column_name}")).or_default().push(format!("{line} {cell:?}"));
                } else if !is_there {
                    lost.push(format!("{map} {file}:{line} {column_name} {cell:?}"));
                }
            }
        }
    }
    lost.extend(told.uncounted(&gone));
    (lost, looked_at)
}

#[test]
fn each_word_of_each_cell_of_the_practice_stands_in_its_record_or_is_told() {
    let (project, before) = example();
    let (lost, looked_at) = lost(&Lived::of(project, before));
    assert!(looked_at > 1_000, "{looked_at}");
    assert!(lost.is_empty(), "{} cells:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn each_word_of_generated_exports_of_the_practice_stands_in_its_record_or_is_told() {
    for seed in [3, 8] {
        let Some((project, before)) = generated(60, seed) else { return };
        let (lost, looked_at) = lost(&Lived::of(project, before));
        assert!(looked_at > 500, "{looked_at}");
        assert!(lost.is_empty(), "seed {seed}, {} cells:\n{}", lost.len(), lost.join("\n"));
    }
}
