//! Comparison of a stage's written records, and of its links, with what spec and export say now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use migr_decide::cells::Lent;
use migr_decide::changes::{
    Difference, DifferenceKind, clears, differences, failed_since, kept_there, left_as_written,
};
use migr_decide::conflicts::{ChangedRecord, FieldDecision, decide};
use migr_decide::decision::shown;
use migr_decide::expected::{Derived, Expected, ExpectedLink};
use migr_decide::outcomes::{DecisionContext, Outcomes};
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::{Claim, StageRun};
use migr_decide::written::LINK_KEY_SEPARATOR;
use migr_extract::Row;
use migr_journal::{Reader, StepId, WrittenReader};
use migr_plan::{Stage, Step};
use migr_spill::RowSet;
use tokio::sync::mpsc;

use super::{FieldSince, MapSince, NAMED};
use crate::EngineError;
use crate::shared::joined;
use crate::stamps::{Stamps, is_changed};
use crate::steps::changes::{WritingSteps, held_before, indices};

/// Batches that wait to be asked for.
const READY: usize = 2;

/// Links of the journal that are read together.
const TOGETHER: usize = 2000;

/// Result of comparing a stage's records.
pub(super) struct Compared {
    /// The world that was lent.
    pub(super) world: RecordLookup,
    /// The map, counted.
    pub(super) map: MapSince,
    /// Lines of the records that going on would change.
    pub(super) touched: RowSet,
}

/// Manner of comparing a stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'m> {
    /// Rows may be the stage's no more.
    pub(super) selects: bool,
    /// Times up to which the migration wrote.
    pub(super) stamps: &'m Stamps,
    /// The destination is asked about every record that differs; otherwise about those alone whose own value tells.
    pub(super) counts_conflicts: bool,
}

/// Record whose outcome the destination tells.
struct AskedRecord {
    record: ChangedRecord,
    /// True where the journal alone tells that it would change.
    is_counted: bool,
}

/// Counts of what the destination told.
#[derive(Default)]
struct Answered {
    /// Records by a field that somebody changed since it was written.
    conflicts: BTreeMap<String, u64>,
    /// Records by a field that nothing was written to before: those that hold another value, and those that hold none.
    untold: BTreeMap<String, FieldSince>,
    /// Records that would change for such fields alone.
    records: u64,
    /// Their lines.
    touched: RowSet,
}

/// Derives the written records of a stage anew.
pub(super) async fn derive(
    deciding: &DecisionContext,
    (stage, step): (&Stage, StepId),
    world: RecordLookup,
    mut map: MapSince,
    manner: Manner<'_>,
) -> Result<Compared, EngineError> {
    let Outcomes::Journal(journal) = &deciding.outcomes else {
        return Ok(Compared { world, map, touched: RowSet::default() });
    };
    let job = Arc::new(StageRun::new(deciding, stage, step)?);
    let journal = journal.lock().path().to_owned();
    let (fresh, looks) = (indices(stage, &map.fresh), indices(stage, &map.looks));
    let (hand_on, mut ready) = mpsc::channel(READY);
    let (selects, counts_conflicts) = (manner.selects, manner.counts_conflicts);
    let run = Arc::clone(&job);
    let deriving = tokio::task::spawn_blocking(move || {
        let steps = WritingSteps::of(&job, &world.reader)?;
        let mut comparing = Comparing {
            job: &job,
            world: &world,
            written: WrittenReader::new(Reader::open(&journal)?),
            steps: &steps,
            fresh: &fresh,
            looks: &looks,
            links: HashMap::new(),
            touched: RowSet::default(),
            asked: hand_on,
            counts_conflicts,
            waiting: Vec::new(),
        };
        let mut failed = Ok(());
        steps.derivation(Arc::clone(&job), looks.clone()).produce(&world, &mut |derived| {
            failed = comparing.take(derived, &mut map);
            failed.is_ok()
        })?;
        failed?;
        comparing.ask();
        map.links_gone = comparing.links_gone(&Reader::open(&journal)?)?;
        let touched = comparing.touched;
        if selects {
            let left = left_behind(&job, &world)?;
            if left > 0 {
                map.identity = Some(format!("{left} of its written records would be the map's no more"));
            }
        }
        Ok::<_, EngineError>(Compared { world, map, touched })
    });
    let mut answered = Answered::default();
    let mut seen = Ok(());
    while let Some(records) = ready.recv().await {
        seen = count_answers(&run, &records, manner, &mut answered).await;
        if seen.is_err() {
            break;
        }
    }
    drop(ready);
    let compared = joined(deriving.await);
    seen?;
    let mut compared = compared?;
    for (field, records) in answered.conflicts {
        compared.map.fields.entry(field).or_default().conflicts = records;
    }
    for (field, untold) in answered.untold {
        let counts = compared.map.fields.entry(field).or_default();
        counts.values += untold.values;
        counts.cleared += untold.cleared;
        counts.filled += untold.filled;
    }
    compared.map.records += answered.records;
    compared.touched.extend(&answered.touched);
    Ok(compared)
}

