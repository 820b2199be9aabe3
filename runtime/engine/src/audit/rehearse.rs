use std::fmt::Write as _;

use migr_extract::{Export, Row};
use migr_load::{Destination, Schema};
use migr_plan::lock::{FieldCount, LockedStage};
use migr_plan::{
    DuplicatePolicy, Expr, FieldMapping, FieldType, OnMissing, PicklistOtherwise, Plan, SourceObject, Stage,
};
use migr_transform::{Admission, Cells, Evaluated, Failure, Outcome, Pass, Program, Value};
use rusqlite::types::Value as Sort;

use super::finding::{Collector, Finding, FindingKind, Severity};
use super::identity::NewOptions;
use super::inspect::Inspector;
use super::names::folded_name;
use super::needs::{columns_read, has};
use super::preview::kept;
use super::scratch::Fate;
use super::shape::shown;
use super::survey::Place;
use super::world::World;
use super::{AuditError, AuditProgress};
use crate::cells::Lent;
use crate::identities::{Identities, sort, sort_column};

/// The live destination and its metadata.
#[derive(Clone, Copy)]
pub(crate) struct Live<'a> {
    pub(crate) destination: &'a dyn Destination,
    pub(crate) schema: &'a Schema,
}

/// One stage without its writes: what a run would make of every record.
pub(crate) struct Rehearsal<'r> {
    pub(crate) number: usize,
    pub(crate) stage: &'r Stage,
    pub(crate) object_number: usize,
    pub(crate) place: Place<'r>,
    pub(crate) export: &'r Export,
    pub(crate) world: &'r World<'r>,
    pub(crate) program: Program,
    /// The other stages that read the same object; only the first stage asks them.
    siblings: Vec<Program>,
    /// It accounts for rows that belong to no map.
    is_first: bool,
    pub(crate) identities: Identities,
    /// The stage with nothing but what its identities are made of, for records that cannot be written as a whole.
    reduced: Option<(Stage, Program)>,
    /// The stage with nothing but the fields whose values become options.
    optional: Option<Program>,
    pub(crate) inspector: &'r Inspector<'r>,
    pub(crate) live: Option<Live<'r>>,
    has_repeated: bool,
    pub(crate) is_masked: bool,
}

/// A record at work.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'s> {
    pub(crate) line: u64,
    pub(crate) key: &'s str,
    pub(crate) cells: &'s dyn Cells,
}

/// A rule leaves the record out because of its file.
struct Skips;

/// What became of a record so far.
enum Course {
    /// Not the stage's.
    Others,
    Clean,
    Skipped,
    SetAside,
}

impl<'r> Rehearsal<'r> {
    pub(crate) fn new(
        plan: &'r Plan,
        number: usize,
        object: (usize, &'r SourceObject, &'r str),
        inspector: &'r Inspector<'r>,
        world: &'r World<'r>,
        (export, live): (&'r Export, Option<Live<'r>>),
    ) -> Result<Option<Self>, AuditError> {
        let Some(stage) = plan.stages.get(number) else { return Ok(None) };
        let (object_number, object, file) = object;
        let same_object = || plan.stages.iter().filter(|other| other.source_object == stage.source_object);
        let first = same_object().find(|other| other.distinct.is_none()).or_else(|| same_object().next());
        let is_first = first.is_some_and(|first| first.id == stage.id);
        let mut siblings = Vec::new();
        if is_first {
            for other in same_object().filter(|other| other.id != stage.id && other.distinct.is_none()) {
                siblings.push(Program::compile(plan, other)?);
            }
        }
        Ok(Some(Self {
            number,
            stage,
            object_number,
            is_masked: object.key.iter().any(|key| object.column(key).is_some_and(|column| column.sensitive)),
            place: Place { object, file },
            export,
            world,
            program: Program::compile(plan, stage)?,
            siblings,
            is_first,
            reduced: reduced(stage)
                .map(|stage| Program::compile(plan, &stage).map(|program| (stage, program)))
                .transpose()?,
            optional: optional(plan, stage).map(|stage| Program::compile(plan, &stage)).transpose()?,
            identities: Identities::of(stage),
            inspector,
            live: live.filter(|live| live.schema.objects.contains_key(&stage.destination_object)),
            has_repeated: true,
        }))
    }

    /// Nothing of the object has a key that an earlier record has.
    pub(crate) fn without_repeated_keys(mut self, are_none: bool) -> Self {
        self.has_repeated = !are_none;
        self
    }

