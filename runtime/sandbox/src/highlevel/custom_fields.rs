//! Custom fields of contacts and opportunities, and how a value of one is taken: what it cannot hold is dropped without a word.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text, texts};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{clock, shapes};
use crate::store::Row;

/// Types of fields.
const TYPES: [&str; 14] = [
    "TEXT",
    "LARGE_TEXT",
    "NUMERICAL",
    "PHONE",
    "MONETORY",
    "CHECKBOX",
    "SINGLE_OPTIONS",
    "MULTIPLE_OPTIONS",
    "DATE",
    "TIME",
    "TEXTBOX_LIST",
    "FILE_UPLOAD",
    "RADIO",
    "EMAIL",
];

/// A name as a key: letters and digits of ASCII in small letters, an underscore for whatever else.
pub(crate) fn folded(name: &str) -> String {
    name.trim().to_lowercase().chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '_' }).collect()
}

fn shown(state: &State, row: &Row) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), row.id.clone().into());
    for key in ["name", "fieldKey", "placeholder", "dataType", "position", "model", "parentId", "acceptedFormat"] {
        if let Some(value) = row.body.get(key) {
            shown.insert(key.into(), value.clone());
        }
    }
    if row.body.contains_key("options") {
        shown.insert("picklistOptions".into(), texts(&row.body, "options").into());
    }
    if text(&row.body, "dataType") == Some("FILE_UPLOAD") {
        shown.insert("isMultiFileAllowed".into(), row.body.get("isMultipleFile").cloned().unwrap_or(false.into()));
        shown.insert("maxFileLimit".into(), row.body.get("maxNumberOfFiles").cloned().unwrap_or(1.into()));
    }
    shown.insert("locationId".into(), state.location.clone().into());
    Value::Object(shown)
}

/// Lists the fields of contacts, of opportunities, or of both.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let model = call.param("model").filter(|model| *model != "all");
    let rows = state.all("customField")?;
    let fits = |row: &&Row| model.is_none_or(|model| text(&row.body, "model") == Some(model));
    let fields: Vec<Value> = rows.iter().filter(fits).map(|row| shown(state, row)).collect();
    Ok((200, json!({"customFields": fields})))
}

/// Creates a field; two names that fold to one key are one too many.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let row = made(state, call.checked(shapes::NEW_CUSTOM_FIELD)?)?;
    Ok((201, json!({"customField": shown(state, &row)})))
}

/// Makes a field of name, type and model.
pub(crate) fn made(state: &State, input: &Map<String, Value>) -> Result<Row, Refusal> {
    let name = text(input, "name").ok_or_else(|| Refusal::invalid("name should not be empty"))?;
    if !text(input, "dataType").is_some_and(|kind| TYPES.contains(&kind)) {
        return Err(Refusal::invalid(format!("dataType must be one of the following values: {}", TYPES.join(", "))));
    }
    let model = text(input, "model").unwrap_or("contact");
    let key = format!("{model}.{}", folded(name));
    if !state.store.linked("customField.key", &key)?.is_empty() {
        return Err(Refusal::bad(format!("A custom field with the key {key} already exists")));
    }
    let mut body = input.clone();
    body.insert("model".into(), model.into());
    body.insert("fieldKey".into(), key.into());
    if !body.contains_key("position") {
        body.insert("position".into(), (state.all("customField")?.len() * 50).into());
    }
    state.create("customField", body)
}

/// Answers one field.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("customField", "Custom field", at(ids, 1))?;
    Ok((200, json!({"customField": shown(state, &row)})))
}

/// Changes the values that are named; the key and the type stay.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::CUSTOM_FIELD)?;
    let mut row = state.found("customField", "Custom field", at(ids, 1))?;
    row.body.extend(input.iter().filter(|(key, _)| *key != "model").map(|(key, value)| (key.clone(), value.clone())));
    state.save("customField", &mut row)?;
    Ok((200, json!({"customField": shown(state, &row)})))
}

/// Deletes a field with its values.
pub(crate) fn delete(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("customField", "Custom field", at(ids, 1))?;
    let kind = text(&row.body, "model").unwrap_or("contact").to_owned();
    for mut holder in state.holding(&kind, &row.id)? {
        if let Some(values) = holder.body.get_mut("customFields").and_then(Value::as_object_mut)
            && values.shift_remove(&row.id).is_some()
        {
            state.save(&kind, &mut holder)?;
        }
    }
    state.remove("customField", &row)?;
    Ok((200, json!({"succeded": true})))
}

/// Fate of a value that is written.
#[derive(Debug, PartialEq)]
enum Taken {
    Keep(Value),
    Clear,
    Ignore,
}

/// Merges written values into those that a record has, by the field's id. Fields that are not named keep theirs; what is no field is dropped.
pub(crate) fn merge(
    state: &State,
    model: &str,
    held: Option<&Value>,
    items: &[Value],
) -> Result<Map<String, Value>, Refusal> {
    let mut values = held.and_then(Value::as_object).cloned().unwrap_or_default();
    for item in items {
        let Some(field) = field_of(state, model, item)? else { continue };
        let value = item.get("fieldValue").or_else(|| item.get("field_value")).unwrap_or(&Value::Null);
        match taken(&field, value)? {
            Taken::Keep(value) => drop(values.insert(field.id.clone(), value)),
            Taken::Clear => drop(values.shift_remove(&field.id)),
            Taken::Ignore => {}
        }
    }
    Ok(values)
}

