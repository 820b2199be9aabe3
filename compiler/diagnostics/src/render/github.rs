//! Findings as workflow commands of GitHub Actions.

use std::fmt;

use migr_escape::{workflow_message, workflow_property};
use migr_source::SourceMap;

use super::place::Place;
use super::{RenderOptions, whole_text};
use crate::{Diagnostic, Severity};

/// Workflow commands, one line each: `::error file=…,line=…,col=…,title=…::message`.
pub(super) fn render(
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    _options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    for diagnostic in diagnostics {
        let level = match diagnostic.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(out, "::{level} ")?;
        if let Some(place) = diagnostic.span().and_then(|span| Place::of(span, sources)) {
            write!(out, "file={},line={}", workflow_property(place.path), place.start.line)?;
            // Columns across lines make GitHub drop the annotation.
            if place.on_one_line() {
                write!(out, ",col={},endColumn={}", place.start.column, place.end.column)?;
            } else {
                write!(out, ",endLine={}", place.end.line)?;
            }
            out.write_char(',')?;
        }
        let title = workflow_property(&format!("{}: {}", diagnostic.code, diagnostic.code.summary()));
        writeln!(out, "title={title}::{}", workflow_message(&whole_text(diagnostic)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::render::{Format, fixture};

    #[test]
    fn each_finding_is_one_workflow_command() {
        insta::assert_snapshot!(fixture::all(Format::Github));
    }
}
