use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migr_extract::{OwnedRecord, Row};
use migr_journal::{OrphanNote, RepairNote};
use migr_load::Body;
use migr_plan::{DeletedPolicy, ExistingPolicy, FieldType, OnMissing};
use migr_transform::{Cells, Evaluated, Failure, Outcome, Pass, Value};

use crate::EngineError;
use crate::aside::{Aside, Subject, because};
use crate::cells::{Kept, Lent};
use crate::existing::{self, Hit};
use crate::families::{self, merged};
use crate::files::column_of;
use crate::item::{Batch, Item, There, Upload, UploadFrom};
use crate::job::Job;
use crate::prepass::Look;
use crate::scratch::Scratch;
use crate::world::{Own, World};

/// Goes on, or stops because nobody takes what is produced any more.
pub(crate) type Taken = bool;

/// Computes the records of a stage that are still to be written, in source order, and hands them on in batches.
pub(crate) fn produce(
    job: &Job,
    world: &World,
    look: &Look,
    has_existing: bool,
    failures: &Arc<AtomicU64>,
    hand_on: &mut dyn FnMut(Batch) -> Taken,
) -> Result<(), EngineError> {
    if job.file.is_empty() || look.pending.len() == 0 {
        return Ok(());
    }
    world.answer_own(Own::Admitted);
    let mut producer = Producer {
        job,
        world,
        has_existing,
        aside: Aside::new(job, false, Arc::clone(failures)),
        packer: Packer::new(job),
    };
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        if !look.pending.contains(record.line) {
            continue;
        }
        let batch = if look.merging.contains(record.line) {
            producer.member(&record.to_owned())?
        } else {
            producer.record(record.line, &Lent(record))?
        };
        if let Some(batch) = batch
            && !hand_on(batch)
        {
            return producer.aside.flush();
        }
    }
    producer.aside.flush()?;
    for batch in producer.packer.rest() {
        if !hand_on(batch) {
            break;
        }
    }
    Ok(())
}

struct Producer<'p> {
    job: &'p Job,
    world: &'p World,
    has_existing: bool,
    aside: Aside<'p>,
    packer: Packer,
}

/// What evaluation gave.
pub(crate) enum Computed {
    Ready(Box<Item>),
    Skip(String),
    Fails(Vec<Failure>),
}

