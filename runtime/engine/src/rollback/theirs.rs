//! Changes that other people made since to the records that a rollback would destroy, and records of others that refer
//! to these.

use std::collections::{BTreeMap, HashSet};

use migr_decide::referrers::{Way, ways};
use migr_deliver::is_by_another;
use migr_journal::Operation;
use migr_load::{Deleted, Found, Map, Schema};
use serde_json::Value;
use uuid::Uuid;

use super::Back;
use crate::EngineError;
use crate::stamps::Stamps;

/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;
/// Records of an object that are read whole, however few of them are ours.
const READ_WHOLE: u64 = 10_000;
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

/// Reasons for which records are not ours alone any more, by object and id.
pub(super) type Theirs = BTreeMap<(String, String), String>;

impl Back {
    /// Looks at every record that would be destroyed, and at everything that may refer to one.
    pub(super) async fn find_theirs(&self) -> Result<Theirs, EngineError> {
        let created = self.created()?;
        if created.is_empty() {
            return Ok(Theirs::new());
        }
        let schema = self.context.destination.schema().await?;
        let stamps = Stamps::read(&self.reader())?;
        let mut theirs = Theirs::new();
        for object in schema.objects.keys().filter(|object| !self.context.destination.fills_itself(object)) {
            let referring = ways(&schema, object, |target| created.contains_key(target));
            let ours = created.get(object);
            if ours.is_none() && referring.is_empty() {
                continue;
            }
            let mut take = |found: &Found| -> Result<(), EngineError> {
                let is_ours = ours.is_some_and(|ours| is_among(ours, &found.id));
                if is_ours && is_changed(&stamps, object, found) {
                    theirs.insert((object.clone(), found.id.clone()), self.changed(found));
                }
                for way in &referring {
                    let Some(id) = found.values.get(&way.key).and_then(Value::as_str) else { continue };
                    if !created.get(&way.target).is_some_and(|ours| is_among(ours, id)) {
                        continue;
                    }
                    if !(is_ours || self.is_dry() && self.was_written(object, &found.id, &way.key)?) {
                        let to = (way.target.clone(), id.to_owned());
                        theirs.entry(to).or_insert_with(|| referred(object, found, &way.field));
                    }
                }
                Ok(())
            };
            self.read_others(object, ours, &referring, &created, &mut take).await?;
        }
        self.add_referred(&schema, &created, &mut theirs).await?;
        Ok(theirs)
    }

    /// Adds the records that a record that is left refers to: they are left with it.
    async fn add_referred(
        &self,
        schema: &Schema,
        created: &BTreeMap<String, HashSet<Uuid>>,
        theirs: &mut Theirs,
    ) -> Result<(), EngineError> {
        let mut left: Vec<(String, String)> = theirs.keys().cloned().collect();
        while !left.is_empty() {
            let mut by_object: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (object, id) in left.drain(..) {
                by_object.entry(object).or_default().push(id);
            }
            for (object, ids) in by_object {
                let ways = ways(schema, &object, |target| created.contains_key(target));
                for ids in ids.chunks(self.page()) {
                    for found in self.fetch(&object, ids, Deleted::Both).await? {
                        for way in &ways {
                            let id = found.values.get(&way.key).and_then(Value::as_str);
                            let is_ours = |id: &&str| created.get(&way.target).is_some_and(|ours| is_among(ours, id));
                            let Some(id) = id.filter(is_ours) else { continue };
                            let to = (way.target.clone(), id.to_owned());
                            if !theirs.contains_key(&to) {
                                let why = format!("{object} {}, which is left, refers to it", found.id);
                                theirs.insert(to.clone(), why);
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
        ours: Option<&HashSet<Uuid>>,
        referring: &[Way],
        created: &BTreeMap<String, HashSet<Uuid>>,
        take: &mut (dyn FnMut(&Found) -> Result<(), EngineError> + Send),
    ) -> Result<(), EngineError> {
        let destination = &self.context.destination;
        let known = u64::try_from(ours.map_or(0, HashSet::len)).unwrap_or(u64::MAX);
        if destination.count(object, Deleted::Both).await? <= READ_WHOLE.saturating_add(known.saturating_mul(4)) {
            let mut after = None;
            loop {
                let page = destination.scan(object, Deleted::Both, after).await?;
                page.records.iter().try_for_each(&mut *take)?;
                after = page.next;
                if after.is_none() {
                    return Ok(());
                }
            }
        }
        let ids: Vec<String> = ours.into_iter().flatten().map(Uuid::to_string).collect();
        for ids in ids.chunks(self.page()) {
            self.fetch(object, ids, Deleted::Both).await?.iter().try_for_each(&mut *take)?;
        }
        for way in referring {
            let ids: Vec<String> = created.get(&way.target).into_iter().flatten().map(Uuid::to_string).collect();
            for ids in ids.chunks(self.page()) {
                let found = destination.referring(object, &way.key, ids).await?;
                found
                    .iter()
                    .filter(|found| !ours.is_some_and(|ours| is_among(ours, &found.id)))
                    .try_for_each(&mut *take)?;
            }
        }
        Ok(())
    }

    /// Reason why a record that was changed since is left.
    fn changed(&self, found: &Found) -> String {
        let at = found.values.get("updatedAt").and_then(Value::as_str).unwrap_or_default();
        let what = if found.deleted { "moved to the trash" } else { "changed" };
        let workflow =
            self.context.destination.automations().and_then(|automations| automations.changer(&found.values));
        let who = match workflow {
            Some(name) => format!(" by the workflow \"{name}\""),
            None => who(found, "updatedBy"),
        };
        format!("it was {what} since it was imported{who}, at {at}")
    }

    /// The ids of everything that was created, by object.
    fn created(&self) -> Result<BTreeMap<String, HashSet<Uuid>>, EngineError> {
        let mut created: BTreeMap<String, HashSet<Uuid>> = BTreeMap::new();
        for step in &self.steps {
            let mut after: Option<String> = None;
            loop {
                let rows = self.reader().rows_after(step.id, after.as_deref(), TOGETHER)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                for row in rows {
                    if self.is_to_go(step, &row)? {
                        let id = row.mapped.id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
                        created.entry(step.object.clone()).or_default().extend(id);
                    }
                }
            }
        }
        created.retain(|_, ids| !ids.is_empty());
        Ok(created)
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

fn is_among(ids: &HashSet<Uuid>, id: &str) -> bool {
    Uuid::try_parse(id).is_ok_and(|id| ids.contains(&id))
}

/// True where somebody else changed a record since the migration wrote there.
pub(crate) fn is_changed(stamps: &Stamps, object: &str, found: &Found) -> bool {
    let updated = found.values.get("updatedAt").and_then(Value::as_str);
    is_by_another(found) || updated.is_some_and(|updated| stamps.is_younger(object, updated))
}

/// The name of whoever did something.
fn who(found: &Found, key: &str) -> String {
    let name = found.values.get(key).and_then(|actor| actor.get("name")).and_then(Value::as_str);
    name.filter(|name| !name.is_empty()).map(|name| format!(" by {name}")).unwrap_or_default()
}

fn referred(object: &str, found: &Found, field: &str) -> String {
    format!("{object} {}, made{}, refers to it in `{field}`", found.id, who(found, "createdBy"))
}
