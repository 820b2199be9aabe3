//! Classification of the rows of a stage: what is settled without being written, and what is to be written.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migr_extract::Row;
use migr_journal::{Change, StepId};
use migr_plan::{DuplicatePolicy, FieldType, ReasonCode, UnidentifiedPolicy};
use migr_spill::SortValue as Sort;
use migr_transform::{Cells, Evaluated, Failure, Outcome, Pass};

use crate::cells::{Lent, digest};
use crate::decision::Subject;
use crate::decision::shown;
use crate::decision::{QuarantineReason, Reason, SkipReason, reasons};
use crate::evaluate::Evaluator;
use crate::file_list::FileList;
use crate::forecast::{Forecast, Member, Role};
use crate::identities::sort;
use crate::outcome_recorder::OutcomeRecorder;
use crate::record_lookup::{Own, RecordLookup};
use crate::spelling::{Alike, Spellings, Spelt};
use crate::stage_run::{Claim, StageRun};
use crate::{DecideError, duplicates, evaluate, expressions, given_way, taken};
use migr_spill::{GivenWay, RepeatedKeys, Repeats, RowSet, Sharing, cycles};

/// Result of the first pass over every row.
#[derive(Debug, Default)]
pub struct Classification {
    /// Lines whose records are still to be written.
    pub pending: RowSet,
    /// Lines whose records are written as one with others; the spill database knows their families.
    pub merging: RowSet,
    /// Lines that another one stands for, of which nothing is written, and lines that stand for such.
    pub rivals: RowSet,
    /// Records of the export that belong to the stage.
    pub read: u64,
    /// The journal knew of records of the stage before.
    pub resumed: bool,
    /// Lines whose records the journal has already.
    settled: RowSet,
    /// Lines whose records another one of the stage keeps out, whatever they share.
    out: RowSet,
    /// Lines that are left behind for a value that another one holds.
    pub(crate) skipped: RowSet,
    /// Records that share an identity, for a forecast.
    groups: Vec<Group>,
}

impl Classification {
    /// True where the journal has the record of a line already.
    pub(crate) fn is_settled(&self, line: u64) -> bool {
        self.settled.contains(line)
    }

    /// Takes a line out whose record another one of the stage keeps out.
    pub(crate) fn keep_out(&mut self, line: u64) {
        self.pending.remove(line);
        self.merging.remove(line);
        self.out.insert(line);
    }

    /// Records that no earlier run settled.
    pub fn open(&self, job: &StageRun) -> u64 {
        let is_open = |line: &u64| !self.settled.contains(*line) && job.takes(*line);
        self.pending.iter().filter(is_open).count() as u64
    }
}

/// Looks at every row of a stage's object: settles what is not to be written, and says what is.
pub fn classify(
    job: &StageRun,
    world: &RecordLookup,
    failures: &Arc<AtomicU64>,
) -> Result<Classification, DecideError> {
    let look = if job.file.is_empty() { Classification::default() } else { rows(job, world, failures)? };
    job.context.outcomes.write(&[Change::Read { step: job.step, records: look.read }])?;
    Ok(look)
}

/// True where the fields that the first pass over the rows computes are those that are written: nothing that they depend on changes until then.
fn hands_fields_on(job: &StageRun) -> bool {
    job.looks_at_values() && job.stage.fields.iter().all(|field| field.ty != FieldType::File) && !taken::is_asked(job)
}

