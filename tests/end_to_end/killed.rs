//! The program is killed before and after every request of a small migration that does everything. The same command
//! again ends where the undisturbed one ended.
//!
//! The suite takes every so many-th point; `MIGR_DRILL_EVERY=1` takes them all.
#![cfg(unix)]

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use migr_sandbox::{Faults, Wanted as Settings};
use serde_json::Value;

use crate::clinic::{clinic, others};
use crate::delta::{full_drill, later_clinic, moves_on, with_window};
use crate::filled::{lenient, mend};
use crate::harness::{Project, number};
use crate::stand_in::StandIn;
use crate::studio::{LAG, studio, told_by_a_person};
use crate::wire::{Act, Asked, Wire};

/// A command and the code that it ends with.
pub(crate) type Wanted = (&'static [&'static str], i32);

pub(crate) const SETUP: Wanted = (&["setup"], 0);
pub(crate) const RUN: Wanted = (&["run", "--no-approval"], 5);
pub(crate) const VERIFY: Wanted = (&["verify"], 0);
pub(crate) const AUDIT: Wanted = (&["audit"], 1);
pub(crate) const RETRY: Wanted = (&["quarantine", "retry"], 0);
pub(crate) const DELTA: Wanted = (&["delta"], 5);
pub(crate) const ROLLBACK: Wanted = (&["rollback"], 0);

/// Migration that a drill is of: one for each connector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pair {
    /// To Twenty.
    Clinic,
    /// To HighLevel.
    Studio,
}

/// Facts that the drills must know of a pair.
struct Row {
    /// Name of the connector.
    system: &'static str,
    project: fn() -> Project,
    /// Lists of the destination lag; setup is done before a drill begins.
    lags: bool,
    /// Every so many-th request, and write of the journal, at which it is killed.
    requests: u64,
    writes: u64,
}

impl Pair {
    /// Pairs of which every drill is asked: a connector keeps what all of them keep.
    pub(crate) const ALL: [Self; 2] = [Self::Clinic, Self::Studio];

    /// A third connector is one more line here, and its name in [`Self::ALL`].
    fn row(self) -> Row {
        match self {
            Self::Clinic => Row { system: "twenty", project: || clinic(2), lags: false, requests: 29, writes: 97 },
            Self::Studio => Row { system: "highlevel", project: studio, lags: true, requests: 43, writes: 151 },
        }
    }

    /// A stand-in of the pair's destination with its state in a file, that fails so.
    pub(crate) fn stand_in(self, state: Option<PathBuf>, faults: Faults) -> StandIn {
        let Row { system, lags, .. } = self.row();
        StandIn::of(system, Settings { state, faults, lag: lags.then_some(LAG), ..Settings::default() })
    }

    /// Every so many-th point of a drill, so that each pair's takes about as long.
    fn stride(self) -> usize {
        stride(self.row().requests)
    }

    /// The same of the writes of the journal.
    pub(crate) fn writes(self) -> u64 {
        self.row().writes
    }
}

/// A project and its workspace at rest: where each try begins.
pub(crate) struct Rest {
    project: Project,
    pair: Pair,
}

impl Rest {
    /// After some commands that nothing disturbed.
    pub(crate) fn after(commands: &[Wanted]) -> Self {
        Self::of(Pair::Clinic, commands)
    }

    /// The same of a pair. Where the server chooses ids, setup is done already.
    pub(crate) fn of(pair: Pair, commands: &[Wanted]) -> Self {
        let Row { project, lags, .. } = pair.row();
        let rest = Self { project: project(), pair };
        if pair == Pair::Clinic {
            rest.prepare();
        }
        let setup: &[Wanted] = if lags { &[SETUP] } else { &[] };
        rest.then(&[setup, commands].concat())
    }

    /// After a run that quarantined records and left empty what refers to them, with the export mended since.
    pub(crate) fn mended() -> Self {
        let rest = Self { project: lenient(), pair: Pair::Clinic };
        rest.prepare();
        let rest = rest.then(&[RUN]);
        mend(&rest.project);
        rest
    }

