//! Which records of a refused batch are at fault: by what the refusal quotes, and by who holds the unique values.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Twenty;
use super::metadata::PAGE;
use super::normal::identity;
use crate::{AtFault, Deleted, FieldSchema, LoadError, Map, NewRecord};

/// Longest list of values in one filter, in characters: addresses end at 16 kB.
const LONGEST_FILTER: usize = 8_000;

/// What a refusal quotes.
#[derive(Debug, PartialEq, Eq)]
struct Quoted<'m> {
    /// The field's path; none where only the value is quoted.
    path: Option<&'m str>,
    value: &'m str,
    /// Whoever holds the value there is refused, whatever else it holds; else only the one record that holds it.
    sure: bool,
}

impl Twenty {
    pub(super) async fn find_at_fault(
        &self,
        object: &str,
        batch: &[NewRecord],
        message: &str,
    ) -> Result<Vec<AtFault>, LoadError> {
        if let Some(quoted) = quoted(message) {
            return Ok(holders(batch, &quoted, message));
        }
        if message.contains("duplicate entry") || message.starts_with("Duplicate ") {
            return self.doubles(object, batch).await;
        }
        Ok(Vec::new())
    }

    /// Records with a unique value that another one has: in the batch, in use or in the trash.
    async fn doubles(&self, object: &str, batch: &[NewRecord]) -> Result<Vec<AtFault>, LoadError> {
        let live = self.live()?;
        let bodies: Vec<Map> = batch.iter().map(|record| record.body.values()).collect();
        let mut found: BTreeMap<usize, String> = BTreeMap::new();
        for field in live.object(object)?.fields.values().filter(|field| field.unique && field.name != "id") {
            let path = path(field);
            let mut first: BTreeMap<String, usize> = BTreeMap::new();
            for (position, body) in bodies.iter().enumerate() {
                let value = body.get(&field.write_key).and_then(|value| identity(&field.native, None, value));
                let Some(value) = value else { continue };
                if let Some(before) = first.get(&value) {
                    let id = batch.get(*before).map_or("", |record| record.id.as_str());
                    found.entry(position).or_insert_with(|| format!("the record {id} has the same {path}"));
                } else {
                    first.insert(value, position);
                }
            }
            for values in lists(first.keys()) {
                for (deleted, place) in [(Deleted::Live, ""), (Deleted::Trashed, " in the trash")] {
                    let filter = format!("{path}[in]:[{}]", values.join(","));
                    let filter = match deleted {
                        Deleted::Trashed => format!("and({filter},deletedAt[is]:NOT_NULL)"),
                        _ => filter,
                    };
                    for other in self.list_where(object, &filter).await? {
                        let value =
                            other.values.get(&field.name).and_then(|value| identity(&field.native, None, value));
                        let position = value.and_then(|value| first.get(&value).copied());
                        let Some(position) = position else { continue };
                        if batch.get(position).is_some_and(|record| record.id != other.id) {
                            let reason = format!("the record {}{place} has the same {path}", other.id);
                            found.entry(position).or_insert(reason);
                        }
                    }
                }
            }
        }
        Ok(found.into_iter().map(|(position, reason)| AtFault { position, reason, sure: true }).collect())
    }
}

/// The path by which a unique field is asked for.
fn path(field: &FieldSchema) -> String {
    match field.native.as_str() {
        "EMAILS" => format!("{}.primaryEmail", field.name),
        "LINKS" => format!("{}.primaryLinkUrl", field.name),
        "PHONES" => format!("{}.primaryPhoneNumber", field.name),
        _ => field.name.clone(),
    }
}

/// Values in lists that a filter takes. One with a comma, a bracket or a quote would be read as something else: it is left out.
fn lists<'v>(values: impl Iterator<Item = &'v String>) -> Vec<Vec<&'v str>> {
    let mut lists: Vec<Vec<&str>> = Vec::new();
    let mut length = LONGEST_FILTER;
    for value in values {
        if value.contains([',', '(', ')', '[', ']', '"', '\'', '\\']) || value.contains(char::is_whitespace) {
            continue;
        }
        length += value.len() + 1;
        match lists.last_mut() {
            Some(list) if length <= LONGEST_FILTER && list.len() < PAGE => list.push(value),
            _ => {
                lists.push(vec![value]);
                length = value.len();
            }
        }
    }
    lists
}

