//! Merge of a value with a record that is there, part by part: parts without a written value stay unchanged.

use migr_load::Map;
use serde_json::Value;

/// Manner in which a record that is there takes values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// Written values count; members of lists that they lack go.
    Over,
    /// Empty parts are filled, and lists get the members that they lack.
    Adding,
}

/// The body that leaves every part as it is there that the encoded values do not write. `part_of` names the part that a key inside a value belongs to.
pub fn beside(encoded: Map, found: &Map, taking: Taking, part_of: impl Fn(&str) -> &str) -> Map {
    let whole = |(key, value): (String, Value)| {
        let value = match (value, found.get(&key)) {
            (Value::Object(parts), Some(Value::Object(there))) => {
                Value::Object(parts_beside(parts, there, taking, &part_of))
            }
            (Value::Array(items), Some(Value::Array(there))) if taking == Taking::Adding => united(there, items),
            (value, _) => value,
        };
        (key, value)
    };
    encoded.into_iter().map(whole).collect()
}

/// The lists of a body as they will be, where they are added to what is there: without the members that are taken away.
pub fn added(body: &Map, found: &Map, taken: &Map, is_added_to: impl Fn(&str) -> bool) -> Map {
    let whole = |(key, value): (&String, &Value)| {
        let (Value::Array(items), Some(Value::Array(there))) = (value, found.get(key)) else {
            return (key.clone(), value.clone());
        };
        if !is_added_to(key) {
            return (key.clone(), value.clone());
        }
        let gone = taken.get(key).and_then(Value::as_array);
        let stays = |item: &&Value| gone.is_none_or(|gone| !gone.contains(item));
        let stays: Vec<Value> = there.iter().filter(stays).cloned().collect();
        (key.clone(), united(&stays, items.clone()))
    };
    body.iter().map(whole).collect()
}

fn parts_beside(parts: Map, there: &Map, taking: Taking, part_of: &impl Fn(&str) -> &str) -> Map {
    let holds = |map: &Map, key: &str| {
        let part = part_of(key);
        map.iter().any(|(other, value)| part_of(other) == part && holds_something(value))
    };
    let keys: Vec<(String, bool, bool)> =
        parts.keys().map(|key| (key.clone(), holds(&parts, key), holds(there, key))).collect();
    let mut written = parts;
    for (key, is_written, is_there) in keys {
        let Some(held) = there.get(&key) else { continue };
        let Some(slot) = written.get_mut(&key) else { continue };
        *slot = match (slot.take(), held) {
            (_, held) if !is_written => held.clone(),
            (Value::Array(items), Value::Array(there)) if taking == Taking::Adding => united(there, items),
            (_, held) if taking == Taking::Adding && is_there => held.clone(),
            (value, _) => value,
        };
    }
    written
}

/// The members that are there, and those that are not yet.
fn united(there: &[Value], items: Vec<Value>) -> Value {
    let mut all = there.to_vec();
    for item in items {
        if !all.iter().any(|known| is_same(known, &item)) {
            all.push(item);
        }
    }
    Value::Array(all)
}

/// True where two members are equal; texts without regard to case, as addresses are.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.to_lowercase() == other.to_lowercase(),
        (Value::Object(one), Value::Object(other)) => {
            one.iter().chain(other).filter(|(_, value)| holds_something(value)).all(|(key, _)| {
                match (one.get(key), other.get(key)) {
                    (Some(one), Some(other)) => is_same(one, other),
                    _ => false,
                }
            })
        }
        (one, other) => one == other,
    }
}

/// True where a value is more than an empty one.
pub fn holds_something(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => false,
        serde_json::Value::String(text) => !text.is_empty(),
        serde_json::Value::Array(items) => !items.is_empty(),
        serde_json::Value::Object(parts) => parts.values().any(holds_something),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: &Value) -> Map {
        value.as_object().cloned().unwrap_or_default()
    }

    fn part_of(key: &str) -> &str {
        if key.starts_with("primaryPhone") { "primaryPhone" } else { key }
    }

    #[test]
    fn a_list_that_is_added_to_will_hold_what_is_there_and_what_is_sent() {
        let (body, found) = (
            map(&json!({"tags": ["New", "VIP"], "days": ["x"]})),
            map(&json!({"tags": ["vip", "old", "by hand"], "days": ["y"]})),
        );
        let added = added(&body, &found, &map(&json!({"tags": ["old"]})), |key| key == "tags");
        assert_eq!(Value::Object(added), json!({"tags": ["vip", "by hand", "New"], "days": ["x"]}));
    }

    #[test]
    fn what_nobody_wrote_stays_as_it_is() {
        let there = json!({"name": {"firstName": "Ada", "lastName": "Stone"}, "tags": ["a"], "city": "Bonn"});
        for (written, over, adding) in [
            (
                json!({"name": {"firstName": "", "lastName": "Lee"}}),
                json!({"name": {"firstName": "Ada", "lastName": "Lee"}}),
                json!({"name": {"firstName": "Ada", "lastName": "Stone"}}),
            ),
            (json!({"tags": ["b", "A"]}), json!({"tags": ["b", "A"]}), json!({"tags": ["a", "b"]})),
            (json!({"city": "Ulm"}), json!({"city": "Ulm"}), json!({"city": "Ulm"})),
            (json!({"new": {"x": 1}}), json!({"new": {"x": 1}}), json!({"new": {"x": 1}})),
        ] {
            assert_eq!(Value::Object(beside(map(&written), &map(&there), Taking::Over, part_of)), over);
            assert_eq!(Value::Object(beside(map(&written), &map(&there), Taking::Adding, part_of)), adding);
        }
        let phones = json!({"phones": {"primaryPhoneNumber": "301", "primaryPhoneCallingCode": "+49", "additionalPhones": null}});
        let kept = json!({"phones": {"primaryPhoneNumber": "201", "primaryPhoneCallingCode": "+1", "additionalPhones": [{"number": "7"}]}});
        // The calling code belongs to the number, the further numbers do not.
        let both = beside(map(&phones), &map(&kept), Taking::Over, part_of);
        assert_eq!(
            Value::Object(both),
            json!({"phones": {"primaryPhoneNumber": "301", "primaryPhoneCallingCode": "+49", "additionalPhones": [{"number": "7"}]}})
        );
    }
}
