//! Filters: one tree for the text of REST's `filter` and for GraphQL's input objects.

use serde_json::Value;

use crate::twenty::problem::Problem;

mod operand;
mod text;

pub(crate) use operand::check;
pub(crate) use text::parse;

/// Comparison of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparator {
    Eq,
    Neq,
    In,
    ContainsAny,
    Is,
    Gt,
    Gte,
    Lt,
    Lte,
    StartsWith,
    EndsWith,
    Like,
    Ilike,
}

impl Comparator {
    /// The comparator of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Eq,
            "neq" => Self::Neq,
            "in" => Self::In,
            "containsAny" => Self::ContainsAny,
            "is" => Self::Is,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "startsWith" => Self::StartsWith,
            "endsWith" => Self::EndsWith,
            "like" => Self::Like,
            "ilike" => Self::Ilike,
            _ => return None,
        })
    }
}

/// A condition on records.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// Conditions of which every one holds.
    All(Vec<Filter>),
    /// One of these holds.
    Any(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// The value at `path` compares so with `operands`.
    Test { path: Vec<String>, comparator: Comparator, operands: Vec<Value> },
}

impl Filter {
    /// True where the filter speaks of the trash itself.
    pub(crate) fn mentions_deleted(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::mentions_deleted),
            Self::Not(part) => part.mentions_deleted(),
            Self::Test { path, .. } => path.first().is_some_and(|name| name == "deletedAt"),
        }
    }

    /// The filter of a GraphQL input object.
    pub(crate) fn from_json(input: &Value) -> Result<Self, Problem> {
        nested(input, &[])
    }
}

fn nested(input: &Value, path: &[String]) -> Result<Filter, Problem> {
    let Some(entries) = input.as_object() else {
        return Err(Problem::bad_request(format!("Invalid filter value {input}")));
    };
    let mut parts = Vec::new();
    for (key, value) in entries {
        let list = |value: &Value| match value {
            Value::Array(items) => items.iter().map(|item| nested(item, path)).collect::<Result<Vec<_>, _>>(),
            other => Ok(vec![nested(other, path)?]),
        };
        parts.push(match key.as_str() {
            "and" => Filter::All(list(value)?),
            "or" => Filter::Any(list(value)?),
            "not" => Filter::Not(Box::new(nested(value, path)?)),
            name => {
                if let Some(comparator) = Comparator::parse(name).filter(|_| !path.is_empty()) {
                    let operands = match value {
                        Value::Array(items) => items.clone(),
                        other => vec![other.clone()],
                    };
                    Filter::Test { path: path.to_vec(), comparator, operands }
                } else {
                    let mut deeper = path.to_vec();
                    deeper.push(key.clone());
                    nested(value, &deeper)?
                }
            }
        });
    }
    Ok(Filter::All(parts))
}
