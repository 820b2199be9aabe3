//! Compiled expressions.

use std::collections::HashMap;
use std::sync::Arc;

use migr_plan::{FieldType, OnMissing, Operator, ReferenceTarget};

use crate::Value;
use crate::column::{Blanks, Column};
use crate::functions::{Function, Prepared, Settings};
use crate::picklist::Table;

/// Data that the expressions of a stage share.
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
    /// A column whose cells are read as what they are declared, and taken as they are written.
    Written(Box<Column>),
    Distinct,
    Through(Box<Through>),
    Call(Box<Call>),
    Binary(Operator, Box<[Node; 2]>),
    /// The first of two that has a value.
    Coalesce {
        number: u32,
        sides: Box<[Node; 2]>,
    },
    Not(Box<Node>),
    If {
        number: u32,
        parts: Box<[Node; 3]>,
    },
    Record(Vec<(String, Node)>),
    List(Vec<Node>),
    Tuple(Vec<Node>),
    Template(Vec<Node>),
    Picklist {
        table: usize,
        inputs: Vec<Node>,
        output: usize,
    },
    Reference(Box<ReferenceNode>),
    Owner {
        key: Box<Node>,
        target: ReferenceTarget,
        on_missing: OnMissing,
    },
    Existing {
        object: String,
        fields: Vec<(String, Node)>,
        on_missing: OnMissing,
    },
    Convert {
        value: Box<Node>,
        to: FieldType,
    },
    Otherwise {
        number: u32,
        value: Box<Node>,
        recovery: Recover,
    },
}

/// A column of a referred record.
#[derive(Debug)]
pub(crate) struct Through {
    pub(crate) key: Node,
    pub(crate) target: ReferenceTarget,
    pub(crate) column: Column,
    pub(crate) on_missing: OnMissing,
}

/// A function with the arguments that are written out read already.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: Function,
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
    pub(crate) to: ReferenceTarget,
    /// Value of the `by` column for the target, in lower case.
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
