//! A wall clock that jumps a day back, ten years on, to 1970 and back again while the program looks at it: nothing but the times that are told is other.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::clinic::clinic;
use crate::harness::{Project, Ran};
use crate::killed::{Left, RUN, Rest, Wanted};
use crate::preload::Library;
use crate::reach::with_settings;
use crate::stand_in::StandIn;

/// Right, a day ago, in ten years, in 1970, right again.
const JUMPS: &str = "+0 -86400 +315576000 =5 +0";
const TEN_YEARS_ON: &str = "+315576000";
const RIGHT: &str = "+0";

/// A clock that goes as a file says.
struct Clock {
    library: Library,
}

impl Clock {
    /// `None` where there is no C compiler, said loudly.
    fn new(says: &str) -> Option<Self> {
        let library = Library::of(include_str!("clock.c"), "no clock was made to jump")?;
        let clock = Self { library };
        clock.says(says);
        Some(clock)
    }

    fn file(&self) -> PathBuf {
        self.library.beside("clock")
    }

    /// Sets it.
    fn says(&self, says: &str) {
        let next = self.library.beside("next");
        std::fs::write(&next, says).unwrap();
        std::fs::rename(next, self.file()).unwrap();
    }

    /// `migr` by this clock.
    fn command(&self, stand_in: &StandIn, project: &Project, arguments: &[&str]) -> Command {
        let mut command = stand_in.command(project.path(), arguments);
        self.library.load(&mut command).env("MIGR_CLOCK", self.file());
        command
    }

    fn migr(&self, stand_in: &StandIn, project: &Project, arguments: &[&str]) -> Ran {
        Ran::from(self.command(stand_in, project, arguments).output().expect("migr starts"))
    }
}

const LIFE: &[Wanted] = &[
    (&["audit"], 1),
    (&["setup"], 0),
    RUN,
    RUN,
    (&["verify"], 0),
    (&["report"], 0),
    (&["report", "--format", "json"], 0),
    (&["report", "--format", "html"], 0),
    (&["status"], 0),
    (&["quarantine", "list"], 0),
    (&["journal"], 0),
    (&["journal", "--verify"], 0),
    (&["why", "P1"], 0),
];

#[test]
fn a_clock_that_jumps_changes_nothing_but_the_times_that_are_told() {
    let Some(clock) = Clock::new(JUMPS) else { return };
    let rest = Rest::after(&[]);
    let (calm, stand_in) = rest.wake();
    let fresh = stand_in.fingerprint();
    for (arguments, code) in LIFE {
        stand_in.migr(&calm, arguments).exits(*code);
    }
    let expected = Left::by(&calm, &stand_in);
    for every in [1, 7] {
        clock.says(&format!("x{every} {JUMPS}"));
        let jumps = format!("by a clock that jumps every {every} times that it is asked");
        let (project, stand_in) = rest.wake();
        let mut said = String::new();
        for (arguments, code) in LIFE {
            let ran = clock.migr(&stand_in, &project, arguments).exits(*code);
            said.extend([ran.stdout, ran.stderr]);
        }
        assert!(said.contains("\"1970-01-01T00:00:05"), "the clock did not jump: {said}");
        expected.is_same(&Left::by(&project, &stand_in), &jumps);
        clock.migr(&stand_in, &project, &["rollback", "--dry-run"]).exits(0);
        clock.migr(&stand_in, &project, &["rollback"]).exits(0);
        assert_eq!(stand_in.fingerprint(), fresh, "something stays behind {jumps}");
    }
}

#[test]
fn a_clock_that_jumps_gives_at_most_one_allowance_more_each_time() {
    let Some(clock) = Clock::new(RIGHT) else { return };
    let (project, stand_in) = (clinic(1), StandIn::new());
    with_settings(&project, "requests = 12 per 48h");
    for (says, requests) in [
        (RIGHT, 12),
        (RIGHT, 12),
        // Set forward it is believed, and set right again it is known how much was used.
        (TEN_YEARS_ON, 24),
        (TEN_YEARS_ON, 24),
        (RIGHT, 24),
        ("-86400", 24),
        (RIGHT, 24),
        ("=5", 24),
        // As from 1970, this is forward.
        (RIGHT, 36),
    ] {
        clock.says(says);
        let ran = clock.migr(&stand_in, &project, RUN.0);
        assert!(ran.code == 3 && ran.stderr.contains(" are used up until "), "{says}: {} {}", ran.code, ran.stderr);
        assert_eq!(stand_in.requests(), requests, "{says}");
    }
}

#[test]
fn to_wait_by_a_clock_that_was_ten_years_ahead_ends_once_it_is_set_right() {
    let Some(clock) = Clock::new(TEN_YEARS_ON) else { return };
    let (project, stand_in) = (clinic(1), StandIn::new());
    with_settings(&project, "requests = 40 per 20s");
    let begun = Instant::now();
    let mut child = clock.command(&stand_in, &project, &["run", "--no-approval", "--wait"]).spawn().unwrap();
    let mut news = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut waits = 0;
    while let Some(line) = news.find(|line| line.starts_with("waiting;")) {
        assert!(line.contains("Ctrl-C stops"), "{line}");
        waits += 1;
        let allowed = 40 * (1 + begun.elapsed().as_secs() / 20);
        assert!(stand_in.requests() <= allowed, "{} requests, where {allowed} were allowed", stand_in.requests());
        clock.says(RIGHT);
    }
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert!(waits > 1, "it did not look again");
    stand_in.migr(&project, &["verify"]).exits(0);
}
