//! The vendor's schemas, where they are at hand: every request that a sandbox takes, and every answer, is held against them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Map, Value};

/// Faults that are the documents' own: the end of a path (nothing is all), a part of the fault (nothing is all), and what is wrong there.
const WRONG: [(&str, &str, &str); 9] = [
    ("/associations/", "", "one association is described where a list is answered"),
    ("/associations/objectKey/{objectKey}", "", "one association is described where a list is answered"),
    ("/associations/relations/{recordId}", "", "an association is described where relations are answered"),
    ("/medias/files", "", "files are described as texts"),
    ("/calendars/events/appointments", "without date", "times of making are described that no answer has"),
    ("/calendars/events/appointments/{eventId}", "without date", "times of making are described that no answer has"),
    ("/opportunities/pipelines", ".stages.", "stages are described as lists"),
    ("/locations/{locationId}/tasks/search", "answer.tasks.", "tasks are described as lists"),
    ("", ".value: ", "every value of a contact's field is described as a text"),
];

/// Keys of requests that no document names and the server takes.
const UNDOCUMENTED: [&str; 1] = ["options"];

/// The documents of one version.
pub(crate) struct Contract {
    document: Value,
}

/// The documents of a version; `None`, said once on stderr, where they are not at hand.
pub(crate) fn contract(version: &str) -> Option<&'static Contract> {
    static BOTH: OnceLock<Option<[Contract; 2]>> = OnceLock::new();
    let both = BOTH.get_or_init(|| {
        let folder = folder();
        if folder.is_none() {
            eprintln!("LEFT OUT: no `shared/contracts/highlevel/derived` was found, so no request and no answer is held against the vendor's schemas");
        }
        let folder = folder?;
        let read = |name: &str| Contract { document: serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
        Some([read("merged-strict.json"), read("merged-v3-strict.json")])
    });
    both.as_ref().map(|[older, newer]| if version == "v3" { newer } else { older })
}

fn folder() -> Option<PathBuf> {
    let up = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    up.map(|folder| folder.join("shared/contracts/highlevel/derived")).find(|folder| folder.is_dir())
}

impl Contract {
    /// The faults of an exchange. A request that breaks its schema may be answered with a refusal alone.
    pub(crate) fn faults(
        &self,
        method: &str,
        path: &str,
        request: Option<&Value>,
        status: u16,
        answer: &Value,
    ) -> Vec<String> {
        let method = method.to_lowercase();
        let path = path.split('?').next().unwrap_or_default();
        let Some((template, operation)) = self.operation(&method, path) else { return Vec::new() };
        let mut faults = Vec::new();
        if let (Some(request), true) = (request, (200..300).contains(&status)) {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            self.check(schema, request, "request", &mut faults);
            faults.retain(|fault| !UNDOCUMENTED.iter().any(|key| fault.ends_with(&format!("no key {key}"))));
        }
        let described = &operation["responses"][status.to_string()];
        if described.is_null() && (200..300).contains(&status) {
            faults.push(format!("no answer {status} is described"));
        }
        let described = self.followed(described);
        let request = faults.len();
        self.check(&described["content"]["application/json"]["schema"], answer, "answer", &mut faults);
        let known =
            |fault: &String| WRONG.iter().any(|(path, part, _)| template.ends_with(path) && fault.contains(part));
        let answer: Vec<String> = faults.drain(request..).filter(|fault| !known(fault)).collect();
        faults.extend(answer);
        faults
    }

    /// The operation that a path leads to; literal segments before any.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let fits = |template: &str| {
            let wanted: Vec<&str> = template.trim_end_matches('/').split('/').collect();
            let same = wanted.iter().zip(&segments).all(|(wanted, found)| wanted.starts_with('{') || wanted == found);
            (wanted.len() == segments.len() && same).then(|| wanted.iter().filter(|part| part.starts_with('{')).count())
        };
        let paths = self.document["paths"].as_object().unwrap().iter();
        let found = paths.filter(|(_, operations)| !operations[method].is_null());
        let found = found.filter_map(|(template, operations)| Some((fits(template)?, template, &operations[method])));
        found
            .min_by_key(|(open, template, _)| (*open, !template.ends_with('/')))
            .map(|(_, template, operation)| (template.as_str(), operation))
    }

    pub(crate) fn followed<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(place) => self.followed(self.document.pointer(place.trim_start_matches('#')).unwrap()),
            None => schema,
        }
    }

    pub(crate) fn check(&self, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
        let schema = self.followed(schema);
        for list in ["allOf", "anyOf", "oneOf"] {
            let Some(schemas) = schema[list].as_array() else { continue };
            let tried = schemas.iter().map(|schema| {
                let mut faults = Vec::new();
                self.check(schema, value, place, &mut faults);
                faults
            });
            let tried: Vec<Vec<String>> = tried.collect();
            if list == "allOf" {
                faults.extend(tried.into_iter().flatten());
            } else if !tried.iter().any(Vec::is_empty) {
                faults.extend(tried.into_iter().next().unwrap_or_default());
            }
        }
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        let right = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("number") => value.is_number(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => true,
        };
        if !right {
            faults.push(format!("{place}: {value} is no {}", schema["type"]));
            return;
        }
        if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
            faults.push(format!("{place}: {value} is none of {}", schema["enum"]));
        }
        for (at, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(&schema["items"], item, &format!("{place}.{at}"), faults);
        }
        let (Some(object), nothing) = (value.as_object(), Map::new()) else { return };
        let keys = schema["properties"].as_object().unwrap_or(&nothing);
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(key) {
                faults.push(format!("{place}: without {key}"));
            }
        }
        for (key, value) in object {
            match keys.get(key) {
                Some(schema) => self.check(schema, value, &format!("{place}.{key}"), faults),
                None if schema["additionalProperties"] == false => faults.push(format!("{place}: no key {key}")),
                None => {}
            }
        }
    }
}

/// Fails where an exchange breaks the schemas of its version.
pub(crate) fn held(version: &str, method: &str, path: &str, request: Option<&Value>, status: u16, answer: &Value) {
    if let Some(contract) = contract(version) {
        let faults = contract.faults(method, path, request, status, answer);
        assert!(
            faults.is_empty(),
            "{version} {method} {path} {status}: {faults:#?}\nrequest: {request:?}\nanswer: {answer}"
        );
    }
}
