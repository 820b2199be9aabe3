//! Records: made one request each, and removed.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use migr_load::{
    Body, BoxFuture, Call, CallError, Deleted, Found, LoadError, MadeBeside, Map, Member, NewRecord, Page, Payload,
    RecordUpdate, Records, Refusal, Removal, Settlement, UndoOutcome, Unsettled, Written,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{SIDE_BY_SIDE, boxed, each, is_gone, list, outcome, text, unsent};
use super::codec::ends;
use super::found::{UNDER, both};
use super::kind::Kind;
use super::live::{Association, CUSTOM, Live};
use super::{HighLevel, has_no_token};

/// Status of a request whose body is invalid, as the server says.
const INVALID: u16 = 422;
/// Relations of a record in one question.
const RELATIONS: usize = 100;

/// Fate of what others have attached to a record that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attached {
    /// Fate of what stays, and the record with it.
    Stays,
    /// Fate of what goes with the record.
    Goes,
}

/// Appointments of contacts: how many each has.
type Booked = BTreeMap<String, usize>;

/// Keys of a contact that an update may empty by null.
const EMPTIED: [&str; 12] = [
    "firstName",
    "lastName",
    "email",
    "phone",
    "address1",
    "city",
    "state",
    "website",
    "timezone",
    "dateOfBirth",
    "source",
    "assignedTo",
];

impl Records for HighLevel {
    fn members<'a>(&'a self, object: &'a str, field: &'a str) -> BoxFuture<'a, Result<Vec<Member>, LoadError>> {
        Box::pin(self.list_members(object, field))
    }

    fn scan<'a>(
        &'a self,
        object: &'a str,
        deleted: Deleted,
        after: Option<String>,
    ) -> BoxFuture<'a, Result<Page, LoadError>> {
        Box::pin(self.scan_page(object, deleted, after))
    }

    fn count<'a>(&'a self, object: &'a str, deleted: Deleted) -> BoxFuture<'a, Result<u64, LoadError>> {
        Box::pin(self.count_records(object, deleted))
    }

    fn fetch<'a>(
        &'a self,
        object: &'a str,
        ids: &'a [String],
        deleted: Deleted,
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        Box::pin(self.fetch_records(object, ids, deleted))
    }

    fn fetch_written<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        Box::pin(self.fetch_records(object, ids, Deleted::Live))
    }

    fn holders<'a>(
        &'a self,
        object: &'a str,
        wanted: &'a [(String, Vec<String>)],
    ) -> BoxFuture<'a, Result<Option<Vec<Found>>, LoadError>> {
        Box::pin(self.find_holders(object, wanted))
    }

    fn referring<'a>(
        &'a self,
        object: &'a str,
        key: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        Box::pin(self.list_under(object, key, ids))
    }

    fn create<'a>(&'a self, object: &'a str, batch: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        Box::pin(self.create_records(object, batch))
    }

    fn update<'a>(
        &'a self,
        object: &'a str,
        batch: &'a [RecordUpdate],
    ) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        Box::pin(self.update_records(object, batch))
    }

    fn settle<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Unsettled<'a>],
    ) -> BoxFuture<'a, Result<Vec<Settlement>, LoadError>> {
        Box::pin(self.settle_records(object, records))
    }

    fn written_until(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn take_for_written(&self, object: &str, found: &[Found]) {
        if has_no_token(Kind::of(object)) {
            for found in found {
                self.knows(&found.id);
            }
        }
    }

    fn take_met(&self, object: &str) -> Vec<(String, String)> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).remove(object).unwrap_or_default()
    }

    fn restore<'a>(&'a self, object: &'a str, _ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(async move { Err(LoadError::Missing { what: format!("trash for `{object}`") }) })
    }

    fn trash<'a>(&'a self, object: &'a str, _ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(async move { Err(LoadError::Missing { what: format!("trash for `{object}`") }) })
    }

    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Removal>, LoadError>> {
        Box::pin(self.destroy_records(object, ids, Attached::Stays))
    }

    fn destroy_with_attached<'a>(
        &'a self,
        object: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removal>, LoadError>> {
        Box::pin(self.destroy_records(object, ids, Attached::Goes))
    }

    fn made_beside(&self, object: &str, body: &Body) -> MadeBeside {
        self.new_tags(object, body)
    }

    fn remove_beside<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<UndoOutcome>, LoadError>> {
        Box::pin(self.remove_tags(names))
    }

    fn carrier(&self, object: &str, id: &str) -> Option<(&'static str, String)> {
        let (contact, _) = both(id).filter(|_| Kind::of(object) == Kind::ContactFiles)?;
        Some(("contacts", contact.to_owned()))
    }

    fn held_under(&self, object: &str, field: &str) -> Option<(&'static str, String)> {
        if Kind::of(object) != Kind::ContactFiles {
            return None;
        }
        let live = self.live().ok()?;
        Some(("contacts", format!("{CUSTOM}{}", live.schema.field(object, field)?.id)))
    }
}

