//! Everything outside an expression that its value depends on: columns as they are read, value tables, the table of owners.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Expr, Plan, ReferenceTarget, Stage};

/// Parts of a plan that expressions of a stage use.
pub(super) struct Closure<'p> {
    plan: &'p Plan,
    stage: &'p Stage,
    uses: BTreeMap<String, Value>,
}

impl<'p> Closure<'p> {
    pub(super) fn new(plan: &'p Plan, stage: &'p Stage) -> Self {
        Self { plan, stage, uses: BTreeMap::new() }
    }

    /// Takes in what an expression uses.
    pub(super) fn expression(&mut self, expression: &'p Expr) {
        let mut inside = Vec::new();
        expression.walk(&mut |part| inside.push(part));
        let options = &self.plan.options;
        self.uses.insert("options".to_owned(), json!([options.timezone, options.country, options.currency]));
        for part in inside {
            match part {
                Expr::Column { name } => self.column(&self.stage.source_object, name),
                Expr::DistinctValue => {
                    if let Some(distinct) = &self.stage.distinct
                        && self.uses.insert("distinct".to_owned(), super::distinct(distinct)).is_none()
                    {
                        self.expression(&distinct.value);
                    }
                }
                Expr::Through { target, field, .. } => {
                    self.target(target);
                    self.column(&target.object, field);
                }
                Expr::Reference { targets, by, .. } => {
                    for target in targets {
                        self.target(target);
                    }
                    if let Some(by) = by {
                        self.column(&self.stage.source_object, &by.column);
                    }
                }
                Expr::Owner { target, .. } => {
                    self.target(target);
                    if let Some(owners) = &self.plan.owners {
                        self.uses.insert("owners".to_owned(), super::owners(owners));
                        self.column(&owners.source_object, &owners.source_column);
                    }
                }
                Expr::Picklist { table, .. } => {
                    if let Some(picklist) = self.plan.picklist(table) {
                        self.uses.insert(format!("picklist {table}"), super::picklist(picklist));
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes in how a column is read.
    pub(super) fn column(&mut self, object: &str, name: &str) {
        let Some(found) = self.plan.source_object(object) else { return };
        let Some(column) = found.column(name) else { return };
        let blank = column.blank.as_ref().unwrap_or(&self.plan.source.blank);
        let read = json!({
            "file": found.file,
            "header": column.header,
            "type": column.ty,
            "formats": column.formats().collect::<Vec<_>>(),
            "pivot": column.pivot,
            "blank": super::canonical::unordered(blank),
            "time": [&column.zone, &column.overlap, &column.gap],
            "split": column.split,
            "max": column.max,
            "unique": column.unique,
            "ignore": [column.ignore_case, column.ignore_space],
        });
        self.uses.insert(format!("column {object}.{name}"), read);
    }

    /// Takes in how the records of a target are told apart.
    fn target(&mut self, target: &ReferenceTarget) {
        let Some(object) = self.plan.source_object(&target.object) else { return };
        object.key.iter().chain(&target.column).for_each(|column| self.column(&target.object, column));
        self.uses.insert(format!("key {}", target.object), json!(object.key));
    }

    /// Parts that were taken in.
    pub(super) fn finish(self) -> Value {
        json!(self.uses)
    }
}
