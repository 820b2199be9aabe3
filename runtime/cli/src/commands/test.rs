//! `migr test`: the tests of a spec.

use std::fmt::{self, Write as _};

use migr_diagnostics::Severity;
use migr_engine::judge;
use migr_escape::{line, xml};
use migr_plan::Origin;
use migr_transform::{TestOutcome, run_spec_tests};
use serde_json::json;

use crate::args::{TestArguments, TestFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings::show_on_stderr;
use crate::project::{Findings, projects_below, shown};

/// Runs the tests of every project at or below the path.
pub(crate) fn run(arguments: &TestArguments, console: Console) -> Result<Exit, Fault> {
    let (mut findings, mut outcomes) = (Findings::default(), Vec::new());
    for project in projects_below(&arguments.path)? {
        let mut compilation = project.compile(None);
        let (plan, tests) = (compilation.plan.take(), std::mem::take(&mut compilation.tests));
        findings.add(&project.folder, compilation);
        let Some(plan) = plan else { continue };
        let ran = run_spec_tests(&plan, &tests, &judge)
            .map_err(|error| Fault::failed(format!("the tests of {} cannot run: {error}", project.folder.display())))?;
        let typed = |origin: &mut Origin| {
            if !origin.file.starts_with("std/") {
                origin.file = shown(&project.folder.join(&origin.file));
            }
        };
        outcomes.extend(ran.into_iter().map(|mut outcome| {
            typed(&mut outcome.origin);
            outcome.mismatches.iter_mut().for_each(|mismatch| typed(&mut mismatch.origin));
            outcome
        }));
    }
    show_on_stderr(&findings, console);
    let has_errors = findings.count(Severity::Error) > 0;
    let text = rendered(&outcomes, arguments.format);
    match arguments.format {
        TestFormat::Human => console.result(text),
        TestFormat::Json => console.json(text),
        TestFormat::Junit => console.document(text),
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    if outcomes.is_empty() && !has_errors {
        console.news("no tests: write `test \"…\" { given …; expect … }` into a spec");
    }
    Ok(if has_errors || failed > 0 { Exit::Findings } else { Exit::Done })
}

fn rendered(outcomes: &[TestOutcome], format: TestFormat) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = match format {
        TestFormat::Human => human(outcomes, &mut text),
        TestFormat::Json => writeln!(text, "{}", as_json(outcomes)),
        TestFormat::Junit => junit(outcomes, &mut text),
    };
    text
}

fn failures(outcomes: &[TestOutcome]) -> usize {
    outcomes.iter().filter(|outcome| !outcome.passed()).count()
}

/// Failed tests with what differs, then a line of counts.
fn human(outcomes: &[TestOutcome], out: &mut String) -> fmt::Result {
    for outcome in outcomes.iter().filter(|outcome| !outcome.passed()) {
        writeln!(out, "FAILED  {}  ({}:{})", line(&outcome.name), outcome.origin.file, outcome.origin.line)?;
        for mismatch in &outcome.mismatches {
            writeln!(out, "  {}:{}  {}", mismatch.origin.file, mismatch.origin.line, line(&mismatch.place))?;
            writeln!(out, "    expected {}, got {}", line(&mismatch.expected), line(&mismatch.actual))?;
        }
        writeln!(out)?;
    }
    let (failed, all) = (failures(outcomes), outcomes.len());
    let tests = if all == 1 { "test" } else { "tests" };
    if failed == 0 { writeln!(out, "{all} {tests} passed") } else { writeln!(out, "{failed} of {all} {tests} failed") }
}

fn as_json(outcomes: &[TestOutcome]) -> serde_json::Value {
    let tests = outcomes.iter().map(|outcome| {
        let mismatches = outcome.mismatches.iter().map(|one| {
            json!({
                "file": one.origin.file, "line": one.origin.line, "column": one.origin.column,
                "place": one.place, "expected": one.expected, "actual": one.actual,
            })
        });
        json!({
            "name": outcome.name, "file": outcome.origin.file, "line": outcome.origin.line,
            "passed": outcome.passed(), "mismatches": mismatches.collect::<Vec<_>>(),
        })
    });
    let failed = failures(outcomes);
    json!({
        "format_version": 1,
        "tests": tests.collect::<Vec<_>>(),
        "summary": { "passed": outcomes.len() - failed, "failed": failed },
    })
}

/// A suite for each file, a case for each test.
fn junit(outcomes: &[TestOutcome], out: &mut String) -> fmt::Result {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let (tests, failed) = (outcomes.len(), failures(outcomes));
    writeln!(out, r#"<testsuites name="migr test" tests="{tests}" failures="{failed}" errors="0">"#)?;
    for suite in outcomes.chunk_by(|one, next| one.origin.file == next.origin.file) {
        let path = suite.first().map_or_else(String::new, |first| xml(&first.origin.file));
        let (tests, failed) = (suite.len(), failures(suite));
        writeln!(out, r#"  <testsuite name="{path}" tests="{tests}" failures="{failed}" errors="0">"#)?;
        for outcome in suite {
            let (name, line) = (xml(&outcome.name), outcome.origin.line);
            write!(out, r#"    <testcase name="{name}" classname="{path}" file="{path}" line="{line}""#)?;
            if outcome.passed() {
                writeln!(out, "/>")?;
                continue;
            }
            writeln!(out, ">")?;
            for one in &outcome.mismatches {
                let message = xml(&format!("{}: expected {}, got {}", one.place, one.expected, one.actual));
                writeln!(out, r#"      <failure message="{message}">{path}:{}</failure>"#, one.origin.line)?;
            }
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}
