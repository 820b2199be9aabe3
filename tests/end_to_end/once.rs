//! Reads of the destination's schema: once a command, where nothing changed it.

use std::sync::{Arc, Mutex};

use crate::harness::{Project, Ran};
use crate::small::Small;
use crate::stand_in::StandIn;
use crate::studio::studio;
use crate::wire::{Act, Asked, Wire};

/// A command's requests by method and path, over a line.
struct Line {
    wire: Wire,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Line {
    fn to(stand_in: &StandIn) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let wire = Wire::to(&stand_in.url(), move |request: &Asked<'_>| {
            noted.lock().unwrap().push(format!("{} {}", request.method, request.path));
            Act::Pass
        });
        Self { wire, asked }
    }

    /// Runs a command; gives the requests of it that begin so.
    fn count(&self, (stand_in, project): (&StandIn, &Project), arguments: &[&str], start: &str, code: i32) -> usize {
        self.asked.lock().unwrap().clear();
        let mut command = stand_in.command_over(&self.wire.url(), project.path(), arguments);
        Ran::from(command.output().expect("migr starts")).exits(code);
        let asked = self.asked.lock().unwrap();
        eprintln!("{arguments:?}: {}", asked.join("; "));
        asked.iter().filter(|request| request.starts_with(start)).count()
    }
}

#[test]
fn a_command_reads_the_schema_of_a_workspace_once_where_nothing_changes_it() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; job: text; city: text }",
        maps: "map Person -> people {\n  name = { lastName: id }\n  jobTitle = job\n  drop city : \"not asked for\"\n  new grade \"Grade\": text = job\n}",
        files: &[("people.csv", "id,job,city\nP1,Nurse,Ulm\nP2,Cook,Bonn\n")],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    let spec = project.read("migration.migr").replace("currency = \"USD\"", "currency = \"USD\"\n  delta = 48h");
    project.write("migration.migr", &spec);
    let line = Line::to(&stand_in);
    let there = (&stand_in, &project);
    let schema = "GET /rest/metadata/objects";
    assert_eq!(line.count(there, &["audit"], schema, 0), 1);
    assert_eq!(line.count(there, &["setup"], schema, 0), 1, "its answer tells of the new field");
    assert_eq!(line.count(there, &["setup"], schema, 0), 1);
    assert_eq!(line.count(there, &["run", "--no-approval"], schema, 0), 1);
    assert_eq!(line.count(there, &["run", "--no-approval"], schema, 0), 1, "nothing is left to do");
    assert_eq!(line.count(there, &["verify"], schema, 0), 1);
    project.write("export/people.csv", "id,job,city\nP1,Nurse,Ulm\nP2,Baker,Bonn\n");
    assert_eq!(line.count(there, &["delta"], schema, 0), 1);
    let spec = project.read("migration.migr").replace("jobTitle = job\n", "jobTitle = job | upper\n");
    project.write("migration.migr", &spec);
    assert_eq!(line.count(there, &["run", "--no-approval"], schema, 4), 1, "it stops");
}

#[test]
fn a_command_reads_the_schema_of_a_location_once_where_nothing_changes_it() {
    let project = studio();
    let stand_in = StandIn::location(migr_sandbox::highlevel::Options::default());
    let line = Line::to(&stand_in);
    let there = (&stand_in, &project);
    let schema = "GET /opportunities/pipelines";
    assert_eq!(line.count(there, &["audit"], schema, 1), 1);
    line.count(there, &["setup"], schema, 0);
    assert_eq!(line.count(there, &["setup"], schema, 0), 1);
    assert_eq!(line.count(there, &["run", "--no-approval"], schema, 5), 1);
    assert_eq!(line.count(there, &["run", "--no-approval"], schema, 5), 1, "nothing is left to do");
}
