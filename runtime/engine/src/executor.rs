use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use migr_journal::Operation;
use migr_load::{BatchError, Body, BoxFuture, Change, Deleted, Destination, LoadError, NewRecord};

use crate::item::Upload;

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

/// Carries units of work out. In this process now; nothing else may assume so.
pub trait Executor: fmt::Debug + Send + Sync {
    /// What became of each record, in order. An error concerns all of them, and leaves it open which were written.
    fn execute(&self, unit: Unit) -> BoxFuture<'_, Result<Vec<Fate>, LoadError>>;
}

/// Carries units out in this process.
#[derive(Clone, Debug)]
pub struct InProcess {
    destination: Arc<dyn Destination>,
}

impl InProcess {
    /// For a destination.
    pub fn new(destination: Arc<dyn Destination>) -> Self {
        Self { destination }
    }
}

impl Executor for InProcess {
    fn execute(&self, unit: Unit) -> BoxFuture<'_, Result<Vec<Fate>, LoadError>> {
        Box::pin(async move {
            let mut work = Work::prepare(&*self.destination, unit).await?;
            let mut parts: Vec<Part> = vec![((0..work.records.len()).collect(), 0)];
            while let Some((part, lost)) = parts.pop() {
                if part.is_empty() {
                    continue;
                }
                parts.extend(work.send(part, lost).await?.into_iter().rev());
            }
            Ok(work.fates)
        })
    }
}

/// Records of a unit that are sent together, and how often their answer was lost.
type Part = (Vec<usize>, u32);

struct Work<'w> {
    destination: &'w dyn Destination,
    unit: Unit,
    records: Vec<NewRecord>,
    /// Position in the unit of each record that is sent.
    positions: Vec<usize>,
    fates: Vec<Fate>,
}

impl<'w> Work<'w> {
    /// Uploads files. A record whose file is refused is not sent.
    async fn prepare(destination: &'w dyn Destination, mut unit: Unit) -> Result<Self, LoadError> {
        let records = std::mem::take(&mut unit.records);
        let mut work = Self {
            destination,
            unit,
            records: Vec::with_capacity(records.len()),
            positions: Vec::with_capacity(records.len()),
            fates: vec![Fate { refused: None, attempts: 0 }; records.len()],
        };
        for (position, record) in records.into_iter().enumerate() {
            let mut body = record.body;
            let mut refused = None;
            for upload in &record.uploads {
                match destination.upload(&work.unit.object, &upload.field, &upload.path, &upload.name).await {
                    Ok(uploaded) => body.extend(uploaded.body),
                    Err(error) if error.stops_the_run() => return Err(error),
                    Err(error) => refused = Some(format!("{}: {error}", upload.field)),
                }
            }
            if refused.is_some() {
                work.end(position, refused);
            } else {
                work.records.push(NewRecord { id: record.id, body });
                work.positions.push(position);
            }
        }
        Ok(work)
    }

    fn end(&mut self, position: usize, refused: Option<String>) {
        if let Some(fate) = self.fates.get_mut(position) {
            fate.refused = refused;
        }
    }

    /// Sends a part. Parts that are still to be sent come back, in order.
    async fn send(&mut self, part: Vec<usize>, lost: u32) -> Result<Vec<Part>, LoadError> {
        for record in &part {
            let position = self.positions.get(*record).copied().unwrap_or_default();
            if let Some(fate) = self.fates.get_mut(position) {
                fate.attempts += 1;
            }
        }
        let some;
        let batch = if part.len() == self.records.len() {
            &self.records
        } else {
            some = self.batch(&part);
            &some
        };
        let error = match self.unit.operation {
            Operation::Update => {
                let changes: Vec<Change> =
                    batch.iter().map(|record| Change { id: record.id.clone(), body: record.body.clone() }).collect();
                self.destination.update(&self.unit.object, &changes).await.err()
            }
            _ => self.destination.create(&self.unit.object, batch).await.err(),
        };
        match error {
            None => Ok(Vec::new()),
            Some(BatchError::Fatal(error)) if error.stops_the_run() => Err(error),
            Some(BatchError::Fatal(error)) => self.split(part, lost, error.to_string()).await,
            Some(BatchError::Rejected { status, message, .. }) => self.refused(part, lost, status, &message).await,
            Some(BatchError::Unknown { why }) => self.lost(part, lost + 1, why).await,
        }
    }

