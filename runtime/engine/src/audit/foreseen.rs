//! Destination as it will be once setup is done, seen from one that is only read; or one that is not asked at all. Nothing is ever written to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use migr_load::{
    Body, BoxFuture, Capabilities, Codec, Comparison, Deleted, Destination, FieldSchema, Found, IdPolicy, LoadError,
    Map, Member, NewRecord, Page, RecordUpdate, Schema, SetupOutcome, SetupRecord, StoredFile, UndoOutcome, Uploaded,
    Written,
};
use migr_plan::{FieldMapping, FieldType, LinkMapping, Plan, SetupAction};
use migr_transform::{Failure, Reference, Value, to_json};

use super::identity::compared;
use migr_decide::defaults;
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
    /// Codec of the destination, by its schema as setup will leave it.
    codec: Option<Box<dyn Codec>>,
    /// Identities by object, of what no destination can compare.
    paths: BTreeMap<String, Vec<String>>,
    /// Fields that may take more than is known yet: options that the values become, or a type that setup finds to be another.
    open: BTreeMap<String, BTreeSet<String>>,
    /// Objects of which the codec can write every field, whatever the value.
    whole: BTreeSet<String>,
    /// Objects that setup makes.
    made: BTreeSet<String>,
    file_bytes: Option<u64>,
    counts: Mutex<BTreeMap<(String, bool), u64>>,
    /// Objects that several stages write.
    met: BTreeSet<String>,
    /// Values that the destination gives new records, by object.
    given: BTreeMap<String, Map>,
    moved: Mutex<Moved>,
    forecast: Arc<Forecast>,
}

impl Foreseen {
    /// Of a plan. `live` is the destination with its schema, where it is asked.
    pub(crate) fn new(plan: &Plan, live: Option<(Arc<dyn Destination>, Schema)>, forecast: Arc<Forecast>) -> Self {
        let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for stage in &plan.stages {
            let of_object = paths.entry(stage.destination_object.clone()).or_default();
            let together = live.as_ref().map(|(live, _)| live.unique_together(&stage.destination_object));
            of_object
                .extend(Identities::of(stage).and(stage, together.unwrap_or_default()).paths.into_iter().flatten());
        }
        let codec = live.as_ref().and_then(|(live, _)| live.codec_after(&plan.setup));
        let (mut open, mut made): (BTreeMap<String, BTreeSet<String>>, _) = (BTreeMap::new(), BTreeSet::new());
        for action in &plan.setup {
            let (object, field, is_open) = match action {
                SetupAction::CreateObject { object, .. } => {
                    made.insert(object.clone());
                    continue;
                }
                SetupAction::CreateField { object, field, ty, options_from, .. } => {
                    let known = codec.as_ref().and_then(|codec| codec.field(object, field));
                    let holds = |known| live.as_ref().is_none_or(|(live, _)| live.holds(known, ty).is_ok());
                    (object, field, options_from.is_some() || !known.is_some_and(holds))
                }
                SetupAction::AddOptions { object, field, options_from, .. } => (object, field, options_from.is_some()),
            };
            if is_open {
                open.entry(object.clone()).or_default().insert(field.clone());
            }
        }
        let mut whole: BTreeSet<String> = paths.keys().filter(|object| !open.contains_key(*object)).cloned().collect();
        for stage in &plan.stages {
            let is_known = |field: &FieldMapping| {
                codec.as_ref().is_some_and(|codec| codec.field(&stage.destination_object, &field.field).is_some())
            };
            if !stage.fields.iter().all(is_known) {
                whole.remove(&stage.destination_object);
            }
        }
        let given = codec.as_deref().map(|codec| given(plan, codec)).unwrap_or_default();
        let (live, schema) = live.map_or((None, Schema::default()), |(live, schema)| (Some(live), schema));
        let stated = plan.destination.limits.iter().find(|limit| limit.what == "file").map(|limit| limit.value);
        Self {
            live,
            schema,
            codec,
            paths,
            open,
            whole,
            made,
            file_bytes: stated,
            counts: Mutex::default(),
            met: met(plan),
            given,
            moved: Mutex::default(),
            forecast,
        }
    }

    /// The destination, where it has an object.
    fn of(&self, object: &str) -> Option<&Arc<dyn Destination>> {
        self.live.as_ref().filter(|_| self.schema.objects.contains_key(object))
    }

    /// The destination's codec, where it can write a value of a field.
    fn codec_of(&self, object: &str, field: &FieldMapping, value: &Value<'_>) -> Option<&dyn Codec> {
        let codec = self.codec.as_deref().filter(|codec| codec.field(object, &field.field).is_some())?;
        let is_open = self.open.get(object).is_some_and(|open| open.contains(&field.field));
        (!is_open || codec.check(object, &[(field, value)]).is_ok()).then_some(codec)
    }