    /// Goes through the stage.
    pub(crate) fn run(
        &self,
        options: &mut NewOptions,
        progress: &dyn AuditProgress,
        found: &mut Collector<'_>,
    ) -> Result<LockedStage, AuditError> {
        progress.object(&self.place.object.name, &self.stage.id);
        self.world.reached(self.number);
        self.world.scratch.clear_identities()?;
        let mut tally = self.empty();
        let mut records = self.export.records(&self.place.object.name)?;
        let mut count = 0_u64;
        while let Some(row) = records.next()? {
            count += 1;
            if count.is_multiple_of(4_096) {
                progress.records(count);
            }
            match row {
                Row::Malformed { .. } if self.is_first => {
                    tally.read += 1;
                    tally.quarantine += 1;
                }
                Row::Malformed { .. } => {}
                Row::Record(record) => {
                    let line = record.line;
                    match self.record(line, &Lent(record), &mut tally, options, found)? {
                        Course::Others => {}
                        Course::Clean => tally.create += 1,
                        Course::Skipped => tally.skip += 1,
                        Course::SetAside => tally.quarantine += 1,
                    }
                }
            }
        }
        self.name_variants(found)?;
        if !self.identities.paths.is_empty() {
            self.world.scratch.index_identities()?;
            self.shared(&mut tally, found)?;
            if self.live.is_some() {
                self.twins(&mut tally, found)?;
            }
        }
        self.world.reached(self.number + 1);
        if !self.stage.deferred.is_empty() {
            self.second_pass(&mut tally, found)?;
        }
        Ok(tally)
    }

    /// Names of a `map distinct` that differ in case, punctuation or legal form alone, with the line that would make them one.
    fn name_variants(&self, found: &mut Collector<'_>) -> Result<(), AuditError> {
        let Some(distinct) = &self.stage.distinct else { return Ok(()) };
        let read = columns_read(&distinct.value);
        let object = self.place.object;
        let is_sensitive = read.iter().any(|name| object.column(name).is_some_and(|column| column.sensitive));
        self.world.scratch.made_alike(self.number, |group| {
            let Some(((canonical, line), variants)) = group.split_first() else { return };
            let names: Vec<String> =
                group.iter().map(|(name, line)| format!("{} (line {line})", shown(name, is_sensitive))).collect();
            let mut message = format!("{} may be one", names.join(", "));
            if !is_sensitive {
                let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
                let variants: Vec<String> = variants.iter().map(|(name, _)| quoted(name)).collect();
                let _ = write!(
                    message,
                    "; if they are, write in the map {}: same {} = {}",
                    self.stage.map,
                    quoted(canonical),
                    variants.join(" | ")
                );
            }
            let finding = Finding::new(FindingKind::NameVariants, Severity::Warning, message);
            let finding = finding.of(&object.name).at(self.place.file, *line);
            found.add(finding.counting(u64::try_from(group.len()).unwrap_or(u64::MAX)));
        })?;
        Ok(())
    }

    /// Counts of nothing yet.
    pub(crate) fn empty(&self) -> LockedStage {
        empty(self.stage)
    }

