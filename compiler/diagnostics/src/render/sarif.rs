//! Findings as SARIF 2.1.0.

use std::collections::BTreeSet;
use std::fmt;

use migr_source::{SourceMap, Span};
use serde_json::{Map, Value, json};

use super::fingerprint::Fingerprints;
use super::place::Place;
use super::{RenderOptions, whole_text, write_json};
use crate::{Applicability, Code, Diagnostic, Severity, explain};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// SARIF 2.1.0: one run; the pages of the codes that occur are its rules.
pub(super) fn render(
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    _options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let codes: BTreeSet<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let mut fingerprints = Fingerprints::default();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| {
            let index = codes.binary_search(&diagnostic.code).unwrap_or_default();
            result(diagnostic, index, &fingerprints.next(diagnostic, sources), sources)
        })
        .collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "migr",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().copied().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    write_json(&document, out)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "name": code.slug(),
        "shortDescription": { "text": code.summary() },
        "help": { "text": explain(code), "markdown": code.page() },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(diagnostic: &Diagnostic, rule_index: usize, fingerprint: &str, sources: &SourceMap) -> Value {
    let mut entry = Map::new();
    entry.insert("ruleId".into(), diagnostic.code.as_str().into());
    entry.insert("ruleIndex".into(), rule_index.into());
    entry.insert("level".into(), level(diagnostic.severity()).into());
    entry.insert("message".into(), json!({ "text": whole_text(diagnostic) }));
    let location = diagnostic.span().and_then(|span| physical(span, sources));
    entry.insert("locations".into(), location.into_iter().collect());
    let mut related = Vec::new();
    collect_related(diagnostic, 1, sources, &mut related);
    if !related.is_empty() {
        entry.insert("relatedLocations".into(), related.into());
    }
    entry.insert("partialFingerprints".into(), json!({ "migr/v1": fingerprint }));
    if let Some(changes) = fixes(diagnostic, sources) {
        entry.insert("fixes".into(), changes);
    }
    Value::Object(entry)
}

/// Labels after the first `skip`, and all of the related findings.
fn collect_related(diagnostic: &Diagnostic, skip: usize, sources: &SourceMap, related: &mut Vec<Value>) {
    for label in diagnostic.labels.iter().skip(skip) {
        if let Some(Value::Object(mut location)) = physical(label.span, sources) {
            location.insert("message".into(), json!({ "text": label.text }));
            related.push(Value::Object(location));
        }
    }
    for cause in &diagnostic.related {
        collect_related(cause, 0, sources, related);
    }
}

fn physical(span: Span, sources: &SourceMap) -> Option<Value> {
    let place = Place::of(span, sources)?;
    Some(json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(place.path) }, "region": region(place) },
    }))
}

fn region(place: Place<'_>) -> Value {
    json!({
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
    })
}

/// Only safe fixes: a viewer offers what stands here as a button.
fn fixes(diagnostic: &Diagnostic, sources: &SourceMap) -> Option<Value> {
    let fix = diagnostic.fix.as_ref().filter(|fix| fix.applicability == Applicability::Safe)?;
    let changes: Vec<Value> = fix
        .edits
        .iter()
        .filter_map(|edit| {
            let place = Place::of(edit.span, sources)?;
            Some(json!({
                "artifactLocation": { "uri": uri(place.path) },
                "replacements": [{ "deletedRegion": region(place), "insertedContent": { "text": edit.text } }],
            }))
        })
        .collect();
    (!changes.is_empty()).then(|| json!([{ "description": { "text": fix.title }, "artifactChanges": changes }]))
}

/// A relative path as a URI reference: everything but what RFC 3986 leaves unreserved, and the slash, is percent-encoded.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::render::{Format, fixture};

    fn checked_region(region: &Value) {
        let number = |key: &str| region[key].as_u64().unwrap();
        assert!(number("startLine") >= 1 && number("startColumn") >= 1 && number("endColumn") >= 1);
        assert!((number("startLine"), number("startColumn")) <= (number("endLine"), number("endColumn")));
    }

    fn checked_uri(location: &Value) {
        let uri = location["uri"].as_str().unwrap();
        assert!(!uri.is_empty() && uri.chars().all(|one| one.is_ascii_graphic() && !"<>\"{}|\\^`".contains(one)));
    }

    fn checked_location(location: &Value) {
        checked_uri(&location["physicalLocation"]["artifactLocation"]);
        checked_region(&location["physicalLocation"]["region"]);
    }

    #[test]
    fn has_the_structure_that_sarif_2_1_0_requires() {
        let text = fixture::all(Format::Sarif);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["$schema"], super::SCHEMA);
        assert_eq!(document["version"], "2.1.0");
        let runs = document["runs"].as_array().unwrap();
        assert_eq!(runs.len(), 1);
        let driver = &runs[0]["tool"]["driver"];
        assert_eq!(driver["name"], "migr");
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            for text in ["/shortDescription/text", "/help/text", "/help/markdown", "/id"] {
                assert!(!rule.pointer(text).unwrap().as_str().unwrap().is_empty(), "{text}");
            }
        }
        let results = runs[0]["results"].as_array().unwrap();
        assert_eq!(results.len(), fixture::diagnostics().1.len());
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(result["ruleId"], rules[index]["id"]);
            assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            result["locations"].as_array().unwrap().iter().for_each(checked_location);
            for related in result["relatedLocations"].as_array().into_iter().flatten() {
                checked_location(related);
            }
            for fix in result["fixes"].as_array().into_iter().flatten() {
                for change in fix["artifactChanges"].as_array().unwrap() {
                    checked_uri(&change["artifactLocation"]);
                    for replacement in change["replacements"].as_array().unwrap() {
                        checked_region(&replacement["deletedRegion"]);
                    }
                }
            }
        }
    }

    #[test]
    fn looks_like_this() {
        let mut document: Value = serde_json::from_str(&fixture::all(Format::Sarif)).unwrap();
        // The pages have tests of their own.
        for rule in document["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap() {
            rule["help"] = Value::from("[page]");
        }
        let text = serde_json::to_string_pretty(&document).unwrap();
        insta::with_settings!({ filters => fixture::filters() }, { insta::assert_snapshot!(text) });
    }

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(super::uri("maps/cönt act.migr"), "maps/c%C3%B6nt%20act.migr");
    }
}
