//! Makes a case that differs small: whatever can be left out without the difference going away is left out.

use migr_source::MemorySystem;

use crate::case::{Case, Moment};
use crate::compare::Difference;

/// The smaller cases next to one, the largest steps first.
fn smaller(case: &Case) -> Vec<Case> {
    let mut found = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut other = case.clone();
        change(&mut other);
        found.push(other);
    };
    for at in 0..case.maps.len() {
        with(&|case| {
            case.maps.remove(at);
            // An object without a map is no part of the migration.
            let maps = case.maps.clone();
            case.tables.retain(|table| table.object == "User" || maps.iter().any(|map| map.object == table.object));
        });
    }
    if case.table("User").is_some() {
        with(&|case| case.tables.retain(|table| table.object != "User"));
    }
    for moment in [Moment::BeforeSetup, Moment::AfterSetup, Moment::AfterKill(0), Moment::AfterKill(1)] {
        if rank(moment) < rank(case.moment) {
            with(&|case| case.moment = moment);
        }
    }
    if case.batch != 60 {
        with(&|case| case.batch = 60);
    }
    if !case.held.is_empty() {
        with(&|case| case.held.clear());
    }
    for at in 0..case.held.len() {
        with(&|case| {
            case.held.remove(at);
        });
    }
    for at in 0..case.requires.len() {
        with(&|case| {
            case.requires.remove(at);
        });
    }
    for table in 0..case.tables.len() {
        if case.tables[table].skips {
            with(&|case| case.tables[table].skips = false);
        }
        for row in 0..case.tables[table].rows.len() {
            with(&|case| {
                case.tables[table].rows.remove(row);
            });
        }
    }
    for map in 0..case.maps.len() {
        for rule in 0..case.maps[map].rules.len() {
            with(&|case| {
                case.maps[map].rules.remove(rule);
            });
        }
        for entry in 0..case.maps[map].entries.len() {
            with(&|case| {
                case.maps[map].entries.remove(entry);
            });
        }
    }
    for at in 0..case.otherwise.len() {
        if case.otherwise[at].1 != "quarantine" {
            with(&|case| case.otherwise[at].1 = "quarantine");
        }
    }
    for table in 0..case.tables.len() {
        for row in 0..case.tables[table].rows.len() {
            for cell in 1..case.tables[table].rows[row].len() {
                if !case.tables[table].rows[row][cell].is_empty() {
                    with(&|case| case.tables[table].rows[row][cell].clear());
                }
            }
        }
    }
    for at in 0..case.held.len() {
        if case.held[at].trashed {
            with(&|case| case.held[at].trashed = false);
        }
        for key in case.held[at].body.as_object().unwrap().keys() {
            with(&|case| {
                case.held[at].body.as_object_mut().unwrap().remove(key);
            });
        }
    }
    found
}

fn rank(moment: Moment) -> usize {
    match moment {
        Moment::BeforeSetup => 0,
        Moment::AfterSetup => 1,
        Moment::AfterKill(writes) => 3 + writes,
        Moment::AfterRun => 2,
    }
}

/// Whether a case is a migration at all: what is left out may be needed.
fn compiles(case: &Case) -> bool {
    let system = MemorySystem::default().with("migration.migr", case.spec());
    let project = migr_driver::Project { system: &system, entry: None, destination: None, lock: None };
    migr_driver::compile(&project).plan.is_some()
}

/// The smallest case found in which something still differs in one way.
pub(crate) fn shrink(
    case: &Case,
    differences: Vec<Difference>,
    sign: &str,
    differ: &dyn Fn(&Case) -> Vec<Difference>,
) -> (Case, Vec<Difference>) {
    let (mut best, mut known) = (case.clone(), differences);
    let mut tries = 0;
    'smaller: loop {
        for other in smaller(&best) {
            if tries > 400 {
                break 'smaller;
            }
            if !compiles(&other) {
                continue;
            }
            tries += 1;
            let differences = differ(&other);
            if differences.iter().any(|one| one.sign() == sign) {
                (best, known) = (other, differences);
                continue 'smaller;
            }
        }
        break;
    }
    (best, known)
}
