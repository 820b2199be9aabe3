//! Execution of a unit: its records are sent, and lost answers settled. Nowhere else is a write sent again.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use migr_journal::Operation;
use migr_load::{
    BoxFuture, Destination, IdPolicy, LinkFetcher, LoadError, NewRecord, RecordUpdate, Refusal, Settlement, Unsettled,
    Written,
};

use crate::uploads::Links;
use crate::{Doubtful, RecordOutcome, RefusedTogether, Unit, UnitRecord, UnitResult, Uploads, WriteResult};

/// Lost answers to one batch before it is given up.
const ATTEMPTS: u32 = 6;

/// Looks for a record that is refused after its answer was lost.
const LOOKS: u32 = 3;

/// Half of the pause after the first lost answer; it doubles each time.
const PAUSE: Duration = Duration::from_millis(50);

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
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) links: Option<Arc<Links>>,
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
            Ok(UnitResult {
                results: work.results,
                unresolved: work.refused,
                doubtful: work.doubtful,
                attempts: work.attempts,
                stopped: work.stopped,
            })
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
    doubtful: Vec<Doubtful>,
    /// Refusals of records that may have been written all the same, with their positions.
    contradicted: Vec<(usize, Refusal)>,
    /// Positions of records whose requests may still be on their way.
    under_way: BTreeSet<usize>,
    attempts: u32,
    /// The error that concerns every record, and came before some were written.
    stopped: Option<LoadError>,
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
            doubtful: Vec::new(),
            contradicted: Vec::new(),
            under_way: BTreeSet::new(),
            attempts: 0,
            stopped: None,
            pause,
        }
    }

    fn end(&mut self, position: usize, outcome: RecordOutcome) {
        if let Some(slot) = self.results.get_mut(position) {
            *slot = Some(WriteResult { outcome, attempts: self.attempts });
        }
    }

    /// True where a first attempt's record may be in the way of a second.
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
            let change = |record: &UnitRecord| {
                RecordUpdate::new(&*record.id, record.body.clone())
                    .held(record.held.clone())
                    .undoing(record.undone.clone())
            };
            let changes: Vec<RecordUpdate> = records.map(change).collect();
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
                Some(Written::RefusedInDoubt(refusal)) => {
                    why.get_or_insert_with(|| refusal.to_string());
                    self.contradicted.push((position, refusal));
                    self.open.push((position, record));
                }
                Some(Written::Unsent(error)) => {
                    self.stopped.get_or_insert(error);
                    self.end(position, RecordOutcome::Unsent);
                }
                Some(Written::Uncertain { why: lost, is_answered }) => {
                    why.get_or_insert(lost);
                    if !is_answered {
                        self.under_way.insert(position);
                    }
                    self.open.push((position, record));
                }
                None => {
                    why.get_or_insert_with(|| "the answer does not name every record".to_owned());
                    self.open.push((position, record));
                }
            }
        }
        for RefusedTogether { mut records, refusal } in refused.into_iter().chain(joint) {
            // After a lost answer a record may be there by ourselves, and a read may lag behind the write.
            for look in 0..LOOKS {
                if !was_lost || !self.creates() || records.is_empty() {
                    break;
                }
                if look > 0 {
                    tokio::time::sleep(self.pause * 2_u32.saturating_pow(look)).await;
                }
                records = self.without_those_there(records).await?.records;
            }
            if !records.is_empty() {
                self.refused.push(RefusedTogether { records, refusal });
            }
        }
        Ok(why)
    }

    /// Settles a lost answer. Changes are made again: it changes nothing where they were made. Of new records the destination is asked, in the trash too, and only
    /// what is not there is sent again. Where the destination chooses ids, a second attempt could make a second record: it is not made here.
    async fn settle(&mut self, lost: u32, why: String) -> Result<(), LoadError> {
        let capabilities = self.destination.capabilities();
        let may_repeat = !self.creates() || capabilities.ids == IdPolicy::Client;
        if may_repeat && lost >= ATTEMPTS {
            return Err(LoadError::Unavailable {
                url: "the destination".to_owned(),
                request: format!("{} {}", self.operation.as_str(), self.object),
                attempts: lost,
                why,
            });
        }
        // Where a look-up lags, or cannot tell records apart that are on their way, it is made again behind the stage.
        let mut is_settled_later = !may_repeat && !capabilities.settle.is_zero();
        for look in lost..ATTEMPTS {
            tokio::time::sleep(self.pause * 2_u32.saturating_pow(look)).await;
            let mut can_tell = false;
            if self.creates() {
                let open = std::mem::take(&mut self.open);
                let left = self.without_those_there(open).await?;
                (self.open, can_tell) = (left.records, left.can_tell);
                is_settled_later |= left.has_alike;
            }
            if may_repeat {
                return Ok(());
            }
            if !can_tell || self.open.is_empty() || is_settled_later {
                break;
            }
        }
        for (position, record) in std::mem::take(&mut self.open) {
            if is_settled_later {
                let refusal =
                    self.contradicted.iter().find(|(of, _)| *of == position).map(|(_, refusal)| refusal.clone());
                let is_answered = !self.under_way.contains(&position);
                self.doubtful.push(Doubtful { position, record, why: why.clone(), refusal, is_answered });
            } else {
                self.end(position, RecordOutcome::Uncertain(why.clone()));
            }
        }
        Ok(())
    }

    /// Takes out the new records that are there: they were written by an attempt whose answer never came.
    async fn without_those_there(&mut self, records: Vec<(usize, UnitRecord)>) -> Result<Left, LoadError> {
        let unsettled: Vec<Unsettled<'_>> = records
            .iter()
            .map(|(_, record)| Unsettled { token: &record.id, body: Some(&record.body), age: Duration::ZERO })
            .collect();
        let settled = self.destination.settle(&self.object, &unsettled).await?;
        let can_tell = !settled.iter().all(|settlement| *settlement == Settlement::Unknown);
        let has_alike = settled.iter().any(|settlement| matches!(settlement, Settlement::Among(_)));
        let mut left = Vec::new();
        for ((position, record), settlement) in records.into_iter().zip(settled) {
            match settlement {
                Settlement::There(found) => {
                    self.destination.take_for_written(&self.object, std::slice::from_ref(&found));
                    let id = (found.id != record.id).then_some(found.id);
                    self.end(position, RecordOutcome::Written { id });
                }
                Settlement::Absent | Settlement::Unknown | Settlement::Among(_) => left.push((position, record)),
            }
        }
        Ok(Left { records: left, can_tell, has_alike })
    }
}

/// New records that a look did not find.
struct Left {
    records: Vec<(usize, UnitRecord)>,
    /// True where the destination can tell.
    can_tell: bool,
    /// True where some are alike to records that may be theirs.
    has_alike: bool,
}
