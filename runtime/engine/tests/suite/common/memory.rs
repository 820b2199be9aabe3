//! Destination in memory, with faults to order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use migr_load::{
    AtFault, Automations, Barred, Body, BoxFuture, Capabilities, Codec, Comparison, Deleted, FieldSchema, Found,
    IdPolicy, Listing, LoadError, MadeBeside, Map, Member, Metadata, NewRecord, OptionSchema, Page, RecordUpdate,
    Records, Refusal, Refusals, Removal, Schema, Settlement, SetupOutcome, SetupRecord, Spelling, StoredFile, Suspect,
    UndoOutcome, Unsettled, Uploaded, Values, Written, by_tokens,
};
use migr_plan::{FieldMapping, FieldType, LinkMapping, SetupAction};
use migr_transform::{Failure, Reference, Value};
use serde_json::{Value as Json, json};

/// Fault of a write request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Request lost on its way: nothing is written, nothing answers.
    LostBefore,
    /// Request that is written, and whose answer is lost.
    LostAfter,
    /// Request that is written, and the process dies before it hears of it.
    DiesAfter,
    /// The process dies before it is sent.
    DiesBefore,
}

#[derive(Default)]
pub(crate) struct Memory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, BTreeMap<String, (Map, bool)>>,
    members: Vec<(String, String)>,
    /// Requests that write: method, object, number of records.
    writes: Vec<(String, String, usize)>,
    reads: usize,
    faults: VecDeque<Option<Fault>>,
    /// Records whose body holds this text are refused.
    refused: Option<String>,
    unique: BTreeSet<(String, String)>,
    batch: usize,
    options: BTreeMap<String, Vec<String>>,
    cancel_after: Option<(usize, migr_engine::CancellationFlag)>,
    ids: IdPolicy,
    settle: std::time::Duration,
    /// Look-ups by a token that find nothing, whatever is there.
    blind: usize,
    /// Records without an answer are told by what was sent.
    by_body: bool,
    /// The ids that it gave.
    given: u32,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

fn died() -> LoadError {
    LoadError::Unavailable {
        url: "memory".to_owned(),
        request: "write".to_owned(),
        attempts: 1,
        why: "the test ends the process here".to_owned(),
    }
}

fn lost(records: usize) -> Vec<Written> {
    Written::each(records, &Written::Uncertain { why: "reset".to_owned(), is_answered: false })
}

impl Memory {
    pub(crate) fn batch(&self, size: usize) {
        self.state.lock().unwrap().batch = size;
    }

    pub(crate) fn unique(&self, object: &str, field: &str) {
        self.state.lock().unwrap().unique.insert((object.to_owned(), field.to_owned()));
    }

    /// Sets how long look-ups by a token lag, and how many of them find nothing.
    pub(crate) fn lags(&self, settle: std::time::Duration, blind: usize) {
        let mut state = self.state.lock().unwrap();
        (state.settle, state.blind) = (settle, blind);
    }

    /// Has records without an answer told by what was sent, where they bear no token.
    pub(crate) fn tells_by_bodies(&self) {
        self.state.lock().unwrap().by_body = true;
    }

    /// Sets who chooses ids.
    pub(crate) fn ids(&self, ids: IdPolicy) {
        self.state.lock().unwrap().ids = ids;
    }

    pub(crate) fn member(&self, id: &str, address: &str) {
        self.state.lock().unwrap().members.push((id.to_owned(), address.to_owned()));
    }

    pub(crate) fn refuse(&self, text: &str) {
        self.state.lock().unwrap().refused = Some(text.to_owned());
    }

    /// Sets the faults of the next write requests.
    pub(crate) fn faults(&self, faults: &[Option<Fault>]) {
        self.state.lock().unwrap().faults = faults.iter().copied().collect();
    }

    pub(crate) fn cancel_after(&self, writes: usize, flag: migr_engine::CancellationFlag) {
        self.state.lock().unwrap().cancel_after = Some((writes, flag));
    }