/// The value that a refusal quotes, and where.
fn quoted(message: &str) -> Option<Quoted<'_>> {
    if let Some(value) = message.strip_prefix("Provided phone number is invalid ") {
        // Whether a number is one depends on its country.
        return Some(Quoted { path: None, value, sure: false });
    }
    if let Some(value) = message.strip_prefix("Invalid country code ") {
        return Some(Quoted { path: None, value, sure: false });
    }
    let (before, after) = message.split_once(" for ")?;
    let value = before.strip_prefix("Invalid ")?.split_once("value ").map(|(_, value)| value)?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let value = value.strip_prefix(quote)?.strip_suffix(quote)?;
    let (_, path) = after.split_once("field \"")?;
    let (path, _) = path.split_once('"')?;
    // An escaped or cut value is not what the record holds.
    (!value.contains(['\\', '…'])).then_some(Quoted { path: Some(path), value, sure: true })
}

/// The records that hold what is quoted.
fn holders(batch: &[NewRecord], quoted: &Quoted<'_>, message: &str) -> Vec<AtFault> {
    let mut found: Vec<AtFault> = Vec::new();
    for (position, record) in batch.iter().enumerate() {
        let body = record.body.values();
        let holds = match quoted.path {
            Some(path) => {
                let mut value = path.split('.').next().and_then(|field| body.get(field));
                for part in path.split('.').skip(1) {
                    value = value.and_then(|value| value.get(part));
                }
                value.is_some_and(|value| is_or_lists(value, quoted.value))
            }
            None => body.values().any(|value| contains(value, quoted.value)),
        };
        if holds {
            found.push(AtFault { position, reason: message.to_owned(), sure: quoted.sure });
        }
    }
    if let [only] = found.as_mut_slice() {
        only.sure = true;
    }
    found
}

fn is_or_lists(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(text)),
        _ => false,
    }
}

fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::Object(parts) => parts.values().any(|part| is_or_lists(part, text) || contains(part, text)),
        Value::Array(items) => items.iter().any(|item| contains(item, text)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Quoted, holders, lists, quoted};
    use crate::{Body, NewRecord};

    #[test]
    fn a_refusal_tells_the_field_and_the_value() {
        let by_field = |path, value| Some(Quoted { path: Some(path), value, sure: true });
        for (message, expected) in [
            (
                "Invalid string value 'not an email' for email field \"emails.primaryEmail\"",
                by_field("emails.primaryEmail", "not an email"),
            ),
            (
                "Invalid value \"Closed Won\" for field \"stage\". Valid values are: NEW, SCREENING",
                by_field("stage", "Closed Won"),
            ),
            ("Invalid boolean value 'true' for field \"isPartner\"", by_field("isPartner", "true")),
            ("Invalid UUID value 'abc' for field \"companyId\"", by_field("companyId", "abc")),
            ("Provided phone number is invalid call me", Some(Quoted { path: None, value: "call me", sure: false })),
            ("Invalid country code ZZ9", Some(Quoted { path: None, value: "ZZ9", sure: false })),
            ("Invalid number value NaN for field \"annualRevenue.amountMicros\"", None),
            ("A duplicate entry was detected", None),
            ("insert or update on table \"person\" violates foreign key constraint \"FK_ee06\"", None),
        ] {
            assert_eq!(quoted(message), expected, "{message}");
        }
    }

    #[test]
    fn whoever_holds_the_value_there_is_at_fault_and_nobody_else() {
        let record =
            |body: serde_json::Value| NewRecord { id: String::new(), body: Body::from(body.as_object().unwrap()) };
        let batch = [
            record(json!({"emails": {"primaryEmail": "a@x.example"}, "note": "bad"})),
            record(json!({"emails": {"primaryEmail": "bad"}})),
            record(json!({"emails": {"primaryEmail": "b@x.example", "additionalEmails": ["bad"]}})),
            record(json!({"phones": {"additionalPhones": [{"number": "bad"}]}})),
        ];
        let positions = |path, value| {
            let quoted = Quoted { path, value, sure: true };
            holders(&batch, &quoted, "m").iter().map(|fault| fault.position).collect::<Vec<_>>()
        };
        assert_eq!(positions(Some("emails.primaryEmail"), "bad"), [1]);
        assert_eq!(positions(Some("emails.additionalEmails"), "bad"), [2]);
        assert_eq!(positions(None, "bad"), [1, 2, 3]);
        assert_eq!(positions(Some("stage"), "bad"), [0; 0]);
    }

    #[test]
    fn values_that_a_filter_would_misread_are_left_out_and_long_lists_are_cut() {
        let values: Vec<String> = (0..1000)
            .map(|number| format!("person{number}@a-rather-long-host.example"))
            .chain(["a,b@c".into()])
            .collect();
        let lists = lists(values.iter());
        assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), 1000);
        assert!(lists.iter().all(|list| list.len() <= 200 && list.join(",").len() <= super::LONGEST_FILTER));
    }
}