    fn batch(&self, part: &[usize]) -> Vec<NewRecord> {
        part.iter().filter_map(|record| self.records.get(*record)).cloned().collect()
    }

    fn end_record(&mut self, record: usize, refused: Option<String>) {
        let position = self.positions.get(record).copied().unwrap_or_default();
        self.end(position, refused);
    }

    /// Those that are surely at fault are not sent again; those that likely are, alone; the others together.
    async fn refused(
        &mut self,
        part: Vec<usize>,
        lost: u32,
        status: u16,
        message: &str,
    ) -> Result<Vec<Part>, LoadError> {
        // After a lost answer a record may be there by ourselves: that is told one by one.
        if part.len() > 1 && lost == 0 {
            let batch = self.batch(&part);
            let found = self.destination.at_fault(&self.unit.object, &batch, message).await?;
            let sure = found.iter().filter(|fault| fault.sure).count();
            if sure > 0 || (1..part.len()).contains(&found.len()) {
                let (mut likely, mut others) = (Vec::new(), Vec::new());
                for (position, record) in part.into_iter().enumerate() {
                    match found.iter().find(|fault| fault.position == position) {
                        Some(fault) if fault.sure => {
                            self.end_record(record, Some(format!("{} ({status})", fault.reason)));
                        }
                        Some(_) => likely.push(record),
                        None => others.push(record),
                    }
                }
                return Ok(vec![(likely, lost), (others, lost)]);
            }
        }
        self.split(part, lost, format!("{message} ({status})")).await
    }

    /// The answer does not say which record is at fault: halves tell.
    async fn split(&mut self, mut part: Vec<usize>, lost: u32, reason: String) -> Result<Vec<Part>, LoadError> {
        if part.len() > 1 {
            let second = part.split_off(part.len() / 2);
            return Ok(vec![(part, lost), (second, lost)]);
        }
        let reason =
            if self.unit.operation == Operation::Create { self.really(&part, reason).await? } else { Some(reason) };
        for record in part {
            self.end_record(record, reason.clone());
        }
        Ok(Vec::new())
    }

    /// A record that is there by our id was written by an attempt whose answer never came.
    async fn really(&self, part: &[usize], reason: String) -> Result<Option<String>, LoadError> {
        let ids: Vec<String> = self.batch(part).into_iter().map(|record| record.id).collect();
        let found = self.destination.fetch(&self.unit.object, &ids, Deleted::Both).await?;
        Ok(match found.first() {
            None => Some(reason),
            Some(found) if found.deleted => {
                Some(format!("it was written before and lies in the trash now ({})", found.id))
            }
            Some(_) => None,
        })
    }

    /// Nobody knows whether it was written: our ids tell. Changes are simply made again.
    async fn lost(&mut self, part: Vec<usize>, lost: u32, why: String) -> Result<Vec<Part>, LoadError> {
        if lost >= ATTEMPTS {
            return Err(LoadError::Unavailable {
                url: "the destination".to_owned(),
                request: format!("{} {}", self.unit.operation.as_str(), self.unit.object),
                attempts: lost,
                why,
            });
        }
        tokio::time::sleep(PAUSE * 2_u32.saturating_pow(lost)).await;
        if self.unit.operation == Operation::Update {
            return Ok(vec![(part, lost)]);
        }
        let ids: Vec<String> = self.batch(&part).into_iter().map(|record| record.id).collect();
        let found = self.destination.fetch(&self.unit.object, &ids, Deleted::Both).await?;
        let there: BTreeSet<String> = found.into_iter().map(|found| found.id).collect();
        let missing = part.into_iter().zip(&ids).filter(|(_, id)| !there.contains(*id)).map(|(record, _)| record);
        Ok(vec![(missing.collect(), lost)])
    }
}
