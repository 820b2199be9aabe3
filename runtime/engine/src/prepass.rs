use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migr_extract::Row;
use migr_journal::Change;
use migr_plan::DuplicatePolicy;
use migr_transform::{Cells, Failure, Outcome, Pass, Value};
use rusqlite::types::Value as Sort;

use crate::aside::{Aside, Subject, because, shown};
use crate::cells::Lent;
use crate::duplicates::{self, Family};
use crate::job::{Claim, Job};
use crate::lines::LineSet;
use crate::world::{Own, World};
use crate::{EngineError, cycles};

/// What a look at every row found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Lines whose records are still to be written.
    pub(crate) pending: LineSet,
    /// Records that are written as one: by line, the number of their family.
    pub(crate) merges: BTreeMap<u64, usize>,
    /// Families that are written as one, the preferred record first.
    pub(crate) families: Vec<Family>,
    /// Records of the export that belong to the stage.
    pub(crate) read: u64,
}

/// Looks at every row of a stage's object: settles what is not to be written, and says what is.
pub(crate) fn look(job: &Job, world: &World, failures: &Arc<AtomicU64>) -> Result<Look, EngineError> {
    let look = if job.file.is_empty() { Look::default() } else { rows(job, world, failures)? };
    job.context.journal.write(&[Change::Read { step: job.step, records: look.read }])?;
    Ok(look)
}

fn rows(job: &Job, world: &World, failures: &Arc<AtomicU64>) -> Result<Look, EngineError> {
    let mut look = Look::default();
    let resumed = world.reader.has_records(job.step)?;
    let mut aside = Aside::new(job, resumed, Arc::clone(failures));
    let double = double_keys(job, world)?;
    let mut settled = LineSet::default();
    world.answer_own(Own::Note);
    world.scratch.together(|| {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            match row {
                Row::Malformed { line, reason } => {
                    if job.is_first {
                        look.read += 1;
                        let key = odd_key("", line);
                        aside.quarantine(world, Subject { key: &key, source_key: "", line }, &because(reason))?;
                    }
                }
                Row::Record(record) => {
                    let seen = Seen { job, world, double: &double, resumed };
                    if seen.row(record.line, &Lent(record), &mut look, &mut aside)? {
                        settled.insert(record.line);
                    }
                }
            }
        }
        Ok(())
    })?;
    if job.looks_at_values() {
        share(job, world, &mut look, &mut aside)?;
    }
    if job.refers_to_itself() {
        world.scratch.index_records()?;
    }
    if job.quarantines_cycles() {
        circles(world, &mut look, &mut aside)?;
    }
    aside.flush()?;
    drop_settled(job, &mut look, &settled);
    Ok(look)
}

/// What was sent before is not sent again; records that are written as one are done when the first of them is.
fn drop_settled(job: &Job, look: &mut Look, settled: &LineSet) {
    let mut pending = LineSet::default();
    for line in look.pending.iter().filter(|line| !settled.contains(*line)) {
        pending.insert(line);
    }
    for (line, family) in &look.merges {
        let first = look.families.get(*family).and_then(|family| family.members.first());
        if first.is_some_and(|(first, _)| settled.contains(*first)) {
            pending.remove(*line);
        } else {
            pending.insert(*line);
        }
    }
    tracing::debug!(stage = %job.stage.id, pending = pending.len(), "looked at every row");
    look.pending = pending;
}

/// A key in the journal for a row that has none of its own.
pub(crate) fn odd_key(key: &str, line: u64) -> String {
    format!("{key}\u{1f}line {line}")
}

/// Lines whose key another line has too, with the line that is kept.
fn double_keys(job: &Job, world: &World) -> Result<BTreeMap<u64, u64>, EngineError> {
    let mut double = BTreeMap::new();
    if job.stage.distinct.is_some() {
        return Ok(double);
    }
    world.scratch.together(|| {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            if let Row::Record(record) = row
                && let Ok(key) = job.program.key(&Lent(record))
            {
                world.scratch.add_key(record.line, &key)?;
            }
        }
        Ok(())
    })?;
    world.scratch.double_keys(|line, _, first| {
        double.insert(line, first);
    })?;
    let policy = &job.stage.policies.duplicate;
    let first_wins = matches!(policy, DuplicatePolicy::Quarantine | DuplicatePolicy::KeepFirst) || job.merges();
    if first_wins || double.is_empty() { Ok(double) } else { preferred(job, &double) }
}

