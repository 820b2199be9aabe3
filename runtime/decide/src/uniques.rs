//! Values that one record alone may hold: which of the records that would be written with one bears it, and what becomes of the others.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migr_plan::{DeletedPolicy, ExistingPolicy, TakenPolicy};
use migr_spill::SortValue as Sort;

use crate::decision::{QuarantineReason, SkipReason, Subject};
use crate::existing::{self, Hit};
use crate::outcome_recorder::OutcomeRecorder;
use crate::prepass::{Classification, take_out};
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;
use crate::{DecideError, duplicates, taken};

/// True where several rows of a stage have one value that must not meet twice.
pub(crate) fn has_rivals(job: &StageRun, world: &RecordLookup) -> Result<bool, DecideError> {
    let (matching, paths) = (job.identities.matching, job.identities.paths.len());
    let mut found = false;
    if job.looks_at_values() && matching < paths {
        world.spill.double_identities::<DecideError>(matching, paths, |_, _, _| {
            found = true;
            Ok(())
        })?;
    }
    Ok(found)
}

/// Decides about values that must not meet twice, once the records of the destination are known: which record holds each, and which stay out for it.
pub(crate) fn judge(
    job: &StageRun,
    world: &RecordLookup,
    look: &mut Classification,
    has_existing: bool,
    failures: &Arc<AtomicU64>,
) -> Result<(), DecideError> {
    let (matching, paths) = (job.identities.matching, job.identities.paths.len());
    if !job.looks_at_values() || matching == paths {
        return Ok(());
    }
    let judged = Judged { job, world, has_existing };
    let mut aside = OutcomeRecorder::new(job, look.resumed, Arc::clone(failures));
    world.spill.together::<_, DecideError>(|| {
        if has_existing || !look.merging.is_empty() {
            world.spill.index_identities_by_line()?;
        }
        if has_existing {
            world.spill.index_existing_by_id()?;
        }
        loop {
            // Rows that stay out take no part in a merge any more: another value of it may be written then.
            let mut changes_merges = false;
            world.spill.double_identities::<DecideError>(matching, paths, |path, value, lines| {
                changes_merges |= judged.clash((path, value), lines, look, &mut aside)?;
                Ok(())
            })?;
            if !changes_merges {
                break;
            }
        }
        judged.hold(look)
    })?;
    aside.flush()
}

/// Values of a stage's records beside those of the destination's.
#[derive(Clone, Copy)]
struct Judged<'j> {
    job: &'j StageRun,
    world: &'j RecordLookup,
    /// The destination has records that may be the same.
    has_existing: bool,
}

