//! Evaluation of one record: its values, links and deferred fields, and the decision that follows from them, from the records of the destination and from the
//! map's policies. Nothing is written here.

use crate::upload::{Upload, UploadFrom};
use jiff::civil::Date;
use migr_extract::OwnedRecord;
use migr_journal::{OrphanNote, RepairNote};
use migr_plan::{DeletedPolicy, ExistingPolicy, FieldType, OnMissing, ReasonCode};
use migr_transform::{Cells, Evaluated, Failure, Linked, Outcome, Pass, Repair, Value};

use crate::DecideError;
use crate::blame;
use crate::cells::Kept;
use crate::computed::ComputedFields;
use crate::decision::Subject;
use crate::decision::{Decision, QuarantineReason, Reason, SkipReason, Told, reasons};
use crate::defaults;
use crate::existing::{self, Hit};
use crate::families::{self, is_empty, merged};
use crate::files::column_of;
use crate::lost;
use crate::odd_days::odd_days;
use crate::record_lookup::RecordLookup;
use crate::record_write::RecordWrite;
use crate::stage_run::StageRun;
use crate::taken;
use migr_spill::Spill;

/// Makes the decision about a record.
#[derive(Clone, Copy, Debug)]
pub struct Evaluator<'e> {
    /// The stage.
    pub job: &'e StageRun,
    /// Knowledge of other records.
    pub world: &'e RecordLookup,
    /// The destination has records that may be the same.
    pub has_existing: bool,
    /// Rows are decided about for the last time, in their order: fields that were kept for this are taken.
    pub takes_fields: bool,
}

/// Decision about a record, with what a forecast tells of it.
#[derive(Debug)]
pub struct Decided {
    /// Decision about the record.
    pub decision: Decision,
    /// Remarks about the record, for a forecast.
    pub told: Told,
}

/// Computed record, apart from what the destination has.
enum Computed {
    Ready(Box<Ready>),
    Out(Decision),
}

/// Record with its values.
struct Ready {
    item: Box<RecordWrite>,
    told: Told,
    /// Values that the destination requires of a new record, and that this one has not.
    lacking: Vec<Reason>,
    /// Values that the destination gives where it creates the record.
    defaults: Vec<Reason>,
}

impl From<Decision> for Decided {
    fn from(decision: Decision) -> Self {
        Self { decision, told: Told::default() }
    }
}

