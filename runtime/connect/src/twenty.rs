//! The connector to Twenty 1.10 and 2.x.

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
mod live;
mod matching;
mod metadata;
mod names;
mod native;
mod normal;
mod options;
mod planned;
mod problem;
mod records;
mod refusals;
mod refused;
mod role;
mod setup;
mod spelling;
mod undo;
mod unfit;
mod workflows;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use migr_plan::Plan;

use codec::TwentyCodec;
use live::{Live, PAGE};
use migr_load::{Allowance, Capabilities, Connector, Endpoint, Http, HttpOptions, IdPolicy, LoadError, Rate};

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
            lag: std::time::Duration::ZERO,
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
        let live = self.keep(live::read(&self.http).await?);
        self.is_amended.store(false, Ordering::Relaxed);
        Ok(live)
    }

    /// Codec by the schema that was read last.
    fn codec(&self) -> Result<TwentyCodec, LoadError> {
        self.live().map(TwentyCodec::new)
    }
}
