//! Given records of a test that are one: settled as a run settles them, by the policy for duplicates.

use migr_plan::{DuplicatePolicy, ReasonCode, Stage};

use crate::united::{is_empty, unite};
use crate::{Failure, Outcome, Trial, Value};

/// Given record of a stage, as far as it may be one with others.
#[derive(Debug)]
pub struct Sibling<'s> {
    /// Source key of the record, where it has one.
    pub key: Option<&'s str>,
    /// The values that are written; none where it is not.
    pub values: Option<&'s [(usize, Value<'s>)]>,
    /// Value that the policy for duplicates sorts it by.
    pub by: Option<Value<'static>>,
}

/// Records of a stage that are one, by their positions.
#[derive(Debug, Default)]
pub struct Kinships {
    /// Records whose key another one has, each with the one that counts.
    pub doubles: Vec<(usize, usize)>,
    /// Records that are one by `match`, the preferred one first.
    pub families: Vec<Vec<usize>>,
    /// Records of which it is not clear with which others they are one.
    pub unclear: Vec<usize>,
}

/// Settles the trials of a stage; gives the keys of records that another stands for, each with the other's.
pub(crate) fn settle(stage: &Stage, trials: &mut [Trial<'_>], kin: &Kinships) -> Vec<(String, String)> {
    let policy = &stage.policies.duplicate;
    let mut followed = Vec::new();
    for (double, kept) in &kin.doubles {
        let reason = format!("{} has the same key", named(trials, *kept));
        let outcome = match policy {
            DuplicatePolicy::Quarantine | DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. } => {
                aside(ReasonCode::Q301, String::new(), reason)
            }
            _ => Outcome::Skip { reason },
        };
        set(trials, *double, outcome);
    }
    for unclear in &kin.unclear {
        let reason = "it could be one of several given records".to_owned();
        set(trials, *unclear, aside(ReasonCode::Q305, matched(stage), reason));
    }
    for family in &kin.families {
        let Some((first, others)) = family.split_first() else { continue };
        for other in others {
            let name = named(trials, *first);
            let outcome = match policy {
                DuplicatePolicy::Quarantine => {
                    let reason = format!("{name} has the same {}", matched(stage));
                    set(trials, *other, aside(ReasonCode::Q301, matched(stage), reason));
                    continue;
                }
                policy if policy.merges() => Outcome::Skip { reason: format!("it is merged into {name}") },
                _ => Outcome::Skip { reason: format!("it gives way to {name}") },
            };
            if let (Some(follower), Some(leader)) = (key(trials, *other), key(trials, *first)) {
                followed.push((follower, leader));
            }
            let taken = trials.get_mut(*other).map(|trial| std::mem::replace(&mut trial.outcome, outcome));
            if let (true, Some(Outcome::Ready((lost, _)))) = (policy.merges(), taken)
                && let Some(Outcome::Ready((whole, _))) = trials.get_mut(*first).map(|trial| &mut trial.outcome)
            {
                for (index, value) in lost.values {
                    match whole.values.iter_mut().find(|(known, _)| *known == index) {
                        Some((_, slot)) => unite(slot, value),
                        None if is_empty(&value) => {}
                        None => whole.values.push((index, value)),
                    }
                }
                whole.values.sort_by_key(|(index, _)| *index);
            }
        }
    }
    followed
}

fn aside<T>(code: ReasonCode, field: String, reason: String) -> Outcome<T> {
    Outcome::Quarantine(vec![Failure { code, field, reason }])
}

/// Fields by which the records of a stage are one.
fn matched(stage: &Stage) -> String {
    let Some(matching) = &stage.matching else { return String::new() };
    matching.fields.join(if matching.all { " and " } else { " or " })
}

fn set<'t>(trials: &mut [Trial<'t>], at: usize, outcome: Outcome<(crate::Evaluated<'t>, crate::Linked<'t>)>) {
    if let Some(trial) = trials.get_mut(at) {
        trial.outcome = outcome;
    }
}

fn key(trials: &[Trial<'_>], at: usize) -> Option<String> {
    trials.get(at)?.key.as_ref().ok().cloned()
}

fn named(trials: &[Trial<'_>], at: usize) -> String {
    let object = trials.get(at).map_or("", |trial| trial.program.stage().source_object.as_str());
    format!("{object} {}", key(trials, at).unwrap_or_default())
}