impl Evaluator<'_> {
    /// The decision about a record of one row.
    pub fn row(&self, subject: Subject<'_>, cells: &dyn Cells) -> Result<Decided, DecideError> {
        self.world.take_owned();
        if self.takes_fields
            && let Some(fields) = self.world.take_fields(subject.line)?
            && self.is_new(&fields)?
        {
            return match both(Outcome::Ready(fields), self.others(cells, None)?) {
                Ok((fields, linked)) => {
                    self.decided(subject, self.assemble(subject, fields, Vec::new(), Vec::new(), &linked)?)
                }
                Err(out) => Ok(out.into()),
            };
        }
        let first = fields(self.job, self.world, cells)?;
        let other = self.others(cells, None)?;
        self.decide(subject, &[subject.line], first, other)
    }

    /// True where the destination has nothing that may be a record: it is not compared with anything.
    fn is_new(&self, fields: &ComputedFields) -> Result<bool, DecideError> {
        let hit = |identities| existing::find(&self.world.spill, &self.job.identities, identities);
        Ok(!self.has_existing || hit(&fields.identities)? == Hit::None)
    }

    /// The decision about a record of several rows, the preferred one first.
    pub fn family(&self, subject: Subject<'_>, rows: &[Kept]) -> Result<Option<Decided>, DecideError> {
        let Some(survivor) = rows.first() else { return Ok(None) };
        self.world.take_owned();
        let other = self.others(survivor, Some(rows))?;
        let first = merged(self.job, self.world, rows, Pass::First)?.outcome();
        let lines: Vec<u64> = rows.iter().map(|row| row.0.line).collect();
        let mut decided = self.decide(subject, &lines, first, other)?;
        self.blame(subject.line, rows, &mut decided)?;
        Ok(Some(decided))
    }

    /// Says of which row each remark about a record of several rows speaks, and each reason for which it is quarantined.
    fn blame(&self, own: u64, rows: &[Kept], decided: &mut Decided) -> Result<(), DecideError> {
        let Decided { decision, told } = decided;
        let item = match decision {
            Decision::Quarantine(QuarantineReason::Values(reasons)) => {
                blame::blame(&blame::rows(self.job, self.world, rows)?, own, reasons);
                return Ok(());
            }
            Decision::Create(item) | Decision::Update(item) | Decision::Restore(item) | Decision::Replace(item) => item,
            Decision::Skip(_) | Decision::Quarantine(_) => return Ok(()),
        };
        if item.repairs.is_empty() && told.adjusted.is_empty() {
            return Ok(());
        }
        let blamed = blame::rows(self.job, self.world, rows)?;
        blame::blame(&blamed, own, &mut told.adjusted);
        for note in &mut item.repairs {
            if let Some(row) = blame::row_of(&blamed, &note.field, &note.reason) {
                note.line = row.line;
            }
        }
        Ok(())
    }

    /// The rows of a family whose rows were kept.
    pub fn rows(&self, leader: u64, members: &[(u64, String)]) -> Result<Vec<Kept>, DecideError> {
        let mut kept = Vec::with_capacity(members.len());
        for (line, _) in members {
            let bytes = self.world.spill.merging(leader, *line)?;
            kept.extend(bytes.and_then(|bytes| OwnedRecord::from_bytes(&bytes)).map(Kept));
        }
        Ok(kept)
    }

    fn decide(
        &self,
        subject: Subject<'_>,
        lines: &[u64],
        first: Outcome<Evaluated<'_>>,
        other: Outcome<Linked<'_>>,
    ) -> Result<Decided, DecideError> {
        let (mut evaluated, linked) = match both(first, other) {
            Ok(ready) => ready,
            Err(out) => return Ok(out.into()),
        };
        let of = (self.job, &self.world.spill, self.has_existing);
        if let Some(reason) = taken::leave_out(of, subject.key, lines, &mut evaluated)? {
            return Ok(Decision::Skip(reason).into());
        }
        match self.finish(subject, evaluated, &linked)? {
            Computed::Out(decision) => Ok(decision.into()),
            Computed::Ready(ready) => self.decided(subject, *ready),
        }
    }

    /// The decision about a computed record.
    fn decided(&self, subject: Subject<'_>, ready: Ready) -> Result<Decided, DecideError> {
        let Ready { item, mut told, lacking, defaults } = ready;
        let mut decision = match self.matched(item)? {
            Decision::Create(_) | Decision::Replace(_) if !lacking.is_empty() => {
                Decision::Quarantine(QuarantineReason::Values(lacking))
            }
            decision => decision,
        };
        if let Decision::Create(item) | Decision::Replace(item) = &mut decision {
            item.repairs.extend(self.notes(subject, defaults.iter().cloned()));
            told.defaults = defaults;
        }
        Ok(Decided { decision, told })
    }

    /// Remarks about a record, as they are journaled.
    fn notes(&self, subject: Subject<'_>, reasons: impl Iterator<Item = Reason>) -> Vec<RepairNote> {
        let note = |Reason { field, reason, code, .. }| RepairNote {
            code: Some(remark(code).to_string()),
            key: subject.key.to_owned(),
            file: self.job.file.clone(),
            line: subject.line,
            field,
            reason,
        };
        reasons.map(note).collect()
    }

    /// Links, unless they or deferred fields keep a record from being written.
    pub(crate) fn others<'e>(
        &'e self,
        cells: &'e dyn Cells,
        rows: Option<&[Kept]>,
    ) -> Result<Outcome<Linked<'e>>, DecideError> {
        let mut failures = Vec::new();
        let mut links = Linked::default();
        if !self.job.stage.links.is_empty() {
            match self.job.program.links(cells, self.world)? {
                Outcome::Ready(linked) => links = linked,
                Outcome::Skip { reason } => return Ok(Outcome::Skip { reason }),
                Outcome::Quarantine(failed) => failures.extend(failed),
            }
        }
        if !self.job.stage.deferred.is_empty() {
            match families::values(self.job, self.world, cells, rows, Pass::Deferred)?.outcome() {
                Outcome::Ready(_) => {}
                Outcome::Skip { reason } => return Ok(Outcome::Skip { reason }),
                Outcome::Quarantine(failed) => failures.extend(failed),
            }
        }
        Ok(if failures.is_empty() { Outcome::Ready(links) } else { Outcome::Quarantine(failures) })
    }

    /// The decision by what the destination has of a record.
    fn matched(&self, item: Box<RecordWrite>) -> Result<Decision, DecideError> {
        if !self.has_existing {
            return Ok(Decision::Create(item));
        }
        let values = self.job.identities_of_values(&item.values);
        Ok(match existing::find(&self.world.spill, &self.job.identities, &values)? {
            Hit::None => Decision::Create(item),
            Hit::Several { path, records } => Decision::Quarantine(QuarantineReason::Several { path, records }),
            Hit::Taken { id, .. } if id == item.id => Decision::Update(item),
            Hit::Taken { path, id, deleted } => Decision::Quarantine(QuarantineReason::Taken { path, id, deleted }),
            Hit::Same { id, deleted, .. } => self.there(item, id, deleted)?,
        })
    }

    /// The decision about a record that the destination has, by the map's policies.
    fn there(&self, mut item: Box<RecordWrite>, id: String, deleted: bool) -> Result<Decision, DecideError> {
        let policies = &self.job.stage.policies;
        if deleted {
            return Ok(match policies.deleted {
                DeletedPolicy::Quarantine => Decision::Quarantine(QuarantineReason::Trashed { id }),
                DeletedPolicy::Restore => {
                    item.id = id;
                    Decision::Restore(item)
                }
                DeletedPolicy::Destroy => {
                    if let Some((by, field)) = self.referrer(&id)? {
                        Decision::Quarantine(QuarantineReason::Referred { id, by, field })
                    } else {
                        item.replaces = Some(id);
                        Decision::Replace(item)
                    }
                }
            });
        }
        if self.world.was_sent(&item) {
            // A run that ended before the answer came may have made it: it is not somebody else's as long as nobody asked.
            item.id = id;
            return Ok(Decision::Update(item));
        }
        Ok(match policies.existing {
            ExistingPolicy::Skip => Decision::Skip(SkipReason::Existing { id }),
            ExistingPolicy::Quarantine => Decision::Quarantine(QuarantineReason::Existing { id }),
            ExistingPolicy::Fill | ExistingPolicy::Update => {
                item.id = id;
                Decision::Update(item)
            }
        })
    }

    /// The record that refers to one in the trash, and its field.
    fn referrer(&self, id: &str) -> Result<Option<(String, String)>, DecideError> {
        Ok(if self.world.has_referrers { self.world.spill.referrer(id)? } else { None })
    }

    /// Makes a record of values. The values themselves are kept where a record that is there may have to be compared with them.
    fn finish(
        &self,
        subject: Subject<'_>,
        evaluated: Evaluated<'_>,
        linked: &Linked<'_>,
    ) -> Result<Computed, DecideError> {
        let job = self.job;
        let Files { uploads, mut failures, left_out, skip } = files(job, &self.world.spill, &evaluated.values)?;
        let fields = match computed(job, &evaluated) {
            Ok(fields) => fields,
            Err(failed) => {
                failures.extend(failed);
                ComputedFields::default()
            }
        };
        if !failures.is_empty() {
            return Ok(Computed::Out(Decision::Quarantine(QuarantineReason::Values(reasons(failures)))));
        }
        if let Some(reason) = skip {
            return Ok(Computed::Out(Decision::Skip(SkipReason::Rule(reason))));
        }
        let values = if self.has_existing { evaluated.values } else { Vec::new() };
        let values = values.into_iter().map(|(index, value)| (index, value.into_owned())).collect();
        let mut ready = self.assemble(subject, fields, left_out, uploads, linked)?;
        ready.item.values = values;
        Ok(Computed::Ready(Box::new(ready)))
    }

    /// Makes a record of computed fields.
    fn assemble(
        &self,
        subject: Subject<'_>,
        fields: ComputedFields,
        left_out: Vec<Failure>,
        uploads: Vec<Upload>,
        linked: &Linked<'_>,
    ) -> Result<Ready, DecideError> {
        let job = self.job;
        let ComputedFields { body, repairs, orphans, lacking, defaults, told, .. } = fields;
        let repairs: Vec<Reason> = repairs.into_iter().chain(left_out.into_iter().map(Reason::from)).collect();
        let told = told.map(|told| Told {
            adjusted: repairs.iter().cloned().chain(linked.repairs.iter().map(reason_of)).collect(),
            has_orphans: !orphans.is_empty(),
            owned: told.owned.into_iter().chain(self.world.take_owned()).collect(),
            links: linked.links.iter().map(|(_, targets)| targets.len() as u64).sum(),
            ..told
        });
        let repairs = self.notes(subject, repairs.into_iter());
        let orphans = orphans.into_iter().map(|(field, owner)| OrphanNote {
            owner,
            key: subject.key.to_owned(),
            field,
            line: subject.line,
        });
        self.world.add_links(subject.line, subject.key, linked)?;
        let item = RecordWrite {
            uploads,
            repairs,
            orphans: orphans.collect(),
            ..RecordWrite::new(subject.key.to_owned(), subject.line, job.ids.record(&job.stage.id, subject.key))
        };
        let item = if job.needs_bodies() { item.with_body(body) } else { item };
        Ok(Ready { item: Box::new(item), told: told.unwrap_or_default(), lacking, defaults })
    }
}

