//! Backfill: values that were left empty because their target was quarantined, or whose owner had no user, once they
//! have a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{Change, MendedNote, NotedField, Operation, OwnerNote, Reader, State, StepId};
use migr_load::{Body, Comparison, Found, Map};
use migr_plan::{FieldMapping, FieldType, Plan, Stage, Step};
use migr_transform::{Cells, Outcome, Pass, Reference, Value};

use crate::EngineError;
use crate::step_writer::StepWriter;
use crate::steps::deferred::updated;
use crate::steps::following::{HandOn, Later};
use crate::steps::given::{LeftOut, give, left_out};
use migr_decide::cells::Lent;
use migr_decide::deferred::DeferredRows;
use migr_decide::families::{self, is_empty};
use migr_decide::outcomes::Knowledge;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::record_write::RecordWrite;
use migr_decide::stage_run::StageRun;
use migr_decide::steps;
use migr_decide::taken;
use migr_decide::there::{before_update, held, is_empty_there, stamped};
use migr_decide::written::{LINK_KEY_SEPARATOR, still_written};
use migr_spill::RowSet;

/// The steps of a stage that the journal knows and that note what they left empty.
pub(crate) fn noting_steps(plan: &Plan, stage: &Stage, reader: &Reader) -> Result<Vec<StepId>, EngineError> {
    let mut ids = Vec::new();
    for step in plan.steps().iter().filter(|step| step.stage == stage.id) {
        ids.extend(steps::find(reader, step)?);
    }
    Ok(ids)
}

/// True where there is something to backfill. No run begins this: only records that were released for retry make it
/// worth while.
pub(crate) fn is_open(stage: &Stage, reader: &Reader) -> Result<bool, EngineError> {
    Ok(match steps::find(reader, &Step::backfill(&stage.id))? {
        Some(step) => !reader.is_done(step)?,
        None => false,
    })
}

/// Goes through the records of a stage of which something was noted.
#[derive(Debug)]
pub(crate) struct Backfill {
    job: Arc<StageRun>,
    /// Those that noted something.
    steps: Vec<StepId>,
    /// The member who stands in for owners who are none.
    fallback: Option<String>,
}

/// A record of which something was noted, with the values that it could have now.
#[derive(Debug)]
pub(crate) struct Noted {
    key: String,
    line: u64,
    id: String,
    state: State,
    values: Vec<Candidate>,
}

/// A value for a field of which something was noted.
#[derive(Debug)]
struct Candidate {
    index: usize,
    value: Value<'static>,
    /// True where the owner had no user: the field may hold the fallback.
    is_orphan: bool,
    /// The steps that noted it.
    steps: Vec<StepId>,
}

/// Records and notes that are handed on together.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    noted: Vec<Noted>,
    /// Notes that hold no more, by the step that made them.
    mended: Vec<(StepId, MendedNote)>,
    /// Owners that were asked about.
    owners: Vec<OwnerNote>,
    /// Values that were left out, since another record held them.
    left_out: Vec<LeftOut>,
}

impl Later for Backfill {
    type Batch = Gathered;

    fn job(&self) -> &StageRun {
        &self.job
    }

    fn object(&self) -> &str {
        &self.job.stage.destination_object
    }

