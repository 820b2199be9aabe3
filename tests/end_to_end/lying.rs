//! Every command before a destination that lies, once and always. What it did is counted from the sandbox itself: whoever says that all is well has told the
//! truth, and whoever does not has broken nothing that the same command does not mend before an honest destination.
//!
//! The suite takes every so many-th of them; `MIGR_LIES_EVERY=1` takes them all, `MIGR_LIES_ONLY` those whose name holds a text.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::harness::{Ran, number};
use crate::killed::{AUDIT, Left, ROLLBACK, RUN, Rest, SETUP, VERIFY, Wanted};
use crate::lies::{LIES, Lie};
use crate::wire::{Act, Wire};

/// Number of times that a lie is told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Once,
    Twice,
    Always,
}

impl Told {
    fn most(self) -> u64 {
        match self {
            Self::Once => 1,
            Self::Twice => 2,
            Self::Always => u64::MAX,
        }
    }
}

/// A command, where it begins, and what it leaves behind before a destination that tells the truth.
struct Stage {
    rest: Rest,
    command: Wanted,
    honest: Left,
}

impl Stage {
    fn new(rest: Rest, command: Wanted) -> Self {
        let (project, stand_in) = rest.wake();
        stand_in.migr(&project, command.0).exits(command.1);
        let honest = Left::by(&project, &stand_in);
        Self { rest, command, honest }
    }

    /// Fault that is found after a lie; none where the lie was never asked for, or all is well.
    fn wrong(&self, lie: Lie, often: Told) -> Option<Result<i32, String>> {
        let (arguments, code) = self.command;
        let (project, stand_in) = self.rest.wake();
        let told = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&told);
        let wire = Wire::to(&stand_in.url(), move |asked| {
            if (lie.about)(asked) && counter.fetch_add(1, Ordering::Relaxed) < often.most() {
                (lie.act)(asked)
            } else {
                Act::Pass
            }
        });
        let output = stand_in.command_over(&wire.url(), project.path(), arguments).output().expect("migr starts");
        let ran = Ran::from(output);
        if told.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let said = format!("exit {}\n{}{}", ran.code, ran.stdout, ran.stderr);
        if ran.code == code {
            let differs = self.honest.differs(&Left::by(&project, &stand_in));
            return Some(
                differs.map_or(Ok(ran.code), |what| Err(format!("it says that it is done, and {what}\n{said}"))),
            );
        }
        if ran.code == 0 {
            return Some(Err(format!("it ends as if all were well\n{said}")));
        }
        if ran.stderr.contains("panicked") {
            return Some(Err(said));
        }
        let again = stand_in.migr(&project, arguments);
        if again.code != code {
            return Some(Err(format!(
                "before an honest destination it exits {} then\n{}{}\nafter {said}",
                again.code, again.stdout, again.stderr
            )));
        }
        let differs = self.honest.differs(&Left::by(&project, &stand_in));
        Some(
            differs.map_or(Ok(ran.code), |what| Err(format!("before an honest destination {what} then\nafter {said}"))),
        )
    }
}

#[test]
fn whatever_lie_is_told_nothing_is_lost_doubled_or_left_behind_and_nothing_is_said_that_is_not_so() {
    let stages = [
        Stage::new(Rest::after(&[]), AUDIT),
        Stage::new(Rest::after(&[]), SETUP),
        Stage::new(Rest::after(&[]), RUN),
        Stage::new(Rest::after(&[RUN]), VERIFY),
        Stage::new(Rest::after(&[RUN]), ROLLBACK),
    ];
    let every = usize::try_from(number("MIGR_LIES_EVERY", 13).max(1)).expect("a small number");
    let only = std::env::var("MIGR_LIES_ONLY").unwrap_or_default();
    let tries: Vec<(&Stage, Lie, Told)> = LIES
        .iter()
        .filter(|lie| lie.name.contains(&only))
        .flat_map(|lie| stages.iter().map(move |stage| (stage, *lie)))
        .flat_map(|(stage, lie)| [Told::Once, Told::Twice, Told::Always].map(|told| (stage, lie, told)))
        .step_by(every)
        .collect();
    let (next, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong: Mutex<Vec<String>> = Mutex::default();
    let exits: Mutex<BTreeMap<i32, u64>> = Mutex::default();
    // Most of the time goes by with waiting.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some((stage, lie, often)) = tries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(did) = stage.wrong(*lie, *often) else { continue };
                    told.fetch_add(1, Ordering::Relaxed);
                    match did {
                        Ok(code) => *exits.lock().expect("exits").entry(code).or_default() += 1,
                        Err(what) => {
                            let place = format!("{:?}, {}, {often:?}", stage.command.0, lie.name);
                            wrong.lock().expect("a list").push(format!("== {place}: {what}"));
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("a list");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), told.load(Ordering::Relaxed), wrong.join("\n"));
    eprintln!(
        "{} commands before a destination that lies: lost 0, doubled 0, left behind 0, foreign records touched 0; exits {:?}",
        told.into_inner(),
        exits.into_inner().expect("exits")
    );
}
