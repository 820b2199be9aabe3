//! Changes of records: what is written, tags that are added, and contacts that are linked to a business by one call for many.

use std::collections::BTreeMap;

use migr_load::{Body, Call, CallError, LoadError, Map, RecordUpdate, Refusal, Written};
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{boxed, each, json as payload, outcome};
use super::compare::words;
use super::found::both;
use super::kind::Kind;
use super::live::Live;
use super::{HighLevel, LINKED_TOGETHER};

/// Key of the business that a contact is linked to.
const BUSINESS: &str = "businessId";

impl HighLevel {
    pub(super) async fn update_records(&self, object: &str, batch: &[RecordUpdate]) -> Result<Vec<Written>, LoadError> {
        let live = self.live()?;
        let mut outcomes = vec![Written::Updated; batch.len()];
        if Kind::of(object) == Kind::Contacts {
            self.link_all(batch, &mut outcomes).await?;
        }
        let rest: Vec<(usize, &RecordUpdate, Map)> = batch
            .iter()
            .enumerate()
            .filter(|(at, _)| outcomes.get(*at) == Some(&Written::Updated))
            .filter_map(|(at, change)| {
                let mut values = change.body.values();
                values.remove(BUSINESS);
                (!values.is_empty()).then_some((at, change, values))
            })
            .collect();
        let live = &live;
        let work = rest.iter().map(|(_, change, values)| boxed(self.change_one(object, live, change, values.clone())));
        let written = each(work.collect()).await?;
        for ((at, ..), written) in rest.iter().zip(written) {
            if let Some(slot) = outcomes.get_mut(*at) {
                *slot = written;
            }
        }
        Ok(outcomes)
    }

    /// Links contacts to their businesses, and unlinks those whose value is none. What the answer does not name was not linked.
    async fn link_all(&self, batch: &[RecordUpdate], outcomes: &mut [Written]) -> Result<(), LoadError> {
        let mut groups: BTreeMap<Option<String>, Vec<(usize, &str)>> = BTreeMap::new();
        for (at, change) in batch.iter().enumerate() {
            if let Some(business) = change.body.values().get(BUSINESS) {
                let business = business.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
                groups.entry(business).or_default().push((at, &change.id));
            }
        }
        for (business, contacts) in groups {
            for contacts in contacts.chunks(LINKED_TOGETHER) {
                let ids: Vec<&str> = contacts.iter().map(|(_, id)| *id).collect();
                let body = json!({"locationId": self.location, "ids": ids, "businessId": business});
                // Linked twice they are linked once.
                let sent = self.send(Call::new(Method::POST, "contacts/bulk/business", payload(&body))).await;
                let linked: Vec<String> = match sent {
                    Ok(answer) => {
                        let ids = answer.get("ids").and_then(Value::as_array).cloned().unwrap_or_default();
                        ids.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                    }
                    Err(error) => {
                        let outcome = outcome(error)?;
                        for (at, _) in contacts {
                            if let Some(slot) = outcomes.get_mut(*at) {
                                slot.clone_from(&outcome);
                            }
                        }
                        continue;
                    }
                };
                for (at, id) in contacts.iter().filter(|(_, id)| !linked.iter().any(|linked| linked == id)) {
                    if let Some(slot) = outcomes.get_mut(*at) {
                        *slot = self.is_linked(id, business.as_deref()).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Outcome for a contact that the answer to a link does not name.
    async fn is_linked(&self, id: &str, business: Option<&str>) -> Result<Written, LoadError> {
        let found = self.fetch_one("contacts", id).await?;
        let held = found.as_ref().and_then(|found| found.values.get(BUSINESS)).and_then(Value::as_str);
        if found.is_some() && held.filter(|id| !id.is_empty()) == business {
            return Ok(Written::Updated);
        }
        Ok(Written::Refused(Refusal::new(200, "the server did not link the contact to its business")))
    }

    async fn change_one(
        &self,
        object: &str,
        live: &Live,
        change: &RecordUpdate,
        mut values: Map,
    ) -> Result<Written, LoadError> {
        let id = &change.id;
        let kind = Kind::of(object);
        if kind == Kind::Contacts
            && let Some(tags) = values.remove("tags")
        {
            // The whole list would take tags away that others gave meanwhile.
            if let Err(error) = self.set_tags(id, &tags, &change.undone).await {
                return outcome(error);
            }
        }
        // The contact of a record is fixed, and so is what no update takes.
        values.remove("contactId");
        if kind == Kind::Contacts {
            values.remove("companyName");
        }
        let mut body = self.packed(kind, values, false);
        if body.is_empty() {
            return Ok(Written::Updated);
        }
        let mut query = Vec::new();
        let path = match kind {
            Kind::Businesses => format!("businesses/{id}"),
            Kind::Contacts => format!("contacts/{id}"),
            Kind::Opportunities => format!("opportunities/{id}"),
            Kind::Notes | Kind::Tasks => {
                let (contact, own) = both(id).unwrap_or_default();
                format!("contacts/{contact}/{object}/{own}")
            }
            Kind::Appointments => {
                body.insert("toNotify".to_owned(), false.into());
                body.insert("ignoreFreeSlotValidation".to_owned(), true.into());
                format!("calendars/events/appointments/{id}")
            }
            Kind::Custom => {
                let properties = Value::Object(std::mem::take(&mut body));
                body.insert("properties".to_owned(), properties);
                query.push(self.here());
                format!("objects/{}/records/{id}", live.object_key(object)?)
            }
            Kind::ContactFiles | Kind::Media | Kind::Associations | Kind::Pipelines | Kind::Calendars | Kind::Users => {
                let error = LoadError::Missing { what: format!("way to change a record of `{object}`") };
                return Ok(Written::Refused(Refusal::of(&error)));
            }
        };
        let mut call = Call::new(Method::PUT, path, payload(&Value::Object(body)));
        call.query = query;
        match self.send(call).await {
            Ok(_) => Ok(Written::Updated),
            Err(error) => outcome(error),
        }
    }

    /// Gives a contact the tags that it lacks. Only tags that an earlier change added, and that this one undoes, are taken away.
    async fn set_tags(&self, id: &str, tags: &Value, undone: &Body) -> Result<(), CallError> {
        let answer = self.get(format!("contacts/{id}"), Vec::new()).await?;
        let contact = answer.get("contact").unwrap_or(&answer);
        let held = words(contact.get("tags").unwrap_or(&Value::Null));
        let wanted = words(tags);
        let added: Vec<&String> = wanted.iter().filter(|tag| !held.contains(tag)).collect();
        let given = words(undone.values().get("tags").unwrap_or(&Value::Null));
        let taken: Vec<&String> = given.iter().filter(|tag| held.contains(tag) && !wanted.contains(tag)).collect();
        for (method, tags) in [(Method::POST, added), (Method::DELETE, taken)] {
            if !tags.is_empty() {
                let body = payload(&json!({"tags": tags}));
                self.send(Call::new(method, format!("contacts/{id}/tags"), body)).await?;
            }
        }
        Ok(())
    }
}
