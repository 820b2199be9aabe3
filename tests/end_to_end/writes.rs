//! The program is killed at every write of its journal: before it, and when half of its bytes are written. The same command again ends where the undisturbed
//! one ended.
//!
//! The suite takes every so many-th write; `MIGR_DRILL_EVERY=1` takes them all.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};

use crate::harness::Project;
use crate::killed::{DELTA, Left, Pair, RETRY, ROLLBACK, RUN, Rest, SETUP, VERIFY, Wanted, stride};
use crate::preload::Library;
use crate::stand_in::StandIn;
use crate::studio::told_by_a_person;

/// How much of the last write comes to the disk.
#[derive(Clone, Copy, Debug)]
enum Last {
    Nothing,
    Half,
}

struct Writes(Library);

impl Writes {
    fn new() -> Option<Self> {
        Library::of(include_str!("writes.c"), "no program was killed at a write of its journal").map(Self)
    }

    fn begin(&self, stand_in: &StandIn, project: &Project, arguments: &[&str]) -> Command {
        let mut command = stand_in.command(project.path(), arguments);
        self.0.load(&mut command).env("MIGR_WRITES", "/journal.db").stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs a command to its end; says how often it wrote.
    fn count(&self, stand_in: &StandIn, project: &Project, (arguments, code): Wanted) -> u64 {
        let counted = self.0.beside("count");
        let ended = self.begin(stand_in, project, arguments).env("MIGR_WRITES_COUNT", &counted).status();
        assert_eq!(ended.expect("migr starts").code(), Some(code), "{arguments:?} undisturbed");
        std::fs::read_to_string(counted).expect("a count").parse().expect("a number")
    }

    fn end_at(
        &self,
        (write, last): (u64, Last),
        stand_in: &StandIn,
        project: &Project,
        arguments: &[&str],
    ) -> ExitStatus {
        let mut command = self.begin(stand_in, project, arguments);
        command.env("MIGR_WRITES_END", write.to_string());
        if let Last::Half = last {
            command.env("MIGR_WRITES_TORN", "1");
        }
        command.status().expect("migr starts")
    }

    /// Kills a command at its writes; says at how many, of how many, and how many different numbers of entries it left.
    fn drill(&self, rest: &Rest, wanted: Wanted, every: usize) -> (u64, u64, usize) {
        let (arguments, code) = wanted;
        let (project, stand_in) = rest.wake();
        let all = self.count(&stand_in, &project, wanted);
        let expected = Left::by(&project, &stand_in);
        let (mut killed, mut left) = (0, BTreeSet::new());
        // Answers that come in another order make a write more or less.
        let points = (1..=all).flat_map(|write| [(write, Last::Nothing), (write, Last::Half)]);
        for point in points.step_by(every) {
            let (project, stand_in) = rest.wake();
            let ended = self.end_at(point, &stand_in, &project, arguments);
            let at = format!("at write {point:?} of {all} in {arguments:?}");
            if ended.signal() != Some(9) {
                assert_eq!(ended.code(), Some(code), "not killed {at}");
                continue;
            }
            left.insert(entries(&project));
            let ran = stand_in.migr(&project, arguments);
            assert_eq!(ran.code, code, "killed {at}, then again:\n{}{}", ran.stdout, ran.stderr);
            told_by_a_person(&project, &stand_in, wanted, &at);
            expected.is_same(&Left::by(&project, &stand_in), &at);
            killed += 1;
        }
        (killed, all, left.len())
    }
}

/// Entries that a journal holds on the disk; looked at in a copy, so that nothing is mended by looking.
fn entries(project: &Project) -> i64 {
    let there = project.path().join(".migr/staging");
    let looked = tempfile::tempdir().expect("a temporary folder");
    for file in ["journal.db", "journal.db-wal"] {
        if there.join(file).exists() {
            std::fs::copy(there.join(file), looked.path().join(file)).expect("a copy");
        }
    }
    let journal = rusqlite::Connection::open(looked.path().join("journal.db")).expect("a journal");
    journal.query_row("SELECT COALESCE(MAX(seq), 0) FROM entries", [], |row| row.get(0)).unwrap_or(0)
}

fn drill(rest: &Rest, command: Wanted, every: u64) {
    let Some(writes) = Writes::new() else { return };
    let (killed, all, left) = writes.drill(rest, command, stride(every));
    eprintln!(
        "{:?}: killed {killed} times at its {all} writes of the journal, with {left} different numbers of entries left",
        command.0
    );
}

#[test]
fn a_run_that_is_killed_at_any_write_of_its_journal_ends_as_one_that_nobody_disturbed() {
    for pair in Pair::ALL {
        drill(&Rest::of(pair, &[]), RUN, pair.writes());
    }
}

#[test]
fn setup_verify_and_rollback_that_are_killed_at_any_write_of_the_journal_can_be_run_again() {
    drill(&Rest::after(&[]), SETUP, 131);
    drill(&Rest::after(&[RUN]), VERIFY, 67);
    drill(&Rest::after(&[RUN]), ROLLBACK, 131);
}

#[test]
fn what_is_let_go_and_filled_in_can_be_killed_at_any_write_of_the_journal() {
    drill(&Rest::mended(), RETRY, 31);
    drill(&Rest::mended().then(&[RETRY]), RUN, 131);
}

#[test]
fn a_delta_that_is_killed_at_any_write_of_its_journal_ends_as_one_that_nobody_disturbed() {
    drill(&Rest::later(), DELTA, 331);
}
