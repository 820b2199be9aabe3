//! Given records of a test that are one: settled as a run settles them, by the policy for duplicates.

use migr_plan::{DuplicatePolicy, ReasonCode, Stage, TakenPolicy, UnidentifiedPolicy};

use crate::united::{is_empty, take_out, unite};
use crate::{Failure, Outcome, Trial, Value, normalise_match};

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
    /// Records for which no field of `match` has a value, where the map leaves such out.
    pub unidentified: Vec<usize>,
    /// Values that must be unique and that several records have.
    pub clashes: Vec<Clash>,
}

/// Value that one record alone may hold, and several have.
#[derive(Debug)]
pub struct Clash {
    /// Path of the field or of the part.
    pub path: String,
    /// The value, in the form in which values are compared.
    pub value: String,
    /// The record that holds it.
    pub holder: usize,
    /// Records that stay out for it; none where the value alone is left out.
    pub out: Vec<usize>,
    /// Policy of the field.
    pub policy: TakenPolicy,
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
    settle_unidentified(stage, trials, &kin.unidentified);
    for clash in &kin.clashes {
        let reason = format!("{} has the same value, which must be unique", named(trials, clash.holder));
        for out in &clash.out {
            let outcome = match clash.policy {
                TakenPolicy::Quarantine => aside(ReasonCode::Q302, clash.path.clone(), reason.clone()),
                TakenPolicy::Skip | TakenPolicy::None => Outcome::Skip { reason: reason.clone() },
            };
            set(trials, *out, outcome);
        }
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
    for clash in kin.clashes.iter().filter(|clash| clash.policy == TakenPolicy::None) {
        leave_out(stage, trials, kin, clash);
    }
    followed
}

/// Settles records for which no field of `match` has a value.
fn settle_unidentified(stage: &Stage, trials: &mut [Trial<'_>], unidentified: &[usize]) {
    let fields = stage.matching.as_ref().map_or(&[][..], |matching| &matching.fields);
    for at in unidentified {
        let outcome = match stage.policies.unidentified {
            UnidentifiedPolicy::Create => continue,
            UnidentifiedPolicy::Skip => {
                Outcome::Skip { reason: format!("it is not identified: {} is empty", fields.join(" and ")) }
            }
            UnidentifiedPolicy::Quarantine => {
                let reason = "there is no value, and nothing else identifies the record";
                let failure = |field: &String| Failure {
                    code: ReasonCode::Q203,
                    field: field.clone(),
                    reason: reason.to_owned(),
                };
                Outcome::Quarantine(fields.iter().map(failure).collect())
            }
        };
        set(trials, *at, outcome);
    }
}

/// Takes a value that must be unique out of every record but the one that holds it.
fn leave_out(stage: &Stage, trials: &mut [Trial<'_>], kin: &Kinships, clash: &Clash) {
    let field = clash.path.split('.').next().unwrap_or_default();
    let holds = |at: usize| {
        at == clash.holder
            || kin.families.iter().any(|family| family.first() == Some(&at) && family.contains(&clash.holder))
    };
    for (_, trial) in trials.iter_mut().enumerate().filter(|(at, _)| !holds(*at)) {
        let Outcome::Ready((fields, _)) = &mut trial.outcome else { continue };
        let has_it = fields.values.iter().any(|(index, value)| {
            let mapping = stage.fields.get(*index).filter(|mapping| mapping.field == field);
            mapping.and_then(|mapping| normalise_match(&mapping.ty, &clash.path, value)).as_ref() == Some(&clash.value)
        });
        if has_it {
            take_out(&stage.fields, &mut fields.values, &clash.path);
        }
    }
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
