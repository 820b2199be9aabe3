//! Filters and orders as SQL over the stored JSON.

use rusqlite::types::Value as Sql;
use serde_json::Value;

use crate::twenty::filter::{Comparator, Filter};
use crate::twenty::problem::Problem;
use crate::twenty::records::unknown_field;
use crate::twenty::schema::{Field, Kind, Object, Schema};

/// A condition with its values in order.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    pub(crate) sql: String,
    pub(crate) values: Vec<Sql>,
}

/// Compiles filters over one schema.
pub(crate) struct Compiler<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) old: bool,
}

/// End of a path: the expression, and how it compares.
pub(crate) struct Place {
    pub(crate) sql: String,
    pub(crate) numeric: bool,
    kind: Kind,
    column: Column,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    /// The id, a time: never empty text.
    Plain,
    /// A value in the JSON, where empty text and nothing are the same.
    Stored,
}

impl Compiler<'_> {
    /// The whole condition; records in the trash are left out unless the filter speaks of them.
    pub(crate) fn condition(&self, object: &Object, filter: Option<&Filter>) -> Result<Condition, Problem> {
        let mut condition = Condition { sql: "1".to_owned(), values: Vec::new() };
        if !filter.is_some_and(Filter::mentions_deleted) {
            "r.deleted IS NULL".clone_into(&mut condition.sql);
        }
        if let Some(filter) = filter {
            let sql = self.filter(object, filter, "r", &mut condition.values)?;
            condition.sql = format!("{} AND {sql}", condition.sql);
        }
        Ok(condition)
    }

    fn filter(&self, object: &Object, filter: &Filter, table: &str, values: &mut Vec<Sql>) -> Result<String, Problem> {
        match filter {
            Filter::All(parts) if parts.is_empty() => Ok("1".to_owned()),
            Filter::All(parts) => self.joined(object, parts, " AND ", table, values),
            Filter::Any(parts) => self.joined(object, parts, " OR ", table, values),
            Filter::Not(part) => Ok(format!("NOT ({})", self.filter(object, part, table, values)?)),
            Filter::Test { path, comparator, operands } => {
                self.test(object, path, (*comparator, operands), table, values)
            }
        }
    }

    fn joined(
        &self,
        object: &Object,
        parts: &[Filter],
        word: &str,
        table: &str,
        values: &mut Vec<Sql>,
    ) -> Result<String, Problem> {
        let parts: Result<Vec<String>, Problem> =
            parts.iter().map(|part| self.filter(object, part, table, values)).collect();
        Ok(format!("({})", parts?.join(word)))
    }

    fn test(
        &self,
        object: &Object,
        path: &[String],
        (comparator, operands): (Comparator, &[Value]),
        table: &str,
        values: &mut Vec<Sql>,
    ) -> Result<String, Problem> {
        let name = path.first().map(String::as_str).unwrap_or_default();
        let field = object.field(name).or_else(|| object.field_of_key(name));
        let field = field.ok_or_else(|| unknown_field(self.old, object, name))?;
        let by_value = matches!(comparator, Comparator::Eq | Comparator::In) && operands.iter().all(Value::is_string);
        if let Some((target, _)) = field.target().filter(|_| name == field.name && path.len() > 1) {
            let Some(target) = self.schema.by_name(target) else { return Ok("0".to_owned()) };
            let inner = format!("{table}t");
            let rest = path.get(1..).unwrap_or_default();
            values.push(Sql::Text(format!("{}.{name}Id", object.singular)));
            values.push(Sql::Text(target.singular.clone()));
            let condition = self.test(target, rest, (comparator, operands), &inner, values)?;
            return Ok(format!(
                "{table}.id IN (SELECT l.id FROM links l WHERE l.link = ? AND l.target IN (SELECT {inner}.id FROM \
                 records {inner} WHERE {inner}.object = ? AND {inner}.deleted IS NULL AND {condition}))"
            ));
        }
        let part = path.get(1).map(String::as_str);
        if !self.old {
            crate::twenty::filter::check(field, name, part, comparator, operands)?;
        }
        if field.target().is_some() && by_value {
            values.push(Sql::Text(format!("{}.{}Id", object.singular, field.name)));
            let list = placeholders(operands, values);
            return Ok(format!("{table}.id IN (SELECT l.id FROM links l WHERE l.link = ? AND l.target IN ({list}))"));
        }
        let indexed = field.unique && part == field.kind.unique_part();
        if indexed && by_value && operands.iter().all(|operand| operand != "") {
            values.push(Sql::Text(format!("{}.{}", object.singular, field.name)));
            let list = placeholders(operands, values);
            return Ok(format!("{table}.id IN (SELECT u.id FROM uniques u WHERE u.path = ? AND u.value IN ({list}))"));
        }
        let place = place(field, name, part, table);
        Ok(compare(&place, comparator, operands, values))
    }
}

