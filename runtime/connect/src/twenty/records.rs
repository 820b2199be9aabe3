//! Reading and writing records over Twenty's REST API.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::PoisonError;
use std::time::Instant;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::Twenty;
use super::held::unlike;
use super::hidden::Hidden;
use super::live::{PAGE, Version};
use super::problem::{DENIED, is_of_the_schema};
use migr_load::{
    Body, BoxFuture, Call, CallError, Deleted, Found, LoadError, MadeBeside, Map, Member, NewRecord, Page, Payload,
    RecordUpdate, Records, Refusal, Removal, Settlement, UndoOutcome, Unsettled, Written, by_tokens,
};

/// Lets everything through, and the trash too: a filter that does not name `deletedAt` never sees it. Recorded were a filter that names it (073) and parts joined
/// by words (166 to 168), not the two together; the one request in place of two stands on that.
pub(super) const EITHER: &str = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)";

/// Records per write request.
pub(super) const BATCH: usize = 200;

impl Records for Twenty {
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
        Box::pin(self.fetch_in_use(object, ids))
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
        Box::pin(self.list_referring(object, key, ids))
    }

    fn take_met(&self, _object: &str) -> Vec<(String, String)> {
        Vec::new()
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
        Box::pin(async move {
            let tokens: Vec<String> = records.iter().map(|record| record.token.to_owned()).collect();
            let found = self.fetch_records(object, &tokens, Deleted::Both).await?;
            Ok(by_tokens(records, found, |found| Some(found.id.clone())))
        })
    }

    fn written_until(&self) -> BTreeMap<String, String> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take_for_written(&self, object: &str, found: &[Found]) {
        self.note_stamps(object, found.iter().filter_map(|found| found.values.get("updatedAt")?.as_str()));
    }

    fn restore<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(self.restore_records(object, ids))
    }

    fn trash<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(self.trash_records(object, ids))
    }

    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Removal>, LoadError>> {
        Box::pin(async move {
            self.destroy_records(object, ids).await?;
            Ok(Removal::untold(ids.len()))
        })
    }

    fn made_beside(&self, _object: &str, _body: &Body) -> MadeBeside {
        MadeBeside::default()
    }

    fn remove_beside<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<UndoOutcome>, LoadError>> {
        Box::pin(async move { Ok(vec![UndoOutcome::Gone; names.len()]) })
    }

    fn carrier(&self, _object: &str, _id: &str) -> Option<(&'static str, String)> {
        None
    }

    fn held_under(&self, _object: &str, _field: &str) -> Option<(&'static str, String)> {
        None
    }
}

impl Twenty {
    pub(super) async fn list(
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
        self.forget_emptiness(object);
        let body = rows(batch.iter().map(|record| (record.id.as_str(), &record.body)));
        let call = Call::new(Method::POST, format!("/rest/batch/{object}"), Payload::Json(body.into())).once();
        let bodies = || batch.iter().map(|record| &record.body);
        match self.http.call_for::<Answer>(&call).await {
            Ok(answer) => {
                self.note_written(object, answer.data.values().flatten());
                let ids = || batch.iter().map(|record| record.id.as_str());
                answer.stranger(ids(), &call.name())?;
                Ok(answer.outcomes(ids(), |id| Written::Created { id: id.to_owned() }))
            }
            Err(error) => self.outcomes(object, error, bodies()),
        }
    }

