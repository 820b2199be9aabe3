use std::collections::{BTreeMap, BTreeSet};

use migr_journal::{Fold, StepFold};
use migr_plan::{Expr, Plan, RowState, Stage};

use crate::attention;
use crate::model::{
    Coverage, Degraded, Moved, Object, Orphan, OrphanRecord, Owner, Quarantined, Repaired, Report, Run, SchemaChange,
    Skipped,
};

impl Report {
    /// What the journal of a plan amounts to.
    pub fn new(plan: &Plan, fold: &Fold) -> Self {
        let objects: Vec<Object> = plan.stages.iter().map(|stage| object(stage, fold.step(&stage.id))).collect();
        let stages: BTreeSet<&str> = plan.stages.iter().map(|stage| stage.id.as_str()).collect();
        let finished = !fold.steps.is_empty()
            && plan.stages.iter().all(|stage| fold.step(&stage.id).is_some_and(|step| step.done))
            && fold.steps.iter().all(|step| step.done);
        // Links and second passes are steps of their own; a person knows their map.
        let map = |step: &str| -> String {
            let name = step.rsplit_once('.').map_or(step, |(map, _)| map);
            if stages.contains(step) { step } else { name }.to_owned()
        };
        let mut report = Self {
            format_version: 1,
            migration: plan.migration.clone(),
            source: plan.source.system.clone(),
            destination: fold.destination.clone(),
            plan: fold.plan_hash.clone(),
            finished,
            objects,
            owners: owners(fold),
            quarantine: fold
                .quarantine
                .iter()
                .map(|entry| Quarantined {
                    map: map(&entry.step),
                    key: entry.key.clone(),
                    file: entry.file.clone(),
                    line: entry.line,
                    field: entry.field.clone(),
                    reason: entry.reason.clone(),
                })
                .collect(),
            skipped: fold
                .skips
                .iter()
                .map(|entry| Skipped { map: map(&entry.step), reason: entry.reason.clone(), records: entry.records })
                .collect(),
            orphans: orphans(fold, &map),
            repairs: fold
                .repairs
                .iter()
                .map(|entry| Repaired {
                    map: map(&entry.step),
                    key: entry.key.clone(),
                    file: entry.file.clone(),
                    line: entry.line,
                    field: entry.field.clone(),
                    reason: entry.reason.clone(),
                })
                .collect(),
            degradations: plan
                .degradations
                .iter()
                .map(|entry| Degraded {
                    map: entry.map.clone(),
                    what: entry.what.clone(),
                    reason: entry.reason.clone(),
                    kept_in: entry.kept_in.clone(),
                    records: entry.records,
                })
                .collect(),
            rows: plan
                .rows
                .iter()
                .map(|row| Moved {
                    kind: row.kind.clone(),
                    concept: row.concept.clone(),
                    destination: row.destination.clone(),
                    state: state(row.state).to_owned(),
                    reason: row.reason.clone(),
                })
                .collect(),
            coverage: coverage(plan),
            setup: fold
                .setup
                .iter()
                .map(|note| SchemaChange { action: note.action.clone(), outcome: note.outcome.clone() })
                .collect(),
            runs: fold
                .runs
                .iter()
                .map(|run| Run {
                    command: run.command.clone(),
                    started: run.started.clone(),
                    ended: run.ended.clone(),
                    result: run.result.clone(),
                })
                .collect(),
            attention: Vec::new(),
            verify: fold.verify.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            rollback: fold.rollback.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        };
        report.attention = attention::list(&report);
        report
    }
}

fn object(stage: &Stage, step: Option<&StepFold>) -> Object {
    let counts = step.map(|step| step.counts).unwrap_or_default();
    Object {
        map: stage.map.clone(),
        source_object: stage.source_object.clone(),
        destination_object: stage.destination_object.clone(),
        read: step.and_then(|step| step.read).unwrap_or_else(|| counts.sum()),
        created: counts.created,
        updated: counts.updated,
        unchanged: counts.unchanged,
        skipped: counts.skipped,
        quarantined: counts.quarantined,
        finished: step.is_some_and(|step| step.done),
    }
}

fn owners(fold: &Fold) -> Vec<Owner> {
    fold.owners
        .iter()
        .map(|owner| Owner {
            source: owner.source.clone(),
            destination: owner.destination.clone(),
            how: owner.how.clone(),
        })
        .collect()
}

fn orphans(fold: &Fold, map: &impl Fn(&str) -> String) -> Vec<Orphan> {
    let assigned: BTreeMap<&str, Option<String>> =
        fold.owners.iter().map(|owner| (owner.source.as_str(), owner.destination.clone())).collect();
    let mut orphans: Vec<Orphan> = Vec::new();
    for entry in &fold.orphans {
        let record = OrphanRecord {
            map: map(&entry.step),
            key: entry.key.clone(),
            line: entry.line,
            field: entry.field.clone(),
        };
        match orphans.last_mut() {
            Some(last) if last.owner == entry.owner => last.records.push(record),
            _ => orphans.push(Orphan {
                owner: entry.owner.clone(),
                assigned: assigned.get(entry.owner.as_str()).cloned().flatten(),
                records: vec![record],
            }),
        }
    }
    orphans
}

fn coverage(plan: &Plan) -> Vec<Coverage> {
    let mut coverage = Vec::new();
    for object in &plan.source.objects {
        let stages: Vec<&Stage> = plan.stages.iter().filter(|stage| stage.source_object == object.name).collect();
        if stages.is_empty() {
            continue;
        }
        let mut read: BTreeSet<String> = object.key.iter().cloned().collect();
        for stage in &stages {
            read.extend(stage.fields.iter().flat_map(|field| field.reads.iter().cloned()));
            read.extend(stage.links.iter().flat_map(|link| link.reads.iter().cloned()));
            let conditions = stage.when.iter().chain(stage.distinct.iter().map(|distinct| &distinct.value));
            conditions.for_each(|condition| columns_of(condition, &mut read));
        }
        let checks = object.checks.iter().map(|check| &check.condition);
        checks.chain(object.skips.iter().map(|skip| &skip.condition)).for_each(|rule| columns_of(rule, &mut read));
        let dropped: BTreeSet<&String> = stages
            .iter()
            .flat_map(|stage| stage.dropped.iter().map(|dropped| &dropped.column))
            .filter(|column| !read.contains(*column))
            .collect();
        let unused: Vec<String> = object
            .columns
            .iter()
            .map(|column| &column.name)
            .filter(|column| !read.contains(*column) && !dropped.contains(column))
            .cloned()
            .collect();
        let columns = object.columns.len() as u64;
        let dropped = dropped.len() as u64;
        coverage.push(Coverage {
            source_object: object.name.clone(),
            columns,
            mapped: columns.saturating_sub(dropped + unused.len() as u64),
            dropped,
            unused,
        });
    }
    coverage
}

/// Adds the columns that an expression reads.
fn columns_of(expression: &Expr, columns: &mut BTreeSet<String>) {
    expression.walk(&mut |inner| match inner {
        Expr::Column { name } => {
            columns.insert(name.clone());
        }
        Expr::Reference { by: Some(by), .. } => {
            columns.insert(by.column.clone());
        }
        _ => {}
    });
}

fn state(state: RowState) -> &'static str {
    match state {
        RowState::Exact => "exact",
        RowState::Degraded => "degraded",
        RowState::ByHand => "by_hand",
        RowState::None => "none",
    }
}