/// The values of a row, with what they leave of it where a forecast wants to know.
pub(crate) fn fields<'r>(
    job: &'r StageRun,
    world: &'r RecordLookup,
    cells: &'r dyn Cells,
) -> Result<Outcome<Evaluated<'r>>, DecideError> {
    let mut outcome = job.program.fields(cells, world, Pass::First)?;
    if let Outcome::Ready(evaluated) = &mut outcome {
        evaluated.cut = job.cut(cells, world)?;
    }
    Ok(outcome)
}

/// Fields and what else a record has, or the decision where either keeps it out: a rule that leaves it behind counts more than a failure.
fn both<A, B>(first: Outcome<A>, other: Outcome<B>) -> Result<(A, B), Decision> {
    let failures = match (first, other) {
        (Outcome::Ready(first), Outcome::Ready(other)) => return Ok((first, other)),
        (Outcome::Skip { reason }, _) | (_, Outcome::Skip { reason }) => {
            return Err(Decision::Skip(SkipReason::Rule(reason)));
        }
        (Outcome::Quarantine(mut failures), Outcome::Quarantine(more)) => {
            failures.extend(more);
            failures
        }
        (Outcome::Quarantine(failures), Outcome::Ready(_)) | (Outcome::Ready(_), Outcome::Quarantine(failures)) => {
            failures
        }
    };
    Err(Decision::Quarantine(QuarantineReason::Values(reasons(failures))))
}