/// Counts the fields that somebody changed in the destination since they were written, or those that nothing was written to, as the step that changes records
/// decides about them.
async fn count_answers(
    job: &StageRun,
    records: &[AskedRecord],
    manner: Manner<'_>,
    answered: &mut Answered,
) -> Result<(), EngineError> {
    let object = &job.stage.destination_object;
    let mut ids: Vec<String> = records.iter().map(|asked| asked.record.expected.id.clone()).collect();
    ids.sort_unstable();
    let found = job.context.destination.fetch_written(object, &ids).await?;
    for AskedRecord { record, is_counted } in records {
        let Some(there) = found.iter().find(|found| found.id == record.expected.id) else { continue };
        let is_touched = is_changed(manner.stamps, object, there);
        let mut changes = false;
        for (field, decision) in decide(job, record, (&there.values, is_touched)) {
            if manner.counts_conflicts && matches!(decision, FieldDecision::Conflict(_)) {
                *answered.conflicts.entry(field.field.clone()).or_default() += 1;
            }
            let Some((difference, is_overwritten)) = record.difference_of(job, field, &there.values) else { continue };
            let stays = matches!(decision, FieldDecision::Holds | FieldDecision::Stays);
            if difference.kind == DifferenceKind::Untold && !stays {
                let counts = answered.untold.entry(field.field.clone()).or_default();
                counts.values += u64::from(is_overwritten);
                counts.filled += u64::from(!is_overwritten);
                counts.cleared += u64::from(clears(job, &record.expected, &record.held, difference.index));
                changes = true;
            }
        }
        if changes && !is_counted {
            answered.records += 1;
            answered.touched.insert(record.expected.line);
        }
    }
    Ok(())
}

/// Comparison of a stage's records with what was written.
struct Comparing<'c> {
    job: &'c StageRun,
    world: &'c RecordLookup,
    written: WrittenReader,
    steps: &'c WritingSteps,
    fresh: &'c [usize],
    looks: &'c [usize],
    /// Digests of the keys of the links that should be, by index in the stage's links.
    links: HashMap<usize, HashSet<u64>>,
    touched: RowSet,
    /// Whoever asks the destination what records hold.
    asked: mpsc::Sender<Vec<AskedRecord>>,
    counts_conflicts: bool,
    waiting: Vec<AskedRecord>,
}