impl HighLevel {
    pub(super) async fn create_records(&self, object: &str, batch: &[NewRecord]) -> Result<Vec<Written>, LoadError> {
        let live = self.live()?;
        let live = &live;
        each(batch.iter().map(|record| boxed(self.create_one(object, live, record))).collect()).await
    }

    async fn create_one(&self, object: &str, live: &Live, record: &NewRecord) -> Result<Written, LoadError> {
        let kind = Kind::of(object);
        let mut values = record.body.values();
        if let Some(key) = live.token_key(object) {
            values.insert(key.to_owned(), record.id.clone().into());
        }
        if matches!(kind, Kind::ContactFiles | Kind::Media) {
            let written = self.send_file(kind, &record.id, &values).await?;
            return self.believed(kind, object, record, written).await;
        }
        let parent = values.get("contactId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (path, body) = match self.wire(object, live, values, true) {
            Ok(wire) => wire,
            Err(error) if error.stops_the_run() => return Err(error),
            Err(error) => return Ok(Written::Refused(Refusal::of(&error))),
        };
        let mut answer = self.make(path.as_str(), &body).await;
        if let Some(error) = answer.as_ref().err().and_then(unsent) {
            return Ok(Written::Unsent(error));
        }
        // The server was seen to refuse contacts and to make them all the same. Where it allows no second one, it names the first.
        let is_invalid = matches!(&answer, Err(CallError::Refused { status: INVALID, .. }));
        let is_doubtful = kind == Kind::Contacts && is_invalid;
        let names_the_first = match kind {
            Kind::Contacts => live.refuses_second_contact && has_address(&body),
            Kind::Opportunities => live.refuses_second_opportunity,
            _ => false,
        };
        if is_invalid && names_the_first {
            answer = self.make(path.as_str(), &body).await;
        } else if let (true, Err(CallError::Refused { status, message, .. })) = (is_doubtful, &answer) {
            return Ok(Written::RefusedInDoubt(Refusal::new(*status, message.clone())));
        }
        match answer {
            Ok(answer) if kind == Kind::Associations => self.related(&body, &answer).await,
            Ok(answer) => {
                let Some(own) = id_of(kind, &answer) else {
                    return Ok(Written::Uncertain { why: "the answer names no id".to_owned(), is_answered: true });
                };
                let id = if is_under_contact(kind) { format!("{parent}{UNDER}{own}") } else { own.to_owned() };
                if has_no_token(kind) {
                    self.knows(&id);
                }
                Ok(Written::Created { id })
            }
            Err(error) => {
                let written = self.not_created(kind, live, record, &body, error).await?;
                self.believed(kind, object, record, written).await
            }
        }
    }

    /// A relation that was made. The documents describe the answer as the association: its id is believed where it names the two records.
    async fn related(&self, body: &Value, answer: &Value) -> Result<Written, LoadError> {
        let part = |key: &str| text(body, key).unwrap_or_default();
        let (first, second, association) = (part("firstRecordId"), part("secondRecordId"), part("associationId"));
        let own = text(answer, "id").filter(|id| *id != association && text(answer, "firstRecordId") == Some(first));
        let id = match own {
            Some(own) => Some(format!("{first}{UNDER}{own}")),
            None => self.relation(first, second, association).await?,
        };
        let why = || "the answer names no relation, and none is listed yet".to_owned();
        let untold = || Written::Uncertain { why: why(), is_answered: true };
        Ok(id.map_or_else(untold, |id| Written::Created { id }))
    }

