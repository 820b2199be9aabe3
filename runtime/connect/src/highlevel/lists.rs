//! Records as they are listed, counted and read by their ids.

use std::sync::{Arc, PoisonError};

use migr_load::{Deleted, Found, LoadError, Member, Page};
use serde_json::{Value, json};

use super::api::{boxed, each, is_gone, list, text};
use super::found::{both, found};
use super::kind::Kind;
use super::live::{Live, Named};
use super::version::Version;
use super::{HighLevel, PAGE};

/// Contacts in one answer of a search.
const CONTACTS: usize = 500;
/// Users in one answer.
const USERS: usize = 25;
/// The first and the last moment, in milliseconds, between which appointments are looked for.
const EVER: (&str, &str) = ("0", "4102444800000");

impl HighLevel {
    pub(super) async fn scan_page(
        &self,
        object: &str,
        deleted: Deleted,
        after: Option<String>,
    ) -> Result<Page, LoadError> {
        if deleted == Deleted::Trashed {
            return Ok(Page::default());
        }
        let live = self.live()?;
        let kind = Kind::of(object);
        match kind {
            Kind::Businesses => self.scan_businesses(after).await,
            Kind::Contacts => self.scan_contacts(after).await,
            Kind::Opportunities => self.scan_opportunities(after).await,
            Kind::Custom => self.scan_objects(live.object_key(object)?, after).await,
            Kind::Appointments => self.scan_appointments(&live).await,
            Kind::Pipelines => {
                // Those that setup will make are there before a record is written.
                let live = live.after(&self.plan.setup);
                let named = live.pipelines.iter().map(|it| Named { id: it.id.clone(), name: it.name.clone() });
                Ok(whole(kind, &named.collect::<Vec<_>>()))
            }
            Kind::Calendars => Ok(whole(kind, &live.calendars)),
            Kind::Users => {
                let users = self.users(&live).await?;
                let records: Vec<Found> = users.iter().filter_map(|user| found(kind, user, None)).collect();
                Ok(Page { total: records.len() as u64, records, next: None })
            }
            // They are listed under the records that they belong to alone.
            Kind::Notes | Kind::Tasks | Kind::ContactFiles | Kind::Media | Kind::Associations => Ok(Page::default()),
        }
    }

    async fn scan_businesses(&self, after: Option<String>) -> Result<Page, LoadError> {
        let skip: usize = after.and_then(|after| after.parse().ok()).unwrap_or_default();
        let query = vec![self.here(), ("limit", PAGE.to_string()), ("skip", skip.to_string())];
        let answer = self.read("businesses/", query).await?;
        Ok(numbered(Kind::Businesses, list(&answer, &["businesses"]), skip, PAGE))
    }

    async fn scan_contacts(&self, after: Option<String>) -> Result<Page, LoadError> {
        let mut body = json!({"locationId": self.location, "pageLimit": CONTACTS});
        match after.and_then(|after| serde_json::from_str::<Value>(&after).ok()) {
            Some(after) => body.as_object_mut().map(|body| body.insert("searchAfter".to_owned(), after)),
            None => body.as_object_mut().map(|body| body.insert("page".to_owned(), 1.into())),
        };
        let path = "contacts/search";
        let answer = self.ask(path, &body).await.map_err(|error| error.into_load_error(format!("POST {path}")))?;
        let contacts = list(&answer, &["contacts"]);
        let next = contacts.last().filter(|_| contacts.len() >= CONTACTS).and_then(|last| last.get("searchAfter"));
        let records: Vec<Found> = contacts.iter().filter_map(|contact| found(Kind::Contacts, contact, None)).collect();
        let total = answer.get("total").and_then(Value::as_u64).unwrap_or(records.len() as u64);
        Ok(Page { records, next: next.map(Value::to_string), total })
    }

