//! Whole runs against the sandbox, over real HTTP, with and without faults.
#![expect(
    clippy::print_stderr,
    reason = "a test fails by panicking, in its helpers too, and says on stderr what it left out"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod between;
mod faults;
mod life;
mod project;
#[path = "../../end_to_end/wire.rs"]
#[expect(dead_code, reason = "what the other suite does with a request")]
mod wire;

use std::time::Duration;

use migr_engine::{ChecklistItem, ChecklistState, checklist, run, setup};
use migr_sandbox::{SandboxOptions, TwentyVersion};

use crate::project::{Project, Server, counts, runtime, undisturbed};

#[test]
fn the_example_arrives_whole() {
    let project = Project::example(200);
    let (_, report) = undisturbed(&project);
    insta::assert_snapshot!(counts(&report));
}

#[test]
fn a_second_run_asks_nothing_of_the_server_and_reports_the_same() {
    let project = Project::example(200);
    let server = Server::new(SandboxOptions::default());
    let first = project.carry_out(server.sandbox()).unwrap();
    let requests = server.sandbox().request_count();
    let second = {
        let context = project.context(server.sandbox());
        runtime().block_on(run(&context)).unwrap()
    };
    assert!(second.nothing_to_do);
    assert_eq!(second.report.to_json().unwrap(), first.report.to_json().unwrap());
    assert_eq!(server.sandbox().request_count(), requests);
}

#[test]
fn what_an_older_server_lacks_is_said_before_anything_is_written() {
    let server = Server::new(SandboxOptions { version: TwentyVersion::V1_10, ..SandboxOptions::default() });
    let before = server.sandbox().fingerprint().unwrap();
    let project = Project::example(200);
    let context = project.context(server.sandbox());
    let (prepared, listed, ran) = runtime().block_on(async {
        let prepared = setup(&context).await.unwrap();
        (prepared, checklist(&context).await.unwrap(), run(&context).await)
    });
    assert_eq!((prepared.done, prepared.blocked > 0), (0, true), "{prepared:?}");
    let said: Vec<&str> = prepared.actions.iter().map(|(action, _)| action.as_str()).collect();
    assert!(
        said.iter().any(|line| line.starts_with("migration.migr:")
            && line.contains("`opportunities.owner`")
            && line.contains("twenty 1.x")
            && line.contains("`new owner`")),
        "{said:#?}"
    );
    let missing = |item: &&ChecklistItem| matches!(&item.state, ChecklistState::Missing { what } if said.contains(&what.as_str()));
    assert_eq!(listed.iter().filter(missing).count(), said.len());
    assert!(ran.is_err());
    assert!(server.sandbox().fingerprint().unwrap() == before, "nothing was changed");
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_as_one_that_was_not() {
    let project = Project::example(20);
    let (expected, report) = undisturbed(&project);
    let server = Server::new(SandboxOptions::default());
    let project = Project::example(20);
    {
        let context = project.context(server.sandbox());
        runtime().block_on(setup(&context)).unwrap();
    }
    let mut kills = 0;
    loop {
        let context = project.context(server.sandbox());
        let until = server.sandbox().request_count() + 17 + kills;
        let process = runtime();
        let task = process.spawn(async move { run(&context).await });
        while !task.is_finished() && server.sandbox().request_count() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let is_done = task.is_finished();
        if is_done {
            let summary = process.block_on(task).unwrap().unwrap();
            assert!(summary.report.finished);
            break;
        }
        // Nothing of it runs to its end.
        process.shutdown_background();
        kills += 1;
        assert!(kills < 100, "it makes no headway");
    }
    assert!(kills >= 3, "it was killed {kills} times");
    assert_eq!(server.sandbox().fingerprint().unwrap(), expected, "after {kills} kills");
    let after = project.report();
    assert_eq!(after.imbalances(), []);
    assert_eq!(counts(&after), counts(&report));
    assert_eq!(after.quarantine, report.quarantine);
}

#[test]
fn every_record_of_a_large_dirty_export_is_accounted_for() {
    let Some(project) = Project::generated(1500, 200) else { return };
    let (_, report) = undisturbed(&project);
    let contacts = report.objects.iter().find(|object| object.map == "Contact").unwrap();
    assert!(contacts.read >= 1500 && contacts.quarantined > 0 && contacts.created > 1300, "{}", counts(&report));
}
