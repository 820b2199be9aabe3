//! Lookup over records held in memory, for the tests of a spec.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

use migr_plan::{Expr, Plan, ReasonCode, ReferenceTarget, SourceObject, Stage};

use crate::compile::Compiler;
use crate::evaluate::{Evaluator, KEY_SEPARATOR, Stop};
use crate::siblings::{Kinships, Sibling, settle};
use crate::text::comparable;
use crate::{
    Admission, Cells, CompileError, Evaluated, Failure, Linked, Lookup, LookupError, Outcome, OwnerFound, Pass,
    Program, Resolved, SpecTestError, Value,
};

/// A few records held in memory, with the plan's stages compiled: what a spec's tests run on. The id of a record in the destination is its source key; the
/// id of a member is its address.
#[derive(Debug)]
pub struct MemoryLookup<'p> {
    plan: &'p Plan,
    programs: Vec<Program>,
    records: BTreeMap<&'p str, Vec<Given>>,
    /// Outcome of each key that is written under no key of its own, by stage.
    settled: RefCell<BTreeMap<(String, String), Settled>>,
}

/// Outcome of a key that is written under no key of its own.
#[derive(Clone, Debug)]
enum Settled {
    /// The record of this key stands for it.
    Follows(String),
    /// Key whose record a rule leaves behind.
    Skipped,
    /// Key whose record is quarantined.
    Quarantined,
}

/// The cells of a given record, by position.
#[derive(Debug)]
struct Given(Vec<String>);

impl Cells for Given {
    fn cell(&self, column: usize) -> &str {
        self.0.cell(column)
    }
}

/// Outcome of one given record in one stage.
#[derive(Debug)]
pub struct Trial<'t> {
    /// The stage.
    pub program: &'t Program,
    /// The record's source key; for `map distinct`, its value.
    pub key: Result<String, Failure>,
    /// The values of both passes with the links, a skip, or the failures.
    pub outcome: Outcome<(Evaluated<'t>, Linked<'t>)>,
}

impl<'p> MemoryLookup<'p> {
    /// Compiles the plan's stages.
    pub fn new(plan: &'p Plan) -> Result<Self, CompileError> {
        let programs = plan.stages.iter().map(|stage| Program::compile(plan, stage)).collect::<Result<_, _>>()?;
        Ok(Self { plan, programs, records: BTreeMap::new(), settled: RefCell::default() })
    }

    /// Adds a source record, by the names of its columns; those that are not named are empty.
    pub fn give(&mut self, object: &str, cells: &[(&str, &str)]) -> Result<(), LookupError> {
        let object = self.object(object)?;
        let mut record = vec![String::new(); object.columns.len()];
        for (name, cell) in cells {
            let position = object.columns.iter().position(|column| column.name == *name);
            let slot = position.and_then(|at| record.get_mut(at));
            let slot = slot.ok_or_else(|| LookupError::new(format!("{} has no column `{name}`", object.name)))?;
            (*cell).clone_into(slot);
        }
        self.records.entry(&object.name).or_default().push(Given(record));
        Ok(())
    }

    /// Forgets the given records; the stages stay compiled.
    pub fn forget(&mut self) {
        self.records.clear();
    }

