//! The connector to Twenty 1.10 and 2.x.

mod as_sent;
mod at_fault;
mod codec;
mod compare;
mod composites;
mod encode;
mod files;
mod fits;
mod held;
mod hidden;
mod holders;
mod kept_bytes;
mod lists;
mod matching;
mod metadata;
mod names;
mod native;
mod normal;
mod options;
mod planned;
mod problem;
mod records;
mod refused;
mod role;
mod setup;
mod undo;
mod unfit;
mod workflows;
mod workspace;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use migr_plan::{FieldMapping, FieldType, LinkMapping, Plan, ReasonCode, SetupAction};
use migr_transform::{Failure, Reference, Value};

use codec::TwentyCodec;
use metadata::{Live, PAGE};
use migr_load::{
    Allowance, AtFault, Automations, Body, BoxFuture, Capabilities, Codec, Comparison, Connector, Deleted, Destination,
    Endpoint, FieldSchema, Found, Http, HttpOptions, IdPolicy, LoadError, Map, Member, NewRecord, Page, Rate,
    RecordUpdate, Schema, SetupOutcome, SetupRecord, StoredFile, Suspect, UndoOutcome, Uploaded, Written,
};

/// Largest body that the server takes, in bytes.
const BODY: u64 = 10 * 1024 * 1024;

/// The connector as it is registered.
pub(crate) const CONNECTOR: Connector = Connector {
    name: "twenty",
    url: None,
    settings: &[],
    open: |plan, endpoint, options| Ok(Box::new(Twenty::new(plan, endpoint, options)?)),
    files: &unfit::Files,
};

/// A workspace of Twenty.
#[derive(Debug)]
pub(crate) struct Twenty {
    http: Http,
    capabilities: Capabilities,
    /// The workspace's id, by the key.
    workspace: Option<String>,
    /// Object → sensitive fields, by the plan.
    sensitive: BTreeMap<String, BTreeSet<String>>,
    /// Object → fields that the plan reads or writes.
    planned: BTreeMap<String, BTreeSet<String>>,
    live: RwLock<Option<Arc<Live>>>,
    /// True where changes were added to the description that was read, by what their answers told.
    is_amended: AtomicBool,
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
            linked_size: records::BATCH,
            page_size: PAGE,
            rate,
            file_bytes: Some(stated("file").unwrap_or(1 << 30)),
            body_bytes: Some(BODY),
            ids: IdPolicy::Client,
            settle: std::time::Duration::ZERO,
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
        let http = Http::new(endpoint, rate, allowances, options, &problem::DIALECT)?;
        let renames = crate::files::renames(&plan.destination);
        Ok(Self {
            http,
            capabilities,
            workspace,
            renames,
            sensitive,
            planned: role::planned(plan),
            live: RwLock::new(None),
            is_amended: AtomicBool::new(false),
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

    /// Keeps a description with a change that an answer told.
    fn amend(&self, live: Live) {
        self.keep(live);
        self.is_amended.store(true, Ordering::Relaxed);
    }

    async fn read_live(&self) -> Result<Arc<Live>, LoadError> {
        let live = self.keep(metadata::read(&self.http).await?);
        self.is_amended.store(false, Ordering::Relaxed);
        Ok(live)
    }

    /// Codec by the schema that was read last.
    fn codec(&self) -> Result<TwentyCodec, LoadError> {
        self.live().map(TwentyCodec::new)
    }
}

/// Failure of encoding before the schema was read.
fn unread(object: &str, error: &LoadError) -> Vec<Failure> {
    vec![Failure { code: ReasonCode::Q207, field: object.to_owned(), reason: error.to_string() }]
}

/// Beginnings of the names of objects that the workspace fills by itself.
const ITS_OWN: [&str; 9] = [
    "timelineActivit",
    "workflow",
    "message",
    "calendar",
    "favorite",
    "view",
    "blocklist",
    "connectedAccount",
    "workspaceMember",
];

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

    fn known_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        Box::pin(async move {
            match self.live() {
                Ok(live) if !self.is_amended.load(Ordering::Relaxed) => Ok(live.schema.clone()),
                _ => self.schema().await,
            }
        })
    }

    fn fills_itself(&self, object: &str) -> bool {
        ITS_OWN.iter().any(|own| object.starts_with(own))
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

    fn automations(&self) -> Option<&dyn Automations> {
        Some(self)
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

    fn codec_after(&self, changes: &[SetupAction]) -> Option<Box<dyn Codec>> {
        let live = self.live().ok()?.after(changes);
        Some(Box::new(TwentyCodec::new(Arc::new(live))))
    }

    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.encode(object, fields)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.encode_text(object, fields)
    }

    fn width(&self) -> usize {
        self.http.width()
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.codec().ok()?.identity(object, path, record)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.codec().ok()?.unique_value(object, path, record)
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
        self.codec()?.link_body(link, owner_object, owner_id, target)
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
        match self.codec() {
            Ok(codec) => codec.compare(object, mapping, expected, found),
            Err(error) => codec::unknown(&error),
        }
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        composites::part_of(key)
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.codec().map_or_else(|_| body.keys().cloned().collect(), |codec| codec.unlike(object, body, found))
    }

    fn as_sent(&self, object: &str, found: &Map) -> Map {
        self.live().map_or_else(|_| found.clone(), |live| as_sent::as_sent(&live, object, found))
    }

    fn respells(&self, object: &str, key: &str) -> bool {
        self.live().is_ok_and(|live| as_sent::respells(&live, object, key))
    }

    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value {
        self.live().map_or_else(|_| value.clone(), |live| as_sent::as_kept(&live, object, key, value))
    }

    fn bytes_as_kept<'s>(&self, object: &str, key: &str, sent: &'s [u8]) -> Cow<'s, [u8]> {
        self.live().map_or(Cow::Borrowed(sent), |live| as_sent::bytes_as_kept(&live, object, key, sent))
    }

    fn filled(&self, object: &str, found: &Map) -> Vec<String> {
        self.live().map(|live| as_sent::filled(&live, object, found)).unwrap_or_default()
    }

    fn keeps_as_sent(&self, object: &str, key: &str) -> bool {
        self.live().is_ok_and(|live| as_sent::keeps(&live, object, key))
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
