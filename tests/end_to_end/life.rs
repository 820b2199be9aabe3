//! Whole life of both shipped examples: audit, setup, sample, approval, run, a change of the spec, sample and approval again, run, a later export, delta, verify,
//! report, and back to what was there before.

use std::collections::BTreeSet;
use std::time::Duration;

use migr_sandbox::highlevel;
use serde_json::Value;

use crate::harness::{Project, Ran, repository};
use crate::stand_in::{StandIn, hurry};
use crate::studio::hurried;

/// An example with what happens to it.
struct Example {
    project: Project,
    stand_in: StandIn,
    /// Edits of the spec, with the maps and fields whose values they change.
    edits: &'static [(&'static str, &'static str, &'static str)],
    /// File of the later export, its column that changes, and its key.
    later: (&'static str, &'static str),
    /// Map that the file is of.
    map: &'static str,
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

impl Example {
    fn migr(&self, arguments: &[&str]) -> Ran {
        self.stand_in.migr(&self.project, arguments)
    }

    #[track_caller]
    fn ends(&self, arguments: &[&str], codes: &[i32]) -> Ran {
        let ran = self.migr(arguments);
        assert!(codes.contains(&ran.code), "{arguments:?} ended {}\n{}\n{}", ran.code, ran.stdout, ran.stderr);
        ran
    }

    fn since(&self) -> Value {
        self.ends(&["plan", "--since-run", "--format", "json"], &[0]).json()
    }

    /// The last event of a command that tells events.
    fn last(&self, arguments: &[&str], codes: &[i32]) -> Value {
        let ran = self.ends(&[arguments, &["--format", "jsonl"]].concat(), codes);
        serde_json::from_str(ran.stdout.lines().last().expect("an event")).expect("JSON")
    }

    fn first_run(&self) {
        self.ends(&["audit"], &[0, 1]);
        self.ends(&["setup"], &[0]);
        let refused = self.ends(&["run"], &[4]);
        assert!(refused.stderr.contains("not approved"), "{}", refused.stderr);
        self.ends(&["sample", "--records", "40"], &[0, 5]);
        self.ends(&["approve", "--by", "Ada Brown"], &[0]);
        self.ends(&["run"], &[5]);
        self.ends(&["verify"], &[0]);
        // What a destination spells in its own way is nobody's change.
        self.ends(&["drift", "--exit-code"], &[0]);
    }

