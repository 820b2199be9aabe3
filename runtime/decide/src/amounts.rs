//! Columns whose values become amounts of money in the currency that they name, or else in the migration's.

use std::collections::BTreeSet;

use migr_plan::{ColumnType, Expr, FieldType, Plan, SourceObject};

use crate::expressions;
use crate::proof::texts_read;

/// Column of amounts, with what names their currency beside the cell itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amounts {
    /// Place of the column in its object.
    pub column: usize,
    /// Separator of the amounts of one cell.
    pub split: Option<String>,
    /// Places of the columns that name the currency.
    pub named_by: Vec<usize>,
}

/// The columns of an object that some field takes as amounts. One whose currency the map writes out is none of them.
pub fn amounts(plan: &Plan, object: &SourceObject) -> BTreeSet<Amounts> {
    let mut found = BTreeSet::new();
    let of_amounts = object.columns.iter().filter(|column| column.ty == ColumnType::Currency);
    let of_amounts: BTreeSet<&str> = of_amounts.map(|column| column.name.as_str()).collect();
    for stage in &plan.stages {
        for expression in expressions::of_stage(stage) {
            expression.walk(&mut |part| {
                let (value, code) = match part {
                    Expr::Call { function, arguments } if function == "money" => (arguments.first(), arguments.get(1)),
                    Expr::Convert { value, to: FieldType::Currency } => (Some(&**value), None),
                    _ => (None, None),
                };
                let named_by = match code {
                    None | Some(Expr::None) => Vec::new(),
                    Some(code) if stage.source_object == object.name => columns_of(code, object),
                    Some(_) => return,
                };
                if named_by.is_empty() && !matches!(code, None | Some(Expr::None)) {
                    return;
                }
                let Some(value) = value else { return };
                texts_read(value, (&stage.source_object, None), &mut |of, name, split| {
                    add(object, of, name, (split, &named_by), &mut found);
                });
            });
            // A column of amounts is one without a word of the map.
            texts_read(expression, (&stage.source_object, None), &mut |of, name, _| {
                if of_amounts.contains(name) {
                    add(object, of, name, (None, &[]), &mut found);
                }
            });
        }
    }
    found
}

fn add(
    object: &SourceObject,
    of: &str,
    name: &str,
    (split, named_by): (Option<&str>, &[usize]),
    found: &mut BTreeSet<Amounts>,
) {
    let column = object.columns.iter().position(|column| column.name == name).filter(|_| of == object.name);
    let Some(at) = column else { return };
    let own = object.columns.get(at).filter(|column| column.elements.is_some() || column.ty == ColumnType::TextList);
    let own = own.map(|column| column.split.clone().unwrap_or_else(|| ";".to_owned()));
    let split = own.or_else(|| split.map(str::to_owned)).filter(|split| !split.is_empty());
    found.insert(Amounts { column: at, split, named_by: named_by.to_vec() });
}

/// Places of the columns that an expression reads.
fn columns_of(expression: &Expr, object: &SourceObject) -> Vec<usize> {
    let mut places = BTreeSet::new();
    expression.walk(&mut |part| {
        if let Expr::Column { name } = part {
            places.extend(object.columns.iter().position(|column| column.name == *name));
        }
    });
    places.into_iter().collect()
}
