//! Findings as one line each.

use std::fmt;
use std::ops::Range;

use codespan_reporting::diagnostic::{Diagnostic as Shown, Label, Severity as Weight};
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term::{self, Config, DisplayStyle};
use migr_escape::line;
use migr_source::{FileId, SourceFile, SourceMap};

use super::RenderOptions;
use super::place::clamp;
use crate::{Diagnostic, Severity};

/// One line for each finding: `path:line:col: error[E0304]: message`.
pub(super) fn render(
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    _options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let config = Config { display_style: DisplayStyle::Short, ..Config::default() };
    let texts = Texts { sources, names: sources.files().map(|(_, file)| line(&file.path).into_owned()).collect() };
    for diagnostic in diagnostics {
        let text = term::emit_into_string(&config, &texts, &shown(diagnostic, sources)).map_err(|_| fmt::Error)?;
        out.write_str(&text)?;
    }
    Ok(())
}

fn shown(diagnostic: &Diagnostic, sources: &SourceMap) -> Shown<FileId> {
    let weight = match diagnostic.severity() {
        Severity::Error => Weight::Error,
        Severity::Warning => Weight::Warning,
    };
    let primary =
        diagnostic.span().and_then(|span| Some(Label::primary(span.file, clamp(span, sources.file(span.file)?))));
    Shown::new(weight)
        .with_code(diagnostic.code.as_str())
        .with_message(line(&diagnostic.message.lines().collect::<Vec<_>>().join(" ")))
        .with_labels(primary.into_iter().collect())
}

struct Texts<'s> {
    sources: &'s SourceMap,
    /// Paths as they are shown, by id.
    names: Vec<String>,
}

impl Texts<'_> {
    fn file(&self, id: FileId) -> Result<&SourceFile, Error> {
        self.sources.file(id).ok_or(Error::FileMissing)
    }
}

impl<'a> Files<'a> for Texts<'_> {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, Error> {
        self.names.get(id.0 as usize).map(String::as_str).ok_or(Error::FileMissing)
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, Error> {
        Ok(&self.file(id)?.text)
    }

    fn line_index(&'a self, id: FileId, byte_index: usize) -> Result<usize, Error> {
        let file = self.file(id)?;
        Ok(file.lines.line_column(&file.text, byte_index).line.saturating_sub(1) as usize)
    }

    fn column_number(&'a self, id: FileId, _line_index: usize, byte_index: usize) -> Result<usize, Error> {
        let file = self.file(id)?;
        Ok(file.lines.line_column(&file.text, byte_index).column as usize)
    }

    fn line_range(&'a self, id: FileId, line_index: usize) -> Result<Range<usize>, Error> {
        let file = self.file(id)?;
        let line = u32::try_from(line_index).unwrap_or(u32::MAX).saturating_add(1);
        let start = file
            .lines
            .line_start(line)
            .ok_or(Error::LineTooLarge { given: line_index, max: file.lines.line_count() })?;
        Ok(start..file.lines.line_start(line.saturating_add(1)).unwrap_or(file.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use crate::render::{Format, fixture};

    #[test]
    fn each_finding_is_one_line_that_stands_alone() {
        insta::assert_snapshot!(fixture::all(Format::Short));
    }
}
