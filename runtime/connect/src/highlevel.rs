//! The connector to one location of HighLevel, by the API versions `v3` and `2021-07-28`.

mod api;
mod codec;
mod compare;
mod encode;
mod files;
mod found;
mod holders;
mod kind;
mod lists;
mod live;
mod records;
mod settle;
mod setup;
mod undo;
mod update;
mod version;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use migr_load::{
    Allowance, AtFault, Body, BoxFuture, Capabilities, Codec, Comparison, Connector, Deleted, Destination, Endpoint,
    FieldSchema, Found, Http, HttpOptions, IdPolicy, Listing, LoadError, Map, Member, NewRecord, Page, Rate,
    RecordUpdate, Schema, SetupOutcome, SetupRecord, StoredFile, Suspect, UndoOutcome, Uploaded, Written,
};
use migr_load::{Settlement, Unsettled};
use migr_plan::{FieldMapping, FieldType, LinkMapping, Plan, ReasonCode, SetupAction};
use migr_transform::{Failure, Reference, Value};

use crate::FileRule;
use codec::LocationCodec;
use kind::Kind;
use live::Live;
use version::Version;

/// The connector as it is registered.
pub(crate) const CONNECTOR: Connector = Connector {
    name: "highlevel",
    url: Some("https://services.leadconnectorhq.com"),
    settings: &["location", "settle", "version"],
    open: |plan, endpoint, options| Ok(Box::new(HighLevel::new(plan, endpoint, options)?)),
    files: &files::Files,
};

/// The field that holds the program's own id beside the server's, where an object can hold one.
const TOKEN: &str = "migrId";
/// Label of that field.
const TOKEN_LABEL: &str = "migr id";
/// Contacts that one call links to a business.
const LINKED_TOGETHER: usize = 50;
/// Time after which a search that finds nothing proves that nothing is there.
const SETTLE: Duration = Duration::from_secs(120);
/// Records that a search gives at once.
const PAGE: usize = 100;

/// A location.
#[derive(Debug)]
pub(crate) struct HighLevel {
    http: Http,
    location: String,
    version: Version,
    capabilities: Capabilities,
    plan: Arc<Plan>,
    live: RwLock<Option<Arc<Live>>>,
    /// True where changes were added to the description that was read, by what their answers told.
    is_amended: AtomicBool,
    staged: files::Staged,
    /// Ids that answers of this connection gave to records that have no id of ours.
    known: Mutex<BTreeSet<String>>,
    /// One change of the schema at a time.
    changing: tokio::sync::Mutex<()>,
}

impl HighLevel {
    pub(crate) fn new(plan: &Plan, endpoint: Endpoint, options: HttpOptions) -> Result<Self, LoadError> {
        let setting = |name: &str| options.settings.get(name).map(|value| value.trim().to_owned());
        let location = setting("location").filter(|location| !location.is_empty()).ok_or_else(|| {
            let what = "the destination has no `location`; write the id of the location, as in `location = env(\"…\")`";
            LoadError::Settings { what: what.to_owned() }
        })?;
        let version = Version::of(setting("version").as_deref())?;
        let settle = match setting("settle") {
            None => SETTLE,
            Some(seconds) => seconds.parse().map(Duration::from_secs).map_err(|_| LoadError::Settings {
                what: "the destination's `settle` is a number of seconds; leave it out for 120".to_owned(),
            })?,
        };
        let stated =
            |what: &str| plan.destination.limits.iter().find(|limit| limit.what == what).map(|limit| limit.value);
        let rate = options.rate.or_else(|| Rate::of(&plan.destination));
        let capabilities = Capabilities {
            batch_size: 1,
            linked_size: LINKED_TOGETHER,
            page_size: PAGE,
            rate,
            file_bytes: stated("file"),
            body_bytes: None,
            ids: IdPolicy::Server { token: Some(TOKEN.to_owned()) },
            settle,
            settable_created_at: false,
            trash: false,
            version: Some(version.name().to_owned()),
        };
        let allowances = if options.allowances {
            Allowance::of(&plan.destination, options.counts.as_deref(), &options.clock)
        } else {
            Vec::new()
        };
        let http = Http::new(endpoint, rate, allowances, options, &api::DIALECT)?;
        Ok(Self {
            http,
            location,
            version,
            capabilities,
            plan: Arc::new(plan.clone()),
            live: RwLock::new(None),
            is_amended: AtomicBool::new(false),
            staged: files::Staged::default(),
            known: Mutex::default(),
            changing: tokio::sync::Mutex::new(()),
        })
    }

    fn live(&self) -> Result<Arc<Live>, LoadError> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(LoadError::NoSchema)
    }

    async fn read_live(&self) -> Result<Arc<Live>, LoadError> {
        let live = Arc::new(self.ask_live().await?);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&live));
        self.is_amended.store(false, Ordering::Relaxed);
        Ok(live)
    }

    /// Takes a description for the location's, where it is known without asking.
    fn takes_live(&self, live: Live) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(live));
        self.is_amended.store(true, Ordering::Relaxed);
    }

    /// Notes a record that an answer of this connection named.
    fn knows(&self, id: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
    }

    /// True where an answer of this connection named a record.
    fn is_known(&self, id: &str) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn codec(&self) -> Result<LocationCodec, LoadError> {
        self.live().map(|live| LocationCodec::new(live, self.version))
    }
}