/// The field that a written value names by id, or by key.
fn field_of(state: &State, model: &str, item: &Value) -> Result<Option<Row>, Refusal> {
    let named = |key: &str| item.get(key).and_then(Value::as_str);
    let found = match (named("id"), named("key")) {
        (Some(id), _) => state.get("customField", id)?,
        (None, Some(key)) => {
            let key = if key.starts_with(&format!("{model}.")) { key.to_owned() } else { format!("{model}.{key}") };
            state.linked("customField", "customField.key", &key)?.pop()
        }
        (None, None) => None,
    };
    Ok(found.filter(|field| text(&field.body, "model") == Some(model)))
}

fn taken(field: &Row, value: &Value) -> Result<Taken, Refusal> {
    let options = texts(&field.body, "options");
    let empty = value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
    let kind = text(&field.body, "dataType").unwrap_or_default();
    if kind == "FILE_UPLOAD" {
        return Ok(Taken::Ignore);
    }
    if empty {
        return Ok(Taken::Clear);
    }
    let kept = |value: Option<Value>| value.map_or(Taken::Ignore, Taken::Keep);
    Ok(match kind {
        "NUMERICAL" | "MONETORY" => kept(match value {
            Value::Number(_) => Some(value.clone()),
            Value::String(text) => text.trim().parse::<serde_json::Number>().ok().map(Value::Number),
            _ => None,
        }),
        "DATE" => kept(value.as_str().filter(|text| text.len() == 10 && clock::day(text).is_some()).map(Value::from)),
        "TIME" => {
            let time = value.as_str().and_then(time_of_day);
            Taken::Keep(time.ok_or_else(|| Refusal::bad("Please enter a valid time"))?.into())
        }
        "SINGLE_OPTIONS" | "RADIO" => {
            let one = value.as_str().or_else(|| value.get(0).and_then(Value::as_str));
            kept(one.filter(|one| options.iter().any(|option| option == one)).map(Value::from))
        }
        "MULTIPLE_OPTIONS" | "CHECKBOX" => {
            let given: Vec<&str> = match value {
                Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
                Value::String(one) => vec![one],
                _ => Vec::new(),
            };
            let known: Vec<&str> = given.into_iter().filter(|one| options.iter().any(|option| option == one)).collect();
            if known.is_empty() { Taken::Ignore } else { Taken::Keep(known.into()) }
        }
        "TEXTBOX_LIST" => kept(Some(value.clone()).filter(|value| value.is_object() || value.is_array())),
        _ => kept(match value {
            Value::String(_) => Some(value.clone()),
            Value::Number(number) => Some(number.to_string().into()),
            Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                Some(items.join(", ").into())
            }
            _ => None,
        }),
    })
}

/// A time of the day as it is stored, which is not the form in which it is taken: what was read is refused when it is sent again.
fn time_of_day(text: &str) -> Option<String> {
    let (clock, half) = text.trim().split_once(' ')?;
    let (hour, minute) = clock.split_once(':')?;
    let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match half.to_ascii_uppercase().as_str() {
        "AM" => hour % 12,
        "PM" => hour % 12 + 12,
        _ => return None,
    };
    (minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Taken, folded, taken};
    use crate::store::Row;

    fn field(kind: &str) -> Row {
        let body = json!({"dataType": kind, "options": ["High", "Low"]});
        let text = String::new;
        Row {
            id: text(),
            created: text(),
            updated: text(),
            deleted: None,
            kept: false,
            body: body.as_object().cloned().unwrap(),
        }
    }

    #[test]
    fn a_key_is_letters_and_digits() {
        for (name, key) in
            [("Second e-mail", "second_e_mail"), ("Größe", "gr__e"), ("名前", "__"), (" Migr ID ", "migr_id")]
        {
            assert_eq!(folded(name), key);
        }
    }

    #[test]
    fn what_a_field_cannot_hold_is_dropped_without_a_word() {
        let keep = |value: Value| Taken::Keep(value);
        for (kind, value, expected) in [
            ("TEXT", json!("a"), keep(json!("a"))),
            ("TEXT", json!(5), keep(json!("5"))),
            ("TEXT", json!(""), Taken::Clear),
            ("TEXT", json!(null), Taken::Clear),
            ("NUMERICAL", json!("4.5"), keep(json!(4.5))),
            ("NUMERICAL", json!("much"), Taken::Ignore),
            ("DATE", json!("2024-02-29"), keep(json!("2024-02-29"))),
            ("DATE", json!(1_709_164_800_000_i64), Taken::Ignore),
            ("SINGLE_OPTIONS", json!("High"), keep(json!("High"))),
            ("SINGLE_OPTIONS", json!("high"), Taken::Ignore),
            ("MULTIPLE_OPTIONS", json!(["Low", "No"]), keep(json!(["Low"]))),
            ("FILE_UPLOAD", json!({"a": {"url": "https://x.example"}}), Taken::Ignore),
            ("TIME", json!("2:30 PM"), keep(json!("14:30"))),
        ] {
            assert_eq!(taken(&field(kind), &value).unwrap(), expected, "{kind} {value}");
        }
        assert!(taken(&field("TIME"), &json!("14:30")).is_err());
    }
}