    pub(crate) fn holds(&self, object: &str, id: &str, values: &Json, deleted: bool) {
        let values = values.as_object().unwrap().clone();
        self.state
            .lock()
            .unwrap()
            .objects
            .entry(object.to_owned())
            .or_default()
            .insert(id.to_owned(), (values, deleted));
    }

    pub(crate) fn writes(&self) -> usize {
        self.state.lock().unwrap().writes.len()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.writes.iter().map(|(method, object, number)| format!("{method} {number} {object}")).collect()
    }

    pub(crate) fn live(&self, object: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.objects.get(object).map_or(0, |records| records.values().filter(|(_, deleted)| !deleted).count())
    }

    /// Records of an object: id, values, whether in the trash.
    pub(crate) fn all(&self, object: &str) -> Vec<(String, Json, bool)> {
        let state = self.state.lock().unwrap();
        let records = state.objects.get(object).into_iter().flatten();
        records.map(|(id, (values, deleted))| (id.clone(), Json::Object(values.clone()), *deleted)).collect()
    }

    /// The values of a field of the live records, sorted.
    pub(crate) fn values(&self, object: &str, field: &str) -> Vec<String> {
        let mut values: Vec<String> = self
            .all(object)
            .into_iter()
            .filter(|(_, _, deleted)| !deleted)
            .map(|(_, values, _)| values[field].as_str().unwrap_or("-").to_owned())
            .collect();
        values.sort();
        values
    }

    /// Names of the live records of an object, each with the name of what a field refers to.
    pub(crate) fn refers(&self, object: &str, field: &str, to: &str) -> Vec<String> {
        let names: BTreeMap<String, String> = self
            .all(to)
            .into_iter()
            .map(|(id, values, _)| (id, values["name"].as_str().unwrap_or("-").to_owned()))
            .collect();
        let mut lines: Vec<String> = self
            .all(object)
            .into_iter()
            .map(|(_, values, _)| {
                let id = values[field].as_str().unwrap_or_default();
                let name = values["name"].as_str().unwrap_or("-");
                format!("{name} -> {}", names.get(id).map_or("nothing", String::as_str))
            })
            .collect();
        lines.sort();
        lines
    }
}

impl State {
    fn write(&mut self, method: &str, object: &str, number: usize) -> Option<Fault> {
        self.writes.push((method.to_owned(), object.to_owned(), number));
        if let Some((after, flag)) = &self.cancel_after
            && self.writes.len() >= *after
        {
            flag.cancel();
        }
        self.faults.pop_front().flatten()
    }

    fn insert(&mut self, object: &str, batch: &[NewRecord]) -> Result<Vec<Written>, Refusal> {
        if let Some(refused) = &self.refused
            && batch.iter().any(|record| String::from_utf8_lossy(record.body.text()).contains(refused.as_str()))
        {
            return Err(Refusal::new(400, "a value is not to its liking"));
        }
        let mut given = self.given;
        let records = self.objects.entry(object.to_owned()).or_default();
        let mut after = records.clone();
        let mut written = Vec::new();
        for record in batch {
            let mut values = record.body.values();
            for (_, field) in self.unique.iter().filter(|(of, _)| of == object) {
                let value = values.get(field).and_then(Json::as_str).filter(|value| !value.is_empty());
                if value.is_some() && after.values().any(|(body, _)| body.get(field).and_then(Json::as_str) == value) {
                    return Err(Refusal::new(400, "A duplicate entry was detected"));
                }
            }
            let id = match &self.ids {
                IdPolicy::Client => record.id.clone(),
                IdPolicy::Server { token } => {
                    if let Some(token) = token {
                        values.insert(token.clone(), json!(record.id));
                    }
                    given += 1;
                    format!("S{given}")
                }
            };
            if after.insert(id.clone(), (values, false)).is_some() {
                return Err(Refusal::new(400, "A duplicate entry was detected"));
            }
            written.push(Written::Created { id });
        }
        *records = after;
        self.given = given;
        Ok(written)
    }
}