impl Producer<'_> {
    fn record(&mut self, line: u64, cells: &dyn Cells) -> Result<Option<Batch>, EngineError> {
        let Ok(key) = self.job.key(cells, self.world)? else { return Ok(None) };
        let subject = Subject { key: &key, source_key: &key, line };
        let first = self.job.program.fields(cells, self.world, Pass::First)?;
        let other = self.others(cells, None)?;
        let computed = self.computed(subject, first, other)?;
        self.decide(subject, computed)
    }

    /// A record, unless something stands against it.
    fn computed(
        &self,
        subject: Subject<'_>,
        first: Outcome<Evaluated<'_>>,
        other: Outcome<()>,
    ) -> Result<Computed, EngineError> {
        Ok(match (first, other) {
            (Outcome::Skip { reason }, _) | (_, Outcome::Skip { reason }) => Computed::Skip(reason),
            (Outcome::Quarantine(mut failures), Outcome::Quarantine(more)) => {
                failures.extend(more);
                Computed::Fails(failures)
            }
            (Outcome::Quarantine(failures), _) | (_, Outcome::Quarantine(failures)) => Computed::Fails(failures),
            (Outcome::Ready(evaluated), Outcome::Ready(())) => {
                finish(self.job, &self.world.scratch, subject, evaluated, self.has_existing)?
            }
        })
    }

    /// Whether links, or fields of the second pass, keep a record from being written.
    fn others(&self, cells: &dyn Cells, rows: Option<&[Kept]>) -> Result<Outcome<()>, EngineError> {
        let mut failures = Vec::new();
        if !self.job.stage.links.is_empty() {
            match self.job.program.links(cells, self.world)? {
                Outcome::Ready(_) => {}
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
        Ok(if failures.is_empty() { Outcome::Ready(()) } else { Outcome::Quarantine(failures) })
    }

    /// One of several records that are written as one: kept until the last of them was read.
    fn member(&mut self, record: &OwnedRecord) -> Result<Option<Batch>, EngineError> {
        let Some((leader, last)) = self.world.scratch.family_of(record.line)? else { return Ok(None) };
        self.world.scratch.add_merging(leader, record.line, &record.to_bytes())?;
        if record.line != last {
            return Ok(None);
        }
        let members = self.world.scratch.family(leader)?;
        let mut kept = Vec::with_capacity(members.len());
        for (line, _) in &members {
            let bytes = self.world.scratch.merging(leader, *line)?;
            kept.extend(bytes.and_then(|bytes| OwnedRecord::from_bytes(&bytes)).map(Kept));
        }
        let Some((line, key)) = members.first() else { return Ok(None) };
        let subject = Subject { key, source_key: key, line: *line };
        let Some(winner) = kept.first() else { return Ok(None) };
        let other = self.others(winner, Some(&kept))?;
        let first = merged(self.job, self.world, &kept, Pass::First)?.outcome();
        let computed = self.computed(subject, first, other)?;
        self.decide(subject, computed)
    }

    fn decide(&mut self, subject: Subject<'_>, computed: Computed) -> Result<Option<Batch>, EngineError> {
        let item = match computed {
            Computed::Skip(reason) => {
                self.aside.skip(self.world, subject, &reason, None, None)?;
                return Ok(None);
            }
            Computed::Fails(failures) => {
                self.aside.quarantine(self.world, subject, &failures)?;
                return Ok(None);
            }
            Computed::Ready(item) => *item,
        };
        if !self.has_existing {
            return Ok(self.packer.add_new(item));
        }
        let values = self.job.identities_of(&item.body.values());
        match existing::find(&self.world.scratch, &self.job.identities, &values)? {
            Hit::None => Ok(self.packer.add_new(item)),
            Hit::Several { path } => {
                let reason =
                    "several records of the destination have this value; it is not clear which one is meant".to_owned();
                let field = self.job.identities.name(path);
                self.aside.quarantine(self.world, subject, &[Failure { field, reason }]).map(|()| None)
            }
            Hit::Taken { id, .. } if id == item.id => Ok(self.packer.add_there(item, false)),
            Hit::Taken { path, id, deleted } => {
                let place = if deleted { " in the trash" } else { "" };
                let reason =
                    format!("the record {id}{place} of the destination has the same value, which must be unique");
                let field = self.job.identities.name(path);
                self.aside.quarantine(self.world, subject, &[Failure { field, reason }]).map(|()| None)
            }
            Hit::Same { id, deleted } => self.there(subject, item, id, deleted),
        }
    }

    fn there(
        &mut self,
        subject: Subject<'_>,
        mut item: Item,
        id: String,
        deleted: bool,
    ) -> Result<Option<Batch>, EngineError> {
        let policies = &self.job.stage.policies;
        if deleted {
            if policies.deleted == DeletedPolicy::Quarantine {
                let reason = format!(
                    "its twin {id} lies in the destination's trash; restore or destroy it there, or say `on deleted restore`"
                );
                return self.aside.quarantine(self.world, subject, &because(reason)).map(|()| None);
            }
            if policies.deleted == DeletedPolicy::Restore {
                item.id = id;
            } else {
                item.replaces = Some(id);
            }
            return Ok(self.packer.add_there(item, true));
        }
        match policies.existing {
            ExistingPolicy::Skip => {
                self.aside.skip(self.world, subject, "it is in the destination already", Some(&id), None).map(|()| None)
            }
            ExistingPolicy::Quarantine => {
                let reason = format!("it is in the destination already, as {id}");
                self.aside.quarantine(self.world, subject, &because(reason)).map(|()| None)
            }
            ExistingPolicy::Fill | ExistingPolicy::Update => {
                item.id = id;
                Ok(self.packer.add_there(item, false))
            }
        }
    }
}

/// What the files of a record come to before it is sent.
#[derive(Default)]
struct Files {
    uploads: Vec<Upload>,
    failures: Vec<Failure>,
    left_out: Vec<Failure>,
    /// A rule leaves the record out for this reason.
    skip: Option<String>,
}

fn files(job: &Job, scratch: &Scratch, values: &[(usize, Value<'_>)]) -> Result<Files, EngineError> {
    let mut files = Files::default();
    for (index, value) in values {
        let Some(field) = job.stage.fields.get(*index) else { continue };
        let (FieldType::File, Value::File(file)) = (&field.ty, value) else { continue };
        let standing = job.standard().standing(&file.path);
        let from = match (standing.fault(&file.path, field.sensitive), standing.path) {
            (None, Some(path)) => UploadFrom::Export { path, audited: scratch.audited(&file.path)? },
            (None, None) => UploadFrom::Link { url: file.path.to_string() },
            (Some(reason), _) => {
                let failure = |reason| Failure { field: field.field.clone(), reason };
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

/// Makes a record of values. The values themselves are kept where a record that is there may have to be compared with them.
fn finish(
    job: &Job,
    scratch: &Scratch,
    subject: Subject<'_>,
    evaluated: Evaluated<'_>,
    keeps_values: bool,
) -> Result<Computed, EngineError> {
    let Files { uploads, mut failures, left_out, skip } = files(job, scratch, &evaluated.values)?;
    let body = match job.encode_text(&evaluated.values) {
        Ok(body) => body,
        Err(failed) => {
            failures.extend(failed);
            Body::default()
        }
    };
    if !failures.is_empty() {
        return Ok(Computed::Fails(failures));
    }
    if let Some(reason) = skip {
        return Ok(Computed::Skip(reason));
    }
    let repairs = evaluated.repairs.into_iter().map(|repair| (repair.field, repair.reason));
    let repairs = repairs.chain(left_out.into_iter().map(|failure| (failure.field, failure.reason)));
    let repairs = repairs.map(|(field, reason)| RepairNote {
        key: subject.key.to_owned(),
        file: job.file.clone(),
        line: subject.line,
        field,
        reason,
    });
    let orphans = evaluated.orphans.into_iter().map(|orphan| OrphanNote {
        owner: orphan.owner.trim().to_lowercase(),
        key: subject.key.to_owned(),
        field: orphan.field,
        line: subject.line,
    });
    let values = if keeps_values { evaluated.values } else { Vec::new() };
    let values = values.into_iter().map(|(index, value)| (index, value.into_owned())).collect();
    let item = Item {
        uploads,
        repairs: repairs.collect(),
        orphans: orphans.collect(),
        values,
        ..Item::new(subject.key.to_owned(), subject.line, job.ids.record(&job.stage.id, subject.key))
    };
    Ok(Computed::Ready(Box::new(item.with_body(body))))
}

/// Rich texts that go in one request, in bytes: a server converts them while the request waits, at about a minute a mebibyte.
const RICH_TEXT: usize = 1 << 20;

/// How large the bodies of a batch may be together, by the largest request and by whether they hold rich text.
fn most_bytes(request: Option<u64>, converts: bool) -> usize {
    let bytes = request.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    // Room for ids and the brackets around the records.
    let bytes = bytes / 10 * 9;
    if converts { bytes.min(RICH_TEXT) } else { bytes }
}

/// Fills batches up to what one request takes.
pub(crate) struct Packer {
    records: usize,
    bytes: usize,
    new: Vec<Item>,
    new_bytes: usize,
    there: Vec<There>,
}

impl Packer {
    pub(crate) fn new(job: &Job) -> Self {
        let capabilities = job.context.destination.capabilities();
        let converts = job.stage.fields.iter().any(|field| field.ty == FieldType::Richtext);
        Self {
            records: capabilities.batch_size.max(1),
            bytes: most_bytes(capabilities.body_bytes, converts),
            new: Vec::new(),
            new_bytes: 0,
            there: Vec::new(),
        }
    }

    /// Takes a new record; a batch that is full comes back.
    pub(crate) fn add_new(&mut self, mut item: Item) -> Option<Batch> {
        item.values = Vec::new();
        let is_over = !self.new.is_empty() && self.new_bytes.saturating_add(item.size) > self.bytes;
        let full = is_over.then(|| self.take_new());
        self.new_bytes = self.new_bytes.saturating_add(item.size);
        self.new.push(item);
        if full.is_none() && self.new.len() >= self.records { Some(self.take_new()) } else { full }
    }

    fn add_there(&mut self, item: Item, deleted: bool) -> Option<Batch> {
        self.there.push(There { item, deleted });
        (self.there.len() >= self.records).then(|| Batch::There(std::mem::take(&mut self.there)))
    }

    fn take_new(&mut self) -> Batch {
        self.new_bytes = 0;
        Batch::New(std::mem::take(&mut self.new))
    }

    /// What is left.
    pub(crate) fn rest(&mut self) -> Vec<Batch> {
        let mut rest = Vec::new();
        if !self.there.is_empty() {
            rest.push(Batch::There(std::mem::take(&mut self.there)));
        }
        if !self.new.is_empty() {
            rest.push(self.take_new());
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::most_bytes;

    #[test]
    fn long_notes_go_in_small_batches_and_other_records_fill_the_request() {
        assert_eq!(most_bytes(Some(10 << 20), false), (10 << 20) / 10 * 9);
        assert_eq!(most_bytes(Some(10 << 20), true), 1 << 20);
        assert_eq!(most_bytes(Some(1000), true), 900);
    }
}