fn rows(job: &StageRun, world: &RecordLookup, failures: &Arc<AtomicU64>) -> Result<Classification, DecideError> {
    let resumed = world.reader.has_records(job.step)?;
    let mut look = Classification { resumed, ..Classification::default() };
    let mut aside = OutcomeRecorder::new(job, resumed, Arc::clone(failures));
    let doubles = double_keys(job, world)?;
    world.answer_own(Own::Note);
    if hands_fields_on(job) {
        world.keep_fields(&job.context.work);
    }
    let spelt = RefCell::new(Spellings::default());
    let spellings = job.context.outcomes.forecast().map(|_| &spelt);
    let may_be_kept_out = expressions::may_be_kept_out(&job.stage);
    let mut files = FileList::new(job, resumed);
    world.spill.together::<_, DecideError>(|| {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            match row {
                Row::Malformed { line, reason } => {
                    if job.is_first {
                        look.read += 1;
                        let key = odd_key("", line);
                        let subject = Subject { key: &key, source_key: "", line };
                        aside.quarantine(world, subject, &QuarantineReason::Malformed(reason.clone()))?;
                    }
                }
                Row::Record(record) => {
                    let (line, cells) = (record.line, Lent(record));
                    files.row(world, line, &cells)?;
                    let seen = Seen { job, world, doubles: &doubles, resumed, spellings, may_be_kept_out };
                    if seen.row(line, &cells, &mut look, &mut aside)? {
                        look.settled.insert(line);
                    }
                }
            }
        }
        Ok(())
    })?;
    files.flush()?;
    if job.looks_at_values() {
        look.groups = match job.context.outcomes.forecast() {
            Some(forecast) => {
                forecast.spelt(job.step, spelt_otherwise(world, spelt.into_inner())?);
                groups(job, world)?
            }
            None => Vec::new(),
        };
        share(job, world, &mut look, &mut aside)?;
    }
    if job.refers_to_itself() {
        world.spill.index_records()?;
    }
    if job.quarantines_cycles() {
        circles(job, world, &mut look, &mut aside)?;
    }
    aside.flush()?;
    Ok(look)
}

/// Ends the classification: tells a forecast of the records that share an identity, and drops what was sent before.
pub(crate) fn end(job: &StageRun, world: &RecordLookup, look: &mut Classification) -> Result<(), DecideError> {
    if let Some(forecast) = job.context.outcomes.forecast() {
        for group in std::mem::take(&mut look.groups) {
            tell(job.step, world, look, forecast, group)?;
        }
    }
    drop_settled(job, world, look)
}

/// Drops what was sent before; records that are written as one are done when the first of them is.
fn drop_settled(job: &StageRun, world: &RecordLookup, look: &mut Classification) -> Result<(), DecideError> {
    let settled = std::mem::take(&mut look.settled);
    let mut pending = RowSet::default();
    for line in look.pending.iter().filter(|line| !settled.contains(*line) && job.takes(*line)) {
        pending.insert(line);
    }
    for line in look.merging.iter().filter(|line| job.takes(*line)) {
        let leader = world.spill.family_of(line)?.map_or(line, |(leader, _)| leader);
        if settled.contains(leader) {
            pending.remove(line);
        } else {
            pending.insert(line);
        }
    }
    tracing::debug!(stage = %job.stage.id, pending = pending.len(), "looked at every row");
    look.pending = pending;
    Ok(())
}

/// A key in the journal for a row that has none of its own.
pub fn odd_key(key: &str, line: u64) -> String {
    format!("{key}\u{1f}line {line}")
}

/// Added to the number of a line whose record a `skip` leaves behind: it comes behind all others of its key.
const LEFT: u64 = 1 << 62;

/// Lines that share their key with others.
#[derive(Default)]
struct Doubles {
    /// Lines that give way to another one; the spill database knows to which.
    double: RowSet,
    /// Those of them that say the same in every column as the first line of their key.
    same: RowSet,
    /// Lines that are left behind by a `skip`: they take nothing from the others.
    left: RowSet,
}

/// Lines that share their key with others.
fn double_keys(job: &StageRun, world: &RecordLookup) -> Result<Doubles, DecideError> {
    let (mut doubles, mut firsts) = (Doubles::default(), RowSet::default());
    if job.stage.distinct.is_some() {
        return Ok(doubles);
    }
    let repeated = repeated_keys(job)?;
    if repeated.is_empty() {
        return Ok(doubles);
    }
    let spill = &world.spill;
    spill.together::<_, DecideError>(|| {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            if let Row::Record(record) = row
                && let Ok(key) = job.program.key(&Lent(record))
                && repeated.may_have(&key)
            {
                let is_left = job.program.skips(&Lent(record), world)?;
                let line = if is_left { record.line + LEFT } else { record.line };
                let cells = (0..job.object.columns.len()).map(|at| record.cell(at));
                spill.add_key(line, &key, digest(cells))?;
            }
        }
        spill.double_keys::<DecideError>(|line, first, is_same| {
            if line > LEFT {
                doubles.left.insert(line - LEFT);
                return Ok(());
            }
            doubles.double.insert(line);
            if is_same {
                doubles.same.insert(line);
            }
            firsts.insert(first);
            Ok(spill.add_double(line, first)?)
        })
    })?;
    let policy = &job.stage.policies.duplicate;
    let first_wins = matches!(policy, DuplicatePolicy::Quarantine | DuplicatePolicy::KeepFirst) || job.merges();
    if !first_wins && !doubles.double.is_empty() {
        doubles.double = preferred(job, world, &doubles.double, &firsts)?;
    }
    Ok(doubles)
}

