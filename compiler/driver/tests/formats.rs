//! Formats for other programs: the SARIF of every several-mistake case is valid by the schema of SARIF 2.1.0, and GitHub gets one command a finding.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail by a panic, and reads its own folder"
)]

mod common;

use std::path::Path;

use common::compile_text;
use migr_diagnostics::{Format, RenderOptions, render};
use migr_driver::Compilation;
use serde_json::{Map, Value, json};

fn rendered(format: Format, compilation: &Compilation) -> String {
    let mut text = String::new();
    render(format, &compilation.diagnostics, &compilation.sources, &RenderOptions::default(), &mut text).unwrap();
    text
}

/// The cases with several mistakes, joined to the systems that all of them have.
fn cases() -> Vec<Compilation> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/several");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let base = include_str!("wrong/base.migr");
    let mut cases = vec![compile_text("use \"std/systems/twenty\" // nothing is wrong with a catalog\n")];
    for path in paths.iter().filter(|path| path.extension().is_some_and(|one| one == "migr")) {
        let text = std::fs::read_to_string(path).unwrap();
        cases.push(compile_text(&format!("{text}\n{base}")));
    }
    cases
}

/// The schema of SARIF 2.1.0, as the OASIS committee publishes it.
struct Schema(Value);

impl Schema {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("sarif/sarif-schema-2.1.0.json")).unwrap())
    }

    /// Faults of a document.
    fn faults(&self, document: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(&self.0, document, "$", &mut faults);
        faults
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for (keyword, rule) in schema.as_object().unwrap() {
            let mut refuse = |what: String| faults.push(format!("{at}: {what}"));
            match keyword.as_str() {
                "$schema"
                | "$id"
                | "title"
                | "description"
                | "default"
                | "definitions"
                | "properties"
                | "additionalProperties" => {}
                "$ref" => {
                    let target = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.0.pointer(target).unwrap(), value, at, faults);
                }
                "type" => {
                    let is = |name: &Value| match name.as_str().unwrap() {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "boolean" => value.is_boolean(),
                        "null" => value.is_null(),
                        "number" => value.is_number(),
                        "integer" => value.is_i64() || value.is_u64(),
                        other => panic!("no such type: {other}"),
                    };
                    if !rule.as_array().map_or_else(|| is(rule), |names| names.iter().any(is)) {
                        refuse(format!("{value} is not of type {rule}"));
                    }
                }
                "enum" => {
                    if !rule.as_array().unwrap().contains(value) {
                        refuse(format!("{value} is none of {rule}"));
                    }
                }
                "minimum" | "maximum" => {
                    let is_within = if keyword == "minimum" { f64::ge } else { f64::le };
                    if !is_within(&value.as_f64().unwrap_or_default(), &rule.as_f64().unwrap()) {
                        refuse(format!("{value} is beyond the {keyword} of {rule}"));
                    }
                }
                "pattern" => {
                    let pattern = regex::Regex::new(rule.as_str().unwrap()).unwrap();
                    if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
                        refuse(format!("{value} does not match {rule}"));
                    }
                }
                "format" => {
                    let text = value.as_str().unwrap_or_default();
                    let is_reference = text.chars().all(|one| one.is_ascii_graphic() && !"<>\"{}|\\^`".contains(one));
                    let fits = match rule.as_str().unwrap() {
                        "uri" => is_reference && text.contains(':'),
                        "uri-reference" => is_reference,
                        "date-time" => text.contains('T'),
                        other => panic!("no such format: {other}"),
                    };
                    if !fits {
                        refuse(format!("{value} is not a {rule}"));
                    }
                }
                "items" => {
                    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}[{number}]"), faults);
                    }
                }
                "minItems" => {
                    if value.as_array().is_some_and(|items| (items.len() as u64) < rule.as_u64().unwrap()) {
                        refuse(format!("fewer than {rule} items"));
                    }
                }
                "uniqueItems" => {
                    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                    if rule == &Value::Bool(true) && (1..items.len()).any(|at| items[..at].contains(&items[at])) {
                        refuse("an item stands there twice".to_owned());
                    }
                }
                "required" => {
                    for name in rule.as_array().unwrap() {
                        if value.as_object().is_some_and(|object| !object.contains_key(name.as_str().unwrap())) {
                            faults.push(format!("{at}: {name} is missing"));
                        }
                    }
                }
                "anyOf" | "oneOf" => {
                    let holds = |one: &&Value| {
                        let mut inner = Vec::new();
                        self.check(one, value, at, &mut inner);
                        inner.is_empty()
                    };
                    let count = rule.as_array().unwrap().iter().filter(holds).count();
                    if count == 0 || (keyword == "oneOf" && count > 1) {
                        refuse(format!("{count} of {keyword} hold"));
                    }
                }
                other => panic!("the schema uses `{other}`, which this test does not know"),
            }
        }
        if let Some(object) = value.as_object() {
            self.check_properties(schema, object, at, faults);
        }
    }

    fn check_properties(&self, schema: &Value, object: &Map<String, Value>, at: &str, faults: &mut Vec<String>) {
        for (name, value) in object {
            let at = format!("{at}.{name}");
            match (
                schema.pointer(&format!("/properties/{}", name.replace('~', "~0").replace('/', "~1"))),
                &schema["additionalProperties"],
            ) {
                (Some(rule), _) | (None, rule @ Value::Object(_)) => self.check(rule, value, &at, faults),
                (None, Value::Bool(false)) => faults.push(format!("{at}: there is no such property")),
                (None, _) => {}
            }
        }
    }
}

#[test]
fn the_sarif_of_every_finding_is_valid_by_the_schema() {
    let schema = Schema::read();
    let mut results = 0;
    for compilation in cases() {
        let document: Value = serde_json::from_str(&rendered(Format::Sarif, &compilation)).unwrap();
        assert_eq!(schema.faults(&document), Vec::<String>::new());
        let found = document["runs"][0]["results"].as_array().unwrap().len();
        assert_eq!(found, compilation.diagnostics.len());
        results += found;
    }
    assert!(results > 100, "{results} results were held against the schema");
}

#[test]
fn the_schema_refuses_what_is_not_sarif() {
    let schema = Schema::read();
    let cases = cases();
    let document: Value = serde_json::from_str(&rendered(Format::Sarif, &cases[1])).unwrap();
    let refused = |pointer: &str, value: Value| {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        !schema.faults(&document).is_empty()
    };
    assert!(refused("/version", json!("2.0.0")));
    assert!(refused("/runs", json!(1)));
    assert!(refused("/runs/0/tool", json!({})));
    assert!(refused("/runs/0/results/0/level", json!("fatal")));
    assert!(refused("/runs/0/results/0/message", json!({"words": "x"})));
    assert!(refused("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)));
}

#[test]
fn github_gets_one_command_for_each_finding() {
    for compilation in cases() {
        let text = rendered(Format::Github, &compilation);
        assert_eq!(text.lines().count(), compilation.diagnostics.len(), "{text}");
        for (line, finding) in text.lines().zip(&compilation.diagnostics) {
            let command = format!("::{} ", if finding.code.as_str().starts_with('E') { "error" } else { "warning" });
            assert!(line.starts_with(&command) && line.contains(finding.code.as_str()), "{line}");
        }
    }
}
