//! The example moved once for all tests: its life from audit to verify against a sandbox that the tests read back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::Value;

use crate::harness::Project;
use crate::stand_in::{StandIn, hurry};

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

/// What stands in the destination, and what the program said of it.
pub(crate) struct Moved {
    pub(crate) project: Project,
    pub(crate) report: Value,
    pub(crate) plan: Value,
    pub(crate) plan_text: String,
    pub(crate) audit: Value,
    pub(crate) metadata: Vec<Value>,
    /// Files of attachments, by their label.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The audit trail, a line each.
    pub(crate) trail: Vec<Value>,
    records: BTreeMap<&'static str, Vec<Value>>,
    ids: BTreeMap<(String, String), String>,
}

/// One life of the example for all tests.
pub(crate) fn moved() -> &'static Moved {
    static ONCE: OnceLock<Moved> = OnceLock::new();
    ONCE.get_or_init(|| moved_from(Project::example()))
}

/// A life of the example's spec over another export.
pub(crate) fn moved_from(project: Project) -> Moved {
    Moved::of_project(project)
}

impl Moved {
    fn of_project(project: Project) -> Self {
        hurry(&project, 200);
        let stand_in = StandIn::new();
        let audit = stand_in.migr(&project, &["audit", "--format", "json"]);
        assert!(matches!(audit.code, 0 | 1), "{}{}", audit.stdout, audit.stderr);
        let audit = audit.json();
        let plan_text = stand_in.migr(&project, &["plan"]).exits(0).stdout;
        let plan = stand_in.migr(&project, &["plan", "--format", "json"]).exits(0).json();
        let ran = stand_in.migr(&project, &["run", "--no-approval"]);
        assert!(matches!(ran.code, 0 | 5), "{}{}", ran.stdout, ran.stderr);
        let records: BTreeMap<_, _> = OBJECTS.iter().map(|object| (*object, stand_in.records(object))).collect();
        let files = records["attachments"].iter().flat_map(|one| one["file"].as_array().unwrap()).map(|file| {
            let bytes = stand_in.download(file["url"].as_str().unwrap());
            (file["label"].as_str().unwrap().to_owned(), bytes)
        });
        let files = files.collect();
        let metadata = stand_in.metadata();
        let trail: Vec<Value> = project
            .migr(&["journal"])
            .exits(0)
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect();
        let text = |line: &Value, part: &str| line[part].as_str().unwrap_or_default().to_owned();
        let ids = trail
            .iter()
            .filter(|line| matches!(line["type"].as_str(), Some("created" | "updated")))
            .map(|line| ((text(line, "step"), text(line, "key")), text(line, "id")))
            .collect();
        let report = project.report();
        Self { project, report, plan, plan_text, audit, metadata, files, trail, records, ids }
    }

    /// Every live record of an object.
    pub(crate) fn of(&self, object: &str) -> &[Value] {
        &self.records[object]
    }

    pub(crate) fn by_id(&self, object: &str) -> BTreeMap<&str, &Value> {
        self.of(object).iter().map(|record| (record["id"].as_str().unwrap(), record)).collect()
    }

    /// The id that a map gave a record of the source.
    pub(crate) fn id(&self, map: &str, key: &str) -> Option<&str> {
        self.ids.get(&(map.to_owned(), key.to_owned())).map(String::as_str)
    }

    /// Records that a map made of each row of a file: rows that were quarantined or left out are not in it.
    pub(crate) fn pairs(&self, map: &str, file: &str, key: &str, object: &str) -> Vec<(Row, &Value)> {
        let there = self.by_id(object);
        self.rows(file)
            .into_iter()
            .filter_map(|row| {
                let id = self.id(map, &row[key])?;
                Some((row, *there.get(id).expect("a record that was written is there")))
            })
            .collect()
    }

    /// The rows of a file, by header.
    pub(crate) fn rows(&self, file: &str) -> Vec<Row> {
        let text = self.project.read(&format!("export/{file}"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().map(|row| row.unwrap()).collect()
    }

    /// The rows of a file with the lines on which they begin, by the names of columns.
    pub(crate) fn lines(&self, file: &str) -> Vec<(u64, Vec<(String, String)>)> {
        let text = self.project.read(&format!("export/{file}"));
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let folded = |header: &str| {
            let words = header.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
        };
        let names: Vec<String> = reader.headers().unwrap().iter().map(folded).collect();
        let rows = reader.records().map(|row| {
            let row = row.unwrap();
            let cells = names.iter().cloned().zip(row.iter().map(str::to_owned)).collect();
            // The reader is still before the second sign of a line's end.
            let at = row.position().unwrap();
            let is_before = text.as_bytes().get(usize::try_from(at.byte()).unwrap()) == Some(&b'\n');
            (at.line() + u64::from(is_before), cells)
        });
        rows.collect()
    }

    /// A field in the destination's schema.
    pub(crate) fn field(&self, object: &str, field: &str) -> &Value {
        let fields = self.object(object)["fields"].as_array().unwrap();
        fields.iter().find(|one| one["name"] == field).unwrap_or_else(|| panic!("no field {object}.{field}"))
    }

    /// An object in the destination's schema.
    pub(crate) fn object(&self, object: &str) -> &Value {
        self.metadata.iter().find(|one| one["namePlural"] == object).unwrap_or_else(|| panic!("no object {object}"))
    }

    /// The people to whom a note is linked.
    pub(crate) fn linked(&self, note: &str, target: &str) -> BTreeSet<&str> {
        let links = self.of("noteTargets").iter().filter(|link| link["noteId"] == note);
        links.filter_map(|link| link[target].as_str()).collect()
    }
}

/// A row, by header.
pub(crate) type Row = BTreeMap<String, String>;

/// A wall-clock time of the export as the destination shows instants.
pub(crate) fn instant(cell: &str) -> Option<String> {
    let local = jiff::civil::DateTime::strptime("%m/%d/%Y %I:%M %p", cell.trim()).ok()?;
    Some(shown(local.in_tz("America/New_York").unwrap().timestamp()))
}

/// An instant as the destination shows it.
pub(crate) fn shown(instant: jiff::Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
