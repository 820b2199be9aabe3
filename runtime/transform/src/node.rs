use std::collections::HashMap;
use std::sync::Arc;

use migr_plan::{FieldType, OnMissing, Operator, ReferenceTarget};

use crate::Value;
use crate::column::{Blanks, Column};
use crate::functions::{Function, Prepared, Settings};
use crate::picklist::Table;

/// What all expressions of a stage share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The source object's columns, by position.
    pub(crate) columns: Vec<Column>,
    pub(crate) blanks: Blanks,
    pub(crate) settings: Settings,
    pub(crate) tables: Vec<Table>,
}

/// An expression with its names resolved to positions.
#[derive(Debug)]
pub(crate) enum Node {
    Constant(Value<'static>),
    Column(usize),
    Distinct,
    Through(Box<Through>),
    Call(Box<Call>),
    Binary(Operator, Box<[Node; 2]>),
    Not(Box<Node>),
    If(Box<[Node; 3]>),
    Record(Vec<(String, Node)>),
    List(Vec<Node>),
    Tuple(Vec<Node>),
    Template(Vec<Node>),
    Picklist { table: usize, inputs: Vec<Node>, output: usize },
    Reference(Box<ReferenceNode>),
    Owner { key: Box<Node>, target: ReferenceTarget },
    Existing { object: String, fields: Vec<(String, Node)> },
    Convert { value: Box<Node>, to: FieldType },
    Otherwise { value: Box<Node>, recovery: Recover },
}

/// A column of a referred record.
#[derive(Debug)]
pub(crate) struct Through {
    pub(crate) key: Node,
    pub(crate) target: ReferenceTarget,
    pub(crate) column: Column,
}

/// A function with the arguments that are written out read already.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    pub(crate) input: Node,
    pub(crate) arguments: Vec<Node>,
    pub(crate) prepared: Prepared,
}

/// A reference to a record of the destination.
#[derive(Debug)]
pub(crate) struct ReferenceNode {
    pub(crate) key: Node,
    pub(crate) targets: Vec<Target>,
    /// The position of the column that tells which target.
    pub(crate) by: Option<usize>,
    pub(crate) on_missing: OnMissing,
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) target: ReferenceTarget,
    /// What the `by` column holds for it, in lower case.
    pub(crate) by_value: String,
    /// The spellings that count as one, where the target is a `map distinct`.
    pub(crate) same: Option<Arc<Same>>,
}

/// Spelling → the spelling that stays.
pub(crate) type Same = HashMap<String, String>;

#[derive(Debug)]
pub(crate) enum Recover {
    Quarantine,
    Skip,
    Use(Box<Node>),
}

impl Node {
    /// The positions of the record's own columns that it reads, each once, in the order of the expression.
    pub(crate) fn columns(&self, into: &mut Vec<usize>) {
        let mut add = |position: usize| {
            if !into.contains(&position) {
                into.push(position);
            }
        };
        match self {
            Self::Constant(_) | Self::Distinct => {}
            Self::Column(position) => add(*position),
            Self::Through(through) => through.key.columns(into),
            Self::Call(call) => {
                call.input.columns(into);
                call.arguments.iter().for_each(|argument| argument.columns(into));
            }
            Self::Binary(_, sides) => sides.iter().for_each(|side| side.columns(into)),
            Self::Not(value) | Self::Convert { value, .. } | Self::Owner { key: value, .. } => value.columns(into),
            Self::If(parts) => parts.iter().for_each(|part| part.columns(into)),
            Self::Record(fields) | Self::Existing { fields, .. } => {
                fields.iter().for_each(|(_, field)| field.columns(into));
            }
            Self::List(items) | Self::Tuple(items) | Self::Template(items) | Self::Picklist { inputs: items, .. } => {
                items.iter().for_each(|item| item.columns(into));
            }
            Self::Reference(reference) => {
                if let Some(by) = reference.by {
                    add(by);
                }
                reference.key.columns(into);
            }
            Self::Otherwise { value, recovery } => {
                value.columns(into);
                if let Recover::Use(other) = recovery {
                    other.columns(into);
                }
            }
        }
    }
}
