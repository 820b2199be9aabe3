//! Shares of several rows in the one record that they become, and the values that lose: part by part, for people.

use migr_journal::RepairNote;
use migr_plan::ReasonCode;
use migr_transform::{Pass, to_json};
use serde_json::Value;

use crate::DecideError;
use crate::cells::Kept;
use crate::decision::shown;
use crate::parts::holds_something;
use crate::preview::{MERGED, shown_values};
use crate::record_lookup::RecordLookup;
use crate::record_write::FieldChange;
use crate::stage_run::StageRun;

/// Share of a row in a record, or in a part of one.
#[derive(Debug)]
pub enum Given<'g> {
    /// The whole value: there was none.
    Value,
    /// A member of a list that was not there.
    Member(&'g Value),
    /// Nothing: a row before it has another value.
    Lost {
        /// The value that loses.
        lost: &'g Value,
        /// The value that counts.
        kept: &'g Value,
    },
}

/// Gives a value what it lacks of a later row's, and tells what it takes and what loses, with the path to the part: `.lastName`, empty for the whole.
pub fn unite(slot: &mut Value, other: Value, path: &str, told: &mut dyn FnMut(&str, Given<'_>)) {
    if !holds_something(&other) {
        return;
    }
    if !holds_something(slot) {
        *slot = other;
        return told(path, Given::Value);
    }
    match (slot, other) {
        (Value::Object(parts), Value::Object(others)) => {
            for (name, other) in others {
                let path = format!("{path}.{name}");
                unite(parts.entry(name).or_insert(Value::Null), other, &path, told);
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            for other in others.into_iter().filter(holds_something) {
                if !items.contains(&other) {
                    told(path, Given::Member(&other));
                    items.push(other);
                }
            }
        }
        (slot, other) if *slot != other => told(path, Given::Lost { lost: &other, kept: slot }),
        _ => {}
    }
}

/// Note on a value of a row, by its key and line, that gave way in the merge into a record.
pub fn gave_way(job: &StageRun, (key, line): (String, u64), field: String, into: &str) -> RepairNote {
    RepairNote {
        code: Some(ReasonCode::R203.to_string()),
        key,
        file: job.file.clone(),
        line,
        field,
        reason: format!("{MERGED}{} (`on duplicate {}`)", shown(into), job.stage.policies.duplicate),
    }
}

/// Values of rows that lose to another row's, by the position of the row; the preferred row comes first.
pub fn lost(job: &StageRun, world: &RecordLookup, rows: &[Kept]) -> Result<Vec<(usize, FieldChange)>, DecideError> {
    let mut losses = Vec::new();
    let mut whole: Vec<(usize, Value)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        for pass in [Pass::First, Pass::Deferred] {
            for (index, value) in job.program.fields_apart(row, world, pass)?.evaluated.values {
                let Some(field) = job.stage.fields.get(index) else { continue };
                let is_masked = field.sensitive || job.program.is_masked(index);
                let is_identity = job.identities.is_made_of(&field.field);
                let mut told = |path: &str, given: Given<'_>| {
                    if let Given::Lost { lost, kept } = given
                        // What makes rows one may be spelt in two ways.
                        && !(is_identity && is_same_spelling(lost, kept))
                    {
                        let shown = |value| if is_masked { "***".to_owned() } else { shown_values([value]) };
                        let field = format!("{}{path}", field.field);
                        losses.push((
                            at,
                            FieldChange {
                                field,
                                before: shown(lost),
                                after: shown(kept),
                                conflict: None,
                                stays: false,
                            },
                        ));
                    }
                };
                match whole.iter_mut().find(|(known, _)| *known == index) {
                    Some((_, slot)) => unite(slot, plain_json(&value), "", &mut told),
                    None => whole.push((index, plain_json(&value))),
                }
            }
        }
    }
    Ok(losses)
}

/// A value as JSON, a reference by its id alone and a phone number as it is dialled: nothing of them is a part that a field has.
pub(crate) fn plain_json(value: &migr_transform::Value<'_>) -> Value {
    use migr_transform::Value as Of;
    match value {
        Of::Reference(reference) => Value::String(reference.id.to_string()),
        Of::Phone(phone) => Value::String(match &phone.extension {
            Some(extension) => format!("{} x{extension}", phone.e164),
            None => phone.e164.clone(),
        }),
        Of::List(items) => Value::Array(items.iter().map(plain_json).collect()),
        Of::Record(parts) => {
            Value::Object(parts.iter().map(|(name, part)| ((*name).to_string(), plain_json(part))).collect())
        }
        value => to_json(value),
    }
}

/// True where two texts differ in case and blanks at most.
pub(crate) fn is_same_spelling(one: &Value, other: &Value) -> bool {
    let folded = |value: &Value| value.as_str().map(|text| text.trim().to_lowercase());
    folded(one).is_some() && folded(one) == folded(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_loses_is_told_and_what_is_taken_is_not_lost() {
        for (first, second, expected, told) in [
            (json!("Nurse"), json!("Cook"), json!("Nurse"), vec![": Cook loses to Nurse"]),
            (json!("Nurse"), json!("Nurse"), json!("Nurse"), vec![]),
            (json!(null), json!("Cook"), json!("Cook"), vec![": taken"]),
            (json!("Nurse"), json!(null), json!("Nurse"), vec![]),
            (json!(["a"]), json!(["a", "b"]), json!(["a", "b"]), vec![": b added"]),
            (
                json!({"firstName": "Ada", "lastName": null}),
                json!({"firstName": "Eda", "lastName": "Hill"}),
                json!({"firstName": "Ada", "lastName": "Hill"}),
                vec![".firstName: Eda loses to Ada", ".lastName: taken"],
            ),
        ] {
            let (mut slot, mut words) = (first, Vec::new());
            unite(&mut slot, second, "", &mut |path, given| {
                words.push(match given {
                    Given::Value => format!("{path}: taken"),
                    Given::Member(member) => format!("{path}: {} added", shown_values([member])),
                    Given::Lost { lost, kept } => {
                        format!("{path}: {} loses to {}", shown_values([lost]), shown_values([kept]))
                    }
                });
            });
            assert_eq!((slot, words), (expected, told.into_iter().map(str::to_owned).collect()));
        }
    }
}