    /// The spec changes: what is said beforehand is what a sample shows and what the run does, and nothing goes on before it was sampled, approved and accepted.
    fn changed_spec(&self) {
        let mut spec = self.project.read("migration.migr");
        for (from, to, _) in self.edits {
            assert!(spec.contains(from), "{from}");
            spec = spec.replacen(from, to, 1);
        }
        self.project.write("migration.migr", &spec);
        let said = self.since();
        assert_eq!(said["class"], "values", "{said}");
        let accept = said["accept_change"].as_str().expect("a number").to_owned();
        let maps = said["maps"].as_array().expect("maps");
        let fields: BTreeSet<String> = maps
            .iter()
            .flat_map(|map| {
                let fields = map["fields"].as_object().expect("fields");
                fields.keys().map(|field| format!("{}.{field}", map["map"].as_str().unwrap()))
            })
            .collect();
        let expected: BTreeSet<String> = self.edits.iter().map(|(.., field)| (*field).to_owned()).collect();
        assert_eq!(fields, expected, "{said}");
        let records: u64 = maps.iter().map(|map| number(&map["records"])).sum();

        let there = self.stand_in.contents();
        let stale = self.ends(&["run", "--accept-change", &accept], &[4]);
        assert!(stale.stderr.contains("plan: what it does to records is another in"), "{}", stale.stderr);
        self.ends(&["approve", "--by", "Ada Brown"], &[4]);
        assert_eq!(self.stand_in.contents(), there, "nothing was written before a sample");

        let sample = self.ends(&["sample", "--records", "20", "--format", "json"], &[0, 5]).json();
        let changes = &sample["changes"];
        assert_eq!(changes["since_the_run"], true, "{changes}");
        let name = |one: &Value, part: &str| one[part].as_str().unwrap_or_default().to_owned();
        let shown: BTreeSet<(String, String)> = changes["fields"]
            .as_array()
            .expect("fields")
            .iter()
            .inspect(|one| assert!(fields.contains(&format!("{}.{}", name(one, "map"), name(one, "field"))), "{one}"))
            .map(|one| (name(one, "map"), name(one, "key")))
            .collect();
        let maps_shown: BTreeSet<&str> = shown.iter().map(|(map, _)| map.as_str()).collect();
        assert_eq!(maps_shown.len(), self.edits.len(), "each edit is shown: {shown:?}");
        assert!((shown.len() as u64) < records, "the others are the run's to change");
        let again = self.ends(&["sample", "--records", "20", "--format", "json"], &[0, 5]).json();
        assert_eq!(again["changes"], *changes, "a sample that is taken again shows the same");
        assert_eq!(self.since()["accept_change"], accept.as_str(), "the number stays");

        self.ends(&["verify"], &[4]);
        self.ends(&["delta"], &[4]);
        self.ends(&["approve", "--by", "Ada Brown"], &[0]);
        let asked = self.ends(&["run"], &[4]);
        assert!(asked.stderr.contains(&format!("--accept-change {accept}")), "{}", asked.stderr);
        let ran = self.last(&["run", "--accept-change", &accept], &[5]);
        assert_eq!(number(&ran["changed"]) + shown.len() as u64, records, "said and happened: {ran}");
        assert_eq!(self.since()["class"], "text", "nothing is left to change");
        self.ends(&["verify"], &[0]);
    }

    /// The export moves on: a record is new, one is gone, some have another value.
    fn later_export(&self) {
        let (file, column) = self.later;
        let text = self.project.read(&format!("export/{file}"));
        let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut rows: Vec<csv::StringRecord> = rows.records().map(|row| row.expect("a row")).collect();
        let at = rows[0].iter().position(|name| name == column).expect("the column");
        let (key, mut changed) = (0, 0_u64);
        let report = self.project.report();
        let untouched: BTreeSet<String> = ["quarantine", "repairs"]
            .iter()
            .flat_map(|list| {
                report[*list].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap().to_owned())
            })
            .collect();
        let plain: Vec<usize> = (1..rows.len())
            .filter(|row| rows[*row].len() == rows[0].len() && !untouched.contains(&rows[*row][key]))
            .collect();
        for row in plain.iter().skip(10).step_by(7).take(8) {
            let cells = rows[*row].iter().enumerate();
            let cells: Vec<String> =
                cells.map(|(place, cell)| if place == at { format!("Later {row}") } else { cell.to_owned() }).collect();
            rows[*row] = csv::StringRecord::from(cells);
            changed += 1;
        }
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        // Every other row stands in another line than before.
        let last = rows.remove(*plain.last().expect("a row"));
        rows.insert(1, last);
        for row in &rows {
            writer.write_record(row).expect("a row");
        }
        let text = String::from_utf8(writer.into_inner().expect("the text")).expect("text");
        self.project.write(&format!("export/{file}"), &text);
        let there = self.stand_in.contents();
        let audit = self.ends(&["audit", "--format", "json"], &[0, 1]).json();
        assert_eq!(self.stand_in.contents(), there, "an audit writes nothing");
        let foreseen =
            audit["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == self.map).unwrap().clone();
        let refused = self.ends(&["run", "--no-approval"], &[4]);
        assert!(refused.stderr.contains("`migr delta`"), "{}", refused.stderr);
        let delta = self.last(&["delta"], &[5]);
        let map = delta["delta"]["maps"].as_array().unwrap().iter().find(|map| map["map"] == self.map).unwrap().clone();
        let told = number(&map["changed"]);
        assert!(told > 0 && told <= changed, "{map}");
        assert_eq!((number(&map["created"]), number(&map["vanished"])), (0, 0), "{map}");
        assert_eq!((number(&foreseen["create"]), number(&foreseen["update"])), (0, told), "{foreseen}");
        let again = self.ends(&["delta"], &[5]);
        assert!(again.stdout.contains("nothing was done"), "{}", again.stdout);
        self.ends(&["verify"], &[0]);
    }

