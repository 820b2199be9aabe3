//! Steps of a plan: the units of work of a run, each with a name of its own in the journal.

use std::fmt;

use crate::{LinkMapping, Plan, Stage};

/// Separator before the field of a step that writes links.
const LINKS: char = '.';
/// End of the name of a step that writes deferred fields. No field's name holds the colon.
const DEFERRED: &str = ":deferred";
/// End of the name of a step that brings written records to what spec and export say now.
const CHANGES: &str = ":changes";
/// End of the name of a step that backfills.
const BACKFILL: &str = ":backfill";

/// One unit of work of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The stage that it belongs to.
    pub stage: String,
    /// The part of the stage's work that it does.
    pub kind: StepKind,
}

/// Part of a stage's work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// The stage's records.
    Records,
    /// The links of one field, once the stage's records are there.
    Links(String),
    /// Fields that had to wait until the records of all stages are there.
    Deferred,
    /// Fields of written records that spec or export want otherwise since.
    Changes,
    /// Fields that stayed empty because their target was missing, once there is a value.
    Backfill,
}

impl Step {
    /// The step that writes a stage's records.
    pub fn records(stage: &str) -> Self {
        Self { stage: stage.to_owned(), kind: StepKind::Records }
    }

    /// The step that writes one kind of links of a stage.
    pub fn links(stage: &str, link: &LinkMapping) -> Self {
        Self { stage: stage.to_owned(), kind: StepKind::Links(link.field.clone()) }
    }

    /// The step that writes a stage's deferred fields.
    pub fn deferred(stage: &str) -> Self {
        Self { stage: stage.to_owned(), kind: StepKind::Deferred }
    }

    /// The step that brings a stage's written records to what spec and export say now.
    pub fn changes(stage: &str) -> Self {
        Self { stage: stage.to_owned(), kind: StepKind::Changes }
    }

    /// The step that backfills a stage's records.
    pub fn backfill(stage: &str) -> Self {
        Self { stage: stage.to_owned(), kind: StepKind::Backfill }
    }

    /// The step of a printed name: the inverse of [`Self::to_string`]. Any text names a step, that of a stage at least.
    pub fn parse(name: &str) -> Self {
        if let Some(stage) = name.strip_suffix(DEFERRED) {
            return Self::deferred(stage);
        }
        if let Some(stage) = name.strip_suffix(CHANGES) {
            return Self::changes(stage);
        }
        if let Some(stage) = name.strip_suffix(BACKFILL) {
            return Self::backfill(stage);
        }
        match name.split_once(LINKS) {
            Some((stage, field)) => Self { stage: stage.to_owned(), kind: StepKind::Links(field.to_owned()) },
            None => Self::records(name),
        }
    }

    /// Name of the stage of a step that is printed so.
    pub fn stage_of(name: &str) -> &str {
        let stage = [DEFERRED, CHANGES, BACKFILL].iter().find_map(|end| name.strip_suffix(end));
        stage.unwrap_or_else(|| name.split_once(LINKS).map_or(name, |(stage, _)| stage))
    }

    /// Position of the field of a step of links among the stage's links.
    pub fn link_index(&self, stage: &Stage) -> Option<usize> {
        match &self.kind {
            StepKind::Links(field) => stage.links.iter().position(|link| link.field == *field),
            StepKind::Records | StepKind::Deferred | StepKind::Changes | StepKind::Backfill => None,
        }
    }

    /// The destination object that the step writes.
    pub fn object<'s>(&self, stage: &'s Stage) -> &'s str {
        let link = self.link_index(stage).and_then(|index| stage.links.get(index));
        link.map_or(stage.destination_object.as_str(), |link| link.through.as_str())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stage)?;
        match &self.kind {
            StepKind::Records => Ok(()),
            StepKind::Links(field) => write!(f, "{LINKS}{field}"),
            StepKind::Deferred => f.write_str(DEFERRED),
            StepKind::Changes => f.write_str(CHANGES),
            StepKind::Backfill => f.write_str(BACKFILL),
        }
    }
}

impl Plan {
    /// The steps of a run in their order: each stage's records and links; then deferred fields; then changes of written records, which a run only makes
    /// where spec or export changed; then what is backfilled, only where records were released for retry.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for stage in &self.stages {
            steps.push(Step::records(&stage.id));
            steps.extend(stage.links.iter().map(|link| Step::links(&stage.id, link)));
        }
        let deferring = self.stages.iter().filter(|stage| !stage.deferred.is_empty());
        steps.extend(deferring.map(|stage| Step::deferred(&stage.id)));
        steps.extend(self.stages.iter().map(|stage| Step::changes(&stage.id)));
        steps.extend(self.stages.iter().map(|stage| Step::backfill(&stage.id)));
        steps
    }

    /// The stage of a step.
    pub fn stage_of(&self, step: &Step) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == step.stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_as_it_was_printed_whatever_its_field_is_called() {
        let mut names = std::collections::BTreeSet::new();
        let links = ["second", "filled", "deferred", "backfill", "changes", "others"]
            .map(|field| StepKind::Links(field.to_owned()));
        for kind in
            [StepKind::Records, StepKind::Deferred, StepKind::Changes, StepKind::Backfill].into_iter().chain(links)
        {
            let step = Step { stage: "Person".to_owned(), kind };
            assert_eq!(Step::parse(&step.to_string()), step);
            assert_eq!(Step::stage_of(&step.to_string()), "Person");
            assert!(names.insert(step.to_string()), "{step} is the name of two steps");
        }
    }
}
