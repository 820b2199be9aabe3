//! Expressions that a stage evaluates.

use std::collections::BTreeSet;

use migr_plan::{DuplicatePolicy, Expr, OnMissing, Plan, Stage};

/// Every expression of a stage.
pub fn of_stage(stage: &Stage) -> impl Iterator<Item = &Expr> {
    let fields = stage.fields.iter().flat_map(|field| std::iter::once(&field.value).chain(&field.file_name));
    let links = stage.links.iter().map(|link| &link.value);
    let conditions = stage.when.iter().chain(stage.distinct.iter().map(|distinct| &distinct.value));
    fields.chain(links).chain(conditions)
}

/// True where a record of a stage may have to stay out because another one of the stage does.
pub fn needs_itself(stage: &Stage) -> bool {
    let mut found = false;
    for field in stage.fields.iter().filter(|field| field.deferred) {
        field.value.walk(&mut |inner| {
            if let Expr::Reference { targets, on_missing, .. } = inner {
                let is_own = targets.iter().any(|target| target.stages.contains(&stage.id));
                found |= is_own && *on_missing != OnMissing::None;
            }
        });
    }
    found
}

/// True where a link or a deferred field may keep a record out: its target is missing.
pub fn may_be_kept_out(stage: &Stage) -> bool {
    let mut found = false;
    let deferred = stage.fields.iter().filter(|field| field.deferred).map(|field| &field.value);
    for value in deferred.chain(stage.links.iter().map(|link| &link.value)) {
        value.walk(&mut |inner| {
            found |= matches!(inner, Expr::Reference { on_missing, .. } if *on_missing != OnMissing::None);
        });
    }
    found
}

/// True where a deferred field refers to the stage itself.
pub fn refers_to_itself(stage: &Stage) -> bool {
    let mut found = false;
    for field in stage.fields.iter().filter(|field| field.deferred) {
        field.value.walk(&mut |inner| {
            if let Expr::Reference { targets, .. } = inner {
                found |= targets.iter().any(|target| target.stages.contains(&stage.id));
            }
        });
    }
    found
}

/// True where a link leads to records of the stage itself.
pub fn links_to_itself(stage: &Stage) -> bool {
    let mut found = false;
    for link in &stage.links {
        link.value.walk(&mut |inner| {
            if let Expr::Reference { targets, .. } = inner {
                found |= targets.iter().any(|target| target.stages.contains(&stage.id));
            }
        });
    }
    found
}

/// Stages about whose records nothing is asked by their keys: no reference leads to them, and each row is a record of its own that is written once.
pub fn unasked_stages(plan: &Plan) -> BTreeSet<String> {
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    let objects = plan.source.objects.iter();
    let conditions = objects.flat_map(|object| {
        let checks = object.checks.iter().map(|check| &check.condition);
        checks.chain(object.skips.iter().map(|skip| &skip.condition))
    });
    for expression in plan.stages.iter().flat_map(of_stage).chain(conditions) {
        expression.walk(&mut |inner| match inner {
            Expr::Reference { targets, .. } => {
                asked.extend(targets.iter().flat_map(|target| &target.stages).map(String::as_str));
            }
            Expr::Through { target, .. } | Expr::Owner { target, .. } => {
                asked.extend(target.stages.iter().map(String::as_str));
            }
            _ => {}
        });
    }
    let is_plain = |stage: &&Stage| {
        stage.distinct.is_none() && stage.deferred.is_empty() && stage.policies.duplicate == DuplicatePolicy::Quarantine
    };
    let unasked = plan.stages.iter().filter(is_plain).filter(|stage| !asked.contains(stage.id.as_str()));
    unasked.map(|stage| stage.id.clone()).collect()
}
