//! Destination as it will be once setup is done, seen from one that is only read; or one that is not asked at all. Nothing is ever written to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use migr_load::{
    Body, BoxFuture, Capabilities, Comparison, Deleted, Destination, FieldSchema, Found, IdPolicy, LoadError, Map,
    Member, NewRecord, Page, RecordUpdate, Schema, SetupOutcome, SetupRecord, StoredFile, UndoOutcome, Uploaded,
    Written,
};
use migr_plan::{FieldMapping, FieldType, LinkMapping, Plan, SetupAction};
use migr_transform::{Failure, Reference, Value, to_json};

use super::identity::compared;
use migr_decide::DecideError;
use migr_decide::forecast::Forecast;
use migr_decide::identities::Identities;

/// Before the path of an identity among the values of a body.
const IDENTITY: char = '\u{1f}';

/// Destination of a forecast.
#[derive(Debug)]
pub(crate) struct Foreseen {
    /// The destination that is read; none: it is not asked.
    live: Option<Arc<dyn Destination>>,
    schema: Schema,
    /// Identities by object, of what no destination can compare yet.
    paths: BTreeMap<String, Vec<String>>,
    /// Fields whose options setup adds to.
    grows: BTreeSet<(String, String)>,
    /// Objects that setup makes.
    made: BTreeSet<String>,
    file_bytes: Option<u64>,
    counts: Mutex<BTreeMap<(String, bool), u64>>,
    /// Records that would have come out of the trash, since the last ones.
    restored: Mutex<BTreeSet<String>>,
    forecast: Arc<Forecast>,
}

impl Foreseen {
    /// Of a plan. `live` is the destination with its schema, where it is asked.
    pub(crate) fn new(plan: &Plan, live: Option<(Arc<dyn Destination>, Schema)>, forecast: Arc<Forecast>) -> Self {
        let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for stage in &plan.stages {
            let of_object = paths.entry(stage.destination_object.clone()).or_default();
            of_object.extend(Identities::of(stage).paths.into_iter().flatten());
        }
        let (mut grows, mut made) = (BTreeSet::new(), BTreeSet::new());
        for action in &plan.setup {
            match action {
                SetupAction::CreateObject { object, .. } => {
                    made.insert(object.clone());
                }
                SetupAction::AddOptions { object, field, .. } | SetupAction::CreateField { object, field, .. } => {
                    grows.insert((object.clone(), field.clone()));
                }
            }
        }
        let (live, schema) = live.map_or((None, Schema::default()), |(live, schema)| (Some(live), schema));
        let stated = plan.destination.limits.iter().find(|limit| limit.what == "file").map(|limit| limit.value);
        Self {
            live,
            schema,
            paths,
            grows,
            made,
            file_bytes: stated,
            counts: Mutex::default(),
            restored: Mutex::default(),
            forecast,
        }
    }

    /// The destination, where it has an object.
    fn of(&self, object: &str) -> Option<&Arc<dyn Destination>> {
        self.live.as_ref().filter(|_| self.schema.objects.contains_key(object))
    }

    /// True where the destination knows a field and can write a value of it today.
    fn is_known(&self, object: &str, field: &FieldMapping, value: &Value<'_>) -> bool {
        let Some(live) = self.of(object).filter(|_| self.schema.field(object, &field.field).is_some()) else {
            return false;
        };
        // What setup adds to it is not there to be checked against.
        let grows = self.grows.contains(&(object.to_owned(), field.field.clone())) || refers_to(&field.ty, &self.made);
        !grows || live.encode(object, &[(field, value)]).is_ok()
    }

    fn native(&self, object: &str, field: &FieldMapping, value: &Value<'_>, body: &mut Map) {
        if matches!(value, Value::Default) || field.ty == FieldType::File {
            return;
        }
        let known = self.schema.field(object, &field.field);
        let key = known.map_or(&field.field, |known| &known.write_key);
        body.insert(key.clone(), to_json(value));
        for path in self.paths.get(object).into_iter().flatten() {
            let (name, rest) = path.split_once('.').map_or((path.as_str(), None), |(name, rest)| (name, Some(rest)));
            if name == field.field
                && let Some(value) = compared(&field.ty, rest, value)
            {
                body.insert(format!("{IDENTITY}{path}"), serde_json::Value::String(value));
            }
        }
    }
}

fn refers_to(ty: &FieldType, made: &BTreeSet<String>) -> bool {
    match ty {
        FieldType::Reference { objects } | FieldType::Many { objects, .. } => {
            objects.iter().any(|object| made.contains(object))
        }
        _ => false,
    }
}

/// Answer of a destination in a forecast to anything that would write to it.
fn never<T: Send + 'static>() -> BoxFuture<'static, Result<T, LoadError>> {
    Box::pin(async { Err(LoadError::Missing { what: "a destination to write to, in a forecast".to_owned() }) })
}

