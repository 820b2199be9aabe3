//! Records that were refused together with others: who of them is at fault, in few requests.
//!
//! The destination is asked first, about all of them at once: one question settles a whole kind of refusal. Where it cannot tell, a bad record is found by
//! halves; the records that turn out not to be needed for that go back to the others, in full batches.

use migr_journal::{BatchId, Operation};
use migr_load::{AtFault, Destination, Fault, LoadError, Refusal, Suspect};

use crate::{Executor, RecordOutcome, RefusedTogether, Unit, UnitRecord, UnitResult, WriteResult};

/// A record that waits to be sent again.
#[derive(Clone, Debug)]
pub struct HeldRecord {
    /// The batch that its outcome belongs to.
    pub batch: BatchId,
    /// Place of the record in that batch.
    pub position: usize,
    /// Record that is sent.
    pub record: UnitRecord,
    /// Requests that it took part in.
    pub attempts: u32,
}

/// A record whose result is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The batch that its outcome belongs to.
    pub batch: BatchId,
    /// Place of the record in that batch.
    pub position: usize,
    /// Result of the record.
    pub result: WriteResult,
}

impl HeldRecord {
    fn decided(self, result: WriteResult) -> Decided {
        Decided { batch: self.batch, position: self.position, result }
    }
}

/// Records that are sent together again.
#[derive(Debug, Default)]
pub struct Attempt {
    /// The records.
    pub records: Vec<HeldRecord>,
    /// Rest of a group in which one record at least is at fault: if these are taken, it is among those.
    pub rest: Vec<HeldRecord>,
}

/// Records that were refused together.
#[derive(Debug)]
struct Together {
    records: Vec<HeldRecord>,
    refusal: Refusal,
}

/// Refused records of one operation.
#[derive(Debug, Default)]
pub struct Bisector {
    /// Not looked into yet.
    refused: Vec<Together>,
    /// Groups in which one record at least is at fault.
    suspected: Vec<Vec<HeldRecord>>,
    /// Records of which nothing bad is known.
    free: Vec<HeldRecord>,
    /// The largest refused batch, in records and bytes: as much goes in one request.
    most_records: usize,
    most_bytes: usize,
}

impl Bisector {
    /// True where nothing waits.
    pub fn is_empty(&self) -> bool {
        self.refused.is_empty() && self.suspected.is_empty() && self.free.is_empty()
    }

    /// Takes in records that were refused together, not as an attempt of the pool's own.
    pub fn refuse(&mut self, records: Vec<HeldRecord>, refusal: Refusal) {
        self.most_records = self.most_records.max(records.len());
        self.most_bytes = self.most_bytes.max(records.iter().map(bytes).sum());
        if !records.is_empty() {
            self.refused.push(Together { records, refusal });
        }
    }

    /// Takes in what was refused of records that were sent: of an attempt of the pool's own with the rest that it kept back.
    pub fn landed(&mut self, groups: Vec<(Vec<HeldRecord>, Refusal)>, rest: Option<Vec<HeldRecord>>) {
        let Some(rest) = rest else {
            return groups.into_iter().for_each(|(records, refusal)| self.refuse(records, refusal));
        };
        let refused = groups.into_iter().filter(|(records, _)| !records.is_empty());
        let refused: Vec<Together> = refused.map(|(records, refusal)| Together { records, refusal }).collect();
        if refused.is_empty() {
            return self.passed(rest);
        }
        self.free.extend(rest);
        self.refused.extend(refused);
    }

    /// The records of an attempt were taken: one of its rest is at fault.
    pub fn passed(&mut self, rest: Vec<HeldRecord>) {
        if !rest.is_empty() {
            self.suspected.push(rest);
        }
    }

    /// Next attempt to be sent; none while an answer or a look into refusals may add to it. Records of which nothing
    /// bad is known wait until they fill a batch, or nothing else `is_under_way`.
    pub fn next(&mut self, is_under_way: bool) -> Option<Attempt> {
        if let Some(mut group) = self.suspected.pop() {
            let rest = group.split_off(group.len().div_ceil(2));
            return Some(Attempt { records: group, rest });
        }
        let (mut count, mut size) = (0, 0);
        for held in self.free.iter().take(self.most_records) {
            size += bytes(held);
            if count > 0 && size > self.most_bytes {
                break;
            }
            count += 1;
        }
        let is_full = count < self.free.len() || count == self.most_records;
        if count == 0 || !is_full && (is_under_way || !self.refused.is_empty()) {
            return None;
        }
        let rest = self.free.split_off(count);
        Some(Attempt { records: std::mem::replace(&mut self.free, rest), rest: Vec::new() })
    }