fn native(value: &Value<'_>) -> Json {
    match value {
        Value::Text(text) | Value::Option(text) => json!(text),
        Value::Integer(number) => json!(number),
        Value::Decimal(number) => json!(number.to_string()),
        Value::Boolean(truth) => json!(truth),
        Value::Date(date) => json!(date.to_string()),
        Value::Datetime(instant) => json!(instant.to_string()),
        Value::Reference(reference) => json!(reference.id),
        Value::File(file) => json!(file.path),
        Value::List(items) | Value::Tuple(items) => items.iter().map(native).collect(),
        Value::Record(parts) => {
            Json::Object(parts.iter().map(|(name, part)| (name.to_string(), native(part))).collect())
        }
        Value::Json(json) => (**json).clone(),
        _ => Json::Null,
    }
}

fn found(id: &str, (values, deleted): &(Map, bool)) -> Found {
    Found { id: id.to_owned(), deleted: *deleted, values: values.clone() }
}

fn wanted(deleted: Deleted, is_deleted: bool) -> bool {
    match deleted {
        Deleted::Live => !is_deleted,
        Deleted::Trashed => is_deleted,
        Deleted::Both => true,
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(async move { value })
}

impl Metadata for Memory {
    fn capabilities(&self) -> Capabilities {
        let (batch, ids, settle) = {
            let state = self.state.lock().unwrap();
            (state.batch, state.ids.clone(), state.settle)
        };
        Capabilities {
            batch_size: if batch == 0 { 200 } else { batch },
            linked_size: 200,
            page_size: 3,
            rate: None,
            file_bytes: None,
            body_bytes: None,
            ids,
            settle,
            lag: Duration::ZERO,
            settable_created_at: true,
            trash: true,
            version: None,
        }
    }

    fn workspace(&self) -> Option<String> {
        None
    }

    fn requests(&self) -> u64 {
        0
    }

    fn width(&self) -> usize {
        1
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        ready(Ok(Schema::default()))
    }

    fn known_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        self.schema()
    }

    fn short_text(&self) -> Option<usize> {
        None
    }

    fn barred(&self) -> BoxFuture<'_, Result<Vec<Barred>, LoadError>> {
        ready(Ok(Vec::new()))
    }

    fn holds(&self, _field: &FieldSchema, _ty: &FieldType) -> Result<(), String> {
        Ok(())
    }

    fn setup<'a>(&'a self, action: &'a SetupAction) -> BoxFuture<'a, Result<SetupOutcome, LoadError>> {
        let mut state = self.state.lock().unwrap();
        let (name, options) = match action {
            SetupAction::CreateObject { object, .. } => (object.clone(), &[][..]),
            SetupAction::CreateField { object, field, options, .. } => {
                (format!("{object}.{field}"), options.as_slice())
            }
            SetupAction::AddOptions { object, field, options, .. } => {
                (format!("{object}.{field}+"), options.as_slice())
            }
        };
        let options: Vec<String> = options.iter().map(|option| format!("{}={}", option.value, option.label)).collect();
        if state.options.get(&name) == Some(&options) {
            return ready(Ok(SetupOutcome::AlreadyThere));
        }
        if name == "companies.taken" {
            return ready(Ok(SetupOutcome::Mismatch { why: "a field of another type has this name".to_owned() }));
        }
        state.options.insert(name.clone(), options);
        let made = migr_load::Made::Options { id: name, before: Vec::<OptionSchema>::new(), added: Vec::new() };
        ready(Ok(SetupOutcome::Done(SetupRecord { action: action.clone(), made })))
    }

    fn refuses(&self, _action: &SetupAction) -> Option<String> {
        None
    }

    fn irreversible(&self, _record: &SetupRecord) -> Option<String> {
        None
    }

    fn undo_setup<'a>(&'a self, _record: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>> {
        ready(Ok(UndoOutcome::Undone))
    }

    fn codec_after(&self, _changes: &[SetupAction]) -> Option<Box<dyn Codec>> {
        None
    }

    fn unique_together(&self, _object: &str) -> Vec<Vec<String>> {
        Vec::new()
    }

    fn fills_itself(&self, _object: &str) -> bool {
        false
    }

    fn listing(&self, _object: &str) -> Listing {
        Listing::Whole
    }

    fn automations(&self) -> Option<&dyn Automations> {
        None
    }
}

