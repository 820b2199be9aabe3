//! A destination that fails: answers that are lost, late, cut, no JSON, or say that what was done was refused; a day's requests that are used up.
//!
//! `MIGR_DRILL_SEEDS=40` draws so many orders of faults instead of a few.

use migr_sandbox::{Faults, highlevel};

use crate::harness::number;
use crate::killed::{Left, Pair, RUN, Rest};
use crate::stand_in::StandIn;
use crate::studio::{lagging, told_by_a_person};

/// Runs that it may take to come through: a read that fails again and again ends one.
const RUNS: usize = 8;

#[test]
fn whatever_a_destination_fails_at_each_record_is_there_once() {
    let seeds = number("MIGR_DRILL_SEEDS", 3);
    for pair in Pair::ALL {
        let rest = Rest::of(pair, &[]);
        let honest = {
            let (project, stand_in) = rest.wake();
            stand_in.migr(&project, RUN.0).exits(RUN.1);
            Left::by(&project, &stand_in)
        };
        let mut told = 0;
        for seed in 0..seeds {
            let project = rest.asleep();
            let faults = Faults {
                percent_500: 5.0,
                percent_reset_before: 2.0,
                percent_reset_after: 4.0,
                percent_429: 2.0,
                percent_bad_json: 2.0,
                percent_half: 3.0,
                percent_contradiction: 6.0,
                seed,
                ..Faults::default()
            };
            let state = Some(project.path().join("workspace.db"));
            let stand_in = pair.stand_in(state.clone(), faults);
            let mut last = stand_in.migr(&project, RUN.0);
            for _ in 1..RUNS {
                if last.code == RUN.1 {
                    break;
                }
                last = stand_in.migr(&project, RUN.0);
            }
            let disturbed = format!("{pair:?}, faults of seed {seed}");
            assert_eq!(last.code, RUN.1, "{disturbed}\n{}{}", last.stdout, last.stderr);
            stand_in.stop();
            let stand_in = pair.stand_in(state, Faults::default());
            told += told_by_a_person(&project, &stand_in, RUN, &disturbed);
            honest.is_same(&Left::by(&project, &stand_in), &disturbed);
        }
        eprintln!("{seeds} runs of {pair:?}: lost 0, doubled 0; {told} records for a person to tell of");
    }
}

#[test]
fn where_a_days_requests_are_used_up_a_run_says_when_it_can_go_on_and_goes_on_then() {
    let rest = Rest::of(Pair::Studio, &[]);
    let honest = {
        let (project, stand_in) = rest.wake();
        stand_in.migr(&project, RUN.0).exits(RUN.1);
        Left::by(&project, &stand_in)
    };
    // Wherever it stops: what was refused for the day is known not to be there, and nobody is asked about it.
    let mut stops = 0;
    for daily in (16..).step_by(2) {
        let project = rest.asleep();
        let state = Some(project.path().join("workspace.db"));
        let stand_in = StandIn::location(highlevel::Options { daily: Some(daily), ..lagging(state.clone()) });
        let ran = stand_in.migr(&project, RUN.0);
        if ran.code == RUN.1 {
            break;
        }
        let ran = ran.exits(3);
        assert!(ran.stderr.contains("are used up until"), "{}", ran.stderr);
        stand_in.stop();
        let stand_in = StandIn::location(lagging(state));
        stand_in.migr(&project, RUN.0).exits(RUN.1);
        let stopped = format!("stopped for a day after {daily} requests");
        assert_eq!(told_by_a_person(&project, &stand_in, RUN, &stopped), 0, "{stopped}");
        honest.is_same(&Left::by(&project, &stand_in), &stopped);
        stops += 1;
    }
    assert!(stops > 8, "{stops}");
}
