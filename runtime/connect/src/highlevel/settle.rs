//! Lost answers: which records are there after all, as far as each object can tell.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use migr_load::{Body, Codec as _, Found, LoadError, Map, Settlement, Unsettled, by_tokens};
use serde_json::Value;

use super::api::{boxed, each, is_gone, list, text};
use super::codec::ends;
use super::compare::{is_nothing, may_be_given};
use super::files::{FILE, sent_file};
use super::found::{UNDER, found};
use super::kind::Kind;
use super::{HighLevel, PAGE, TOKEN};

/// Time by which the server's clock may be behind ours: what it says was made before a request by more than this was not made by it.
const SKEW: Duration = Duration::from_secs(600);

impl HighLevel {
    pub(super) async fn settle_records(
        &self,
        object: &str,
        records: &[Unsettled<'_>],
    ) -> Result<Vec<Settlement>, LoadError> {
        let kind = Kind::of(object);
        match kind {
            Kind::Contacts | Kind::Opportunities | Kind::Custom => self.by_migr_id(kind, object, records).await,
            Kind::Businesses => self.among_businesses(object, records).await,
            Kind::Media => self.among_media(records).await,
            Kind::Notes | Kind::Tasks | Kind::Appointments | Kind::Associations | Kind::ContactFiles => {
                let work = records.iter().map(|record| boxed(self.settle_one(kind, object, record)));
                each(work.collect()).await
            }
            _ => Ok(vec![Settlement::Unknown; records.len()]),
        }
    }

    /// Settlement by the program's own id, which a search finds. That it finds nothing proves nothing for a while, and of some records never.
    async fn by_migr_id(
        &self,
        kind: Kind,
        object: &str,
        records: &[Unsettled<'_>],
    ) -> Result<Vec<Settlement>, LoadError> {
        let tokens: Vec<String> = records.iter().map(|record| record.token.to_owned()).collect();
        let Some(found) = self.find_holders(object, &[(TOKEN.to_owned(), tokens)]).await? else {
            return Ok(vec![Settlement::Unknown; records.len()]);
        };
        let codec = self.codec()?;
        let mut settled = by_tokens(records, found, |found| codec.identity(object, TOKEN, &found.values));
        for (record, settlement) in records.iter().zip(&mut settled) {
            if *settlement != Settlement::Absent {
                continue;
            }
            let is_old = record.age >= self.capabilities.settle;
            *settlement = match (kind, record.body) {
                (Kind::Contacts, Some(body)) => self.by_address(record.token, &body.values(), is_old).await?,
                (Kind::Custom, _) if is_old => Settlement::Absent,
                // A second attempt is refused where the first was carried out, and the refusal names it.
                (Kind::Opportunities, _) if is_old && self.live()?.refuses_second_opportunity => Settlement::Absent,
                _ => Settlement::Unknown,
            };
        }
        Ok(settled)
    }

    /// Settlement of a contact that no search by our id finds, by its address and its number: who holds them is told as it is at this moment. That nobody holds one
    /// of them proves that it is not there, once no request can be on its way; where others hold all of them nothing does.
    async fn by_address(&self, token: &str, body: &Map, is_old: bool) -> Result<Settlement, LoadError> {
        let live = self.live()?;
        let part = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let addresses = [("email", "email"), ("phone", "number")];
        let held: Vec<_> = addresses.iter().filter_map(|(key, name)| Some((*key, *name, part(key)?))).collect();
        let absent = || if is_old { Settlement::Absent } else { Settlement::Unknown };
        if held.is_empty() {
            return Ok(Settlement::Unknown);
        }
        // A second attempt is refused where the first was carried out, and the refusal names it.
        if live.refuses_second_contact {
            return Ok(absent());
        }
        let Some(own) = live.token_key("contacts") else { return Ok(Settlement::Unknown) };
        let is_ours = |found: &Found| found.values.get(own).and_then(Value::as_str) == Some(token);
        for (_, name, value) in &held {
            let query = vec![self.here(), (*name, (*value).to_owned())];
            let answer = self.read("contacts/search/duplicate", query).await?;
            let Some(id) = answer.get("contact").and_then(|contact| text(contact, "id")) else { return Ok(absent()) };
            if let Some(found) = self.fetch_one("contacts", id).await?.filter(is_ours) {
                return Ok(Settlement::There(found));
            }
        }
        if is_old {
            for (key, _, value) in &held {
                let found = self.contacts_of(key, &[(*value).to_owned()]).await?;
                if let Some(found) = found.into_iter().find(is_ours) {
                    return Ok(Settlement::There(found));
                }
            }
        }
        Ok(Settlement::Unknown)
    }

    /// Businesses are told by their values alone, in their whole list.
    async fn among_businesses(&self, object: &str, records: &[Unsettled<'_>]) -> Result<Vec<Settlement>, LoadError> {
        if records.iter().all(|record| record.body.is_none()) {
            return Ok(vec![Settlement::Unknown; records.len()]);
        }
        let mut all: Vec<Value> = Vec::new();
        loop {
            let query = vec![self.here(), ("limit", PAGE.to_string()), ("skip", all.len().to_string())];
            let answer = self.read("businesses/", query).await?;
            let listed = list(&answer, &["businesses"]);
            all.extend(listed.iter().cloned());
            if listed.len() < PAGE {
                break;
            }
        }
        records.iter().map(|record| self.among(Kind::Businesses, object, record, &all, None)).collect()
    }

    /// Files of the library are told by name and size. That one is not listed proves little: it has no key of ours.
    async fn among_media(&self, records: &[Unsettled<'_>]) -> Result<Vec<Settlement>, LoadError> {
        let sent: Vec<Option<(String, u64)>> = records.iter().map(|record| sent_file(&record.body?.values())).collect();
        if sent.iter().all(Option::is_none) {
            return Ok(vec![Settlement::Unknown; records.len()]);
        }
        let all = self.library().await?;
        let settled = records.iter().zip(sent).map(|(record, sent)| {
            let Some((name, bytes)) = sent else { return Settlement::Unknown };
            let is_it = |file: &&Value| {
                text(file, "name") == Some(&name)
                    && file.get("size").and_then(Value::as_u64).is_none_or(|size| size == bytes)
                    && !is_older(file, record.age)
            };
            let alike = all.iter().filter(is_it).filter_map(|file| {
                let id = text(file, "id").or_else(|| text(file, "_id"))?.to_owned();
                let values = Map::from_iter([(FILE.to_owned(), file.clone())]);
                Some(Found { id, deleted: false, values })
            });
            let alike: Vec<Found> = alike.filter(|found| !self.is_known(&found.id)).collect();
            if alike.is_empty() { Settlement::Unknown } else { Settlement::Among(alike) }
        });
        Ok(settled.collect())
    }

    /// Settlement of a record that is listed under its contact, or in its calendar.
    async fn settle_one(&self, kind: Kind, object: &str, record: &Unsettled<'_>) -> Result<Settlement, LoadError> {
        let Some(body) = record.body.map(Body::values) else { return Ok(Settlement::Unknown) };
        let part = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let contact = part("contactId");
        let (path, query, name) = match kind {
            Kind::Associations => {
                let live = self.live()?;
                let association = self.association(&live, &ends(&mut body.clone()))?.id.clone();
                let id = self.relation(part("firstRecordId"), part("secondRecordId"), &association).await?;
                let there = |id| Settlement::There(Found { id, deleted: false, values: body.clone() });
                return Ok(id.map_or(Settlement::Absent, there));
            }
            // A contact's file has the key that it was sent with.
            Kind::ContactFiles => {
                let found = self.fetch_file(&format!("{contact}{UNDER}{}", record.token)).await?;
                return Ok(found.map_or(Settlement::Absent, Settlement::There));
            }
            Kind::Notes => (format!("contacts/{contact}/notes"), Vec::new(), "notes"),
            Kind::Tasks => (format!("contacts/{contact}/tasks"), Vec::new(), "tasks"),
            _ => {
                // A contact's own list tells times without their offset.
                let Ok(start) = part("startTime").parse::<Timestamp>() else { return Ok(Settlement::Unknown) };
                let at = start.as_millisecond();
                let query = vec![
                    self.here(),
                    ("calendarId", part("calendarId").to_owned()),
                    ("startTime", at.to_string()),
                    ("endTime", at.saturating_add(1).to_string()),
                ];
                ("calendars/events".to_owned(), query, "events")
            }
        };
        let answer = match self.get(path.as_str(), query).await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(Settlement::Absent),
            Err(error) => return Err(error.into_load_error(format!("GET {path}"))),
        };
        let parent = (kind != Kind::Appointments).then_some(contact);
        self.among(kind, object, record, list(&answer, &[name]), parent)
    }

    /// Settlement among listed records: those that are alike in everything that was sent, that no answer named, and that are no older.
    fn among(
        &self,
        kind: Kind,
        object: &str,
        record: &Unsettled<'_>,
        listed: &[Value],
        parent: Option<&str>,
    ) -> Result<Settlement, LoadError> {
        let Some(body) = record.body.map(Body::values) else { return Ok(Settlement::Unknown) };
        let codec = self.codec()?;
        let live = self.live()?;
        // Nothing was sent by such a key, and the server gives a value of its own.
        let is_given = |key: &String, found: &Found| {
            body.get(key).is_some_and(is_nothing)
                && found
                    .values
                    .get(key)
                    .zip(live.written_by(object, key))
                    .is_some_and(|(value, field)| may_be_given(kind, field, value))
        };
        let is_alike =
            |found: &Found| codec.unlike(object, &body, &found.values).iter().all(|key| is_given(key, found));
        let young = listed.iter().filter(|value| !is_older(value, record.age));
        let alike = young
            .filter_map(|value| found(kind, value, parent))
            .filter(|found| !self.is_known(&found.id) && is_alike(found));
        Ok(Settlement::Among(alike.collect()))
    }
}

/// True where the server says that a record was made before a request of this age was sent.
fn is_older(value: &Value, age: Duration) -> bool {
    let made =
        text(value, "createdAt").or_else(|| text(value, "dateAdded")).and_then(|at| at.parse::<Timestamp>().ok());
    let sent = SystemTime::now().checked_sub(age.saturating_add(SKEW)).and_then(|at| Timestamp::try_from(at).ok());
    made.zip(sent).is_some_and(|(made, sent)| made < sent)
}
