//! Referrers: records of the destination that refer to records which would be destroyed.

use std::collections::{BTreeMap, BTreeSet};

use migr_load::Schema;
use migr_plan::{DeletedPolicy, FieldType};
use serde_json::Value;

use crate::DecideError;
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;

/// A field of an object by which its records refer to records of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Name of the field.
    pub field: String,
    /// Key that holds the id.
    pub key: String,
    /// The object that is referred to.
    pub target: String,
}

/// The fields by which an object refers to some objects.
pub fn ways(schema: &Schema, object: &str, is_target: impl Fn(&str) -> bool) -> Vec<Way> {
    let mut all = Vec::new();
    let mut keys = BTreeSet::new();
    for field in schema.objects.get(object).into_iter().flat_map(|object| object.fields.values()) {
        let Some(FieldType::Reference { objects }) = &field.ty else { continue };
        for target in objects.iter().filter(|target| is_target(target)) {
            let key = field.write_keys.get(target).unwrap_or(&field.write_key);
            if !key.is_empty() && keys.insert((key.clone(), target.clone())) {
                all.push(Way { field: field.name.clone(), key: key.clone(), target: target.clone() });
            }
        }
    }
    all
}

/// Notes which of the records in the trash that a stage would destroy are referred to by others: these would lose the reference for good.
pub(crate) async fn note(job: &StageRun, mut world: RecordLookup) -> Result<RecordLookup, DecideError> {
    if job.stage.policies.deleted != DeletedPolicy::Destroy {
        return Ok(world);
    }
    let ids = world.spill.trashed_matches(job.identities.matching)?;
    if ids.is_empty() {
        return Ok(world);
    }
    let destination = &job.context.destination;
    let schema = destination.known_schema().await?;
    let page = destination.capabilities().page_size.max(1);
    let mut referred = BTreeMap::new();
    for object in schema.objects.keys().filter(|object| !destination.fills_itself(object)) {
        for way in ways(&schema, object, |target| target == job.stage.destination_object) {
            for ids in ids.chunks(page) {
                for found in destination.referring(object, &way.key, ids).await? {
                    let Some(id) = found.values.get(&way.key).and_then(Value::as_str) else { continue };
                    let by = format!("{object} {}", found.id);
                    referred.entry(id.to_owned()).or_insert_with(|| (by, way.field.clone()));
                }
            }
        }
    }
    for (id, (by, field)) in &referred {
        world.spill.add_referrer(id, by, field)?;
    }
    world.has_referrers = !referred.is_empty();
    Ok(world)
}
