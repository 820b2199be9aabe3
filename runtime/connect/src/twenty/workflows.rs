//! Workflows and webhooks of the workspace: which of them database events start, which of them run, and what workflows made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use migr_plan::{Automation, AutomationKind, Touch, Trigger};
use serde_json::Value;

use super::Twenty;
use super::live::Live;
use migr_load::{
    AutomationRuns, Automations, BoxFuture, Call, CallError, Deleted, Found, LoadError, Map, ObjectSchema,
};

/// The object of workflows.
const WORKFLOWS: &str = "workflows";
/// The object of the events that start them.
const TRIGGERS: &str = "workflowAutomatedTriggers";
/// The object of their runs.
const RUNS: &str = "workflowRuns";
/// Address of webhooks. No recording shows its answers: they are read as the description of the API has them, and in the forms that the list of objects has.
const WEBHOOKS: &str = "/rest/metadata/webhooks";
/// States of a run that is over.
const ENDED: [&str; 3] = ["COMPLETED", "FAILED", "STOPPED"];

impl Automations for Twenty {
    fn active(&self) -> BoxFuture<'_, Result<Vec<Automation>, LoadError>> {
        Box::pin(self.active_workflows())
    }

    fn webhooks(&self) -> BoxFuture<'_, Result<Vec<Automation>, LoadError>> {
        Box::pin(self.active_webhooks())
    }

    fn runs(&self, since: Timestamp) -> BoxFuture<'_, Result<AutomationRuns, LoadError>> {
        Box::pin(self.workflow_runs(since))
    }

    fn made<'a>(&'a self, object: &'a str, since: Timestamp) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        Box::pin(async move {
            if self.live()?.field(object, "createdBy").is_err() {
                return Ok(Vec::new());
            }
            let filter = format!("and(createdBy.source[eq]:WORKFLOW,{})", made_since(since));
            self.list_where(object, &filter).await
        })
    }

    fn maker(&self, found: &Map) -> Option<String> {
        actor(found, "createdBy")
    }

    fn changer(&self, found: &Map) -> Option<String> {
        actor(found, "updatedBy")
    }
}

impl Twenty {
    async fn active_workflows(&self) -> Result<Vec<Automation>, LoadError> {
        let live = self.live()?;
        // The older server does not tell by which events its workflows are started.
        if !live.schema.objects.contains_key(TRIGGERS) || !live.schema.objects.contains_key(WORKFLOWS) {
            return Ok(Vec::new());
        }
        let mut triggers: BTreeMap<String, BTreeSet<Trigger>> = BTreeMap::new();
        for found in self.every(TRIGGERS).await? {
            if let Some((workflow, trigger)) = trigger(&live, &found.values) {
                triggers.entry(workflow).or_default().insert(trigger);
            }
        }
        if triggers.is_empty() {
            return Ok(Vec::new());
        }
        let workflows = self.every(WORKFLOWS).await?;
        let active = workflows.iter().filter(|found| is_active(&found.values)).filter_map(|found| {
            let triggers = triggers.remove(&found.id)?.into_iter().collect();
            let name = found.values.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
            let name = name.unwrap_or(&found.id).to_owned();
            Some(Automation { name, kind: AutomationKind::Workflow, triggers })
        });
        let mut active: Vec<Automation> = active.collect();
        active.sort();
        Ok(active)
    }

    async fn active_webhooks(&self) -> Result<Vec<Automation>, LoadError> {
        let live = self.live()?;
        let call = Call::get(WEBHOOKS).unpaced();
        let answer = match self.http.call(&call).await {
            Ok(answer) => answer,
            Err(CallError::Unknown { why, .. }) => return Err(unlisted(&why)),
            Err(error) => return Err(error.into_load_error(call.name())),
        };
        let list = webhooks(&answer).ok_or_else(|| unlisted("there is no list of webhooks"))?;
        // A list that is longer than a page would hide one.
        let more = answer.get("pageInfo").and_then(|page| page.get("hasNextPage")).and_then(Value::as_bool);
        if more == Some(true) {
            return Err(unlisted("the list has a second page"));
        }
        let mut hosts: BTreeMap<String, BTreeSet<Trigger>> = BTreeMap::new();
        for hook in list.iter().filter(|hook| hook.get("deletedAt").is_none_or(Value::is_null)) {
            hosts.entry(host(hook)).or_default().extend(operations(&live, hook));
        }
        let told = hosts.into_iter().map(|(name, triggers)| {
            let triggers = triggers.into_iter().collect();
            Automation { name, kind: AutomationKind::Webhook, triggers }
        });
        Ok(told.collect())
    }

