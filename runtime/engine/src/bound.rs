//! Digests that an approval binds: what a plan does to records, and the schema that it writes to.

use std::collections::{BTreeMap, BTreeSet};

use migr_load::{FieldSchema, Schema};
use migr_plan::{Effect, Plan, SetupAction};
use serde::Serialize;

/// Digest of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

/// Field of a schema, as far as what is written depends on it.
#[derive(Serialize)]
struct Bound<'s> {
    name: &'s str,
    native: &'s str,
    options: BTreeSet<(u32, &'s str, &'s str)>,
    unique: bool,
    nullable: bool,
    writable: bool,
    active: bool,
}

/// Digests of the objects of a schema that a plan writes, by their names: of their fields with types and options, whatever ids the server gives them.
pub fn schema_digests(plan: &Plan, schema: &Schema) -> BTreeMap<String, String> {
    digests(plan, schema, &BTreeSet::new(), &BTreeSet::new())
}

/// The same without what the plan's setup makes: the objects, and the fields that it makes or adds options to. They are the same before a setup and after it.
pub fn schema_digests_without_setup(plan: &Plan, schema: &Schema) -> BTreeMap<String, String> {
    let (mut objects, mut fields) = (BTreeSet::new(), BTreeSet::new());
    for action in &plan.setup {
        match action {
            SetupAction::CreateObject { object, .. } => {
                objects.insert(object.as_str());
            }
            SetupAction::CreateField { object, field, .. } | SetupAction::AddOptions { object, field, .. } => {
                fields.insert((object.as_str(), field.as_str()));
            }
        }
    }
    digests(plan, schema, &objects, &fields)
}

fn digests(
    plan: &Plan,
    schema: &Schema,
    but_objects: &BTreeSet<&str>,
    but_fields: &BTreeSet<(&str, &str)>,
) -> BTreeMap<String, String> {
    let mut digests = BTreeMap::new();
    let written = plan.stages.iter().flat_map(|stage| {
        std::iter::once(&stage.destination_object).chain(stage.links.iter().map(|link| &link.through))
    });
    for object in written {
        let Some(found) = schema.objects.get(object).filter(|_| !but_objects.contains(object.as_str())) else {
            continue;
        };
        let is_bound = |field: &&FieldSchema| !but_fields.contains(&(object.as_str(), field.name.as_str()));
        let fields: BTreeMap<&str, Bound<'_>> =
            found.fields.values().filter(is_bound).map(|field| (field.name.as_str(), bound(field))).collect();
        let text = serde_json::to_string(&fields).unwrap_or_default();
        digests.insert(object.clone(), digest(text.as_bytes()));
    }
    digests
}

fn bound(field: &FieldSchema) -> Bound<'_> {
    let options = field.options.iter().map(|one| (one.position, one.value.as_str(), one.label.as_str()));
    Bound {
        name: &field.name,
        native: &field.native,
        options: options.collect(),
        unique: field.unique,
        nullable: field.nullable,
        writable: field.writable,
        active: field.active,
    }
}

/// Effect of a plan on records, without the options that the export tells.
pub fn effect_of(plan: &Plan) -> Effect {
    let mut plan = plan.clone();
    for picklist in &mut plan.picklists {
        picklist.made.clear();
    }
    plan.effect()
}
