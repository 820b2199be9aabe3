//! Values of several rows that become one record: each lacks nothing that a later one has.

use migr_plan::FieldMapping;

use crate::Value;

/// Gives a value what it lacks of another one: its empty parts, and the members that its lists do not hold.
pub fn unite<'r>(slot: &mut Value<'r>, other: Value<'r>) {
    if is_empty(slot) {
        *slot = other;
        return;
    }
    match (slot, other) {
        (Value::List(items), Value::List(others)) => {
            for other in others {
                if !is_empty(&other) && !items.contains(&other) {
                    items.push(other);
                }
            }
        }
        (Value::Record(parts), Value::Record(others)) => {
            for (name, other) in others {
                match parts.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, part)) => unite(part, other),
                    None => parts.push((name, other)),
                }
            }
        }
        _ => {}
    }
}

/// True where a value holds nothing, all of its parts included.
pub fn is_empty(value: &Value<'_>) -> bool {
    match value {
        Value::None | Value::Default => true,
        Value::Record(parts) => parts.iter().all(|(_, part)| is_empty(part)),
        Value::List(items) => items.iter().all(is_empty),
        _ => false,
    }
}

/// Takes a value out, by the path of a field or of a part. What is left out so is not empty: what is there stays.
pub fn take_out(fields: &[FieldMapping], values: &mut [(usize, Value<'_>)], path: &str) {
    let (name, part) = path.split_once('.').map_or((path, None), |(name, part)| (name, Some(part)));
    for (index, value) in values {
        if fields.get(*index).is_none_or(|field| field.field != name) {
            continue;
        }
        if let (Value::Record(parts), Some(part)) = (&mut *value, part) {
            parts.retain(|(known, _)| known != part);
            if !is_empty(value) {
                continue;
            }
        }
        *value = Value::Default;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&'static str]) -> Value<'static> {
        Value::List(items.iter().map(|item| Value::text(*item)).collect())
    }

    fn record(parts: Vec<(&'static str, Value<'static>)>) -> Value<'static> {
        Value::Record(parts.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    #[test]
    fn rows_that_become_one_record_lose_no_part_and_no_member() {
        for (first, second, expected) in [
            (Value::text("CEO"), Value::text("CTO"), Value::text("CEO")),
            (Value::None, Value::text("CTO"), Value::text("CTO")),
            (list(&["a", "b"]), list(&["b", "c"]), list(&["a", "b", "c"])),
            (
                record(vec![("city", Value::text("Bonn")), ("street", Value::None)]),
                record(vec![
                    ("city", Value::text("Ulm")),
                    ("street", Value::text("Ring 1")),
                    ("zip", Value::text("53")),
                ]),
                record(vec![
                    ("city", Value::text("Bonn")),
                    ("street", Value::text("Ring 1")),
                    ("zip", Value::text("53")),
                ]),
            ),
            (
                record(vec![("primary", Value::text("x")), ("others", list(&["y"]))]),
                record(vec![("primary", Value::text("z")), ("others", list(&["y", "w"]))]),
                record(vec![("primary", Value::text("x")), ("others", list(&["y", "w"]))]),
            ),
        ] {
            let mut slot = first;
            unite(&mut slot, second);
            assert_eq!(slot, expected);
        }
    }
}
