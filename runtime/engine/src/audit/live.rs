//! Questions of an audit to the live destination.

use std::collections::{BTreeMap, BTreeSet};

use crate::wanted_schema;
use migr_load::{Capabilities, Deleted, Destination, FieldSchema, LoadError, ObjectSchema, Schema};
use migr_plan::lock::{
    LockedCapabilities, LockedDestination, LockedExisting, LockedField, LockedMembers, LockedObject, NamedText,
    member_hash,
};
use migr_plan::{Expr, NewOption, Plan, SetupAction};

use super::AuditError;
use super::collector::Collector;
use super::export_lookup::{ExistingName, fold};
use super::finding::{Finding, FindingKind, Severity};
use super::lookup_plan::parts;
use super::workflows;
use crate::automations;
use crate::checklist::{self, ChecklistState};
use crate::lacking::lacking;
use crate::named_records::{Names, named_records};

/// Facts learnt about the destination.
pub(crate) struct Learnt {
    pub(crate) schema: Schema,
    pub(crate) locked: LockedDestination,
    /// Folded addresses.
    pub(crate) members: Option<BTreeSet<String>>,
    pub(crate) existing: BTreeMap<ExistingName, String>,
}

/// Asks the destination for its schema, its members, the records that the spec names, and how many records it has. Nothing is written.
pub(crate) async fn learn(
    plan: &Plan,
    destination: &dyn Destination,
    salt: &str,
    found: &mut Collector<'_>,
) -> Result<Learnt, AuditError> {
    let schema = destination.known_schema().await?;
    for lack in lacking(plan, &schema, destination).await? {
        found.add(Finding::new(FindingKind::DestinationLacks, Severity::Error, lack.text));
    }
    for action in &plan.setup {
        if let ChecklistState::Mismatch { why } = checklist::state(action, &schema, destination) {
            let message = format!("setup cannot {}: {why}", wanted_schema::in_words(action, &plan.picklists));
            found.add(Finding::new(FindingKind::DestinationLacks, Severity::Error, message));
        }
        for told in checklist::differences(action, &schema) {
            found.add(Finding::new(FindingKind::DestinationLacks, Severity::Note, told));
        }
    }
    let Capabilities { settle, lag, .. } = destination.capabilities();
    if settle < lag {
        let message = format!(
            "`settle` is {} s, and look-ups of the destination were seen to lag by {} s: a record whose answer is lost may be made twice",
            settle.as_secs(),
            lag.as_secs()
        );
        found.add(Finding::new(FindingKind::ShortSettle, Severity::Warning, message));
    }
    let active = automations::active(destination).await?;
    workflows::tell(plan, &active, found);
    let touched = touched(plan);
    let mut objects = Vec::new();
    for object in schema.objects.values().filter(|object| touched.contains(&object.name)) {
        let records = destination.count(&object.name, Deleted::Live).await?;
        let trashed =
            if destination.capabilities().trash { destination.count(&object.name, Deleted::Trashed).await? } else { 0 };
        objects.push(locked_object(object, records, trashed));
    }
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    let mut other_objects: Vec<String> =
        schema.objects.keys().filter(|name| !touched.contains(*name)).cloned().collect();
    other_objects.sort();
    let (members, locked_members) = members(plan, destination, salt).await?;
    let existing = existing(plan, destination, &schema, found).await?;
    let locked = LockedDestination {
        system: plan.destination.system.clone(),
        name: plan.destination.name.clone(),
        version: schema.version.clone(),
        capabilities: capabilities(destination),
        objects,
        other_objects,
        members: locked_members,
        existing: existing
            .iter()
            .map(|((object, fields), id)| LockedExisting {
                object: object.clone(),
                fields: fields
                    .iter()
                    .map(|(name, value)| NamedText { name: name.clone(), value: value.clone() })
                    .collect(),
                id: id.clone(),
            })
            .collect(),
        automations: active.automations,
    };
    Ok(Learnt { schema, locked, members, existing })
}

/// The objects of a destination that a plan writes, with their fields and options; records, members and automations are not asked for.
pub async fn served(plan: &Plan, destination: &dyn Destination) -> Result<LockedDestination, LoadError> {
    let schema = destination.known_schema().await?;
    let touched = touched(plan);
    let objects = schema.objects.values().filter(|object| touched.contains(&object.name));
    Ok(LockedDestination {
        system: plan.destination.system.clone(),
        name: plan.destination.name.clone(),
        objects: objects.map(|object| locked_object(object, 0, 0)).collect(),
        version: schema.version,
        capabilities: LockedCapabilities::default(),
        other_objects: Vec::new(),
        members: None,
        existing: Vec::new(),
        automations: Vec::new(),
    })
}

