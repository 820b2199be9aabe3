//! A disk that fills during a run: a clear sentence, and the next run ends as one that nothing disturbed.
#![cfg(unix)]

use std::path::PathBuf;
use std::process::Command;

use crate::harness::{PROJECT, Project, Ran};
use crate::stand_in::{StandIn, hurry};

/// Runs a command where no file may grow beyond so many blocks of 512 bytes, as on a disk that fills.
fn within(blocks: u32, stand_in: &StandIn, project: &Project, arguments: &[&str]) -> Ran {
    let output = Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\" --to staging")])
        .arg(env!("CARGO_BIN_EXE_migr"))
        .args(arguments)
        .current_dir(project.path())
        .env("NO_COLOR", "1")
        .env("MIGR_PROJECT_ID", PROJECT)
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
        let ran = within(blocks, &stand_in, &project, &["run", "--no-approval"]);
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

/// The files below a project's folder, but for its export.
fn files(project: &Project) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![project.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found
}

/// A command that a full disk stops says so with what to do, and leaves no file that is there by half; the same command then goes through. Gives how often
/// it was stopped.
fn stopped(
    arguments: &[&str],
    limits: &[u32],
    whole: &[&str],
    (stand_in, project): (&StandIn, &Project),
    code: i32,
) -> u32 {
    let read = |file: &str| std::fs::read(project.path().join(file)).ok();
    let before: Vec<Option<Vec<u8>>> = whole.iter().map(|file| read(file)).collect();
    let mut stopped = 0;
    for blocks in limits {
        let ran = within(*blocks, stand_in, project, arguments);
        if ran.code == code {
            continue;
        }
        let said = &ran.stderr;
        assert!(ran.code == 3 && !said.contains("panicked"), "{arguments:?} within {blocks}: {} {said}", ran.code);
        assert!(
            said.contains("error: ") && (said.contains("ake room on its disk") || said.contains("room on the disk")),
            "{arguments:?} within {blocks}: {said}"
        );
        let halves: Vec<PathBuf> =
            files(project).into_iter().filter(|file| file.extension().is_some_and(|end| end == "part")).collect();
        assert!(halves.is_empty(), "{arguments:?} within {blocks}: {halves:?}");
        for (file, before) in whole.iter().zip(&before) {
            assert!(read(file) == *before, "{arguments:?} within {blocks}: {file} is not as it was before");
        }
        stopped += 1;
    }
    stand_in.migr(project, arguments).exits(code);
    for file in whole {
        assert!(read(file).is_some(), "{arguments:?}: no {file}");
    }
    stopped
}

#[test]
fn every_stage_that_a_full_disk_stops_says_so_leaves_nothing_by_half_and_can_be_done_again() {
    let calm = Project::example();
    hurry(&calm, 60);
    let expected = StandIn::new();
    let fresh = expected.fingerprint();
    let project = Project::example();
    hurry(&project, 60);
    let stand_in = StandIn::new();
    let both = (&stand_in, &project);
    let audit = ["audit", "--findings", "findings.jsonl"];
    assert!(stopped(&audit, &[8, 100], &["migr.staging.lock"], both, 1) == 2);
    assert!(stopped(&["setup"], &[100, 240], &[], both, 0) > 0);
    expected.migr(&calm, &["setup"]).exits(0);
    assert_eq!(stand_in.fingerprint(), expected.fingerprint(), "a setup that was stopped is the same in the end");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    assert!(stopped(&["verify"], &[100, 240], &[".migr/staging/plan.json"], both, 0) > 0);
    assert!(stopped(&["report", "--format", "html", "--out", "out.html"], &[40], &["out.html"], both, 0) > 0);
    assert!(stopped(&["report", "--format", "json", "--out", "out.json"], &[40], &["out.json"], both, 0) > 0);
    assert!(stopped(&["rollback"], &[100, 300], &[], both, 0) > 0);
    assert!(stand_in.fingerprint() == fresh, "a rollback that was stopped is the same in the end");
}
