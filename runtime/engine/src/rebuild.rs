//! Definitions without a way into the destination, such as workflows, which are rebuilt there by hand: as the export
//! holds them, in one form whatever the source calls things, and a list to tick off.

use std::fmt::Write as _;

use migr_escape::markdown;
use migr_extract::{Export, ExtractError, SourcePath};
use migr_plan::SourceObject;
use serde::Serialize;
use serde_json::{Map, Value};

/// The version of the definitions' JSON form.
const FORMAT_VERSION: u32 = 1;

/// Definitions of one `reference` that are to be rebuilt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rebuild {
    /// The version of this form: 1.
    pub format_version: u32,
    /// The source object.
    pub object: String,
    /// The file of the export.
    pub file: String,
    /// In the order of the file.
    pub definitions: Vec<Definition>,
}

/// One thing to rebuild. What the source says beyond these parts stands in `other`, keys sorted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Definition {
    /// From `id`, `key` or `uuid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    /// From `name`, `title` or `label`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Value>,
    /// From `status`, `state`, `enabled` or `active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
    /// Trigger of the thing: from `trigger`, `triggers`, `event` or `when`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Value>,
    /// In order: from `steps`, `actions` or `nodes`.
    pub steps: Vec<Step>,
    /// The rest.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
}

/// One step of a definition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// From `action`, `type` or `kind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Value>,
    /// The rest, keys sorted.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
}

/// The definitions of a `reference` whose JSON file is in the export; none of another object or file. A file that holds no array of JSON is an error.
pub(crate) fn rebuild(object: &SourceObject, export: &Export) -> Result<Option<Rebuild>, ExtractError> {
    let is_json = |file: &&SourcePath| file.shown().to_lowercase().ends_with(".json");
    let Some(file) = export.file(&object.name).filter(is_json).filter(|_| object.reference_only) else {
        return Ok(None);
    };
    let definitions = export.json_elements(&object.name)?.into_iter().map(Definition::of).collect();
    let (object, file) = (object.name.clone(), file.shown().to_owned());
    Ok(Some(Rebuild { format_version: FORMAT_VERSION, object, file, definitions }))
}

impl Rebuild {
    /// The object as the name of a file.
    pub fn file_stem(&self) -> String {
        self.object.chars().map(|one| if one.is_alphanumeric() { one } else { '_' }).collect()
    }

    /// The list to tick off, in Markdown.
    pub fn checklist(&self) -> String {
        let mut text = format!(
            "# {}: to rebuild by hand\n\n{} in {}. Nothing of them was written; tick each one once it works in the destination.\n\n",
            markdown(&self.object),
            self.definitions.len(),
            markdown(&self.file)
        );
        for (definition, number) in self.definitions.iter().zip(1..) {
            definition.list(number, &mut text);
        }
        text
    }
}

impl Definition {
    fn of(value: Value) -> Self {
        let mut parts = parts(value);
        let steps = match take(&mut parts, &["steps", "actions", "nodes"]) {
            None => Vec::new(),
            Some(Value::Array(steps)) => steps,
            Some(one) => vec![one],
        };
        Self {
            key: take(&mut parts, &["id", "key", "uuid"]),
            name: take(&mut parts, &["name", "title", "label"]),
            status: take(&mut parts, &["status", "state", "enabled", "active"]),
            trigger: take(&mut parts, &["trigger", "triggers", "event", "when"]),
            steps: steps.into_iter().map(Step::of).collect(),
            other: parts,
        }
    }

    fn list(&self, number: usize, text: &mut String) {
        let name = self.name.as_ref().map_or_else(|| format!("number {number}"), shown);
        let key = self.key.as_ref().map_or_else(String::new, |key| format!(" ({})", shown(key)));
        let _ = writeln!(text, "- [ ] **{name}**{key}");
        for (what, value) in [("status", &self.status), ("starts with", &self.trigger)] {
            if let Some(value) = value {
                let _ = writeln!(text, "  - {what}: {}", shown(value));
            }
        }
        for (step, number) in self.steps.iter().zip(1..) {
            let action = step.action.as_ref().map_or_else(|| "a step".to_owned(), shown);
            let settings = markdown(&settings(&step.settings));
            let colon = if settings.is_empty() { "" } else { ": " };
            let _ = writeln!(text, "  - step {number}: {action}{colon}{settings}");
        }
        if !self.other.is_empty() {
            let _ = writeln!(text, "  - besides: {}", markdown(&settings(&self.other)));
        }
    }
}

impl Step {
    fn of(value: Value) -> Self {
        let mut parts = parts(value);
        Self { action: take(&mut parts, &["action", "type", "kind"]), settings: parts }
    }
}

/// The entries of an object with keys sorted, within one another too; another value is the entry `value`.
fn parts(value: Value) -> Map<String, Value> {
    match sorted(value) {
        Value::Object(entries) => entries,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<(String, Value)> =
                entries.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The first of these entries that is there, whatever its case.
fn take(entries: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    let key = names.iter().find_map(|name| entries.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned())?;
    entries.shift_remove(&key).filter(|value| !value.is_null())
}

fn settings(entries: &Map<String, Value>) -> String {
    entries.iter().map(|(key, value)| format!("{key} {}", words(value))).collect::<Vec<_>>().join(", ")
}

/// A value in Markdown.
fn shown(value: &Value) -> String {
    markdown(&words(value))
}

/// On one line.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join("; "),
        Value::Object(entries) => format!("({})", settings(entries)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn definitions_have_one_form_whatever_the_source_calls_things_and_lose_nothing() {
        let values = [
            json!({"id": "W1", "name": "New patient\nwelcome", "trigger": "contact.created", "enabled": true, "owner": "Ada",
                "steps": [{"template": "tpl-1", "action": "send", "delay": {"unit": "h", "count": 24}}, "wait"]}),
            json!({"Title": "Recall", "when": {"object": "task", "event": "due"}, "actions": {"type": "call"}, "uuid": null}),
            json!("a word"),
        ];
        let rebuild = Rebuild {
            format_version: FORMAT_VERSION,
            object: "Workflow".to_owned(),
            file: "export/workflows.json".to_owned(),
            definitions: values.into_iter().map(Definition::of).collect(),
        };
        insta::assert_snapshot!("definitions", serde_json::to_string_pretty(&rebuild).unwrap());
        insta::assert_snapshot!("checklist", rebuild.checklist());
    }
}
