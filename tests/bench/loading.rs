use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;

use migr_connect::connect;
use migr_engine::{Executor, Ids, InProcess, Unit, UnitRecord, UnitResult, WriteResult};
use migr_journal::{BatchId, Change, Identity, Intent, Journal, Operation, Planned, RecordResult, State, StepId};
use migr_load::{Body, Endpoint, HttpOptions, LoadError, Rate, Secret};
use tokio::task::JoinHandle;

use crate::fault::Fault;
use crate::transforming;

const OBJECT: &str = "people";
/// Batches under way at the same time, as in a run.
const IN_FLIGHT: usize = 4;
/// No pace: the server has no limit.
const UNPACED: Rate = Rate { requests: 1_000_000, per_seconds: 1, burst: None };

/// Creates records from lines of NDJSON, in the connector's batches, each intent journaled before and each outcome after. The number of records.
pub(crate) fn load(source: &Path, url: &str, limit: u64) -> Result<u64, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Fault::of("the runtime", error))?.block_on(all(source, url, limit))
}

async fn all(source: &Path, url: &str, limit: u64) -> Result<u64, Fault> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plan = transforming::plan()?;
    let endpoint = Endpoint { url: url.to_owned(), token: Secret::new("any") };
    let options = HttpOptions { rate: Some(UNPACED), ..HttpOptions::default() };
    let destination = connect(&plan, endpoint, options).map_err(|error| Fault::of("the destination", error))?;
    destination.schema().await.map_err(|error| Fault::of("the destination", error))?;
    let size = destination.capabilities().batch_size;
    let folder = tempfile::tempdir().map_err(|error| Fault::of("a folder for the journal", error))?;
    let journal = open(&folder.path().join("journal.db"))?;
    let mut sender = Sender {
        executor: Arc::new(InProcess::new(Arc::from(destination))),
        journal,
        flights: VecDeque::new(),
        waiting: Vec::new(),
    };
    let step = sender.journal.step("people", OBJECT).map_err(|error| Fault::of("the journal", error))?;
    let file = File::open(source).map_err(|error| Fault::of(source.display(), error))?;
    let mut lines = BufReader::with_capacity(1 << 18, file);
    let (ids, mut line, mut number, mut batch) = (Ids::of("bench"), String::new(), 0, Vec::with_capacity(size));
    while number < limit {
        line.clear();
        if lines.read_line(&mut line).map_err(|error| Fault::of(source.display(), error))? == 0 {
            break;
        }
        number += 1;
        batch.push(prepared(&ids, line.trim_end(), number).map_err(|error| Fault::of(source.display(), error))?);
        if batch.len() == size {
            sender.send(step, std::mem::take(&mut batch)).await?;
        }
    }
    sender.send(step, batch).await?;
    sender.finish().await?;
    Ok(number)
}

/// A journal as a run begins one.
pub(crate) fn open(path: &Path) -> Result<Journal, Fault> {
    let identity = Identity { migration: "bench", destination: "target", plan_hash: "blake3:0" };
    let mut journal = Journal::open(path, &identity).map_err(|error| Fault::of("the journal", error))?;
    journal.begin_run("run").map_err(|error| Fault::of("the journal", error))?;
    Ok(journal)
}

fn prepared(ids: &Ids, text: &str, line: u64) -> Result<(Planned, UnitRecord), serde_json::Error> {
    // The first value of each line is the key.
    let key = text.split('"').nth(3).unwrap_or_default().to_owned();
    let id = ids.record("people", &key);
    let body = Body::try_from(text.as_bytes().to_vec())?;
    let digest = blake3::hash(body.text()).to_hex().chars().take(16).collect();
    Ok((
        Planned { key, id: id.clone(), line, digest, ..Planned::default() },
        UnitRecord { id, body, ..UnitRecord::default() },
    ))
}

/// A batch under way.
type Flight = (BatchId, JoinHandle<Result<UnitResult, LoadError>>);

/// Sends batches as a run does: the outcome of one is written with the intent of another.
struct Sender {
    executor: Arc<InProcess>,
    journal: Journal,
    flights: VecDeque<Flight>,
    waiting: Vec<Change>,
}

impl Sender {
    async fn send(&mut self, step: StepId, batch: Vec<(Planned, UnitRecord)>) -> Result<(), Fault> {
        if batch.is_empty() {
            return Ok(());
        }
        while self.flights.len() >= IN_FLIGHT {
            self.land().await?;
        }
        let (planned, records) = batch.into_iter().unzip();
        let number = self.journal.next_batch();
        self.waiting.push(Change::Intent(Intent {
            batch: number,
            step,
            operation: Operation::Create,
            records: planned,
        }));
        self.write()?;
        let unit = Unit {
            step: OBJECT.to_owned(),
            batch: number.0,
            operation: Operation::Create,
            object: OBJECT.to_owned(),
            records,
        };
        let executor = Arc::clone(&self.executor);
        self.flights.push_back((number, tokio::spawn(async move { executor.execute(unit).await })));
        Ok(())
    }

    async fn land(&mut self) -> Result<(), Fault> {
        let Some((batch, flight)) = self.flights.pop_front() else { return Ok(()) };
        let executed = flight.await.map_err(|error| Fault::of("a batch", error))?;
        let executed = executed.map_err(|error| Fault::of("a batch", error))?;
        if let Some(refused) = executed.unresolved.first() {
            return Err(Fault::of("records were refused", &refused.refusal));
        }
        let result = |result: &WriteResult| RecordResult {
            state: Some(State::Created),
            attempts: result.attempts,
            ..RecordResult::default()
        };
        self.waiting.push(Change::Outcome {
            batch,
            results: executed.results.iter().flatten().map(result).collect(),
            quarantine: Vec::new(),
        });
        Ok(())
    }

    fn write(&mut self) -> Result<(), Fault> {
        let changes = std::mem::take(&mut self.waiting);
        tokio::task::block_in_place(|| self.journal.write(&changes)).map_err(|error| Fault::of("the journal", error))
    }

    async fn finish(&mut self) -> Result<(), Fault> {
        while !self.flights.is_empty() {
            self.land().await?;
        }
        self.write()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::null_server;

    #[test]
    fn every_line_arrives_once() {
        let server = null_server::start(0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("people.ndjson");
        let lines: Vec<String> =
            (0..450).map(|number| format!("{{\"sourceId\":\"C{number}\",\"jobTitle\":\"Buyer\"}}\n")).collect();
        std::fs::write(&source, lines.concat()).unwrap();
        assert_eq!(load(&source, &server.url, 1000).unwrap(), 450);
        assert_eq!(server.records(), 450);
        assert_eq!(load(&source, &server.url, 100).unwrap(), 100);
        assert_eq!(server.records(), 550);
    }
}