    fn moved(&self) -> MutexGuard<'_, Moved> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A found record as earlier stages would leave it; none where they would destroy it.
    fn left(&self, object: &str, mut found: Found) -> Result<Option<Found>, LoadError> {
        let place = (object.to_owned(), found.id.clone());
        let moved = self.moved();
        if moved.destroyed.contains(&place) {
            return Ok(None);
        }
        found.deleted = found.deleted && !moved.restored.contains(&place);
        drop(moved);
        found.values.extend(self.coming(object, &found.id)?.unwrap_or_default());
        Ok(Some(found))
    }

    /// The same of several.
    fn all_left(&self, object: &str, found: Vec<Found>) -> Result<Vec<Found>, LoadError> {
        if !self.met.contains(object) {
            return Ok(found);
        }
        found.into_iter().filter_map(|found| self.left(object, found).transpose()).collect()
    }

    /// Values that earlier stages would write into a record.
    fn coming(&self, object: &str, id: &str) -> Result<Option<Map>, LoadError> {
        self.forecast.coming(object, id).map_err(|error| LoadError::Missing { what: error.to_string() })
    }

    fn native(&self, object: &str, field: &FieldMapping, value: &Value<'_>, body: &mut Map) {
        if matches!(value, Value::Default) || field.ty == FieldType::File {
            return;
        }
        let known = self.codec.as_ref().and_then(|codec| codec.field(object, &field.field));
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

/// Records that would not be where they are: all of objects that several stages write, of others the last ones.
#[derive(Debug, Default)]
struct Moved {
    /// Out of the trash, by object and id.
    restored: BTreeSet<(String, String)>,
    /// Out of the destination.
    destroyed: BTreeSet<(String, String)>,
}

/// Objects that more than one stage writes.
fn met(plan: &Plan) -> BTreeSet<String> {
    let (mut seen, mut met) = (BTreeSet::new(), BTreeSet::new());
    for stage in &plan.stages {
        if !seen.insert(&stage.destination_object) {
            met.insert(stage.destination_object.clone());
        }
    }
    met
}

/// Defaults of fields that are mapped, as records hold them that are made without a value.
fn given(plan: &Plan, codec: &dyn Codec) -> BTreeMap<String, Map> {
    let mut given: BTreeMap<String, Map> = BTreeMap::new();
    for stage in &plan.stages {
        for field in &stage.fields {
            let Some(value) = field.default.as_ref().and_then(|default| defaults::value(default, &field.ty)) else {
                continue;
            };
            let native = codec.encode(&stage.destination_object, &[(field, &value)]).unwrap_or_default();
            given.entry(stage.destination_object.clone()).or_default().extend(native);
        }
    }
    given
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
                linked_size: 60,
                page_size: 60,
                rate: None,
                file_bytes: self.file_bytes,
                body_bytes: None,
                ids: IdPolicy::Client,
                settle: std::time::Duration::ZERO,
                settable_created_at: true,
                trash: false,
                version: None,
            },
        }
    }

    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        Box::pin(async { Ok(self.schema.clone()) })
    }

    fn fills_itself(&self, object: &str) -> bool {
        self.live.as_ref().is_some_and(|live| live.fills_itself(object))
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
        let Some(live) = self.of(object) else { return Box::pin(async { Ok(Page::default()) }) };
        Box::pin(async move {
            let page = live.scan(object, deleted, after).await?;
            let records = self.all_left(object, page.records)?;
            Ok(Page { records, ..page })
        })
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
        let is_restored = {
            let moved = self.moved();
            ids.iter().any(|id| moved.restored.contains(&(object.to_owned(), id.clone())))
        };
        Box::pin(async move {
            let mut found = Vec::new();
            if let Some(live) = live {
                let asked = if is_restored { Deleted::Both } else { deleted };
                for one in live.fetch(object, ids, asked).await? {
                    found.extend(self.left(object, one)?.filter(|one| match deleted {
                        Deleted::Live => !one.deleted,
                        Deleted::Trashed => one.deleted,
                        Deleted::Both => true,
                    }));
                }
            }
            // What an earlier stage makes would be there.
            for id in ids {
                if found.iter().any(|found| found.id == *id) {
                    continue;
                }
                let Some(coming) = self.coming(object, id)? else { continue };
                let mut values = self.given.get(object).cloned().unwrap_or_default();
                values.extend(coming);
                found.push(Found { id: id.clone(), deleted: false, values });
            }
            Ok(found)
        })
    }

    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        let (known, others): (Vec<_>, Vec<_>) =
            fields.iter().copied().partition(|(field, value)| self.codec_of(object, field, value).is_some());
        let mut body = match &self.codec {
            Some(codec) if !known.is_empty() => codec.encode(object, &known)?,
            _ => Map::new(),
        };
        for (field, value) in others {
            self.native(object, field, value, &mut body);
        }
        Ok(body)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        match &self.codec {
            Some(codec) if fields.iter().all(|(field, value)| self.codec_of(object, field, value).is_some()) => {
                codec.encode_text(object, fields)
            }
            _ => self.encode(object, fields).map(Body::from),
        }
    }

    fn check(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<(), Vec<Failure>> {
        let Some(codec) = &self.codec else { return Ok(()) };
        if self.whole.contains(object) {
            return codec.check(object, fields);
        }
        let is_known = |(field, value): &(&FieldMapping, &Value<'_>)| self.codec_of(object, field, value).is_some();
        let known: Vec<_> = fields.iter().copied().filter(is_known).collect();
        // Values that nobody can write yet are as they come.
        if known.is_empty() && !fields.is_empty() { Ok(()) } else { codec.check(object, &known) }
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        if let Some(text) = record.get(&format!("{IDENTITY}{path}")) {
            return text.as_str().map(str::to_owned);
        }
        self.codec.as_ref()?.identity(object, path, record)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        if let Some(text) = record.get(&format!("{IDENTITY}{path}")) {
            return text.as_str().map(str::to_owned);
        }
        self.codec.as_ref()?.unique_value(object, path, record)
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        self.codec.as_ref().map_or(key, |codec| codec.part_of(key))
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
            Some(live) => Box::pin(async move {
                let found = live.holders(object, wanted).await?;
                found.map(|found| self.all_left(object, found)).transpose()
            }),
            None => Box::pin(async { Ok(Some(Vec::new())) }),
        }
    }

    fn referring<'a>(
        &'a self,
        object: &'a str,
        key: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        match self.of(object) {
            Some(live) => live.referring(object, key, ids),
            None => Box::pin(async { Ok(Vec::new()) }),
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
        let body = self.codec.as_ref().map(|codec| codec.link_body(link, owner_object, owner_id, target));
        match body {
            Some(Ok(body)) => Ok(body),
            Some(Err(error)) if !is_made => Err(error),
            // Setup makes the objects, and with them what links them.
            Some(Err(_)) | None => Ok(Map::new()),
        }
    }

    fn restore<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        let mut moved = self.moved();
        if !self.met.contains(object) {
            moved.restored.retain(|(of, _)| of != object);
        }
        moved.restored.extend(ids.iter().map(|id| (object.to_owned(), id.clone())));
        Box::pin(async { Ok(()) })
    }

    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        if self.met.contains(object) {
            self.moved().destroyed.extend(ids.iter().map(|id| (object.to_owned(), id.clone())));
        }
        Box::pin(async { Ok(()) })
    }

    fn compare(&self, object: &str, field: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        if let Some(codec) = self.codec_of(object, field, expected) {
            return codec.compare(object, field, expected, found);
        }
        let known = self.codec.as_ref().and_then(|codec| codec.field(object, &field.field));
        let held = known.and_then(|known| found.get(&known.write_key).or_else(|| found.get(&known.name)));
        let holds_nothing = held.is_none_or(|held| !migr_decide::parts::holds_something(held));
        if (expected.is_none() && holds_nothing) || held.is_some_and(|held| *held == to_json(expected)) {
            return Comparison::Same;
        }
        Comparison::Differs { expected: String::new(), found: String::new() }
    }

    fn as_sent(&self, object: &str, found: &Map) -> Map {
        self.live.as_ref().map_or_else(|| found.clone(), |live| live.as_sent(object, found))
    }

    fn unique_together(&self, object: &str) -> Vec<Vec<String>> {
        self.live.as_ref().map(|live| live.unique_together(object)).unwrap_or_default()
    }

    fn respells(&self, object: &str, key: &str) -> bool {
        self.live.as_ref().is_some_and(|live| live.respells(object, key))
    }

    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value {
        self.live.as_ref().map_or_else(|| value.clone(), |live| live.as_kept(object, key, value))
    }

    fn filled(&self, object: &str, found: &Map) -> Vec<String> {
        self.live.as_ref().map(|live| live.filled(object, found)).unwrap_or_default()
    }

    fn keeps_as_sent(&self, object: &str, key: &str) -> bool {
        self.live.as_ref().is_some_and(|live| live.keeps_as_sent(object, key))
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.codec.as_ref().map_or_else(|| body.keys().cloned().collect(), |codec| codec.unlike(object, body, found))
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