/// Keys of the stage's object that more than one line may have. A forecast asks once for an object.
fn repeated_keys(job: &StageRun) -> Result<Arc<RepeatedKeys>, DecideError> {
    let object = &job.stage.source_object;
    let forecast = job.context.outcomes.forecast();
    if let Some(known) = forecast.and_then(|forecast| forecast.repeated_keys(object)) {
        return Ok(known);
    }
    let mut repeats = Repeats::in_folder(&job.context.work);
    let mut records = job.context.export.records(object)?;
    while let Some(row) = records.next()? {
        if let Row::Record(record) = row
            && let Ok(key) = job.program.key(&Lent(record))
        {
            repeats.add(&key)?;
        }
    }
    let repeated = Arc::new(repeats.find()?);
    if let Some(forecast) = forecast {
        forecast.keep_repeated_keys(object, &repeated);
    }
    Ok(repeated)
}

/// The same lines by the policy's choice: every line of a key but the one that it prefers.
fn preferred(job: &StageRun, world: &RecordLookup, double: &RowSet, firsts: &RowSet) -> Result<RowSet, DecideError> {
    let (policy, spill) = (&job.stage.policies.duplicate, &world.spill);
    let mut losers = RowSet::default();
    spill.together::<_, DecideError>(|| {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let first = match (firsts.contains(record.line), double.contains(record.line)) {
                (true, _) => record.line,
                (_, true) => spill.kept_instead(record.line)?.unwrap_or(record.line),
                _ => continue,
            };
            let by = policy.sort_column().map_or(Sort::Null, |column| {
                job.program.column_value(&Lent(record), column).map_or(Sort::Null, |value| sort(&value))
            });
            spill.add_rival(first, record.line, &by)?;
        }
        spill.forget_doubles()?;
        spill.rivals::<DecideError>(|mut rivals| {
            rivals.sort_by(|a, b| duplicates::prefer(policy, (a.0, &a.1), (b.0, &b.1)));
            let Some((kept, _)) = rivals.first() else { return Ok(()) };
            for (line, _) in rivals.iter().skip(1) {
                losers.insert(*line);
                spill.add_double(*line, *kept)?;
            }
            Ok(())
        })
    })?;
    Ok(losers)
}

/// Context of classifying one row.
struct Seen<'s> {
    job: &'s StageRun,
    world: &'s RecordLookup,
    doubles: &'s Doubles,
    resumed: bool,
    /// Identities as they are spelt, where a forecast tells of those that are nearly one.
    spellings: Option<&'s RefCell<Spellings>>,
    /// A link or a deferred field may keep a record out.
    may_be_kept_out: bool,
}

