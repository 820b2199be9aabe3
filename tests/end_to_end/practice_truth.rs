//! Outcome of each defect of The Practice that its generator planted and listed: by the example's list, and by those of other exports.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::harness::{Project, number, repository};

/// Classes of defects whose rows are quarantined, with the field to blame where one is.
const QUARANTINED: &[(&str, &str)] = &[
    ("appointments.dangling_client", "contact"),
    ("appointments.dst_gap", "startTime"),
    ("appointments.dst_overlap", "startTime"),
    ("appointments.end_before_start", ""),
    ("appointments.no_client", "contact"),
    ("appointments.owner_outside_team", ""),
    ("appointments.unknown_status", ""),
    ("clients.bad_birthday", "dateOfBirth"),
    ("clients.bad_created_at", "originalCreatedAt"),
    ("clients.created_in_gap", "originalCreatedAt"),
    ("deals.bad_value", "monetaryValue"),
    ("deals.dangling_client", "contact"),
    ("deals.no_client", "contact"),
    ("deals.of_set_aside_client", "contact"),
    ("deals.priority_case", "dealPriority"),
    ("deals.same_title_same_client", ""),
    ("deals.unknown_priority", "dealPriority"),
    ("deals.unknown_stage", ""),
    ("enrolments.dangling_client", ""),
    ("enrolments.dangling_program", ""),
    ("files.dangling_owner", "contact"),
    ("files.empty", ""),
    ("files.link", ""),
    ("files.missing_local", ""),
    ("files.outside_export", ""),
    ("files.type_not_accepted", ""),
    ("notes.created_in_overlap", "body"),
    ("notes.no_client", "contact"),
    ("notes.unknown_client", "contact"),
    ("programs.bad_price", "price"),
];

/// Classes whose rows are written, each as a record of its own.
const WRITTEN: &[&str] = &[
    "appointments.no_title",
    "appointments.overlapping",
    "clients.bad_email",
    "clients.bad_phone",
    "clients.company_blanks",
    "clients.company_case",
    "clients.company_spelling",
    "clients.dangling_group",
    "clients.long_goal",
    "clients.no_email",
    "clients.no_identity",
    "clients.orphan_owner",
    "clients.owner_not_in_destination",
    "clients.phone_extension",
    "clients.same_phone",
    "clients.unknown_country",
    "deals.other_currency",
    "enrolments.merged_client",
    "files.owner_type_case",
    "files.same_name",
    "notes.ambiguous_client",
    "notes.empty_body",
    "notes.long_body",
    "notes.two_bodies_alike",
];

/// Classes whose rows stay behind as one with another, or by a written rule.
const SKIPPED: &[&str] = &["enrolments.duplicate", "files.unknown_owner_type"];

/// Classes that [`Lived::persons`] judges, and those whose outcome the list leaves open.
const OTHERS: &[&str] = &[
    "clients.chain",
    "clients.duplicate_key",
    "clients.phone_joins",
    "clients.same_email",
    "clients.two_fit",
    "deals.second_in_pipeline",
    "notes.orphan_author",
];

/// Outcome of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Became {
    pub(crate) step: String,
    pub(crate) state: String,
    pub(crate) id: Option<String>,
    /// Reason for which it was quarantined or stays behind.
    reason: String,
}

/// A migration that was carried out in the sandbox.
pub(crate) struct Lived {
    pub(crate) project: Project,
    truth: Value,
    /// By file and line.
    pub(crate) rows: BTreeMap<(String, u64), Vec<Became>>,
}

/// The file that each map reads.
fn file_of(map: &str) -> &'static str {
    match map {
        "Client" => "clients.csv",
        "Deal" => "deals.csv",
        "SessionNote" => "session_notes.csv",
        "Appointment" => "appointments.csv",
        "ClientFile" | "DealFile" => "files.csv",
        "Program" => "programs.csv",
        "Enrolment" => "enrolments.csv",
        _ => "",
    }
}

impl Lived {
    pub(crate) fn of(project: Project, truth: Value) -> Self {
        project.migr(&["setup", "--sandbox"]).exits(0);
        project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
        let trail = project.migr(&["journal", "--sandbox"]).exits(0).stdout;
        let mut rows: BTreeMap<(String, u64), Vec<Became>> = BTreeMap::new();
        for line in trail.lines() {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            let text = |part: &str| line[part].as_str().unwrap_or_default().to_owned();
            let state = text("type");
            let is_state =
                matches!(state.as_str(), "created" | "updated" | "unchanged" | "skipped" | "quarantined" | "uncertain");
            let file = file_of(&text("step"));
            if is_state && !file.is_empty() {
                let (step, id) = (text("step"), line["id"].as_str().map(str::to_owned));
                let at = line["line"].as_u64().expect("a line");
                let row = rows.entry((file.to_owned(), at)).or_default();
                // The last word of the trail about a record counts.
                row.retain(|before| before.step != step);
                row.push(Became { step, state, id, reason: text("reason") });
            }
        }
        Self { project, truth, rows }
    }

