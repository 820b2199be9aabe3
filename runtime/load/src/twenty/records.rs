//! Reading and writing records over Twenty's REST API.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::Twenty;
use super::hidden::Hidden;
use super::metadata::{PAGE, Version};
use super::problem::is_of_the_schema;
use crate::http::{Call, CallError, Payload};
use crate::{Body, Deleted, Found, LoadError, Member, NewRecord, Page, RecordUpdate, Refusal, Written};

/// Lets everything through, and the trash too: a filter that does not name `deletedAt` never sees it. Recorded were a filter that names it (073) and parts joined
/// by words (166 to 168), not the two together; the one request in place of two stands on that.
const EITHER: &str = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)";

/// Records per write request.
pub(super) const BATCH: usize = 200;

impl Twenty {
    pub(super) async fn scan_page(
        &self,
        object: &str,
        deleted: Deleted,
        after: Option<String>,
    ) -> Result<Page, LoadError> {
        let (trash, cursor) = match (&deleted, &after) {
            (Deleted::Live, after) => (false, after.clone()),
            (Deleted::Trashed, after) => (true, after.clone()),
            // Both: first those in use, then the trash; the cursor says where we are.
            (Deleted::Both, None) => (false, None),
            (Deleted::Both, Some(after)) => match after.strip_prefix("trash:") {
                Some(cursor) => (true, (!cursor.is_empty()).then(|| cursor.to_owned())),
                None => (false, after.strip_prefix("live:").map(str::to_owned)),
            },
        };
        let (answer, request) = self.list(object, trash.then_some("deletedAt[is]:NOT_NULL"), PAGE, cursor).await?;
        let mut page = page(object, &answer).ok_or_else(|| unexpected(&request, "there is no list of records"))?;
        if deleted == Deleted::Both {
            page.next = match page.next {
                Some(cursor) => Some(format!("{}:{cursor}", if trash { "trash" } else { "live" })),
                None if trash => None,
                None => Some("trash:".to_owned()),
            };
        }
        Ok(page)
    }

    pub(super) async fn count_records(&self, object: &str, deleted: Deleted) -> Result<u64, LoadError> {
        let filter = match deleted {
            Deleted::Live => None,
            Deleted::Trashed => Some("deletedAt[is]:NOT_NULL"),
            Deleted::Both => Some(EITHER),
        };
        let (answer, request) = self.list(object, filter, 0, None).await?;
        answer.get("totalCount").and_then(Value::as_u64).ok_or_else(|| unexpected(&request, "there is no `totalCount`"))
    }

    /// How many records an object has that a filter lets through.
    pub(super) async fn count_where(&self, object: &str, filter: &str) -> Result<u64, LoadError> {
        let (answer, request) = self.list(object, Some(filter), 0, None).await?;
        answer.get("totalCount").and_then(Value::as_u64).ok_or_else(|| unexpected(&request, "there is no `totalCount`"))
    }

    pub(super) async fn fetch_records(
        &self,
        object: &str,
        ids: &[String],
        deleted: Deleted,
    ) -> Result<Vec<Found>, LoadError> {
        let mut found: Vec<Found> = Vec::new();
        for ids in ids.chunks(PAGE) {
            let ids = id_filter(ids)?;
            let filter = match deleted {
                Deleted::Live => ids,
                Deleted::Trashed => format!("and({ids},deletedAt[is]:NOT_NULL)"),
                Deleted::Both => format!("and({ids},{EITHER})"),
            };
            found.extend(self.list_where(object, &filter).await?);
        }
        Ok(found)
    }

    /// One page of the records that a filter lets through.
    pub(super) async fn list_where(&self, object: &str, filter: &str) -> Result<Vec<Found>, LoadError> {
        let (answer, request) = self.list(object, Some(filter), PAGE, None).await?;
        Ok(page(object, &answer).ok_or_else(|| unexpected(&request, "there is no list of records"))?.records)
    }

    async fn list(
        &self,
        object: &str,
        filter: Option<&str>,
        limit: usize,
        after: Option<String>,
    ) -> Result<(Value, String), LoadError> {
        self.live()?.object(object)?;
        let mut call = Call::get(format!("/rest/{object}")).query("limit", limit.to_string()).query("depth", "0");
        if let Some(filter) = filter {
            call = call.query("filter", filter);
        }
        if let Some(after) = after {
            call = call.query("starting_after", after);
        }
        let answer = self.http.call(&call).await.map_err(|error| error.into_load_error(call.name()))?;
        Ok((answer, call.name()))
    }

