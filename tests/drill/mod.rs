//! The committed example carried out against a sandbox of its own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use migr_connect::connect;
use migr_engine::{CancellationFlag, Context, RunOptions, SharedJournal, Silent, VerifySummary, run, setup, verify};
use migr_extract::Export;
use migr_journal::{Identity, Journal, Reader, State};
use migr_load::{
    AtFault, Automations, Barred, Body, BoxFuture, Capabilities, Codec, Comparison, Deleted, Destination, Endpoint,
    FieldSchema, Found, HttpOptions, Listing, LoadError, MadeBeside, Map, Member, Metadata, NewRecord, Page, Rate,
    RecordUpdate, Records, Refusals, Removal, Schema, Secret, Settlement, SetupOutcome, SetupRecord, Spelling,
    StoredFile, Suspect, UndoOutcome, Unsettled, Uploaded, Values, Written,
};
use migr_plan::{FieldMapping, FieldType, LinkMapping, Plan, SetupAction};
use migr_report::Report;
use migr_sandbox::{Sandbox, SandboxOptions, start};
use migr_source::{System, SystemError};
use migr_transform::{Failure, Reference, Value as Typed};
use serde_json::{Value, json};
use tempfile::TempDir;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/visual-practice-to-twenty")
}

struct Disk;

impl System for Disk {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        std::fs::read_to_string(example().join(path))
            .map(Arc::from)
            .map_err(|error| SystemError { path: path.to_owned(), reason: error.to_string() })
    }

    fn migr_files(&self, _folder: &str) -> Result<Vec<String>, SystemError> {
        Ok(vec!["migration.migr".to_owned()])
    }

    fn exists(&self, path: &str) -> bool {
        example().join(path).exists()
    }
}

fn plan() -> Plan {
    let project = migr_driver::Project { system: &Disk, entry: None, destination: None, lock: None };
    let compiled = migr_driver::compile(&project);
    compiled.plan.unwrap_or_else(|| panic!("the example compiles: {:#?}", compiled.diagnostics))
}

/// A native body.
pub(crate) fn body(value: Value) -> Map {
    match value {
        Value::Object(body) => body,
        other => panic!("{other} is no body"),
    }
}

/// A sandbox, the example's plan and a journal.
pub(crate) struct Drill {
    pub(crate) sandbox: Sandbox,
    pub(crate) context: Context,
    folder: TempDir,
}