impl Seen<'_> {
    /// Takes a row in; says whether the journal has its record already.
    fn row(
        &self,
        line: u64,
        cells: &dyn Cells,
        look: &mut Classification,
        aside: &mut OutcomeRecorder<'_>,
    ) -> Result<bool, DecideError> {
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
                let subject = Subject { key: &key, source_key: "", line };
                // What a rule leaves behind needs no key.
                match claim {
                    Claim::Skip { reason } => aside.skip(world, subject, &SkipReason::Rule(reason))?,
                    _ => aside.quarantine(world, subject, &QuarantineReason::NoKey(reasons(failures)))?,
                }
                return Ok(false);
            }
        };
        if is_distinct && !world.spill.add_distinct(&key)? {
            return Ok(false);
        }
        look.read += 1;
        let subject = Subject { key: &key, source_key: &key, line };
        if self.doubles.double.contains(line)
            && let Some(kept) = world.spill.kept_instead(line)?
        {
            let odd = odd_key(&key, line);
            let subject = Subject { key: &odd, ..subject };
            return self.double_key(subject, kept, look, aside).map(|()| false);
        }
        match claim {
            Claim::Skip { reason } => {
                let odd = odd_key(&key, line);
                let subject = if self.doubles.left.contains(line) { Subject { key: &odd, ..subject } } else { subject };
                aside.skip(world, subject, &SkipReason::Rule(reason)).map(|()| false)
            }
            Claim::Fails(failures) => {
                aside.quarantine(world, subject, &QuarantineReason::Check(reasons(failures))).map(|()| false)
            }
            Claim::Nobody => {
                let reason = QuarantineReason::NoMap { object: job.object.name.clone() };
                aside.quarantine(world, subject, &reason).map(|()| false)
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
    fn double_key(
        &self,
        subject: Subject<'_>,
        kept: u64,
        look: &mut Classification,
        aside: &mut OutcomeRecorder<'_>,
    ) -> Result<(), DecideError> {
        let job = self.job;
        // What says the same in every column is one record, written once.
        let same = self.doubles.same.contains(subject.line);
        match job.stage.policies.duplicate {
            _ if same => aside.skip(self.world, subject, &SkipReason::SameKey { kept, same }),
            // Rows of one key cannot be told apart later, so they are not merged either.
            DuplicatePolicy::Quarantine | DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. } => {
                let reason = QuarantineReason::SameKey { kept, file: job.file.clone() };
                aside.quarantine(self.world, subject, &reason)
            }
            // Settled once its values were held against those of the row that is kept.
            _ if !self.job.takes(subject.line) || self.is_settled(subject.key)? => Ok(()),
            _ => {
                let row = GivenWay { line: subject.line, key: subject.key.to_owned(), kept, is_double: true };
                given_way::remember(self.world, &mut look.rivals, &row)
            }
        }
    }

    fn is_settled(&self, key: &str) -> Result<bool, DecideError> {
        Ok(self.resumed && self.world.reader.id_of(self.job.step, key)?.is_some())
    }

    /// Notes what a record shares that stays out: a forecast tells of these too.
    fn shadow(&self, subject: Subject<'_>, cells: &dyn Cells) -> Result<(), DecideError> {
        let (job, world) = (self.job, self.world);
        if job.context.outcomes.forecast().is_none() {
            return Ok(());
        }
        let partial = job.program.fields_apart(cells, world, Pass::First)?;
        let by = self.sorted_by(cells);
        for (path, value) in job.identities_of_values(&partial.evaluated.values) {
            world.spill.add_shadow(path, &value, subject.line, (subject.key, &by))?;
        }
        Ok(())
    }

    /// Value that the policy for duplicates sorts a record by.
    fn sorted_by(&self, cells: &dyn Cells) -> Sort {
        self.job.stage.policies.duplicate.sort_column().map_or(Sort::Null, |column| {
            self.job.program.column_value(cells, column).map_or(Sort::Null, |value| sort(&value))
        })
    }

    /// Failure of the value that the policy for duplicates sorts a record by.
    fn unordered(&self, cells: &dyn Cells) -> Option<Failure> {
        let column = self.job.stage.policies.duplicate.sort_column()?;
        let failure = self.job.program.column_value(cells, column).err()?;
        let reason = format!("{}, and `on duplicate` tells by it which of several records counts", failure.reason);
        Some(Failure { reason, ..failure })
    }

    /// Notes what the record shares with others; false where it cannot be written.
    fn admit(
        &self,
        subject: Subject<'_>,
        cells: &dyn Cells,
        aside: &mut OutcomeRecorder<'_>,
    ) -> Result<bool, DecideError> {
        let (job, world) = (self.job, self.world);
        if job.looks_at_values() {
            let kept_out = self.kept_out(cells)?;
            world.take_owned();
            let failed = match (evaluate::fields(job, world, cells)?, kept_out) {
                (Outcome::Skip { reason }, _) | (_, Outcome::Skip { reason }) => {
                    aside.skip(world, subject, &SkipReason::Rule(reason))?;
                    return Ok(false);
                }
                (Outcome::Quarantine(mut failures), Outcome::Quarantine(more)) => {
                    failures.extend(more);
                    Some(failures)
                }
                (Outcome::Quarantine(failures), _) | (_, Outcome::Quarantine(failures)) => Some(failures),
                (Outcome::Ready(evaluated), Outcome::Ready(())) => {
                    match self.identified(subject.line, cells, &evaluated)? {
                        Err(failures) => Some(failures),
                        Ok(identities) => {
                            if !self.is_wanted(subject, &identities, aside)? {
                                return Ok(false);
                            }
                            for (path, value) in identities {
                                if let Some(spellings) = self.spellings.filter(|_| path < job.identities.matching) {
                                    spellings.borrow_mut().add(path, &value, subject.line);
                                }
                                world.spill.add_identity(path, &value, subject.line)?;
                            }
                            None
                        }
                    }
                }
            };
            if let Some(failures) = failed {
                self.shadow(subject, cells)?;
                aside.quarantine(world, subject, &QuarantineReason::Values(reasons(failures)))?;
                return Ok(false);
            }
        }
        if job.looks_at_values() || job.refers_to_itself() {
            world.spill.add_record(subject.line, subject.key, &self.sorted_by(cells))?;
        }
        if job.quarantines_cycles() {
            world.take_asked();
            job.program.each_deferred::<DecideError>(cells, world, |index| {
                for parent in world.take_asked() {
                    world.spill.add_field_edge(index, subject.line, &parent)?;
                }
                Ok(())
            })?;
        }
        Ok(true)
    }
}