    pub(super) async fn list_members(&self, object: &str, field: &str) -> Result<Vec<Member>, LoadError> {
        let mut members = Vec::new();
        let mut after = None;
        loop {
            let page = self.scan_page(object, Deleted::Live, after).await?;
            for record in page.records {
                let mut value = None;
                for part in field.split('.') {
                    value = match value {
                        None => record.values.get(part),
                        Some(inner) => Value::get(inner, part),
                    };
                }
                if let Some(value) = value.and_then(Value::as_str).map(str::trim).filter(|value| !value.is_empty()) {
                    members.push(Member { value: value.to_lowercase(), id: record.id });
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(members),
            }
        }
    }

    pub(super) async fn create_records(&self, object: &str, batch: &[NewRecord]) -> Result<Vec<Written>, LoadError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.live()?.object(object)?;
        let body = rows(batch.iter().map(|record| (record.id.as_str(), &record.body)));
        let call = Call::new(Method::POST, format!("/rest/batch/{object}"), Payload::Json(body.into())).once();
        let bodies = || batch.iter().map(|record| &record.body);
        match self.http.call_for::<Answer>(&call).await {
            Ok(answer) => {
                let created = |id: &str| Written::Created { id: id.to_owned() };
                Ok(answer.outcomes(batch.iter().map(|record| record.id.as_str()), created))
            }
            Err(error) => self.outcomes(object, error, bodies()),
        }
    }

    pub(super) async fn update_records(&self, object: &str, batch: &[RecordUpdate]) -> Result<Vec<Written>, LoadError> {
        self.live()?.object(object)?;
        let bodies = || batch.iter().map(|change| &change.body);
        if let [change] = batch {
            id_filter(&[change.id.as_str()])?;
            let body = change.body.text().to_vec();
            let call = Call::new(Method::PATCH, format!("/rest/{object}/{}", change.id), Payload::Json(body.into()));
            return match self.http.call(&call).await {
                Ok(_) => Ok(vec![Written::Updated]),
                Err(error) => self.outcomes(object, error, bodies()),
            };
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let body = rows(batch.iter().map(|change| (change.id.as_str(), &change.body)));
        let call = Call::new(Method::POST, format!("/rest/batch/{object}"), Payload::Json(body.into()))
            .query("upsert", "true");
        match self.http.call_for::<Answer>(&call).await {
            // An upsert answers in an order of its own, and writes under another id where a unique value is another record's.
            Ok(answer) => Ok(answer.outcomes(batch.iter().map(|change| change.id.as_str()), |_| Written::Updated)),
            Err(error) => self.outcomes(object, error, bodies()),
        }
    }

    pub(super) async fn restore_records(&self, object: &str, ids: &[String]) -> Result<(), LoadError> {
        self.live()?.object(object)?;
        for ids in ids.chunks(PAGE) {
            let filter = id_filter(ids)?;
            let call =
                Call::new(Method::PATCH, format!("/rest/restore/{object}"), Payload::Empty).query("filter", filter);
            self.http.call(&call).await.map_err(|error| error.into_load_error(call.name()))?;
        }
        Ok(())
    }

    pub(super) async fn trash_records(&self, object: &str, ids: &[String]) -> Result<(), LoadError> {
        self.live()?.object(object)?;
        for ids in ids.chunks(PAGE) {
            let filter = id_filter(ids)?;
            let call = Call::new(Method::DELETE, format!("/rest/{object}"), Payload::Empty)
                .query("filter", filter)
                .query("soft_delete", "true");
            match self.http.call(&call).await {
                Ok(_) | Err(CallError::Refused { status: 404, .. }) => {}
                Err(error) => return Err(error.into_load_error(call.name())),
            }
        }
        Ok(())
    }

    pub(super) async fn destroy_records(&self, object: &str, ids: &[String]) -> Result<(), LoadError> {
        let live = self.live()?;
        let files = live.object(object)?.fields.values().find(|field| field.native == "FILES");
        match files.filter(|_| live.version == Version::Two) {
            Some(field) => self.destroy_with_files(object, &field.name, ids).await,
            None => self.destroy_in_bulk(object, ids).await,
        }
    }

    pub(super) async fn destroy_in_bulk(&self, object: &str, ids: &[String]) -> Result<(), LoadError> {
        for ids in ids.chunks(PAGE) {
            let mut left: Vec<&str> = ids.iter().map(String::as_str).collect();
            // A delete by ids reaches into the trash or not, by version; naming `deletedAt` makes it. Asked again only for what it left.
            for trash in [false, true] {
                if left.is_empty() {
                    break;
                }
                let ids = id_filter(&left)?;
                let filter = if trash { format!("and({ids},deletedAt[is]:NOT_NULL)") } else { ids };
                let call = Call::new(Method::DELETE, format!("/rest/{object}"), Payload::Empty).query("filter", filter);
                match self.http.call(&call).await {
                    Ok(answer) => {
                        let gone: Option<Answer> = serde_json::from_value(answer).ok();
                        let gone: BTreeSet<Uuid> = gone.iter().flat_map(Answer::ids).collect();
                        left.retain(|id| Uuid::try_parse(id).is_ok_and(|id| !gone.contains(&id)));
                    }
                    Err(CallError::Refused { status: 404, .. }) => {}
                    Err(error) => return Err(error.into_load_error(call.name())),
                }
            }
        }
        Ok(())
    }

    /// Outcomes of a batch that has no answer of its own, in words that hold no value of a sensitive field: a server likes to quote what it refuses. A batch
    /// is written whole or not at all, so that its refusal is of all its records together.
    fn outcomes<'b>(
        &self,
        object: &str,
        error: CallError,
        bodies: impl ExactSizeIterator<Item = &'b Body>,
    ) -> Result<Vec<Written>, LoadError> {
        let records = bodies.len();
        let hidden = self.hidden(object, bodies);
        match error {
            CallError::Refused { status, message, code, .. } => {
                let message = hidden.masked(message);
                if is_of_the_schema(&message) {
                    return Err(LoadError::SchemaMoved { why: message.trim_end_matches('.').to_owned() });
                }
                Ok(Written::refused_together(records, Refusal { code, ..Refusal::new(status, message) }))
            }
            CallError::Unknown { why } => Ok(Written::each(records, &Written::Uncertain { why: hidden.masked(why) })),
            CallError::Fatal(mut error) => {
                if let Some(said) = error.said() {
                    *said = hidden.masked(std::mem::take(said));
                }
                Err(error)
            }
        }
    }

