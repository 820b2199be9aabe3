//! Tags of the location: made by themselves where a contact gets one that is not there, and left in its list when nobody bears them any more.

use std::collections::BTreeMap;

use migr_load::{Body, Call, CallError, LoadError, MadeBeside, Payload, UndoOutcome};
use reqwest::Method;
use serde_json::{Value, json};

use super::HighLevel;
use super::api::{is_gone, list, text};
use super::compare::{folded, words};
use super::kind::Kind;

/// Contacts of one answer that are asked whether they bear a tag.
const MOST_LISTED: usize = 100;

impl HighLevel {
    /// True where the plan gives contacts tags.
    pub(super) fn writes_tags(&self) -> bool {
        let of_contacts = self.plan.stages.iter().filter(|stage| Kind::of(&stage.destination_object) == Kind::Contacts);
        of_contacts.flat_map(|stage| &stage.fields).any(|field| field.field == "tags")
    }

    /// The location's tags as they are kept, with their ids. None where the token may not list them: nothing can be said of any then.
    pub(super) async fn ask_tags(&self) -> Result<Option<BTreeMap<String, String>>, LoadError> {
        let path = format!("locations/{}/tags", self.location);
        let answer = match self.get(path.as_str(), Vec::new()).await {
            Ok(answer) => answer,
            Err(CallError::Refused { .. } | CallError::Fatal(LoadError::Unauthorized { .. })) => return Ok(None),
            Err(error) => return Err(error.into_load_error(format!("GET {path}"))),
        };
        let named = |tag: &Value| Some((folded(tag.get("name")?), text(tag, "id")?.to_owned()));
        Ok(Some(list(&answer, &["tags"]).iter().filter_map(named).collect()))
    }

    /// Tags of a body that the location did not have.
    pub(super) fn new_tags(&self, object: &str, body: &Body) -> MadeBeside {
        if Kind::of(object) != Kind::Contacts {
            return MadeBeside::default();
        }
        let tags = words(&body.values().remove("tags").unwrap_or_default()).into_iter();
        match self.live().ok().and_then(|live| live.tags.clone()) {
            None => MadeBeside { untold: tags.collect(), ..MadeBeside::default() },
            Some(known) => {
                MadeBeside { new: tags.filter(|tag| !known.contains_key(tag)).collect(), ..MadeBeside::default() }
            }
        }
    }

    /// Removes tags that no contact bears. Whoever got one a moment ago is not found by a search that lags: it is waited for.
    pub(super) async fn remove_tags(&self, names: &[String]) -> Result<Vec<UndoOutcome>, LoadError> {
        let Some(known) = self.ask_tags().await? else {
            let why = "the token may not list the location's tags (scope locations/tags.readonly)".to_owned();
            return Ok(vec![UndoOutcome::Kept { why }; names.len()]);
        };
        if names.iter().any(|name| known.contains_key(name)) {
            self.http.wait(self.capabilities.settle, "the search for contacts may not find yet who got a tag").await;
        }
        let mut outcomes = Vec::with_capacity(names.len());
        for name in names {
            let outcome = match known.get(name) {
                None => UndoOutcome::Gone,
                Some(_) if self.is_borne(name).await? => UndoOutcome::Kept { why: "a contact bears it".to_owned() },
                Some(id) => self.remove_tag(id).await?,
            };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn remove_tag(&self, id: &str) -> Result<UndoOutcome, LoadError> {
        let path = format!("locations/{}/tags/{id}", self.location);
        match self.send(Call::new(Method::DELETE, path.as_str(), Payload::Empty)).await {
            Ok(_) => Ok(UndoOutcome::Undone),
            Err(error) if is_gone(&error) => Ok(UndoOutcome::Gone),
            Err(CallError::Refused { message, .. } | CallError::Fatal(LoadError::Unauthorized { message, .. })) => {
                Ok(UndoOutcome::Kept { why: message })
            }
            Err(error) => Err(error.into_load_error(format!("DELETE {path}"))),
        }
    }

    /// True where a contact bears a tag, asked of each that the search names: it names some that are gone. True too where it names so many that others may stand
    /// behind them.
    async fn is_borne(&self, name: &str) -> Result<bool, LoadError> {
        let body = json!({
            "locationId": self.location, "page": 1, "pageLimit": MOST_LISTED,
            "filters": [{"field": "tags", "operator": "eq", "value": name}],
        });
        let path = "contacts/search";
        let answer = self.ask(path, &body).await.map_err(|error| error.into_load_error(format!("POST {path}")))?;
        let listed = list(&answer, &["contacts"]);
        for id in listed.iter().filter_map(|contact| text(contact, "id")) {
            let there = self.fetch_one("contacts", id).await?;
            let tags = there.and_then(|found| found.values.get("tags").map(words)).unwrap_or_default();
            if tags.iter().any(|tag| tag == name) {
                return Ok(true);
            }
        }
        Ok(listed.len() >= MOST_LISTED)
    }
}