/// The same lines by the policy's choice: every line of a key but the one that it prefers.
fn preferred(job: &Job, double: &BTreeMap<u64, u64>) -> Result<BTreeMap<u64, u64>, EngineError> {
    let policy = &job.stage.policies.duplicate;
    let mut rows: BTreeMap<u64, Vec<(u64, Sort)>> = double.values().map(|first| (*first, Vec::new())).collect();
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let first = double.get(&record.line).copied().unwrap_or(record.line);
        let Some(family) = rows.get_mut(&first) else { continue };
        let by = sort_column(policy).map_or(Sort::Null, |column| {
            job.program.column_value(&Lent(record), column).map_or(Sort::Null, |value| sort(&value))
        });
        family.push((record.line, by));
    }
    let mut losers = BTreeMap::new();
    for mut family in rows.into_values() {
        family.sort_by(|a, b| duplicates::prefer(policy, (a.0, &a.1), (b.0, &b.1)));
        let Some((kept, _)) = family.first() else { continue };
        losers.extend(family.iter().skip(1).map(|(line, _)| (*line, *kept)));
    }
    Ok(losers)
}

/// What looking at one row needs.
struct Seen<'s> {
    job: &'s Job,
    world: &'s World,
    double: &'s BTreeMap<u64, u64>,
    resumed: bool,
}

impl Seen<'_> {
    /// Takes a row in; says whether the journal has its record already.
    fn row(&self, line: u64, cells: &dyn Cells, look: &mut Look, aside: &mut Aside<'_>) -> Result<bool, EngineError> {
        let (job, world) = (self.job, self.world);
        let claim = job.claim(cells, world)?;
        if matches!(claim, Claim::Others) {
            return Ok(false);
        }
        let is_distinct = job.stage.distinct.is_some();
        let key = match job.key(cells, world)? {
            Ok(key) => key,
            Err(failures) => {
                look.read += 1;
                let key = odd_key("", line);
                aside.quarantine(world, Subject { key: &key, source_key: "", line }, &failures)?;
                return Ok(false);
            }
        };
        if is_distinct && !world.scratch.add_distinct(&key)? {
            return Ok(false);
        }
        look.read += 1;
        let subject = Subject { key: &key, source_key: &key, line };
        if let Some(first) = self.double.get(&line) {
            let odd = odd_key(&key, line);
            let subject = Subject { key: &odd, ..subject };
            return self.double_key(subject, &key, *first, aside).map(|()| false);
        }
        match claim {
            Claim::Skip { reason } => aside.skip(world, subject, &reason, None, None).map(|()| false),
            Claim::Fails(failures) => aside.quarantine(world, subject, &failures).map(|()| false),
            Claim::Nobody => {
                let reason = format!(
                    "no map takes this record of {}; add a map, or a `skip` rule with the reason",
                    job.object.name
                );
                aside.quarantine(world, subject, &because(reason)).map(|()| false)
            }
            Claim::Mine | Claim::Others => {
                if !self.admit(subject, cells, aside)? {
                    return Ok(false);
                }
                look.pending.insert(line);
                Ok(self.resumed && world.reader.id_of(job.step, &key)?.is_some())
            }
        }
    }

    /// A row whose key another row has: the stage's policy for duplicates says what becomes of it.
    fn double_key(&self, subject: Subject<'_>, key: &str, kept: u64, aside: &mut Aside<'_>) -> Result<(), EngineError> {
        let (job, key) = (self.job, shown(key));
        match job.stage.policies.duplicate {
            // Rows of one key cannot be told apart later, so they are not merged either.
            DuplicatePolicy::Quarantine | DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. } => {
                let reason = format!("the key {key} is double; line {kept} of {} has it first", job.file);
                aside.quarantine(self.world, subject, &because(reason))
            }
            _ => {
                let reason = format!("duplicate of {key} in line {kept}, which has the same key");
                aside.skip(self.world, subject, &reason, None, None)
            }
        }
    }

    /// Notes what the record shares with others; false where it cannot be written.
    fn admit(&self, subject: Subject<'_>, cells: &dyn Cells, aside: &mut Aside<'_>) -> Result<bool, EngineError> {
        let (job, world) = (self.job, self.world);
        if job.looks_at_values() {
            let failed = match job.program.fields(cells, world, Pass::First)? {
                Outcome::Skip { reason } => {
                    aside.skip(world, subject, &reason, None, None)?;
                    return Ok(false);
                }
                Outcome::Quarantine(failures) => Some(failures),
                Outcome::Ready(evaluated) => match job.encode(&evaluated.values) {
                    Err(failures) => Some(failures),
                    Ok(body) => {
                        for (path, value) in job.identities.values(job, &body) {
                            world.scratch.add_identity(path, &value, subject.line)?;
                        }
                        None
                    }
                },
            };
            if let Some(failures) = failed {
                aside.quarantine(world, subject, &failures)?;
                return Ok(false);
            }
        }
        if job.looks_at_values() || job.refers_to_itself() {
            let sort = sort_column(&job.stage.policies.duplicate).map_or(Sort::Null, |column| {
                job.program.column_value(cells, column).map_or(Sort::Null, |value| sort(&value))
            });
            world.scratch.add_record(subject.line, subject.key, &sort)?;
        }
        if job.quarantines_cycles() {
            world.take_asked();
            job.program.fields(cells, world, Pass::Deferred)?;
            for parent in world.take_asked() {
                world.scratch.add_edge(subject.line, &parent)?;
            }
        }
        Ok(true)
    }
}

