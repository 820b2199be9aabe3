//! Expressions of a plan, with references, policies and operators.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FieldType;
use crate::empty::is_default;

/// Expression that computes a value from one source record. Names are resolved, conversions written out, transforms expanded: the runtime decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Expr {
    /// No value.
    None,
    /// Nothing is written; the destination decides.
    Default,
    /// A truth value.
    Boolean {
        /// The value.
        value: bool,
    },
    /// A number.
    Number {
        /// As a decimal numeral.
        value: String,
    },
    /// A text.
    Text {
        /// The value.
        value: String,
    },
    /// An option of a select.
    Option {
        /// Value of the option.
        value: String,
    },
    /// A cell of the record, read by its column's type. Text-like types (text, richtext, email, phone, url, file, uuid, reference) give the cell's text as it
    /// stands; integer, number, decimal, boolean, date and datetime are read and may fail; a list is split. Blank gives none.
    Column {
        /// The column's name in the catalog.
        name: String,
    },
    /// The value of a `map distinct` record.
    DistinctValue,
    /// A field of a referred record; over a list, a list.
    Through {
        /// Gives the key, or a list of keys.
        key: Box<Expr>,
        /// Target of the key.
        target: ReferenceTarget,
        /// The column that is read there, by its type.
        field: String,
        /// Policy for a referred record that is not in the export; of a list the default leaves the member out.
        #[serde(default, skip_serializing_if = "is_default")]
        on_missing: OnMissing,
    },
    /// A function; the first argument is what flowed in through `|`. A function of one value applies to each element of a list.
    Call {
        /// Name of the function.
        function: String,
        /// Arguments of the function, in order.
        arguments: Vec<Expr>,
    },
    /// An operator of two sides.
    Binary {
        /// Which.
        operator: Operator,
        /// Left side.
        left: Box<Expr>,
        /// Right side.
        right: Box<Expr>,
    },
    /// The contrary.
    Not {
        /// Of what.
        value: Box<Expr>,
    },
    /// One of two.
    If {
        /// The condition.
        condition: Box<Expr>,
        /// Value when it holds.
        then: Box<Expr>,
        /// Value when not.
        otherwise: Box<Expr>,
    },
    /// Named parts.
    Record {
        /// In order.
        fields: Vec<NamedExpr>,
    },
    /// A list; elements that are none are left out, elements that are lists stay lists.
    List {
        /// In order.
        items: Vec<Expr>,
    },
    /// Several values side by side.
    Tuple {
        /// In order.
        items: Vec<Expr>,
    },
    /// Texts joined; a part that is none adds nothing.
    Template {
        /// In order.
        parts: Vec<Expr>,
    },
    /// A look-up in a picklist table.
    Picklist {
        /// The table.
        table: String,
        /// One value per input.
        inputs: Vec<Expr>,
        /// Which of the table's fields, from 0.
        output: usize,
    },
    /// The destination id of a record that this migration writes or found.
    Reference {
        /// Gives the source key, or a list of keys.
        key: Box<Expr>,
        /// Targets that the key may refer to; more than one where a `by` column tells.
        targets: Vec<ReferenceTarget>,
        /// The column that tells which target, with the value for each target in the same order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<ReferenceChoice>,
        /// Policy for a referred record that is not in the destination.
        on_missing: OnMissing,
    },
    /// The destination member of a source owner, through the owners table.
    Owner {
        /// Gives the owner's key (an address).
        key: Box<Expr>,
        /// Target of the key.
        target: ReferenceTarget,
        /// Policy for an owner whom several records name.
        #[serde(default, skip_serializing_if = "is_default")]
        on_missing: OnMissing,
    },
    /// A record that is in the destination already, resolved before the run.
    Existing {
        /// The destination object.
        object: String,
        /// Fields that identify the record; texts.
        fields: Vec<NamedExpr>,
        /// Policy for a record that is not there, or several of them.
        #[serde(default, skip_serializing_if = "is_default")]
        on_missing: OnMissing,
    },
    /// A conversion that the language makes by itself, or the last one into the field's type.
    Convert {
        /// Value that is converted.
        value: Box<Expr>,
        /// Into what.
        to: FieldType,
    },
    /// A value with a rule for its failure.
    Otherwise {
        /// Value that may fail.
        value: Box<Expr>,
        /// Rule for the failure.
        recovery: Recovery,
    },
}

/// Choice of a polymorphic reference's target by the value of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceChoice {
    /// The column that tells.
    pub column: String,
    /// Value of the column for each target, in the targets' order; compared trimmed, without regard to case.
    pub values: Vec<String>,
}

impl Expr {
    /// Calls `visit` with this expression and every one inside it, outer first.
    pub fn walk<'e>(&'e self, visit: &mut impl FnMut(&'e Self)) {
        visit(self);
        match self {
            Self::None
            | Self::Default
            | Self::Boolean { .. }
            | Self::Number { .. }
            | Self::Text { .. }
            | Self::Option { .. }
            | Self::Column { .. }
            | Self::DistinctValue => {}
            Self::Through { key, .. } | Self::Reference { key, .. } | Self::Owner { key, .. } => key.walk(visit),
            Self::Not { value } | Self::Convert { value, .. } => value.walk(visit),
            Self::Call { arguments, .. } => {
                for argument in arguments {
                    argument.walk(visit);
                }
            }
            Self::Binary { left, right, .. } => {
                left.walk(visit);
                right.walk(visit);
            }
            Self::If { condition, then, otherwise } => {
                condition.walk(visit);
                then.walk(visit);
                otherwise.walk(visit);
            }
            Self::Record { fields } | Self::Existing { fields, .. } => {
                for field in fields {
                    field.value.walk(visit);
                }
            }
            Self::List { items } | Self::Tuple { items } => {
                for item in items {
                    item.walk(visit);
                }
            }
            Self::Template { parts } => {
                for part in parts {
                    part.walk(visit);
                }
            }
            Self::Picklist { inputs, .. } => {
                for input in inputs {
                    input.walk(visit);
                }
            }
            Self::Otherwise { value, recovery } => {
                value.walk(visit);
                if let Recovery::Use { value } = recovery {
                    value.walk(visit);
                }
            }
        }
    }
}

/// `name: value`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedExpr {
    /// The part's name.
    pub name: String,
    /// Value of the field.
    pub value: Expr,
}

/// Target of a source key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceTarget {
    /// The source object.
    pub object: String,
    /// The column the key is compared with; absent: the object's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Compared without regard to case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
    /// Compared trimmed and with runs of blanks as one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_space: bool,
    /// The stages that may have written the referred record, in plan order; empty where only its fields are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<String>,
}

/// Policy for a referred record that is not in the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// The record is quarantined (the default).
    #[default]
    Quarantine,
    /// The field is left empty, recorded as a repair.
    None,
    /// The record is skipped.
    Skip,
}

/// Rule for a value that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Recovery {
    /// Quarantine the record.
    Quarantine,
    /// Leave the record out, counted as skipped.
    Skip,
    /// Use this instead, recorded as a repair.
    Use {
        /// The value.
        value: Box<Expr>,
    },
}

/// Operators of two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `+`: numbers, texts, lists
    Add,
    /// `-`
    Subtract,
    /// `??`
    Coalesce,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `and`
    And,
    /// `or`
    Or,
}
