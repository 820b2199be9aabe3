//! Records listed by what they belong to: under a contact, or of a business.

use migr_load::{CallError, Found, LoadError};
use serde_json::{Value, json};

use super::api::{boxed, each, is_gone, list, text};
use super::found::found;
use super::kind::Kind;
use super::version::Version;
use super::{HighLevel, PAGE};

impl HighLevel {
    /// The records that refer to some others by a key, as far as the API lists them by it.
    pub(super) async fn list_under(&self, object: &str, key: &str, ids: &[String]) -> Result<Vec<Found>, LoadError> {
        let kind = Kind::of(object);
        // Tasks of ours are compared as they are this moment; of others it is enough that a search knows them, since their contact is looked at once more.
        if (kind, key) == (Kind::Tasks, "contactId")
            && !self.uses(Kind::Tasks)
            && let Some(tasks) = self.search_tasks(ids).await?
        {
            return Ok(tasks);
        }
        let one = |id: &str| match (kind, key) {
            (Kind::Notes | Kind::Tasks, "contactId") => Some((format!("contacts/{id}/{object}"), object.to_owned())),
            (Kind::Appointments, "contactId") => Some((format!("contacts/{id}/appointments"), "events".to_owned())),
            (Kind::Opportunities, "contactId") => Some(("opportunities/search".to_owned(), "opportunities".to_owned())),
            (Kind::Contacts, "businessId") => Some((format!("contacts/business/{id}"), "contacts".to_owned())),
            _ => None,
        };
        let asked = ids.iter().filter_map(|id| Some((id.as_str(), one(id)?)));
        let work = asked.map(|(id, (path, name))| boxed(self.list_of(kind, id, path, name)));
        let found = each(work.collect()).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Records that are listed of one, page by page where they come in pages.
    async fn list_of(&self, kind: Kind, id: &str, path: String, name: String) -> Result<Vec<Found>, LoadError> {
        let (location, contact) = match self.version {
            Version::V3 => ("locationId", "contactId"),
            Version::Older => ("location_id", "contact_id"),
        };
        let parent = matches!(kind, Kind::Notes | Kind::Tasks).then_some(id);
        let (mut all, mut read) = (Vec::new(), 0);
        loop {
            let query = match kind {
                Kind::Opportunities => vec![
                    (location, self.location.clone()),
                    (contact, id.to_owned()),
                    ("limit", PAGE.to_string()),
                    ("page", (read / PAGE + 1).to_string()),
                ],
                Kind::Contacts => vec![self.here(), ("limit", PAGE.to_string()), ("skip", read.to_string())],
                _ => Vec::new(),
            };
            let is_whole = query.is_empty();
            let answer = match self.get(path.as_str(), query).await {
                Ok(answer) => answer,
                Err(error) if is_gone(&error) => return Ok(all),
                Err(error) => return Err(error.into_load_error(format!("GET {path}"))),
            };
            let listed = list(&answer, &[&name]);
            read += listed.len();
            all.extend(listed.iter().filter_map(|it| found(kind, it, parent)));
            if is_whole || listed.len() < PAGE {
                return Ok(all);
            }
        }
    }

    /// The tasks of some contacts by a search. None where the token may not search them, or the search does not keep to what it was asked for.
    async fn search_tasks(&self, contacts: &[String]) -> Result<Option<Vec<Found>>, LoadError> {
        let path = format!("locations/{}/tasks/search", self.location);
        let mut all = Vec::new();
        loop {
            let body = json!({"contactId": contacts, "limit": PAGE, "skip": all.len()});
            let answer = match self.ask(&path, &body).await {
                Ok(answer) => answer,
                Err(CallError::Refused { .. } | CallError::Fatal(LoadError::Unauthorized { .. })) => return Ok(None),
                Err(error) => return Err(error.into_load_error(format!("POST {path}"))),
            };
            let Some(listed) = answer.get("tasks").and_then(Value::as_array) else { return Ok(None) };
            if listed.is_empty() {
                return Ok(Some(all));
            }
            for task in listed {
                let contact = text(task, "contactId").filter(|id| contacts.iter().any(|asked| asked == id));
                let Some(found) = contact.and_then(|contact| found(Kind::Tasks, task, Some(contact))) else {
                    return Ok(None);
                };
                all.push(found);
            }
        }
    }
}
