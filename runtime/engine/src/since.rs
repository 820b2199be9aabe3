//! Effect of going on, with a changed plan or over a later export, on the records that are written: every one of them is derived anew where an effect
//! differs, and compared with what the journal says was written. Nothing is written, and no record of the destination is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{Reader, State, StepId, WrittenReader};
use migr_plan::{Effect, Plan, Stage, StageEffect, Step};
use serde::{Deserialize, Serialize};

use crate::shared::blocking;
use crate::steps::changes::{WritingSteps, held_before, indices};
use crate::{Context, EngineError, opening};
use migr_decide::cells::Lent;
use migr_decide::changes::{DifferenceKind, differences};
use migr_decide::expected::Derived;
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::{Claim, StageRun};

/// Class of a change, by what it does to records that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeClass {
    /// Nothing.
    Text,
    /// New fields are filled, and what was quarantined is tried again.
    More,
    /// Fields get other values.
    Values,
    /// Records would be other ones.
    Identity,
}

/// A field that written records would hold otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSince {
    /// Records that would get another value.
    pub values: u64,
    /// Records that would get a value where nothing was written.
    pub filled: u64,
}

/// One map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapSince {
    /// Name of the map.
    pub map: String,
    /// Records that are written.
    pub written: u64,
    /// Records of them that would change.
    pub records: u64,
    /// Fields that would change, by name.
    pub fields: BTreeMap<String, FieldSince>,
    /// Records in quarantine, which are tried again.
    pub quarantined: u64,
    /// Written records whose values cannot be derived any more; they stay as they are.
    pub fails: u64,
    /// The map has written nothing yet.
    pub is_new: bool,
    /// Reason why its records would be other ones; absent: they would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Fields that are new to its records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh: Vec<String>,
}

/// Everything that going on would do to written records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// Maps whose effect differs, in the plan's order; then those that are there no more.
    pub maps: Vec<MapSince>,
    /// Number that a person accepts the change by.
    pub hash: String,
}

impl Since {
    /// Class of the whole change.
    pub fn class(&self) -> ChangeClass {
        self.maps.iter().map(MapSince::class).max().unwrap_or(ChangeClass::Text)
    }

    /// Digits by which a change is accepted.
    const HASH: usize = 8;

    /// True where a person means this change by a number.
    pub fn is_meant(&self, hash: &str) -> bool {
        hash.len() >= 4 && self.hash.starts_with(&hash.to_ascii_lowercase())
    }

    fn closed(mut self, before: Option<&Effect>, after: &Effect) -> Self {
        let before = before.map_or_else(String::new, |before| before.digest.to_string());
        let maps = serde_json::to_string(&self.maps).unwrap_or_default();
        let hash = blake3::hash(format!("{before}\n{}\n{maps}", after.digest).as_bytes()).to_hex();
        self.hash = hash.chars().take(Self::HASH).collect();
        self
    }
}

impl MapSince {
    /// Class of the map's change.
    pub fn class(&self) -> ChangeClass {
        if self.identity.is_some() {
            ChangeClass::Identity
        } else if self.fields.values().any(|field| field.values > 0) || self.fails > 0 {
            ChangeClass::Values
        } else {
            ChangeClass::More
        }
    }
}

/// Compares a plan with the one that the journal was last used with; without that one, and over a later export, every map is derived anew.
pub async fn since(context: &Context, before: Option<&Plan>, is_later_export: bool) -> Result<Since, EngineError> {
    let after = context.plan.effect();
    let effect = before.map(Plan::effect);
    let reader = context.journal.reader()?;
    let mut since = Since::default();
    let is_elsewhere = effect.as_ref().is_some_and(|effect| effect.destination != after.destination);
    context.destination.schema().await?;
    let owners = Arc::new(OwnerTable::load(&context.plan, &*context.destination).await?);
    let deciding = DecisionContext::from(context);
    let mut world = opening::world(&deciding, owners)?;
    opening::existing_records(&deciding, &mut world).await?;
    for stage in &context.plan.stages {
        if let Some(step) = reader.step(&stage.id)? {
            world.end_stage(&stage.id, step)?;
        }
    }
    for stage in &context.plan.stages {
        let known = effect.as_ref().and_then(|effect| effect.stages.get(&stage.id));
        let Some(now) = after.stages.get(&stage.id) else { continue };
        if known == Some(now) && !is_elsewhere && !is_later_export {
            continue;
        }
        let step = reader.step(&stage.id)?;
        let written = step.map_or(Ok(0), |step| written(&reader, step))?;
        let quarantined = step.map_or(Ok(0), |step| quarantined(&reader, step))?;
        let fresh: Vec<String> = match known {
            Some(known) => now.fields.keys().filter(|name| !known.fields.contains_key(*name)).cloned().collect(),
            None => Vec::new(),
        };
        let mut map = MapSince {
            map: stage.map.clone(),
            written,
            quarantined,
            is_new: step.is_none(),
            fresh,
            ..MapSince::default()
        };
        if written > 0 {
            map.identity = identity(stage, known, now, is_elsewhere);
        }
        if let (Some(step), None, true) = (step, &map.identity, written > 0) {
            let selects = known.is_none_or(|known| known.selection != now.selection);
            (world, map) = derive(&deciding, stage, step, world, map, selects).await?;
        }
        since.maps.push(map);
    }
    let gone = effect.iter().flat_map(|effect| &effect.stages).filter(|(id, _)| !after.stages.contains_key(*id));
    for (id, stage) in gone {
        let Some(step) = reader.step(id)? else { continue };
        let written = written(&reader, step)?;
        if written > 0 {
            let why = "the map is there no more; a map that got another name says `formerly`".to_owned();
            since.maps.push(MapSince { map: stage.map.clone(), written, identity: Some(why), ..MapSince::default() });
        }
    }
    Ok(since.closed(effect.as_ref(), &after))
}

