//! Picklist options: what they must be, and what becomes of records when one goes.

use serde_json::{Value, json};
use uuid::Uuid;

use super::check::Fault;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::records::default_value;
use crate::twenty::schema::{Field, Kind};

/// The most characters of an option's value.
const LONGEST: usize = 63;

/// Fault of a default: it must be one of the options, in quotes.
pub(super) fn check_default(field: &Field) -> Option<Fault> {
    let known = field.option_values();
    let is_known = |value: &Value| value.as_str().is_none_or(|text| known.contains(&text.trim_matches('\'')));
    let good = match &field.default {
        Value::Array(items) => items.iter().all(is_known),
        other => is_known(other),
    };
    (!good).then(|| {
        let shown = field.default.as_str().map_or_else(|| field.default.to_string(), str::to_owned);
        Fault::field(format!("Default value \"{shown}\" must be one of the option values"), field.default.clone())
    })
}

/// The options of a request with an id for each, or what is wrong with them.
pub(super) fn read(old: bool, kind: Kind, given: Option<&Value>) -> Result<Vec<Value>, Vec<Fault>> {
    if kind == Kind::Rating {
        let option = |at: u8| {
            let number = at + 1;
            json!({"id": Uuid::new_v4(), "label": number.to_string(), "value": format!("RATING_{number}"), "position": at})
        };
        return Ok((0..5).map(option).collect());
    }
    let items = given.and_then(Value::as_array).cloned().unwrap_or_default();
    if items.is_empty() {
        return Err(vec![Fault::field("Options are required for enum fields", json!([]))]);
    }
    let with_id = |item: Value| {
        let mut option = item.as_object().cloned().unwrap_or_default();
        if !option.contains_key("id") {
            option.insert("id".into(), json!(Uuid::new_v4()));
        }
        Value::Object(option)
    };
    let options: Vec<Value> = items.into_iter().map(with_id).collect();
    let mut faults = Vec::new();
    let text = |option: &Value, key: &str| option.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    for option in &options {
        let value = text(option, "value");
        let formed = value.starts_with(|first: char| first.is_ascii_uppercase())
            && value.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_');
        if !formed {
            let message = format!("Value must be in UPPER_CASE and follow snake_case \"{value}\"");
            faults.push(Fault::field(message, value.clone()));
        }
        if !old && value.chars().count() > LONGEST {
            faults.push(Fault::field(format!("Option value \"{value}\" exceeds {LONGEST} characters"), value));
        }
        let label = text(option, "label");
        if !old && label.is_empty() {
            faults.push(Fault::field("Option label is required", label.clone()));
        }
        if label.contains(',') {
            faults.push(Fault::field("Label must not contain a comma", label));
        }
    }
    let mut seen: Vec<String> = options.iter().map(|option| text(option, "value")).collect();
    seen.sort();
    if seen.windows(2).any(|pair| pair.first() == pair.last()) {
        faults.push(Fault::field("Duplicated option value", Value::Array(options.clone())));
    }
    let mut places: Vec<u64> = options.iter().filter_map(|option| option.get("position")?.as_u64()).collect();
    places.sort_unstable();
    if !old && places.windows(2).any(|pair| pair.first() == pair.last()) {
        faults.push(Fault::field("Duplicated option position", Value::Array(options.clone())));
    }
    if faults.is_empty() { Ok(options) } else { Err(faults) }
}

/// Rewrites every record that holds an option that is gone to the field's default; the server does so silently.
pub(super) fn settle(engine: &Engine, object: &str, before: &Field, after: &Field) -> Result<(), Problem> {
    let kept = after.option_values();
    let renamed = |value: &str| -> Option<String> {
        let of = |field: &Field, key: &str, wanted: &str| {
            let options = field.options.clone().unwrap_or_default();
            options.into_iter().find(|option| option.get(key).and_then(Value::as_str) == Some(wanted))
        };
        let id = of(before, "value", value)?.get("id")?.as_str()?.to_owned();
        of(after, "id", &id)?.get("value")?.as_str().map(str::to_owned)
    };
    let settled = |value: &Value| -> Option<Value> {
        let text = value.as_str().unwrap_or_default();
        if kept.contains(&text) {
            return Some(value.clone());
        }
        renamed(text).map(Value::String)
    };
    for mut row in engine.store.select(object, "1", &[])? {
        let Some(held) = row.body.get(&after.name).cloned() else { continue };
        let new = match &held {
            Value::Array(items) => {
                let items: Vec<Value> = items.iter().filter_map(settled).collect();
                (!items.is_empty()).then_some(Value::Array(items))
            }
            other => settled(other).or_else(|| default_value(&after.default, after.kind)),
        };
        if new.as_ref() == Some(&held) {
            continue;
        }
        match new {
            Some(new) => row.body.insert(after.name.clone(), new),
            None => row.body.shift_remove(&after.name),
        };
        engine.store.update(object, &row)?;
    }
    Ok(())
}
