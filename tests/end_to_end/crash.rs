//! The program is killed at random instants and run again: what comes of it is what a run that nobody disturbed makes.
//!
//! `MIGR_DRILL_KILLS`, `MIGR_DRILL_CONTACTS` and `MIGR_DRILL_SEED` make it longer or other.

use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{PROJECT, Project, number};
use crate::stand_in::{StandIn, hurry};

/// SplitMix64: the same seed gives the same instants.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % bound.max(1)
    }
}

fn seed() -> u64 {
    let seed = number("MIGR_DRILL_SEED", 3);
    eprintln!("MIGR_DRILL_SEED={seed}");
    seed
}

/// The example, or a generated export of `MIGR_DRILL_CONTACTS`.
fn project() -> Option<Project> {
    let contacts = number("MIGR_DRILL_CONTACTS", 0);
    let project = match u32::try_from(contacts) {
        Ok(0) | Err(_) => Project::example(),
        Ok(contacts) => Project::generated(contacts, 11)?.0,
    };
    hurry(&project, if contacts == 0 { 20 } else { 60 });
    Some(project)
}

/// What the report says about records, and about the schema.
fn outcome(report: &Value) -> Vec<(&'static str, Value)> {
    ["finished", "objects", "owners", "quarantine", "skipped", "orphans", "repairs", "setup"]
        .into_iter()
        .map(|part| (part, report[part].clone()))
        .collect()
}

/// Fails where a project's report says other things than an undisturbed run's, and shows which.
#[track_caller]
fn same_report(expected: &[(&'static str, Value)], project: &Project, kills: u64) {
    for ((part, expected), (_, found)) in expected.iter().zip(outcome(&project.report())) {
        assert!(found == *expected, "after {kills} kills the report's `{part}` is other:\n{expected:#}\n{found:#}");
    }
}

/// Waits until the sandbox was asked `requests` more times, and a moment more. `None` where the program ended before.
fn killed_after(mut child: Child, stand_in: &StandIn, requests: u64, moment: Duration) -> Option<i32> {
    let until = stand_in.requests() + requests;
    loop {
        if let Some(status) = child.try_wait().expect("its status") {
            return Some(status.code().unwrap_or(-1));
        }
        if stand_in.requests() >= until {
            std::thread::sleep(moment);
            child.kill().expect("it is killed");
            child.wait().expect("it ended");
            return None;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Runs a command again and again, killing it, until it ends by itself; says how often it was killed.
fn again_and_again(
    (stand_in, project): (&StandIn, &Project),
    arguments: &[&str],
    (draw, within, most): (&mut Draw, u64, u64),
) -> (u64, i32) {
    let mut kills = 0;
    loop {
        if kills == most {
            let ran = stand_in.migr(project, arguments);
            return (kills, ran.code);
        }
        let child = stand_in.command(project.path(), arguments).spawn().expect("migr starts");
        let requests = draw.below(within);
        match killed_after(child, stand_in, requests, Duration::from_micros(draw.below(12_000))) {
            Some(code) => return (kills, code),
            None => kills += 1,
        }
    }
}

const RUN: &[&str] = &["run", "--no-approval"];

#[test]
fn a_run_that_is_killed_at_any_instant_ends_as_one_that_nobody_disturbed() {
    let Some(calm) = project() else { return };
    let expected = StandIn::new();
    let fresh = expected.fingerprint();
    let before = expected.requests();
    expected.migr(&calm, RUN).exits(5);
    let all = expected.requests() - before;
    let report = outcome(&calm.report());

    let wanted = number("MIGR_DRILL_KILLS", 12);
    let mut draw = Draw(seed());
    let (mut kills, mut migrations) = (0, 0);
    while kills < wanted {
        let Some(project) = project() else { return };
        let stand_in = StandIn::new();
        let most = (wanted - kills).min(12);
        let within = all / most.min(8);
        let (killed, code) = again_and_again((&stand_in, &project), RUN, (&mut draw, within, most));
        kills += killed;
        migrations += 1;
        assert_eq!(code, 5, "after {killed} kills");
        assert!(stand_in.fingerprint() == expected.fingerprint(), "after {killed} kills the records are others");
        same_report(&report, &project, killed);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert!(stand_in.fingerprint() == fresh, "after {killed} kills something stays behind that the run made");
    }
    eprintln!("{kills} kills of {migrations} migrations with {all} requests each: lost 0, duplicated 0");
}

#[test]
fn a_setup_and_a_rollback_that_are_killed_can_be_run_again() {
    let kills = number("MIGR_DRILL_KILLS", 8);
    let mut draw = Draw(seed() + 1);
    let project = Project::example();
    hurry(&project, 60);
    let stand_in = StandIn::new();
    let fresh = stand_in.fingerprint();
    let (setups, code) = again_and_again((&stand_in, &project), &["setup"], (&mut draw, 40, kills / 2));
    assert_eq!(code, 0);
    let set_up = stand_in.fingerprint();
    assert_ne!(set_up, fresh);
    stand_in.migr(&project, &["setup"]).exits(0);
    assert_eq!(stand_in.fingerprint(), set_up);
    stand_in.migr(&project, RUN).exits(5);
    let (rollbacks, code) = again_and_again((&stand_in, &project), &["rollback"], (&mut draw, 60, kills / 2));
    assert_eq!(code, 0);
    assert!(setups > 0 && rollbacks > 0, "{setups} and {rollbacks} kills");
    assert!(
        stand_in.fingerprint() == fresh,
        "after {setups} kills of setup and {rollbacks} of rollback something stays behind"
    );
}

#[test]
fn a_destination_that_dies_with_the_program_goes_on_with_it() {
    let calm = Project::example();
    let began = Instant::now();
    calm.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    let took = began.elapsed();
    let expected = StandIn::left_by(&calm).fingerprint();
    let report = outcome(&calm.report());

    let mut draw = Draw(seed() + 2);
    let wanted = number("MIGR_DRILL_KILLS", 6);
    let (mut kills, mut migrations) = (0, 0);
    while kills < wanted {
        let project = Project::example();
        let most = (wanted - kills).min(12);
        let (killed, code) = both_again_and_again(&project, &mut draw, (took / 3, most));
        kills += killed;
        migrations += 1;
        assert_eq!(code, Some(5), "after {killed} kills");
        assert!(StandIn::left_by(&project).fingerprint() == expected, "after {killed} kills the records are others");
        same_report(&report, &project, killed);
    }
    eprintln!("{kills} kills of program and destination in {migrations} migrations: lost 0, duplicated 0");
}

/// Runs a rehearsal again and again, killing it with its sandbox, until it ends by itself; says how often it was killed.
fn both_again_and_again(project: &Project, draw: &mut Draw, (within, most): (Duration, u64)) -> (u64, Option<i32>) {
    let mut kills = 0;
    loop {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_migr"))
            .args(["run", "--sandbox", "--no-approval"])
            .current_dir(project.path())
            .env("MIGR_PROJECT_ID", PROJECT)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("migr starts");
        if kills == most {
            return (kills, child.wait().expect("it ends").code());
        }
        let part = u32::try_from(draw.below(1000)).expect("it is small");
        std::thread::sleep(within * part / 1000);
        if let Some(ended) = child.try_wait().expect("its status") {
            return (kills, ended.code());
        }
        child.kill().expect("it is killed");
        child.wait().expect("it ended");
        kills += 1;
    }
}