impl Destination for Foreseen {
    fn capabilities(&self) -> Capabilities {
        match &self.live {
            Some(live) => live.capabilities(),
            None => Capabilities {
                batch_size: 60,
                page_size: 60,
                rate: None,
                file_bytes: self.file_bytes,
                body_bytes: None,
                ids: IdPolicy::Client,
                settable_created_at: true,
                trash: false,
                version: None,
            },
        }
    }

    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        Box::pin(async { Ok(self.schema.clone()) })
    }

    fn holds(&self, field: &FieldSchema, ty: &FieldType) -> Result<(), String> {
        self.live.as_ref().map_or(Ok(()), |live| live.holds(field, ty))
    }

    fn setup<'a>(&'a self, _: &'a SetupAction) -> BoxFuture<'a, Result<SetupOutcome, LoadError>> {
        never()
    }

    fn undo_setup<'a>(&'a self, _: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>> {
        never()
    }

    fn members<'a>(&'a self, object: &'a str, field: &'a str) -> BoxFuture<'a, Result<Vec<Member>, LoadError>> {
        match &self.live {
            Some(live) => live.members(object, field),
            None => Box::pin(async { Ok(Vec::new()) }),
        }
    }

    fn scan<'a>(
        &'a self,
        object: &'a str,
        deleted: Deleted,
        after: Option<String>,
    ) -> BoxFuture<'a, Result<Page, LoadError>> {
        match self.of(object) {
            Some(live) => live.scan(object, deleted, after),
            None => Box::pin(async { Ok(Page::default()) }),
        }
    }

    fn count<'a>(&'a self, object: &'a str, deleted: Deleted) -> BoxFuture<'a, Result<u64, LoadError>> {
        let Some(live) = self.of(object) else { return Box::pin(async { Ok(0) }) };
        Box::pin(async move {
            let mut total = 0;
            for is_trash in [false, true] {
                if (is_trash && deleted == Deleted::Live) || (!is_trash && deleted == Deleted::Trashed) {
                    continue;
                }
                let name = (object.to_owned(), is_trash);
                let known = self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(&name).copied();
                total += if let Some(known) = known {
                    known
                } else {
                    let asked = if is_trash { Deleted::Trashed } else { Deleted::Live };
                    let count = live.count(object, asked).await?;
                    self.counts.lock().unwrap_or_else(PoisonError::into_inner).insert(name, count);
                    count
                };
            }
            Ok(total)
        })
    }

    fn fetch<'a>(
        &'a self,
        object: &'a str,
        ids: &'a [String],
        deleted: Deleted,
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        let live = self.of(object);
        let restored: BTreeSet<String> = {
            let restored = self.restored.lock().unwrap_or_else(PoisonError::into_inner);
            ids.iter().filter(|id| restored.contains(*id)).cloned().collect()
        };
        Box::pin(async move {
            let mut found = match live {
                Some(live) if restored.is_empty() => live.fetch(object, ids, deleted).await?,
                Some(live) => {
                    let found = live.fetch(object, ids, Deleted::Both).await?;
                    found.into_iter().filter(|found| !found.deleted || restored.contains(&found.id)).collect()
                }
                None => Vec::new(),
            };
            // What an earlier stage writes would be there.
            for id in ids {
                let unusable = |error: DecideError| LoadError::Missing { what: error.to_string() };
                let Some(body) = self.forecast.coming(object, id).map_err(unusable)? else { continue };
                match found.iter_mut().find(|found| found.id == *id) {
                    Some(found) => found.values.extend(body),
                    None => found.push(Found { id: id.clone(), deleted: false, values: body }),
                }
            }
            Ok(found)
        })
    }

    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        let (known, coming): (Vec<_>, Vec<_>) =
            fields.iter().copied().partition(|(field, value)| self.is_known(object, field, value));
        let mut body = match self.of(object) {
            Some(live) if !known.is_empty() => live.encode(object, &known)?,
            _ => Map::new(),
        };
        for (field, value) in coming {
            self.native(object, field, value, &mut body);
        }
        Ok(body)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        match self.of(object) {
            Some(live) if fields.iter().all(|(field, value)| self.is_known(object, field, value)) => {
                live.encode_text(object, fields)
            }
            _ => self.encode(object, fields).map(Body::from),
        }
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        if let Some(text) = record.get(&format!("{IDENTITY}{path}")) {
            return text.as_str().map(str::to_owned);
        }
        self.of(object)?.identity(object, path, record)
    }

    fn create<'a>(&'a self, _: &'a str, _: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        never()
    }

    fn holders<'a>(
        &'a self,
        object: &'a str,
        wanted: &'a [(String, Vec<String>)],
    ) -> BoxFuture<'a, Result<Option<Vec<Found>>, LoadError>> {
        match self.of(object) {
            Some(live) => live.holders(object, wanted),
            None => Box::pin(async { Ok(Some(Vec::new())) }),
        }
    }

    fn update<'a>(&'a self, _: &'a str, _: &'a [RecordUpdate]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        never()
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        let is_made = [link.through.as_str(), owner_object, target.object.as_ref()]
            .iter()
            .any(|object| self.made.contains(*object));
        let body = self.of(&link.through).map(|live| live.link_body(link, owner_object, owner_id, target));
        match body {
            Some(Ok(body)) => Ok(body),
            Some(Err(error)) if !is_made => Err(error),
            // Setup makes the objects, and with them what links them.
            Some(Err(_)) | None => Ok(Map::new()),
        }
    }

    fn restore<'a>(&'a self, _: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        *self.restored.lock().unwrap_or_else(PoisonError::into_inner) = ids.iter().cloned().collect();
        Box::pin(async { Ok(()) })
    }

    fn destroy<'a>(&'a self, _: &'a str, _: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        never()
    }

    fn compare(&self, object: &str, field: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        if self.is_known(object, field, expected)
            && let Some(live) = self.of(object)
        {
            return live.compare(object, field, expected, found);
        }
        let known = self.schema.field(object, &field.field);
        let held = known.and_then(|known| found.get(&known.write_key).or_else(|| found.get(&known.name)));
        let holds_nothing = held.is_none_or(|held| !migr_decide::parts::holds_something(held));
        if (expected.is_none() && holds_nothing) || held.is_some_and(|held| *held == to_json(expected)) {
            return Comparison::Same;
        }
        Comparison::Differs { expected: String::new(), found: String::new() }
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.of(object).map_or_else(|| body.keys().cloned().collect(), |live| live.unlike(object, body, found))
    }

    fn upload<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a Path,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>> {
        never()
    }

    fn stored_file<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>> {
        never()
    }
}