    /// After a run, with a later export that has something of everything; `MIGR_DELTA_DRILL=1` takes the one of a thousand records.
    pub(crate) fn later() -> Self {
        if let Some(project) = full_drill() {
            let rest = Self { project, pair: Pair::Clinic }.then(&[RUN]);
            let stand_in = on_disk(&rest.project, rest.pair);
            moves_on(&rest.project, &stand_in);
            stand_in.stop();
            return rest;
        }
        let rest = Self { project: clinic(2), pair: Pair::Clinic };
        with_window(&rest.project, "on vanished delete");
        rest.prepare();
        let rest = rest.then(&[RUN]);
        later_clinic(&rest.project);
        rest
    }

    fn prepare(&self) {
        let stand_in = on_disk(&self.project, self.pair);
        others(&stand_in);
        stand_in.stop();
    }

    /// After some more commands.
    pub(crate) fn then(self, commands: &[Wanted]) -> Self {
        let stand_in = on_disk(&self.project, self.pair);
        for (arguments, code) in commands {
            stand_in.migr(&self.project, arguments).exits(*code);
        }
        if self.pair.row().lags {
            // At rest the lists tell of everything: an audit counts what they tell.
            std::thread::sleep(LAG);
        }
        stand_in.stop();
        self
    }

    pub(crate) fn wake(&self) -> (Project, StandIn) {
        let project = Project::copy_of(self.project.path(), None);
        let stand_in = on_disk(&project, self.pair);
        (project, stand_in)
    }

    /// The project alone; its workspace is started by whoever asks.
    pub(crate) fn asleep(&self) -> Project {
        Project::copy_of(self.project.path(), None)
    }
}

fn on_disk(project: &Project, pair: Pair) -> StandIn {
    let state = Some(project.path().join("workspace.db"));
    pair.stand_in(state, Faults::default())
}

/// What a command left behind: in the workspace, in the report, in the lock file.
#[derive(PartialEq)]
pub(crate) struct Left {
    fingerprint: String,
    report: Option<Value>,
    lock: Option<String>,
}

impl Left {
    pub(crate) fn by(project: &Project, stand_in: &StandIn) -> Self {
        let folder = project.path();
        let report = folder.join(".migr/staging/journal.db").exists().then(|| {
            let mut report = project.report();
            // When it was and how often it was begun differ.
            report.as_object_mut().expect("an object").retain(|part, _| !["runs", "plans"].contains(&part.as_str()));
            report
        });
        let lock = std::fs::read_to_string(folder.join("migr.staging.lock")).ok();
        Self { fingerprint: stand_in.contents(), report, lock }
    }

    /// Differences of another, in words.
    pub(crate) fn differs(&self, other: &Self) -> Option<String> {
        if self.fingerprint != other.fingerprint {
            return Some("the workspace is another".to_owned());
        }
        if let (Some(Value::Object(report)), Some(Value::Object(other))) = (&self.report, &other.report)
            && let Some((part, value)) = report.iter().find(|(part, value)| other.get(*part) != Some(value))
        {
            return Some(format!("the report's `{part}` is another:\n{value:#}\n{:#}", other[part]));
        }
        self.differs_elsewhere(other)
    }

    /// A difference outside of workspace and report.
    fn differs_elsewhere(&self, other: &Self) -> Option<String> {
        if self.report.is_some() != other.report.is_some() {
            return Some("only one of the two has a journal".to_owned());
        }
        let lines = |lock: &Option<String>| lock.clone().unwrap_or_default();
        let (ours, theirs) = (lines(&self.lock), lines(&other.lock));
        let line = ours.lines().zip(theirs.lines()).find(|(line, other)| line != other);
        (self.lock != other.lock).then(|| format!("the lock file is another, first where it differs: {line:?}"))
    }

