//! A disk that fills during a run: a clear sentence, and the next run ends as one that nothing disturbed.
#![cfg(unix)]

use std::process::Command;

use crate::harness::{Project, Ran};
use crate::stand_in::{StandIn, hurry};

/// Runs the migration where no file may grow beyond so many blocks of 512 bytes, as on a disk that fills.
fn run_within(blocks: u32, stand_in: &StandIn, project: &Project) -> Ran {
    let output = Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" run --no-approval --to staging")])
        .arg(env!("CARGO_BIN_EXE_migr"))
        .current_dir(project.path())
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .env("TWENTY_STAGING_URL", stand_in.url())
        .env("TWENTY_STAGING_KEY", stand_in.token())
        .output()
        .expect("sh starts");
    Ran::from(output)
}

#[test]
fn a_run_on_a_disk_that_fills_says_so_and_goes_on_once_there_is_room() {
    let calm = Project::example();
    hurry(&calm, 60);
    let expected = StandIn::new();
    expected.migr(&calm, &["run", "--no-approval"]).exits(5);

    let project = Project::example();
    hurry(&project, 60);
    let stand_in = StandIn::new();
    let mut stopped = 0;
    for blocks in [64, 160, 300, 500, 800] {
        let ran = run_within(blocks, &stand_in, &project);
        if ran.code != 3 {
            break;
        }
        assert!(ran.stderr.contains("error: ") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
        if ran.stderr.contains("the journal cannot be written") {
            assert!(ran.stderr.contains("Make room on its disk and run the same command again"), "{}", ran.stderr);
            stopped += 1;
        }
    }
    assert!(stopped > 0, "no limit stopped the journal");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    assert!(stand_in.fingerprint() == expected.fingerprint(), "the records are others");
    let objects = |project: &Project| (project.report()["objects"].clone(), project.report()["quarantine"].clone());
    assert_eq!(objects(&project), objects(&calm));
}