fn placeholders(operands: &[Value], values: &mut Vec<Sql>) -> String {
    for operand in operands {
        values.push(Sql::Text(operand.as_str().unwrap_or_default().to_owned()));
    }
    vec!["?"; operands.len()].join(", ")
}

/// The expression for a field or its part.
pub(crate) fn place(field: &Field, name: &str, part: Option<&str>, table: &str) -> Place {
    let column = match name {
        "id" => Some("id"),
        "createdAt" => Some("created"),
        "updatedAt" => Some("updated"),
        "deletedAt" => Some("deleted"),
        _ => None,
    };
    if let Some(column) = column {
        let sql = format!("{table}.{column}");
        return Place { sql, numeric: false, kind: field.kind, column: Column::Plain };
    }
    let deeper = part.map(|part| format!(".\"{}\"", part.replace(['"', '\''], ""))).unwrap_or_default();
    let numeric = matches!(field.kind, Kind::Number | Kind::Numeric | Kind::Position)
        || matches!(part, Some("amountMicros" | "addressLat" | "addressLng"));
    let sql = format!("json_extract({table}.body, '$.\"{name}\"{deeper}')");
    Place { sql, numeric, kind: field.kind, column: Column::Stored }
}

fn value_of(place: &Place, operand: &Value) -> Sql {
    let text = operand.as_str().map_or_else(|| operand.to_string(), str::to_owned);
    match operand {
        Value::Null => Sql::Null,
        Value::Bool(flag) => Sql::Integer(i64::from(*flag)),
        _ if place.kind == Kind::Boolean => Sql::Integer(i64::from(text == "true")),
        _ if place.numeric => text.parse().map_or(Sql::Null, Sql::Real),
        _ if place.kind == Kind::DateTime => Sql::Text(crate::clock::normalise(&text).unwrap_or(text)),
        _ => Sql::Text(text),
    }
}

fn compare(place: &Place, comparator: Comparator, operands: &[Value], values: &mut Vec<Sql>) -> String {
    let sql = place.sql.as_str();
    let empty = match place.column {
        Column::Plain => format!("{sql} IS NULL"),
        Column::Stored => format!("({sql} IS NULL OR {sql} = '')"),
    };
    let first = operands.first().cloned().unwrap_or_default();
    let text = first.as_str().unwrap_or_default().to_owned();
    let mut with = |operator: &str| {
        values.push(value_of(place, &first));
        format!("{sql} {operator} ?")
    };
    match comparator {
        Comparator::Eq if text.is_empty() && first.is_string() => empty,
        Comparator::Is if text == "NOT_NULL" => format!("NOT {empty}"),
        Comparator::Is => empty,
        Comparator::Eq => with("="),
        Comparator::Neq if text.is_empty() && first.is_string() => format!("NOT {empty}"),
        Comparator::Neq => with("IS NOT"),
        Comparator::Gt => with(">"),
        Comparator::Gte => with(">="),
        Comparator::Lt => with("<"),
        Comparator::Lte => with("<="),
        Comparator::In => {
            values.extend(operands.iter().map(|operand| value_of(place, operand)));
            format!("{sql} IN ({})", vec!["?"; operands.len()].join(", "))
        }
        Comparator::ContainsAny => {
            values.extend(operands.iter().map(|operand| value_of(place, operand)));
            let list = vec!["?"; operands.len()].join(", ");
            format!("EXISTS (SELECT 1 FROM json_each(coalesce({sql}, '[]')) e WHERE e.value IN ({list}))")
        }
        Comparator::StartsWith => {
            values.push(Sql::Text(text.clone()));
            values.push(Sql::Text(text));
            format!("substr({sql}, 1, length(?)) = ?")
        }
        Comparator::EndsWith => {
            values.push(Sql::Text(text.clone()));
            values.push(Sql::Text(text));
            format!("substr({sql}, -length(?)) = ?")
        }
        Comparator::Like => {
            values.push(Sql::Text(glob(&text)));
            format!("{sql} GLOB ?")
        }
        Comparator::Ilike => {
            values.push(Sql::Text(text));
            format!("{sql} LIKE ?")
        }
    }
}

/// A `like` pattern, which minds case, as a pattern of SQLite's `GLOB`.
fn glob(pattern: &str) -> String {
    let mut glob = String::new();
    for letter in pattern.chars() {
        match letter {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '*' | '?' | '[' => {
                glob.push('[');
                glob.push(letter);
                glob.push(']');
            }
            other => glob.push(other),
        }
    }
    glob
}