    /// Every record of an object that is in use.
    async fn every(&self, object: &str) -> Result<Vec<Found>, LoadError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.scan_page(object, Deleted::Live, after).await?;
            all.extend(page.records);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    async fn workflow_runs(&self, since: Timestamp) -> Result<AutomationRuns, LoadError> {
        let live = self.live()?;
        let Ok(status) = live.field(RUNS, "status") else { return Ok(AutomationRuns::default()) };
        let all = self.count_where(RUNS, &made_since(since)).await?;
        if all == 0 {
            return Ok(AutomationRuns::default());
        }
        let known = status.options.iter().map(|option| option.value.as_str());
        let open: Vec<&str> = known.filter(|state| !ENDED.contains(state)).collect();
        let filter = format!("and(status[in]:[{}],{})", open.join(","), made_since(since));
        let open = if open.is_empty() { 0 } else { self.count_where(RUNS, &filter).await? };
        Ok(AutomationRuns { all, open })
    }
}

/// The filter of records that were made since a moment.
fn made_since(since: Timestamp) -> String {
    format!("createdAt[gte]:\"{}\"", since.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
}

/// The name of the workflow that a stamp of a record names.
fn actor(found: &Map, key: &str) -> Option<String> {
    let actor = found.get(key)?;
    (actor.get("source")? == "WORKFLOW")
        .then(|| actor.get("name").and_then(Value::as_str).unwrap_or("a workflow").to_owned())
}

fn is_active(workflow: &Map) -> bool {
    let statuses = workflow.get("statuses").and_then(Value::as_array);
    statuses.is_some_and(|statuses| statuses.iter().any(|status| status == "ACTIVE"))
}

/// The workflow's id and the event of a trigger; none for one by the clock, or of an object that is not there.
fn trigger(live: &Live, values: &Map) -> Option<(String, Trigger)> {
    if values.get("type").and_then(Value::as_str) != Some("DATABASE_EVENT") {
        return None;
    }
    let settings = values.get("settings")?;
    let event = settings.get("eventName")?.as_str()?;
    let (singular, word) = event.rsplit_once('.')?;
    let object = match singular {
        "*" => None,
        name => Some(named(live, name)?),
    };
    let field = |name: &str| {
        let known = object
            .and_then(|object| object.fields.values().find(|field| field.name == name || field.write_key == name));
        known.map_or_else(|| name.to_owned(), |field| field.name.clone())
    };
    let fields = settings.get("fields").and_then(Value::as_array);
    let mut fields: Vec<String> = fields.into_iter().flatten().filter_map(Value::as_str).map(field).collect();
    fields.sort();
    let object = object.map(|object| object.name.clone());
    let workflow = values.get("workflowId")?.as_str()?.to_owned();
    Some((workflow, Trigger { event: event.to_owned(), object, on: touches(word), fields }))
}

/// The object of a singular name.
fn named<'l>(live: &'l Live, singular: &str) -> Option<&'l ObjectSchema> {
    live.schema.objects.values().find(|object| object.singular == singular)
}

/// The answer to a question about webhooks that cannot be read.
fn unlisted(why: &str) -> LoadError {
    LoadError::Unexpected { request: format!("GET {WEBHOOKS}"), why: why.to_owned() }
}

/// The list of webhooks: bare, as `data`, or as a member of it.
fn webhooks(answer: &Value) -> Option<&Vec<Value>> {
    let data = answer.get("data").unwrap_or(answer);
    data.as_array().or_else(|| data.get("webhooks")?.as_array())
}

/// The host that a webhook tells; what follows it in the address may be a secret.
fn host(hook: &Value) -> String {
    let address = hook.get("targetUrl").and_then(Value::as_str).unwrap_or_default();
    let behind = address.split_once("://").map_or(address, |(_, behind)| behind);
    let authority = behind.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.is_empty() { "an unnamed host".to_owned() } else { host.to_lowercase() }
}

