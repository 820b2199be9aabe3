//! Findings as a code quality report for GitLab.

use std::fmt;

use migr_source::{LineColumn, SourceMap};
use serde::Serialize;

use super::fingerprint::Fingerprints;
use super::place::Place;
use super::{RenderOptions, write_json};
use crate::{Diagnostic, Severity};

#[derive(Serialize)]
struct Issue<'a> {
    description: &'a str,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    positions: Positions,
}

#[derive(Serialize)]
struct Positions {
    begin: LineColumn,
    end: LineColumn,
}

/// GitLab's code quality report: one array of issues.
pub(super) fn render(
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    _options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    // GitLab drops an issue that has no path and line.
    let nowhere = Place { path: ".", start: LineColumn { line: 1, column: 1 }, end: LineColumn { line: 1, column: 1 } };
    let mut fingerprints = Fingerprints::default();
    let issues: Vec<Issue<'_>> = diagnostics
        .iter()
        .map(|diagnostic| {
            let place = diagnostic.span().and_then(|span| Place::of(span, sources)).unwrap_or(nowhere);
            Issue {
                description: &diagnostic.message,
                check_name: diagnostic.code.as_str(),
                fingerprint: fingerprints.next(diagnostic, sources),
                severity: match diagnostic.severity() {
                    Severity::Error => "major",
                    Severity::Warning => "minor",
                },
                location: Location { path: place.path, positions: Positions { begin: place.start, end: place.end } },
            }
        })
        .collect();
    write_json(&issues, out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::render::{Format, fixture};

    #[test]
    fn each_issue_has_what_gitlab_requires_and_a_fingerprint_of_its_own() {
        let text = fixture::all(Format::Gitlab);
        let issues: serde_json::Value = serde_json::from_str(&text).unwrap();
        let issues = issues.as_array().unwrap();
        let names: BTreeSet<&str> = issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
        assert_eq!(names.len(), issues.len());
        insta::assert_snapshot!(text);
    }
}