fn capabilities(destination: &dyn Destination) -> LockedCapabilities {
    let known = destination.capabilities();
    LockedCapabilities {
        batch_size: u64::try_from(known.batch_size).unwrap_or_default(),
        requests: known.rate.map(|rate| u64::from(rate.requests)),
        per_seconds: known.rate.map(|rate| u64::from(rate.per_seconds)),
        file_bytes: known.file_bytes,
        client_ids: known.ids == migr_load::IdPolicy::Client,
        settable_created_at: known.settable_created_at,
        trash: known.trash,
    }
}

/// The destination objects that a plan writes, changes or refers to.
fn touched(plan: &Plan) -> BTreeSet<String> {
    let mut touched = BTreeSet::new();
    for stage in &plan.stages {
        touched.insert(stage.destination_object.clone());
        for link in &stage.links {
            touched.insert(link.through.clone());
            touched.extend(link.objects.iter().cloned());
        }
        for field in &stage.fields {
            if let migr_plan::FieldType::Reference { objects } = &field.ty {
                touched.extend(objects.iter().cloned());
            }
        }
        for expr in expressions(stage) {
            if let Expr::Existing { object, .. } = expr {
                touched.insert(object.clone());
            }
        }
    }
    for action in &plan.setup {
        match action {
            SetupAction::CreateObject { object, .. }
            | SetupAction::CreateField { object, .. }
            | SetupAction::AddOptions { object, .. } => touched.insert(object.clone()),
        };
    }
    touched.extend(plan.owners.iter().map(|owners| owners.destination_object.clone()));
    touched
}

/// Every expression of a stage, with those inside.
fn expressions(stage: &migr_plan::Stage) -> Vec<&Expr> {
    let mut rest: Vec<&Expr> = stage.when.iter().collect();
    rest.extend(stage.fields.iter().map(|field| &field.value));
    rest.extend(stage.links.iter().map(|link| &link.value));
    let mut all = Vec::new();
    while let Some(expr) = rest.pop() {
        all.push(expr);
        rest.extend(parts(expr));
    }
    all
}

fn locked_object(object: &ObjectSchema, records: u64, trashed: u64) -> LockedObject {
    let mut fields: Vec<LockedField> = object.fields.values().map(locked_field).collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    LockedObject {
        name: object.name.clone(),
        singular: object.singular.clone(),
        label: object.label.clone(),
        custom: object.custom,
        active: object.active,
        records,
        trashed,
        fields,
    }
}

fn locked_field(field: &FieldSchema) -> LockedField {
    LockedField {
        name: field.name.clone(),
        label: field.label.clone(),
        ty: field.ty.clone(),
        native: field.native.clone(),
        options: field
            .options
            .iter()
            .map(|option| NewOption {
                value: option.value.clone(),
                label: option.label.clone(),
                color: option.color.clone(),
            })
            .collect(),
        unique: field.unique,
        required: !field.nullable,
        readonly: !field.writable,
        custom: field.custom,
        inactive: !field.active,
    }
}

type Members = (Option<BTreeSet<String>>, Option<LockedMembers>);

async fn members(plan: &Plan, destination: &dyn Destination, salt: &str) -> Result<Members, AuditError> {
    let Some(owners) = &plan.owners else { return Ok((None, None)) };
    let found = destination.members(&owners.destination_object, &owners.destination_field).await?;
    let members: BTreeSet<String> = found.iter().map(|member| fold(&member.value)).collect();
    let mut hashes: Vec<String> = members.iter().map(|member| member_hash(salt, member)).collect();
    hashes.sort();
    let locked = LockedMembers {
        object: owners.destination_object.clone(),
        field: owners.destination_field.clone(),
        salt: salt.to_owned(),
        hashes,
    };
    Ok((Some(members), Some(locked)))
}

/// Advice for a name that several records of the destination have.
const SEVERAL: &str = "Give all but one of them another name there, or name fields that tell them apart.";

/// The records that the spec names with written values; others are looked up by the run.
async fn existing(
    plan: &Plan,
    destination: &dyn Destination,
    schema: &Schema,
    found: &mut Collector<'_>,
) -> Result<BTreeMap<ExistingName, String>, AuditError> {
    let mut ids = BTreeMap::new();
    for named in named_records(plan, destination, schema, Names::OfMaps).await? {
        if let Some(fault) = named.fault() {
            let severity = if named.is_needed { Severity::Error } else { Severity::Warning };
            let finding = Finding::new(FindingKind::MissingExisting, severity, fault);
            let finding = if named.ids.is_empty() { finding } else { finding.with_help(SEVERAL) };
            found.add(finding.at(&named.origin.file, u64::from(named.origin.line)));
        } else if let Some(only) = named.only().map(str::to_owned) {
            ids.insert((named.object, named.fields), only);
        }
    }
    Ok(ids)
}