    fn produce(&self, world: &RecordLookup, _: StepId, hand_on: &mut HandOn<'_, Gathered>) -> Result<(), EngineError> {
        let job = &*self.job;
        let mut lines = RowSet::default();
        let mut found = Ok(());
        for step in &self.steps {
            world.reader.noted_records(*step, |key, line| {
                lines.insert(line);
                // A note of a merged record stands at the line of the row whose value it tells.
                if job.merges() && found.is_ok() {
                    found = world.reader.id_of(job.step, key).map(|own| {
                        if let Some(own) = own {
                            lines.insert(own.line);
                        }
                    });
                }
            })?;
        }
        found?;
        if lines.is_empty() && job.context.outcomes.forecast().is_none() {
            return Ok(());
        }
        let waiting = DeferredRows::read(job, world)?;
        let size = job.context.destination.capabilities().batch_size.max(1);
        let mut gathered = Gathered::default();
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            if !lines.contains(record.line) || !job.takes(record.line) {
                continue;
            }
            let (line, cells) = (record.line, Lent(record));
            let Some((key, mapped)) = still_written(job, world, line, &cells)? else { continue };
            let mut notes: Vec<(StepId, NotedField)> = Vec::new();
            for step in &self.steps {
                notes.extend(world.reader.noted_fields(*step, &key)?.into_iter().map(|note| (*step, note)));
            }
            let winner = mapped.winner.as_deref().unwrap_or(&key);
            gathered.mended.extend(self.linked(world, &cells, (&key, winner), &notes)?);
            if let (None, Some(id)) = (&mapped.winner, mapped.id)
                && mapped.line == line
            {
                let rows = waiting.rows(job, world, &key, record)?;
                let mut values = Vec::new();
                for pass in [Pass::First, Pass::Deferred] {
                    let found = families::values(job, world, &cells, rows.as_deref(), pass)?;
                    let mut evaluated = found.evaluated;
                    if taken::is_asked(job) {
                        for path in world.reader.fields_noted(job.step, &key, taken::LEFT_OUT_NOTES)? {
                            migr_transform::take_out(&job.stage.fields, &mut evaluated.values, &path);
                        }
                    }
                    let is_noted = |name: &str| {
                        evaluated.repairs.iter().any(|it| it.field == name)
                            || evaluated.orphans.iter().any(|it| it.field == name)
                    };
                    for (index, value) in evaluated.values {
                        let Some(field) = job.stage.fields.get(index) else { continue };
                        let of = |note: &&(StepId, NotedField)| note.1.field == field.field;
                        let steps: Vec<StepId> = notes.iter().filter(of).map(|(step, _)| *step).collect();
                        let may_be =
                            field.ty != FieldType::File && !(field.create_only && mapped.state != State::Created);
                        if steps.is_empty()
                            || !may_be
                            || is_empty(&value)
                            || is_noted(&field.field)
                            || waiting.cut(world, line, (index, &value))?.is_some()
                        {
                            continue;
                        }
                        let is_orphan = notes.iter().filter(of).any(|(_, note)| note.is_orphan);
                        values.push(Candidate { index, value: value.into_owned(), is_orphan, steps });
                    }
                }
                if !values.is_empty() {
                    gathered.noted.push(Noted { key, line, id, state: mapped.state, values });
                }
            }
            if gathered.noted.len() >= size || gathered.mended.len() >= size {
                gathered.owners = world.take_owners();
                if !hand_on(std::mem::take(&mut gathered)) {
                    return Ok(());
                }
            }
        }
        gathered.owners = world.take_owners();
        if !hand_on(gathered) {
            return Ok(());
        }
        let mut left_out = left_out(job, world, &lines, &waiting)?;
        world.take_owners();
        while !left_out.is_empty() {
            let rest = left_out.split_off(left_out.len().min(size));
            let left_out = std::mem::replace(&mut left_out, rest);
            if !hand_on(Gathered { left_out, ..Gathered::default() }) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn bytes(_: &Gathered) -> usize {
        // Their bodies are made once the destination was asked.
        0
    }

    async fn send(
        &self,
        step: StepId,
        sender: &mut StepWriter<'_>,
        Gathered { noted, mut mended, owners, left_out }: Gathered,
    ) -> Result<(), EngineError> {
        if !left_out.is_empty() {
            give(&self.job, (step, sender), &left_out).await?;
        }
        let mut sent: Vec<(Noted, Vec<Candidate>)> = Vec::new();
        let mut items = Vec::new();
        let (mut images, mut answered) = (Vec::new(), Vec::new());
        let reader = self.job.context.outcomes.knowledge()?;
        let found = self.fetch(noted.iter().map(|noted| noted.id.clone()).collect()).await?;
        for mut record in noted {
            let Some(there) = found.get(&record.id) else { continue };
            let mut wanted = Vec::new();
            for candidate in std::mem::take(&mut record.values) {
                if self.holds(&candidate, there) {
                    mended.extend(self.mended(&record.key, &candidate));
                } else if self.is_ours(&candidate, there) {
                    wanted.push(candidate);
                }
            }
            let values: Vec<(usize, Value<'static>)> = wanted.iter().map(|it| (it.index, it.value.clone())).collect();
            // A value that cannot be encoded stays noted as it is.
            let Some(body) = self.job.encode(&values).ok().filter(|body| !body.is_empty()) else {
                answered.extend(answered_before(&reader, step, &record)?);
                continue;
            };
            let held = held(&there.values, &body);
            // Going back destroys what was created.
            if record.state != State::Created {
                let image = stamped(&*self.job.context.destination, &held, &there.values);
                images.push(before_update(step, (&record.key, &record.id), &image, &body));
            }
            let item = RecordWrite {
                fields: wanted.iter().filter_map(|it| self.field(it)).map(|field| field.field.clone()).collect(),
                before: Body::from(&held).digest(),
                ..RecordWrite::new(record.key.clone(), record.line, record.id.clone())
            };
            items.push((record.state, item.with_body(Body::from(body))));
            sent.push((record, wanted));
        }
        if !owners.is_empty() {
            sender.remember([Change::Owners(owners)]);
        }
        sender.remember(updated(step, &answered.iter().collect::<Vec<_>>()));
        if !images.is_empty() {
            sender.remember([Change::Before(images)]);
        }
        if !items.is_empty() {
            let (unchanged, others): (Vec<_>, Vec<_>) =
                items.into_iter().partition(|(state, _)| *state == State::Unchanged);
            let unchanged: Vec<RecordWrite> = unchanged.into_iter().map(|(_, item)| item).collect();
            sender.remember(updated(self.job.step, &unchanged.iter().collect::<Vec<_>>()));
            let items = others.into_iter().map(|(_, item)| item).chain(unchanged).collect();
            sender.send(items, Operation::Update, Vec::new())?;
            sender.finish().await?;
            // A note goes only when the value is seen there.
            let found = self.fetch(sent.iter().map(|(record, _)| record.id.clone()).collect()).await?;
            for (record, candidates) in &sent {
                let Some(there) = found.get(&record.id) else { continue };
                for candidate in candidates.iter().filter(|candidate| self.holds(candidate, there)) {
                    mended.extend(self.mended(&record.key, candidate));
                }
            }
        }
        let mut by_step: BTreeMap<StepId, Vec<MendedNote>> = BTreeMap::new();
        for (step, note) in mended {
            by_step.entry(step).or_default().push(note);
        }
        sender.remember(by_step.into_iter().map(|(step, mended)| Change::Mended { step, mended }));
        Ok(())
    }
}

impl Backfill {
    /// Goes through a stage whose records are through.
    pub(crate) fn of(job: Arc<StageRun>, known: &Knowledge, owners: &OwnerTable) -> Result<Self, EngineError> {
        let mut steps = Vec::new();
        for step in job.context.plan.steps().iter().filter(|step| step.stage == job.stage.id) {
            steps.extend(known.find(step)?);
        }
        Ok(Self { job, steps, fallback: owners.fallback().map(str::to_owned) })
    }

    /// Notes on a record's links that hold no more: nothing is left to note of the links, and every one of them is
    /// there.
    fn linked(
        &self,
        world: &RecordLookup,
        cells: &dyn Cells,
        (key, winner): (&str, &str),
        notes: &[(StepId, NotedField)],
    ) -> Result<Vec<(StepId, MendedNote)>, EngineError> {
        let stage = &self.job.stage;
        let steps_of = |name: &str| {
            let of_it = notes.iter().filter(|(_, note)| note.field == name);
            of_it.map(|(step, _)| *step).collect::<Vec<StepId>>()
        };
        let mut mended = Vec::new();
        if stage.links.iter().all(|link| steps_of(&link.field).is_empty()) {
            return Ok(mended);
        }
        let Outcome::Ready(linked) = self.job.program.links(cells, world)? else { return Ok(mended) };
        for (index, targets) in &linked.links {
            let Some(link) = stage.links.get(*index) else { continue };
            let steps = steps_of(&link.field);
            let step = world.reader.find(&Step::links(&stage.id, link))?;
            let (Some(step), false) = (step, steps.is_empty() || targets.is_empty()) else { continue };
            let mut are_there = linked.repairs.iter().all(|repair| repair.field != link.field);
            for target in targets {
                let mapped = world.reader.id_of(step, &format!("{winner}{LINK_KEY_SEPARATOR}{}", target.id))?;
                are_there &= mapped.is_some_and(|mapped| !mapped.state.is_quarantined());
            }
            if are_there {
                let note = MendedNote { key: key.to_owned(), field: link.field.clone() };
                mended.extend(steps.into_iter().map(|step| (step, note.clone())));
            }
        }
        Ok(mended)
    }

    fn field(&self, candidate: &Candidate) -> Option<&FieldMapping> {
        self.job.stage.fields.get(candidate.index)
    }

    fn mended(&self, key: &str, candidate: &Candidate) -> Vec<(StepId, MendedNote)> {
        let Some(field) = self.field(candidate) else { return Vec::new() };
        let note = MendedNote { key: key.to_owned(), field: field.field.clone() };
        candidate.steps.iter().map(|step| (*step, note.clone())).collect()
    }

    async fn fetch(&self, mut ids: Vec<String>) -> Result<BTreeMap<String, Found>, EngineError> {
        ids.sort_unstable();
        let found = self.job.context.destination.fetch_written(self.object(), &ids).await?;
        Ok(found.into_iter().map(|found| (found.id.clone(), found)).collect())
    }

    fn is_same(&self, field: &FieldMapping, value: &Value<'_>, there: &Map) -> bool {
        self.job.context.destination.compare(self.object(), field, value, there) == Comparison::Same
    }

    fn holds(&self, candidate: &Candidate, there: &Found) -> bool {
        self.field(candidate).is_some_and(|field| self.is_same(field, &candidate.value, &there.values))
    }

    /// True where no user has given the field a value: it is empty, or holds the fallback of its owner.
    fn is_ours(&self, candidate: &Candidate, there: &Found) -> bool {
        let Some(field) = self.field(candidate) else { return false };
        let stood_in = match (&candidate.value, &self.fallback) {
            (Value::Reference(reference), Some(id)) if candidate.is_orphan => {
                let fallback = Reference { object: reference.object.clone(), id: id.as_str().into() };
                self.is_same(field, &Value::Reference(fallback), &there.values)
            }
            _ => false,
        };
        stood_in || is_empty_there(&self.job, field, &candidate.value, &there.values)
    }
}

/// A record that a crash kept from being noted as changed.
fn answered_before(reader: &Knowledge, step: StepId, record: &Noted) -> Result<Option<RecordWrite>, EngineError> {
    let was_sent = reader.before_image(step, &record.id, Operation::Update)?.is_some();
    Ok(was_sent.then(|| RecordWrite::new(record.key.clone(), record.line, record.id.clone())))
}
