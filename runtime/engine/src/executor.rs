//! Execution of a unit of work: its files are uploaded, its records sent, and lost answers settled. Nowhere else is a write sent again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use migr_journal::Operation;
use migr_load::{
    Body, BoxFuture, Deleted, Destination, FetchError, Found, IdPolicy, LinkFetcher, LoadError, NewRecord,
    RecordUpdate, Refusal, Suspect, Uploaded, Written,
};
use migr_plan::OnMissing;

use crate::hashing::file_hash;
use crate::item::{Upload, UploadFrom};

/// Lost answers to one batch before it is given up.
const ATTEMPTS: u32 = 6;

/// Half of the pause after the first lost answer; it doubles each time.
const PAUSE: Duration = Duration::from_millis(50);

/// A batch as it is handed out: all that is needed to carry it out.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The step that it belongs to.
    pub step: String,
    /// Its number in the journal.
    pub batch: i64,
    /// `create` or `update`.
    pub operation: Operation,
    /// The destination object.
    pub object: String,
    /// Its records, in order.
    pub records: Vec<UnitRecord>,
}

impl Unit {
    /// Whether a record of it has files that are to be uploaded.
    pub(crate) fn has_files(&self) -> bool {
        self.records.iter().any(|record| !record.uploads.is_empty())
    }
}

/// One record of a unit.
#[derive(Clone)]
pub struct UnitRecord {
    /// Its id.
    pub id: String,
    /// What is written.
    pub body: Body,
    /// Files that are uploaded first.
    pub uploads: Vec<Upload>,
}

impl UnitRecord {
    /// As it is asked about.
    pub(crate) fn suspect(&self) -> Suspect<'_> {
        Suspect { id: &self.id, body: &self.body }
    }
}

// Values may be sensitive.
impl fmt::Debug for UnitRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitRecord").field("id", &self.id).field("uploads", &self.uploads.len()).finish_non_exhaustive()
    }
}

/// Result of one record of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteResult {
    /// How it ended.
    pub outcome: RecordOutcome,
    /// Requests that it took part in.
    pub attempts: u32,
}

/// Final outcome of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordOutcome {
    /// Creation or change.
    Written {
        /// The id that the destination chose; none: the record has the id that it was sent with.
        id: Option<String>,
    },
    /// Refusal, with its reason.
    Refused(String),
    /// Lost answer about a record that cannot be asked for: it may have been written. With the reason.
    Uncertain(String),
}

impl WriteResult {
    /// Refusal of a record.
    pub(crate) fn refused(reason: String, attempts: u32) -> Self {
        Self { outcome: RecordOutcome::Refused(reason), attempts }
    }

    /// The same after further requests.
    pub(crate) fn after(self, requests: u32) -> Self {
        Self { attempts: requests + self.attempts, ..self }
    }

    /// Whether the record is as it was meant to be.
    pub(crate) fn is_written(&self) -> bool {
        matches!(self.outcome, RecordOutcome::Written { .. })
    }

    /// Why it is not.
    pub(crate) fn reason(&self) -> Option<&str> {
        match &self.outcome {
            RecordOutcome::Written { .. } => None,
            RecordOutcome::Refused(reason) | RecordOutcome::Uncertain(reason) => Some(reason),
        }
    }
}

/// What became of one file of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFate {
    /// The destination field.
    pub field: String,
    /// The source column.
    pub column: String,
    /// `blake3:` and the hash of what was sent, and its length; else why it was not.
    pub sent: Result<(String, u64), String>,
}

/// A unit whose files are uploaded.
#[derive(Clone, Debug)]
pub struct Uploads {
    /// The records that can be written, the files in their bodies.
    pub unit: Unit,
    /// Their positions in the unit as it was handed out.
    pub positions: Vec<usize>,
    /// Positions of the records that cannot be written without a file, with what is wrong with it.
    pub refused: Vec<(usize, String)>,
    /// Files that were sent for records, or not, with the positions of these.
    pub files: Vec<(usize, FileFate)>,
}

/// Result of a unit.
#[derive(Clone, Debug, Default)]
pub struct UnitResult {
    /// Results in order; none where a refusal is still to be understood.
    pub results: Vec<Option<WriteResult>>,
    /// Records of such refusals.
    pub unresolved: Vec<RefusedTogether>,
    /// Requests that they took part in.
    pub attempts: u32,
}

