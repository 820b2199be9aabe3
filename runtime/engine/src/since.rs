//! Effect of going on, with a changed plan or over a later export, on the records that are written: every one of them is derived anew where an effect
//! differs, and compared with what the journal says was written. Nothing is written. The destination is asked about records that were there before, where
//! nothing was written to a field that differs, and about others where that is asked for.

mod comparing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use migr_journal::{Reader, State, StepId};
use migr_plan::{Effect, Plan, Stage, StageEffect, Step};
use migr_report::words::{count, grouped};
use serde::{Deserialize, Serialize};

use crate::stamps::Stamps;
use crate::steps::changes::looks_under_way;
use crate::trial::Trial;
use crate::{Context, EngineError, opening};
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::slice::Slice;

pub(crate) use comparing::digest;
use comparing::{Compared, Manner, derive};

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
    /// Records of them whose field would be empty: the export has no value any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cleared: u64,
    /// Records that would get a value where nothing was written.
    pub filled: u64,
    /// Records whose field somebody changed in the destination since: they go by `on conflict`. Counted where the destination is asked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub conflicts: u64,
}

/// Keys of records whose field stays that are named.
const NAMED: usize = 5;

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
    /// Fields that its records were written with and that the map has no more; what was written stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmapped: Vec<String>,
    /// Links of written records that would be made.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub links_new: u64,
    /// Links that were made and that nothing says any more; they stay.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub links_gone: u64,
    /// Records by a field that says something else now and is written once alone: a file, or a field that is set when a record is created.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, u64>,
    /// Keys of these records, the first of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_keys: BTreeMap<String, Vec<String>>,
    /// Records by a field that keeps what was written, though the export has no value any more: they were there before, and nothing empties them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, u64>,
    /// Records by a field that keeps what was written, since the export has a value that cannot be taken and is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<String, u64>,
    /// Fields that are new to its records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh: Vec<String>,
    /// Fields that records which were there before are looked at for where nothing was written to them: what they say may be another thing now.
    #[serde(skip)]
    pub looks: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Records that going on would change, and the plans that written records may be of.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Lines of the records, by stage.
    pub(crate) rows: Slice,
    /// The plans.
    pub(crate) before: Vec<Plan>,
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

    /// The number is of the two plans alone: it stays while a sample brings some records to the later one.
    fn closed(mut self, before: &[Effect], after: &Effect) -> Self {
        let mut before: Vec<String> =
            before.iter().filter(|effect| effect != &after).map(|effect| effect.digest.to_string()).collect();
        before.sort();
        before.dedup();
        let hash = blake3::hash(format!("{}\n{}", before.join("\n"), after.digest).as_bytes()).to_hex();
        self.hash = hash.chars().take(Self::HASH).collect();
        self
    }
}

impl MapSince {
    /// Differences of spec and export that nothing changes, in words that follow the map's name.
    pub fn stays_in_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (field, records) in &self.left {
            let mut named: Vec<String> = self.left_keys.get(field).into_iter().flatten().cloned().collect();
            let others = records.saturating_sub(named.len() as u64);
            if !named.is_empty() && others > 0 {
                named.push(format!("{} more", grouped(others)));
            }
            words.push(format!(
                ".{}: {} would get another value; it is written once alone and stays{}{}",
                migr_escape::line(field),
                count(*records, "record", "records"),
                if named.is_empty() { "" } else { ": " },
                migr_escape::line(&named.join("; "))
            ));
        }
        for field in &self.unmapped {
            words.push(format!(".{}: written no more; what was written there stays", migr_escape::line(field)));
        }
        words.extend(self.failed.iter().map(|(field, records)| migr_report::kept_as_written(field, *records)));
        for (field, records) in &self.kept {
            words.push(format!(
                ".{}: {} what was written (`on empty keep`)",
                migr_escape::line(field),
                count(
                    *records,
                    "record that was there before has no value now and keeps",
                    "records that were there before have no value now and keep"
                ),
            ));
        }
        if self.links_gone > 0 {
            let links = count(self.links_gone, "link", "links");
            words.push(format!(": {links} that nothing says any more; what was linked stays linked"));
        }
        words
    }

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

/// Manner of a comparison.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// The export is a later one: every map is derived anew.
    pub is_later_export: bool,
    /// The destination is asked what the records hold that would change, and what somebody changed there since is counted.
    pub of_destination: bool,
}

