//! Findings as the JSON document of `--format json`.

use std::fmt;

use migr_source::{LineColumn, SourceMap, Span};
use schemars::JsonSchema;
use serde::Serialize;

use super::place::Place;
use super::{RenderOptions, count, write_json};
use crate::{Applicability, Code, Diagnostic, Fix, Label, Severity};

/// The version of this document's shape. A key may be added under the same version; none changes its meaning or goes.
const FORMAT_VERSION: u32 = 1;

/// Findings of a check.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Diagnostics")]
struct Document<'a> {
    format_version: u32,
    diagnostics: Vec<Finding<'a>>,
    summary: Summary,
}

#[derive(Serialize, JsonSchema)]
struct Finding<'a> {
    code: &'static str,
    severity: Severity,
    message: &'a str,
    file: Option<&'a str>,
    start: Option<LineColumn>,
    end: Option<LineColumn>,
    labels: Vec<Marked<'a>>,
    help: Option<&'a str>,
    fix: Option<Change<'a>>,
}

/// A text at a place: a label, or the replacement of an edit.
#[derive(Serialize, JsonSchema)]
struct Marked<'a> {
    file: Option<&'a str>,
    start: Option<LineColumn>,
    end: Option<LineColumn>,
    text: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Change<'a> {
    title: &'a str,
    applicability: &'static str,
    edits: Vec<Marked<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Summary {
    errors: usize,
    warnings: usize,
}

/// The JSON Schema (2020-12) of the document.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document<'_>).to_value()
}

/// The one document that `check --format json` promises. Labels in other files stand among the labels, each with its file.
pub(super) fn render(
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    _options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let document = Document {
        format_version: FORMAT_VERSION,
        diagnostics: diagnostics.iter().map(|diagnostic| finding(diagnostic, sources)).collect(),
        summary: Summary {
            errors: count(diagnostics, Severity::Error),
            warnings: count(diagnostics, Severity::Warning),
        },
    };
    write_json(&document, out)
}

fn finding<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Finding<'a> {
    let place = diagnostic.span().and_then(|span| Place::of(span, sources));
    let mut labels = Vec::new();
    collect_labels(diagnostic, sources, &mut labels);
    Finding {
        code: Code::as_str(diagnostic.code),
        severity: diagnostic.severity(),
        message: &diagnostic.message,
        file: place.map(|place| place.path),
        start: place.map(|place| place.start),
        end: place.map(|place| place.end),
        labels,
        help: diagnostic.help.as_deref(),
        fix: diagnostic.fix.as_ref().map(|fix| change(fix, sources)),
    }
}

fn collect_labels<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap, labels: &mut Vec<Marked<'a>>) {
    labels.extend(diagnostic.labels.iter().map(|Label { span, text }| marked(*span, text, sources)));
    for related in &diagnostic.related {
        collect_labels(related, sources, labels);
    }
}

fn change<'a>(fix: &'a Fix, sources: &'a SourceMap) -> Change<'a> {
    Change {
        title: &fix.title,
        applicability: match fix.applicability {
            Applicability::Safe => "safe",
            Applicability::Unsafe => "unsafe",
        },
        edits: fix.edits.iter().map(|edit| marked(edit.span, &edit.text, sources)).collect(),
    }
}

fn marked<'a>(span: Span, text: &'a str, sources: &'a SourceMap) -> Marked<'a> {
    let place = Place::of(span, sources);
    Marked {
        file: place.map(|place| place.path),
        start: place.map(|place| place.start),
        end: place.map(|place| place.end),
        text,
    }
}

#[cfg(test)]
mod tests {
    use crate::render::{Format, fixture};

    #[test]
    fn is_one_document_with_the_promised_keys() {
        let text = fixture::all(Format::Json);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&document), ["format_version", "diagnostics", "summary"]);
        assert_eq!(keys(&document["summary"]), ["errors", "warnings"]);
        for finding in document["diagnostics"].as_array().unwrap() {
            let promised = ["code", "severity", "message", "file", "start", "end", "labels", "help", "fix"];
            assert_eq!(keys(finding), promised);
        }
        insta::assert_snapshot!(text);
    }
}