impl Drill {
    pub(crate) async fn new() -> Self {
        let sandbox = start(SandboxOptions::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let plan = plan();
        let export = Export::open(&plan, &example()).unwrap();
        let options = HttpOptions {
            timeout: Duration::from_secs(60),
            rate: Some(Rate { requests: 1_000_000, per_seconds: 1, burst: None }),
            ..HttpOptions::default()
        };
        let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
        let destination: Arc<dyn Destination> = Arc::from(connect(&plan, endpoint, options).unwrap());
        destination.schema().await.unwrap();
        let journal = journal(&folder.path().join("journal.db"), &plan);
        let context = Context {
            plan: Arc::new(plan),
            export: Arc::new(export),
            destination,
            journal,
            progress: Arc::new(Silent),
            cancellation: CancellationFlag::default(),
            options: RunOptions::default(),
            work: folder.path().to_owned(),
        };
        Self { sandbox, context, folder }
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Lets go of the journal; another one takes its place.
    pub(crate) fn close_journal(&mut self) {
        self.context.journal = journal(&self.folder.path().join("other.db"), &self.context.plan);
    }

    pub(crate) fn open_journal(&mut self) {
        self.context.journal = journal(&self.journal(), &self.context.plan);
    }

    /// Setup and run.
    pub(crate) async fn run(&self) -> Report {
        let prepared = setup(&self.context).await.unwrap();
        assert_eq!(prepared.blocked, 0, "{prepared:?}");
        run(&self.context).await.unwrap().report
    }

    pub(crate) async fn verify(&self, sample: Option<u64>) -> VerifySummary {
        let mut streamed = 0;
        let summary = verify(&self.context, sample, &mut |_| streamed += 1).await.unwrap();
        let found = summary.differences.len() + summary.missing.len();
        assert_eq!(streamed, found, "every difference and every missing record is streamed");
        summary
    }

    /// Creates records as somebody else would; gives their ids.
    pub(crate) async fn create(&self, object: &str, bodies: Vec<Value>) -> Vec<String> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let records: Vec<NewRecord> = bodies
            .into_iter()
            .map(|value| {
                let id = format!("00000000-0000-4000-8000-{:012}", NEXT.fetch_add(1, Ordering::Relaxed));
                NewRecord::new(id, body(value))
            })
            .collect();
        all_written(self.context.destination.create(object, &records).await);
        records.into_iter().map(|record| record.id).collect()
    }

    /// Changes a record as somebody else would.
    pub(crate) async fn change(&self, object: &str, id: &str, change: Value) {
        let change = RecordUpdate::new(id, body(change));
        all_written(self.context.destination.update(object, &[change]).await);
    }

    fn reader(&self) -> Reader {
        self.context.journal.reader().unwrap()
    }

    pub(crate) fn finding(&self, name: &str) -> String {
        self.reader().finding(name).unwrap().unwrap()
    }

    /// Keys and ids of the first records that a step created.
    pub(crate) fn created(&self, step: &str, count: usize) -> Vec<(String, String)> {
        let reader = self.reader();
        let step = reader.step(step).unwrap().unwrap();
        let rows = reader.rows_after(step, None, 10_000).unwrap().into_iter();
        let created = rows.filter(|row| row.mapped.state == State::Created);
        let created: Vec<_> = created.map(|row| (row.key, row.mapped.id.unwrap())).take(count).collect();
        assert_eq!(created.len(), count);
        created
    }

    /// Ids of records that were there and of which the run wrote a field.
    pub(crate) fn updated(&self, step: &str, field: &str, count: usize) -> Vec<String> {
        let reader = self.reader();
        let step = reader.step(step).unwrap().unwrap();
        let images = reader.before_images(step, None, 10_000).unwrap().into_iter();
        let written = images.filter(|(_, image)| image.written.contains(&format!("\"{field}\"")));
        let ids: Vec<String> = written.map(|(_, image)| image.id).take(count).collect();
        assert_eq!(ids.len(), count);
        ids
    }

    /// Turns a field's options round.
    pub(crate) async fn reverse_options(&self, object: &str, field: &str) {
        self.change_options(object, field, |options| options.reverse()).await;
    }

    /// Changes a field's options as an administrator would.
    pub(crate) async fn change_options(&self, object: &str, field: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let schema = self.context.destination.schema().await.unwrap();
        let found = schema.field(object, field).unwrap();
        let as_sent = |option: &migr_load::OptionSchema| json!({"id": option.id, "value": option.value, "label": option.label, "color": option.color});
        let mut options: Vec<Value> = found.options.iter().map(as_sent).collect();
        change(&mut options);
        for (position, option) in options.iter_mut().enumerate() {
            option["position"] = json!(position);
        }
        // The connector never reorders alone.
        self.ask(reqwest::Method::PATCH, &format!("fields/{}", found.id), json!({"options": options})).await;
    }

    /// Removes a field, or with none an object, as an administrator would.
    pub(crate) async fn remove(&self, object: &str, field: Option<&str>) {
        let schema = self.context.destination.schema().await.unwrap();
        let path = match field {
            Some(field) => format!("fields/{}", schema.field(object, field).unwrap().id),
            None => format!("objects/{}", schema.objects.get(object).unwrap().id),
        };
        self.ask(reqwest::Method::DELETE, &path, Value::Null).await;
    }

    /// Puts a field of text where another one was.
    pub(crate) async fn replace_by_text(&self, object: &str, field: &str) {
        self.remove(object, Some(field)).await;
        let id = self.context.destination.schema().await.unwrap().objects.get(object).unwrap().id.clone();
        let made = json!({"objectMetadataId": id, "name": field, "label": field, "type": "TEXT"});
        self.ask(reqwest::Method::POST, "fields", made).await;
    }

    /// Asks for a change of the schema by a client of the tests' own.
    async fn ask(&self, method: reqwest::Method, path: &str, body: Value) {
        drop(rustls::crypto::ring::default_provider().install_default());
        let url = format!("{}/rest/metadata/{path}", self.sandbox.url());
        let request = reqwest::Client::new().request(method, url).bearer_auth(self.sandbox.token());
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Writes to the journal past the engine.
    pub(crate) fn journal_says(&mut self, changes: impl FnOnce(&Reader) -> Vec<migr_journal::Change>) {
        let changes = changes(&self.reader());
        let path = self.journal();
        self.close_journal();
        let hash = self.context.plan.hash().unwrap();
        let plan = &self.context.plan;
        let identity = Identity { migration: &plan.migration, destination: &plan.destination.name, plan_hash: &hash };
        Journal::open(&path, &identity).unwrap().write(&changes).unwrap();
        self.open_journal();
    }
}

fn journal(path: &Path, plan: &Plan) -> SharedJournal {
    let hash = plan.hash().unwrap();
    let identity = Identity { migration: &plan.migration, destination: &plan.destination.name, plan_hash: &hash };
    SharedJournal::new(Journal::open(path, &identity).unwrap())
}

/// A destination to which the line is cut right after a write was carried out, as if the program were killed there.
pub(crate) struct Killed {
    inner: Arc<dyn Destination>,
    left: AtomicUsize,
}

impl fmt::Debug for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Killed")
    }
}