/// Records that were refused in the same words: one alone, or several together of which any may be at fault.
#[derive(Clone, Debug)]
pub struct RefusedTogether {
    /// The records with their positions in the unit.
    pub records: Vec<(usize, UnitRecord)>,
    /// The words.
    pub refusal: Refusal,
}

/// Carries units of work out. In this process now; nothing else may assume so.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Uploads the files of the unit's records. An error concerns all of them; nothing was written.
    fn upload(&self, unit: Unit) -> BoxFuture<'_, Result<Uploads, LoadError>>;

    /// Sends the unit's records, whose files are uploaded, once. An error concerns all of them, and leaves it open which were written.
    fn execute(&self, unit: Unit) -> BoxFuture<'_, Result<UnitResult, LoadError>>;
}

/// Carries units out in this process.
#[derive(Clone, Debug)]
pub struct InProcess {
    destination: Arc<dyn Destination>,
    links: Option<Arc<Links>>,
    pause: Duration,
}

impl InProcess {
    /// For a destination. Links are not followed.
    pub fn new(destination: Arc<dyn Destination>) -> Self {
        Self { destination, links: None, pause: PAUSE }
    }

    /// Waits otherwise after lost answers: twice this after the first, and double each time.
    #[must_use]
    pub fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Follows the links that a plan lets be followed; what is fetched waits in a folder until it is sent.
    #[must_use]
    pub fn with_links(mut self, fetcher: LinkFetcher, folder: PathBuf) -> Self {
        self.links = Some(Arc::new(Links { fetcher, folder }));
        self
    }

    /// A record whose file is refused is not sent, unless a rule lets it go without.
    async fn send_files(&self, mut unit: Unit) -> Result<Uploads, LoadError> {
        let records = std::mem::take(&mut unit.records);
        let (mut positions, mut refused, mut files) = (Vec::with_capacity(records.len()), Vec::new(), Vec::new());
        for (position, mut record) in records.into_iter().enumerate() {
            let mut refusal = None;
            for (number, upload) in std::mem::take(&mut record.uploads).into_iter().enumerate() {
                let place = format!("fetched-{}-{position}-{number}", unit.batch);
                let sent = match self.send(&unit.object, &upload, &place).await {
                    Ok(uploaded) => {
                        record.body.extend(uploaded.body);
                        Ok((uploaded.hash, uploaded.bytes))
                    }
                    Err(NotSent::Stop(error)) => return Err(error),
                    Err(NotSent::For(why)) if upload.missing == OnMissing::None => Err(why),
                    Err(NotSent::For(why) | NotSent::Now(why)) => {
                        refusal = Some(format!("{}: {why}", upload.field));
                        Err(why)
                    }
                };
                files.push((position, FileFate { field: upload.field, column: upload.column, sent }));
            }
            if let Some(refusal) = refusal {
                refused.push((position, refusal));
            } else {
                positions.push(position);
                unit.records.push(record);
            }
        }
        Ok(Uploads { unit, positions, refused, files })
    }

    /// Sends a file.
    async fn send(&self, object: &str, upload: &Upload, place: &str) -> Result<Uploaded, NotSent> {
        match &upload.from {
            UploadFrom::Export { path, audited } => {
                if let Some(audited) = audited {
                    unchanged(path, audited).await?;
                }
                Ok(self.destination.upload(object, &upload.field, path, &upload.name).await?)
            }
            UploadFrom::Link { url } => {
                let links =
                    self.links.as_ref().ok_or_else(|| NotSent::For("links are not followed here".to_owned()))?;
                let path = links.folder.join(place);
                let most = self.destination.capabilities().file_bytes.unwrap_or(u64::MAX);
                links.fetcher.fetch(url, &upload.name, &path, most).await?;
                let sent = self.destination.upload(object, &upload.field, &path, &upload.name).await;
                if let Err(error) = tokio::fs::remove_file(&path).await {
                    tracing::debug!(%error, "a fetched file is not removed");
                }
                Ok(sent?)
            }
        }
    }
}

/// What it takes to follow links.
#[derive(Debug)]
struct Links {
    fetcher: LinkFetcher,
    folder: PathBuf,
}

/// Why a file was not sent.
enum NotSent {
    /// It concerns every record.
    Stop(LoadError),
    /// It may be sent another time.
    Now(String),
    /// It will not be otherwise another time.
    For(String),
}

impl From<LoadError> for NotSent {
    fn from(error: LoadError) -> Self {
        if error.stops_the_run() { Self::Stop(error) } else { Self::Now(error.to_string()) }
    }
}

