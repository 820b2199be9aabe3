//! Shapes of request bodies: which keys there may be at every depth, and of what type.

use serde_json::{Map, Value};

use crate::highlevel::refusal::Refusal;

/// Type of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A text.
    Text,
    /// A text or null.
    MaybeText,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// Anything at all.
    Any,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of such values.
    List(&'static Shape),
    /// An object with these keys and no others.
    Keys(&'static [Key]),
    /// A value of one of these types.
    Either(&'static [Shape]),
}

/// A key of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    name: &'static str,
    shape: Shape,
    needed: bool,
}

/// A key that must be there.
pub(crate) const fn need(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, needed: true }
}

/// A key that may be there.
pub(crate) const fn may(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, needed: false }
}

/// The object in a body of this shape, or the refusal that names every fault.
pub(crate) fn checked<'a>(keys: &[Key], body: &'a Value) -> Result<&'a Map<String, Value>, Refusal> {
    let Some(object) = body.as_object() else {
        return Err(Refusal::invalid("the body must be an object"));
    };
    let mut faults = Vec::new();
    check_keys(keys, object, "", &mut faults);
    if faults.is_empty() { Ok(object) } else { Err(Refusal::unprocessable(&faults)) }
}

fn check_keys(keys: &[Key], object: &Map<String, Value>, path: &str, faults: &mut Vec<String>) {
    for name in object.keys() {
        if !keys.iter().any(|key| key.name == name) {
            let place = path.strip_suffix('.').map(|path| format!("{path}.")).unwrap_or_default();
            faults.push(format!("{place}property {name} should not exist"));
        }
    }
    for key in keys {
        let name = format!("{path}{}", key.name);
        match object.get(key.name) {
            Some(value) => check(key.shape, value, &name, faults),
            None if key.needed => {
                faults.push(format!("{name} should not be empty"));
                if let Some(wanted) = wanted(key.shape) {
                    faults.push(format!("{name} must be {wanted}"));
                }
            }
            None => {}
        }
    }
}

fn check(shape: Shape, value: &Value, name: &str, faults: &mut Vec<String>) {
    match (shape, value) {
        (Shape::Text | Shape::MaybeText, Value::String(_))
        | (Shape::MaybeText, Value::Null)
        | (Shape::Number, Value::Number(_))
        | (Shape::Flag, Value::Bool(_))
        | (Shape::Any, _) => {}
        (Shape::Word(words), Value::String(word)) if words.contains(&word.as_str()) => {}
        (Shape::List(item), Value::Array(items)) => {
            for (at, value) in items.iter().enumerate() {
                check(*item, value, &format!("{name}.{at}"), faults);
            }
        }
        (Shape::Keys(keys), Value::Object(object)) => check_keys(keys, object, &format!("{name}."), faults),
        (Shape::Either(shapes), _) => {
            let mut tried = Vec::new();
            for shape in shapes {
                let mut found = Vec::new();
                check(*shape, value, name, &mut found);
                if found.is_empty() {
                    return;
                }
                tried = found;
            }
            faults.extend(tried);
        }
        _ => faults.push(format!("{name} must be {}", wanted(shape).unwrap_or_else(|| "valid".to_owned()))),
    }
}

fn wanted(shape: Shape) -> Option<String> {
    Some(match shape {
        Shape::Text | Shape::MaybeText => "a string".to_owned(),
        Shape::Number => "a number conforming to the specified constraints".to_owned(),
        Shape::Flag => "a boolean value".to_owned(),
        Shape::Word(words) => format!("one of the following values: {}", words.join(", ")),
        Shape::List(_) => "an array".to_owned(),
        Shape::Keys(_) => "an object".to_owned(),
        Shape::Any | Shape::Either(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Key, Shape, checked, may, need};
    use crate::http::Response;

    const INNER: &[Key] = &[need("id", Shape::Text), may("value", Shape::Either(&[Shape::Text, Shape::Number]))];
    const KEYS: &[Key] = &[
        need("name", Shape::Text),
        may("email", Shape::MaybeText),
        may("status", Shape::Word(&["open", "won"])),
        may("fields", Shape::List(&Shape::Keys(INNER))),
    ];

    #[test]
    fn every_unknown_key_and_wrong_type_is_named_with_its_place() {
        for (body, messages) in [
            (json!({"name": "a", "email": null, "fields": [{"id": "1", "value": 2}]}), vec![]),
            (json!({}), vec!["name should not be empty", "name must be a string"]),
            (json!({"name": "a", "extra": 1}), vec!["property extra should not exist"]),
            (json!({"name": null}), vec!["name must be a string"]),
            (json!({"name": "a", "status": "lost"}), vec!["status must be one of the following values: open, won"]),
            (
                json!({"name": "a", "fields": [{"id": "1"}, {"id": "2", "more": 1}]}),
                vec!["fields.1.property more should not exist"],
            ),
            (json!({"name": "a", "fields": {}}), vec!["fields must be an array"]),
        ] {
            match checked(KEYS, &body) {
                Ok(_) => assert!(messages.is_empty(), "{body}"),
                Err(refusal) => {
                    let response = Response::from(refusal);
                    let answer: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
                    assert_eq!((response.status, &answer["message"]), (422, &json!(messages)), "{body}");
                }
            }
        }
    }
}
