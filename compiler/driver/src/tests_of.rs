//! A spec's tests with places that a report can show.

use migr_check::Spec;
use migr_plan::{Expectation, ExpectedField, GivenRecord, Origin, Test};
use migr_source::{SourceMap, Span};

/// The tests in the form a runner uses.
pub(crate) fn tests_of(spec: &Spec, sources: &SourceMap) -> Vec<Test> {
    let origin = |span: Span| {
        let start = sources.start(span);
        Origin { file: sources.path(span).to_owned(), line: start.line, column: start.column }
    };
    let expectation = |one: &migr_check::Expectation| match one {
        migr_check::Expectation::Record { object, fields, span } => Expectation::Record {
            object: object.clone(),
            fields: fields
                .iter()
                .map(|field| ExpectedField {
                    path: field.path.clone(),
                    ty: field.ty.clone(),
                    value: field.value.clone(),
                    origin: origin(field.span),
                })
                .collect(),
            origin: origin(*span),
        },
        migr_check::Expectation::SetAside { skipped, object, key, on, span } => Expectation::SetAside {
            skipped: *skipped,
            object: object.clone(),
            key: key.clone(),
            on: on.clone(),
            origin: origin(*span),
        },
    };
    spec.tests
        .iter()
        .map(|test| Test {
            name: test.name.clone(),
            given: test
                .given
                .iter()
                .map(|given| GivenRecord {
                    object: given.object.clone(),
                    cells: given.cells.clone(),
                    origin: origin(given.span),
                })
                .collect(),
            expectations: test.expectations.iter().map(expectation).collect(),
            origin: origin(test.span),
        })
        .collect()
}
