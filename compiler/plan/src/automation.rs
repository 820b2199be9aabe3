//! Workflows and webhooks of the destination that records start by themselves, and which of them a plan fires.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DeletedPolicy, ExistingPolicy, FieldType, Permit, Permitted, Plan};

/// Kind of what a destination does by itself when records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutomationKind {
    /// A workflow: it changes and makes records.
    #[default]
    Workflow,
    /// A webhook: it tells another host of each record.
    Webhook,
}

impl AutomationKind {
    /// `workflow`
    pub fn noun(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Webhook => "webhook",
        }
    }

    /// `runs on what is written`
    pub fn deed(self) -> &'static str {
        match self {
            Self::Workflow => "runs on what is written",
            Self::Webhook => "tells its host what is written",
        }
    }

    /// True for a workflow, which a document need not say.
    pub fn is_workflow(&self) -> bool {
        *self == Self::Workflow
    }
}

/// A workflow or webhook of the destination that is switched on, with the events that start it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Automation {
    /// Name of the workflow in the destination; of a webhook the host that it tells, since the rest of its address may be a secret.
    pub name: String,
    /// Kind; absent: a workflow.
    #[serde(default, skip_serializing_if = "AutomationKind::is_workflow")]
    pub kind: AutomationKind,
    /// Events that start it.
    pub triggers: Vec<Trigger>,
}

/// An event of a destination's records that starts a workflow or a webhook.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Trigger {
    /// Name of the event in the destination: `person.upserted`.
    pub event: String,
    /// The object whose records it is about; absent: every object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Changes of a record that it is about.
    pub on: Vec<Touch>,
    /// The fields of which one must change in an update; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// Something that happens to a record of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    /// The record is made.
    Created,
    /// Fields of it change.
    Updated,
    /// The record goes into the trash.
    Trashed,
    /// The record is removed for good.
    Destroyed,
    /// The record comes out of the trash.
    Restored,
}

/// A workflow or webhook that what a plan writes starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FiredAutomation {
    /// Name of the workflow in the destination, or the host of the webhook.
    pub name: String,
    /// Kind; absent: a workflow.
    #[serde(default, skip_serializing_if = "AutomationKind::is_workflow")]
    pub kind: AutomationKind,
    /// The events that start it, sorted.
    pub events: Vec<String>,
    /// The maps whose records start it, in the plan's order.
    pub maps: Vec<String>,
    /// Reason of the permit, where the migration permits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permitted: Option<String>,
}

impl FiredAutomation {
    /// `"Create company when adding a new person" (person.upserted; map Contact)`
    pub fn in_words(&self) -> String {
        let maps = if self.maps.len() == 1 { "map" } else { "maps" };
        format!("\"{}\" ({}; {maps} {})", self.name, self.events.join(", "), self.maps.join(", "))
    }

    /// The entry of the migration that permits it, to be given a reason.
    pub fn permit(&self) -> String {
        format!("permit {} \"{}\" : \"why\"", self.kind.noun(), self.name)
    }
}

/// Something that a run of a plan does to records of an object.
struct Write<'p> {
    map: &'p str,
    object: &'p str,
    touch: Touch,
    /// Fields that an update may change.
    fields: BTreeSet<&'p str>,
}

impl Write<'_> {
    /// True where it is an event that starts a workflow. A record that is made starts it whatever its fields are.
    fn fires(&self, trigger: &Trigger) -> bool {
        let is_named = |field: &String| self.fields.contains(field.as_str());
        trigger.object.as_deref().is_none_or(|object| object == self.object)
            && trigger.on.contains(&self.touch)
            && (self.touch != Touch::Updated || trigger.fields.is_empty() || trigger.fields.iter().any(is_named))
    }
}

/// The workflows and webhooks that what a plan writes starts, in order of name.
pub fn fired(plan: &Plan, automations: &[Automation]) -> Vec<FiredAutomation> {
    let writes = writes(plan);
    let mut all = Vec::new();
    for automation in automations {
        let (mut events, mut maps) = (BTreeSet::new(), Vec::new());
        for write in &writes {
            for trigger in automation.triggers.iter().filter(|trigger| write.fires(trigger)) {
                events.insert(trigger.event.clone());
                if !maps.iter().any(|map| map == write.map) {
                    maps.push(write.map.to_owned());
                }
            }
        }
        if !events.is_empty() {
            let permitted = permits(plan).find(|(kind, name, _)| (*kind, *name) == (automation.kind, &automation.name));
            all.push(FiredAutomation {
                name: automation.name.clone(),
                kind: automation.kind,
                events: events.into_iter().collect(),
                maps,
                permitted: permitted.map(|(_, _, permit)| permit.reason.clone()),
            });
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// Permits of a plan that name no workflow or webhook which is switched on and which what it writes starts.
pub fn idle_permits<'p>(plan: &'p Plan, fired: &[FiredAutomation]) -> Vec<(AutomationKind, &'p str, &'p Permit)> {
    permits(plan).filter(|(kind, name, _)| fired.iter().all(|one| (one.kind, &*one.name) != (*kind, name))).collect()
}

/// The workflows and webhooks that a plan permits, by name.
fn permits(plan: &Plan) -> impl Iterator<Item = (AutomationKind, &str, &Permit)> {
    plan.permits.iter().filter_map(|permit| match &permit.what {
        Permitted::Workflow { name } => Some((AutomationKind::Workflow, name.as_str(), permit)),
        Permitted::Webhook { host } => Some((AutomationKind::Webhook, host.as_str(), permit)),
        Permitted::Object { .. } | Permitted::Irreversible => None,
    })
}

/// Writes of a run of a plan, to every object.
fn writes(plan: &Plan) -> Vec<Write<'_>> {
    let mut all = Vec::new();
    for stage in &plan.stages {
        let (map, object) = (stage.map.as_str(), stage.destination_object.as_str());
        let mut add = |object, touch, fields| all.push(Write { map, object, touch, fields });
        add(object, Touch::Created, BTreeSet::new());
        let waiting = stage.fields.iter().filter(|field| field.deferred || field.linked_by.is_some());
        let mut updated: BTreeSet<&str> = waiting.map(|field| field.field.as_str()).collect();
        if matches!(stage.policies.existing, ExistingPolicy::Fill | ExistingPolicy::Update) {
            let written = stage.fields.iter().filter(|field| !field.create_only && field.ty != FieldType::File);
            updated.extend(written.map(|field| field.field.as_str()));
        }
        if !updated.is_empty() {
            add(object, Touch::Updated, updated);
        }
        match stage.policies.deleted {
            DeletedPolicy::Restore => add(object, Touch::Restored, BTreeSet::new()),
            DeletedPolicy::Destroy => add(object, Touch::Destroyed, BTreeSet::new()),
            DeletedPolicy::Quarantine => {}
        }
        for link in &stage.links {
            add(link.through.as_str(), Touch::Created, BTreeSet::new());
        }
    }
    all
}