pub(crate) fn sort_column(policy: &DuplicatePolicy) -> Option<&str> {
    match policy {
        DuplicatePolicy::KeepOldest { column }
        | DuplicatePolicy::KeepNewest { column }
        | DuplicatePolicy::MergeNewest { column }
        | DuplicatePolicy::MergeOldest { column } => Some(column),
        _ => None,
    }
}

pub(crate) fn sort(value: &Value<'_>) -> Sort {
    match value {
        Value::Datetime(instant) => Sort::Integer(instant.as_microsecond()),
        Value::Date(date) => Sort::Text(date.to_string()),
        Value::Integer(number) => Sort::Integer(*number),
        Value::Decimal(number) => number.to_string().parse().map_or(Sort::Null, Sort::Real),
        Value::Text(text) => Sort::Text(text.to_string()),
        _ => Sort::Null,
    }
}

/// Decides about records that would become one, and about values that must not meet twice.
fn share(job: &Job, world: &World, look: &mut Look, aside: &mut Aside<'_>) -> Result<(), EngineError> {
    let policy = &job.stage.policies.duplicate;
    let shared = duplicates::find(&world.scratch, job.identities.matching(), policy)?;
    let names: Vec<String> = (0..job.identities.matching()).map(|path| job.identities.name(path)).collect();
    let names = names.join(" or ");
    for family in shared.families {
        let Some((first_line, first)) = family.members.first().cloned() else { continue };
        let merges = job.merges();
        for (line, key) in family.members.iter().skip(1) {
            if *policy == DuplicatePolicy::Quarantine {
                let reason = format!("it has the same {names} as {} (line {first_line})", shown(&first));
                aside.quarantine(world, Subject { key, source_key: key, line: *line }, &because(reason))?;
                world.scratch.remove_record(*line)?;
                look.pending.remove(*line);
            } else {
                world.scratch.add_loser(*line, key, &first)?;
                if !merges {
                    look.pending.remove(*line);
                }
            }
        }
        if merges {
            let number = look.families.len();
            look.merges.extend(family.members.iter().map(|(line, _)| (*line, number)));
            look.families.push(family);
        }
    }
    for (path, lines) in shared.clashes {
        let mut still = lines.into_iter().filter(|line| look.pending.contains(*line)).collect::<Vec<_>>().into_iter();
        let Some(first_line) = still.next() else { continue };
        let family = look.merges.get(&first_line).copied();
        let first = world.scratch.record(first_line)?.map(|(key, _)| key).unwrap_or_default();
        for line in still {
            // Records that are written as one may share what they like.
            if family.is_some() && look.merges.get(&line).copied() == family {
                continue;
            }
            let Some((key, _)) = world.scratch.record(line)? else { continue };
            let field = job.identities.name(path);
            let reason = format!("{} (line {first_line}) has the same value, which must be unique", shown(&first));
            aside.quarantine(world, Subject { key: &key, source_key: &key, line }, &[Failure { field, reason }])?;
            world.scratch.remove_record(line)?;
            look.pending.remove(line);
        }
    }
    Ok(())
}

/// Sets records aside that go round in circles.
fn circles(world: &World, look: &mut Look, aside: &mut Aside<'_>) -> Result<(), EngineError> {
    for circle in cycles::find(&world.scratch.edges()?) {
        let mut named = Vec::new();
        for line in &circle {
            if let Some((key, _)) = world.scratch.record(*line)? {
                named.push((*line, key));
            }
        }
        let drawn = drawn(&named);
        for (line, key) in &named {
            if look.pending.contains(*line) {
                let reason = format!("it goes round in a circle: {drawn}");
                aside.quarantine(world, Subject { key, source_key: key, line: *line }, &because(reason))?;
                world.scratch.remove_record(*line)?;
                look.pending.remove(*line);
            }
        }
    }
    Ok(())
}

/// `K1 (line 2) → K2 (line 5) → K1`
pub(crate) fn drawn(circle: &[(u64, String)]) -> String {
    let mut parts: Vec<String> = circle.iter().map(|(line, key)| format!("{} (line {line})", shown(key))).collect();
    parts.extend(circle.first().map(|(_, key)| shown(key)));
    parts.join(" → ")
}
