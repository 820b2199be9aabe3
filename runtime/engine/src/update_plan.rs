//! Update plan of a batch: records that are in the destination already come out of the trash, are read, and are sorted by what is to be done with them.

use std::collections::{BTreeMap, BTreeSet};

use migr_decide::families::is_empty;
use migr_decide::outcomes::Outcomes;
use migr_decide::preview::{KEPT, OUTDONE};
use migr_decide::record_write::{ExistingRecord, RecordWrite};
use migr_decide::stage_run::StageRun;
use migr_decide::there::{
    before_update, changed, differing, held, is_empty_there, json, kept, outdone, preview, stamped, stays,
};
use migr_journal::{BeforeImage, Change, Intent, Operation, RecordResult, RepairNote, Settled, State, StepId};
use migr_load::{Body, Deleted, Found, Map};
use migr_plan::ReasonCode;

use crate::EngineError;

/// Plan for a batch of records that are there.
#[derive(Debug, Default)]
pub(crate) struct UpdatePlan {
    /// Those to change, with nothing but what changes.
    pub(crate) change: Vec<RecordWrite>,
    /// Those to create after all: their twin in the trash was destroyed.
    pub(crate) create: Vec<RecordWrite>,
    /// Changes that are journaled with the intent: what the records held before, and those that are up to date.
    pub(crate) with: Vec<Change>,
    /// Records that are as they should be.
    pub(crate) unchanged: Vec<RecordWrite>,
}

/// Takes records out of the trash or destroys them, reads the others, and sorts them by what is to be done.
pub(crate) async fn plan_updates(
    job: &StageRun,
    step: StepId,
    batch: Vec<ExistingRecord>,
) -> Result<UpdatePlan, EngineError> {
    let mut sorted = UpdatePlan::default();
    let (trashed, mut items): (Vec<ExistingRecord>, Vec<ExistingRecord>) =
        batch.into_iter().partition(|there| there.deleted);
    let (replace, restore): (Vec<ExistingRecord>, Vec<ExistingRecord>) =
        trashed.into_iter().partition(|there| there.item.replaces.is_some());
    if !replace.is_empty() {
        let pairs: Vec<(RecordWrite, String)> = replace
            .into_iter()
            .map(|there| {
                let twin = there.item.replaces.clone().unwrap_or_default();
                (there.item, twin)
            })
            .collect();
        remove(job, step, Operation::Destroy, pairs.iter().map(|(item, twin)| (item, twin.as_str()))).await?;
        sorted.create.extend(pairs.into_iter().map(|(item, _)| item));
    }
    let restored: BTreeSet<String> = restore.iter().map(|there| there.item.id.clone()).collect();
    if !restore.is_empty() {
        remove(job, step, Operation::Restore, restore.iter().map(|there| (&there.item, there.item.id.as_str())))
            .await?;
        items.extend(restore);
    }
    let ids: Vec<String> = items.iter().map(|there| there.item.id.clone()).collect();
    let object = &job.stage.destination_object;
    let found: BTreeMap<String, Found> = job
        .context
        .destination
        .fetch_written(object, &ids)
        .await?
        .into_iter()
        .map(|found| (found.id.clone(), found))
        .collect();
    let destination = &job.context.destination;
    let (mut before, mut notes) = (Vec::new(), Vec::new());
    for ExistingRecord { item, .. } in items {
        if step == job.step && !item.is_ours && item.id == job.ids.record(&job.stage.id, &item.key) {
            before.push(migr_deliver::bears_our_id(step, &item.key, &item.id));
        }
        let Some(found) = found.get(&item.id) else {
            // Somebody removed it since it was looked up: it is new after all.
            let id = job.ids.record(&job.stage.id, &item.key);
            sorted.create.push(RecordWrite { id, values: Vec::new(), ..item });
            continue;
        };
        let fields = if item.is_ours {
            differing(job, &item.values, &found.values)
        } else {
            notes.extend(stay_notes(job, &item, &found.values)?);
            changed(job, &item.values, &found.values)
        };
        let body: Map = fields.iter().flat_map(|write| write.native.clone()).collect();
        if let Some(forecast) = job.context.outcomes.forecast()
            && !item.is_ours
        {
            let stay = stays(job, &item.values, &found.values);
            forecast.stays(job.step, (&item.key, item.line, &item.id), stay)?;
        }
        if body.is_empty() {
            sorted.unchanged.push(item);
            continue;
        }
        let changes = match job.context.outcomes.forecast() {
            Some(forecast) => preview(job, forecast, &fields, &found.values)?,
            None => Vec::new(),
        };
        let held = held(&found.values, &body);
        let image = stamped(&**destination, &held, &found.values);
        before.push(before_update(step, (&item.key, &item.id), &image, &body));
        let before = Body::from(&held).digest();
        let item = RecordWrite { values: Vec::new(), uploads: Vec::new(), before, changes, ..item };
        sorted.change.push(item.with_body(Body::from(body)));
    }
    if !before.is_empty() {
        sorted.with.push(Change::Before(before));
    }
    if !notes.is_empty() {
        sorted.with.push(Change::Repairs { step, repairs: notes });
    }
    if !sorted.unchanged.is_empty() {
        let known = job.context.outcomes.knowledge()?;
        let mut records = Vec::with_capacity(sorted.unchanged.len());
        for item in &sorted.unchanged {
            // An update or a way out of the trash that was sent, and whose answer a crash swallowed, leaves nothing to change.
            let is_sent = |operation| Ok::<_, EngineError>(known.before_image(step, &item.id, operation)?.is_some());
            let was_sent = restored.contains(&item.id) || is_sent(Operation::Update)? || is_sent(Operation::Restore)?;
            records.push(Settled {
                step,
                key: item.key.clone(),
                line: item.line,
                state: if was_sent { State::Updated } else { State::Unchanged },
                id: Some(item.id.clone()),
                winner: None,
            });
        }
        sorted.with.push(Change::Settled { records, quarantine: Vec::new(), skips: Vec::new() });
    }
    Ok(sorted)
}