impl Comparing<'_> {
    /// Hands the records on that wait to be asked for.
    fn ask(&mut self) {
        if !self.waiting.is_empty() {
            // Where nobody takes them, asking has failed, and says so.
            let _ = self.asked.blocking_send(std::mem::take(&mut self.waiting));
        }
    }

    fn take(&mut self, derived: Derived, map: &mut MapSince) -> Result<(), EngineError> {
        match derived {
            Derived::Links(index, links) => self.links(index, &links, map)?,
            Derived::Fails { line, .. } => {
                map.fails += 1;
                self.touched.insert(line);
            }
            Derived::Records(records) => {
                for expected in records {
                    self.record(expected, map)?;
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, expected: Expected, map: &mut MapSince) -> Result<(), EngineError> {
        let of = self.written.of(&self.steps.all, &expected.key)?;
        let held = held_before(self.job, self.world, &expected)?;
        let all = differences(self.job, &expected, &of, &held, self.looks);
        let (untold, differences): (Vec<Difference>, Vec<Difference>) =
            all.iter().partition(|difference| difference.kind == DifferenceKind::Untold);
        if !differences.is_empty() {
            map.records += 1;
            self.touched.insert(expected.line);
        }
        for difference in &differences {
            let Some(field) = self.job.stage.fields.get(difference.index) else { continue };
            let counts = map.fields.entry(field.field.clone()).or_default();
            match difference.kind {
                DifferenceKind::Fresh | DifferenceKind::Untold => counts.filled += 1,
                // Setup is to make the field yet.
                DifferenceKind::Value if self.fresh.contains(&difference.index) => counts.filled += 1,
                DifferenceKind::Value => {
                    counts.values += 1;
                    counts.cleared += u64::from(clears(self.job, &expected, &held, difference.index));
                }
            }
        }
        for index in failed_since(self.job, &expected, &of) {
            let Some(field) = self.job.stage.fields.get(index) else { continue };
            *map.failed.entry(field.field.clone()).or_default() += 1;
        }
        for index in kept_there(self.job, &expected, &of) {
            let Some(field) = self.job.stage.fields.get(index) else { continue };
            *map.kept.entry(field.field.clone()).or_default() += 1;
        }
        for index in left_as_written(self.job, self.world, &expected, &of)? {
            let Some(field) = self.job.stage.fields.get(index) else { continue };
            *map.left.entry(field.field.clone()).or_default() += 1;
            if !self.job.object.has_sensitive_key() {
                let named = map.left_keys.entry(field.field.clone()).or_default();
                if named.len() < NAMED {
                    named.push(shown(&expected.key));
                }
            }
        }
        let is_counted = !differences.is_empty();
        let differences = if self.counts_conflicts { all } else { untold };
        if !differences.is_empty()
            && let Some(mapped) = self.world.reader.id_of(self.job.step, &expected.key)?
        {
            let record = ChangedRecord { state: mapped.state, expected, differences, written: of, held };
            self.waiting.push(AskedRecord { record, is_counted });
            if self.waiting.len() >= self.job.context.destination.capabilities().page_size.max(1) {
                self.ask();
            }
        }
        Ok(())
    }

    fn links(&mut self, index: usize, links: &[ExpectedLink], map: &mut MapSince) -> Result<(), EngineError> {
        let step = self.step_of(index)?;
        for link in links {
            let is_new = match step {
                Some(step) => self.world.reader.id_of(step, &link.key)?.is_none(),
                None => true,
            };
            if self.links.entry(index).or_default().insert(digest(&link.key)) && is_new {
                map.links_new += 1;
                self.touched.insert(link.line);
            }
        }
        Ok(())
    }

    fn step_of(&self, index: usize) -> Result<Option<StepId>, EngineError> {
        let Some(link) = self.job.stage.links.get(index) else { return Ok(None) };
        Ok(self.world.reader.find(&Step::links(&self.job.stage.id, link))?)
    }

    /// Number of links that were made and that nothing says any more. Those of records that the export has no more are not among them.
    fn links_gone(&self, reader: &Reader) -> Result<u64, EngineError> {
        let (mut gone, none) = (0, HashSet::new());
        for index in 0..self.job.stage.links.len() {
            let Some(step) = self.step_of(index)? else { continue };
            let said = self.links.get(&index).unwrap_or(&none);
            let mut after: Option<String> = None;
            loop {
                let rows = reader.rows_after(step, after.as_deref(), TOGETHER)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                for row in rows.iter().filter(|row| row.mapped.id.is_some() && !said.contains(&digest(&row.key))) {
                    let owner = row.key.split(LINK_KEY_SEPARATOR).next().unwrap_or_default();
                    gone += u64::from(reader.fate(self.job.step, owner)?.is_none());
                }
            }
        }
        Ok(gone)
    }
}

/// Number that stands for a key: of a thousand million hardly two share one.
pub(crate) fn digest(key: &str) -> u64 {
    blake3::hash(key.as_bytes()).as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes)
}

/// Written records whose rows are the stage's no more.
fn left_behind(job: &StageRun, world: &RecordLookup) -> Result<u64, EngineError> {
    let mut left = 0;
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let cells = Lent(record);
        if migr_decide::written::written(job, world, record.line, &cells)?.is_some()
            && !matches!(job.claim(&cells, world)?, Claim::Mine)
        {
            left += 1;
        }
    }
    Ok(left)
}