    /// Rows of a class, each with its file and line and what became of it.
    fn of_class(&self, class: &str) -> Vec<(String, &[Became])> {
        let rows = self.truth["defects"][class]["rows"].as_array().cloned().unwrap_or_default();
        let place =
            |row: &Value| (row["file"].as_str().expect("a file").to_owned(), row["line"].as_u64().expect("a line"));
        let became = |row: &Value| {
            let place = place(row);
            let became = self.rows.get(&place).map(Vec::as_slice).unwrap_or_default();
            (format!("{class} {}:{}", place.0, place.1), became)
        };
        rows.iter().map(became).collect()
    }

    /// Faults in the outcomes of classes that the tables above judge.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        // A cell without a value is no value without a row.
        let has_no_status = self.without("appointments.csv", "status");
        for (class, field) in QUARANTINED {
            for (place, became) in self.of_class(class) {
                if *class == "appointments.unknown_status"
                    && has_no_status.iter().any(|line| place.ends_with(&format!(":{line}")))
                {
                    continue;
                }
                let is_right = became.iter().any(|one| one.state == "quarantined" && one.reason.starts_with(field));
                if !is_right || became.iter().any(|one| matches!(one.state.as_str(), "created" | "updated")) {
                    faults.push(format!("{place} is to be quarantined for `{field}`: {became:?}"));
                }
            }
        }
        for class in WRITTEN {
            for (place, became) in self.of_class(class) {
                let is_written =
                    became.iter().any(|one| matches!(one.state.as_str(), "created" | "updated" | "unchanged"));
                if !is_written || became.len() > 1 {
                    faults.push(format!("{place} is to be written: {became:?}"));
                }
            }
        }
        for class in SKIPPED {
            for (place, became) in self.of_class(class) {
                if !became.iter().all(|one| one.state == "skipped") || became.is_empty() {
                    faults.push(format!("{place} is to stay behind: {became:?}"));
                }
            }
        }
        let known: BTreeSet<&str> = QUARANTINED
            .iter()
            .map(|(class, _)| *class)
            .chain(WRITTEN.iter().chain(SKIPPED).chain(OTHERS).copied())
            .collect();
        let classes = self.truth["defects"].as_object().expect("classes").keys();
        faults.extend(
            classes
                .filter(|class| !known.contains(class.as_str()))
                .map(|class| format!("{class} is judged by nothing")),
        );
        faults.extend(self.persons());
        faults.extend(self.notes());
        faults
    }

    /// The live records of an object of the location, by id.
    pub(crate) fn records(&self, object: &str) -> BTreeMap<String, Value> {
        let state = self.project.path().join(".migr/sandbox.db");
        let state = rusqlite::Connection::open(state).expect("the sandbox's state");
        let mut read =
            state.prepare("SELECT id, body FROM records WHERE object = ?1 AND deleted IS NULL").expect("SQL");
        let rows = read.query_map([object], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).map(|(id, body)| (id, serde_json::from_str(&body).expect("JSON"))).collect()
    }

    /// Texts of notes that stand otherwise than they are written, of cells without markup.
    fn notes(&self) -> Vec<String> {
        let (header, rows) = self.lines("session_notes.csv");
        let at = header.iter().position(|known| known == "body").expect("a column");
        let kept = self.records("note");
        let mut faults = Vec::new();
        for (line, row) in rows {
            let text = row.get(at).unwrap_or_default().replace("\r\n", "\n");
            let became = self.rows.get(&("session_notes.csv".to_owned(), line)).map(Vec::as_slice).unwrap_or_default();
            let id = became.first().and_then(|became| became.id.as_deref()).and_then(|id| id.rsplit('/').next());
            let Some(kept) = id.and_then(|id| kept.get(id)).filter(|_| !text.contains(['<', '&'])) else { continue };
            let kept = kept["body"].as_str().unwrap_or_default();
            let (_, behind) = kept.split_once('\n').unwrap_or_default();
            if behind.trim() != text.trim() {
                faults.push(format!("session_notes.csv:{line} {text:?} stands as {behind:?}"));
            }
        }
        faults
    }

    /// Lines of a file that have nothing in a column.
    fn without(&self, file: &str, column: &str) -> Vec<u64> {
        let (header, rows) = self.lines(file);
        let at = header.iter().position(|known| known == column).expect("a column");
        rows.iter()
            .filter(|(_, row)| row.get(at).unwrap_or_default().trim().is_empty())
            .map(|(line, _)| *line)
            .collect()
    }

    /// The header of a file, and its rows with the lines on which they begin.
    pub(crate) fn lines(&self, file: &str) -> (csv::StringRecord, Vec<(u64, csv::StringRecord)>) {
        let text = self.project.read(&format!("export/{file}"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().expect("a header").clone();
        let rows = reader.records().map(|row| {
            let row = row.expect("a row");
            // The reader is still before the second sign of a line's end.
            let at = row.position().expect("a place");
            let is_before = text.as_bytes().get(usize::try_from(at.byte()).expect("a place")) == Some(&b'\n');
            (at.line() + u64::from(is_before), row)
        });
        (header, rows.collect())
    }

    /// One contact for each person: rows of one address are one; a row without an address joins the one person of its number, and none where several have it;
    /// a row with neither is a person of its own.
    fn persons(&self) -> Vec<String> {
        let (header, rows) = self.lines("clients.csv");
        let mut clients = Vec::new();
        for (line, row) in rows {
            let cell = |name: &str| {
                row.get(header.iter().position(|known| known == name).expect("a column")).unwrap_or_default()
            };
            let (local, host) = cell("email").trim().split_once('@').unwrap_or_default();
            let email = (!local.is_empty() && !host.is_empty()).then(|| format!("{local}@{host}").to_lowercase());
            let digits: String = cell("phone")
                .split(['x', 'e'])
                .next()
                .unwrap_or_default()
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            let phone =
                digits.get(digits.len().saturating_sub(10)..).filter(|digits| digits.len() == 10).map(str::to_owned);
            clients.push((line, cell("client_id").to_owned(), email, phone));
        }
        let mut of_phone: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, _, email, phone) in &clients {
            if let (Some(email), Some(phone)) = (email, phone) {
                of_phone.entry(phone).or_default().insert(email);
            }
        }
        let mut faults = Vec::new();
        let mut ids: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (line, key, email, phone) in &clients {
            let became = self.rows.get(&("clients.csv".to_owned(), *line)).map(Vec::as_slice).unwrap_or_default();
            let [became] = became else {
                faults.push(format!("clients.csv:{line} has {} outcomes", became.len()));
                continue;
            };
            if !seen.insert(key) {
                if became.id.is_some() && became.state != "skipped" {
                    faults.push(format!("clients.csv:{line} has the key of a row before it: {became:?}"));
                }
                continue;
            }
            let fitting = phone
                .as_deref()
                .and_then(|phone| of_phone.get(phone))
                .map(|fitting| fitting.iter().collect::<Vec<_>>());
            let person = match (email, phone, fitting.as_deref()) {
                (Some(email), ..) => email.clone(),
                (None, Some(_), Some([only])) => (**only).to_owned(),
                (None, Some(_), Some([_, _, ..])) => {
                    if became.state != "quarantined" {
                        faults.push(format!("clients.csv:{line} fits several persons: {became:?}"));
                    }
                    continue;
                }
                (None, Some(phone), _) => phone.clone(),
                (None, None, _) => format!("line {line}"),
            };
            if let Some(id) = &became.id {
                ids.entry(person).or_default().insert(id);
            }
        }
        let mut of_id: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (person, ids) in &ids {
            if ids.len() > 1 {
                faults.push(format!("{person} became several contacts: {ids:?}"));
            }
            for id in ids {
                of_id.entry(id).or_default().insert(person);
            }
        }
        let several = of_id.iter().filter(|(_, persons)| persons.len() > 1);
        faults.extend(several.map(|(id, persons)| format!("{persons:?} became one contact, {id}")));
        faults
    }
}