/// Fields of the values of a record, in the form in which it is written; the failures where they cannot be.
pub(crate) fn computed(job: &StageRun, evaluated: &Evaluated<'_>) -> Result<ComputedFields, Vec<Failure>> {
    let (body, adjusted) = job.body(&evaluated.values)?;
    let told = job.context.outcomes.forecast().map(|forecast| told(job, evaluated, forecast.today()));
    let repairs = evaluated.repairs.iter();
    let orphans = evaluated.orphans.iter();
    Ok(ComputedFields {
        body,
        repairs: repairs.map(reason_of).chain(adjusted.into_iter().map(Reason::from)).collect(),
        orphans: orphans.map(|it| (it.field.clone(), it.owner.trim().to_lowercase())).collect(),
        lacking: lacking(job, &evaluated.values),
        defaults: defaults::reasons(&job.stage.fields, &evaluated.values),
        identities: Vec::new(),
        told,
    })
}

/// Positions of the fields of a record that a run before has written: those that have a value, and those of which something is lost. Files were sent by then.
pub fn told_of(job: &StageRun, evaluated: &Evaluated<'_>, today: Date) -> Told {
    let mut told = told(job, evaluated, today);
    told.filled.retain(|index| job.stage.fields.get(*index).is_some_and(|field| field.ty != FieldType::File));
    told
}

