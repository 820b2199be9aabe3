//! Scope of a migration: requests by stage, shortest and longest time, bytes, and a grade of complexity, by the formula of `ESTIMATE.md`.

use serde::Serialize;

use crate::lock::{Lock, LockedStage};
use crate::{Count, Estimate, Plan, RollbackClass, RowState};

/// Records above which a migration is scoped individually.
pub const INDIVIDUALLY_ABOVE: Count = 2_000_000;

/// Share of the requests that are counted once more for the longest time, in percent: refused for their pace, or without an answer.
const REPEATED_PERCENT: u64 = 10;

/// Requests by which `setup`, `run` and `verify` begin, at most: each reads the schema, the members, the workflows and the webhooks.
const READS_TO_BEGIN: Count = 12;

/// Records of a page where the lock does not say.
const PAGE: u64 = 60;

/// Requests of one part of the work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// The map; `setup` for the changes of the schema.
    pub map: String,
    /// Records to write, links included.
    pub records: Count,
    /// Requests that create or update records.
    pub writes: Count,
    /// Requests that make links, and that write fields which had to wait.
    pub links: Count,
    /// Requests that send files.
    pub files: Count,
    /// Requests that look for records which are there already, and for what they hold; the most there can be.
    pub lookups: Count,
    /// Requests by which `verify` reads back.
    pub verify: Count,
}

impl Calls {
    /// Requests at least: nothing is there already, nothing is repeated.
    fn least(&self) -> Count {
        self.writes + self.links + self.files + self.verify
    }

    /// Requests at most, before what is repeated.
    fn most(&self) -> Count {
        self.least() + self.lookups
    }
}

/// Dimension of the grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dimension {
    /// Name of the dimension.
    pub name: &'static str,
    /// Points, 0 to 4.
    pub points: u64,
    /// Figure that they are of, in words.
    pub input: String,
}

/// Scope of a migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// Records to write, links included.
    pub records: Count,
    /// Requests by stage, setup first.
    pub calls: Vec<Calls>,
    /// Requests in all, at least and at most.
    pub requests: (Count, Count),
    /// Seconds, at least and at most; absent where no limit is known.
    pub seconds: Option<(Count, Count)>,
    /// Limits that the time is of, in words.
    pub limits: Vec<String>,
    /// Bytes of the files that are sent.
    pub bytes: u64,
    /// Reason for scoping the migration individually; absent where the formula is enough.
    pub individually: Option<String>,
    /// Grade from A, simple, to E.
    pub grade: char,
    /// Sum of the points.
    pub points: u64,
    /// Dimensions of the grade, each with its input.
    pub dimensions: Vec<Dimension>,
}

/// Requests and time of a plan by a lock that was made of it.
struct Reckoned {
    records: Count,
    calls: Vec<Calls>,
    requests: (Count, Count),
    seconds: Option<(Count, Count)>,
    limits: Vec<String>,
}

/// Estimate of a plan by a lock that was made of it, as the plan keeps it.
pub(crate) fn estimate(plan: &Plan, lock: &Lock) -> Estimate {
    let reckoned = reckon(plan, lock);
    let (least, most) = reckoned.requests;
    Estimate {
        records: Some(reckoned.records),
        requests: Some(least),
        requests_at_most: Some(most),
        seconds: reckoned.seconds.map(|(least, _)| least),
        seconds_at_most: reckoned.seconds.map(|(_, most)| most),
    }
}

fn reckon(plan: &Plan, lock: &Lock) -> Reckoned {
    let capabilities = lock.destination.as_ref().map(|destination| &destination.capabilities);
    let limit = |what: &str| plan.destination.limits.iter().find(|limit| limit.what == what).map(|limit| limit.value);
    let batch = capabilities.map(|known| known.batch_size).or_else(|| limit("batch")).filter(|batch| *batch > 0);
    let batch = batch.unwrap_or(1);
    let page = batch.max(PAGE);
    let mut calls = vec![Calls {
        map: "setup".to_owned(),
        records: 0,
        // The schema is read before and after.
        writes: plan.setup.len() as Count + 2,
        lookups: READS_TO_BEGIN,
        ..Calls::default()
    }];
    for (stage, locked) in plan.stages.iter().filter_map(|stage| Some((stage, lock.stage(&stage.id)?))) {
        let kept = locked.create + locked.update + locked.unchanged;
        let files: Count = stage
            .fields
            .iter()
            .filter(|field| field.ty == crate::FieldType::File)
            .filter_map(|field| locked.fields.iter().find(|known| known.field == field.field))
            .map(|field| field.filled)
            .sum();
        let matched = if stage.matching.is_some() { kept } else { 0 };
        calls.push(Calls {
            map: stage.map.clone(),
            records: locked.create + locked.update + locked.links,
            writes: locked.create.div_ceil(batch) + locked.update.div_ceil(batch),
            links: locked.links.div_ceil(batch) + locked.deferred.div_ceil(batch),
            files,
            lookups: matched.div_ceil(page) + (locked.update + locked.unchanged).div_ceil(page),
            verify: kept.div_ceil(page) + locked.links.div_ceil(page),
        });
    }
    let records = calls.iter().map(|calls| calls.records).sum();
    let least: Count = calls.iter().map(Calls::least).sum();
    let most: Count = calls.iter().map(Calls::most).sum();
    let most = most + (most * REPEATED_PERCENT).div_ceil(100);
    // A sandbox, which an audit may have asked in place of the destination, has no limit of its own.
    let rate = plan
        .destination
        .pace()
        .or_else(|| capabilities.and_then(|known| known.requests.zip(known.per_seconds)))
        .filter(|(requests, _)| *requests > 0);
    let allowances = plan.destination.allowances();
    let time = |requests: Count| {
        let paced = rate.map_or(0, |(allowed, seconds)| requests.saturating_mul(seconds).div_ceil(allowed));
        let waited = allowances.iter().filter(|(allowed, _)| *allowed > 0);
        let waited = waited.map(|(allowed, seconds)| (requests.saturating_sub(1) / allowed).saturating_mul(*seconds));
        paced.max(waited.max().unwrap_or(0))
    };
    let seconds = (rate.is_some() || !allowances.is_empty()).then(|| (time(least), time(most)));
    let limits =
        rate.iter().chain(&allowances).map(|(requests, seconds)| format!("{requests} requests in {seconds} s"));
    Reckoned { records, calls, requests: (least, most), seconds, limits: limits.collect() }
}