/// Notes on the values of a record that stay, since the export has none, or although it has another one. What a rule left out has its own note.
fn stay_notes(job: &StageRun, item: &RecordWrite, found: &Map) -> Result<Vec<RepairNote>, EngineError> {
    let is_left_out = |field: &String| item.repairs.iter().any(|repair| repair.field == *field);
    let note = |(field, (code, reason)): (String, (ReasonCode, &str))| RepairNote {
        code: Some(code.to_string()),
        key: item.key.clone(),
        file: job.file.clone(),
        line: item.line,
        field,
        reason: reason.to_owned(),
    };
    let kept = kept(job, &item.values, found).into_iter().filter(|field| !is_left_out(field));
    let outdone = outdone(job, &item.values, found).into_iter().chain(filled_by_then(job, item, found)?);
    let kept = kept.map(|field| (field, (ReasonCode::R201, KEPT)));
    Ok(kept.chain(outdone.map(|field| (field, (ReasonCode::R202, OUTDONE)))).map(note).collect())
}

/// Fields that are written once, of a record that an earlier map would make without them: the destination has filled them when a run comes to this one.
fn filled_by_then(job: &StageRun, item: &RecordWrite, found: &Map) -> Result<Vec<String>, EngineError> {
    let Some(forecast) = job.context.outcomes.forecast() else { return Ok(Vec::new()) };
    let fields = item.values.iter().filter_map(|(at, value)| Some((job.stage.fields.get(*at)?, value)));
    let once = fields
        .filter(|(field, value)| field.create_only && !is_empty(value) && is_empty_there(job, field, value, found));
    let once: Vec<String> = once.map(|(field, _)| field.field.clone()).collect();
    let is_made = !once.is_empty() && forecast.coming(&job.stage.destination_object, &item.id)?.is_some();
    Ok(if is_made { once } else { Vec::new() })
}

/// Takes records out of the trash, or destroys them; intent before, outcome after.
async fn remove(
    job: &StageRun,
    step: StepId,
    operation: Operation,
    records: impl Iterator<Item = (&RecordWrite, &str)>,
) -> Result<(), EngineError> {
    let records: Vec<(&RecordWrite, &str)> = records.collect();
    let (destination, object) = (&job.context.destination, &job.stage.destination_object);
    // What the trash said of them, which to take them out forgets.
    let stamps = match operation {
        Operation::Restore if !destination.stamps().is_empty() => {
            let ids: Vec<String> = records.iter().map(|(_, id)| (*id).to_owned()).collect();
            destination.fetch(object, &ids, Deleted::Trashed).await?
        }
        _ => Vec::new(),
    };
    let mut planned = Vec::new();
    let mut images = Vec::new();
    for (item, id) in records {
        let there = stamps.iter().find(|found| found.id == id);
        let image = there.map(|found| stamped(&**destination, &Map::new(), &found.values)).unwrap_or_default();
        planned.push(migr_journal::Planned { id: id.to_owned(), digest: String::new(), ..item.planned() });
        images.push(BeforeImage {
            step,
            key: item.key.clone(),
            id: id.to_owned(),
            operation,
            image: json(&image),
            written: "{}".to_owned(),
        });
    }
    let ids: Vec<String> = planned.iter().map(|record| record.id.clone()).collect();
    let Outcomes::Journal(journal) = &job.context.outcomes else {
        // Nothing is done in a forecast: the destination is told how it would be.
        match operation {
            Operation::Restore => destination.restore(object, &ids).await?,
            _ => drop(destination.destroy(object, &ids).await?),
        }
        return Ok(());
    };
    let results = vec![RecordResult { attempts: 1, ..RecordResult::default() }; planned.len()];
    let batch = journal.lock().next_batch();
    let intent = Intent { batch, step, operation, records: planned };
    journal.write_later(vec![Change::Before(images), Change::Intent(intent)]).await?;
    if operation == Operation::Restore {
        job.context.destination.restore(object, &ids).await?;
    } else {
        job.context.destination.destroy(object, &ids).await?;
    }
    Ok(journal.write_later(vec![Change::Outcome { batch, results, quarantine: Vec::new() }]).await?)
}