impl Seen<'_> {
    /// Reason of links and deferred fields to keep a record out: one that is not written has no part in what records share. References to the stage itself count as
    /// found.
    fn kept_out(&self, cells: &dyn Cells) -> Result<Outcome<()>, DecideError> {
        if !self.may_be_kept_out {
            return Ok(Outcome::Ready(()));
        }
        let evaluator = Evaluator { job: self.job, world: self.world, has_existing: false, takes_fields: false };
        let others = evaluator.others(cells, None)?;
        self.world.take_asked();
        Ok(match others {
            Outcome::Ready(_) => Outcome::Ready(()),
            Outcome::Skip { reason } => Outcome::Skip { reason },
            Outcome::Quarantine(failures) => Outcome::Quarantine(failures),
        })
    }
}

/// Identities of a record by their positions, or the failures of its values.
type Identified = Result<Vec<(usize, String)>, Vec<Failure>>;

impl Seen<'_> {
    /// The identities of a record whose value can be read by which the policy for duplicates sorts it: nobody can say which of two is newer where the day of one
    /// cannot.
    fn identified(&self, line: u64, cells: &dyn Cells, evaluated: &Evaluated<'_>) -> Result<Identified, DecideError> {
        match self.unordered(cells) {
            Some(failure) => Ok(Err(vec![failure])),
            None => self.identities(line, evaluated),
        }
    }

    /// The identities of a record, the failures where its values cannot be written. Its fields are kept for the second pass where they stay as they are.
    fn identities(&self, line: u64, evaluated: &Evaluated<'_>) -> Result<Identified, DecideError> {
        let (job, world) = (self.job, self.world);
        if !hands_fields_on(job) {
            return Ok(job.encode(&evaluated.values).map(|body| job.identities_of(&body)));
        }
        let mut fields = match evaluate::computed(job, evaluated) {
            Ok(fields) => fields,
            Err(failures) => return Ok(Err(failures)),
        };
        if let Some(told) = &mut fields.told {
            told.owned = world.take_owned();
        }
        fields.identities = job.identities_of_values(&evaluated.values);
        world.add_fields(line, &fields)?;
        Ok(Ok(fields.identities))
    }

    /// False where no field of `match` has a value and the map leaves such records out.
    fn is_wanted(
        &self,
        subject: Subject<'_>,
        identities: &[(usize, String)],
        aside: &mut OutcomeRecorder<'_>,
    ) -> Result<bool, DecideError> {
        let matching = self.job.identities.matching;
        if identities.iter().any(|(path, _)| *path < matching) {
            return Ok(true);
        }
        let names: Vec<String> = (0..matching).map(|path| self.job.identities.name(path)).collect();
        match self.job.stage.policies.unidentified {
            UnidentifiedPolicy::Create => return Ok(true),
            UnidentifiedPolicy::Skip => {
                let reason = SkipReason::Rule(format!("it is not identified: {} is empty", names.join(" and ")));
                aside.skip(self.world, subject, &reason)?;
            }
            UnidentifiedPolicy::Quarantine => {
                let reason = "there is no value, and nothing else identifies the record (`on unidentified quarantine`)";
                let failures = names.into_iter().map(|field| Reason::new(ReasonCode::Q203, field, reason.to_owned()));
                aside.quarantine(self.world, subject, &QuarantineReason::Values(failures.collect()))?;
            }
        }
        Ok(false)
    }
}