impl Judged<'_> {
    /// Settles records that share a value with one that is preferred, where the field's policy keeps them out; true where one of them was to be merged.
    fn clash(
        &self,
        (path, value): (usize, &str),
        lines: &[u64],
        look: &mut Classification,
        aside: &mut OutcomeRecorder<'_>,
    ) -> Result<bool, DecideError> {
        let (job, world) = (self.job, self.world);
        let policy = taken::policy(job, path);
        if policy == TakenPolicy::None {
            return Ok(false);
        }
        let Some((first_line, rivals)) = self.rivals_of(look, (path, value), lines)? else { return Ok(false) };
        let first = world.spill.record(first_line)?.map(|(key, _)| key).unwrap_or_default();
        let mut changes_merges = false;
        for line in rivals {
            let Some((key, _)) = world.spill.record(line)? else { continue };
            let subject = Subject { key: &key, source_key: &key, line };
            if policy == TakenPolicy::Skip {
                aside.skip(world, subject, &SkipReason::Rule(taken::held_by_row(&first, first_line)))?;
                look.skipped.insert(line);
            } else {
                let reason = QuarantineReason::Clash { path, first: first.clone(), line: first_line };
                aside.quarantine(world, subject, &reason)?;
            }
            changes_merges |= look.merging.contains(line);
            take_out(world, look, line)?;
        }
        Ok(changes_merges)
    }

    /// Notes which of the records that are written holds each value that others have to leave out.
    fn hold(&self, look: &Classification) -> Result<(), DecideError> {
        let (job, spill) = (self.job, &self.world.spill);
        let paths = job.identities.paths.len();
        spill.double_identities::<DecideError>(job.identities.matching, paths, |path, value, lines| {
            if taken::policy(job, path) == TakenPolicy::None
                && let Some((first, _)) = self.rivals_of(look, (path, value), lines)?
            {
                spill.add_holder(path, value, first)?;
            }
            Ok(())
        })
    }

    /// Lines whose records would hold one value that must be unique: the one that the policy for duplicates prefers, and those of other records.
    fn rivals_of(
        &self,
        look: &Classification,
        (path, value): (usize, &str),
        lines: &[u64],
    ) -> Result<Option<(u64, Vec<u64>)>, DecideError> {
        let spill = &self.world.spill;
        let mut written = Vec::new();
        for line in lines {
            if self.is_written(look, *line, path)? && self.bears(look, *line, (path, value))? {
                // Rows that are merged come as the first of them does.
                let leader = self.leader(look, *line)?.unwrap_or(*line);
                let by = spill.record(leader)?.map_or(Sort::Null, |(_, by)| by);
                written.push((leader, by, *line));
            }
        }
        let policy = &self.job.stage.policies.duplicate;
        written.sort_by(|one, other| duplicates::prefer(policy, (one.0, &one.1), (other.0, &other.1)));
        let written: Vec<u64> = written.into_iter().map(|(_, _, line)| line).collect();
        let Some((first, others)) = written.split_first() else { return Ok(None) };
        let family = self.leader(look, *first)?;
        let mut rivals = Vec::new();
        for line in others {
            // Records that are written as one may share what they like.
            if family.is_none() || self.leader(look, *line)? != family {
                rivals.push(*line);
            }
        }
        Ok((!rivals.is_empty()).then_some((*first, rivals)))
    }

    /// True where the value of a row is the one that is written: in a merge the first row that has one gives it.
    fn is_written(&self, look: &Classification, line: u64, path: usize) -> Result<bool, DecideError> {
        let spill = &self.world.spill;
        if !look.pending.contains(line) {
            return Ok(false);
        }
        let Some(leader) = self.leader(look, line)? else { return Ok(true) };
        let bit = 1_u64.checked_shl(u32::try_from(path).unwrap_or(u32::MAX)).unwrap_or_default();
        for (before, _) in spill.family(leader)? {
            if before == line {
                break;
            }
            if spill.identities_of(before, path + 1)? & bit != 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// True where the record of a row holds a value in the end: one that the destination has may keep another, by `on existing`.
    fn bears(&self, look: &Classification, line: u64, (path, value): (usize, &str)) -> Result<bool, DecideError> {
        if !self.has_existing {
            return Ok(true);
        }
        let (job, spill) = (self.job, &self.world.spill);
        let rows = match self.leader(look, line)? {
            Some(leader) => spill.family(leader)?.into_iter().map(|(line, _)| line).collect(),
            None => vec![line],
        };
        let mut values: Vec<(usize, String)> = Vec::new();
        for row in &rows {
            for (of, own) in spill.identity_values(*row, job.identities.matching)? {
                if values.iter().all(|(known, _)| *known != of) {
                    values.push((of, own));
                }
            }
        }
        values.sort();
        values.push((path, value.to_owned()));
        let (id, deleted) = match existing::find(spill, &job.identities, &values)? {
            Hit::None => return Ok(true),
            Hit::Several { .. } => return Ok(false),
            Hit::Taken { id, .. } => {
                let first = rows.first().map(|row| spill.record(*row)).transpose()?.flatten();
                return Ok(first.is_some_and(|(key, _)| job.ids.record(&job.stage.id, &key) == id));
            }
            Hit::Same { id, deleted, .. } => (id, deleted),
        };
        let policies = &job.stage.policies;
        if deleted {
            return Ok(policies.deleted != DeletedPolicy::Quarantine);
        }
        if policies.existing == ExistingPolicy::Update || spill.existing(path, value)?.iter().any(|(of, _)| *of == id) {
            return Ok(true);
        }
        Ok(policies.existing == ExistingPolicy::Fill && !spill.existing_has(path, &id)?)
    }

    /// The line under which a row is merged with others; none where it stands alone.
    fn leader(&self, look: &Classification, line: u64) -> Result<Option<u64>, DecideError> {
        if !look.merging.contains(line) {
            return Ok(None);
        }
        Ok(self.world.spill.family_of(line)?.map(|(leader, _)| leader))
    }
}
