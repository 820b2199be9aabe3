//! Effect of a plan: digests of what decides the values, the identity and the policies of its records, map by map. Texts, comments, reasons, places in files,
//! the order of entries, tests, acceptances, and how a destination is reached are no part of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Distinct, DuplicatePolicy, FieldType, OutsidePolicy, Owners, Picklist, Plan, SourceObject, Stage};

mod canonical;
mod closure;

use canonical::digest;
use closure::Closure;

/// Digest of an effect: two plans of the same digest do the same to every record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectDigest(String);

impl EffectDigest {
    /// Digits that tell two effects apart for a person.
    const SHORT: usize = 8;

    /// The first digits, for a person: `7c1e03fa`.
    pub fn short(&self) -> &str {
        self.0.get(..Self::SHORT).unwrap_or(&self.0)
    }
}

impl fmt::Display for EffectDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "effect:{}", self.0)
    }
}

/// Effect of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Of all of it.
    pub digest: EffectDigest,
    /// Place that the records go to: the system, its connector and the name that it goes by.
    pub destination: EffectDigest,
    /// Policies of the migration as a whole: what becomes of conflicts and of vanished records, within which window, and what a rollback does.
    pub policies: EffectDigest,
    /// Of each stage, by its id.
    pub stages: BTreeMap<String, StageEffect>,
}

/// Effect of one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageEffect {
    /// The map's name.
    pub map: String,
    /// Of all of it.
    pub digest: EffectDigest,
    /// Choice of the record of the destination that each record is: object, key, match, duplicates.
    pub identity: EffectDigest,
    /// Choice of the rows that are records of the stage: `when`, the rules of their object, the values of a `map distinct`.
    pub selection: EffectDigest,
    /// Manner in which a record of the destination takes values.
    pub policies: EffectDigest,
    /// Value of each field, and targets of each link, by the field's name.
    pub fields: BTreeMap<String, EffectDigest>,
}

impl Effect {
    /// True where another plan does the same to every record that is written: only policies for later may differ.
    pub fn writes_the_same(&self, other: &Self) -> bool {
        self.destination == other.destination && self.stages == other.stages
    }
}

impl StageEffect {
    /// Names of the fields whose effect differs from another stage's, those that one of them lacks among them; sorted.
    pub fn differing_fields<'e>(&'e self, other: &'e Self) -> Vec<&'e str> {
        let mut names: Vec<&str> = self.fields.keys().chain(other.fields.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| self.fields.get(*name) != other.fields.get(*name));
        names
    }
}

impl Plan {
    /// Effect of the plan on records, as digests.
    pub fn effect(&self) -> Effect {
        let stages: BTreeMap<_, _> = self.stages.iter().map(|stage| (stage.id.clone(), self.of_stage(stage))).collect();
        let destination = self.of_destination();
        let policies = digest(&json!({
            "delta": self.options.delta_seconds,
            "conflict": self.options.on_conflict,
            "vanished": self.options.on_vanished,
            "rollback": self.options.on_rollback,
        }));
        let parts: BTreeMap<&str, &str> =
            stages.iter().map(|(id, stage)| (id.as_str(), stage.digest.0.as_str())).collect();
        let digest = digest(&json!({ "destination": destination, "policies": policies, "stages": parts }));
        Effect { digest, destination, policies, stages }
    }

    /// The host is no part of it: a journal is bound to the workspace that it wrote to.
    fn of_destination(&self) -> EffectDigest {
        let destination = &self.destination;
        digest(&json!({
            "system": destination.system,
            "connector": destination.connector,
            "name": destination.name,
            "location": destination.settings.get("location"),
        }))
    }

    fn of_stage(&self, stage: &Stage) -> StageEffect {
        let (identity, selection) = (self.identity(stage), self.selection(stage));
        let policies = digest(&json!({ "existing": stage.policies.existing, "deleted": stage.policies.deleted }));
        let mut fields = BTreeMap::new();
        for field in &stage.fields {
            let mut closure = Closure::new(self, stage);
            closure.expression(&field.value);
            field.file_name.iter().for_each(|name| closure.expression(name));
            let unfit = (field.ty == FieldType::File).then(|| self.destination.settings.get("unfit_files"));
            let mut effect = json!({
                "type": field_type(&field.ty),
                "value": field.value,
                "file": [json!(field.file_name), json!(field.missing_file), json!(unfit.flatten())],
                "empty": field.on_empty,
                "taken": field.on_taken,
                "parts": field.parts,
                "default": field.default,
                "unique": field.unique,
                "create_only": field.create_only,
                "required": field.required,
                "linked_by": field.linked_by,
                "uses": closure.finish(),
            });
            if let (true, Some(effect)) = (field.on_outside != OutsidePolicy::default(), effect.as_object_mut()) {
                effect.insert("outside".to_owned(), json!(field.on_outside));
            }
            fields.insert(field.field.clone(), digest(&effect));
        }
        for link in &stage.links {
            let mut closure = Closure::new(self, stage);
            closure.expression(&link.value);
            let effect = json!({
                "through": link.through,
                "objects": link.objects,
                "value": link.value,
                "missing": link.on_missing,
                "uses": closure.finish(),
            });
            fields.insert(link.field.clone(), digest(&effect));
        }
        let digest =
            digest(&json!({ "identity": identity, "selection": selection, "policies": policies, "fields": fields }));
        StageEffect { map: stage.map.clone(), digest, identity, selection, policies, fields }
    }