impl Records for Memory {
    fn members<'a>(&'a self, _object: &'a str, _field: &'a str) -> BoxFuture<'a, Result<Vec<Member>, LoadError>> {
        let members = self.state.lock().unwrap().members.clone();
        ready(Ok(members.into_iter().map(|(id, address)| Member { id, value: address.to_lowercase() }).collect()))
    }

    fn scan<'a>(
        &'a self,
        object: &'a str,
        deleted: Deleted,
        after: Option<String>,
    ) -> BoxFuture<'a, Result<Page, LoadError>> {
        let mut state = self.state.lock().unwrap();
        state.reads += 1;
        let all: Vec<Found> = state
            .objects
            .get(object)
            .into_iter()
            .flatten()
            .filter(|(_, record)| wanted(deleted, record.1))
            .map(|(id, record)| found(id, record))
            .collect();
        let total = all.len() as u64;
        let rest: Vec<Found> =
            all.into_iter().filter(|found| after.as_ref().is_none_or(|after| found.id > *after)).collect();
        let records: Vec<Found> = rest.iter().take(3).cloned().collect();
        let next = (rest.len() > 3).then(|| records.last().unwrap().id.clone());
        ready(Ok(Page { records, next, total }))
    }

    fn count<'a>(&'a self, object: &'a str, deleted: Deleted) -> BoxFuture<'a, Result<u64, LoadError>> {
        let state = self.state.lock().unwrap();
        let records = state.objects.get(object).into_iter().flatten();
        ready(Ok(records.filter(|(_, record)| wanted(deleted, record.1)).count() as u64))
    }

    fn fetch<'a>(
        &'a self,
        object: &'a str,
        ids: &'a [String],
        deleted: Deleted,
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        let state = self.state.lock().unwrap();
        let records = state.objects.get(object);
        let found = ids
            .iter()
            .filter_map(|id| records.and_then(|records| records.get(id)).map(|record| found(id, record)))
            .filter(|found| wanted(deleted, found.deleted))
            .collect();
        ready(Ok(found))
    }

    fn fetch_written<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        self.fetch(object, ids, Deleted::Live)
    }

    fn holders<'a>(
        &'a self,
        object: &'a str,
        wanted: &'a [(String, Vec<String>)],
    ) -> BoxFuture<'a, Result<Option<Vec<Found>>, LoadError>> {
        let mut state = self.state.lock().unwrap();
        if state.ids == IdPolicy::Client {
            return ready(Ok(None));
        }
        if state.blind > 0 {
            state.blind -= 1;
            return ready(Ok(Some(Vec::new())));
        }
        let holds = |values: &Map| {
            let value = |path: &String| self.identity(object, path, values);
            wanted.iter().any(|(path, wanted)| value(path).is_some_and(|value| wanted.contains(&value)))
        };
        let records = state.objects.get(object).into_iter().flatten().filter(|(_, (values, _))| holds(values));
        ready(Ok(Some(records.map(|(id, record)| found(id, record)).collect())))
    }

    fn referring<'a>(
        &'a self,
        _object: &'a str,
        _key: &'a str,
        _ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        ready(Ok(Vec::new()))
    }

    fn take_met(&self, _object: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    fn create<'a>(&'a self, object: &'a str, batch: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        let mut state = self.state.lock().unwrap();
        let fault = state.write("create", object, batch.len());
        match fault {
            Some(Fault::LostBefore) => return ready(Ok(lost(batch.len()))),
            Some(Fault::DiesBefore) => return ready(Err(died())),
            _ => {}
        }
        let inserted = state.insert(object, batch);
        ready(match (inserted, fault) {
            (Err(refusal), _) => Ok(Written::refused_together(batch.len(), refusal)),
            (Ok(_), Some(Fault::LostAfter)) => Ok(lost(batch.len())),
            (Ok(_), Some(Fault::DiesAfter)) => Err(died()),
            (Ok(written), _) => Ok(written),
        })
    }

    fn update<'a>(
        &'a self,
        object: &'a str,
        batch: &'a [RecordUpdate],
    ) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        let mut state = self.state.lock().unwrap();
        let fault = state.write("update", object, batch.len());
        if fault == Some(Fault::LostBefore) {
            return ready(Ok(lost(batch.len())));
        }
        if fault == Some(Fault::DiesBefore) {
            return ready(Err(died()));
        }
        if let Some(refused) = &state.refused
            && batch.iter().any(|change| String::from_utf8_lossy(change.body.text()).contains(refused.as_str()))
        {
            let refusal = Refusal::new(400, "a value is not to its liking");
            return ready(Ok(Written::refused_together(batch.len(), refusal)));
        }
        let records = state.objects.entry(object.to_owned()).or_default();
        for change in batch {
            records.entry(change.id.clone()).or_default().0.extend(change.body.values());
        }
        ready(match fault {
            Some(Fault::LostAfter) => Ok(lost(batch.len())),
            Some(Fault::DiesAfter) => Err(died()),
            _ => Ok(Written::each(batch.len(), &Written::Updated)),
        })
    }

    fn settle<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Unsettled<'a>],
    ) -> BoxFuture<'a, Result<Vec<Settlement>, LoadError>> {
        let state = self.state.lock().unwrap();
        if !state.by_body {
            drop(state);
            return Box::pin(async move {
                let tokens: Vec<String> = records.iter().map(|record| record.token.to_owned()).collect();
                match self.capabilities().ids {
                    IdPolicy::Client => {
                        let found = self.fetch(object, &tokens, Deleted::Both).await?;
                        Ok(by_tokens(records, found, |found| Some(found.id.clone())))
                    }
                    IdPolicy::Server { token: None } => Ok(vec![Settlement::Unknown; records.len()]),
                    IdPolicy::Server { token: Some(path) } => {
                        let found = self.holders(object, &[(path.clone(), tokens)]).await?.unwrap_or_default();
                        Ok(by_tokens(records, found, |found| self.identity(object, &path, &found.values)))
                    }
                }
            });
        }
        let all = state.objects.get(object).cloned().unwrap_or_default();
        let settled = records.iter().map(|record| {
            let Some(body) = record.body.map(Body::values) else { return Settlement::Unknown };
            let alike =
                all.iter().filter(|(_, (values, _))| body.iter().all(|(key, value)| values.get(key) == Some(value)));
            Settlement::Among(alike.map(|(id, record)| found(id, record)).collect())
        });
        ready(Ok(settled.collect()))
    }

    fn written_until(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn take_for_written(&self, _object: &str, _found: &[Found]) {}

    fn restore<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        let mut state = self.state.lock().unwrap();
        state.write("restore", object, ids.len());
        for id in ids {
            if let Some(record) = state.objects.get_mut(object).and_then(|records| records.get_mut(id)) {
                record.1 = false;
            }
        }
        ready(Ok(()))
    }

    fn trash<'a>(&'a self, object: &'a str, _ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        ready(Err(LoadError::Missing { what: format!("trash for `{object}`") }))
    }

    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Removal>, LoadError>> {
        let mut state = self.state.lock().unwrap();
        state.write("destroy", object, ids.len());
        if let Some(records) = state.objects.get_mut(object) {
            records.retain(|id, _| !ids.contains(id));
        }
        ready(Ok(Removal::untold(ids.len())))
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

impl Values for Memory {
    fn encode(&self, _object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        let mut body = Map::new();
        let mut failures = Vec::new();
        for (field, value) in fields {
            if matches!(value, Value::Default) || field.ty == FieldType::File {
                continue;
            }
            if matches!(value, Value::Text(text) if text.contains("unencodable")) {
                let reason = "the destination cannot hold this".to_owned();
                failures.push(Failure { code: migr_plan::ReasonCode::Q207, field: field.field.clone(), reason });
            }
            body.insert(field.field.clone(), native(value));
        }
        if failures.is_empty() { Ok(body) } else { Err(failures) }
    }

    fn identity(&self, _object: &str, path: &str, record: &Map) -> Option<String> {
        let mut parts = path.split('.');
        let mut value = record.get(parts.next()?)?;
        for part in parts {
            value = value.get(part)?;
        }
        value.as_str().filter(|text| !text.is_empty()).map(str::to_lowercase)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.identity(object, path, record)
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        let body = json!({"through": link.through, owner_object: owner_id, &*target.object: &*target.id});
        Ok(body.as_object().unwrap().clone())
    }

    fn compare(&self, _object: &str, field: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        let expected = native(expected);
        let found = found.get(&field.field).cloned().unwrap_or_default();
        let empty = |value: &Json| value.is_null() || value.as_str() == Some("");
        if expected == found || empty(&expected) && empty(&found) {
            return Comparison::Same;
        }
        Comparison::Differs { expected: expected.to_string(), found: found.to_string() }
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        key
    }

    fn unlike(&self, _object: &str, body: &Map, found: &Map) -> Vec<String> {
        let differs = |key: &&String| body.get(*key).unwrap_or(&Json::Null) != found.get(*key).unwrap_or(&Json::Null);
        body.keys().filter(differs).cloned().collect()
    }
}

impl Spelling for Memory {
    fn as_sent(&self, _object: &str, found: &Map) -> Map {
        found.clone()
    }

    fn respells(&self, _object: &str, _key: &str) -> bool {
        false
    }

    fn as_kept(&self, _object: &str, _key: &str, value: &serde_json::Value) -> serde_json::Value {
        value.clone()
    }

    fn keeps_as_sent(&self, _object: &str, _key: &str) -> bool {
        true
    }

    fn filled(&self, _object: &str, _found: &Map) -> Vec<String> {
        Vec::new()
    }

    fn held(&self, _object: &str, found: &Map) -> Map {
        found.clone()
    }

    fn stamps(&self) -> &'static [&'static str] {
        &[]
    }
}

