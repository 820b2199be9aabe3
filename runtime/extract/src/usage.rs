//! Columns that the plan reads, by source object.

use std::collections::{BTreeMap, BTreeSet};

use migr_plan::{DuplicatePolicy, Expr, Plan, ReferenceTarget};

/// The columns of each source object that a plan reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage(BTreeMap<String, BTreeSet<String>>);

impl Usage {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut usage = Self::default();
        for object in &plan.source.objects {
            object.key.iter().for_each(|column| usage.add(&object.name, column));
            object.checks.iter().for_each(|check| usage.walk(&object.name, &check.condition));
            object.skips.iter().for_each(|skip| usage.walk(&object.name, &skip.condition));
        }
        if let Some(owners) = &plan.owners {
            usage.add(&owners.source_object, &owners.source_column);
        }
        for stage in &plan.stages {
            let object = &stage.source_object;
            stage.when.iter().for_each(|when| usage.walk(object, when));
            stage.distinct.iter().for_each(|distinct| usage.walk(object, &distinct.value));
            stage.links.iter().for_each(|link| usage.walk(object, &link.value));
            for field in &stage.fields {
                usage.walk(object, &field.value);
                field.file_name.iter().for_each(|name| usage.walk(object, name));
            }
            match &stage.policies.duplicate {
                DuplicatePolicy::KeepOldest { column }
                | DuplicatePolicy::KeepNewest { column }
                | DuplicatePolicy::MergeNewest { column }
                | DuplicatePolicy::MergeOldest { column } => usage.add(object, column),
                _ => {}
            }
        }
        usage
    }

    pub(crate) fn reads(&self, object: &str, column: &str) -> bool {
        self.0.get(object).is_some_and(|columns| columns.contains(column))
    }

    fn add(&mut self, object: &str, column: &str) {
        self.0.entry(object.to_owned()).or_default().insert(column.to_owned());
    }

    fn walk(&mut self, object: &str, expr: &Expr) {
        expr.walk(&mut |part| match part {
            Expr::Column { name } => self.add(object, name),
            Expr::Through { target, field, .. } => {
                self.targets(std::slice::from_ref(target));
                self.add(&target.object, field);
            }
            Expr::Reference { targets, by, .. } => {
                self.targets(targets);
                if let Some(by) = by {
                    self.add(object, &by.column);
                }
            }
            Expr::Owner { target, .. } => self.targets(std::slice::from_ref(target)),
            _ => {}
        });
    }

    fn targets(&mut self, targets: &[ReferenceTarget]) {
        for target in targets {
            if let Some(column) = &target.column {
                self.add(&target.object, column);
            }
        }
    }
}
