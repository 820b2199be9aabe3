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
mod metadata;
mod pipelines;
mod records;
mod refusals;
mod rights;
mod scopes;
mod settle;
mod setup;
mod spelling;
mod tags;
mod under;
mod undo;
mod update;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use migr_load::{Allowance, Capabilities, Connector, Endpoint, Http, HttpOptions, IdPolicy, LoadError, Rate};
use migr_plan::Plan;
use serde_json::Value;

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
/// Time by which searches were seen to lag.
const LAG: Duration = Duration::from_secs(60);
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
    /// Everybody who uses the location, as this connection read it.
    users: Mutex<Option<Arc<Vec<Value>>>>,
    staged: files::Staged,
    /// Ids that answers of this connection gave to records that have no id of ours.
    known: Mutex<BTreeSet<String>>,
    /// Scopes that this connection asked for, each with whether the token has it.
    rights: tokio::sync::Mutex<BTreeMap<&'static str, bool>>,
    /// Records that new ones were refused for, by object: the token of each refused one, and the id of the one that is there.
    met: Mutex<BTreeMap<String, Vec<(String, String)>>>,
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
            lag: if endpoint.is_here() { Duration::ZERO } else { LAG },
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
            users: Mutex::default(),
            staged: files::Staged::default(),
            known: Mutex::default(),
            rights: tokio::sync::Mutex::default(),
            met: Mutex::default(),
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
        *self.users.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(live)
    }

    /// Takes a description for the location's, of which the part that a change has moved was read again.
    fn takes_live(&self, live: Live) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(live));
    }

    /// Notes that the description that was read does not hold any more, or holds something that nobody read.
    fn outdates_live(&self) {
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
