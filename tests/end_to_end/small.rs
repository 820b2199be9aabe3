//! Small migrations to Twenty, each a few lines of a spec and a table or two: what they make, and what is said of them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Project;
use crate::stand_in::StandIn;

/// A small migration.
pub(crate) struct Small<'s> {
    /// Objects of the source system.
    pub(crate) objects: &'s str,
    /// Maps and what stands beside them.
    pub(crate) maps: &'s str,
    /// Files of the export by name.
    pub(crate) files: &'s [(&'s str, &'s str)],
    /// Records that the destination has before, by object.
    pub(crate) held: Vec<(&'s str, Value)>,
}

/// Outcome of a small migration.
pub(crate) struct Outcome {
    pub(crate) project: Project,
    pub(crate) stand_in: StandIn,
    /// Output of `audit`, `setup`, `run` and `verify`, in this order.
    pub(crate) said: String,
    pub(crate) codes: [i32; 4],
}

impl Small<'_> {
    pub(crate) fn project(&self) -> Project {
        let project = Project::empty();
        let (objects, maps) = (self.objects, self.maps);
        project.write(
            "migration.migr",
            &format!(
                "use \"std/systems/twenty\"\n\nmigration small {{\n  source old {{ files = \"export/*.csv\" }}\n  destination twenty as staging {{ url = env(\"TWENTY_STAGING_URL\"); token = secret(\"TWENTY_STAGING_KEY\") }}\n  timezone = \"UTC\"\n  country = \"US\"\n  currency = \"USD\"\n}}\n\nsystem old {{\n{objects}\n}}\n\n{maps}\n"
            ),
        );
        for (name, text) in self.files {
            project.write(&format!("export/{name}"), text);
        }
        project
    }

    /// Audits, sets up, runs and verifies it.
    pub(crate) fn moved(&self) -> Outcome {
        let (project, stand_in) = (self.project(), StandIn::new());
        for (object, body) in &self.held {
            stand_in.ask(&Method::POST, &format!("/rest/{object}"), body);
        }
        let mut said = String::new();
        let codes = [&["audit"][..], &["setup"], &["run", "--no-approval"], &["verify"]].map(|command| {
            let ran = stand_in.migr(&project, command);
            said.push_str(&ran.stdout);
            said.push_str(&ran.stderr);
            ran.code
        });
        Outcome { project, stand_in, said, codes }
    }
}

impl Outcome {
    /// One record of an object that holds these values.
    #[track_caller]
    pub(crate) fn has(&self, object: &str, wanted: &Value) {
        let records = self.stand_in.records(object);
        let found = records.iter().filter(|record| holds(record, wanted)).count();
        assert_eq!(found, 1, "{wanted} among {records:#?}\n{}", self.said);
    }

    /// Every one of these words was said.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.said.contains(word), "nothing says {word:?}:\n{}", self.said);
        }
    }
}

/// True where a value holds another one: of an object each key, of anything else the whole. Nothing and an empty text are one.
pub(crate) fn holds(found: &Value, wanted: &Value) -> bool {
    let is_empty = |value: &Value| value.is_null() || *value == json!("");
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| holds(found.get(key).unwrap_or(&Value::Null), wanted))
        }
        _ => found == wanted || (is_empty(found) && is_empty(wanted)),
    }
}