/// Records that are named where several could be meant.
const CANDIDATES: usize = 5;

/// Decides about records that would become one.
fn share(
    job: &StageRun,
    world: &RecordLookup,
    look: &mut Classification,
    aside: &mut OutcomeRecorder<'_>,
) -> Result<(), DecideError> {
    let policy = &job.stage.policies.duplicate;
    let matching = job.identities.matching;
    let names: Vec<String> = (0..matching).map(|path| job.identities.name(path)).collect();
    let names = names.join(" or ");
    world.spill.together::<_, DecideError>(|| {
        duplicates::join(&world.spill, matching, |it| {
            let Some((key, _)) = world.spill.record(it.line)? else { return Ok(()) };
            let mut candidates = Vec::new();
            for line in it.candidates.iter().take(CANDIDATES) {
                let (key, _) = world.spill.record(*line)?.unwrap_or((String::new(), Sort::Null));
                candidates.push((shown(&key), *line));
            }
            let records = it.candidates.len();
            let reason = QuarantineReason::Ambiguous { path: it.path, candidates, records };
            aside.quarantine(world, Subject { key: &key, source_key: &key, line: it.line }, &reason)?;
            world.spill.remove_record(it.line)?;
            look.pending.remove(it.line);
            Ok(())
        })?;
        duplicates::each(&world.spill, policy, |family| {
            let Some((first_line, first)) = family.members.first() else { return Ok(()) };
            for (line, key) in family.members.iter().skip(1) {
                if *policy == DuplicatePolicy::Quarantine {
                    let reason =
                        QuarantineReason::Duplicate { names: names.clone(), first: first.clone(), line: *first_line };
                    aside.quarantine(world, Subject { key, source_key: key, line: *line }, &reason)?;
                    world.spill.remove_record(*line)?;
                    look.pending.remove(*line);
                } else {
                    world.spill.add_loser(*line, key, first)?;
                    if !job.merges() {
                        look.pending.remove(*line);
                        if !look.resumed || world.reader.id_of(job.step, key)?.is_none() {
                            let row = GivenWay { line: *line, key: key.clone(), kept: *first_line, is_double: false };
                            given_way::remember(world, &mut look.rivals, &row)?;
                        }
                    }
                }
            }
            if job.merges() {
                for (line, _) in &family.members {
                    look.merging.insert(*line);
                }
                world.spill.add_family(&family.members)?;
            }
            Ok(())
        })?;
        Ok(())
    })
}

/// Records that share an identity, as a forecast tells of them.
#[derive(Debug)]
struct Group {
    path: usize,
    value: String,
    members: Vec<Sharing>,
}

/// Groups of records that share an identity, each in the order in which the policy prefers its records.
fn groups(job: &StageRun, world: &RecordLookup) -> Result<Vec<Group>, DecideError> {
    let policy = &job.stage.policies.duplicate;
    let mut groups = Vec::new();
    world.spill.shared::<DecideError>(|path, value, mut members| {
        if path < job.identities.matching {
            members.sort_by(|a, b| duplicates::prefer(policy, (a.line, &a.sort), (b.line, &b.sort)));
        }
        groups.push(Group { path, value: value.to_owned(), members });
        Ok(())
    })?;
    Ok(groups)
}

