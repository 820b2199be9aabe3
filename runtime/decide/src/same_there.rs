//! Records of the export that the destination has as one: each finds that record by a field of `match`, although no field of the export says that they are the same.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migr_plan::{DeletedPolicy, DuplicatePolicy, ExistingPolicy};
use migr_spill::{GivenWay, SortValue as Sort};

use crate::decision::{QuarantineReason, Subject};
use crate::existing::{self, Hit};
use crate::outcome_recorder::OutcomeRecorder;
use crate::prepass::{Classification, take_out};
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;
use crate::{DecideError, duplicates, given_way};

/// One record to be written: of one row, or of those that are written as one, the preferred one first.
#[derive(Debug)]
struct Written {
    members: Vec<Member>,
    /// Field of `match` by which the destination's record is found, by place.
    path: usize,
    /// Values of the fields of `match`, by place.
    values: Vec<(usize, String)>,
}

impl Written {
    /// True where both have a value of one field of `match`, and not the same one, that comes before the field by which one of the two is found: they are two,
    /// whatever weaker value the destination's record shares with both.
    fn is_another(&self, other: &Self) -> bool {
        let weakest = self.path.max(other.path);
        let differs = |(path, value): &(usize, String)| other.values.iter().any(|(of, own)| of == path && own != value);
        self.values.iter().filter(|(path, _)| *path < weakest).any(differs)
    }
}

/// A row of such a record.
#[derive(Debug)]
struct Member {
    line: u64,
    key: String,
    sort: Sort,
}

/// Settles the records that would be written into one record of the destination, as the map's policy for duplicates says of those that the export has twice.
pub(crate) fn join(
    job: &StageRun,
    world: &RecordLookup,
    look: &mut Classification,
    failures: &Arc<AtomicU64>,
) -> Result<(), DecideError> {
    // By one field alone such records are duplicates in the export.
    if job.identities.matching < 2 {
        return Ok(());
    }
    let mut aside = OutcomeRecorder::new(job, look.resumed, Arc::clone(failures));
    world.spill.together::<_, DecideError>(|| {
        world.spill.lines_by_match(job.identities.matching, |id, lines| {
            let mut written = found_as(job, world, look, (id, lines))?;
            if written.len() < 2 {
                return Ok(());
            }
            let policy = &job.stage.policies.duplicate;
            let first = |written: &Written| written.members.first().map(|first| (first.line, first.sort.clone()));
            written.sort_by(|a, b| match (first(a), first(b)) {
                (Some(a), Some(b)) => duplicates::prefer(policy, (a.0, &a.1), (b.0, &b.1)),
                _ => std::cmp::Ordering::Equal,
            });
            let mut written = written.into_iter();
            let Some(first) = written.next() else { return Ok(()) };
            let (apart, same): (Vec<Written>, Vec<Written>) = written.partition(|other| other.is_another(&first));
            if let Some(survivor) = first.members.first() {
                let apart = apart.into_iter().flat_map(|other| other.members);
                set_aside((job, world), look, &mut aside, (id, survivor, apart.collect()))?;
            }
            let others: Vec<Member> = same.into_iter().flat_map(|other| other.members).collect();
            if others.is_empty() {
                return Ok(());
            }
            settle((job, world), look, &mut aside, (id, first, others))
        })
    })?;
    aside.flush()
}

/// The records to be written that some lines belong to, as far as they are found as the record of an id, and are written into it.
fn found_as(
    job: &StageRun,
    world: &RecordLookup,
    look: &Classification,
    (id, lines): (&str, &[u64]),
) -> Result<Vec<Written>, DecideError> {
    let (spill, policies) = (&world.spill, &job.stage.policies);
    let mut written: Vec<Written> = Vec::new();
    for line in lines {
        let is_merging = look.merging.contains(*line);
        let is_known = written.iter().any(|one| one.members.iter().any(|member| member.line == *line));
        if is_known || (!is_merging && spill.winner_of(*line)?.is_some()) {
            continue;
        }
        let family = if is_merging { spill.family_of(*line)? } else { None };
        let lines: Vec<u64> = match family {
            Some((leader, _)) => spill.family(leader)?.into_iter().map(|(line, _)| line).collect(),
            None => vec![*line],
        };
        let mut members = Vec::with_capacity(lines.len());
        let mut values: Vec<(usize, String)> = Vec::new();
        for line in lines {
            let Some((key, sort)) = spill.record(line)? else { continue };
            let own = spill.identity_values(line, job.identities.matching)?;
            values.extend(
                own.into_iter().filter(|(path, _)| !values.iter().any(|(known, _)| known == path)).collect::<Vec<_>>(),
            );
            members.push(Member { line, key, sort });
        }
        values.sort();
        let Hit::Same { path, id: found, deleted } = existing::find(spill, &job.identities, &values)? else { continue };
        let is_written = if deleted {
            policies.deleted == DeletedPolicy::Restore
        } else {
            matches!(policies.existing, ExistingPolicy::Fill | ExistingPolicy::Update)
        };
        if found == id && is_written && !members.is_empty() {
            written.push(Written { members, path, values });
        }
    }
    Ok(written)
}

/// Rows that are quarantined, since the record of the destination is another one's.
fn set_aside(
    (job, world): (&StageRun, &RecordLookup),
    look: &mut Classification,
    aside: &mut OutcomeRecorder<'_>,
    (id, survivor, others): (&str, &Member, Vec<Member>),
) -> Result<(), DecideError> {
    for Member { line, key, .. } in others.into_iter().filter(|other| job.takes(other.line)) {
        let reason =
            QuarantineReason::SameThere { id: id.to_owned(), first: survivor.key.clone(), line: survivor.line };
        aside.quarantine(world, Subject { key: &key, source_key: &key, line }, &reason)?;
        take_out(world, look, line)?;
    }
    Ok(())
}

/// The first record is written into the one of the destination, or all of them as one.
fn settle(
    (job, world): (&StageRun, &RecordLookup),
    look: &mut Classification,
    aside: &mut OutcomeRecorder<'_>,
    (id, first, others): (&str, Written, Vec<Member>),
) -> Result<(), DecideError> {
    let (policy, spill) = (&job.stage.policies.duplicate, &world.spill);
    let Some(survivor) = first.members.first() else { return Ok(()) };
    if *policy == DuplicatePolicy::Quarantine {
        return set_aside((job, world), look, aside, (id, survivor, others));
    }
    if !job.merges() {
        for Member { line, key, .. } in others {
            spill.follow_instead(&key, &survivor.key)?;
            spill.add_loser(line, &key, &survivor.key)?;
            look.pending.remove(line);
            if !look.resumed || world.reader.id_of(job.step, &key)?.is_none() {
                let row = GivenWay { line, key, kept: survivor.line, is_double: false };
                given_way::remember(world, &mut look.rivals, &row)?;
            }
        }
        return Ok(());
    }
    let mut members: Vec<Member> = first.members.into_iter().chain(others).collect();
    for member in &members {
        if let Some((leader, _)) = spill.family_of(member.line)? {
            spill.forget_family(leader)?;
        }
    }
    members.sort_by(|a, b| duplicates::prefer(policy, (a.line, &a.sort), (b.line, &b.sort)));
    let members: Vec<(u64, String)> = members.into_iter().map(|member| (member.line, member.key)).collect();
    let Some(((_, survivor), followers)) = members.split_first() else { return Ok(()) };
    for (line, key) in followers {
        spill.add_loser(*line, key, survivor)?;
    }
    for (line, _) in members.iter().filter(|(line, _)| job.takes(*line)) {
        look.merging.insert(*line);
    }
    Ok(spill.add_family(&members)?)
}
