//! Building of a report from the fold and the remarks of a journal.

use std::collections::BTreeSet;

use migr_journal::{Fold, JournalError, Reader, StepFold};
use migr_plan::{Acceptance, AutomationKind, Expr, Permitted, Plan, RowState, Stage};

use crate::approvals;
use crate::attention;
use crate::groups::Tallies;
use crate::lists::{ListName, Lists};
use crate::model::{
    AcceptedFindings, Coverage, Degraded, List, Moved, Object, Owner, PermittedWorkflow, PlanUse, Reason, Report, Run,
    SchemaChange, Skipped, UpdatedField,
};
use crate::outcome::Verification;
use crate::undeclared::Undeclared;

impl Report {
    /// Report of a plan's journal, read from it; no file has its lists in full.
    pub fn read(plan: &Plan, journal: &Reader) -> Result<Self, JournalError> {
        let mut lists = Lists::new(plan);
        journal.remarks(|remark| -> Result<(), JournalError> {
            lists.add(&remark);
            Ok(())
        })?;
        Ok(Self::new(plan, &journal.fold()?, lists))
    }

    /// The numbers alone; every list is empty.
    pub fn counted(plan: &Plan, fold: &Fold) -> Self {
        Self::new(plan, fold, Lists::new(plan))
    }

    /// Report of a plan's journal, by its fold and its remarks.
    pub fn new(plan: &Plan, fold: &Fold, mut gathered: Lists) -> Self {
        let objects: Vec<Object> = plan.stages.iter().map(|stage| object(stage, fold.step(&stage.id))).collect();
        let finished = !fold.steps.is_empty()
            && plan.stages.iter().all(|stage| fold.step(&stage.id).is_some_and(|step| step.done))
            && fold.steps.iter().all(|step| step.done);
        let verify: Option<Verification> = fold.verify.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let lists = lists(fold, &gathered, verify.as_ref());
        let mut reasons = reasons(ListName::Quarantine, &gathered.quarantined);
        reasons.extend(self::reasons(ListName::Repairs, &gathered.repaired));
        reasons.extend(self::reasons(ListName::Files, &gathered.not_sent));
        let mut report = Self {
            format_version: 1,
            migration: plan.migration.clone(),
            source: plan.source.system.clone(),
            destination: fold.destination.clone(),
            plan: fold.plan_hash.clone(),
            finished,
            objects,
            owners: owners(fold),
            quarantine: std::mem::take(&mut gathered.quarantine),
            skipped: skipped(&gathered.skipped),
            orphans: std::mem::take(&mut gathered.orphans),
            orphan_owners: gathered.orphan_owners,
            repairs: std::mem::take(&mut gathered.repairs),
            files: gathered.files,
            unsent_files: std::mem::take(&mut gathered.unsent),
            lists,
            reasons,
            updated_fields: updated_fields(plan, fold, &gathered),
            before_and_after: gathered.before_and_after.take(),
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
                    state: state(row.standing().0).to_owned(),
                    records: row.records,
                    reason: row.standing().1.map(str::to_owned),
                })
                .collect(),
            compatibility: plan.compatibility(),
            retention: migr_plan::render::retentions(plan),
            accepted: plan.accepted.iter().map(accepted).collect(),
            workflows: workflows(plan),
            coverage: coverage(plan),
            setup: fold
                .setup
                .iter()
                .map(|note| SchemaChange {
                    action: note.action.clone(),
                    outcome: note.outcome.clone(),
                    options: options_made(&note.undo),
                })
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
            plans: fold
                .plans
                .iter()
                .map(|plan| PlanUse { hash: plan.hash.clone(), first: plan.first.clone(), last: plan.last.clone() })
                .collect(),
            undeclared: fold.undeclared.as_deref().map(Undeclared::read).unwrap_or_default(),
            estimate: plan.estimate.in_words(),
            approvals: fold.approvals.as_deref().map(approvals::read).unwrap_or_default(),
            attention: Vec::new(),
            verify,
            rollback: fold.rollback.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            deltas: fold.deltas.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            quarantined: gathered.quarantined,
            repaired: gathered.repaired,
            not_sent: gathered.not_sent,
        };
        report.attention = attention::list(&report, fold.repaired_records);
        report
    }
}

