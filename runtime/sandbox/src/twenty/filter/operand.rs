//! Values that the newer server refuses in a filter.

use serde_json::Value;

use super::Comparator;
use crate::clock;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Field, Kind};
use crate::twenty::values::{inspect, is_rfc_uuid};

/// Refuses a value that the field, or a part of it, can never hold, and a part that it does not have.
pub(crate) fn check(
    field: &Field,
    name: &str,
    part: Option<&str>,
    comparator: Comparator,
    operands: &[Value],
) -> Result<(), Problem> {
    let parts = field.kind.parts();
    if !parts.is_empty() && part.is_none_or(|part| !parts.contains(&part)) {
        let shown = part.map_or_else(|| "none".to_owned(), |part| format!("\"{part}\""));
        return Err(Problem::bad_request(format!("Field \"{name}\" is filtered by one of its parts, not by {shown}")));
    }
    if comparator == Comparator::Is {
        return match operands.first() {
            Some(Value::String(word)) if word != "NULL" && word != "NOT_NULL" => {
                Err(Problem::bad_request(format!("Value \"{word}\" does not exist in \"FilterIs\" enum")))
            }
            _ => Ok(()),
        };
    }
    let compared = matches!(
        comparator,
        Comparator::Eq
            | Comparator::Neq
            | Comparator::In
            | Comparator::ContainsAny
            | Comparator::Gt
            | Comparator::Gte
            | Comparator::Lt
            | Comparator::Lte
    );
    if !compared {
        return Ok(());
    }
    let texts = operands.iter().filter_map(Value::as_str);
    for text in texts {
        if let Some(kind) = wrong(field, name, part, text) {
            let shown = inspect(&Value::from(text));
            return Err(Problem::invalid(format!("Invalid {kind} value {shown} for field \"{name}\"")));
        }
    }
    Ok(())
}

/// The kind of value that a text should be and is not.
fn wrong(field: &Field, name: &str, part: Option<&str>, text: &str) -> Option<&'static str> {
    let number = || text.parse::<f64>().is_err().then_some("number");
    match field.kind {
        _ if field.target().is_some() && name != field.name => (!is_rfc_uuid(text)).then_some("UUID"),
        Kind::Uuid => (!is_rfc_uuid(text)).then_some("UUID"),
        Kind::DateTime => clock::normalise(text).is_none().then_some("date-time"),
        Kind::Date => clock::date(text).is_none().then_some("date"),
        Kind::Number | Kind::Numeric | Kind::Position => number(),
        Kind::Boolean => (!matches!(text, "true" | "false")).then_some("boolean"),
        Kind::Select | Kind::MultiSelect | Kind::Rating => (!field.option_values().contains(&text)).then_some("enum"),
        Kind::Currency | Kind::Address if matches!(part, Some("amountMicros" | "addressLat" | "addressLng")) => {
            number()
        }
        _ => None,
    }
}
