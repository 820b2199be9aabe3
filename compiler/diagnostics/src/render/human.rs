//! Findings drawn over the source, for people at a terminal.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};
use migr_escape::{line, same_width, terminal};
use migr_source::{SourceFile, SourceMap};

use super::place::clamp;
use super::{RenderOptions, count};
use crate::wrap::wrap;
use crate::{Diagnostic, Severity};

/// Bytes of a line beyond which a part of it is drawn around what is wrong.
const LONG_LINE: usize = 400;

/// Characters of a long line that are drawn on each side.
const AROUND: usize = 60;

/// Lines of one label that are drawn; of a longer one the first.
const MOST_LINES: u32 = 20;

/// Narrower than this nothing can be read, and the drawing has no room for its frame.
const MIN_WIDTH: usize = 40;

/// The source drawn with what is wrong underlined, notes and help below it, and a line that counts at the end.
pub(super) fn render(
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let width = options.width.max(MIN_WIDTH);
    let handler = |wrap| {
        GraphicalReportHandler::new_themed(if options.color {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        })
        .with_width(width)
        .with_wrap_lines(wrap)
        .with_links(false)
        .without_syntax_highlighting()
    };
    let page = Page {
        wrapping: handler(true),
        straight: handler(false),
        sources,
        files: sources.files().map(|(_, file)| (line(&file.path), same_width(&file.text))).collect(),
        width,
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
    wrapping: GraphicalReportHandler,
    /// For messages that fit into a line: to look for places to break takes longer than all the rest.
    straight: GraphicalReportHandler,
    sources: &'a SourceMap,
    /// Paths and texts of the files as they are drawn, by id.
    files: Vec<(Cow<'a, str>, Cow<'a, str>)>,
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
        Some(format!("{}:{}:{}", line(&file.path), place.line, place.column))
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
        let file = diagnostic.span().and_then(|span| {
            let (path, text) = self.files.get(span.file.0 as usize)?;
            Some((span.file, self.sources.file(span.file)?, &**path, &**text))
        });
        let file = file.filter(|(_, file, ..)| !file.lines.is_of_places());
        let mut labels = Vec::new();
        if let Some((id, file, ..)) = file {
            for (at, label) in diagnostic.labels.iter().filter(|label| label.span.file == id).enumerate() {
                // Said once: as the headline.
                let text = Some(&label.text).filter(|text| !text.is_empty() && **text != diagnostic.message);
                labels.push((
                    at == 0,
                    first_lines(clamp(label.span, file), file),
                    text.map(|text| line(text).into_owned()),
                ));
            }
        }
        let text = file.map(|(_, file, path, text)| {
            let part = Drawn::part_of_long_line((file, path), text, &mut labels);
            part.unwrap_or_else(|| Drawn::whole((file, path), text, labels.iter().map(|(_, range, _)| range.end).max()))
        });
        let message = line(&diagnostic.message);
        let fits = message.is_ascii() && message.len() + INDENT < self.width;
        let handler = if fits { &self.straight } else { &self.wrapping };
        handler.render_report(&mut out, &Shown { message: &message, severity, code, text, labels })
    }

    fn footer(&self, name: &str, text: &str, out: &mut dyn fmt::Write) -> fmt::Result {
        let body = wrap(&terminal(text), self.width, &format!("  {name}: "), "        ");
        if self.color {
            out.write_str(&body.replacen(&format!("{name}:"), &format!("\u{1b}[36m{name}:\u{1b}[0m"), 1))
        } else {
            out.write_str(&body)
        }
    }
}

/// Columns before and behind a message that miette keeps free.
const INDENT: usize = 8;

/// One finding as miette wants it.
#[derive(Debug)]
struct Shown<'a> {
    message: &'a str,
    severity: miette::Severity,
    code: Option<&'static str>,
    text: Option<Drawn<'a>>,
    labels: Vec<Drawing>,
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

/// The range, cut to its first line where it has too many to draw.
fn first_lines(range: Range<usize>, file: &SourceFile) -> Range<usize> {
    let line = |offset| file.lines.line_column(&file.text, offset).line;
    let first = line(range.start);
    if line(range.end) - first <= MOST_LINES {
        return range;
    }
    let next = file.lines.line_start(first.saturating_add(1)).map_or(range.end, |next| next.saturating_sub(1));
    range.start..next.max(range.start)
}