    /// A page of all opportunities, by the cursor that the one before told: pages by number end somewhere, and their first number is told differently.
    async fn scan_opportunities(&self, after: Option<String>) -> Result<Page, LoadError> {
        let location = match self.version {
            Version::V3 => "locationId",
            Version::Older => "location_id",
        };
        let mut query = vec![(location, self.location.clone()), ("limit", PAGE.to_string())];
        let cursor = after.and_then(|after| serde_json::from_str::<(Value, String)>(&after).ok());
        if let Some((at, id)) = cursor {
            query.push(("startAfter", at.to_string()));
            query.push(("startAfterId", id));
        }
        let answer = self.read("opportunities/search", query).await?;
        let opportunities = list(&answer, &["opportunities"]);
        let records: Vec<Found> = opportunities.iter().filter_map(|it| found(Kind::Opportunities, it, None)).collect();
        let meta = answer.get("meta").unwrap_or(&Value::Null);
        let total = meta.get("total").and_then(Value::as_u64).unwrap_or(records.len() as u64);
        let cursor = meta.get("startAfter").zip(text(meta, "startAfterId"));
        let next = cursor.filter(|_| opportunities.len() >= PAGE).map(|cursor| json!(cursor).to_string());
        Ok(Page { records, next, total })
    }

    async fn scan_objects(&self, key: &str, after: Option<String>) -> Result<Page, LoadError> {
        let cursor = after.and_then(|after| serde_json::from_str::<Vec<String>>(&after).ok()).unwrap_or_default();
        let path = format!("objects/{key}/records/search");
        let body =
            json!({"locationId": self.location, "page": 1, "pageLimit": PAGE, "query": "", "searchAfter": cursor});
        let answer = match self.ask(&path, &body).await {
            Ok(answer) => answer,
            Err(error) => return Err(error.into_load_error(format!("POST {path}"))),
        };
        let objects = list(&answer, &["records"]);
        let records: Vec<Found> = objects.iter().filter_map(|it| found(Kind::Custom, it, None)).collect();
        let total = answer.get("total").and_then(Value::as_u64).unwrap_or(records.len() as u64);
        let last =
            objects.last().filter(|_| objects.len() >= PAGE).and_then(|last| last.get("searchAfter")?.as_array());
        // The documents tell numbers in answers, and texts in questions.
        let word = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
        let next = last.map(|last| json!(last.iter().map(word).collect::<Vec<_>>()).to_string());
        Ok(Page { records, next, total })
    }

    pub(super) async fn scan_appointments(&self, live: &Live) -> Result<Page, LoadError> {
        let mut records = Vec::new();
        for calendar in &live.calendars {
            let query = vec![
                self.here(),
                ("calendarId", calendar.id.clone()),
                ("startTime", EVER.0.to_owned()),
                ("endTime", EVER.1.to_owned()),
            ];
            let answer = self.read("calendars/events", query).await?;
            records.extend(list(&answer, &["events"]).iter().filter_map(|it| found(Kind::Appointments, it, None)));
        }
        Ok(Page { total: records.len() as u64, records, next: None })
    }