    pub(super) async fn update_records(&self, object: &str, batch: &[RecordUpdate]) -> Result<Vec<Written>, LoadError> {
        self.live()?.object(object)?;
        self.forget_emptiness(object);
        let bodies = || batch.iter().map(|change| &change.body);
        if let [change] = batch {
            id_filter(&[change.id.as_str()])?;
            if !change.held.is_empty() {
                let in_use = self.fetch_in_use(object, std::slice::from_ref(&change.id)).await?;
                if let Some(refused) = self.moved_on(object, change, in_use.first())? {
                    return Ok(vec![refused]);
                }
            }
            let body = change.body.text().to_vec();
            let call = Call::new(Method::PATCH, format!("/rest/{object}/{}", change.id), Payload::Json(body.into()));
            let answer = match self.http.call(&call).await {
                Ok(answer) => answer,
                Err(error) => return self.outcomes(object, error, bodies()),
            };
            return match serde_json::from_value::<AnswerOfOne>(answer) {
                Ok(answer) if answer.data.len() == 1 && answer.data.values().all(|one| one.is(&change.id)) => {
                    self.note_written(object, answer.data.values());
                    Ok(vec![Written::Updated])
                }
                Ok(answer) if !answer.data.is_empty() => {
                    let why = format!("the answer is about another record than {}, which was changed", change.id);
                    Err(LoadError::Doubtful { request: call.name(), why })
                }
                _ => self.read_back(object, &[change]).await,
            };
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        // The request that changes many would make a record anew that is gone, and take one out of the trash.
        let ids: Vec<String> = batch.iter().map(|change| change.id.clone()).collect();
        let in_use = self.fetch_in_use(object, &ids).await?;
        let in_use: HashMap<&str, &Found> = in_use.iter().map(|found| (found.id.as_str(), found)).collect();
        let mut sent = Vec::with_capacity(batch.len());
        let mut refused = Vec::with_capacity(batch.len());
        for change in batch {
            let moved_on = self.moved_on(object, change, in_use.get(change.id.as_str()).copied())?;
            if moved_on.is_none() {
                sent.push(change);
            }
            refused.push(moved_on);
        }
        let mut outcomes = self.upsert(object, &sent, &in_use).await?.into_iter();
        let mut next = || outcomes.next().unwrap_or_else(unnamed);
        Ok(refused.into_iter().map(|refused| refused.unwrap_or_else(&mut next)).collect())
    }

    /// Refusal of a record that somebody removed or changed since it was looked at; none where it is as it was, or holds what is to be written.
    fn moved_on(
        &self,
        object: &str,
        change: &RecordUpdate,
        found: Option<&Found>,
    ) -> Result<Option<Written>, LoadError> {
        let Some(found) = found else { return Ok(Some(gone(&change.id))) };
        if change.held.is_empty() {
            return Ok(None);
        }
        let body = change.body.values();
        let now: Map =
            body.keys().map(|key| (key.clone(), found.values.get(key).cloned().unwrap_or_default())).collect();
        if Body::from(&now).digest() == change.held {
            return Ok(None);
        }
        let live = self.live()?;
        let unlike = unlike(&live, object, &body, &found.values);
        if unlike.is_empty() {
            return Ok(None);
        }
        let message =
            format!("somebody changed the record {} since it was looked up: `{}`", change.id, unlike.join("`, `"));
        Ok(Some(Written::Refused(Refusal::new(409, message))))
    }

    /// Changes records that are in use, as they were found, many by one request.
    async fn upsert(
        &self,
        object: &str,
        sent: &[&RecordUpdate],
        in_use: &HashMap<&str, &Found>,
    ) -> Result<Vec<Written>, LoadError> {
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        let body = rows(sent.iter().map(|change| (change.id.as_str(), &change.body)));
        let call = Call::new(Method::POST, format!("/rest/batch/{object}"), Payload::Json(body.into()))
            .query("upsert", "true");
        let answer: Value = match self.http.call(&call).await {
            Ok(answer) => answer,
            Err(error) => return self.outcomes(object, error, sent.iter().map(|change| &change.body)),
        };
        let Ok(answer) = serde_json::from_value::<Answer>(answer) else { return self.read_back(object, sent).await };
        self.note_written(object, answer.data.values().flatten());
        let ids = || sent.iter().map(|change| change.id.as_str());
        // An upsert answers in an order of its own, and writes under another id where a unique value is another record's.
        answer.stranger(ids(), &call.name())?;
        let stubs = answer.stubs(sent, in_use);
        if !stubs.is_empty() {
            // They were destroyed while the request was on its way: what it made of them goes again.
            self.destroy_records(object, &stubs).await?;
        }
        let is_stub = |id: &str| stubs.iter().any(|stub| stub == id);
        let mut outcomes = answer.outcomes(ids(), |id| if is_stub(id) { gone(id) } else { Written::Updated });
        if outcomes.iter().any(|outcome| matches!(outcome, Written::Uncertain { .. })) {
            let read = self.read_back(object, sent).await?;
            for (outcome, read) in outcomes.iter_mut().zip(read) {
                if matches!(outcome, Written::Uncertain { .. }) {
                    *outcome = read;
                }
            }
        }
        Ok(outcomes)
    }

    /// Takes in when records were changed, as the answer to a write tells.
    fn note_written<'a>(&self, object: &str, answered: impl Iterator<Item = &'a Identified>) {
        *self.wrote.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.note_stamps(object, answered.filter_map(|one| one.updated_at.as_deref()));
    }

