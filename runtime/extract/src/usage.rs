use std::collections::{BTreeMap, BTreeSet};

use migr_plan::{DuplicatePolicy, Expr, Plan, Recovery, ReferenceTarget};

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

    fn target(&mut self, target: &ReferenceTarget) {
        if let Some(column) = &target.column {
            self.add(&target.object, column);
        }
    }

    fn walk(&mut self, object: &str, expr: &Expr) {
        match expr {
            Expr::None
            | Expr::Default
            | Expr::Boolean { .. }
            | Expr::Number { .. }
            | Expr::Text { .. }
            | Expr::Option { .. }
            | Expr::DistinctValue => {}
            Expr::Column { name } => self.add(object, name),
            Expr::Through { key, target, field } => {
                self.walk(object, key);
                self.target(target);
                self.add(&target.object, field);
            }
            Expr::Call { arguments: items, .. }
            | Expr::List { items }
            | Expr::Tuple { items }
            | Expr::Template { parts: items }
            | Expr::Picklist { inputs: items, .. } => items.iter().for_each(|item| self.walk(object, item)),
            Expr::Binary { left, right, .. } => {
                self.walk(object, left);
                self.walk(object, right);
            }
            Expr::Not { value } | Expr::Convert { value, .. } => self.walk(object, value),
            Expr::If { condition, then, otherwise } => {
                for part in [condition, then, otherwise] {
                    self.walk(object, part);
                }
            }
            Expr::Record { fields } | Expr::Existing { fields, .. } => {
                for field in fields {
                    self.walk(object, &field.value);
                }
            }
            Expr::Reference { key, targets, by, .. } => {
                self.walk(object, key);
                for target in targets {
                    self.target(target);
                }
                if let Some(by) = by {
                    self.add(object, &by.column);
                }
            }
            Expr::Owner { key, target } => {
                self.walk(object, key);
                self.target(target);
            }
            Expr::Otherwise { value, recovery } => {
                self.walk(object, value);
                if let Recovery::Use { value } = recovery {
                    self.walk(object, value);
                }
            }
        }
    }
}