/// Compares a plan with those that written records may be of: the one that the journal was last used with, and others where a sample tried one. Without any, and
/// over a later export, every map is derived anew.
pub async fn since(context: &Context, before: &[Plan], asked: Asked) -> Result<(Since, Touched), EngineError> {
    let after = context.plan.effect();
    let effects: Vec<Effect> = before.iter().map(Plan::effect).collect();
    let reader = context.journal.reader()?;
    let mut since = Since::default();
    let stamps = Stamps::read(&reader)?;
    let trial = Trial::of(&reader)?;
    let is_tried = trial != Trial::default();
    let mut rows = Slice::default();
    let is_elsewhere = effects.iter().any(|effect| effect.destination != after.destination);
    context.destination.known_schema().await?;
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
        let Some(now) = after.stages.get(&stage.id) else { continue };
        let known: Vec<Option<&StageEffect>> = effects.iter().map(|effect| effect.stages.get(&stage.id)).collect();
        let is_same = !known.is_empty() && known.iter().all(|known| *known == Some(now));
        if is_same && !is_elsewhere && !asked.is_later_export {
            continue;
        }
        let step = reader.step(&stage.id)?;
        let written = step.map_or(Ok(0), |step| written(&reader, step))?;
        let is_fresh = |name: &&String| known.iter().flatten().any(|known| !known.fields.contains_key(*name));
        let under_way = looks_under_way(stage, &reader)?;
        let may_differ = |name: &String| {
            let is_other =
                |known: &&StageEffect| known.policies != now.policies || known.fields.get(name) != now.fields.get(name);
            asked.is_later_export || under_way.contains(name) || known.iter().flatten().any(is_other)
        };
        let mut map = MapSince {
            map: stage.map.clone(),
            written,
            quarantined: step.map_or(Ok(0), |step| open(&reader, &stage.id, step, is_tried))?,
            is_new: step.is_none(),
            fresh: now.fields.keys().filter(is_fresh).cloned().collect(),
            looks: now.fields.keys().filter(|name| may_differ(name)).cloned().collect(),
            ..MapSince::default()
        };
        if written > 0 {
            let former: BTreeSet<&String> = known.iter().flatten().flat_map(|known| known.fields.keys()).collect();
            map.unmapped = former.into_iter().filter(|name| !now.fields.contains_key(*name)).cloned().collect();
            map.identity = known.iter().flatten().find_map(|known| identity(stage, known, now));
            if is_elsewhere {
                map.identity = Some("the records would go to another destination".to_owned());
            }
        }
        if let (Some(step), None, true) = (step, &map.identity, written > 0) {
            let selects = known.is_empty()
                || known.iter().any(|known| known.is_none_or(|known| known.selection != now.selection));
            let manner = Manner { selects, counts_conflicts: asked.of_destination, stamps: &stamps };
            let compared: Compared = derive(&deciding, (stage, step), world, map, manner).await?;
            (world, map) = (compared.world, compared.map);
            rows.add(&stage.id, compared.touched);
        }
        since.maps.push(map);
    }
    let mut gone: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, stage) in effects.iter().flat_map(|effect| &effect.stages) {
        if !after.stages.contains_key(id) {
            gone.insert(id, &stage.map);
        }
    }
    for (id, map) in gone {
        let Some(step) = reader.step(id)? else { continue };
        let written = written(&reader, step)?;
        if written > 0 {
            let why = "the map is there no more; a map that got another name says `formerly`".to_owned();
            since.maps.push(MapSince { map: map.to_owned(), written, identity: Some(why), ..MapSince::default() });
        }
    }
    trial.add_to(&mut rows);
    Ok((since.closed(&effects, &after), Touched { rows, before: before.to_vec() }))
}

/// Reason why the records of a map would be other ones.
fn identity(stage: &Stage, known: &StageEffect, now: &StageEffect) -> Option<String> {
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

/// Records of a step that are tried again: quarantined ones, and in a trial those that were let go for it and have no outcome yet.
fn open(reader: &Reader, stage: &str, step: StepId, is_tried: bool) -> Result<u64, EngineError> {
    let quarantined = reader.count(step, State::Quarantined)? + reader.count(step, State::Uncertain)?;
    if !is_tried {
        return Ok(quarantined);
    }
    let fold = reader.fold()?;
    let known = fold.steps.iter().find(|known| known.name == stage);
    let without = known.map_or(0, |known| known.read.unwrap_or_default().saturating_sub(known.counts.sum()));
    Ok(quarantined + without)
}

/// The step that changes a stage's written records.
pub(crate) fn changes_of(stage: &Stage) -> Step {
    Step::changes(&stage.id)
}
