//! Report of one stage: what a forecast found in its records, as findings and counts.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use crate::wanted_schema;
use migr_journal::StepId;
use migr_plan::lock::LockedStage;
use migr_plan::{Plan, SourceObject, Stage};
use migr_transform::{Cells, Outcome, Pass, Program};

use super::AuditError;
use super::collector::Collector;
use super::export_lookup::ExportLookup;
use super::finding::{Finding, FindingKind, Severity, shown_key};
use super::lookup_plan::columns_read;
use super::masking::shown;
use super::names::folded_name;
use super::row_checks::{Fault, Inspector};
use super::survey::Place;
use migr_decide::decision::{QuarantineReason, Reason};
use migr_decide::forecast::{Forecast, Remark, Remarked};
use migr_decide::identities::Identities;
use migr_decide::odd_days::Oddity;

/// Records whose remarks are read together.
const TOGETHER: usize = 2_000;

/// Advice for a value that a record of the destination has and one alone may have.
const TAKEN: &str =
    "Behind the field `on taken none` leaves the value out, `on taken skip` the record; or change one of the two.";

/// Stage of which is reported.
pub(crate) struct StageReport<'r> {
    pub(crate) plan: &'r Plan,
    pub(crate) number: usize,
    pub(crate) step: StepId,
    pub(crate) stage: &'r Stage,
    pub(crate) place: Place<'r>,
    world: &'r ExportLookup<'r>,
    pub(crate) forecast: &'r Forecast,
    pub(crate) identities: Identities,
    /// The stage with nothing but the fields whose values become options.
    optional: Option<Program>,
    pub(crate) inspector: &'r Inspector<'r>,
    pub(crate) is_masked: bool,
    /// Remarks whose rows are still to come, the next ones of the forecast's.
    waiting: VecDeque<Remarked>,
    /// Days that records hardly mean, by field and oddity: how many, and the first with its line.
    odd_days: BTreeMap<(usize, Oddity), (u64, u64, String)>,
}

/// A record at work.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'s> {
    pub(crate) line: u64,
    pub(crate) key: &'s str,
    pub(crate) cells: &'s dyn Cells,
}