    fn report(&self) {
        let report = self.project.report();
        assert_eq!(report["finished"], true);
        assert_eq!(report["approvals"].as_array().unwrap().len(), 2, "{}", report["approvals"]);
        assert_eq!(report["deltas"].as_array().unwrap().len(), 1);
        assert_eq!(report["verify"]["held"], true, "{}", report["verify"]);
        let runs: Vec<&str> =
            report["runs"].as_array().unwrap().iter().map(|run| run["command"].as_str().unwrap()).collect();
        for command in ["setup", "sample", "run", "verify", "run (delta)"] {
            assert!(runs.contains(&command), "{command} is not in {runs:?}");
        }
    }
}

#[test]
fn the_example_to_twenty_lives_its_whole_life_and_ends_where_it_began() {
    let (project, stand_in) = (Project::example(), StandIn::new());
    hurry(&project, 200);
    let before = stand_in.fingerprint();
    let example = Example {
        project,
        stand_in,
        edits: &[
            (
                "\"Attempted to contact\" | \"Connected\" = SCREENING",
                "\"Attempted to contact\" | \"Connected\" = MEETING",
                "Deal.stage",
            ),
            ("jobTitle  = job_title | trim\n", "jobTitle  = job_title | trim | upper\n", "Contact.jobTitle"),
        ],
        later: ("contacts.csv", "City"),
        map: "Contact",
    };
    example.first_run();
    example.changed_spec();
    example.later_export();
    example.report();
    example.ends(&["rollback"], &[0]);
    assert_eq!(example.stand_in.fingerprint(), before);
}

#[test]
fn the_example_to_highlevel_lives_its_whole_life_and_goes_back_but_for_what_nothing_removes() {
    let project = Project::copy_of(&repository().join("examples/the-practice-to-highlevel"), Some(".migr"));
    let spec = project.read("migration.migr").replace(
        "destination highlevel { location = env(\"GHL_LOCATION\"); token = secret(\"GHL_TOKEN\"); version = \"v3\" }",
        "destination highlevel as staging { url = env(\"STAGING_URL\"); location = env(\"STAGING_LOCATION\"); token = secret(\"STAGING_KEY\"); version = \"v3\"; settle = 2s }",
    );
    project.write("migration.migr", &spec);
    hurried(&project);
    let before = serde_json::from_str(&project.read("location.json")).expect("JSON");
    let options = highlevel::Options { before: Some(before), lag: Duration::ZERO, ..highlevel::Options::default() };
    let stand_in = StandIn::location(options);
    let example = Example {
        project,
        stand_in,
        edits: &[
            (
                "(\"Coaching\", \"Discovery\") = (\"Coaching\", \"Discovery call\", open)",
                "(\"Coaching\", \"Discovery\") = (\"Coaching\", \"New lead\", open)",
                "Deal.pipelineStage",
            ),
            ("  city        = city\n", "  city        = city | upper\n", "Client.city"),
        ],
        later: ("clients.csv", "cf_goal"),
        map: "Client",
    };
    example.first_run();
    example.changed_spec();
    example.later_export();
    example.report();
    let back = example.ends(&["rollback"], &[0]);
    let kept: Vec<&str> = back.stdout.lines().filter(|line| line.starts_with("not back")).collect();
    assert!(
        kept.iter().all(|line| line.contains("contactFiles") || line.contains("create object programs")),
        "nothing but what no request removes stays: {kept:#?}"
    );
}
