//! Counts of a plan, taken from a lock.

use super::{FieldCount, Lock, LockedFileState, LockedStage, counted_inputs};
use crate::{Count, DegradedRecords, Expr, FiredAutomation, Plan, Stage, fired, scope};

/// Workflows that run on what a plan writes, as far as a lock knows them. A lock of another migration or destination knows none.
pub fn fired_by(plan: &Plan, lock: &Lock) -> Vec<FiredAutomation> {
    let found = lock.destination.as_ref().filter(|found| found.name == plan.destination.name);
    match found.filter(|_| lock.migration == plan.migration) {
        Some(found) => fired(plan, &found.automations),
        None => Vec::new(),
    }
}

/// Columns and files of the export that nobody declared, as far as a lock of the migration knows them, a line each.
pub fn undeclared(plan: &Plan, lock: &Lock) -> Vec<String> {
    if lock.migration != plan.migration {
        return Vec::new();
    }
    let is_declared = |file: Option<&str>, column: &str| {
        let of_file = plan.source.objects.iter().filter(|object| object.file.as_deref() == file);
        of_file.flat_map(|object| &object.columns).any(|known| known.name == column)
    };
    let mut lines = Vec::new();
    for object in &lock.export.objects {
        // Several objects may be read from one file, each with columns of its own.
        let Some(known) = plan.source_object(&object.name) else { continue };
        for column in object.columns.iter().filter(|column| column.declared.is_none()) {
            if !is_declared(known.file.as_deref(), &column.name) {
                lines.push(format!(
                    "column `{}` of {}, {} filled cells (W0604)",
                    column.header, object.name, column.filled
                ));
            }
        }
    }
    let unclaimed = lock.export.files.iter().filter(|file| file.state == LockedFileState::Unclaimed);
    lines.extend(unclaimed.map(|file| format!("file {} (W0610)", file.path)));
    lines
}

/// Fills a plan's counts, estimate and degradations from a lock. A lock that was made of another state of the spec, of another destination or without one of
/// the plan's stages leaves the plan as it is. Tells whether the plan was counted.
pub fn count(plan: &mut Plan, lock: &Lock) -> bool {
    let is_current = lock.stages.inputs == counted_inputs(plan)
        && lock.migration == plan.migration
        && plan.stages.iter().all(|stage| lock.stage(&stage.id).is_some());
    if !is_current {
        return false;
    }
    let total = |of: fn(&LockedStage) -> Count| Some(lock.stages.stages.iter().map(of).sum());
    plan.summary.create = total(|stage| stage.create);
    plan.summary.update = total(|stage| stage.update);
    plan.summary.unchanged = total(|stage| stage.unchanged);
    plan.summary.skip = total(|stage| stage.skip);
    plan.summary.quarantine = total(|stage| stage.quarantine);
    plan.estimate = scope::estimate(plan, lock);
    for entry in &mut plan.accepted {
        let its = |locked: &&super::LockedAcceptance| locked.finding == entry.finding && locked.origin == entry.origin;
        if let Some(locked) = lock.accepted.iter().find(its) {
            entry.found = Some(locked.records);
        }
    }
    for degradation in &mut plan.degradations {
        if degradation.counts == DegradedRecords::Column {
            let column = degradation.what.split_once('.');
            let column = column.and_then(|(object, column)| lock.source_object(object)?.column(column));
            degradation.records = column.map(|column| column.filled);
            continue;
        }
        let Some(stage) = degradation.map.as_deref().and_then(|map| lock.stage(map)) else { continue };
        let what = degradation.what.rsplit('.').next().unwrap_or_default();
        let field = stage.fields.iter().find(|field| field.field == degradation.what || field.field == what);
        let several = several(&plan.stages, lock, &stage.id, what);
        let counted = |field: &FieldCount| match degradation.counts {
            DegradedRecords::Filled | DegradedRecords::Column => several.unwrap_or(field.filled),
            DegradedRecords::Lost => field.lost,
            DegradedRecords::Converted => field.repaired,
            DegradedRecords::Cut => field.cut,
        };
        let uncounted = if degradation.counts == DegradedRecords::Cut { 0 } else { several.unwrap_or(stage.read) };
        degradation.records = Some(field.map_or(uncounted, counted));
    }
    for row in plan.rows.iter_mut().filter(|row| matches!(row.kind.as_str(), "object" | "owners" | "reference")) {
        row.records = lock.source_object(&row.concept).map(|object| object.rows);
        let stages = plan.stages.iter().filter(|stage| stage.source_object == row.concept);
        let locked: Vec<(&Stage, &LockedStage)> =
            stages.filter_map(|stage| Some((stage, lock.stage(&stage.id)?))).collect();
        row.found = lost(&locked);
    }
    for stage in &mut plan.stages {
        stage.there = lock.stage(&stage.id).map(|locked| locked.there.clone()).filter(|there| !there.is_empty());
        let Some(object) = lock.source_object(&stage.source_object) else { continue };
        for dropped in &mut stage.dropped {
            dropped.records = object.column(&dropped.column).map(|column| column.filled);
        }
    }
    true
}

/// Loss that the records of an object have in its stages.
fn lost(stages: &[(&Stage, &LockedStage)]) -> Option<String> {
    let records = |count: Count| if count == 1 { "1 record".to_owned() } else { format!("{count} records") };
    let merged: Count = stages.iter().map(|(_, locked)| locked.there.merged + locked.there.given_way).sum();
    match merged {
        0 => {}
        1 => return Some("1 record becomes one with another".to_owned()),
        _ => return Some(format!("{} become one with others", records(merged))),
    }
    // A default is noted as a rule is, and leaves nothing out.
    let has_default =
        |stage: &Stage, name: &str| stage.fields.iter().any(|field| field.field == name && field.default.is_some());
    let mut fields = stages.iter().flat_map(|(stage, locked)| {
        locked.fields.iter().filter(|field| field.repaired > 0 && !has_default(stage, &field.field))
    });
    fields.next().map(|field| format!("{}: a rule leaves values of {} out", field.field, records(field.repaired)))
}

/// Number of records that name several things where a field takes the first of them; none for a field that does not.
fn several(stages: &[Stage], lock: &Lock, stage: &str, field: &str) -> Option<Count> {
    let stage = stages.iter().find(|one| one.id == stage)?;
    let field = stage.fields.iter().find(|one| one.field == field)?;
    let mut column = None;
    field.value.walk(&mut |expr| {
        if let Expr::Call { function, arguments } = expr
            && function == "first"
            && let Some(Expr::Column { name }) = arguments.first()
        {
            column = Some(name.clone());
        }
    });
    lock.source_object(&stage.source_object)?.column(&column?)?.several
}
