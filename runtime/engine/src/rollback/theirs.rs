//! Changes that other people made since to the records that a rollback would destroy, and records of others that refer
//! to these.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use migr_decide::referrers::{Way, ways};
use migr_decide::vanished::{GOING, TRASHED};
use migr_journal::{Operation, StepId, StepRow, Written, WrittenReader};
use migr_load::{Deleted, Found, Listing, Map, Schema};
use migr_plan::{Step, StepKind};
use migr_spill::{MadeRecords, SpillError};
use serde_json::Value;

use super::Back;
use crate::EngineError;
use crate::held_otherwise::changed_by_others;
use crate::stamps::Stamps;
use crate::steps::changes::WritingSteps;

/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;
/// Records of an object that are read whole, however few of them are ours.
const READ_WHOLE: u64 = 10_000;
/// Ids that are read together.
const PAGE: u32 = 2000;

/// Policy of a rollback for a record that was created, and that other people changed or refer to since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangedPolicy {
    /// Record is left and listed until a person decides.
    #[default]
    List,
    /// Record stays, and is the migration's no more.
    Keep,
    /// Record is destroyed with what was done to it.
    Destroy,
}

/// A record that is not ours alone any more, object and id, with the reason.
type Foreign = ((String, String), String);

/// Reasons for which records are not ours alone any more, by object and id.
pub(super) type Theirs = BTreeMap<(String, String), Why>;

/// Reason for which a record is not ours alone any more.
#[derive(Clone, Debug)]
pub(super) struct Why {
    first: String,
    /// Records of others that refer to it, besides one that is named.
    more: u64,
}

impl Why {
    pub(super) fn of(first: String) -> Self {
        Self { first, more: 0 }
    }

    pub(super) fn in_words(&self) -> String {
        match self.more {
            0 => self.first.clone(),
            1 => format!("{}; 1 more record of others refers to it", self.first),
            more => format!("{}; {more} more records of others refer to it", self.first),
        }
    }
}

/// Records that the migration made, and what it wrote to them.
struct Made {
    records: Mutex<MadeRecords>,
    objects: BTreeSet<String>,
    written: Mutex<WrittenReader>,
    /// Steps, each with those that write its records.
    steps: Vec<(StepId, Vec<StepId>)>,
    stamps: Stamps,
    /// Names of fields by object and the key that they are written by, where these differ.
    names: BTreeMap<(String, String), String>,
}

/// A record that the migration made.
struct MadeRecord<'m> {
    /// The step that made it.
    step: StepId,
    /// Steps that write it.
    writing: &'m [StepId],
    key: String,
}

impl Made {
    fn records(&self) -> MutexGuard<'_, MadeRecords> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, object: &str, id: &str) -> Result<bool, EngineError> {
        Ok(self.of(object, id)?.is_some())
    }

    /// The step that made a record, those that write it, and its key; none for a record of others.
    fn of(&self, object: &str, id: &str) -> Result<Option<MadeRecord<'_>>, EngineError> {
        if !self.objects.contains(object) {
            return Ok(None);
        }
        let Some((place, key)) = self.records().of(object, id)? else { return Ok(None) };
        let step = usize::try_from(place).ok().and_then(|place| self.steps.get(place));
        Ok(step.map(|(step, writing)| MadeRecord { step: *step, writing, key }))
    }

    /// Digests of the values that some steps wrote to a record.
    fn written(&self, steps: &[StepId], key: &str) -> Result<Written, EngineError> {
        Ok(self.written.lock().unwrap_or_else(PoisonError::into_inner).of(steps, key)?)
    }
}