impl migr_load::Files for Memory {
    fn most_bytes(&self, _object: &str, _name: &str) -> Option<u64> {
        None
    }

    fn upload<'a>(
        &'a self,
        _object: &'a str,
        field: &'a str,
        path: &'a Path,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>> {
        let bytes = std::fs::read(path).unwrap();
        if bytes.is_empty() {
            let why = "the file is empty".to_owned();
            return ready(Err(LoadError::File { path: name.to_owned(), why }));
        }
        let mut body = Map::new();
        body.insert(field.to_owned(), json!({"name": name, "bytes": bytes.len()}));
        let hash = format!("blake3:{}", blake3::hash(&bytes).to_hex());
        ready(Ok(Uploaded { body, hash, bytes: bytes.len() as u64 }))
    }

    fn stored_file<'a>(
        &'a self,
        _object: &'a str,
        _field: &'a str,
        _found: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>> {
        ready(Ok(None))
    }
}

impl Refusals for Memory {
    fn at_fault<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Suspect<'a>],
        is_new: bool,
        _refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>> {
        Box::pin(async move {
            if !is_new {
                return Ok(Vec::new());
            }
            let ids: Vec<String> = records.iter().map(|record| record.id.to_owned()).collect();
            let there = self.fetch(object, &ids, Deleted::Both).await?;
            let fault = |found: Found| {
                let position = ids.iter().position(|id| *id == found.id)?;
                Some(AtFault { position, fault: migr_load::Fault::There { deleted: found.deleted } })
            };
            Ok(there.into_iter().filter_map(fault).collect())
        })
    }
}