impl From<FetchError> for NotSent {
    fn from(error: FetchError) -> Self {
        if error.may_pass() { Self::Now(error.to_string()) } else { Self::For(error.to_string()) }
    }
}

/// A file is what an audit found it to be.
async fn unchanged(path: &Path, audited: &str) -> Result<(), NotSent> {
    let owned = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || file_hash(&owned)).await;
    match hashed {
        Ok(Ok((hash, _))) if hash == audited => Ok(()),
        Ok(Ok(_)) => Err(NotSent::Now(
            "the file is no longer what the audit found; run `migr audit` again to take it as it is now, or put the old one back".to_owned(),
        )),
        Ok(Err(error)) => Err(NotSent::Now(format!("the file cannot be read: {error}"))),
        Err(error) => Err(NotSent::Now(format!("the file cannot be read: {error}"))),
    }
}

impl Executor for InProcess {
    fn upload(&self, unit: Unit) -> BoxFuture<'_, Result<Uploads, LoadError>> {
        Box::pin(self.send_files(unit))
    }

    fn execute(&self, unit: Unit) -> BoxFuture<'_, Result<UnitResult, LoadError>> {
        Box::pin(async move {
            let mut work = Work::of(&*self.destination, unit, self.pause);
            let mut lost = 0;
            while !work.open.is_empty() {
                let written = match work.send().await {
                    Ok(written) => written,
                    Err(error) if error.stops_the_run() => return Err(error),
                    Err(error) => Written::refused_together(work.open.len(), Refusal::of(&error)),
                };
                if let Some(why) = work.take(written, lost > 0).await? {
                    lost += 1;
                    work.settle(lost, why).await?;
                }
            }
            Ok(UnitResult { results: work.results, unresolved: work.refused, attempts: work.attempts })
        })
    }
}

/// A unit that is being carried out.
struct Work<'w> {
    destination: &'w dyn Destination,
    operation: Operation,
    object: String,
    /// Records without a result, with their positions in the unit.
    open: Vec<(usize, UnitRecord)>,
    results: Vec<Option<WriteResult>>,
    refused: Vec<RefusedTogether>,
    attempts: u32,
    pause: Duration,
}

impl<'w> Work<'w> {
    fn of(destination: &'w dyn Destination, unit: Unit, pause: Duration) -> Self {
        Self {
            destination,
            operation: unit.operation,
            object: unit.object,
            results: vec![None; unit.records.len()],
            open: unit.records.into_iter().enumerate().collect(),
            refused: Vec::new(),
            attempts: 0,
            pause,
        }
    }

    fn end(&mut self, position: usize, outcome: RecordOutcome) {
        if let Some(slot) = self.results.get_mut(position) {
            *slot = Some(WriteResult { outcome, attempts: self.attempts });
        }
    }

    /// Whether a first attempt's record may be in the way of a second.
    fn creates(&self) -> bool {
        self.operation != Operation::Update
    }

    async fn send(&mut self) -> Result<Vec<Written>, LoadError> {
        self.attempts += 1;
        let records = self.open.iter().map(|(_, record)| record);
        if self.creates() {
            let new: Vec<NewRecord> = records.map(|record| NewRecord::new(&*record.id, record.body.clone())).collect();
            self.destination.create(&self.object, &new).await
        } else {
            let changes: Vec<RecordUpdate> =
                records.map(|record| RecordUpdate::new(&*record.id, record.body.clone())).collect();
            self.destination.update(&self.object, &changes).await
        }
    }

    /// Takes in what became of the records that are open. Those stay open whose answer was lost; the reason comes back.
    async fn take(&mut self, written: Vec<Written>, was_lost: bool) -> Result<Option<String>, LoadError> {
        let mut why = None;
        let mut written = written.into_iter();
        let mut joint: Option<RefusedTogether> = None;
        let mut refused = Vec::new();
        for (position, record) in std::mem::take(&mut self.open) {
            match written.next() {
                Some(Written::Created { id }) => {
                    let id = (id != record.id).then_some(id);
                    self.end(position, RecordOutcome::Written { id });
                }
                Some(Written::Updated) => self.end(position, RecordOutcome::Written { id: None }),
                Some(Written::Refused(refusal)) if refusal.is_joint => {
                    let joint = joint.get_or_insert_with(|| RefusedTogether { records: Vec::new(), refusal });
                    joint.records.push((position, record));
                }
                Some(Written::Refused(refusal)) => {
                    refused.push(RefusedTogether { records: vec![(position, record)], refusal });
                }
                Some(Written::Uncertain { why: lost }) => {
                    why.get_or_insert(lost);
                    self.open.push((position, record));
                }
                None => {
                    why.get_or_insert_with(|| "the answer does not name every record".to_owned());
                    self.open.push((position, record));
                }
            }
        }
        for RefusedTogether { mut records, refusal } in refused.into_iter().chain(joint) {
            // After a lost answer a record may be there by ourselves.
            if was_lost && self.creates() {
                records = self.without_those_there(records).await?.0;
            }
            if !records.is_empty() {
                self.refused.push(RefusedTogether { records, refusal });
            }
        }
        Ok(why)
    }