/// True for objects whose records hold no id of ours: those alike are told apart by which of them answers named.
fn has_no_token(kind: Kind) -> bool {
    matches!(kind, Kind::Businesses | Kind::Notes | Kind::Tasks | Kind::Appointments | Kind::Media)
}

/// Failure of encoding before the schema was read.
fn unread(object: &str, error: &LoadError) -> Vec<Failure> {
    vec![Failure { code: ReasonCode::Q207, field: object.to_owned(), reason: error.to_string() }]
}

impl Destination for HighLevel {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn workspace(&self) -> Option<String> {
        Some(self.location.clone())
    }

    fn requests(&self) -> u64 {
        self.http.requests()
    }

    fn width(&self) -> usize {
        self.http.width()
    }

    fn most_bytes(&self, object: &str, name: &str) -> Option<u64> {
        FileRule::new(&self.plan.destination, None).of(object).most(name, self.capabilities.file_bytes)
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

    fn holds(&self, field: &FieldSchema, ty: &FieldType) -> Result<(), String> {
        setup::holds(field, ty)
    }

    fn refuses(&self, action: &SetupAction) -> Option<String> {
        self.refusal(action)
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
        self.codec().map_err(|error| unread(object, &error))?.encode(object, fields)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.encode_text(object, fields)
    }

    fn codec_after(&self, changes: &[SetupAction]) -> Option<Box<dyn Codec>> {
        let live = self.live().ok()?.after(changes);
        Some(Box::new(LocationCodec::new(Arc::new(live), self.version)))
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.codec().ok()?.identity(object, path, record)
    }

    fn create<'a>(&'a self, object: &'a str, batch: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        Box::pin(self.create_records(object, batch))
    }

    fn at_fault<'a>(
        &'a self,
        _object: &'a str,
        _records: &'a [Suspect<'a>],
        _is_new: bool,
        _refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>> {
        // Every record has a request of its own: a refusal names its record by itself.
        Box::pin(async { Ok(Vec::new()) })
    }

    fn holders<'a>(
        &'a self,
        object: &'a str,
        wanted: &'a [(String, Vec<String>)],
    ) -> BoxFuture<'a, Result<Option<Vec<Found>>, LoadError>> {
        Box::pin(self.find_holders(object, wanted))
    }

    fn settle<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Unsettled<'a>],
    ) -> BoxFuture<'a, Result<Vec<Settlement>, LoadError>> {
        Box::pin(self.settle_records(object, records))
    }

    fn take_for_written(&self, object: &str, found: &[Found]) {
        if has_no_token(Kind::of(object)) {
            for found in found {
                self.knows(&found.id);
            }
        }
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

    fn restore<'a>(&'a self, object: &'a str, _ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(async move { Err(LoadError::Missing { what: format!("trash for `{object}`") }) })
    }

    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(self.destroy_records(object, ids))
    }

    fn carrier(&self, object: &str, id: &str) -> Option<(&'static str, String)> {
        let (contact, _) = found::both(id).filter(|_| Kind::of(object) == Kind::ContactFiles)?;
        Some(("contacts", contact.to_owned()))
    }

    fn compare(&self, object: &str, mapping: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        match self.codec() {
            Ok(codec) => codec.compare(object, mapping, expected, found),
            Err(error) => Comparison::Differs { expected: error.to_string(), found: String::new() },
        }
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.codec().map_or_else(|_| body.keys().cloned().collect(), |codec| codec.unlike(object, body, found))
    }

    fn unique_together(&self, object: &str) -> Vec<Vec<String>> {
        // Closed ones count too.
        let is_one_alone =
            Kind::of(object) == Kind::Opportunities && self.live().is_ok_and(|live| live.refuses_second_opportunity);
        if is_one_alone { vec![vec!["contact".to_owned(), "pipeline".to_owned()]] } else { Vec::new() }
    }

    fn respells(&self, object: &str, key: &str) -> bool {
        self.live().is_ok_and(|live| {
            live.written_by(object, key).is_some_and(|field| compare::respells(Kind::of(object), field))
        })
    }

    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value {
        let live = self.live().ok();
        let field = live.as_ref().and_then(|live| live.written_by(object, key));
        field.map_or_else(|| value.clone(), |field| compare::as_kept(Kind::of(object), field, value))
    }

    fn keeps_as_sent(&self, object: &str, key: &str) -> bool {
        self.live().is_ok_and(|live| {
            live.written_by(object, key).is_some_and(|field| compare::keeps_as_sent(Kind::of(object), field))
        })
    }

    fn listing(&self, object: &str) -> Listing {
        match Kind::of(object) {
            Kind::Notes | Kind::Tasks => Listing::Under,
            Kind::ContactFiles | Kind::Media | Kind::Associations => Listing::Never,
            _ => Listing::Whole,
        }
    }

    fn referring<'a>(
        &'a self,
        object: &'a str,
        key: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        Box::pin(self.list_under(object, key, ids))
    }

    fn upload<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        path: &'a Path,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>> {
        Box::pin(self.stage_file(object, field, path, name))
    }

    fn stored_file<'a>(
        &'a self,
        _object: &'a str,
        field: &'a str,
        found: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>> {
        Box::pin(self.read_file(field, found))
    }
}