    /// Records of which nobody can tell whether they are there: the names of their maps, and their keys.
    pub(crate) fn uncertain(&self) -> Vec<(String, String)> {
        let notes = self.report.iter().flat_map(|report| report["quarantine"].as_array().into_iter().flatten());
        let is_uncertain = |note: &&Value| {
            note["reason"].as_str().is_some_and(|reason| reason.contains("it may be in the destination or not"))
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        notes.filter(is_uncertain).map(|note| (text(&note["map"]), text(&note["key"]))).collect()
    }

    #[track_caller]
    pub(crate) fn is_same(&self, other: &Self, disturbed: &str) {
        assert!(self.fingerprint == other.fingerprint, "{disturbed}: the workspace is another");
        if let (Some(Value::Object(report)), Some(Value::Object(other))) = (&self.report, &other.report) {
            for (part, value) in report {
                assert!(
                    other.get(part) == Some(value),
                    "{disturbed}: the report's `{part}` is another:\n{value:#}\n{:#}",
                    other[part]
                );
            }
        }
        if let Some(difference) = self.differs_elsewhere(other) {
            panic!("{disturbed}: {difference}");
        }
    }
}

/// Starts a command over a line.
fn begin(stand_in: &StandIn, wire: &Wire, project: &Project, arguments: &[&str]) -> Child {
    stand_in
        .command_over(&wire.url(), project.path(), arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("migr starts")
}

/// Where a program is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Before(u64),
    After(u64),
}

impl At {
    fn moment(self, asked: &Asked<'_>) -> Option<Moment> {
        match self {
            Self::Before(number) => (number == asked.number).then_some(Moment::Before),
            Self::After(number) => (number == asked.number).then_some(Moment::After),
        }
    }
}

/// When at a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// It never arrives.
    Before,
    /// It is carried out.
    After,
}