    /// Belief in a refusal of a new record: one that makes the record all the same was seen, and where a list tells of records like it, it is in doubt.
    async fn believed(
        &self,
        kind: Kind,
        object: &str,
        record: &NewRecord,
        written: Written,
    ) -> Result<Written, LoadError> {
        // Of these a search alone tells, and it lags.
        let is_searched = matches!(kind, Kind::Contacts | Kind::Opportunities | Kind::Custom);
        match written {
            Written::Refused(refusal) if refusal.status == Some(INVALID) && !is_searched => {
                let unsettled = Unsettled { token: &record.id, body: Some(&record.body), age: Duration::ZERO };
                let settled = self.settle_records(object, &[unsettled]).await?;
                let is_there = settled.iter().any(|settled| match settled {
                    Settlement::There(_) => true,
                    Settlement::Among(alike) => !alike.is_empty(),
                    Settlement::Absent | Settlement::Unknown => false,
                });
                Ok(if is_there { Written::RefusedInDoubt(refusal) } else { Written::Refused(refusal) })
            }
            written => Ok(written),
        }
    }

    /// Path and body of a record that is made (or changed), by its values.
    fn wire(&self, object: &str, live: &Live, values: Map, is_new: bool) -> Result<(String, Value), LoadError> {
        let kind = Kind::of(object);
        let mut body = self.packed(kind, values, is_new);
        let parent = body.get("contactId").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !is_under_contact(kind) {
            body.insert("locationId".to_owned(), self.location.clone().into());
        }
        let path = match kind {
            Kind::Businesses => "businesses/".to_owned(),
            Kind::Contacts => "contacts/".to_owned(),
            Kind::Opportunities => "opportunities/".to_owned(),
            Kind::Notes | Kind::Tasks => {
                body.remove("contactId");
                format!("contacts/{parent}/{object}")
            }
            Kind::Appointments => {
                // Nobody is told, and a time that is over or taken is no obstacle.
                body.insert("toNotify".to_owned(), false.into());
                body.insert("ignoreFreeSlotValidation".to_owned(), true.into());
                "calendars/events/appointments".to_owned()
            }
            Kind::Associations => {
                let ends = ends(&mut body);
                body.insert("associationId".to_owned(), self.association(live, &ends)?.id.clone().into());
                "associations/relations".to_owned()
            }
            Kind::Custom => {
                let key = live.object_key(object)?;
                body.remove("locationId");
                let properties = Value::Object(std::mem::take(&mut body));
                body.insert("locationId".to_owned(), self.location.clone().into());
                body.insert("properties".to_owned(), properties);
                format!("objects/{key}/records")
            }
            Kind::ContactFiles | Kind::Media | Kind::Pipelines | Kind::Calendars | Kind::Users => {
                return Err(LoadError::Missing { what: format!("way to make a record of `{object}`") });
            }
        };
        Ok((path, Value::Object(body)))
    }

    /// Values as they are sent: custom fields in their list, nothing where a new record has none.
    pub(super) fn packed(&self, kind: Kind, values: Map, is_new: bool) -> Map {
        let mut body = Map::new();
        let mut custom = Vec::new();
        for (key, value) in values {
            if let Some(id) = key.strip_prefix(CUSTOM) {
                let value = if value.is_null() { Value::from("") } else { value };
                if !(is_new && value == "") {
                    custom.push(json!({"id": id, self.version.value_key(): value}));
                }
                continue;
            }
            let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if is_empty && is_new || key == "businessId" {
                continue;
            }
            // What cannot be null is emptied by an empty text.
            let value = match (kind, value) {
                (Kind::Contacts, Value::Null) if EMPTIED.contains(&key.as_str()) => Value::Null,
                (Kind::Contacts | Kind::Businesses, Value::Null) => Value::from(""),
                (_, Value::Null) => continue,
                (_, value) => value,
            };
            body.insert(key, value);
        }
        if !custom.is_empty() {
            body.insert("customFields".to_owned(), Value::Array(custom));
        }
        body
    }