    /// Looks into the refusals: who is at fault, as far as the destination can tell.
    pub async fn explain(
        &mut self,
        destination: &dyn Destination,
        object: &str,
        is_new: bool,
    ) -> Result<Explained, LoadError> {
        let groups = std::mem::take(&mut self.refused);
        let (suspected, free) = (std::mem::take(&mut self.suspected), std::mem::take(&mut self.free));
        let mut messages: Vec<String> = groups.iter().map(|group| group.refusal.message.clone()).collect();
        messages.sort_unstable();
        messages.dedup();
        let refused = groups.iter().flat_map(|group| &group.records);
        let all: Vec<Suspect<'_>> =
            refused.chain(suspected.iter().flatten()).chain(&free).map(|held| held.record.suspect()).collect();
        let mut faults: Vec<Option<Fault>> = vec![None; all.len()];
        for AtFault { position, fault } in destination.at_fault(object, &all, is_new, &messages).await? {
            if let Some(slot) = faults.get_mut(position) {
                *slot = Some(fault);
            }
        }
        let mut faults = faults.into_iter();
        let mut explained = Explained::default();
        for Together { records, refusal } in groups {
            let Sorted { is_settled, mut likely, others } = sort(records, &mut faults, &mut explained.decided);
            if is_settled {
                explained.telling.push(refusal);
                self.free.extend(likely.into_iter().chain(others));
                continue;
            }
            if likely.is_empty() || others.is_empty() {
                likely.extend(others);
            } else {
                self.free.extend(others);
            }
            match <[HeldRecord; 1]>::try_from(likely) {
                Ok([held]) => {
                    let result = WriteResult::refused(refusal.to_string(), held.attempts);
                    explained.decided.push(held.decided(result));
                }
                Err(group) => self.suspected.push(group),
            }
        }
        for group in suspected {
            let Sorted { is_settled, likely, others } = sort(group, &mut faults, &mut explained.decided);
            let group = likely.into_iter().chain(others);
            if is_settled { self.free.extend(group) } else { self.suspected.push(group.collect()) }
        }
        let Sorted { likely, others, .. } = sort(free, &mut faults, &mut explained.decided);
        self.free.extend(likely.into_iter().chain(others));
        Ok(explained)
    }
}

/// Carries a unit out until the result of each of its records is known, in order.
pub async fn carry_out(
    destination: &dyn Destination,
    executor: &dyn Executor,
    unit: Unit,
) -> Result<Vec<WriteResult>, LoadError> {
    let Unit { step, batch, operation, object, records } = unit;
    let mut results: Vec<Option<WriteResult>> = vec![None; records.len()];
    let mut bisector = Bisector::default();
    let held = records.into_iter().enumerate();
    let held = held.map(|(position, record)| HeldRecord { batch: BatchId(batch), position, record, attempts: 0 });
    let mut next = Some((Attempt { records: held.collect(), rest: Vec::new() }, true));
    loop {
        while let Some((Attempt { records, rest }, is_first)) = next.take() {
            let (places, records): (Vec<(BatchId, usize, u32)>, Vec<UnitRecord>) =
                records.into_iter().map(|held| ((held.batch, held.position, held.attempts), held.record)).unzip();
            let unit = Unit { step: step.clone(), batch, operation, object: object.clone(), records };
            // Only a rollback goes this way, and it sends no files.
            let UnitResult { results: found, unresolved, doubtful, attempts, stopped } = executor.execute(unit).await?;
            if let Some(error) = stopped {
                return Err(error);
            }
            for doubtful in doubtful {
                let outcome = RecordOutcome::Uncertain(doubtful.why);
                if let Some(slot) =
                    places.get(doubtful.position).and_then(|(_, position, _)| results.get_mut(*position))
                {
                    *slot = Some(WriteResult { outcome, attempts });
                }
            }
            for ((_, position, before), result) in places.iter().zip(found) {
                if let (Some(slot), Some(result)) = (results.get_mut(*position), result) {
                    *slot = Some(result.after(*before));
                }
            }
            bisector.landed(refused(unresolved, &places, attempts), (!is_first).then_some(rest));
            next = bisector.next(false).map(|attempt| (attempt, false));
        }
        if bisector.is_empty() {
            let outcome = RecordOutcome::Uncertain("no answer says what became of it".to_owned());
            let unknown = WriteResult { outcome, attempts: 0 };
            return Ok(results.into_iter().map(|result| result.unwrap_or_else(|| unknown.clone())).collect());
        }
        for Decided { position, result, .. } in
            bisector.explain(destination, &object, operation != Operation::Update).await?.decided
        {
            if let Some(slot) = results.get_mut(position) {
                *slot = Some(result);
            }
        }
        next = bisector.next(false).map(|attempt| (attempt, false));
    }
}

/// Records that come back from an attempt, by the words in which they were refused. Each place names batch and position, and the requests before.
pub fn refused(
    unresolved: Vec<RefusedTogether>,
    places: &[(BatchId, usize, u32)],
    attempts: u32,
) -> Vec<(Vec<HeldRecord>, Refusal)> {
    let held = |(place, record): (usize, UnitRecord)| {
        let (batch, position, before) = places.get(place).copied()?;
        Some(HeldRecord { batch, position, record, attempts: before + attempts })
    };
    let back = |group: RefusedTogether| (group.records.into_iter().filter_map(held).collect(), group.refusal);
    unresolved.into_iter().map(back).collect()
}