    /// The value of an expression that reads no column, such as one that a test expects.
    pub(crate) fn written(&self, expr: &Expr) -> Result<Result<Value<'static>, Failure>, SpecTestError> {
        let fault = |reason: String| CompileError { place: "an expected value".to_owned(), reason };
        let object =
            self.plan.source.objects.first().ok_or_else(|| fault("the plan has no source object".to_owned()))?;
        let mut compiler = Compiler::new(self.plan, object).map_err(fault)?;
        let node = compiler.node(expr).map_err(fault)?;
        let shared = compiler.into_shared();
        let record = Given(Vec::new());
        let value = match Evaluator::new(&shared, &record, self).value(&node) {
            Ok(value) => Ok(value.into_owned()),
            Err(Stop::Fault(fault) | Stop::Quarantine(fault)) => Err(fault.failure("", false)),
            Err(Stop::Skip(reason)) => Err(Failure { code: ReasonCode::Q104, field: String::new(), reason }),
            Err(Stop::Lookup(error)) => return Err(error.into()),
        };
        Ok(value)
    }

    /// Trials of each given record in each stage, in plan order; a stage that does not take a record has no trial of
    /// it, and a `map distinct` one for each value. Records that `judge` finds to be one are settled by the stage's policy, and
    /// references follow the one that counts.
    pub fn trials(&self, judge: &dyn Fn(&Stage, &[Sibling<'_>]) -> Kinships) -> Result<Vec<Trial<'_>>, LookupError> {
        self.settled.borrow_mut().clear();
        let mut all: Vec<Trial<'_>> = Vec::new();
        for program in &self.programs {
            let mut trials: Vec<Trial<'_>> = Vec::new();
            let mut order = Vec::new();
            for record in self.given(&program.stage().source_object) {
                let Some(trial) = self.trial(program, record)? else { continue };
                let is_known =
                    program.is_distinct() && trials.iter().any(|known| known.key.is_ok() && known.key == trial.key);
                if !is_known {
                    let column = program.stage().policies.duplicate.sort_column();
                    order.push(column.and_then(|column| Some(program.column_value(record, column).ok()?.into_owned())));
                    trials.push(trial);
                }
            }
            let siblings: Vec<Sibling<'_>> = trials
                .iter()
                .zip(order)
                .map(|(trial, by)| Sibling {
                    key: trial.key.as_deref().ok(),
                    values: match &trial.outcome {
                        Outcome::Ready((fields, _)) => Some(fields.values.as_slice()),
                        _ => None,
                    },
                    by,
                })
                .collect();
            let kin = judge(program.stage(), &siblings);
            drop(siblings);
            let followed = settle(program.stage(), &mut trials, &kin);
            self.keep(program.stage(), &trials, followed);
            all.extend(trials);
        }
        Ok(all)
    }

    /// Keeps what became of the keys of a stage, for the references to them.
    fn keep(&self, stage: &Stage, trials: &[Trial<'_>], followed: Vec<(String, String)>) {
        let mut settled = self.settled.borrow_mut();
        for trial in trials {
            let Ok(key) = &trial.key else { continue };
            // Of rows of one key the one that is written is the key's record.
            let is_written = |other: &Trial<'_>| {
                matches!(other.outcome, Outcome::Ready(_)) && other.key.as_ref().is_ok_and(|known| known == key)
            };
            if trials.iter().any(is_written) {
                continue;
            }
            let outcome = match &trial.outcome {
                Outcome::Ready(_) => continue,
                Outcome::Skip { .. } => Settled::Skipped,
                Outcome::Quarantine(_) => Settled::Quarantined,
            };
            settled.insert((stage.id.clone(), key.clone()), outcome);
        }
        let followed = followed.into_iter().map(|(key, leader)| ((stage.id.clone(), key), Settled::Follows(leader)));
        settled.extend(followed);
    }

    /// Outcome of a key of a stage; none where it is written under it, or the stage comes later.
    fn outcome_of(&self, stage: &str, key: &str) -> Option<Settled> {
        self.settled.borrow().get(&(stage.to_owned(), key.to_owned())).cloned()
    }

    /// Key of the record that a key stands for, or the reason why there is none.
    fn survivor(&self, stage: &str, key: String) -> Result<String, &'static str> {
        let (key, outcome) = match self.outcome_of(stage, &key) {
            Some(Settled::Follows(leader)) => (leader.clone(), self.outcome_of(stage, &leader)),
            outcome => (key, outcome),
        };
        match outcome {
            None | Some(Settled::Follows(_)) => Ok(key),
            Some(Settled::Skipped) => Err("it stayed behind by a written rule"),
            Some(Settled::Quarantined) => Err("it was quarantined"),
        }
    }

    /// Key of the record that a source record became part of; none where a rule left it out.
    fn becomes(&self, target: &ReferenceTarget, key: String) -> Option<String> {
        match target.stages.iter().find_map(|stage| self.outcome_of(stage, &key)) {
            None | Some(Settled::Quarantined) => Some(key),
            Some(Settled::Follows(leader)) => Some(leader),
            Some(Settled::Skipped) => None,
        }
    }

    fn trial<'t>(&'t self, program: &'t Program, record: &'t Given) -> Result<Option<Trial<'t>>, LookupError> {
        let quarantine = |failures| Outcome::Quarantine(failures);
        let outcome = match program.admit(record, self)? {
            Admission::NotMine => return Ok(None),
            Admission::Skip { reason } => Outcome::Skip { reason },
            Admission::Quarantine(failures) => quarantine(failures),
            Admission::Admit => self.evaluated(program, record)?,
        };
        let key = if program.is_distinct() {
            match program.distinct(record, self)? {
                Outcome::Ready(Some(key)) => Ok(key),
                _ => return Ok(None),
            }
        } else {
            program.key(record)
        };
        let outcome = match (&key, outcome) {
            (Err(failure), Outcome::Ready(_)) => quarantine(vec![failure.clone()]),
            (_, outcome) => outcome,
        };
        Ok(Some(Trial { program, key, outcome }))
    }

    fn evaluated<'t>(
        &'t self,
        program: &'t Program,
        record: &'t Given,
    ) -> Result<Outcome<(Evaluated<'t>, Linked<'t>)>, LookupError> {
        let mut failures = Vec::new();
        let (mut fields, mut links) = (Evaluated::default(), Linked::default());
        for pass in [Pass::First, Pass::Deferred] {
            match program.fields(record, self, pass)? {
                Outcome::Ready(more) => {
                    fields.values.extend(more.values);
                    fields.repairs.extend(more.repairs);
                    fields.orphans.extend(more.orphans);
                    fields.created.extend(more.created);
                }
                Outcome::Skip { reason } => return Ok(Outcome::Skip { reason }),
                Outcome::Quarantine(more) => failures.extend(more),
            }
        }
        match program.links(record, self)? {
            Outcome::Ready(linked) => links = linked,
            Outcome::Skip { reason } => return Ok(Outcome::Skip { reason }),
            Outcome::Quarantine(more) => failures.extend(more),
        }
        fields.values.sort_by_key(|(index, _)| *index);
        Ok(if failures.is_empty() { Outcome::Ready((fields, links)) } else { Outcome::Quarantine(failures) })
    }

    fn object(&self, name: &str) -> Result<&'p SourceObject, LookupError> {
        self.plan.source_object(name).ok_or_else(|| LookupError::new(format!("the plan has no source object {name}")))
    }

    fn given(&self, object: &str) -> &[Given] {
        self.records.get(object).map_or(&[], Vec::as_slice)
    }

    /// The given record that a key refers to; the first of several.
    fn referred(&self, target: &ReferenceTarget, key: &str) -> Result<Option<&Given>, LookupError> {
        Ok(self.all_referred(target, key)?.into_iter().next().map(|(_, record)| record))
    }

    /// The given records that a key refers to, with their numbers among those of their object.
    fn all_referred(&self, target: &ReferenceTarget, key: &str) -> Result<Vec<(usize, &Given)>, LookupError> {
        let object = self.object(&target.object)?;
        let columns: Vec<&str> = match &target.column {
            Some(column) => vec![column],
            None => object.key.iter().map(String::as_str).collect(),
        };
        let positions: Vec<usize> =
            columns.iter().filter_map(|name| object.columns.iter().position(|column| column.name == *name)).collect();
        let form = |text: &str| comparable(text, target.ignore_case, target.ignore_space).into_owned();
        let wanted = form(key);
        let all = self.given(&object.name).iter().enumerate().filter(|(_, record)| {
            let cells = positions.iter().map(|at| record.cell(*at).trim());
            form(&cells.collect::<Vec<_>>().join(&KEY_SEPARATOR.to_string())) == wanted
        });
        Ok(all.map(|(at, record)| (at + 1, record)).collect())
    }

    fn takes(&self, program: &Program, record: &Given) -> Result<bool, LookupError> {
        Ok(program.admit(record, self)? == Admission::Admit)
    }
}

