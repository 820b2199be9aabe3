use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};
use migr_source::{SourceFile, SourceMap};

use super::place::clamp;
use super::{RenderOptions, count};
use crate::wrap::wrap;
use crate::{Diagnostic, Severity};

/// Narrower than this nothing can be read, and the drawing has no room for its frame.
const MIN_WIDTH: usize = 40;

/// The source drawn with what is wrong underlined, notes and help below it, and a line that counts at the end.
pub(super) fn render(
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let page = Page {
        handler: GraphicalReportHandler::new_themed(if options.color {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        })
        .with_width(options.width.max(MIN_WIDTH))
        .with_links(false)
        .without_syntax_highlighting(),
        sources,
        width: options.width.max(MIN_WIDTH),
        color: options.color,
    };
    for diagnostic in diagnostics {
        page.report(diagnostic, out)?;
        out.write_char('\n')?;
    }
    writeln!(out, "{}", summary(diagnostics))
}

/// `5 errors, 1 warning`; a count of none is left out.
fn summary(diagnostics: &[Diagnostic]) -> String {
    let counted = |number: usize, name: &str| match number {
        0 => None,
        1 => Some(format!("1 {name}")),
        _ => Some(format!("{number} {name}s")),
    };
    let errors = counted(count(diagnostics, Severity::Error), "error");
    let warnings = counted(count(diagnostics, Severity::Warning), "warning");
    match (errors, warnings) {
        (Some(errors), Some(warnings)) => format!("{errors}, {warnings}"),
        (Some(some), None) | (None, Some(some)) => some,
        (None, None) => "no problems".to_owned(),
    }
}

struct Page<'a> {
    handler: GraphicalReportHandler,
    sources: &'a SourceMap,
    width: usize,
    color: bool,
}

impl Page<'_> {
    fn report(&self, diagnostic: &Diagnostic, out: &mut dyn fmt::Write) -> fmt::Result {
        let severity = match diagnostic.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        };
        self.draw(diagnostic, severity, Some(diagnostic.code.as_str()), out)?;
        if let Some(place) = self.undrawn(diagnostic) {
            self.footer("at", &place, out)?;
        }
        for related in &diagnostic.related {
            self.related(related, out)?;
        }
        for note in &diagnostic.notes {
            self.footer("note", note, out)?;
        }
        // A fix's title says what to do where no help does.
        if let Some(help) = diagnostic.help.as_ref().or(diagnostic.fix.as_ref().map(|fix| &fix.title)) {
            self.footer("help", help, out)?;
        }
        Ok(())
    }

    /// `export/contacts.csv:84:31`, where the file is known by places only and nothing of it can be drawn.
    fn undrawn(&self, diagnostic: &Diagnostic) -> Option<String> {
        let span = diagnostic.span()?;
        let file = self.sources.file(span.file).filter(|file| file.lines.is_of_places())?;
        let place = self.sources.start(span);
        Some(format!("{}:{}:{}", file.path, place.line, place.column))
    }

    fn related(&self, diagnostic: &Diagnostic, out: &mut dyn fmt::Write) -> fmt::Result {
        self.draw(diagnostic, miette::Severity::Advice, None, out)?;
        for note in &diagnostic.notes {
            self.footer("note", note, out)?;
        }
        diagnostic.related.iter().try_for_each(|related| self.related(related, out))
    }

    fn draw(
        &self,
        diagnostic: &Diagnostic,
        severity: miette::Severity,
        code: Option<&'static str>,
        mut out: &mut dyn fmt::Write,
    ) -> fmt::Result {
        let file = diagnostic.span().and_then(|span| Some((span.file, self.sources.file(span.file)?)));
        let file = file.filter(|(_, file)| !file.lines.is_of_places());
        let mut labels = Vec::new();
        if let Some((id, file)) = file {
            for (at, label) in diagnostic.labels.iter().filter(|label| label.span.file == id).enumerate() {
                // Said once: as the headline.
                let text = Some(&label.text).filter(|text| !text.is_empty() && **text != diagnostic.message);
                labels.push((at == 0, clamp(label.span, file), text.cloned()));
            }
        }
        let text = file.map(|(_, file)| Drawn::new(file, labels.iter().map(|(_, range, _)| range.end).max()));
        let shown = Shown { message: &diagnostic.message, severity, code, text, labels };
        self.handler.render_report(&mut out, &shown)
    }

    fn footer(&self, name: &str, text: &str, out: &mut dyn fmt::Write) -> fmt::Result {
        let body = wrap(text, self.width, &format!("  {name}: "), "        ");
        if self.color {
            out.write_str(&body.replacen(&format!("{name}:"), &format!("\u{1b}[36m{name}:\u{1b}[0m"), 1))
        } else {
            out.write_str(&body)
        }
    }
}

/// One finding as miette wants it.
#[derive(Debug)]
struct Shown<'a> {
    message: &'a str,
    severity: miette::Severity,
    code: Option<&'static str>,
    text: Option<Drawn<'a>>,
    labels: Vec<(bool, Range<usize>, Option<String>)>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text.as_ref().map(|text| text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().map(|(primary, range, text)| {
            let span = SourceSpan::from(range.clone());
            if *primary {
                LabeledSpan::new_primary_with_span(text.clone(), span)
            } else {
                LabeledSpan::new_with_span(text.clone(), span)
            }
        })))
    }
}

/// A file as miette reads it: by the line index, so that a late line costs no more than an early one.
#[derive(Debug)]
struct Drawn<'a> {
    file: &'a SourceFile,
    text: Cow<'a, str>,
}

impl<'a> Drawn<'a> {
    /// A label at the very end needs something to stand under: an empty last line gets a space.
    fn new(file: &'a SourceFile, last: Option<usize>) -> Self {
        let at_end = last == Some(file.text.len()) && (file.text.is_empty() || file.text.ends_with('\n'));
        let text = if at_end { Cow::Owned(format!("{} ", file.text)) } else { Cow::Borrowed(&*file.text) };
        Self { file, text }
    }

    fn line_start(&self, line: usize) -> Option<usize> {
        self.file.lines.line_start(u32::try_from(line).ok()?.saturating_add(1))
    }
}

impl SourceCode for Drawn<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let place = |offset: usize| self.file.lines.line_column(&self.file.text, offset);
        let from = place(span.offset());
        let last_byte = (span.offset() + span.len()).saturating_sub(1).max(span.offset());
        let first_line = (from.line as usize).saturating_sub(1).saturating_sub(before);
        let next_line = place(last_byte).line as usize + after;
        let start = self.line_start(first_line).ok_or(MietteError::OutOfBounds)?;
        let end = self.line_start(next_line).unwrap_or(self.text.len());
        let data = self.text.get(start..end).ok_or(MietteError::OutOfBounds)?;
        let column = if before == 0 { (from.column as usize).saturating_sub(1) } else { 0 };
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.path.to_string(),
            data.as_bytes(),
            (start, end - start).into(),
            first_line,
            column,
            data.lines().count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use crate::render::{Format, RenderOptions, fixture, render};

    #[test]
    fn draws_the_source_with_labels_notes_help_and_other_files() {
        insta::assert_snapshot!(fixture::all(Format::Human));
    }

    #[test]
    fn a_narrow_terminal_wraps_and_colours_are_asked_for() {
        let (sources, diagnostics) = fixture::diagnostics();
        let mut out = String::new();
        let options = RenderOptions { color: true, width: 50 };
        render(Format::Human, &diagnostics[..2], &sources, &options, &mut out).unwrap();
        assert!(out.contains("\u{1b}["));
        insta::assert_snapshot!(out.replace('\u{1b}', "␛"));
    }
}