/// Result of looking into refusals.
#[derive(Debug, Default)]
pub struct Explained {
    /// Records whose result is known now.
    pub decided: Vec<Decided>,
    /// The refusals that told who is at fault: of records to come it can be known beforehand.
    pub telling: Vec<Refusal>,
}

/// Records by what was found.
struct Sorted {
    /// One at least was found to be at fault, or to be there.
    is_settled: bool,
    likely: Vec<HeldRecord>,
    others: Vec<HeldRecord>,
}

fn sort(
    records: Vec<HeldRecord>,
    faults: &mut impl Iterator<Item = Option<Fault>>,
    decided: &mut Vec<Decided>,
) -> Sorted {
    let mut sorted = Sorted { is_settled: false, likely: Vec::new(), others: Vec::new() };
    for (held, fault) in records.into_iter().zip(faults) {
        match fault {
            Some(Fault::Suspected) => sorted.likely.push(held),
            None => sorted.others.push(held),
            Some(fault) => {
                sorted.is_settled = true;
                decided.extend(result(&held.record, fault, held.attempts).map(|result| held.decided(result)));
            }
        }
    }
    sorted
}

/// Result that a fault makes of a record that took part in some requests. Nothing where the fault is no more than likely.
pub fn result(record: &UnitRecord, fault: Fault, attempts: u32) -> Option<WriteResult> {
    let outcome = match fault {
        Fault::Suspected => return None,
        Fault::Refused { reason } => RecordOutcome::Refused(reason),
        Fault::There { deleted: false } => RecordOutcome::There { id: record.id.clone(), body: record.body.clone() },
        Fault::There { deleted: true } => {
            RecordOutcome::Refused(format!("it was written before and lies in the trash now ({})", record.id))
        }
    };
    Some(WriteResult { outcome, attempts })
}

fn bytes(held: &HeldRecord) -> usize {
    held.record.body.text().len()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn held(position: usize) -> HeldRecord {
        let record = UnitRecord { id: position.to_string(), ..UnitRecord::default() };
        HeldRecord { batch: BatchId(1), position, record, attempts: 1 }
    }

    fn refusal() -> Refusal {
        Refusal { is_joint: true, ..Refusal::new(400, "it is not to its liking") }
    }

    /// Bisects as where a destination tells nothing: every group is halved. Gives those found bad, those written, and
    /// the requests.
    fn sort_out(count: usize, bad: &BTreeSet<usize>) -> (BTreeSet<usize>, Vec<usize>, usize) {
        let mut bisector = Bisector::default();
        bisector.refuse((0..count).map(held).collect(), refusal());
        let (mut found, mut written, mut requests) = (BTreeSet::new(), Vec::new(), 0);
        while !bisector.is_empty() {
            for Together { records, refusal } in std::mem::take(&mut bisector.refused) {
                match <[HeldRecord; 1]>::try_from(records) {
                    Ok([one]) => {
                        found.insert(one.position);
                    }
                    Err(group) => bisector.suspected.push(group),
                }
                assert_eq!(refusal.to_string(), "it is not to its liking (400)");
            }
            while let Some(Attempt { records, rest }) = bisector.next(false) {
                requests += 1;
                if records.iter().any(|held| bad.contains(&held.position)) {
                    bisector.landed(vec![(records, refusal())], Some(rest));
                } else {
                    written.extend(records.iter().map(|held| held.position));
                    bisector.passed(rest);
                }
            }
        }
        (found, written, requests)
    }

    #[test]
    fn one_bad_record_takes_a_request_for_each_halving_and_two_more() {
        let (found, written, requests) = sort_out(200, &BTreeSet::from([77]));
        assert_eq!(found, BTreeSet::from([77]));
        assert_eq!(written.len(), 199);
        assert!(requests <= 8 + 2, "{requests}");
    }

    proptest! {
        #[test]
        fn whatever_is_bad_is_found_and_every_other_record_is_written_once(
            count in 2_usize..220,
            bad in prop::collection::btree_set(0_usize..220, 1..12),
        ) {
            let bad: BTreeSet<usize> = bad.into_iter().map(|place| place % count).collect();
            let (found, mut written, requests) = sort_out(count, &bad);
            written.sort_unstable();
            let good: Vec<usize> = (0..count).filter(|place| !bad.contains(place)).collect();
            prop_assert_eq!(&found, &bad);
            prop_assert_eq!(written, good);
            let halvings = usize::try_from(count.next_power_of_two().ilog2()).unwrap();
            prop_assert!(requests <= bad.len() * (halvings + 2) + 1, "{} requests for {} of {}", requests, bad.len(), count);
        }
    }
}