    fn identity(&self, stage: &Stage) -> EffectDigest {
        let mut closure = Closure::new(self, stage);
        let object = self.source_object(&stage.source_object);
        for column in object.into_iter().flat_map(|object| &object.key) {
            closure.column(&stage.source_object, column);
        }
        if let Some(column) = duplicates_by(&stage.policies.duplicate) {
            closure.column(&stage.source_object, column);
        }
        digest(&json!({
            "id": stage.id,
            "source": stage.source_object,
            "destination": stage.destination_object,
            "association": stage.association,
            "is_distinct": stage.distinct.is_some(),
            "key": object.map(|object| &object.key),
            "match": stage.matching.as_ref().map(|matching| (matching.all, &matching.fields)),
            "duplicate": stage.policies.duplicate,
            "cycle": stage.policies.cycle,
            "unidentified": stage.policies.unidentified,
            "uses": closure.finish(),
        }))
    }

    fn selection(&self, stage: &Stage) -> EffectDigest {
        let mut closure = Closure::new(self, stage);
        stage.when.iter().for_each(|when| closure.expression(when));
        stage.distinct.iter().for_each(|distinct| closure.expression(&distinct.value));
        let rules = self.source_object(&stage.source_object).map(|object| rules(object, &mut closure));
        digest(&json!({
            "when": stage.when,
            "distinct": stage.distinct.as_ref().map(distinct),
            "rules": rules,
            "uses": closure.finish(),
        }))
    }
}

/// Conditions by which records of an object stay behind.
fn rules<'p>(object: &'p SourceObject, closure: &mut Closure<'p>) -> Value {
    let conditions: Vec<_> = object.checks.iter().map(|check| &check.condition).collect();
    let skips: Vec<_> = object.skips.iter().map(|skip| &skip.condition).collect();
    conditions.iter().chain(&skips).for_each(|condition| closure.expression(condition));
    json!({ "checks": canonical::unordered(&conditions), "skips": canonical::unordered(&skips) })
}

/// Column by which a policy for duplicates chooses.
fn duplicates_by(policy: &DuplicatePolicy) -> Option<&str> {
    match policy {
        DuplicatePolicy::Quarantine | DuplicatePolicy::KeepFirst | DuplicatePolicy::KeepLast => None,
        DuplicatePolicy::KeepOldest { column }
        | DuplicatePolicy::KeepNewest { column }
        | DuplicatePolicy::MergeNewest { column }
        | DuplicatePolicy::MergeOldest { column } => Some(column),
    }
}

fn distinct(distinct: &Distinct) -> Value {
    let same: BTreeMap<&str, Value> =
        distinct.same.iter().map(|same| (same.canonical.as_str(), canonical::unordered(&same.variants))).collect();
    json!({ "value": distinct.value, "same": same })
}

/// A type, whatever the order of its options.
fn field_type(ty: &FieldType) -> Value {
    match ty {
        FieldType::Select { options } => json!({ "select": canonical::unordered(options) }),
        FieldType::Multiselect { options } => json!({ "multiselect": canonical::unordered(options) }),
        other => json!(other),
    }
}

/// A value table, whatever the order of its rows and of their alternatives.
fn picklist(picklist: &Picklist) -> Value {
    let mut rows = BTreeMap::new();
    for row in &picklist.rows {
        for key in &row.keys {
            rows.insert(json!(key).to_string(), json!(row.values));
        }
    }
    let made: BTreeMap<&str, &str> =
        picklist.made.iter().map(|made| (made.label.as_str(), made.value.as_str())).collect();
    json!({
        "ignore": [picklist.ignore_case, picklist.ignore_space],
        "rows": rows,
        "otherwise": picklist.otherwise,
        "made": made,
    })
}

/// The table of owners, whatever the order of its pairs.
fn owners(owners: &Owners) -> Value {
    let overrides: BTreeMap<&str, &str> =
        owners.overrides.iter().map(|pair| (pair.source.as_str(), pair.destination.as_str())).collect();
    json!({
        "source": [&owners.source_object, &owners.source_column],
        "destination": [&owners.destination_object, &owners.destination_field],
        "overrides": overrides,
        "fallback": owners.fallback,
    })
}