/// Kills a command at a request. Gives whether it came so far.
pub(crate) fn kill_at(
    at: impl Fn(&Asked<'_>) -> Option<Moment> + Send + Sync + 'static,
    stand_in: &StandIn,
    project: &Project,
    arguments: &[&str],
) -> bool {
    let victim: Arc<Mutex<Option<Child>>> = Arc::default();
    let killed = Arc::clone(&victim);
    let wire = Wire::to(&stand_in.url(), move |asked| {
        let killed = Arc::clone(&killed);
        let kill = move || {
            if let Some(child) = killed.lock().expect("the child").as_mut() {
                child.kill().expect("it is killed");
            }
        };
        match at(asked) {
            Some(Moment::Before) => {
                kill();
                Act::CutBefore
            }
            Some(Moment::After) => Act::Then(Box::new(kill)),
            None => Act::Pass,
        }
    });
    // Nobody kills it before it can be waited for.
    let child = {
        let mut victim = victim.lock().expect("the child");
        victim.insert(begin(stand_in, &wire, project, arguments)).id()
    };
    loop {
        let status = victim.lock().expect("the child").as_mut().expect("it was started").try_wait();
        if let Some(status) = status.unwrap_or_else(|error| panic!("process {child}: {error}")) {
            return status.signal() == Some(9);
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Kills a command right after the first of its requests that begins so was carried out. Gives whether it came so far.
pub(crate) fn kill_behind(start: &'static str, stand_in: &StandIn, project: &Project, arguments: &[&str]) -> bool {
    let is_it = move |asked: &Asked<'_>| format!("{} {}", asked.method, asked.path).starts_with(start);
    kill_at(move |asked| is_it(asked).then_some(Moment::After), stand_in, project, arguments)
}

/// Every so many-th request, from where the seed says.
pub(crate) fn stride(otherwise: u64) -> usize {
    usize::try_from(number("MIGR_DRILL_EVERY", otherwise).max(1)).expect("a small number")
}

/// Kills a command before and after its requests; says at how many points, and how many records a person had to tell of.
fn around_requests(rest: &Rest, (arguments, code): Wanted, every: usize) -> (usize, usize) {
    let (project, stand_in) = rest.wake();
    let wire = Wire::to(&stand_in.url(), |_| Act::Pass);
    let status = begin(&stand_in, &wire, &project, arguments).wait().expect("it ends");
    assert_eq!(status.code(), Some(code), "{arguments:?} undisturbed");
    let requests = wire.asked();
    let expected = Left::by(&project, &stand_in);
    let points = (0..requests).flat_map(|number| [At::Before(number), At::After(number)]);
    let (mut killed, mut told) = (0, 0);
    for at in points.step_by(every) {
        let (project, stand_in) = rest.wake();
        if !kill_at(move |asked| at.moment(asked), &stand_in, &project, arguments) {
            // Answers that come in another order save a request now and then.
            assert!(
                matches!(at, At::Before(number) | At::After(number) if number + 3 > requests),
                "{at:?} of {requests}"
            );
            continue;
        }
        let ran = stand_in.migr(&project, arguments);
        let disturbed = format!("killed {at:?} of {requests} requests of {arguments:?}");
        assert_eq!(ran.code, code, "{disturbed}, then again:\n{}{}", ran.stdout, ran.stderr);
        told += told_by_a_person(&project, &stand_in, (arguments, code), &disturbed);
        expected.is_same(&Left::by(&project, &stand_in), &disturbed);
        killed += 1;
    }
    (killed, told)
}

#[test]
fn a_run_that_is_killed_before_or_after_any_request_ends_as_one_that_nobody_disturbed() {
    for pair in Pair::ALL {
        let (points, told) = around_requests(&Rest::of(pair, &[]), RUN, pair.stride());
        eprintln!(
            "run of {pair:?}: killed at {points} points: lost 0, doubled 0; {told} records for a person to tell of"
        );
    }
}

#[test]
fn a_run_that_is_killed_when_a_record_with_a_file_is_written_still_tells_that_the_file_was_sent() {
    let rest = Rest::after(&[]);
    let (project, stand_in) = rest.wake();
    stand_in.migr(&project, RUN.0).exits(RUN.1);
    let expected = Left::by(&project, &stand_in);
    for moment in [Moment::Before, Moment::After] {
        let (project, stand_in) = rest.wake();
        let is_it = move |asked: &Asked<'_>| asked.path.starts_with("/rest/batch/attachments").then_some(moment);
        assert!(kill_at(is_it, &stand_in, &project, RUN.0));
        assert_eq!(project.report()["files"]["sent"], 0, "nobody knows whether the record is there");
        stand_in.migr(&project, RUN.0).exits(RUN.1);
        expected.is_same(&Left::by(&project, &stand_in), &format!("{moment:?} the attachments are written"));
    }
}

#[test]
fn setup_audit_verify_and_rollback_that_are_killed_can_be_run_again() {
    for pair in Pair::ALL {
        for (before, command) in [([].as_slice(), SETUP), (&[RUN], AUDIT), (&[RUN], VERIFY), (&[RUN], ROLLBACK)] {
            let (points, _) = around_requests(&Rest::of(pair, before), command, pair.stride());
            eprintln!("{:?} of {pair:?}: killed at {points} points around its requests", command.0);
        }
    }
}

#[test]
fn a_run_that_fills_in_what_was_left_empty_can_be_killed_too() {
    let (points, _) = around_requests(&Rest::mended().then(&[RETRY]), RUN, stride(19));
    eprintln!("run after quarantine retry: killed at {points} points around its requests");
}

#[test]
fn a_delta_that_is_killed_before_or_after_any_request_ends_as_one_that_nobody_disturbed() {
    let (points, _) = around_requests(&Rest::later(), DELTA, stride(31));
    eprintln!("delta: killed at {points} points around its requests: lost 0, doubled 0");
}

#[test]
fn a_rollback_names_what_a_run_that_was_killed_may_have_made_and_nothing_tells() {
    for (moment, left) in [(Moment::Before, 0), (Moment::After, 1)] {
        let (project, stand_in) = Rest::of(Pair::Studio, &[]).wake();
        let makes = |asked: &Asked<'_>| asked.method == "POST" && asked.path.starts_with("/businesses");
        let is_it = move |asked: &Asked<'_>| makes(asked).then_some(moment);
        assert!(kill_at(is_it, &stand_in, &project, RUN.0));
        // A business holds no id of ours: whether it is there only somebody who looks can say.
        let ran = stand_in.migr(&project, &["rollback"]).exits(6);
        assert!(ran.stdout.contains("businesses: one may be there, made of"), "{}", ran.stdout);
        assert!(ran.stdout.contains("look for it in the destination"), "{}", ran.stdout);
        let state = rusqlite::Connection::open(project.path().join("workspace.db")).expect("the location's state");
        let businesses: i64 = state
            .query_row("SELECT count(*) FROM records WHERE object = 'business'", [], |row| row.get(0))
            .expect("a count");
        assert!(businesses >= left, "{moment:?}: {businesses} businesses are there");
    }
}