    /// The values of sensitive fields in the bodies of a batch.
    fn hidden<'b>(&self, object: &str, bodies: impl Iterator<Item = &'b Body>) -> Hidden {
        let mut hidden = Hidden::default();
        let Some(keys) = self.sensitive.get(object) else { return hidden };
        for body in bodies {
            for (key, value) in &body.values() {
                if keys.iter().any(|field| key == field || key.strip_suffix("Id") == Some(field)) {
                    hidden.add(value);
                }
            }
        }
        hidden
    }
}

/// `id[in]:[…]` of UUIDs and nothing else: an empty or odd list would let every record through.
pub(super) fn id_filter<T: AsRef<str>>(ids: &[T]) -> Result<String, LoadError> {
    let valid = |id: &str| id.len() == 36 && Uuid::try_parse(id).is_ok();
    if let Some(odd) = ids.iter().find(|id| !valid(id.as_ref())) {
        return Err(LoadError::Missing { what: format!("record of the id `{}`: it is not a UUID", odd.as_ref()) });
    }
    if ids.is_empty() {
        return Err(LoadError::Missing { what: "record of no id".to_owned() });
    }
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    Ok(format!("id[in]:[{}]", ids.join(",")))
}

/// The rows of a batch, each with its id first.
fn rows<'r>(rows: impl Iterator<Item = (&'r str, &'r Body)>) -> Vec<u8> {
    const AROUND: usize = 64;
    let rows: Vec<_> = rows.collect();
    let mut text = Vec::with_capacity(rows.iter().map(|(_, body)| body.text().len() + AROUND).sum());
    text.push(b'[');
    for (index, (id, body)) in rows.into_iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(b"{\"id\":");
        // Writing a text to memory cannot fail.
        let _ = serde_json::to_writer(&mut text, id);
        if !body.is_empty() {
            text.push(b',');
        }
        text.extend_from_slice(body.members());
    }
    text.push(b']');
    text
}

/// Answer to a write: its ids; the records' values are passed over.
#[derive(Debug, Deserialize)]
struct Answer {
    data: BTreeMap<String, Vec<Identified>>,
}

#[derive(Debug, Deserialize)]
struct Identified {
    id: Uuid,
}

impl Answer {
    fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.data.values().flatten().map(|record| record.id)
    }

    /// Outcome of each id that was sent: a record that is not named may have been written all the same.
    fn outcomes<'i>(
        &self,
        sent: impl Iterator<Item = &'i str> + Clone,
        written: impl Fn(&str) -> Written,
    ) -> Vec<Written> {
        // A create answers in the order of the request.
        if self.ids().map(Ok).eq(sent.clone().map(Uuid::try_parse)) {
            return sent.map(written).collect();
        }
        let named: BTreeSet<Uuid> = self.ids().collect();
        let outcome = |id: &str| match Uuid::try_parse(id) {
            Ok(parsed) if named.contains(&parsed) => written(id),
            _ => Written::Uncertain { why: "the answer does not name it".to_owned() },
        };
        sent.map(outcome).collect()
    }
}

fn page(object: &str, answer: &Value) -> Option<Page> {
    let data = answer.get("data")?;
    let list = data.get(object).or_else(|| data.as_object()?.values().next())?.as_array()?;
    let records = list
        .iter()
        .filter_map(|record| {
            let values = record.as_object()?.clone();
            let deleted = values.get("deletedAt").is_some_and(|deleted| !deleted.is_null());
            Some(Found { id: values.get("id")?.as_str()?.to_owned(), deleted, values })
        })
        .collect::<Vec<_>>();
    let info = answer.get("pageInfo");
    let more = info.and_then(|info| info.get("hasNextPage")).and_then(Value::as_bool).unwrap_or(false);
    let cursor = info.and_then(|info| info.get("endCursor")).and_then(Value::as_str).map(str::to_owned);
    let next = cursor.filter(|_| more && !records.is_empty());
    Some(Page { records, next, total: answer.get("totalCount").and_then(Value::as_u64).unwrap_or_default() })
}

fn unexpected(request: &str, why: &str) -> LoadError {
    LoadError::Unexpected { request: request.to_owned(), why: why.to_owned() }
}
