//! Places of spans by path, line and column.

use std::ops::Range;

use migr_source::{LineColumn, SourceFile, SourceMap, Span};

/// A span as people and tools name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) start: LineColumn,
    pub(super) end: LineColumn,
}

impl<'a> Place<'a> {
    /// Where a span lies; nothing for a span of a file that is not in the map.
    pub(super) fn of(span: Span, sources: &'a SourceMap) -> Option<Self> {
        let file = sources.file(span.file)?;
        let range = clamp(span, file);
        let at = |offset| file.lines.line_column(&file.text, offset);
        Some(Self { path: &file.path, start: at(range.start), end: at(range.end) })
    }

    /// True where the span begins and ends on the same line.
    pub(super) fn on_one_line(&self) -> bool {
        self.start.line == self.end.line
    }
}

/// The bytes of a span that its file really has, widened to whole characters.
pub(super) fn clamp(span: Span, file: &SourceFile) -> Range<usize> {
    let text = &*file.text;
    let mut start = (span.start as usize).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (span.end as usize).clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}