/// Identities of several spellings, with the values of the pairs that are shown.
fn spelt_otherwise(world: &RecordLookup, spellings: Spellings) -> Result<Vec<Alike<Spelt>>, DecideError> {
    let mut all = Vec::new();
    for Alike { path, records, pairs } in spellings.alike() {
        let value = |line: u64| Ok::<_, DecideError>((world.spill.identity_at(path, line)?.unwrap_or_default(), line));
        let pairs = pairs.into_iter().map(|[one, other]| Ok([value(one)?, value(other)?]));
        all.push(Alike { path, records, pairs: pairs.collect::<Result<_, DecideError>>()? });
    }
    Ok(all)
}

/// Tells a forecast what became of records that share an identity.
fn tell(
    step: StepId,
    world: &RecordLookup,
    look: &Classification,
    forecast: &Forecast,
    group: Group,
) -> Result<(), DecideError> {
    let is_there = |key: Option<&str>| {
        let outcome = key.map(|key| forecast.outcome(step, key)).transpose()?.flatten();
        Ok::<_, DecideError>(outcome.is_some_and(|outcome| outcome.id.is_some()))
    };
    let mut members = Vec::with_capacity(group.members.len());
    for member in group.members {
        let role = if member.is_out || look.out.contains(member.line) {
            Role::Out
        } else if let Some(survivor) = world.spill.winner_of(member.line)? {
            Role::Follows(survivor)
        } else if look.pending.contains(member.line) {
            Role::Stays
        } else if is_there(member.key.as_deref())? {
            // A run that ended early made it.
            Role::Stays
        } else if look.skipped.contains(member.line) {
            Role::Skipped
        } else {
            Role::Quarantined
        };
        members.push(Member { line: member.line, key: member.key.unwrap_or_default(), role });
    }
    forecast.shared(step, group.path, &group.value, &members)
}

/// Quarantines records that are circular: a circle is one of one field.
fn circles(
    job: &StageRun,
    world: &RecordLookup,
    look: &mut Classification,
    aside: &mut OutcomeRecorder<'_>,
) -> Result<(), DecideError> {
    let key = |line: u64| Ok::<_, DecideError>(world.spill.record(line)?.map(|(key, _)| key));
    world.spill.draw_arcs()?;
    let deferred = job.stage.fields.iter().enumerate().filter(|(_, field)| field.deferred);
    // One record may lie in circles of several fields: what is known of it stays until all are drawn.
    let mut out = RowSet::default();
    for (index, _) in deferred {
        cycles::each::<DecideError>(&world.spill.references(index), |circle| {
            let reason = QuarantineReason::Cycle(cycles::drawn(&circle, |line| {
                key(line).map(|key| shown(&key.unwrap_or_default()))
            })?);
            for line in circle.into_iter().filter(|line| look.pending.contains(*line)) {
                let Some(key) = key(line)?.filter(|_| !out.contains(line)) else { continue };
                aside.quarantine(world, Subject { key: &key, source_key: &key, line }, &reason)?;
                out.insert(line);
            }
            Ok(())
        })?;
    }
    out.iter().try_for_each(|line| take_out(world, look, line))
}

/// Takes a record out of those that are written. The others that it would be written with stay one, the preferred of them first.
pub(crate) fn take_out(world: &RecordLookup, look: &mut Classification, line: u64) -> Result<(), DecideError> {
    let spill = &world.spill;
    look.pending.remove(line);
    spill.remove_record(line)?;
    let Some((leader, _)) = spill.family_of(line)?.filter(|_| look.merging.contains(line)) else { return Ok(()) };
    look.merging.remove(line);
    let others: Vec<(u64, String)> = spill.family(leader)?.into_iter().filter(|(other, _)| *other != line).collect();
    spill.forget_family(leader)?;
    let Some(((first_line, first), followers)) = others.split_first() else { return Ok(()) };
    if followers.is_empty() {
        look.merging.remove(*first_line);
        return Ok(());
    }
    for (line, key) in followers {
        spill.add_loser(*line, key, first)?;
    }
    Ok(spill.add_family(&others)?)
}