    /// The association of two objects that the plan links.
    pub(super) fn association<'l>(
        &self,
        live: &'l Live,
        [first, second]: &[String; 2],
    ) -> Result<&'l Association, LoadError> {
        let (first, second) = (live.end_key(first)?, live.end_key(second)?);
        let keys: Vec<String> =
            self.plan.stages.iter().filter_map(|it| it.association.as_deref()).map(super::live::snake).collect();
        let found = live
            .associations
            .iter()
            .find(|known| known.first == first && known.second == second && keys.contains(&known.key));
        found.ok_or_else(|| LoadError::Missing { what: format!("association of `{first}` with `{second}`") })
    }

    /// Outcome of a record whose request has no answer that says it was made.
    async fn not_created(
        &self,
        kind: Kind,
        live: &Live,
        record: &NewRecord,
        body: &Value,
        error: CallError,
    ) -> Result<Written, LoadError> {
        let CallError::Refused { status, message, body: Some(answer), .. } = &error else { return outcome(error) };
        let meta = answer.0.get("meta").cloned().unwrap_or_default();
        let holder = text(&meta, "contactId").or_else(|| text(&meta, "existingId")).map(str::to_owned);
        if let Some(holder) = holder {
            let object = if kind == Kind::Contacts { "contacts" } else { "opportunities" };
            let held = self.fetch_one(object, &holder).await?;
            let token = live.token_key(object);
            let is_ours = held.is_some_and(|held| {
                token.and_then(|key| held.values.get(key)).and_then(Value::as_str) == Some(record.id.as_str())
            });
            if is_ours {
                return Ok(Written::Created { id: holder });
            }
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            met.entry(object.to_owned()).or_default().push((record.id.clone(), holder.clone()));
            return Ok(Written::Refused(Refusal::new(
                *status,
                format!(
                    "{message} (it is {holder}, made meanwhile: `migr quarantine retry` and another run take it for this record)"
                ),
            )));
        }
        if kind == Kind::Associations && message.to_lowercase().contains("duplicate relation") {
            let part = |key: &str| text(body, key).unwrap_or_default();
            let found = self.relation(part("firstRecordId"), part("secondRecordId"), part("associationId")).await?;
            if let Some(id) = found {
                return Ok(Written::Created { id });
            }
        }
        outcome(error)
    }

    /// The id of the relation between two records, where there is one: that of the first, and its own.
    pub(super) async fn relation(
        &self,
        first: &str,
        second: &str,
        association: &str,
    ) -> Result<Option<String>, LoadError> {
        let found = self
            .find_relation(first, &|relation| {
                text(relation, "secondRecordId") == Some(second) && text(relation, "associationId") == Some(association)
            })
            .await?;
        Ok(found.and_then(|relation| Some(format!("{first}{UNDER}{}", text(&relation, "id")?))))
    }

    /// The first relation of a record, as its first end, that is meant.
    pub(super) async fn find_relation(
        &self,
        first: &str,
        is_meant: &(dyn Fn(&Value) -> bool + Sync),
    ) -> Result<Option<Value>, LoadError> {
        let mut skip = 0;
        loop {
            let query = vec![self.here(), ("skip", skip.to_string()), ("limit", RELATIONS.to_string())];
            let path = format!("associations/relations/{first}");
            let answer = match self.get(path.as_str(), query).await {
                Ok(answer) => answer,
                Err(error) if is_gone(&error) => return Ok(None),
                Err(error) => return Err(error.into_load_error(format!("GET {path}"))),
            };
            let relations = list(&answer, &["relations"]);
            let is_first = |relation: &&Value| text(relation, "firstRecordId") == Some(first);
            if let Some(found) = relations.iter().filter(is_first).find(|relation| is_meant(relation)) {
                return Ok(Some(found.clone()));
            }
            skip += relations.len();
            if relations.len() < RELATIONS {
                return Ok(None);
            }
        }
    }

    /// Each record by a request of its own; what is refused of one is its fate, and the others go on.
    pub(super) async fn destroy_records(
        &self,
        object: &str,
        ids: &[String],
        attached: Attached,
    ) -> Result<Vec<Removal>, LoadError> {
        let live = self.live()?;
        let live = &live;
        let is_contact = Kind::of(object) == Kind::Contacts && attached == Attached::Stays;
        let mut fates = Vec::with_capacity(ids.len());
        // Notes and the like that hang on contacts are looked at right before they go.
        for ids in ids.chunks(if is_contact { SIDE_BY_SIDE } else { ids.len().max(1) }) {
            let booked = if is_contact { self.booked(live, ids.len()).await? } else { None };
            let booked = booked.as_ref();
            let one = |id| async move {
                match self.destroy_one((object, live, booked), id, attached).await {
                    Err(error) if !error.stops_the_run() => Ok(Removal::Refused { why: error.to_string() }),
                    fate => fate,
                }
            };
            fates.extend(each(ids.iter().map(|id| boxed(one(id))).collect()).await?);
        }
        Ok(fates)
    }

    /// Appointments of the location by their contact, where to list all calendars takes fewer requests than to ask so many contacts; none where it does not.
    async fn booked(&self, live: &Live, contacts: usize) -> Result<Option<Booked>, LoadError> {
        if live.calendars.is_empty() || live.calendars.len() >= contacts {
            return Ok(None);
        }
        let mut booked = Booked::new();
        for found in self.scan_appointments(live).await?.records {
            let contact = found.values.get("contactId").and_then(Value::as_str).unwrap_or_default();
            *booked.entry(contact.to_owned()).or_default() += 1;
        }
        Ok(Some(booked))
    }

    async fn destroy_one(
        &self,
        (object, live, booked): (&str, &Live, Option<&Booked>),
        id: &str,
        attached: Attached,
    ) -> Result<Removal, LoadError> {
        let delete = |path: String| Call::new(Method::DELETE, path, Payload::Empty);
        let own = both(id).map_or(id, |(_, own)| own);
        let call = match Kind::of(object) {
            Kind::Businesses => delete(format!("businesses/{id}")),
            Kind::Contacts => {
                if attached == Attached::Stays
                    && let Some(what) = self.attached(id, booked).await?
                {
                    return Ok(Removal::Attached { what });
                }
                delete(format!("contacts/{id}"))
            }
            Kind::Opportunities => delete(format!("opportunities/{id}")),
            Kind::Notes | Kind::Tasks => match both(id) {
                Some((contact, own)) => delete(format!("contacts/{contact}/{object}/{own}")),
                None => return Ok(Removal::Untold),
            },
            Kind::Appointments => {
                Call::new(Method::DELETE, format!("calendars/events/{id}"), super::api::json(&json!({})))
            }
            Kind::Associations => Call { query: vec![self.here()], ..delete(format!("associations/relations/{own}")) },
            Kind::Media => Call {
                query: vec![("altType", "location".to_owned()), ("altId", self.location.clone())],
                ..delete(format!("medias/{id}"))
            },
            Kind::Custom => delete(format!("objects/{}/records/{id}", live.object_key(object)?)),
            // A file goes with its contact; nothing takes one out of a contact's field.
            Kind::ContactFiles | Kind::Pipelines | Kind::Calendars | Kind::Users => return Ok(Removal::Untold),
        };
        self.delete(call, own).await
    }

    /// Notes and the like of others that hang on a contact and would go with it, in words; none where nothing does: ours went before.
    async fn attached(&self, id: &str, booked: Option<&Booked>) -> Result<Option<String>, LoadError> {
        let mut attached = Vec::new();
        for (path, names, one) in [
            (format!("contacts/{id}/notes"), "notes", "note"),
            (format!("contacts/{id}/tasks"), "tasks", "task"),
            (format!("contacts/{id}/appointments"), "events", "appointment"),
        ] {
            // All calendars were listed, and none names the contact.
            if names == "events" && booked.is_some_and(|booked| !booked.contains_key(id)) {
                continue;
            }
            let name = format!("GET {path}");
            let answer = match self.get(path, Vec::new()).await {
                Ok(answer) => answer,
                Err(error) if is_gone(&error) => return Ok(None),
                Err(error) => return Err(error.into_load_error(name)),
            };
            match list(&answer, &[names]).len() {
                0 => {}
                1 => attached.push(format!("1 {one}")),
                several => attached.push(format!("{several} {one}s")),
            }
        }
        Ok((!attached.is_empty()).then(|| attached.join(", ")))
    }
}

/// True where a contact has something by which a second one would be refused.
fn has_address(body: &Value) -> bool {
    ["email", "phone"].iter().any(|key| text(body, key).is_some())
}

/// True for records that live under a contact.
pub(super) fn is_under_contact(kind: Kind) -> bool {
    matches!(kind, Kind::Notes | Kind::Tasks)
}

/// The id in the answer to a creation.
fn id_of(kind: Kind, answer: &Value) -> Option<&str> {
    let names: &[&str] = match kind {
        // The server's own spelling, and the right one.
        Kind::Businesses => &["buiseness", "business"],
        Kind::Contacts => &["contact"],
        Kind::Opportunities => &["opportunity"],
        Kind::Notes => &["note"],
        Kind::Tasks => &["task"],
        Kind::Custom => &["record"],
        _ => &[],
    };
    names.iter().find_map(|name| text(answer.get(*name)?, "id")).or_else(|| text(answer, "id"))
}