/// The events that a webhook tells of. Without a list it is every one, as the API's description has it, and so is an
/// operation without an object; one of an object that is not there is of no record.
fn operations(live: &Live, hook: &Value) -> Vec<Trigger> {
    let all = || Trigger { event: "*.*".to_owned(), object: None, on: touches("*"), fields: Vec::new() };
    let Some(operations) = hook.get("operations").and_then(Value::as_array) else { return vec![all()] };
    let read = |operation: &Value| {
        let Some((one, other)) = operation.as_str().and_then(|event| event.split_once('.')) else { return Some(all()) };
        let event = format!("{one}.{other}");
        // An older server puts the word first: `create.person`.
        let (object, word) = match (one, named(live, one), named(live, other)) {
            ("*", ..) => (None, other),
            (_, Some(object), _) => (Some(object), other),
            (_, None, Some(object)) => (Some(object), one),
            (_, None, None) => return None,
        };
        let object = object.map(|object| object.name.clone());
        Some(Trigger { event, object, on: touches(word), fields: Vec::new() })
    };
    operations.iter().filter_map(read).collect()
}

/// Changes of a record in an event. A word that nobody knows may be anything.
fn touches(word: &str) -> Vec<Touch> {
    match word {
        "created" => vec![Touch::Created],
        "updated" => vec![Touch::Updated],
        "upserted" => vec![Touch::Created, Touch::Updated, Touch::Restored],
        "deleted" => vec![Touch::Trashed],
        "destroyed" => vec![Touch::Destroyed],
        "restored" => vec![Touch::Restored],
        _ => vec![Touch::Created, Touch::Updated, Touch::Trashed, Touch::Destroyed, Touch::Restored],
    }
}

#[cfg(test)]
mod tests {
    use migr_plan::Touch;
    use serde_json::json;

    use super::{actor, host, is_active, touches, webhooks};

    #[test]
    fn an_event_is_told_by_its_word_and_one_that_nobody_knows_may_be_anything() {
        for (word, on) in [
            ("created", vec![Touch::Created]),
            ("updated", vec![Touch::Updated]),
            ("upserted", vec![Touch::Created, Touch::Updated, Touch::Restored]),
            ("deleted", vec![Touch::Trashed]),
            ("destroyed", vec![Touch::Destroyed]),
            ("restored", vec![Touch::Restored]),
        ] {
            assert_eq!(touches(word), on, "{word}");
        }
        assert_eq!(touches("merged").len(), 5);
    }

    #[test]
    fn a_webhook_goes_by_its_host_alone_whatever_else_its_address_holds() {
        for (address, named) in [
            ("https://hooks.example.com/catch/1234/secret?key=x", "hooks.example.com"),
            ("http://user:secret@Hooks.example.com:8443", "hooks.example.com:8443"),
            ("hooks.example.com/x", "hooks.example.com"),
            ("", "an unnamed host"),
        ] {
            assert_eq!(host(&json!({"targetUrl": address})), named, "{address}");
        }
    }

    #[test]
    fn a_list_of_webhooks_is_read_in_each_form_that_lists_of_metadata_have() {
        for (answer, is_list) in [
            (json!({"data": {"webhooks": [{}]}}), true),
            (json!({"data": [{}]}), true),
            (json!([{}]), true),
            (json!({"webhooks": [{}]}), true),
            (json!({"data": {}}), false),
            (json!(null), false),
        ] {
            assert_eq!(webhooks(&answer).is_some_and(|list| list.len() == 1), is_list, "{answer}");
        }
    }

    #[test]
    fn only_what_a_workflow_stamped_is_a_workflows_and_only_an_active_one_counts() {
        for (record, made) in [
            (json!({"createdBy": {"source": "WORKFLOW", "name": "Greet"}}), Some("Greet")),
            (json!({"createdBy": {"source": "WORKFLOW"}}), Some("a workflow")),
            (json!({"createdBy": {"source": "API", "name": "Greet"}}), None),
            (json!({"updatedBy": {"source": "WORKFLOW", "name": "Greet"}}), None),
            (json!({}), None),
        ] {
            assert_eq!(record.as_object().and_then(|record| actor(record, "createdBy")).as_deref(), made, "{record}");
        }
        for (workflow, is_on) in [
            (json!({"statuses": ["DRAFT", "ACTIVE"]}), true),
            (json!({"statuses": ["DEACTIVATED"]}), false),
            (json!({"statuses": null}), false),
        ] {
            assert_eq!(workflow.as_object().is_some_and(is_active), is_on, "{workflow}");
        }
    }
}