    fn record(
        &self,
        line: u64,
        cells: &dyn Cells,
        tally: &mut LockedStage,
        options: &mut NewOptions,
        found: &mut Collector<'_>,
    ) -> Result<Course, AuditError> {
        let admission = self.program.admit(cells, self.world)?;
        if admission == Admission::NotMine {
            return self.not_mine(line, cells, tally, found);
        }
        if matches!(admission, Admission::Skip { .. }) && !self.is_first {
            return Ok(Course::Others);
        }
        let key = match self.key(cells)? {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(Course::Others),
            Err(failures) => {
                tally.read += 1;
                // A blank key was reported when the file was read.
                if self.stage.distinct.is_some() {
                    self.failures(Subject { line, key: "", cells }, &failures, Severity::Error, found)?;
                }
                return Ok(Course::SetAside);
            }
        };
        if self.stage.distinct.is_some() && !self.world.scratch.make(self.number, &key, line, &folded_name(&key))? {
            return Ok(Course::Others);
        }
        tally.read += 1;
        let subject = Subject { line, key: &key, cells };
        if self.stage.distinct.is_none()
            && self.has_repeated
            && self.world.scratch.is_repeated(self.object_number, line)?
        {
            return Ok(match self.stage.policies.duplicate {
                DuplicatePolicy::Quarantine
                | DuplicatePolicy::MergeNewest { .. }
                | DuplicatePolicy::MergeOldest { .. } => Course::SetAside,
                _ => Course::Skipped,
            });
        }
        match admission {
            Admission::Skip { .. } => return self.leaves(&key, Fate::Skipped),
            Admission::Quarantine(failures) => {
                if self.inspector.inspect(cells)?.is_empty() {
                    self.failures(subject, &failures, Severity::Error, found)?;
                }
                return self.leaves(&key, Fate::Quarantined);
            }
            Admission::Admit | Admission::NotMine => {}
        }
        let evaluated = match self.program.fields(cells, self.world, Pass::First)? {
            Outcome::Ready(evaluated) => evaluated,
            Outcome::Skip { .. } => return self.leaves(&key, Fate::Skipped),
            Outcome::Quarantine(failures) => {
                self.failures(subject, &failures, Severity::Error, found)?;
                count_failed(&failures, tally);
                self.look_in_part(subject, options)?;
                return self.leaves(&key, Fate::Quarantined);
            }
        };
        let (missing, left_out) = match self.files(&evaluated) {
            Ok(files) => files,
            Err(Skips) => return self.leaves(&key, Fate::Skipped),
        };
        if !missing.is_empty() {
            self.failures(subject, &missing, Severity::Error, found)?;
            count_failed(&missing, tally);
            self.look_in_part(subject, options)?;
            return self.leaves(&key, Fate::Quarantined);
        }
        if let Err(failures) = self.identify(subject, &evaluated)? {
            self.failures(subject, &failures, Severity::Error, found)?;
            count_failed(&failures, tally);
            return self.leaves(&key, Fate::Quarantined);
        }
        let linked = match self.program.links(cells, self.world)? {
            Outcome::Ready(linked) => linked,
            Outcome::Skip { .. } => return self.leaves(&key, Fate::Skipped),
            Outcome::Quarantine(failures) => {
                self.failures(subject, &failures, Severity::Error, found)?;
                return self.leaves(&key, Fate::Quarantined);
            }
        };
        tally.links += linked.links.iter().map(|(_, targets)| count(targets.len())).sum::<u64>();
        let repairs: Vec<Failure> = evaluated
            .repairs
            .iter()
            .chain(&linked.repairs)
            .map(|repair| Failure { field: repair.field.clone(), reason: repair.reason.clone() })
            .chain(left_out)
            .collect();
        if !repairs.is_empty() {
            tally.repaired += 1;
            self.failures(subject, &repairs, Severity::Warning, found)?;
            for repair in &repairs {
                if let Some(field) = field_count(&repair.field, tally) {
                    field.repaired += 1;
                }
            }
        }
        tally.orphans += u64::from(!evaluated.orphans.is_empty() || !linked.orphans.is_empty());
        for (index, value) in &evaluated.values {
            if let Some(field) = tally.fields.get_mut(*index)
                && !matches!(value, Value::None | Value::Default)
            {
                field.filled += 1;
            }
        }
        for option in evaluated.created {
            options.add(option, true, (self.number, line, &key));
        }
        Ok(Course::Clean)
    }

    fn leaves(&self, key: &str, fate: Fate) -> Result<Course, AuditError> {
        self.world.scratch.set_fate(self.number, key, fate, None)?;
        Ok(match fate {
            Fate::Skipped => Course::Skipped,
            Fate::NotMine => Course::Others,
            Fate::Quarantined | Fate::Follower => Course::SetAside,
        })
    }

    /// A record that the stage does not take; one that no stage takes is set aside by the first.
    fn not_mine(
        &self,
        line: u64,
        cells: &dyn Cells,
        tally: &mut LockedStage,
        found: &mut Collector<'_>,
    ) -> Result<Course, AuditError> {
        let key = self.inspector.key(cells);
        if self.stage.distinct.is_some() {
            return Ok(Course::Others);
        }
        if !key.is_empty() {
            self.world.scratch.set_fate(self.number, &key, Fate::NotMine, None)?;
        }
        if !self.is_first {
            return Ok(Course::Others);
        }
        for sibling in &self.siblings {
            if sibling.admit(cells, self.world)? != Admission::NotMine {
                return Ok(Course::Others);
            }
        }
        tally.read += 1;
        let message = "no map takes this record";
        let help = "Add a map, or a `skip` rule with the reason.";
        let finding = Finding::new(FindingKind::BadValue, Severity::Error, message).with_help(help);
        let finding = finding.of(&self.place.object.name).at(self.place.file, line);
        found.add(if self.is_masked { finding } else { finding.with_key(&key) });
        Ok(Course::SetAside)
    }