pub(crate) fn example() -> (Project, Value) {
    let project = Project::copy_of(&repository().join("examples/the-practice-to-highlevel"), Some(".migr"));
    let truth = serde_json::from_str(&project.read("truth.json")).expect("JSON");
    (project, truth)
}

#[test]
fn each_planted_defect_of_the_example_becomes_what_is_right() {
    let (project, truth) = example();
    let faults = Lived::of(project, truth).faults();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `MIGR_TRUTH_SEEDS` says of how many exports.
#[test]
fn each_planted_defect_of_other_exports_becomes_what_is_right() {
    for seed in (0..number("MIGR_TRUTH_SEEDS", 2)).map(|place| 3 + 17 * place) {
        let (project, _) = example();
        std::fs::remove_dir_all(project.path().join("export")).expect("the example's export");
        let made = Command::new("python3")
            .arg(repository().join("tests/generate_practice_export.py"))
            .args([
                "--contacts",
                "300",
                "--seed",
                &seed.to_string(),
                "--destination",
                "location.json",
                "--out",
                "export",
            ])
            .current_dir(project.path())
            .output();
        let Ok(made) = made else {
            eprintln!("LEFT OUT: python3 does not start, so no export of The Practice was generated");
            return;
        };
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let truth = serde_json::from_str(&project.read("export/truth.json")).expect("JSON");
        std::fs::remove_file(project.path().join("export/truth.json")).expect("the list of defects");
        let faults = Lived::of(project, truth).faults();
        assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
    }
}
