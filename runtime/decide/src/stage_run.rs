//! One stage with what deciding about its records needs.

use std::sync::Arc;

use migr_connect::FileRule;
use migr_journal::StepId;
use migr_load::{Body, Map};
use migr_plan::{CyclePolicy, DuplicatePolicy, FieldMapping, ReasonCode, SourceObject, Stage};
use migr_transform::{Admission, Cells, Failure, Outcome, Program, Value};

use crate::files::Standard;
use crate::forecast::Forecast;
use crate::identities::Identities;
use crate::outcomes::DecisionContext;
use crate::record_lookup::RecordLookup;
use crate::record_write::RecordWrite;
use crate::{DecideError, Ids, expressions};

/// One stage with what its work needs.
#[derive(Clone, Debug)]
pub struct StageRun {
    /// Context of the decisions.
    pub context: DecisionContext,
    /// The stage.
    pub stage: Arc<Stage>,
    /// The source object.
    pub object: Arc<SourceObject>,
    /// The stage as a program.
    pub program: Arc<Program>,
    /// The other stages that read the same object; only the first stage asks them.
    siblings: Arc<Vec<Program>>,
    /// True where the stage accounts for rows that belong to no map.
    pub is_first: bool,
    /// Identities of its records.
    pub identities: Identities,
    /// The step of the stage's records.
    pub step: StepId,
    /// The stage's position in the plan.
    pub number: usize,
    /// A later stage writes records of the same object, and may find this one's by their values.
    pub is_met: bool,
    /// The export's file as it is shown; empty where an optional one is absent.
    pub file: String,
    /// Ids of its records.
    pub ids: Ids,
}

/// To whom a row belongs.
#[derive(Debug)]
pub enum Claim {
    /// To this stage.
    Mine,
    /// To another one, or it was accounted for there.
    Others,
    /// To none, and this stage accounts for it.
    Nobody,
    /// A written rule leaves it behind.
    Skip {
        /// The rule's reason.
        reason: String,
    },
    /// To this stage, but it cannot be written.
    Fails(Vec<Failure>),
}

impl StageRun {
    /// Prepares a stage.
    pub fn new(context: &DecisionContext, stage: &Stage, step: StepId) -> Result<Self, DecideError> {
        let plan = &context.plan;
        let object = plan.source_object(&stage.source_object).cloned().unwrap_or_else(|| SourceObject {
            name: stage.source_object.clone(),
            file: None,
            optional: true,
            key: Vec::new(),
            columns: Vec::new(),
            checks: Vec::new(),
            skips: Vec::new(),
            dropped: None,
            reference_only: false,
            retain: None,
            origin: stage.origin.clone(),
        });
        let same_object = || plan.stages.iter().filter(|other| other.source_object == stage.source_object);
        let first = same_object().find(|other| other.distinct.is_none()).or_else(|| same_object().next());
        let is_first = first.is_some_and(|first| first.id == stage.id);
        let mut siblings = Vec::new();
        if is_first {
            for other in same_object().filter(|other| other.id != stage.id && other.distinct.is_none()) {
                siblings.push(Program::compile(plan, other)?);
            }
        }
        let file = context.export.file(&stage.source_object).map(|file| file.shown().to_owned()).unwrap_or_default();
        let number = plan.stages.iter().position(|known| known.id == stage.id).unwrap_or_default();
        let mut later = plan.stages.iter().skip(number + 1);
        Ok(Self {
            context: context.clone(),
            object: Arc::new(object),
            program: Arc::new(Program::compile(plan, stage)?),
            siblings: Arc::new(siblings),
            is_first,
            identities: Identities::of(stage)
                .and(stage, context.destination.unique_together(&stage.destination_object)),
            number,
            is_met: later.any(|later| {
                later.destination_object == stage.destination_object && !Identities::of(later).paths.is_empty()
            }),
            step,
            file,
            ids: Ids::within(&plan.migration, context.outcomes.knowledge()?.project()?.as_deref()),
            stage: Arc::new(stage.clone()),
        })
    }

    /// True where a row is among those that are written now: all of them, but for a sample.
    pub fn takes(&self, line: u64) -> bool {
        self.context.slice.as_ref().is_none_or(|slice| slice.contains(&self.stage.id, line))
    }

    /// To whom a row belongs.
    pub fn claim(&self, cells: &dyn Cells, world: &RecordLookup) -> Result<Claim, DecideError> {
        Ok(match self.program.admit(cells, world)? {
            Admission::Admit => Claim::Mine,
            Admission::Quarantine(failures) => Claim::Fails(failures),
            Admission::Skip { reason } if self.is_first => Claim::Skip { reason },
            Admission::Skip { .. } => Claim::Others,
            Admission::NotMine if !self.is_first || self.stage.distinct.is_some() => Claim::Others,
            Admission::NotMine => {
                for sibling in self.siblings.iter() {
                    if sibling.admit(cells, world)? != Admission::NotMine {
                        return Ok(Claim::Others);
                    }
                }
                Claim::Nobody
            }
        })
    }

    /// Fields that leave something of a row's values, where a forecast wants to know.
    pub fn cut(&self, cells: &dyn Cells, world: &RecordLookup) -> Result<Vec<usize>, DecideError> {
        Ok(match self.context.outcomes.forecast() {
            Some(_) => self.program.cut(cells, world)?,
            None => Vec::new(),
        })
    }