/// A label: whether it is the primary one, where it is, its words.
type Drawing = (bool, Range<usize>, Option<String>);

/// A file as miette reads it: by the line index, so that a late line costs no more than an early one.
#[derive(Debug)]
struct Drawn<'a> {
    file: &'a SourceFile,
    /// Path as it is drawn.
    path: &'a str,
    text: Cow<'a, str>,
    /// Line number, and columns left out before it, of a text that is a part of one line.
    part: Option<(usize, usize)>,
}

impl<'a> Drawn<'a> {
    /// A label at the very end needs something to stand under: an empty last line gets a space.
    fn whole((file, path): (&'a SourceFile, &'a str), text: &'a str, last: Option<usize>) -> Self {
        let at_end = last == Some(text.len()) && (text.is_empty() || text.ends_with('\n'));
        let text = if at_end { Cow::Owned(format!("{text} ")) } else { Cow::Borrowed(text) };
        Self { file, path, text, part: None }
    }

    /// Surroundings of the primary label, where a line that would be drawn is longer than a screen has use for; labels elsewhere are left out.
    fn part_of_long_line(
        (file, path): (&'a SourceFile, &'a str),
        text: &'a str,
        labels: &mut Vec<Drawing>,
    ) -> Option<Self> {
        let line_of = |offset: usize| {
            let line = file.lines.line_column(text, offset).line;
            let start = file.lines.line_start(line).unwrap_or(0);
            let next = file.lines.line_start(line.saturating_add(1)).unwrap_or(text.len());
            (line, start, text.get(start..next).map_or(next, |line| start + line.trim_end_matches(['\r', '\n']).len()))
        };
        let neighbours = |offset: usize| {
            let (_, start, end) = line_of(offset);
            [(start, end), (line_of(start.saturating_sub(1)).1, start), (end, line_of((end + 2).min(text.len())).2)]
        };
        let is_long =
            |offset: usize| neighbours(offset).iter().any(|(start, end)| end.saturating_sub(*start) > LONG_LINE);
        if !labels.iter().any(|(_, range, _)| is_long(range.start) || is_long(range.end)) {
            return None;
        }
        let primary = labels.first()?.1.clone();
        let (line, line_start, line_end) = line_of(primary.start);
        let from = before(text, primary.start, AROUND).max(line_start);
        let to = behind(text, primary.end.clamp(primary.start, behind(text, primary.start, AROUND)), AROUND)
            .min(line_end)
            .max(from);
        let columns = text.get(line_start..from)?.chars().count();
        labels.retain(|(_, range, _)| range.start >= from && range.start <= to);
        for (_, range, _) in labels.iter_mut() {
            *range = range.start - from..range.end.min(to) - from;
        }
        // A label at the end needs something to stand under.
        let part = format!("{} ", text.get(from..to)?);
        Some(Self { file, path, text: Cow::Owned(part), part: Some((line.saturating_sub(1) as usize, columns)) })
    }

    fn line_start(&self, line: usize) -> Option<usize> {
        self.file.lines.line_start(u32::try_from(line).ok()?.saturating_add(1))
    }
}

/// The place so many characters before one, on a character's boundary.
fn before(text: &str, at: usize, characters: usize) -> usize {
    text.get(..at).and_then(|text| text.char_indices().rev().take(characters).last()).map_or(at, |(at, _)| at)
}

/// The place so many characters behind one.
fn behind(text: &str, at: usize, characters: usize) -> usize {
    text.get(at..).and_then(|text| text.char_indices().nth(characters)).map_or(text.len(), |(length, _)| at + length)
}

impl SourceCode for Drawn<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        if let Some((line, columns)) = self.part {
            let whole = (0, self.text.len()).into();
            let columns = if before == 0 {
                columns + self.text.get(..span.offset()).map_or(0, |text| text.chars().count())
            } else {
                columns
            };
            let (name, bytes) = (self.path, self.text.as_bytes());
            return Ok(Box::new(MietteSpanContents::new_named(name.to_owned(), bytes, whole, line, columns, 1)));
        }
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
            self.path.to_owned(),
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