impl Lookup for MemoryLookup<'_> {
    fn cell<'l>(
        &'l self,
        target: &ReferenceTarget,
        key: &str,
        column: &str,
    ) -> Result<Option<Cow<'l, str>>, LookupError> {
        let Some(record) = self.referred(target, key)? else { return Ok(None) };
        let object = self.object(&target.object)?;
        let position = object.columns.iter().position(|known| known.name == column);
        Ok(position.map(|at| Cow::Borrowed(record.cell(at))))
    }

    fn candidates(&self, target: &ReferenceTarget, key: &str) -> Result<Vec<String>, LookupError> {
        let found = self.all_referred(target, key)?;
        let object = self.object(&target.object)?;
        let key_of = |record: &Given| {
            let positions =
                object.key.iter().filter_map(|name| object.columns.iter().position(|column| column.name == *name));
            let cells: Vec<&str> = positions.map(|at| record.cell(at).trim()).collect();
            cells.join(&KEY_SEPARATOR.to_string())
        };
        let mut meant: Vec<(String, String)> = Vec::new();
        for (number, record) in found {
            if let Some(record) = self.becomes(target, key_of(record))
                && !meant.iter().any(|(known, _)| *known == record)
            {
                meant.push((record, format!("given {} {number}", object.name)));
            }
        }
        Ok(if meant.len() > 1 { meant.into_iter().map(|(_, place)| place).collect() } else { Vec::new() })
    }

    fn destination<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<Resolved<'l>, LookupError> {
        let stages = target.stages.iter().filter_map(|id| self.programs.iter().find(|known| known.stage().id == *id));
        let mut why = "it is not in the export";
        for program in stages {
            let object = Cow::Borrowed(program.stage().destination_object.as_str());
            if program.is_distinct() {
                for record in self.given(&target.object) {
                    if program.distinct(record, self)? == Outcome::Ready(Some(key.to_owned())) {
                        return Ok(Resolved::Found { object, id: Cow::Owned(key.to_owned()) });
                    }
                }
            } else if let Some(record) = self.referred(target, key)? {
                if self.takes(program, record)?
                    && let Ok(id) = program.key(record)
                {
                    match self.survivor(&program.stage().id, id) {
                        Ok(id) => return Ok(Resolved::Found { object, id: Cow::Owned(id) }),
                        Err(because) => why = because,
                    }
                    continue;
                }
                why = "no map takes it";
            }
        }
        Ok(Resolved::Missing { why: Cow::Borrowed(why) })
    }

    fn owner<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<OwnerFound<'l>, LookupError> {
        let Some(owners) = &self.plan.owners else {
            return Err(LookupError::new("the plan has no owners table"));
        };
        let object = Cow::Borrowed(owners.destination_object.as_str());
        let written = owners.overrides.iter().find(|pair| pair.source.trim().eq_ignore_ascii_case(key));
        if let Some(written) = written {
            return Ok(OwnerFound { object, id: Some(Cow::Borrowed(&written.destination)), orphan: false });
        }
        if self.referred(target, key)?.is_some() {
            return Ok(OwnerFound { object, id: Some(Cow::Owned(key.to_lowercase())), orphan: false });
        }
        Ok(OwnerFound { object, id: owners.fallback.as_deref().map(Cow::Borrowed), orphan: true })
    }

    fn existing<'l>(&'l self, _: &str, fields: &[(String, String)]) -> Result<Option<Cow<'l, str>>, LookupError> {
        let values: Vec<&str> = fields.iter().map(|(_, value)| value.as_str()).collect();
        Ok(Some(Cow::Owned(values.join(", "))))
    }
}