impl Killed {
    /// Lets so many writes through; the one after them is the last.
    pub(crate) fn after(inner: Arc<dyn Destination>, left: usize) -> Self {
        Self { inner, left: AtomicUsize::new(left) }
    }

    fn cut(&self) -> Result<(), LoadError> {
        let counted = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        counted.map(drop).map_err(|_| LoadError::NoSchema)
    }
}

impl Metadata for Killed {
    fn capabilities(&self) -> Capabilities {
        // Small batches, so that there are many places to be killed at.
        let inner = self.inner.capabilities();
        Capabilities { batch_size: inner.batch_size.min(60), ..inner }
    }

    fn workspace(&self) -> Option<String> {
        self.inner.workspace()
    }

    fn settle_of(&self, object: &str) -> std::time::Duration {
        self.inner.settle_of(object)
    }

    fn workspace_word(&self) -> &'static str {
        self.inner.workspace_word()
    }

    fn requests(&self) -> u64 {
        self.inner.requests()
    }

    fn width(&self) -> usize {
        // One write at a time, so that the one that is cut is the last of all.
        1
    }

    fn patience(&self) -> Duration {
        self.inner.patience()
    }

    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        self.inner.schema()
    }

    fn known_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        self.inner.known_schema()
    }

    fn told_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        self.inner.told_schema()
    }

    fn short_text(&self) -> Option<usize> {
        self.inner.short_text()
    }

    fn barred(&self) -> BoxFuture<'_, Result<Vec<Barred>, LoadError>> {
        self.inner.barred()
    }

    fn holds(&self, field: &FieldSchema, ty: &FieldType) -> Result<(), String> {
        self.inner.holds(field, ty)
    }

    fn setup<'a>(&'a self, action: &'a SetupAction) -> BoxFuture<'a, Result<SetupOutcome, LoadError>> {
        self.inner.setup(action)
    }

    fn refuses(&self, action: &SetupAction) -> Option<String> {
        self.inner.refuses(action)
    }

    fn irreversible(&self, record: &SetupRecord) -> Option<String> {
        self.inner.irreversible(record)
    }

    fn undo_setup<'a>(&'a self, record: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>> {
        Box::pin(async move {
            let done = self.inner.undo_setup(record).await?;
            self.cut().map(|()| done)
        })
    }

    fn codec_after(&self, changes: &[SetupAction]) -> Option<Box<dyn Codec>> {
        self.inner.codec_after(changes)
    }

    fn unique_together(&self, object: &str) -> Vec<Vec<String>> {
        self.inner.unique_together(object)
    }

    fn fills_itself(&self, object: &str) -> bool {
        self.inner.fills_itself(object)
    }

    fn listing(&self, object: &str) -> Listing {
        self.inner.listing(object)
    }

    fn automations(&self) -> Option<&dyn Automations> {
        self.inner.automations()
    }
}