    /// Takes in the latest of the moments at which records that we wrote were changed.
    pub(super) fn note_stamps<'a>(&self, object: &str, stamps: impl Iterator<Item = &'a str>) {
        let Some(last) = stamps.max() else { return };
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let known = written.entry(object.to_owned()).or_default();
        if known.as_str() < last {
            last.clone_into(known);
        }
    }

    /// Reads records back to see that they hold what was written, where the answer does not tell.
    async fn read_back(&self, object: &str, sent: &[&RecordUpdate]) -> Result<Vec<Written>, LoadError> {
        let live = self.live()?;
        let ids: Vec<String> = sent.iter().map(|change| change.id.clone()).collect();
        let found = self.fetch_records(object, &ids, Deleted::Live).await?;
        let outcome = |change: &&RecordUpdate| {
            let found = found.iter().find(|found| found.id == change.id);
            let held = found.filter(|found| unlike(&live, object, &change.body.values(), &found.values).is_empty());
            let Some(held) = held else { return unnamed() };
            self.note_stamps(object, held.values.get("updatedAt").and_then(Value::as_str).into_iter());
            Written::Updated
        };
        Ok(sent.iter().map(outcome).collect())
    }

    pub(super) async fn restore_records(&self, object: &str, ids: &[String]) -> Result<(), LoadError> {
        self.live()?.object(object)?;
        self.forget_emptiness(object);
        for ids in ids.chunks(PAGE) {
            let filter = id_filter(ids)?;
            let call =
                Call::new(Method::PATCH, format!("/rest/restore/{object}"), Payload::Empty).query("filter", filter);
            let mut looks = 0;
            loop {
                let answer = self.http.call(&call).await.map_err(|error| error.into_load_error(call.name()))?;
                let named = || ids.iter().map(String::as_str);
                if let Ok(answer) = serde_json::from_value::<Answer>(answer) {
                    self.note_written(object, answer.data.values().flatten());
                    if answer.names(named()) {
                        break;
                    }
                    answer.stranger(named(), &call.name())?;
                }
                // Whoever is not named is in use already, or gone; or the answer does not tell.
                if self.fetch_records(object, ids, Deleted::Trashed).await?.is_empty() {
                    break;
                }
                looks += 1;
                let why = "it answers that they are out of the trash, and they are in it".to_owned();
                self.again(&call.name(), looks, why).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn trash_records(&self, object: &str, ids: &[String]) -> Result<(), LoadError> {
        self.live()?.object(object)?;
        self.forget_emptiness(object);
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
                        if let Some(gone) = &gone {
                            gone.stranger(left.iter().copied(), &call.name())?;
                        }
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
                // A role refuses whatever the records hold.
                if code.as_deref() == Some(DENIED) {
                    return Err(self.denied(format!("write what was sent to {object}"), &message));
                }
                Ok(Written::refused_together(records, Refusal { code, ..Refusal::new(status, message) }))
            }
            CallError::Unknown { why, is_answered } => {
                Ok(Written::each(records, &Written::Uncertain { why: hidden.masked(why), is_answered }))
            }
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

/// The same to a write of one record.
#[derive(Debug, Deserialize)]
struct AnswerOfOne {
    data: BTreeMap<String, Identified>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identified {
    id: Uuid,
    created_at: Option<String>,
    updated_at: Option<String>,
}

impl Identified {
    fn is(&self, id: &str) -> bool {
        Uuid::try_parse(id).is_ok_and(|id| id == self.id)
    }
}

/// Refusal of a record that was looked up, and is not in use any more.
fn gone(id: &str) -> Written {
    let message = format!("the record {id} was removed or moved to the trash since it was looked up");
    Written::Refused(Refusal::new(404, message))
}

/// Outcome of a record that an answer does not name.
fn unnamed() -> Written {
    Written::Uncertain { why: "the answer does not name it".to_owned(), is_answered: true }
}

impl Answer {
    fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.data.values().flatten().map(|record| record.id)
    }

    /// An error where it names a record that was not meant: something else was written than what was sent.
    fn stranger<'i>(&self, meant: impl Iterator<Item = &'i str>, request: &str) -> Result<(), LoadError> {
        let meant: BTreeSet<Uuid> = meant.filter_map(|id| Uuid::try_parse(id).ok()).collect();
        let Some(other) = self.ids().find(|id| !meant.contains(id)) else { return Ok(()) };
        let why = format!("the answer names the record {other}, which was not sent");
        Err(LoadError::Doubtful { request: request.to_owned(), why })
    }

    /// The records that were made anew: their time of creation is another than that of those that were found, and nobody sent one.
    fn stubs(&self, sent: &[&RecordUpdate], in_use: &HashMap<&str, &Found>) -> Vec<String> {
        let mut stubs = Vec::new();
        for one in self.data.values().flatten() {
            let id = one.id.to_string();
            let before = in_use.get(id.as_str()).and_then(|found| found.values.get("createdAt")?.as_str());
            let (Some(before), Some(now)) = (before, one.created_at.as_deref()) else { continue };
            let is_sent = |change: &&&RecordUpdate| change.id == id && change.body.values().contains_key("createdAt");
            if before != now && !sent.iter().any(|change| is_sent(&change)) {
                stubs.push(id);
            }
        }
        stubs
    }

    /// True where every one of some ids is named.
    fn names<'i>(&self, mut wanted: impl Iterator<Item = &'i str>) -> bool {
        let named: BTreeSet<Uuid> = self.ids().collect();
        wanted.all(|id| Uuid::try_parse(id).is_ok_and(|id| named.contains(&id)))
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
            _ => unnamed(),
        };
        sent.map(outcome).collect()
    }
}
