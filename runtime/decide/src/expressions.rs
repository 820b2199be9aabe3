//! Expressions that a stage evaluates.

use migr_plan::{Expr, OnMissing, Stage};

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
