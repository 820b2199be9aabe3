//! The connector to Twenty 1.10 and 2.x.

mod at_fault;
mod compare;
mod composites;
mod encode;
mod files;
mod held;
mod hidden;
mod holders;
mod lists;
mod matching;
mod metadata;
mod names;
mod native;
mod normal;
mod options;
mod problem;
mod records;
mod refused;
mod setup;
mod undo;
mod unfit;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use migr_plan::{FieldMapping, FieldType, LinkMapping, Plan, SetupAction};
use migr_transform::{Failure, Reference, Value};

use crate::allowance::Allowance;
use crate::body::BodyText;
use crate::http::Http;
use crate::{
    AtFault, Body, BoxFuture, Capabilities, Comparison, Deleted, Destination, Endpoint, FieldSchema, Found,
    HttpOptions, IdPolicy, LoadError, Map, Member, NewRecord, Page, Rate, RecordUpdate, Schema, SetupOutcome,
    SetupRecord, StoredFile, Suspect, UndoOutcome, Uploaded, Written,
};
use metadata::{Live, PAGE};
pub use unfit::FILE_START;
pub(crate) use unfit::{plain_name, refusal as file_refusal};

/// Largest body that the server takes, in bytes.
const BODY: u64 = 10 * 1024 * 1024;
/// Room in it for a record's id and the brackets around it.
const AROUND: u64 = 128;

/// A workspace of Twenty.
#[derive(Debug)]
pub(crate) struct Twenty {
    http: Http,
    capabilities: Capabilities,
    /// The workspace's id, by the key.
    workspace: Option<String>,
    /// Object → sensitive fields, by the plan.
    sensitive: BTreeMap<String, BTreeSet<String>>,
    live: RwLock<Option<Arc<Live>>>,
    /// Files that would be refused under their own name are sent under a plain one.
    renames: bool,
    /// Records that are known to be there, by which lists prove that they are whole.
    controls: lists::Controls,
    /// Objects that were proven to have no record.
    emptiness: Mutex<lists::Emptiness>,
    /// The last time of change that an answer to a write told, by object.
    written: Mutex<BTreeMap<String, String>>,
    /// The moment of the last answer to a write, by the clock of this machine.
    wrote: Mutex<Option<Instant>>,
    /// One change of the schema at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Twenty {
    pub(crate) fn new(plan: &Plan, endpoint: Endpoint, options: HttpOptions) -> Result<Self, LoadError> {
        let limits = &plan.destination.limits;
        let stated = |what: &str| limits.iter().find(|limit| limit.what == what).map(|limit| limit.value);
        let rate = options.rate.or_else(|| Rate::of(&plan.destination));
        let batch = stated("batch").and_then(|batch| usize::try_from(batch).ok()).unwrap_or(records::BATCH);
        let capabilities = Capabilities {
            batch_size: batch.clamp(1, records::BATCH),
            page_size: PAGE,
            rate,
            file_bytes: Some(stated("file").unwrap_or(1 << 30)),
            body_bytes: Some(BODY),
            ids: IdPolicy::Client,
            settable_created_at: true,
            trash: true,
            version: None,
        };
        let mut sensitive: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for stage in &plan.stages {
            for field in stage.fields.iter().filter(|field| field.sensitive) {
                sensitive.entry(stage.destination_object.clone()).or_default().insert(field.field.clone());
            }
        }
        let allowances = if options.allowances {
            Allowance::of(&plan.destination, options.counts.as_deref(), &options.clock)
        } else {
            Vec::new()
        };
        let workspace = workspace::of_key(&endpoint.token);
        let http = Http::new(endpoint, rate, allowances, options, &problem::REFUSALS)?;
        let renames = crate::unfit::renames(&plan.destination);
        Ok(Self {
            http,
            capabilities,
            workspace,
            renames,
            sensitive,
            live: RwLock::new(None),
            controls: lists::Controls::default(),
            emptiness: Mutex::default(),
            written: Mutex::default(),
            wrote: Mutex::default(),
            changing: tokio::sync::Mutex::new(()),
        })
    }