/// Scope of a plan by a lock that was made of it; none where the lock is of another state of the spec.
pub fn scope(plan: &Plan, lock: &Lock) -> Option<Scope> {
    let mut counted = plan.clone();
    if !crate::lock::count(&mut counted, lock) {
        return None;
    }
    let plan = &counted;
    let Reckoned { records, calls, requests, seconds, limits } = reckon(plan, lock);
    let bytes =
        lock.export.objects.iter().filter_map(|object| object.attachments.as_ref()).map(|files| files.bytes).sum();
    let dimensions = dimensions(plan, &lock.stages.stages, records, seconds.map(|(_, most)| most));
    let points = dimensions.iter().map(|dimension| dimension.points).sum();
    let individually = (records > INDIVIDUALLY_ABOVE).then(|| {
        format!(
            "more than {INDIVIDUALLY_ABOVE} records: the destination's limits, its quotas of a day and the room on the disk decide then, and none of them is linear"
        )
    });
    Some(Scope {
        records,
        calls,
        requests,
        seconds,
        limits,
        bytes,
        individually,
        grade: grade(points),
        points,
        dimensions,
    })
}

/// Points by the bounds that a figure is above.
fn points(figure: u64, bounds: [u64; 4]) -> u64 {
    bounds.iter().filter(|bound| figure > **bound).count() as u64
}

/// Grade of a sum of points: each letter is of four.
fn grade(points: u64) -> char {
    match points {
        0..=3 => 'A',
        4..=7 => 'B',
        8..=11 => 'C',
        12..=15 => 'D',
        _ => 'E',
    }
}

fn dimensions(plan: &Plan, stages: &[LockedStage], records: Count, longest: Option<Count>) -> Vec<Dimension> {
    let compatibility = plan.compatibility();
    let exact = compatibility.objects.exact + compatibility.others.exact;
    let all = compatibility.objects.all + compatibility.others.all;
    let inexact = (exact * 100).checked_div(all).map_or(0, |share| 100 - share);
    let read: Count = stages.iter().map(|stage| stage.read).sum();
    let unclear: Count = stages.iter().map(|stage| stage.quarantine + stage.repaired).sum();
    let per_mille = if read == 0 { 0 } else { (unclear * 1000).div_ceil(read) };
    let by_hand = plan.rows.iter().filter(|row| row.standing().0 == RowState::ByHand).count();
    let inverse = plan.stages.iter().filter(|stage| stage.rollback.class != RollbackClass::Exact).count();
    let quotas = plan.destination.allowances().len();
    let bound = by_hand + inverse + quotas + plan.automations.len();
    vec![
        Dimension {
            name: "compatibility",
            points: points(inexact, [5, 20, 40, 60]),
            input: format!("{exact} of {all} concepts move one to one"),
        },
        Dimension {
            name: "mapping clarity",
            points: points(per_mille, [5, 20, 50, 150]),
            input: format!("{unclear} of {read} records are quarantined or have a value that a rule replaced"),
        },
        Dimension {
            name: "constraints",
            points: points(bound as u64, [0, 2, 5, 10]),
            input: format!(
                "{by_hand} concepts to rebuild by hand, {inverse} maps that a rollback does not take back exactly, {quotas} quotas of a day, {} workflows and webhooks known to start on what is written",
                plan.automations.len()
            ),
        },
        Dimension {
            name: "volume",
            points: points(records, [10_000, 100_000, 500_000, INDIVIDUALLY_ABOVE]),
            input: format!("{records} records to write, links included"),
        },
        Dimension {
            name: "timeline",
            points: longest.map_or(0, |longest| points(longest, [4 * 3600, 24 * 3600, 48 * 3600, 7 * 24 * 3600])),
            input: longest.map_or_else(
                || "no limit of the destination is known".to_owned(),
                |longest| format!("{longest} seconds at most, by the destination's limits"),
            ),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::{grade, points};

    #[test]
    fn points_are_the_bounds_that_a_figure_is_above() {
        let bounds = [5, 20, 40, 60];
        for (figure, expected) in [(0, 0), (5, 0), (6, 1), (20, 1), (21, 2), (41, 3), (61, 4), (100, 4)] {
            assert_eq!(points(figure, bounds), expected, "{figure}");
        }
    }

    #[test]
    fn a_grade_is_of_four_points() {
        let grades: String = [0, 3, 4, 7, 8, 11, 12, 15, 16, 20].map(grade).iter().collect();
        assert_eq!(grades, "AABBCCDDEE");
    }
}
