//! Records whose answers were lost at a destination whose look-ups lag: asked about once, behind the step's other records.

use std::time::{Duration, Instant};

use migr_journal::Operation;
use migr_load::{Settlement, Unsettled};

use crate::RecordOutcome;
use crate::batch_writer::BatchWriter;
use crate::error::DeliverError;

/// Time between two looks at whether somebody asked to stop.
const NAP: Duration = Duration::from_millis(100);

impl BatchWriter<'_> {
    /// Asks what became of the records in doubt, once a look-up tells. What is surely not there is sent once more; what nothing tells of is left to a person.
    pub(crate) async fn look_behind(&mut self) -> Result<(), DeliverError> {
        while !self.doubtful.records.is_empty() {
            let held = std::mem::take(&mut self.doubtful.records);
            let destination = &self.context.destination;
            let settle = destination.capabilities().settle;
            let last = held.iter().map(|held| held.since).max().unwrap_or_else(Instant::now);
            while last.elapsed() < settle {
                if self.context.cancellation.is_cancelled() {
                    // Their intents stay open: the next run asks.
                    for held in &held {
                        self.open.remove(&held.batch);
                    }
                    return Ok(());
                }
                tokio::time::sleep(NAP.min(settle)).await;
            }
            let unsettled: Vec<Unsettled<'_>> = held
                .iter()
                .map(|held| Unsettled {
                    token: &held.record.id,
                    body: Some(&held.record.body),
                    age: held.since.elapsed(),
                })
                .collect();
            let settled = destination.settle(&self.object, &unsettled).await?;
            let (mut decided, mut places, mut again) = (Vec::new(), Vec::new(), Vec::new());
            for (held, settlement) in held.into_iter().zip(settled) {
                match settlement {
                    Settlement::There(found) => {
                        destination.take_for_written(&self.object, std::slice::from_ref(&found));
                        let id = (found.id != held.record.id).then_some(found.id);
                        decided.push(held.ends(RecordOutcome::Written { id }));
                    }
                    Settlement::Absent if !self.doubtful.was_repeated => {
                        places.push((held.batch, held.position, held.attempts));
                        again.push(held.record);
                    }
                    Settlement::Absent | Settlement::Unknown => {
                        decided.push(held.ends(RecordOutcome::Uncertain(held.why.clone())));
                    }
                }
            }
            self.decide(decided);
            self.doubtful.was_repeated = true;
            for (place, record) in places.into_iter().zip(again) {
                self.fly(Operation::Create, vec![record], vec![place], None);
                self.land().await?;
            }
            self.settle().await?;
        }
        Ok(())
    }
}
