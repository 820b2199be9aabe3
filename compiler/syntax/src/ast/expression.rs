//! Expressions as written.

use std::sync::Arc;

use migr_source::Spanned;

use super::{Name, Text};

/// An expression with its place.
pub type Expr = Spanned<Expression>;

/// Expression that computes a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// `none`
    None,
    /// `default`: write nothing, the destination decides.
    Default,
    /// `true`, `false`
    Boolean(bool),
    /// A number as written: `12`, `0.5`, `-3`.
    Number(Arc<str>),
    /// `60s`, `25MB`, `99.9%`, `100 per 60s`
    Quantity(Quantity),
    /// A string without holes.
    Text(Arc<str>),
    /// A string with `{holes}`.
    Template(Vec<TemplatePart>),
    /// A bare name: a column, a transform's parameter, or an option where a select is expected.
    Name(Arc<str>),
    /// `base.name`: a record's field, through a reference the referred record's.
    Field {
        /// Record that is asked.
        base: Box<Expr>,
        /// For what.
        name: Name,
    },
    /// `function(a, b)`; also `companies("K3")` in a test and `ClientCompany(company)`.
    Call {
        /// The function.
        function: Name,
        /// Arguments of the call.
        arguments: Vec<Argument>,
    },
    /// `input | function` or `input | function(a, b)`
    Pipe {
        /// Value that flows in.
        input: Box<Expr>,
        /// The function, transform or picklist.
        function: Name,
        /// Further arguments.
        arguments: Vec<Argument>,
    },
    /// `left + right`
    Binary {
        /// The operator.
        operator: Spanned<BinaryOperator>,
        /// Left side.
        left: Box<Expr>,
        /// Right side.
        right: Box<Expr>,
    },
    /// `not x`
    Not(Box<Expr>),
    /// `if condition then a else b`
    If {
        /// The condition.
        condition: Box<Expr>,
        /// Value when it holds.
        then: Box<Expr>,
        /// Value when not.
        otherwise: Box<Expr>,
    },
    /// `{ a: x, b: y }`
    Record(Vec<RecordField>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `(a, b)`: two or more; one in brackets is just that expression in [`Expression::Group`].
    Tuple(Vec<Expr>),
    /// `(a)`: kept so that the formatter keeps brackets.
    Group(Box<Expr>),
    /// `existing calendars(name: "Client sessions")`
    Existing {
        /// The destination object.
        object: Name,
        /// Fields that identify the record.
        arguments: Vec<Argument>,
    },
    /// `expression otherwise none | VALUE | quarantine | skip`
    Otherwise {
        /// Value that may fail.
        value: Box<Expr>,
        /// Rule for the failure.
        recovery: Spanned<Recovery>,
    },
    /// Expression that could not be read. Already reported.
    Error,
}

/// Rule for an expression that failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Recovery {
    /// Quarantine the record.
    Quarantine,
    /// Leave the record out, counted.
    Skip,
    /// Use this value (`none` is [`Expression::None`]).
    Value(Box<Expr>),
}

/// `x` or `name: x`
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The name, where one is written.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// `emails.primaryEmail: value`: a path, for `expect` blocks; elsewhere of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordField {
    /// The field.
    pub path: super::Path,
    /// Value of the field.
    pub value: Expr,
}

/// A piece of `"text {hole}"`.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Literal text, escapes resolved.
    Text(Text),
    /// `{expression}`
    Hole(Expr),
}

/// A number with a unit, and `per` another.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// The number as written.
    pub number: Arc<str>,
    /// `s`, `min`, `h`, `d`, `y`, `kB`, `MB`, `GB`, `%`; empty where none stands.
    pub unit: Arc<str>,
    /// `per 60s`
    pub per: Option<Box<Quantity>>,
}

/// Operators of two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `+`: numbers, texts, lists
    Add,
    /// `-`
    Subtract,
    /// `??`: the left unless it is none
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

impl BinaryOperator {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Coalesce => "??",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::And => "and",
            Self::Or => "or",
        }
    }
}