impl Back {
    /// Looks at every record that would be destroyed, and at everything that may refer to one.
    pub(super) async fn find_theirs(&self) -> Result<Theirs, EngineError> {
        let mut made = self.made()?;
        if made.objects.is_empty() {
            return Ok(Theirs::new());
        }
        let schema = self.context.destination.known_schema().await?;
        made.names = names(&schema);
        let mut theirs = Theirs::new();
        for object in schema.objects.keys().filter(|object| !self.context.destination.fills_itself(object)) {
            let referring = ways(&schema, object, |target| made.objects.contains(target));
            if !made.objects.contains(object) && referring.is_empty() {
                continue;
            }
            let mut suspects = BTreeSet::new();
            let look = |found: &Found| self.reasons(&made, &referring, object, found);
            let mut take = |found: &Found| -> Result<(), EngineError> {
                if !look(found)?.is_empty() {
                    suspects.insert(found.id.clone());
                }
                Ok(())
            };
            self.read_others(object, &referring, &made, &mut take).await?;
            // A list may lag: it tells of what is gone, and less than the record itself.
            let suspects: Vec<String> = suspects.into_iter().collect();
            for ids in suspects.chunks(self.page_of_reads()) {
                for found in self.fetch(object, ids, Deleted::Both).await? {
                    for (of, why) in look(&found)? {
                        // What others changed tells more than who refers to it.
                        if of.1 == found.id {
                            let more = theirs.get(&of).map_or(0, |known| known.more + 1);
                            theirs.insert(of, Why { first: why, more });
                        } else {
                            theirs.entry(of).and_modify(|known| known.more += 1).or_insert_with(|| Why::of(why));
                        }
                    }
                }
            }
        }
        // Records that go leave nothing that could refer to others.
        if self.context.changed != ChangedPolicy::Destroy {
            self.add_referred(&schema, &made, &mut theirs).await?;
        }
        Ok(theirs)
    }

    /// Records that are not ours alone any more by what one record holds, each with the reason: itself, where others changed it, and those that a record of others
    /// refers to.
    fn reasons(
        &self,
        made: &Made,
        referring: &[Way],
        object: &str,
        found: &Found,
    ) -> Result<Vec<Foreign>, EngineError> {
        let mut reasons = Vec::new();
        let ours = made.of(object, &found.id)?;
        let is_ours = ours.is_some();
        if let Some(ours) = ours
            && let Some(why) = self.changed(made, &ours, object, found)?
        {
            reasons.push(((object.to_owned(), found.id.clone()), why));
        }
        for way in referring {
            let Some(id) = found.values.get(&way.key).and_then(Value::as_str) else { continue };
            let is_of_others = || -> Result<bool, EngineError> {
                Ok(!(is_ours || self.is_dry() && self.was_written(object, &found.id, &way.key)?))
            };
            if made.has(&way.target, id)? && is_of_others()? {
                reasons.push(((way.target.clone(), id.to_owned()), referred(object, found, &way.field)));
            }
        }
        Ok(reasons)
    }