/// Labels of the options that a change of the schema made, by what is kept to undo it; none where it made none.
fn options_made(undo: &str) -> Vec<String> {
    let record: serde_json::Value = serde_json::from_str(undo).unwrap_or_default();
    let list = |place: &str| record.pointer(place).and_then(serde_json::Value::as_array);
    let (added, options) = (list("/made/added"), list("/action/options").into_iter().flatten());
    let is_made = |option: &&serde_json::Value| {
        added.is_none_or(|added| option.get("value").is_some_and(|value| added.contains(value)))
    };
    options.filter(is_made).filter_map(|option| option.get("label")?.as_str()).map(str::to_owned).collect()
}

fn accepted(entry: &Acceptance) -> AcceptedFindings {
    AcceptedFindings {
        finding: entry.finding.clone(),
        on: entry.on.clone(),
        reason: entry.reason.clone(),
        place: format!("{}:{}", entry.origin.file, entry.origin.line),
        max: entry.max,
        found: entry.found,
        in_words: entry.in_words(),
    }
}

fn workflows(plan: &Plan) -> Vec<PermittedWorkflow> {
    let named = plan.permits.iter().filter_map(|permit| match &permit.what {
        Permitted::Workflow { name } => Some((AutomationKind::Workflow, name, &permit.reason)),
        Permitted::Webhook { host } => Some((AutomationKind::Webhook, host, &permit.reason)),
        Permitted::Object { .. } | Permitted::Irreversible => None,
    });
    named.map(|(kind, name, reason)| PermittedWorkflow { name: name.clone(), kind, reason: reason.clone() }).collect()
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

/// A relation is sent as its id: `companyId` is the field `company`. A map's later steps count as the map.
fn updated_fields(plan: &Plan, fold: &Fold, gathered: &Lists) -> Vec<UpdatedField> {
    let mut updated: Vec<UpdatedField> = Vec::new();
    for changed in &fold.changed {
        let map = gathered.map(&changed.step);
        let Some(stage) = plan.stages.iter().find(|stage| stage.id == map) else { continue };
        let is_field = |name: &str| stage.fields.iter().any(|field| field.field == name);
        let relation = changed.field.strip_suffix("Id").filter(|name| !is_field(&changed.field) && is_field(name));
        let field = relation.unwrap_or(&changed.field);
        match updated.iter_mut().find(|one| one.map == stage.map && one.field == field) {
            Some(one) => one.records += changed.records,
            None => updated.push(UpdatedField {
                map: stage.map.clone(),
                destination_object: stage.destination_object.clone(),
                field: field.to_owned(),
                records: changed.records,
            }),
        }
    }
    updated
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

/// Length of every list, and its file with every entry.
fn lists(fold: &Fold, gathered: &Lists, verify: Option<&Verification>) -> Vec<List> {
    let list = |list: ListName, entries, listed| {
        let file = gathered.folder.as_ref().map(|folder| format!("{folder}/{}", list.file_name()));
        List { list, entries, listed, file }
    };
    let mut lists = vec![
        list(ListName::Quarantine, gathered.quarantined.entries, gathered.quarantine.len() as u64),
        list(ListName::Skipped, gathered.skipped.entries, 0),
        list(ListName::Repairs, gathered.repaired.entries, gathered.repairs.len() as u64),
        list(ListName::Files, gathered.files.all(), gathered.unsent.len() as u64),
        list(ListName::Orphans, gathered.orphaned, gathered.orphans_listed()),
        list(ListName::Owners, fold.owner_count, fold.owners.len() as u64),
    ];
    if let Some(verify) = verify {
        let listed = verify.differences.len() + verify.missing.len();
        let differences = list(ListName::Differences, verify.different() + verify.missing(), listed as u64);
        let file = differences.file.clone().filter(|_| gathered.has_differences);
        lists.push(List { file, ..differences });
    }
    lists
}

fn reasons(list: ListName, tallies: &Tallies) -> Vec<Reason> {
    let reason = |(kind, tally): (&crate::groups::Kind, &crate::groups::Tally)| Reason {
        list,
        map: kind.map.clone(),
        field: kind.field.clone(),
        code: kind.code.map(|code| code.to_string()),
        reason: tally.label.clone(),
        entries: tally.entries,
    };
    tallies.largest_first().into_iter().map(reason).collect()
}

fn skipped(tallies: &Tallies) -> Vec<Skipped> {
    tallies
        .in_order()
        .map(|(kind, tally)| Skipped {
            map: kind.map.clone(),
            reason: tally.label.clone(),
            code: kind.code.map(|code| code.to_string()),
            records: tally.entries,
        })
        .collect()
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