    /// The key of a row: the value, for a distinct stage.
    pub fn key(&self, cells: &dyn Cells, world: &RecordLookup) -> Result<Result<String, Vec<Failure>>, DecideError> {
        if self.stage.distinct.is_none() {
            return Ok(self.program.key(cells).map_err(|failure| vec![failure]));
        }
        Ok(match self.program.distinct(cells, world)? {
            Outcome::Ready(Some(value)) => Ok(value),
            Outcome::Ready(None) => Ok(String::new()),
            Outcome::Skip { reason } => Err(vec![Failure { code: ReasonCode::Q104, field: String::new(), reason }]),
            Outcome::Quarantine(failures) => Err(failures),
        })
    }

    /// Values with their fields, by index in the stage's fields.
    fn of_fields<'v, 'a>(&'v self, values: &'v [(usize, Value<'a>)]) -> Vec<(&'v FieldMapping, &'v Value<'a>)> {
        let of_field =
            |(index, value): &'v (usize, Value<'a>)| self.stage.fields.get(*index).map(|field| (field, value));
        values.iter().filter_map(of_field).collect()
    }

    /// The native body of values, by index in the stage's fields.
    pub fn encode(&self, values: &[(usize, Value<'_>)]) -> Result<Map, Vec<Failure>> {
        let fields = self.of_fields(values);
        self.context.destination.encode(&self.stage.destination_object, &fields)
    }

    /// The same, as the text that is sent.
    pub fn encode_text(&self, values: &[(usize, Value<'_>)]) -> Result<Body, Vec<Failure>> {
        let fields = self.of_fields(values);
        self.context.destination.encode_text(&self.stage.destination_object, &fields)
    }

    /// The same, as far as somebody will look at it: of a forecast only where a later stage may find the record by it. The values are checked all the same. With it
    /// come the values that it leaves out or replaces by a rule, each with the reason.
    pub fn body(&self, values: &[(usize, Value<'_>)]) -> Result<(Body, Vec<Failure>), Vec<Failure>> {
        let (destination, object) = (&self.context.destination, &self.stage.destination_object);
        let fields = self.of_fields(values);
        let body = if self.needs_bodies() {
            destination.encode_text(object, &fields)?
        } else {
            destination.check(object, &fields).map(|()| Body::default())?
        };
        Ok((body, destination.adjusts(object, &fields)))
    }

    /// True where the bodies of its records are sent, or looked at by a later stage of a forecast.
    pub fn needs_bodies(&self) -> bool {
        self.is_met || self.context.outcomes.forecast().is_none()
    }

    /// True where records of the stage must be checked against those that the deferred step refers to.
    pub fn refers_to_itself(&self) -> bool {
        expressions::refers_to_itself(&self.stage)
    }

    /// True where records with circular references are quarantined.
    pub fn quarantines_cycles(&self) -> bool {
        self.stage.policies.cycle == CyclePolicy::Quarantine && self.refers_to_itself()
    }

    /// True where records that would become one are written as one.
    pub fn merges(&self) -> bool {
        self.stage.policies.duplicate.merges()
    }

    /// The identities that a body or a found record has.
    pub fn identities_of(&self, record: &Map) -> Vec<(usize, String)> {
        self.identities.native(&*self.context.destination, &self.stage.destination_object, record)
    }

    /// The identities of values, without those that no identity is made of.
    pub fn identities_of_values(&self, values: &[(usize, Value<'_>)]) -> Vec<(usize, String)> {
        let fields: Vec<(&FieldMapping, &Value<'_>)> = values
            .iter()
            .filter_map(|(index, value)| self.stage.fields.get(*index).map(|field| (field, value)))
            .filter(|(field, _)| self.identities.is_made_of(&field.field))
            .collect();
        let body = self.context.destination.encode(&self.stage.destination_object, &fields);
        body.map(|body| self.identities_of(&body)).unwrap_or_default()
    }

    /// Tells a forecast what a record will hold: other stages may find it by that.
    pub fn comes(&self, forecast: &Forecast, item: &RecordWrite) -> Result<(), DecideError> {
        let object = &self.stage.destination_object;
        let others = self.context.plan.stages.iter();
        let others = others.filter(|other| other.id != self.stage.id && other.destination_object == *object);
        let others: Vec<Identities> = others.map(Identities::of).collect();
        let identities = |body: &Map| {
            let of_other = |other: &Identities| -> Vec<(String, String)> {
                let found = other.native(&*self.context.destination, object, body);
                found.into_iter().map(|(path, value)| (other.name(path), value)).collect()
            };
            others.iter().flat_map(of_other).collect()
        };
        forecast.comes(object, &item.id, &item.body.values(), &identities)
    }

    /// Rules that decide the status of the files that its records name.
    pub fn standard(&self) -> Standard<'_> {
        let capabilities = self.context.destination.capabilities();
        Standard {
            export: &self.context.export,
            hosts: &self.context.plan.source.fetch,
            most: capabilities.file_bytes,
            rule: FileRule::new(&self.context.plan.destination, capabilities.version.as_deref())
                .of(&self.stage.destination_object),
        }
    }

    /// True where every record has the links of its own row alone: they are known once it is evaluated.
    pub fn links_follow_rows(&self) -> bool {
        self.stage.policies.duplicate == DuplicatePolicy::Quarantine && self.stage.distinct.is_none()
    }

    /// True where the links that are computed with a record are those that it gets: nothing that they depend on changes until they are made.
    pub fn hands_links_on(&self) -> bool {
        !self.stage.links.is_empty()
            && self.links_follow_rows()
            && !expressions::links_to_itself(&self.stage)
            && self.context.outcomes.forecast().is_none()
    }

    /// True where the first pass over the rows must compute values.
    pub fn looks_at_values(&self) -> bool {
        !self.identities.paths.is_empty()
    }
}