    /// Adds the records that a record that is left refers to: they are left with it.
    async fn add_referred(&self, schema: &Schema, made: &Made, theirs: &mut Theirs) -> Result<(), EngineError> {
        let mut left: Vec<(String, String)> = theirs.keys().cloned().collect();
        while !left.is_empty() {
            let mut by_object: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (object, id) in left.drain(..) {
                by_object.entry(object).or_default().push(id);
            }
            for (object, ids) in by_object {
                let ways = ways(schema, &object, |target| made.objects.contains(target));
                for ids in ids.chunks(self.page()) {
                    for found in self.fetch(&object, ids, Deleted::Both).await? {
                        for way in &ways {
                            let Some(id) = found.values.get(&way.key).and_then(Value::as_str) else { continue };
                            let to = (way.target.clone(), id.to_owned());
                            if made.has(&way.target, id)? && !theirs.contains_key(&to) {
                                let why = format!("{object} {}, which is left, refers to it", found.id);
                                theirs.insert(to.clone(), Why::of(why));
                                left.push(to);
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The records of an object that matter: all of them, or those that are ours and those that refer to ours.
    async fn read_others(
        &self,
        object: &str,
        referring: &[Way],
        made: &Made,
        take: &mut (dyn FnMut(&Found) -> Result<(), EngineError> + Send),
    ) -> Result<(), EngineError> {
        let destination = &self.context.destination;
        let listing = destination.listing(object);
        // What a list says of ours may be of before somebody changed it.
        let lags = listing == Listing::Lagging;
        // Where no list is a proof, what it does not show is asked for by itself.
        let is_proof = destination.capabilities().settle.is_zero();
        let known = if made.objects.contains(object) { made.records().count(object)? } else { 0 };
        let most = READ_WHOLE.saturating_add(known.saturating_mul(4));
        let is_whole = match listing {
            Listing::Whole if !is_proof => true,
            Listing::Whole | Listing::Lagging => destination.count(object, Deleted::Both).await? <= most,
            Listing::Under | Listing::Never => false,
        };
        if is_whole {
            // Ours are read by themselves where the list lags.
            let (mut after, mut read, mut is_through) = (None, 0, lags && referring.is_empty());
            while !is_through && read <= most {
                let page = destination.scan(object, Deleted::Both, after).await?;
                for found in &page.records {
                    if !lags && !is_proof && made.has(object, &found.id)? {
                        made.records().see(object, &found.id)?;
                    }
                    take(found)?;
                }
                read += page.records.len() as u64;
                is_through = page.next.is_none();
                after = page.next;
            }
            if is_through && is_proof {
                return Ok(());
            }
            if is_through {
                return self.read_ours(object, !lags, made, take).await;
            }
        }
        let mut pages = Pages::default();
        for way in referring.iter().filter(|_| listing != Listing::Never) {
            pages.begin();
            while let Some(ids) = pages.next(|after, limit| made.records().ids_after(&way.target, after, limit))? {
                for ids in ids.chunks(self.page_of_reads()) {
                    for found in destination.referring(object, &way.key, ids).await? {
                        let is_ours = made.has(object, &found.id)?;
                        if is_ours {
                            made.records().see(object, &found.id)?;
                        }
                        // Those of ours that are listed are read below.
                        if !is_ours || listing == Listing::Under {
                            take(&found)?;
                        }
                    }
                }
            }
        }
        if listing == Listing::Never {
            return Ok(());
        }
        self.read_ours(object, listing == Listing::Under, made, take).await
    }

    /// The records of an object that are ours, by their ids; those alone that no list has shown, where `unseen`.
    async fn read_ours(
        &self,
        object: &str,
        unseen: bool,
        made: &Made,
        take: &mut (dyn FnMut(&Found) -> Result<(), EngineError> + Send),
    ) -> Result<(), EngineError> {
        let mut pages = Pages::default();
        while let Some(ids) = pages.next(|after, limit| {
            let records = made.records();
            if unseen { records.unseen_after(object, after, limit) } else { records.ids_after(object, after, limit) }
        })? {
            for ids in ids.chunks(self.page_of_reads()) {
                self.fetch(object, ids, Deleted::Both).await?.iter().try_for_each(&mut *take)?;
            }
        }
        Ok(())
    }

    /// Records that are asked about together: where each costs a request, several are asked about side by side.
    fn page_of_reads(&self) -> usize {
        self.context.destination.capabilities().page_size.max(1)
    }

    /// Reason why a record is not ours alone any more, by its values: a field that was written holds another one, somebody filled one that was not, or it lies in
    /// the trash and the migration did not put it there. None where it was touched alone.
    fn changed(
        &self,
        made: &Made,
        MadeRecord { step, writing, key }: &MadeRecord<'_>,
        object: &str,
        found: &Found,
    ) -> Result<Option<String>, EngineError> {
        let fields = if found.deleted {
            let fate = self.reader().fate(*step, key)?;
            let is_ours = fate.is_some_and(|fate| fate == TRASHED || fate == GOING);
            if is_ours {
                return Ok(None);
            }
            Vec::new()
        } else {
            let written = made.written(writing, key)?;
            let fields = changed_by_others(&*self.context.destination, &made.stamps, object, (&written, found));
            if fields.is_empty() {
                return Ok(None);
            }
            let named = |key: String| made.names.get(&(object.to_owned(), key.clone())).cloned().unwrap_or(key);
            fields.into_iter().map(named).collect()
        };
        Ok(Some(self.why_changed(found, &fields)))
    }

    /// Reason why a record that was changed since is left.
    fn why_changed(&self, found: &Found, fields: &[String]) -> String {
        let at = found.values.get("updatedAt").and_then(Value::as_str);
        let at = at.map_or_else(String::new, |at| format!(", at {at}"));
        let what = if found.deleted { "moved to the trash" } else { "changed" };
        let fields = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
        let workflow =
            self.context.destination.automations().and_then(|automations| automations.changer(&found.values));
        let who = match workflow {
            Some(name) => format!(" by the workflow \"{name}\""),
            None => who(found, "updatedBy"),
        };
        format!("it was {what} since it was imported{fields}{who}{at}")
    }

    /// Everything that was created.
    fn made(&self) -> Result<Made, EngineError> {
        let path = self.context.journal.lock().path().to_owned();
        let mut records = MadeRecords::create(path.parent().unwrap_or_else(|| Path::new(".")))?;
        let mut steps = Vec::new();
        // A record that is linked by a change of it has a line of the link too: the first one counts.
        let is_link = |step: &&StepRow| Step::parse(&step.name).kind != StepKind::Records;
        let (links, of_records): (Vec<_>, Vec<_>) = self.steps.iter().partition(is_link);
        for (place, step) in (0_i64..).zip(of_records.into_iter().chain(links)) {
            let mut after: Option<String> = None;
            loop {
                let rows = self.reader().rows_after(step.id, after.as_deref(), TOGETHER)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                for row in rows {
                    if self.is_to_go(step, &row)?
                        && let Some(id) = row.mapped.id.as_deref()
                    {
                        records.add(&step.object, id, (place, &row.key))?;
                    }
                }
            }
            let written_by = match Step::parse(&step.name) {
                Step { kind: StepKind::Records, stage } => WritingSteps::of_id(&stage, &self.reader())?,
                _ => vec![step.id],
            };
            steps.push((step.id, written_by));
        }
        records.close()?;
        let objects = records.objects().iter().cloned().collect();
        let stamps = Stamps::read(&self.reader())?;
        let written = Mutex::new(WrittenReader::in_no_order(self.reader().another()?));
        Ok(Made { records: Mutex::new(records), objects, written, steps, stamps, names: BTreeMap::new() })
    }

    /// True where the migration wrote a key of a record that was there.
    fn was_written(&self, object: &str, id: &str, key: &str) -> Result<bool, EngineError> {
        for step in self.steps.iter().filter(|step| step.object == object) {
            let image = self.reader().before_image(step.id, id, Operation::Update)?;
            let written = image.and_then(|image| serde_json::from_str::<Map>(&image.written).ok());
            if written.is_some_and(|written| written.contains_key(key)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Pages of ids.
#[derive(Debug, Default)]
struct Pages(Option<String>);

impl Pages {
    /// Begins anew.
    fn begin(&mut self) {
        self.0 = None;
    }

    /// The next page; none after the last.
    fn next(
        &mut self,
        ids_after: impl FnOnce(&str, u32) -> Result<Vec<String>, SpillError>,
    ) -> Result<Option<Vec<String>>, EngineError> {
        let ids = ids_after(self.0.as_deref().unwrap_or_default(), PAGE)?;
        self.0 = ids.last().cloned();
        Ok((!ids.is_empty()).then_some(ids))
    }
}

/// The name of whoever did something.
fn who(found: &Found, key: &str) -> String {
    let name = found.values.get(key).and_then(|actor| actor.get("name")).and_then(Value::as_str);
    name.filter(|name| !name.is_empty()).map(|name| format!(" by {name}")).unwrap_or_default()
}

fn referred(object: &str, found: &Found, field: &str) -> String {
    let who = Some(who(found, "createdBy")).filter(|who| !who.is_empty());
    format!("{object} {}, made{}, refers to it in `{field}`", found.id, who.as_deref().unwrap_or(" by others"))
}

/// Names of the fields that people made, where they are written by another key.
fn names(schema: &Schema) -> BTreeMap<(String, String), String> {
    let mut names = BTreeMap::new();
    for (object, known) in &schema.objects {
        for field in known.fields.values().filter(|field| field.custom && field.write_key != field.name) {
            names.insert((object.clone(), field.write_key.clone()), field.label.clone());
        }
    }
    names
}
