//! Findings as test results in JUnit XML.

use std::collections::BTreeMap;
use std::fmt;

use migr_escape::xml;
use migr_source::SourceMap;

use super::place::Place;
use super::{RenderOptions, count, whole_text};
use crate::{Diagnostic, Severity};

/// JUnit XML: a suite for each file, a failed case for each error. A warning is a case that passed and says something.
pub(super) fn render(
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    _options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let mut suites: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for diagnostic in diagnostics {
        let path = diagnostic.span().and_then(|span| Place::of(span, sources)).map_or("migr", |place| place.path);
        suites.entry(path).or_default().push(diagnostic);
    }
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let failures = count(diagnostics, Severity::Error);
    let tests = diagnostics.len().max(1);
    writeln!(out, r#"<testsuites name="migr check" tests="{tests}" failures="{failures}" errors="0">"#)?;
    if suites.is_empty() {
        // Several readers refuse a report without any case.
        writeln!(out, r#"  <testsuite name="migr" tests="1" failures="0" errors="0">"#)?;
        writeln!(out, r#"    <testcase name="no problems" classname="migr"/>"#)?;
        writeln!(out, "  </testsuite>")?;
    }
    for (path, findings) in suites {
        let failures = findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
        let (path, tests) = (xml(path), findings.len());
        writeln!(out, r#"  <testsuite name="{path}" tests="{tests}" failures="{failures}" errors="0">"#)?;
        for finding in findings {
            case(finding, &path, sources, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn case(finding: &Diagnostic, path: &str, sources: &SourceMap, out: &mut dyn fmt::Write) -> fmt::Result {
    let place = finding.span().and_then(|span| Place::of(span, sources));
    let code = finding.code;
    write!(out, r#"    <testcase name="{code}" classname="{path}""#)?;
    if let Some(place) = place {
        write!(out, r#" file="{path}" line="{}""#, place.start.line)?;
    }
    writeln!(out, ">")?;
    let at =
        place.map_or_else(String::new, |place| format!("line {}, column {}: ", place.start.line, place.start.column));
    let body = xml(&format!("{at}{}", whole_text(finding)));
    match finding.severity() {
        Severity::Error => {
            let message = xml(&finding.message);
            writeln!(out, r#"      <failure type="{}" message="{message}">{body}</failure>"#, code.slug())?;
        }
        Severity::Warning => writeln!(out, "      <system-out>{body}</system-out>")?,
    }
    writeln!(out, "    </testcase>")
}

#[cfg(test)]
mod tests {
    use crate::render::{Format, fixture};

    #[test]
    fn an_error_is_a_failed_case_and_a_warning_a_passed_one() {
        insta::assert_snapshot!(fixture::all(Format::Junit));
    }
}