    /// The record's key: the value, for a distinct stage, where a record without one is none.
    fn key(&self, cells: &dyn Cells) -> Result<Result<Option<String>, Vec<Failure>>, AuditError> {
        if self.stage.distinct.is_none() {
            return Ok(self.program.key(cells).map(Some).map_err(|failure| vec![failure]));
        }
        Ok(match self.program.distinct(cells, self.world)? {
            Outcome::Ready(value) => Ok(value),
            Outcome::Skip { .. } => Ok(None),
            Outcome::Quarantine(failures) => Err(failures),
        })
    }

    /// Files that the record should carry and that cannot be sent: those that set it aside, and those that a rule leaves out.
    fn files(&self, evaluated: &Evaluated<'_>) -> Result<(Vec<Failure>, Vec<Failure>), Skips> {
        let (mut missing, mut left_out) = (Vec::new(), Vec::new());
        for (index, value) in &evaluated.values {
            let (Value::File(file), Some(field)) = (value, self.stage.fields.get(*index)) else { continue };
            let standing = self.inspector.standing(&file.path);
            let Some(reason) = standing.fault(&file.path, field.sensitive) else { continue };
            let failure = |reason| Failure { field: field.field.clone(), reason };
            match field.missing_file {
                OnMissing::Quarantine => missing.push(failure(reason)),
                OnMissing::None => left_out.push(failure(format!("left empty: {reason}"))),
                OnMissing::Skip => return Err(Skips),
            }
        }
        Ok((missing, left_out))
    }

    /// Notes what the record shares with others, and checks its native form where the destination is known.
    fn identify(
        &self,
        subject: Subject<'_>,
        evaluated: &Evaluated<'_>,
    ) -> Result<Result<(), Vec<Failure>>, AuditError> {
        let mut identities = Vec::new();
        if let Some(live) = self.live {
            let object = self.stage.destination_object.as_str();
            // What setup will create is not there to be checked against.
            let known: Vec<(&FieldMapping, &Value<'_>)> = evaluated
                .values
                .iter()
                .filter_map(|(index, value)| self.stage.fields.get(*index).map(|field| (field, value)))
                .filter(|(field, _)| !field.is_new && live.schema.field(object, &field.field).is_some())
                .filter(|(field, _)| !waits_for_setup(&field.ty))
                .collect();
            match live.destination.encode(object, &known) {
                Ok(body) => identities = self.identities.native(live.destination, object, &body),
                Err(failures) => return Ok(Err(failures)),
            }
        } else if !self.identities.paths.is_empty() {
            identities = self.identities.computed(self.stage, &evaluated.values);
        }
        if let Some(live) = self.live {
            for (path, value) in &identities {
                if self.world.scratch.is_existing(self.number, *path, value)? {
                    let fields = kept(live.destination, live.schema, self.stage, &evaluated.values)?;
                    self.world.scratch.keep(self.number, subject.line, &fields)?;
                    break;
                }
            }
        }
        self.add_identities(identities, subject)?;
        Ok(Ok(()))
    }

    /// Notes what a record that will be set aside shares with others, and which options its values would become: a person wants to know of these too.
    fn look_in_part(&self, subject: Subject<'_>, options: &mut NewOptions) -> Result<(), AuditError> {
        if let Some(program) = &self.optional
            && let Outcome::Ready(evaluated) = program.fields(subject.cells, self.world, Pass::First)?
        {
            for option in evaluated.created {
                options.add(option, false, (self.number, subject.line, subject.key));
            }
        }
        let Some((stage, program)) = &self.reduced else { return Ok(()) };
        let Outcome::Ready(evaluated) = program.fields(subject.cells, self.world, Pass::First)? else { return Ok(()) };
        let object = self.stage.destination_object.as_str();
        let fields: Vec<(&FieldMapping, &Value<'_>)> = evaluated
            .values
            .iter()
            .filter_map(|(index, value)| stage.fields.get(*index).map(|field| (field, value)))
            .collect();
        let body = self.live.and_then(|live| Some((live, live.destination.encode(object, &fields).ok()?)));
        let identities = match body {
            Some((known, body)) => self.identities.native(known.destination, object, &body),
            None => self.identities.computed(stage, &evaluated.values),
        };
        self.add_identities(identities, subject)
    }

    fn add_identities(&self, identities: Vec<(usize, String)>, subject: Subject<'_>) -> Result<(), AuditError> {
        if identities.is_empty() {
            return Ok(());
        }
        let by = sort_column(&self.stage.policies.duplicate).map_or(Sort::Null, |column| {
            self.program.column_value(subject.cells, column).map_or(Sort::Null, |value| sort(&value))
        });
        for (path, value) in identities {
            self.world.scratch.add_identity(path, &value, subject.line, subject.key, &by)?;
        }
        Ok(())
    }

    /// Fields that wait until all records are there.
    fn second_pass(&self, tally: &mut LockedStage, found: &mut Collector<'_>) -> Result<(), AuditError> {
        let mut records = self.export.records(&self.place.object.name)?;
        let mut lost: Vec<String> = Vec::new();
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let (line, cells) = (record.line, Lent(record));
            let Ok(Some(key)) = self.key(&cells)? else { continue };
            let is_out = self.world.scratch.fate(self.number, &key)?.is_some()
                || (self.has_repeated && self.world.scratch.is_repeated(self.object_number, line)?);
            if is_out || self.stage.distinct.is_some() {
                continue;
            }
            match self.program.fields(&cells, self.world, Pass::Deferred)? {
                Outcome::Ready(evaluated) => {
                    let mut is_written = false;
                    for (index, value) in &evaluated.values {
                        if let Some(field) = tally.fields.get_mut(*index)
                            && !matches!(value, Value::None | Value::Default)
                        {
                            field.filled += 1;
                            is_written = true;
                        }
                    }
                    tally.deferred += u64::from(is_written);
                }
                Outcome::Skip { .. } => {
                    tally.create = tally.create.saturating_sub(1);
                    tally.skip += 1;
                    lost.push(key);
                }
                Outcome::Quarantine(failures) => {
                    self.failures(Subject { line, key: &key, cells: &cells }, &failures, Severity::Error, found)?;
                    count_failed(&failures, tally);
                    tally.create = tally.create.saturating_sub(1);
                    tally.quarantine += 1;
                    lost.push(key);
                }
            }
        }
        for key in lost {
            self.world.scratch.set_fate(self.number, &key, Fate::Quarantined, None)?;
        }
        Ok(())
    }
}

/// The count of a field, or of the field that a part belongs to.
fn field_count<'t>(field: &str, tally: &'t mut LockedStage) -> Option<&'t mut FieldCount> {
    let name = field.split('.').next().unwrap_or_default();
    tally.fields.iter_mut().find(|count| count.field == name)
}

