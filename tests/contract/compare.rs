//! Compares a recorded answer with another, and learns which value stands for which.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The day the recordings were made: times of that day are stamps of the server.
const RECORDED: &str = "2026-11-22T";
/// Keys whose values follow from random ids, from the clock or from the words of the vendor.
const FREE: [&str; 7] = ["searchVector", "position", "blocknote", "startCursor", "endCursor", "description", "icon"];

/// Recorded values and what stands for them in the sandbox.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    values: BTreeMap<String, String>,
    /// How many members are bound so far.
    pub(crate) bound_members: usize,
}

impl Bindings {
    /// Lets `actual` stand for `recorded` from now on.
    pub(crate) fn bind(&mut self, recorded: &str, actual: &str) {
        self.values.insert(recorded.to_owned(), actual.to_owned());
    }

    /// The text with everything bound in it replaced.
    pub(crate) fn translate(&self, text: &str) -> String {
        let mut translated = text.to_owned();
        // Longer ones first: an address holds the id that is bound by itself too.
        let mut all: Vec<(&String, &String)> = self.values.iter().collect();
        all.sort_by_key(|(recorded, _)| std::cmp::Reverse(recorded.len()));
        for (recorded, actual) in all {
            if translated.contains(recorded.as_str()) {
                translated = translated.replace(recorded.as_str(), actual);
            }
        }
        translated
    }

