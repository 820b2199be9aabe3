use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use migr_journal::Operation;
use migr_load::{
    BatchError, Body, BoxFuture, Change, Deleted, Destination, FetchError, LinkFetcher, LoadError, NewRecord, Suspect,
    Uploaded,
};
use migr_plan::OnMissing;

use crate::hashing::file_hash;
use crate::item::{Upload, UploadFrom};

/// How often one batch is tried again after its answer was lost.
const ATTEMPTS: u32 = 6;

/// The pause after the first lost answer is twice this, and doubles each time.
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

/// What became of one record of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Why it was refused; none: it was written.
    pub refused: Option<String>,
    /// Requests that it took part in.
    pub attempts: u32,
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

/// What came of a unit.
#[derive(Clone, Debug, Default)]
pub struct Executed {
    /// Fates in order; none where a record was refused together with others, or the refusal is still to be understood.
    pub fates: Vec<Option<Fate>>,
    /// Those records, with their positions.
    pub left: Vec<(usize, UnitRecord)>,
    /// Why they were refused.
    pub refusal: Option<Refusal>,
    /// Requests that they took part in.
    pub attempts: u32,
}

/// What the destination said when it refused records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its words.
    pub message: String,
    /// Its status; none where it is not the answer to a request.
    pub status: Option<u16>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} ({status})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Carries units of work out. In this process now; nothing else may assume so.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Uploads the files of the unit's records. An error concerns all of them; nothing was written.
    fn upload(&self, unit: Unit) -> BoxFuture<'_, Result<Uploads, LoadError>>;

    /// Sends the unit's records, whose files are uploaded, once. An error concerns all of them, and leaves it open which were written.
    fn execute(&self, unit: Unit) -> BoxFuture<'_, Result<Executed, LoadError>>;
}

/// Carries units out in this process.
#[derive(Clone, Debug)]
pub struct InProcess {
    destination: Arc<dyn Destination>,
    links: Option<Arc<Links>>,
}

impl InProcess {
    /// For a destination. Links are not followed.
    pub fn new(destination: Arc<dyn Destination>) -> Self {
        Self { destination, links: None }
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

    fn execute(&self, unit: Unit) -> BoxFuture<'_, Result<Executed, LoadError>> {
        Box::pin(async move {
            let mut work = Work::of(&*self.destination, unit);
            let mut lost = 0;
            while !work.positions.is_empty() {
                match work.send().await {
                    Ok(()) => work.all_written(),
                    Err(BatchError::Fatal(error)) if error.stops_the_run() => return Err(error),
                    Err(BatchError::Fatal(error)) => {
                        return Ok(work.refused(Refusal { message: error.to_string(), status: None }));
                    }
                    Err(BatchError::Rejected { status, message, .. }) => {
                        // After a lost answer a record may be there by ourselves.
                        if lost > 0 {
                            work.forget_those_there().await?;
                        }
                        return Ok(work.refused(Refusal { message, status: Some(status) }));
                    }
                    Err(BatchError::Unknown { why }) => {
                        lost += 1;
                        work.lost(lost, why).await?;
                    }
                }
            }
            Ok(Executed { fates: work.fates, ..Executed::default() })
        })
    }
}

struct Work<'w> {
    destination: &'w dyn Destination,
    unit: Unit,
    /// What is left to send.
    records: Vec<NewRecord>,
    /// Position in the unit of each record that is left.
    positions: Vec<usize>,
    fates: Vec<Option<Fate>>,
    attempts: u32,
}

impl<'w> Work<'w> {
    fn of(destination: &'w dyn Destination, mut unit: Unit) -> Self {
        let records = std::mem::take(&mut unit.records);
        let positions = (0..records.len()).collect();
        let fates = vec![None; records.len()];
        let records = records.into_iter().map(|record| NewRecord { id: record.id, body: record.body }).collect();
        Self { destination, unit, records, positions, fates, attempts: 0 }
    }

    fn end(&mut self, position: usize, fate: Fate) {
        if let Some(slot) = self.fates.get_mut(position) {
            *slot = Some(fate);
        }
    }

    async fn send(&mut self) -> Result<(), BatchError> {
        self.attempts += 1;
        match self.unit.operation {
            Operation::Update => {
                let change = |record: &NewRecord| Change { id: record.id.clone(), body: record.body.clone() };
                let changes: Vec<Change> = self.records.iter().map(change).collect();
                self.destination.update(&self.unit.object, &changes).await
            }
            _ => self.destination.create(&self.unit.object, &self.records).await.map(drop),
        }
    }

    fn all_written(&mut self) {
        let attempts = self.attempts;
        for position in std::mem::take(&mut self.positions) {
            self.end(position, Fate { refused: None, attempts });
        }
        self.records.clear();
    }

    fn refused(self, refusal: Refusal) -> Executed {
        let left = |record: NewRecord| UnitRecord { id: record.id, body: record.body, uploads: Vec::new() };
        let left: Vec<(usize, UnitRecord)> =
            self.positions.into_iter().zip(self.records.into_iter().map(left)).collect();
        let refusal = (!left.is_empty()).then_some(refusal);
        Executed { fates: self.fates, left, refusal, attempts: self.attempts }
    }

    /// Nobody knows whether it was written: our ids tell. Changes are simply made again.
    async fn lost(&mut self, lost: u32, why: String) -> Result<(), LoadError> {
        if lost >= ATTEMPTS {
            return Err(LoadError::Unavailable {
                url: "the destination".to_owned(),
                request: format!("{} {}", self.unit.operation.as_str(), self.unit.object),
                attempts: lost,
                why,
            });
        }
        tokio::time::sleep(PAUSE * 2_u32.saturating_pow(lost)).await;
        self.forget_those_there().await
    }

    /// Takes out the new records that are there by our ids: they were written by an attempt whose answer never came.
    async fn forget_those_there(&mut self) -> Result<(), LoadError> {
        if self.unit.operation == Operation::Update {
            return Ok(());
        }
        let ids: Vec<String> = self.records.iter().map(|record| record.id.clone()).collect();
        let found = self.destination.fetch(&self.unit.object, &ids, Deleted::Both).await?;
        let there: BTreeSet<String> = found.into_iter().map(|found| found.id).collect();
        let attempts = self.attempts;
        let records = std::mem::take(&mut self.records);
        for (record, position) in records.into_iter().zip(std::mem::take(&mut self.positions)) {
            if there.contains(&record.id) {
                self.end(position, Fate { refused: None, attempts });
            } else {
                self.records.push(record);
                self.positions.push(position);
            }
        }
        Ok(())
    }
}