/// Remarks about values, without what links add to them.
fn told(job: &StageRun, evaluated: &Evaluated<'_>, today: Date) -> Told {
    let positions = |is_one: &dyn Fn(usize, &Value<'_>) -> bool| {
        let values = evaluated.values.iter().filter(|(index, value)| is_one(*index, value));
        values.map(|(index, _)| *index).collect()
    };
    let is_lost = |index: usize, value: &Value<'_>| {
        job.stage.fields.get(index).is_some_and(|field| lost::is_lost(&job.context.plan, field, value))
    };
    Told {
        filled: positions(&|_, value| !is_empty(value)),
        lost: positions(&is_lost),
        cut: evaluated.cut.clone(),
        created: evaluated.created.clone(),
        long: long(job, &evaluated.values),
        odd_days: odd_days(&job.stage.fields, &evaluated.values, today),
        ..Told::default()
    }
}

/// Texts that are longer than the destination is known to take. They are sent whole.
fn long(job: &StageRun, values: &[(usize, Value<'_>)]) -> Vec<Reason> {
    let of_field = |(index, value): &(usize, Value<'_>)| {
        let field = job.stage.fields.get(*index)?;
        let (safe, Value::Text(text)) = (usize::try_from(field.safe?).ok()?, value) else { return None };
        text.chars().nth(safe)?;
        let reason = format!(
            "it has {} characters, and the destination is known to take {safe}: it is sent whole, and may be refused (W0619)",
            text.chars().count()
        );
        Some(Reason::new(ReasonCode::Q207, field.field.clone(), reason))
    };
    values.iter().filter_map(of_field).collect()
}

/// Values that the destination requires of a new record, and that are not among these.
fn lacking(job: &StageRun, values: &[(usize, Value<'_>)]) -> Vec<Reason> {
    let is_there = |at: usize| {
        let value = values.iter().find(|(index, _)| *index == at).map(|(_, value)| value);
        value.is_some_and(|value| matches!(value, Value::Default) || !is_empty(value))
    };
    let fields = job.stage.fields.iter().enumerate();
    let lacking = fields.filter(|(at, field)| field.required && !field.deferred && !is_there(*at));
    let reason = || "there is no value, and the destination creates no record without one".to_owned();
    lacking.map(|(_, field)| Reason::new(ReasonCode::Q203, field.field.clone(), reason())).collect()
}

/// Code of the remark on a record that is written without a value, or with another one, for a reason.
pub(crate) fn remark(reason: ReasonCode) -> ReasonCode {
    match reason {
        ReasonCode::Q203 => ReasonCode::R102,
        ReasonCode::Q208 => ReasonCode::R103,
        ReasonCode::Q402 => ReasonCode::R104,
        _ => ReasonCode::R101,
    }
}

fn reason_of(repair: &Repair) -> Reason {
    Reason::new(repair.code, repair.field.clone(), repair.reason.clone())
}

/// Files of a record as computed before it is sent.
#[derive(Default)]
struct Files {
    uploads: Vec<Upload>,
    failures: Vec<Failure>,
    left_out: Vec<Failure>,
    /// A rule leaves the record out for this reason.
    skip: Option<String>,
}

fn files(job: &StageRun, spill: &Spill, values: &[(usize, Value<'_>)]) -> Result<Files, DecideError> {
    let mut files = Files::default();
    for (index, value) in values {
        let Some(field) = job.stage.fields.get(*index) else { continue };
        let (FieldType::File, Value::File(file)) = (&field.ty, value) else { continue };
        let standing = job.standard().standing(&file.path, Some(&file.name));
        let from = match (standing.fault(&file.path, field.sensitive), standing.path) {
            (None, Some(path)) => UploadFrom::Export { path, audited: spill.audited(&file.path)? },
            (None, None) => UploadFrom::Link { url: file.path.to_string() },
            (Some(reason), _) => {
                let failure = |reason| Failure { code: ReasonCode::Q208, field: field.field.clone(), reason };
                match field.missing_file {
                    OnMissing::Quarantine => files.failures.push(failure(reason)),
                    OnMissing::None => files.left_out.push(failure(format!("left empty: {reason}"))),
                    OnMissing::Skip => files.skip = Some(format!("its file is left behind: {reason}")),
                }
                continue;
            }
        };
        files.uploads.push(Upload {
            field: field.field.clone(),
            column: column_of(&job.object, field).to_owned(),
            from,
            name: file.name.to_string(),
            missing: field.missing_file,
        });
    }
    Ok(files)
}