impl<'r> StageReport<'r> {
    pub(crate) fn new(
        plan: &'r Plan,
        (number, step, stage): (usize, StepId, &'r Stage),
        (object, file): (&'r SourceObject, &'r str),
        inspector: &'r Inspector<'r>,
        world: &'r ExportLookup<'r>,
        forecast: &'r Forecast,
    ) -> Result<Self, AuditError> {
        Ok(Self {
            plan,
            number,
            step,
            stage,
            is_masked: object.has_sensitive_key(),
            place: Place { object, file },
            world,
            forecast,
            waiting: forecast.remarks(step, 0, TOGETHER)?.into(),
            identities: Identities::of(stage).and(stage, forecast.unique_together(&stage.destination_object)),
            optional: wanted_schema::options_alone(plan, stage)
                .map(|stage| Program::compile(plan, &stage))
                .transpose()?,
            inspector,
            odd_days: BTreeMap::new(),
        })
    }

    /// Reports what a forecast remarked of the records up to a row; rows come in their order.
    pub(crate) fn row(
        &mut self,
        line: u64,
        cells: Option<&dyn Cells>,
        found: &mut Collector<'_>,
    ) -> Result<(), AuditError> {
        while self.waiting.front().is_some_and(|first| first.line <= line) {
            let Some(Remarked { line: at, key, remark }) = self.waiting.pop_front() else { break };
            if let Some(cells) = cells.filter(|_| at == line) {
                self.remark(Subject { line, key: &key, cells }, &remark, found)?;
            }
            if self.waiting.is_empty() {
                self.waiting = self.forecast.remarks(self.step, at, TOGETHER)?.into();
            }
        }
        Ok(())
    }

    /// Reports what was found of the records together; gives the counts.
    pub(crate) fn finish(&self, found: &mut Collector<'_>) -> Result<LockedStage, AuditError> {
        self.shared(found)?;
        self.spelt_otherwise(found)?;
        self.name_variants(found)?;
        self.tell_odd_days(found);
        let merges = self.stage.policies.duplicate.merges();
        Ok(self.forecast.tally(self.step, merges)?)
    }

    fn remark(&mut self, subject: Subject<'_>, remark: &Remark, found: &mut Collector<'_>) -> Result<(), AuditError> {
        match remark {
            Remark::Adjusted(reasons) => self.failures(subject, reasons, Severity::Warning, found),
            Remark::Blamed(reasons) => self.failures(subject, reasons, Severity::Error, found),
            Remark::Defaulted(reasons) => {
                self.tell(subject, reasons, (FindingKind::DefaultTaken, Severity::Note), found);
                Ok(())
            }
            Remark::Long(reasons) => {
                self.tell(subject, reasons, (FindingKind::LongText, Severity::Warning), found);
                Ok(())
            }
            Remark::OddDays(days) => {
                for day in days {
                    let first = || (0, subject.line, day.day.clone());
                    self.odd_days.entry((day.field, day.oddity)).or_insert_with(first).0 += 1;
                }
                Ok(())
            }
            Remark::There { id, action } => {
                found.add(self.there(subject, id, *action));
                Ok(())
            }
            Remark::Quarantined(reason) => self.quarantined(subject, reason, found),
        }
    }

    /// Days that records hardly mean, once for a field.
    fn tell_odd_days(&self, found: &mut Collector<'_>) {
        for ((field, oddity), (count, line, day)) in &self.odd_days {
            let Some(field) = self.stage.fields.get(*field) else { continue };
            let (days, births, lie) = if *count == 1 { ("day", "birth", "lies") } else { ("days", "births", "lie") };
            let name = format!("{}.{}", self.stage.destination_object, field.field);
            let day = shown(day, field.sensitive);
            let message = match oddity {
                Oddity::ToCome => format!("{count} {births} of `{name}` {lie} in the future, such as {day}"),
                Oddity::TooOld => format!("{count} {births} of `{name}` {lie} more than 130 years back, such as {day}"),
                Oddity::FarOff => format!("{count} {days} of `{name}` {lie} in years far from any, such as {day}"),
            };
            let finding = Finding::new(FindingKind::OddDay, Severity::Warning, message);
            let mut finding = finding.of(&self.place.object.name).at(self.place.file, *line).counting(*count);
            if let [column] = field.reads.as_slice() {
                finding = finding.in_column(column);
            }
            found.add(finding);
        }
    }

    /// Findings of a kind, one for each field that a remark names.
    fn tell(
        &self,
        subject: Subject<'_>,
        reasons: &[Reason],
        (kind, severity): (FindingKind, Severity),
        found: &mut Collector<'_>,
    ) {
        for Reason { field, reason, .. } in reasons {
            let finding = Finding::new(kind, severity, format!("{field}: {reason}"));
            let finding = finding.of(&self.place.object.name).at(self.place.file, subject.line);
            found.add(if self.is_masked { finding } else { finding.with_key(subject.key) });
        }
    }

    fn quarantined(
        &self,
        subject: Subject<'_>,
        reason: &QuarantineReason,
        found: &mut Collector<'_>,
    ) -> Result<(), AuditError> {
        let name = |path: usize| self.identities.name(path);
        let is_error = |fault: &Fault| fault.severity == Severity::Error;
        let mut twin = |kind, message: String| {
            found.add(self.twin_finding(kind, Severity::Error, message, subject.line, subject.key));
        };
        match reason {
            // Reported when the file was read, or with the group that shares the value.
            QuarantineReason::Malformed(_) | QuarantineReason::SameKey { .. } => return Ok(()),
            QuarantineReason::SurvivorQuarantined { survivor, .. } => {
                let survivor = if self.is_masked { String::new() } else { format!(" {}", shown_key(survivor)) };
                twin(
                    FindingKind::DuplicateIdentity,
                    format!("the record{survivor} that it is merged into will be quarantined, and it with that one"),
                );
            }
            QuarantineReason::Duplicate { .. } | QuarantineReason::Clash { .. } => {}
            QuarantineReason::SameThere { id, first, line } => {
                let first = if self.is_masked { String::new() } else { format!(" {}", shown_key(first)) };
                twin(
                    FindingKind::DuplicateIdentity,
                    format!(
                        "the destination's record {id} is a match of it and of the record{first} in line {line}; this one will be quarantined"
                    ),
                );
            }
            QuarantineReason::NoKey(failures) => {
                // A blank key was reported when the file was read.
                if self.stage.distinct.is_some() {
                    self.failures(Subject { key: "", ..subject }, failures, Severity::Error, found)?;
                }
                return Ok(());
            }
            QuarantineReason::Check(failures) => {
                if !self.inspector.inspect(subject.cells)?.iter().any(is_error) {
                    self.failures(subject, failures, Severity::Error, found)?;
                }
                return Ok(());
            }
            QuarantineReason::Values(failures) => {
                // Failures of other rows stand at their lines.
                let own: Vec<Reason> = failures.iter().filter(|failure| failure.row.is_none()).cloned().collect();
                self.failures(subject, &own, Severity::Error, found)?;
            }
            QuarantineReason::NoMap { .. } => {
                let help = "Add a map, or a `skip` rule with the reason.";
                let finding = Finding::new(FindingKind::BadValue, Severity::Error, "no map takes this record");
                let finding = finding.with_help(help).of(&self.place.object.name).at(self.place.file, subject.line);
                found.add(if self.is_masked { finding } else { finding.with_key(subject.key) });
                return Ok(());
            }
            QuarantineReason::Cycle(drawn) => {
                let drawn = if self.is_masked { String::new() } else { format!(": {drawn}") };
                twin(
                    FindingKind::ReferenceCycle,
                    format!("it is part of a circular reference{drawn}; it will be quarantined"),
                );
            }
            QuarantineReason::Several { path, records } => twin(
                FindingKind::ExistingTwin,
                format!(
                    "{records} records of the destination have its {}: it is not clear which is meant",
                    name(*path)
                ),
            ),
            QuarantineReason::Ambiguous { path, candidates, records } => {
                let named = match candidates.first() {
                    Some((key, line)) if !self.is_masked => format!(", {key} (line {line}) the first"),
                    _ => String::new(),
                };
                twin(
                    FindingKind::DuplicateIdentity,
                    format!(
                        "{records} records that are not one have its {}{named}: it is not clear which of them it is",
                        name(*path)
                    ),
                );
            }
            QuarantineReason::Taken { path, id, deleted } => {
                let (kind, place) = if *deleted {
                    (FindingKind::TrashedTwin, " in its trash")
                } else {
                    (FindingKind::ExistingTwin, "")
                };
                let message =
                    format!("the destination's record {id}{place} has its {}, which must be unique", name(*path));
                let finding = self.twin_finding(kind, Severity::Error, message, subject.line, subject.key);
                found.add(finding.with_help(TAKEN));
            }
            QuarantineReason::Trashed { id } => twin(
                FindingKind::TrashedTwin,
                format!("a match, {id}, lies in the destination's trash; it will be quarantined"),
            ),
            QuarantineReason::Referred { id, by, field } => twin(
                FindingKind::TrashedTwin,
                format!(
                    "a match, {id}, lies in the destination's trash and stays there, since {by} refers to it in `{field}`; it will be quarantined"
                ),
            ),
            QuarantineReason::Existing { id } => twin(
                FindingKind::ExistingTwin,
                format!("the destination has it already, as {id}; it will be quarantined"),
            ),
        }
        self.options(subject)
    }

    /// Notes which options the values of a record would become that is not written: a person wants to know of these too.
    fn options(&self, subject: Subject<'_>) -> Result<(), AuditError> {
        if let Some(program) = &self.optional
            && let Outcome::Ready(evaluated) = program.fields(subject.cells, self.world, Pass::First)?
        {
            for option in evaluated.created {
                self.forecast.option(option, (self.number, subject.line, subject.key));
            }
        }
        Ok(())
    }

    /// Names of a `map distinct` that differ in case, punctuation or legal form alone, with the line that would make them one.
    fn name_variants(&self, found: &mut Collector<'_>) -> Result<(), AuditError> {
        let Some(distinct) = &self.stage.distinct else { return Ok(()) };
        let read = columns_read(&distinct.value);
        let object = self.place.object;
        let is_sensitive = read.iter().any(|name| object.column(name).is_some_and(|column| column.sensitive));
        let mut failed = Ok(false);
        self.forecast.keys(self.step, |key, line| {
            if failed.is_ok() && !key.starts_with('\u{1f}') {
                failed = self.world.inventory.make(self.number, key, line, &folded_name(key));
            }
        })?;
        failed?;
        self.world.inventory.made_alike(self.number, |group| {
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

    /// Reports failures that no fault of a column explains.
    pub(crate) fn failures(
        &self,
        subject: Subject<'_>,
        failures: &[Reason],
        severity: Severity,
        found: &mut Collector<'_>,
    ) -> Result<(), AuditError> {
        self.explain(subject, failures, severity, found)
    }
}