/// Reason why the records of a map would be other ones.
fn identity(stage: &Stage, known: Option<&StageEffect>, now: &StageEffect, is_elsewhere: bool) -> Option<String> {
    if is_elsewhere {
        return Some("the records would go to another destination".to_owned());
    }
    let known = known?;
    (known.identity != now.identity).then(|| {
        format!("what tells the records of {} apart is another: key, object, `match`, `on duplicate`, `on cycle` or `on unidentified`", stage.map)
    })
}

/// Records of a step that are in the destination.
pub(crate) fn written(reader: &Reader, step: StepId) -> Result<u64, EngineError> {
    let mut written = 0;
    for state in [State::Created, State::Updated, State::Unchanged] {
        written += reader.count(step, state)?;
    }
    Ok(written)
}

fn quarantined(reader: &Reader, step: StepId) -> Result<u64, EngineError> {
    Ok(reader.count(step, State::Quarantined)? + reader.count(step, State::Uncertain)?)
}

/// Derives the written records of a stage anew.
async fn derive(
    deciding: &DecisionContext,
    stage: &Stage,
    step: StepId,
    world: RecordLookup,
    mut map: MapSince,
    selects: bool,
) -> Result<(RecordLookup, MapSince), EngineError> {
    let migr_decide::outcomes::Outcomes::Journal(journal) = &deciding.outcomes else { return Ok((world, map)) };
    let job = Arc::new(StageRun::new(deciding, stage, step)?);
    let journal = journal.lock().path().to_owned();
    let fresh = indices(stage, &map.fresh);
    blocking(move || {
        let steps = WritingSteps::of(&job, &world.reader)?;
        let comparing = Comparing {
            job: &job,
            world: &world,
            written: WrittenReader::new(Reader::open(&journal)?),
            steps: &steps,
            fresh: &fresh,
        };
        let mut failed = Ok(());
        steps.derivation(Arc::clone(&job), fresh.clone()).produce(&world, &mut |derived| {
            failed = comparing.take(derived, &mut map);
            failed.is_ok()
        })?;
        failed?;
        if selects {
            let left = left_behind(&job, &world)?;
            if left > 0 {
                map.identity = Some(format!("{left} of its written records would be the map's no more"));
            }
        }
        Ok((world, map))
    })
    .await
}

/// Comparison of a stage's records with what was written.
struct Comparing<'c> {
    job: &'c StageRun,
    world: &'c RecordLookup,
    written: WrittenReader,
    steps: &'c WritingSteps,
    fresh: &'c [usize],
}

impl Comparing<'_> {
    fn take(&self, derived: Derived, map: &mut MapSince) -> Result<(), EngineError> {
        let records = match derived {
            Derived::Links(..) => return Ok(()),
            Derived::Fails { .. } => {
                map.fails += 1;
                return Ok(());
            }
            Derived::Records(records) => records,
        };
        for expected in records {
            let of = self.written.of(&self.steps.all, &expected.key)?;
            let held = held_before(self.job, self.world, &expected)?;
            let differences = differences(self.job, &expected, &of, &held, self.fresh);
            map.records += u64::from(!differences.is_empty());
            for difference in differences {
                let Some(field) = self.job.stage.fields.get(difference.index) else { continue };
                let counts = map.fields.entry(field.field.clone()).or_default();
                match difference.kind {
                    DifferenceKind::Fresh => counts.filled += 1,
                    DifferenceKind::Value => counts.values += 1,
                }
            }
        }
        Ok(())
    }
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

/// The step that changes a stage's written records.
pub(crate) fn changes_of(stage: &Stage) -> Step {
    Step::changes(&stage.id)
}
