//! Meaning of Twenty's refusals.

use migr_load::Dialect;
use serde_json::Value;

/// Habits of the server.
pub(super) const DIALECT: Dialect = Dialect { refusals: &REFUSALS, is_graphql: true, left_today: None, rate: None };

/// Texts of a 5xx answer by which Twenty says that it did nothing with what was sent: the older version answers 500 to refusals of its database.
const REFUSALS: [&str; 8] = [
    "violates foreign key constraint",
    "violates not-null constraint",
    "invalid input syntax",
    "invalid input value for enum",
    "Data validation error",
    "request entity too large",
    super::unfit::NO_ENDING,
    super::unfit::NO_KIND,
];

/// Code of a refusal by the role of the API key.
pub(super) const DENIED: &str = "PERMISSION_DENIED";

/// True where a refusal of records says that an object or field is gone. Records were checked against the schema before
/// they are sent.
pub(super) fn is_of_the_schema(message: &str) -> bool {
    message.contains("doesn't have any \"")
        || message.contains("is missing in object metadata")
        || message.starts_with("object '") && message.contains("' not found")
}

/// The cause of a metadata refusal: the first error of the thing that was asked for, not of what hangs on it.
pub(super) fn metadata_cause(body: Option<&Value>, kind: &str) -> Option<(String, Option<String>)> {
    let errors = body?.get("errors")?;
    let lists = [kind, "objectMetadata", "fieldMetadata"];
    for list in lists.iter().filter_map(|kind| errors.get(*kind)?.as_array()) {
        for entry in list {
            let first = entry.get("errors").and_then(Value::as_array).and_then(|errors| errors.first());
            if let Some(message) = first.and_then(|error| error.get("message")).and_then(Value::as_str) {
                let code = first.and_then(|error| error.get("code")).and_then(Value::as_str).map(str::to_owned);
                return Some((message.to_owned(), code));
            }
        }
    }
    None
}