    fn learn(&mut self, recorded: &str, actual: &str) -> bool {
        if is_id(recorded) && is_id(actual) {
            if let Some(bound) = self.values.get(recorded) {
                return bound == actual;
            }
            self.bind(recorded, actual);
            return true;
        }
        false
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

fn is_time(text: &str) -> bool {
    text.len() == 24 && text.as_bytes()[10] == b'T' && text.ends_with('Z')
}

/// The part of an answer that was recorded.
pub(crate) fn view(answer: &Value, paths: &str) -> Value {
    let columns: Vec<Value> = paths.split(',').map(|path| one_view(answer, path)).collect();
    if columns.len() == 1 {
        return columns.into_iter().next().unwrap();
    }
    if paths.contains('*') {
        let rows = columns[0].as_array().map_or(0, Vec::len);
        return (0..rows).map(|row| columns.iter().map(|column| column[row].clone()).collect::<Value>()).collect();
    }
    Value::Array(columns)
}

fn one_view(answer: &Value, path: &str) -> Value {
    if let Some(path) = path.strip_prefix('#') {
        return one_view(answer, path).as_array().map_or(Value::Null, |items| items.len().into());
    }
    match path.split_once("/*") {
        None => answer.pointer(path).cloned().unwrap_or_default(),
        Some((list, rest)) => {
            let items = answer.pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
            items.iter().map(|item| item.pointer(rest).cloned().unwrap_or_default()).collect()
        }
    }
}

/// The first difference, in words.
pub(crate) fn difference(recorded: &Value, actual: &Value, shape: bool, bindings: &mut Bindings) -> Option<String> {
    differ("", recorded, actual, shape, bindings)
}

fn differ(path: &str, recorded: &Value, actual: &Value, shape: bool, bindings: &mut Bindings) -> Option<String> {
    let key = path.rsplit('/').next().unwrap_or_default();
    match (recorded, actual) {
        (Value::Object(recorded), Value::Object(actual)) => objects(path, recorded, actual, shape, bindings),
        (Value::Array(recorded), Value::Array(actual)) => lists(path, recorded, actual, shape, bindings),
        _ if FREE.contains(&key) && (same_kind(recorded, actual) || recorded.is_null() || actual.is_null()) => {
            remember(recorded, actual, bindings);
            None
        }
        _ if shape && same_kind(recorded, actual) => {
            remember(recorded, actual, bindings);
            None
        }
        _ if shape && (recorded.is_null() || actual.is_null()) => None,
        (Value::String(recorded), Value::String(actual)) if texts(recorded, actual, bindings) => None,
        (Value::Number(recorded), Value::Number(actual)) if recorded.as_f64() == actual.as_f64() => None,
        _ if recorded == actual => None,
        _ => Some(format!("at {path}: {actual}, recorded {recorded}")),
    }
}

/// Ids and cursors that are not compared may still be used later.
fn remember(recorded: &Value, actual: &Value, bindings: &mut Bindings) {
    if let (Some(recorded), Some(actual)) = (recorded.as_str(), actual.as_str()) {
        let cursor = recorded.len() > 40 && recorded.starts_with("eyJ");
        if cursor {
            bindings.bind(recorded, actual);
        } else if recorded.contains("TOKEN") {
            texts(recorded, actual, bindings);
        }
    }
}

fn same_kind(one: &Value, other: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn texts(recorded: &str, actual: &str, bindings: &mut Bindings) -> bool {
    if recorded == actual || bindings.translate(recorded) == actual || bindings.learn(recorded, actual) {
        return true;
    }
    if recorded.starts_with(RECORDED) && is_time(recorded) {
        return is_time(actual);
    }
    if recorded == "TOKEN" {
        return !actual.is_empty();
    }
    if recorded.starts_with("http://127.0.0.1:") && recorded.contains("TOKEN") {
        // A signed address: what follows the host is bound, since it is asked for later.
        let after_host = |url: &str| url.splitn(4, '/').nth(3).map(|rest| format!("/{rest}"));
        let (Some(old), Some(new)) = (after_host(recorded), after_host(actual)) else { return false };
        bindings.bind(&old, &new);
        return old.split('/').nth(1) == new.split('/').nth(1);
    }
    // A path or text with an id in it that was not met before.
    let ids = |text: &str| -> Vec<String> {
        text.split(['/', '.', ' ', ',']).filter(|word| is_id(word)).map(str::to_owned).collect()
    };
    let (old, new) = (ids(recorded), ids(actual));
    if !old.is_empty() && old.len() == new.len() {
        for (old, new) in old.iter().zip(&new) {
            bindings.learn(old, new);
        }
        return bindings.translate(recorded) == actual;
    }
    if recorded.starts_with("IDX_") {
        return actual.starts_with("IDX_");
    }
    enums(recorded) == enums(actual)
}

fn by_name(items: &[Value]) -> Vec<Value> {
    let mut sorted = items.to_vec();
    sorted.sort_by_key(|item| item["name"].as_str().map(str::to_owned));
    sorted
}

/// The text without the name of the workspace's database schema.
fn enums(text: &str) -> String {
    match text.split_once("workspace_") {
        Some((before, rest)) => format!("{before}{}", rest.split_once('.').map_or("", |(_, rest)| rest)),
        None => text.to_owned(),
    }
}

fn objects(
    path: &str,
    recorded: &Map<String, Value>,
    actual: &Map<String, Value>,
    shape: bool,
    bindings: &mut Bindings,
) -> Option<String> {
    for (key, value) in recorded {
        let path = format!("{path}/{key}");
        match actual.get(key) {
            Some(found) => {
                if let Some(found) = differ(&path, value, found, shape, bindings) {
                    return Some(found);
                }
            }
            None if FREE.contains(&key.as_str()) => {}
            None => return Some(format!("at {path}: missing, recorded {value}")),
        }
    }
    let more = actual.keys().find(|key| !recorded.contains_key(*key) && !FREE.contains(&key.as_str()));
    more.map(|key| format!("at {path}/{key}: {}, not recorded", actual[key]))
}

fn lists(path: &str, recorded: &[Value], actual: &[Value], shape: bool, bindings: &mut Bindings) -> Option<String> {
    let cut = recorded.last().and_then(Value::as_str).filter(|last| last.ends_with(" records in total"));
    let (kept, total) = match cut {
        Some(last) => (&recorded[..recorded.len() - 1], last.split(' ').nth(1).unwrap().parse().unwrap()),
        None => (recorded, recorded.len()),
    };
    if !shape && total != actual.len() || shape && cut.is_some() && total != actual.len() {
        return Some(format!("at {path}: {} items, recorded {total}", actual.len()));
    }
    let first = if shape { 1 } else { kept.len() };
    // The fields of an object come in no order that means anything.
    let (kept, actual) = if kept.iter().all(|item| item.get("name").is_some() && item.get("isNullable").is_some()) {
        (by_name(kept), by_name(actual))
    } else {
        (kept.to_vec(), actual.to_vec())
    };
    for (at, (recorded, actual)) in kept.iter().zip(&actual).take(first).enumerate() {
        if let Some(found) = differ(&format!("{path}/{at}"), recorded, actual, shape, bindings) {
            return Some(found);
        }
    }
    None
}