impl Records for Killed {
    fn members<'a>(&'a self, object: &'a str, field: &'a str) -> BoxFuture<'a, Result<Vec<Member>, LoadError>> {
        self.inner.members(object, field)
    }

    fn scan<'a>(
        &'a self,
        object: &'a str,
        deleted: Deleted,
        after: Option<String>,
    ) -> BoxFuture<'a, Result<Page, LoadError>> {
        self.inner.scan(object, deleted, after)
    }

    fn count<'a>(&'a self, object: &'a str, deleted: Deleted) -> BoxFuture<'a, Result<u64, LoadError>> {
        self.inner.count(object, deleted)
    }

    fn fetch<'a>(
        &'a self,
        object: &'a str,
        ids: &'a [String],
        deleted: Deleted,
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        self.inner.fetch(object, ids, deleted)
    }

    fn fetch_written<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        self.inner.fetch_written(object, ids)
    }

    fn holders<'a>(
        &'a self,
        object: &'a str,
        wanted: &'a [(String, Vec<String>)],
    ) -> BoxFuture<'a, Result<Option<Vec<Found>>, LoadError>> {
        self.inner.holders(object, wanted)
    }

    fn referring<'a>(
        &'a self,
        object: &'a str,
        key: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        self.inner.referring(object, key, ids)
    }

    fn take_met(&self, object: &str) -> Vec<(String, String)> {
        self.inner.take_met(object)
    }

    fn create<'a>(&'a self, object: &'a str, batch: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        Box::pin(async move {
            let created = self.inner.create(object, batch).await?;
            self.cut().map(|()| created)
        })
    }

    fn update<'a>(
        &'a self,
        object: &'a str,
        batch: &'a [RecordUpdate],
    ) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        Box::pin(async move {
            let updated = self.inner.update(object, batch).await?;
            self.cut().map(|()| updated)
        })
    }

    fn settle<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Unsettled<'a>],
    ) -> BoxFuture<'a, Result<Vec<Settlement>, LoadError>> {
        self.inner.settle(object, records)
    }

    fn written_until(&self) -> BTreeMap<String, String> {
        self.inner.written_until()
    }

    fn take_for_written(&self, object: &str, found: &[Found]) {
        self.inner.take_for_written(object, found);
    }

    fn restore<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        self.inner.restore(object, ids)
    }

    fn trash<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        Box::pin(async move {
            self.inner.trash(object, ids).await?;
            self.cut()
        })
    }

    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Removal>, LoadError>> {
        Box::pin(async move {
            let fates = self.inner.destroy(object, ids).await?;
            self.cut()?;
            Ok(fates)
        })
    }

    fn made_beside(&self, object: &str, body: &Body) -> MadeBeside {
        self.inner.made_beside(object, body)
    }

    fn remove_beside<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<UndoOutcome>, LoadError>> {
        Box::pin(async move {
            let removed = self.inner.remove_beside(names).await?;
            self.cut().map(|()| removed)
        })
    }

    fn carrier(&self, object: &str, id: &str) -> Option<(&'static str, String)> {
        self.inner.carrier(object, id)
    }

    fn held_under(&self, object: &str, field: &str) -> Option<(&'static str, String)> {
        self.inner.held_under(object, field)
    }
}

impl Values for Killed {
    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Typed<'_>)]) -> Result<Map, Vec<Failure>> {
        self.inner.encode(object, fields)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Typed<'_>)]) -> Result<Body, Vec<Failure>> {
        self.inner.encode_text(object, fields)
    }

    fn check(&self, object: &str, fields: &[(&FieldMapping, &Typed<'_>)]) -> Result<(), Vec<Failure>> {
        self.inner.check(object, fields)
    }

    fn adjusts(&self, object: &str, fields: &[(&FieldMapping, &Typed<'_>)]) -> Vec<Failure> {
        self.inner.adjusts(object, fields)
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.inner.identity(object, path, record)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.inner.unique_value(object, path, record)
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        self.inner.link_body(link, owner_object, owner_id, target)
    }

    fn compare(&self, object: &str, field: &FieldMapping, expected: &Typed<'_>, found: &Map) -> Comparison {
        self.inner.compare(object, field, expected, found)
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        self.inner.part_of(key)
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.inner.unlike(object, body, found)
    }
}

impl Spelling for Killed {
    fn as_sent(&self, object: &str, found: &Map) -> Map {
        self.inner.as_sent(object, found)
    }

    fn respells(&self, object: &str, key: &str) -> bool {
        self.inner.respells(object, key)
    }

    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value {
        self.inner.as_kept(object, key, value)
    }

    fn bytes_as_kept<'s>(&self, object: &str, key: &str, sent: &'s [u8]) -> Cow<'s, [u8]> {
        self.inner.bytes_as_kept(object, key, sent)
    }

    fn keeps_as_sent(&self, object: &str, key: &str) -> bool {
        self.inner.keeps_as_sent(object, key)
    }

    fn is_added_to(&self, object: &str, key: &str) -> bool {
        self.inner.is_added_to(object, key)
    }

    fn filled(&self, object: &str, found: &Map) -> Vec<String> {
        self.inner.filled(object, found)
    }

    fn held(&self, object: &str, found: &Map) -> Map {
        self.inner.held(object, found)
    }

    fn stamps(&self) -> &'static [&'static str] {
        self.inner.stamps()
    }
}

impl migr_load::Files for Killed {
    fn most_bytes(&self, object: &str, name: &str) -> Option<u64> {
        self.inner.most_bytes(object, name)
    }

    fn upload<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        path: &'a Path,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>> {
        self.inner.upload(object, field, path, name)
    }

    fn stored_file<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        found: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>> {
        self.inner.stored_file(object, field, found)
    }
}

impl Refusals for Killed {
    fn at_fault<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Suspect<'a>],
        is_new: bool,
        refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>> {
        self.inner.at_fault(object, records, is_new, refusals)
    }
}

/// Every record was written.
fn all_written(written: Result<Vec<Written>, LoadError>) {
    let written = written.unwrap();
    let is_done = |outcome: &Written| matches!(outcome, Written::Created { .. } | Written::Updated);
    assert!(written.iter().all(is_done), "{written:?}");
}