    pub(super) async fn count_records(&self, object: &str, deleted: Deleted) -> Result<u64, LoadError> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.scan_page(object, deleted, after).await?;
            count += page.records.len() as u64;
            if page.total > count && Kind::of(object) != Kind::Businesses {
                return Ok(page.total);
            }
            after = page.next;
            if after.is_none() {
                return Ok(count);
            }
        }
    }

    pub(super) async fn fetch_records(
        &self,
        object: &str,
        ids: &[String],
        deleted: Deleted,
    ) -> Result<Vec<Found>, LoadError> {
        if deleted == Deleted::Trashed {
            return Ok(Vec::new());
        }
        if Kind::of(object) == Kind::Media {
            return self.fetch_medias(ids).await;
        }
        let work = ids.iter().map(|id| boxed(self.fetch_one(object, id)));
        let found = each(work.collect()).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The record of an id; none where it is gone.
    pub(super) async fn fetch_one(&self, object: &str, id: &str) -> Result<Option<Found>, LoadError> {
        let kind = Kind::of(object);
        let mut parent = None;
        let (path, name) = match kind {
            Kind::Businesses => (format!("businesses/{id}"), "business"),
            Kind::Contacts => (format!("contacts/{id}"), "contact"),
            Kind::Opportunities => (format!("opportunities/{id}"), "opportunity"),
            Kind::Notes | Kind::Tasks => {
                let Some((contact, own)) = both(id) else { return Ok(None) };
                parent = Some(contact);
                (format!("contacts/{contact}/{object}/{own}"), if kind == Kind::Notes { "note" } else { "task" })
            }
            Kind::Appointments => (format!("calendars/events/appointments/{id}"), "event"),
            Kind::Custom => {
                let live = self.live()?;
                (format!("objects/{}/records/{id}", live.object_key(object)?), "record")
            }
            Kind::ContactFiles => return self.fetch_file(id).await,
            Kind::Associations => return self.fetch_relation(id).await,
            Kind::Media => return Ok(self.fetch_medias(&[id.to_owned()]).await?.pop()),
            Kind::Pipelines | Kind::Calendars | Kind::Users => {
                let page = Box::pin(self.scan_page(object, Deleted::Live, None)).await?;
                return Ok(page.records.into_iter().find(|found| found.id == id));
            }
        };
        let request = format!("GET {path}");
        match self.get(path, Vec::new()).await {
            Ok(answer) => {
                let record = answer.get(name).or_else(|| answer.get("buiseness")).unwrap_or(&answer);
                let is_gone = record.get("deleted").and_then(Value::as_bool).unwrap_or_default();
                Ok(found(kind, record, parent).filter(|_| !is_gone))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error.into_load_error(request)),
        }
    }

    /// A relation, by the id of its first record and its own.
    async fn fetch_relation(&self, id: &str) -> Result<Option<Found>, LoadError> {
        let Some((first, own)) = both(id) else { return Ok(None) };
        let relation = self.find_relation(first, &|relation| text(relation, "id") == Some(own)).await?;
        let relation = relation.and_then(|relation| found(Kind::Associations, &relation, None));
        Ok(relation.map(|relation| Found { id: id.to_owned(), ..relation }))
    }

    /// Everybody who uses the location: asked for once, and again with the schema.
    async fn users(&self, live: &Live) -> Result<Arc<Vec<Value>>, LoadError> {
        if let Some(known) = self.users.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(known);
        }
        let mut all: Vec<Value> = Vec::new();
        loop {
            let query = vec![
                ("companyId", live.company.clone()),
                self.here(),
                ("skip", all.len().to_string()),
                ("limit", USERS.to_string()),
            ];
            let answer = self.read("users/search", query).await?;
            let users = list(&answer, &["users"]);
            all.extend(users.iter().cloned());
            if users.len() < USERS {
                break;
            }
        }
        let all = Arc::new(all);
        *self.users.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&all));
        Ok(all)
    }

    pub(super) async fn list_members(&self, _object: &str, field: &str) -> Result<Vec<Member>, LoadError> {
        let live = self.live()?;
        let users = self.users(&live).await?;
        let member = |user: &Value| {
            let value = text(user, field)?.trim().to_lowercase();
            Some(Member { id: text(user, "id")?.to_owned(), value })
        };
        Ok(users.iter().filter_map(member).collect())
    }
}

fn whole(kind: Kind, named: &[Named]) -> Page {
    let record = |it: &Named| found(kind, &json!({"id": it.id, "name": it.name}), None);
    let records: Vec<Found> = named.iter().filter_map(record).collect();
    Page { total: records.len() as u64, records, next: None }
}

fn numbered(kind: Kind, values: &[Value], skip: usize, page: usize) -> Page {
    let records: Vec<Found> = values.iter().filter_map(|value| found(kind, value, None)).collect();
    let next = (values.len() >= page).then(|| (skip + values.len()).to_string());
    Page { total: (skip + records.len()) as u64, records, next }
}