fn count_failed(failures: &[Failure], tally: &mut LockedStage) {
    for failure in failures {
        if let Some(field) = field_count(&failure.field, tally) {
            field.failed += 1;
        }
    }
}

/// The stage with the fields of its identities alone; none where it has no identity.
fn reduced(stage: &Stage) -> Option<Stage> {
    let identities = Identities::of(stage);
    let mut stage = stage.clone();
    let is_part = |field: &FieldMapping| {
        identities.paths.iter().flatten().any(|path| path.split('.').next() == Some(field.field.as_str()))
    };
    keep(&mut stage, is_part)
}

/// The stage with the fields alone whose values become options by `otherwise create`.
fn optional(plan: &Plan, stage: &Stage) -> Option<Stage> {
    let creates = |part: &Expr| {
        let Expr::Picklist { table, .. } = part else { return false };
        plan.picklist(table).is_some_and(|picklist| picklist.otherwise == PicklistOtherwise::Create)
    };
    keep(&mut stage.clone(), |field| has(&field.value, &creates))
}

fn keep(stage: &mut Stage, is_kept: impl Fn(&FieldMapping) -> bool) -> Option<Stage> {
    stage.fields.retain(|field| is_kept(field) && !field.deferred);
    stage.links.clear();
    stage.deferred.clear();
    (!stage.fields.is_empty()).then(|| stage.clone())
}

/// A stage whose object is not there.
pub(crate) fn empty(stage: &Stage) -> LockedStage {
    let fields = stage.fields.iter();
    LockedStage {
        id: stage.id.clone(),
        fields: fields
            .map(|field| FieldCount { field: field.field.clone(), filled: 0, repaired: 0, failed: 0 })
            .collect(),
        ..LockedStage::default()
    }
}

/// Options that setup adds are not there yet, and ids of records that are not there yet are made up here.
fn waits_for_setup(ty: &FieldType) -> bool {
    matches!(
        ty,
        FieldType::Select { .. } | FieldType::Multiselect { .. } | FieldType::Reference { .. } | FieldType::Many { .. }
    ) || matches!(ty, FieldType::Composite { parts, .. } if parts.iter().any(|part| waits_for_setup(&part.ty)))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
