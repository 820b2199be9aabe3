//! Records whose answers were lost at a destination whose look-ups lag: asked about once, behind the step's other records, or as many as memory should hold.

use std::collections::BTreeSet;
use std::time::Duration;

use migr_decide::Event;
use migr_journal::Operation;
use migr_load::Settlement;

use crate::alike::told_apart;
use crate::batch_writer::BatchWriter;
use crate::error::DeliverError;
use crate::in_doubt::Held;
use crate::{RecordOutcome, Unit, Uploads};

/// Time between two looks at whether somebody asked to stop.
const NAP: Duration = Duration::from_millis(100);
/// Wait that a person would notice.
const NOTICED: Duration = Duration::from_secs(5);
const UNANSWERED: &str = "records whose answers were lost";
/// Times that what is surely not there is sent again.
const ROUNDS: u32 = 6;
/// Records in doubt that are kept, with their bodies, until the step's others are through; with more, they are asked about at once.
const MOST_IN_DOUBT: usize = 2000;

impl BatchWriter<'_> {
    /// Asks what became of the records in doubt, once a look-up tells. What is surely not there is sent again; what nothing tells of is left to a person.
    pub(crate) async fn look_behind(&mut self) -> Result<(), DeliverError> {
        if !self.context.cancellation.is_cancelled() {
            self.give_up_those_not_made()?;
        }
        self.settle_doubts().await
    }

    /// The same before the step's other records, where so many are in doubt that memory should not hold more.
    pub(crate) async fn look_early(&mut self) -> Result<(), DeliverError> {
        if self.doubtful.records.len() < MOST_IN_DOUBT {
            return Ok(());
        }
        self.settle().await?;
        self.settle_doubts().await?;
        self.doubtful.rounds = 0;
        Ok(())
    }

    async fn settle_doubts(&mut self) -> Result<(), DeliverError> {
        // A record that is there is seen at once where records are read where they are: only a missing one waits.
        let is_direct = self.context.destination.settle_of(&self.object).is_zero();
        let mut waits = !is_direct;
        while !self.doubtful.records.is_empty() && !self.has_stopped() {
            if waits && !self.outlast_settling().await {
                // Their intents stay open: the next run asks.
                self.leave_in_doubt();
                return Ok(());
            }
            let held = std::mem::take(&mut self.doubtful.records);
            let held = self.with_files(held).await?;
            let destination = &self.context.destination;
            let unsettled: Vec<_> = held.iter().map(Held::unsettled).collect();
            let settled = destination.settle(&self.object, &unsettled).await?;
            let settled = self.told_apart(settled)?;
            let (mut decided, mut again) = (Vec::new(), Vec::new());
            for (held, settlement) in held.into_iter().zip(settled) {
                match (settlement, &held.refusal) {
                    (Settlement::There(found), _) => {
                        destination.take_for_written(&self.object, std::slice::from_ref(&found));
                        let id = (found.id != held.record.id).then_some(found.id);
                        decided.push(held.ends(RecordOutcome::Written { id }));
                    }
                    _ if !waits && held.age() < self.settles_after(&held) => self.doubtful.records.push(held),
                    // It was refused, and is not there: the refusal was true.
                    (Settlement::Absent, Some(refusal)) => {
                        decided.push(held.ends(RecordOutcome::Refused(refusal.to_string())));
                    }
                    (Settlement::Absent, None) if self.doubtful.rounds < ROUNDS => again.push(held),
                    (Settlement::Absent | Settlement::Unknown | Settlement::Among(_), _) => {
                        decided.push(held.ends(RecordOutcome::Uncertain(held.why.clone())));
                    }
                }
            }
            self.decide(decided);
            self.doubtful.rounds += u32::from(waits || !again.is_empty());
            waits = !is_direct || again.is_empty();
            for Held { batch, position, attempts, record, .. } in again {
                self.fly(Operation::Create, vec![record], vec![(batch, position, attempts)], None);
                self.make_room().await?;
            }
            self.settle().await?;
        }
        Ok(())
    }

    /// The same, where records that are alike are told apart by which of them the journal has.
    fn told_apart(&self, settled: Vec<Settlement>) -> Result<Vec<Settlement>, DeliverError> {
        let reader = self.journal.reader()?;
        // Where the journal cannot be read, nothing is taken for ours.
        Ok(told_apart(settled, |id| reader.keys_of(self.step, id).map_or(true, |rows| !rows.is_empty())))
    }

    /// Closes what the step does not make any more. What has ended otherwise since was not meant by it.
    fn give_up_those_not_made(&mut self) -> Result<(), DeliverError> {
        let given_up = self.left_open.given_up();
        if given_up.is_empty() {
            return Ok(());
        }
        let reader = self.journal.reader()?;
        let (mut decided, mut ended) = (Vec::new(), BTreeSet::new());
        for (key, decision) in given_up {
            match reader.id_of(self.step, &key)? {
                Some(_) => drop(ended.insert(decision.batch)),
                None => decided.push(decision),
            }
        }
        self.decide(decided);
        self.close_as_they_are(ended);
        Ok(())
    }

    /// Age from which a look-up tells of a record.
    fn settles_after(&self, held: &Held) -> Duration {
        let destination = &self.context.destination;
        let settle = destination.settle_of(&self.object);
        if held.is_answered {
            return settle;
        }
        // A request that nobody answered may still be carried out.
        settle.max(destination.patience().min(destination.capabilities().settle))
    }

    /// Waits until a look-up tells of all of them; false where somebody asked to stop.
    async fn outlast_settling(&self) -> bool {
        let left = |held: &Held| self.settles_after(held).checked_sub(held.age()).filter(|left| !left.is_zero());
        let longest = |all: &[Held]| all.iter().filter_map(left).max();
        if let Some(left) = longest(&self.doubtful.records).filter(|left| *left >= NOTICED) {
            let reason = format!("the destination does not tell yet whether it has {UNANSWERED}");
            self.context.tell(Event::Waiting { seconds: left.as_secs() + 1, reason });
        }
        while let Some(left) = longest(&self.doubtful.records) {
            if self.context.cancellation.is_cancelled() {
                return false;
            }
            tokio::time::sleep(NAP.min(left)).await;
        }
        true
    }

    /// The same records, their bodies with the files that go with them: a run that ended has taken its own along.
    async fn with_files(&self, mut held: Vec<Held>) -> Result<Vec<Held>, DeliverError> {
        for held in held.iter_mut().filter(|held| !held.record.uploads.is_empty()) {
            let (operation, object) = (Operation::Create, self.object.clone());
            let records = vec![held.record.clone()];
            let unit = Unit { step: self.name.clone(), batch: held.batch.0, operation, object, records };
            let Uploads { mut unit, files, refused, .. } = self.shared.executor.upload(unit).await?;
            self.ledger(&[(held.batch, held.position, 0)]).note(&files, &refused).await?;
            match unit.records.pop() {
                Some(record) => held.record = record,
                // The file cannot be read any more: nothing tells.
                None => held.is_as_sent = false,
            }
        }
        Ok(held)
    }

    /// Forgets the batches of records in doubt, so that their intents stay open.
    pub(crate) fn leave_in_doubt(&mut self) {
        let held = self.doubtful.records.iter().map(|held| held.batch);
        for batch in held.chain(self.left_open.batches()) {
            self.open.remove(&batch);
        }
    }
}