    /// Settles a lost answer. Changes are made again: it changes nothing where they were made. Of new records the destination is asked for our ids, in the trash
    /// too, and only what is not there is sent again. Where the destination chooses ids, a second attempt could make a second record: it is not made.
    async fn settle(&mut self, lost: u32, why: String) -> Result<(), LoadError> {
        let may_repeat = !self.creates() || self.destination.capabilities().ids == IdPolicy::Client;
        if may_repeat && lost >= ATTEMPTS {
            return Err(LoadError::Unavailable {
                url: "the destination".to_owned(),
                request: format!("{} {}", self.operation.as_str(), self.object),
                attempts: lost,
                why,
            });
        }
        for look in lost..ATTEMPTS {
            tokio::time::sleep(self.pause * 2_u32.saturating_pow(look)).await;
            let mut can_tell = false;
            if self.creates() {
                let open = std::mem::take(&mut self.open);
                (self.open, can_tell) = self.without_those_there(open).await?;
            }
            if may_repeat {
                return Ok(());
            }
            if !can_tell || self.open.is_empty() {
                break;
            }
        }
        for (position, _) in std::mem::take(&mut self.open) {
            self.end(position, RecordOutcome::Uncertain(why.clone()));
        }
        Ok(())
    }

    /// Takes out the new records that are there: they were written by an attempt whose answer never came. Also says whether the destination can tell.
    async fn without_those_there(
        &mut self,
        records: Vec<(usize, UnitRecord)>,
    ) -> Result<(Vec<(usize, UnitRecord)>, bool), LoadError> {
        let ids: Vec<String> = records.iter().map(|(_, record)| record.id.clone()).collect();
        let Some(there) = those_there(self.destination, &self.object, &ids, Deleted::Both).await? else {
            return Ok((records, false));
        };
        let mut left = Vec::new();
        for (position, record) in records {
            match there.get(&record.id) {
                Some(id) => {
                    let id = (*id != record.id).then(|| id.clone());
                    self.end(position, RecordOutcome::Written { id });
                }
                None => left.push((position, record)),
            }
        }
        Ok((left, true))
    }
}

/// Reason for quarantine of a record that may have been written.
pub(crate) fn uncertain(why: &str) -> String {
    format!(
        "it may be in the destination or not, as the answer was lost: {why}. Look for it there; `migr quarantine retry` sends it again"
    )
}

/// Records that are there of those that were sent with some ids of ours: these, with the ids that the destination knows them by. None where it cannot be asked.
pub(crate) async fn those_there(
    destination: &dyn Destination,
    object: &str,
    ids: &[String],
    deleted: Deleted,
) -> Result<Option<BTreeMap<String, String>>, LoadError> {
    match destination.capabilities().ids {
        IdPolicy::Client => {
            let found = destination.fetch(object, ids, deleted).await?;
            Ok(Some(found.into_iter().map(|found| (found.id.clone(), found.id)).collect()))
        }
        IdPolicy::Server { token: None } => Ok(None),
        IdPolicy::Server { token: Some(path) } => {
            let Some(found) = destination.holders(object, &[(path.clone(), ids.to_vec())]).await? else {
                return Ok(None);
            };
            let mut there = BTreeMap::new();
            let mut doubled = BTreeSet::new();
            for Found { id, values, deleted: is_deleted } in found {
                let is_wanted = deleted == Deleted::Both || is_deleted == (deleted == Deleted::Trashed);
                let Some(token) = destination.identity(object, &path, &values).filter(|_| is_wanted) else { continue };
                if there.insert(token.clone(), id).is_some() {
                    doubled.insert(token);
                }
            }
            // Two records of one token are for a person to tell apart.
            there.retain(|token, _| !doubled.contains(token));
            Ok(Some(there))
        }
    }
}
