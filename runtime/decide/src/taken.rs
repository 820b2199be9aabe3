//! `on taken none` and `on taken skip`: unique values that another record holds.

use migr_journal::NoteKind;
use migr_plan::{ReasonCode, Stage, TakenPolicy};
use migr_transform::{Evaluated, Repair, take_out};

use crate::DecideError;
use crate::decision::SkipReason;
use crate::existing::{self, Hit};
use crate::identities::Identities;
use crate::stage_run::StageRun;
use migr_spill::Spill;

/// Beginning of the remark about a value that was left out so.
const LEFT_OUT: &str = "left out: ";

/// Remarks about values that were left out so.
pub const LEFT_OUT_NOTES: NoteKind<'_> = NoteKind { code: "R104", start: LEFT_OUT };

/// Policy of an identity whose value another record holds.
pub fn policy(job: &StageRun, path: usize) -> TakenPolicy {
    policy_of(&job.stage, &job.identities, path)
}

/// The same, of a stage that is not run.
pub(crate) fn policy_of(stage: &Stage, identities: &Identities, path: usize) -> TakenPolicy {
    let Some(path) = identities.single(path).filter(|_| path >= identities.matching) else {
        return TakenPolicy::Quarantine;
    };
    let (name, part) = path.split_once('.').unwrap_or((path, ""));
    let Some(field) = stage.fields.iter().find(|field| field.field == name) else { return TakenPolicy::Quarantine };
    field.parts.iter().find(|known| known.part == part).map_or(field.on_taken, |known| known.on_taken)
}

/// True where some unique value may be left out, or leave its record out.
pub fn is_asked(job: &StageRun) -> bool {
    (job.identities.matching..job.identities.paths.len()).any(|path| policy(job, path) != TakenPolicy::Quarantine)
}

/// True where a stage writes records without a unique value that another one holds.
pub fn leaves_out(stage: &Stage) -> bool {
    let identities = Identities::of(stage);
    (identities.matching..identities.paths.len()).any(|path| policy_of(stage, &identities, path) == TakenPolicy::None)
}

/// Leaves out the values that another record holds, each with a remark; a reason where the record itself is left out for one.
pub(crate) fn leave_out(
    (job, spill, has_existing): (&StageRun, &Spill, bool),
    key: &str,
    lines: &[u64],
    evaluated: &mut Evaluated<'_>,
) -> Result<Option<SkipReason>, DecideError> {
    if !is_asked(job) {
        return Ok(None);
    }
    let ours = job.ids.record(&job.stage.id, key);
    let mut left = Vec::new();
    let mut identities = job.identities_of_values(&evaluated.values);
    let own = if has_existing { own_there(job, spill, &identities)? } else { None };
    for (path, value) in &identities {
        // The record that holds it there is this one.
        if let Some(own) = &own
            && spill.existing(*path, value)?.iter().any(|(id, deleted)| id == own && !deleted)
        {
            continue;
        }
        if policy(job, *path) == TakenPolicy::None
            && let Some(holder) = spill.holder(*path, value)?
            && !lines.contains(&holder)
        {
            let key = spill.record(holder)?.map(|(key, _)| key).unwrap_or_default();
            left.push((*path, held_by_row(&key, holder)));
        }
    }
    identities.retain(|(path, _)| left.iter().all(|(out, _)| out != path));
    while has_existing
        && let Hit::Taken { path, id, deleted } = existing::find(spill, &job.identities, &identities)?
        && id != ours
    {
        match policy(job, path) {
            TakenPolicy::Quarantine => break,
            TakenPolicy::None => left.push((path, held_there(&id, deleted))),
            TakenPolicy::Skip => return Ok(Some(SkipReason::Rule(held_there(&id, deleted)))),
        }
        identities.retain(|(of, _)| *of != path);
    }
    for (path, reason) in left {
        let name = job.identities.name(path);
        take_out(&job.stage.fields, &mut evaluated.values, &name);
        let reason = format!("{LEFT_OUT}{reason}");
        evaluated.repairs.push(Repair { field: name, reason, code: ReasonCode::Q402 });
    }
    Ok(None)
}

/// The record of the destination that a record is, by the fields of `match`.
fn own_there(job: &StageRun, spill: &Spill, identities: &[(usize, String)]) -> Result<Option<String>, DecideError> {
    let matching = identities.iter().filter(|(path, _)| *path < job.identities.matching);
    let matching: Vec<(usize, String)> = matching.cloned().collect();
    Ok(match existing::find(spill, &job.identities, &matching)? {
        Hit::Same { id, .. } => Some(id),
        _ => None,
    })
}

/// The record of the export that holds a value, in words.
pub fn held_by_row(key: &str, line: u64) -> String {
    format!("{} (line {line}) has the same value, which must be unique", crate::decision::shown(key))
}

/// The record of the destination that holds a value, in words.
pub fn held_there(id: &str, deleted: bool) -> String {
    let place = if deleted { " in the trash" } else { "" };
    format!("the record {id}{place} of the destination has the same value, which must be unique")
}