    fn live(&self) -> Result<Arc<Live>, LoadError> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(LoadError::NoSchema)
    }

    fn keep(&self, live: Live) -> Arc<Live> {
        let live = Arc::new(live);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
        live
    }

    async fn read_live(&self) -> Result<Arc<Live>, LoadError> {
        Ok(self.keep(metadata::read(&self.http).await?))
    }

    /// Hands the key and the native value of every field on.
    fn encode_fields(
        &self,
        object: &str,
        fields: &[(&FieldMapping, &Value<'_>)],
        hand_on: &mut dyn FnMut(&str, serde_json::Value),
    ) -> Result<(), Vec<Failure>> {
        let failure = |field: &str, reason: String| Failure { field: field.to_owned(), reason };
        let live = self.live().map_err(|error| vec![failure(object, error.to_string())])?;
        let known = live.object(object).map_err(|error| vec![failure(object, error.to_string())])?;
        let mut failures = Vec::new();
        for (mapping, value) in fields {
            if matches!(value, Value::Default) || mapping.ty == FieldType::File {
                continue;
            }
            let field = known.fields.get(&mapping.field);
            let Some(field) = field else {
                let error = LoadError::Missing { what: format!("field `{object}.{}`", mapping.field) };
                failures.push(failure(&mapping.field, error.to_string()));
                continue;
            };
            let key = match write_key(field, value) {
                Ok(Some(key)) => key,
                Ok(None) => continue,
                Err(reason) => {
                    failures.push(failure(&mapping.field, reason));
                    continue;
                }
            };
            match encode::encode(field, value) {
                Ok(Some(json)) => hand_on(key, json),
                Ok(None) => {}
                Err(fault) => {
                    let path =
                        fault.part.map_or_else(|| mapping.field.clone(), |part| format!("{}.{part}", mapping.field));
                    let reason = match fault.value {
                        None => fault.says,
                        Some(_) if mapping.sensitive => format!("the value (masked) {}", fault.says),
                        Some(value) => format!("\"{}\" {}", value.chars().take(60).collect::<String>(), fault.says),
                    };
                    failures.push(Failure { field: path, reason });
                }
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// A value of a record: as records are matched, or as the server holds it to be unique.
    fn identity_of(&self, object: &str, path: &str, record: &Map, is_matched: bool) -> Option<String> {
        let live = self.live().ok()?;
        let (name, part) = match path.split_once('.') {
            Some((name, part)) => (name, Some(part)),
            None => (path, None),
        };
        let field = live.field(object, name).ok()?;
        let value = record.get(&field.write_key).or_else(|| record.get(name))?;
        if is_matched {
            matching::matched(&field.name, &field.native, part, value)
        } else {
            normal::identity(&field.native, part, value)
        }
    }

    fn link(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        let live = self.live()?;
        let through = live.object(&link.through)?;
        let owner = through.fields.values().find_map(|field| match &field.ty {
            Some(FieldType::Reference { objects })
                if objects.as_slice() == [owner_object] && field.native == "RELATION" =>
            {
                Some(&field.write_key)
            }
            _ => None,
        });
        let other = through.fields.get("target").and_then(|field| field.write_keys.get(target.object.as_ref()));
        let other = other.or_else(|| {
            through.fields.values().find_map(|field| match &field.ty {
                Some(FieldType::Reference { objects }) if objects.as_slice() == [target.object.as_ref()] => {
                    Some(&field.write_key)
                }
                _ => None,
            })
        });
        let missing =
            |object: &str| LoadError::Missing { what: format!("reference from `{}` to `{object}`", link.through) };
        let owner = owner.ok_or_else(|| missing(owner_object))?;
        let other = other.filter(|key| *key != owner).ok_or_else(|| missing(&target.object))?;
        let mut body = Map::new();
        body.insert(owner.clone(), serde_json::Value::String(owner_id.to_owned()));
        body.insert(other.clone(), serde_json::Value::String(target.id.to_string()));
        Ok(body)
    }
}

/// The key that a value goes by; none where an empty reference to one of several objects has none.
fn write_key<'f>(field: &'f FieldSchema, value: &Value<'_>) -> Result<Option<&'f str>, String> {
    if !field.writable {
        return Err(format!("the destination does not let `{}` be written", field.name));
    }
    match value {
        Value::Reference(reference) if !field.write_keys.is_empty() => {
            match field.write_keys.get(reference.object.as_ref()) {
                Some(key) => Ok(Some(key)),
                None => Err(format!(
                    "it cannot refer to `{}`; it refers to {}",
                    reference.object,
                    field.write_keys.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
                )),
            }
        }
        _ if field.write_key.is_empty() => Ok(None),
        _ => Ok(Some(&field.write_key)),
    }
}

impl Destination for Twenty {
    fn capabilities(&self) -> Capabilities {
        let version = self.live().ok().map(|live| live.version.name().to_owned());
        Capabilities { version, ..self.capabilities.clone() }
    }

    fn workspace(&self) -> Option<String> {
        self.workspace.clone()
    }

    fn requests(&self) -> u64 {
        self.http.requests()
    }

    fn refuses(&self, action: &SetupAction) -> Option<String> {
        self.refusal(action)
    }

    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        Box::pin(async move { Ok(self.read_live().await?.schema.clone()) })
    }

    fn holds(&self, field: &FieldSchema, ty: &FieldType) -> Result<(), String> {
        setup::holds(field, ty)
    }

    fn setup<'a>(&'a self, action: &'a SetupAction) -> BoxFuture<'a, Result<SetupOutcome, LoadError>> {
        Box::pin(self.carry_out(action))
    }

    fn undo_setup<'a>(&'a self, record: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>> {
        Box::pin(self.take_back(record))
    }

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

    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        let mut body = Map::new();
        self.encode_fields(object, fields, &mut |key, value| {
            body.insert(key.to_owned(), value);
        })?;
        Ok(body)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        let mut body = BodyText::default();
        self.encode_fields(object, fields, &mut |key, value| body.add(key, &value))?;
        let body = body.end();
        if u64::try_from(body.text().len()).is_ok_and(|bytes| bytes < BODY - AROUND) {
            return Ok(body);
        }
        let reason = format!("it takes {} bytes, more than the {BODY} of a request", body.text().len());
        Err(vec![Failure { field: String::new(), reason }])
    }

    fn width(&self) -> usize {
        self.http.width()
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.identity_of(object, path, record, true)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.identity_of(object, path, record, false)
    }

    fn stamps(&self) -> &'static [&'static str] {
        &["updatedAt", "deletedAt"]
    }

    fn create<'a>(&'a self, object: &'a str, batch: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        Box::pin(self.create_records(object, batch))
    }

    fn at_fault<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Suspect<'a>],
        is_new: bool,
        refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>> {
        Box::pin(self.find_at_fault(object, records, is_new, refusals))
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

    fn fetch_written<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        Box::pin(self.fetch_in_use(object, ids))
    }

    fn patience(&self) -> Duration {
        self.http.options().timeout
    }

    fn written_until(&self) -> BTreeMap<String, String> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take_for_written(&self, object: &str, found: &[Found]) {
        self.note_stamps(object, found.iter().filter_map(|found| found.values.get("updatedAt")?.as_str()));
    }

    fn update<'a>(
        &'a self,
        object: &'a str,
        batch: &'a [RecordUpdate],
    ) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        Box::pin(self.update_records(object, batch))
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        self.link(link, owner_object, owner_id, target)
    }

    fn restore<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(self.restore_records(object, ids))
    }

    fn trash<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(self.trash_records(object, ids))
    }

    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(self.destroy_records(object, ids))
    }

    fn compare(&self, object: &str, mapping: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        let unknown =
            |error: LoadError| Comparison::Differs { expected: error.to_string(), found: "nothing".to_owned() };
        match self.live() {
            Ok(live) => match live.field(object, &mapping.field) {
                Ok(field) => compare::compare(field, mapping, expected, found),
                Err(error) => unknown(error),
            },
            Err(error) => unknown(error),
        }
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        composites::part_of(key)
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.live().map_or_else(|_| body.keys().cloned().collect(), |live| held::unlike(&live, object, body, found))
    }

    fn held(&self, object: &str, found: &Map) -> Map {
        self.live().map_or_else(|_| found.clone(), |live| held::body(&live, object, found))
    }

    fn upload<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        path: &'a Path,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>> {
        Box::pin(self.upload_file(object, field, path, name))
    }

    fn stored_file<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        found: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>> {
        Box::pin(self.read_file(object, field, found))
    }
}
