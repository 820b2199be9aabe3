//! Gaps between nodes: comments and blank lines, told by their places.

use migr_diagnostics::{Diagnostic, Diagnostics, Severity};
use migr_source::Span;
use migr_syntax::ast::Ast;

use crate::reading::Kept;

/// Prints a tree with what its source says about comments and line breaks.
pub(crate) struct Printer<'a> {
    pub(crate) source: &'a str,
    /// Places of the comments, in order; the first `printed` of them are done.
    comments: Vec<Span>,
    printed: usize,
    /// Places of findings that a change of layout could make worse.
    findings: Vec<usize>,
    /// Places of all that does not follow the grammar, where their items are kept whole.
    broken: Vec<usize>,
}

/// Comments and blank lines between two nodes.
#[derive(Default)]
pub(crate) struct Gap<'a> {
    /// A comment on the line of what stands before.
    pub(crate) trailing: Option<&'a str>,
    /// Lines of their own, `None` for a blank one.
    pub(crate) lines: Vec<Option<&'a str>>,
    /// True where the next node begins on another line.
    pub(crate) turned: bool,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(source: &'a str, ast: &Ast, diagnostics: &Diagnostics, kept: Kept) -> Self {
        let errors = || diagnostics.items().iter().filter(|finding| finding.severity() == Severity::Error);
        let start = |finding: &Diagnostic| finding.span().map(|span| span.start as usize);
        let findings = errors().filter(|finding| finding.fix.is_none()).filter_map(start).collect();
        let broken = if kept == Kept::Items { errors().filter_map(start).collect() } else { Vec::new() };
        let comments = ast.comments.iter().map(|comment| comment.text.span).collect();
        Self { source, comments, printed: 0, findings, broken }
    }

    /// True where a thing is kept whole since something in it, or at its end, does not follow the grammar.
    pub(crate) fn is_kept(&self, span: Span) -> bool {
        self.broken.iter().any(|at| (span.start as usize..=span.end as usize).contains(at))
    }

    /// A stretch of the source.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.source.get(start..end).unwrap_or_default()
    }

    /// A thing as written.
    pub(crate) fn written(&self, span: Span) -> &'a str {
        self.slice(span.start as usize, span.end as usize)
    }

    /// Gap between two offsets; its comments count as printed.
    pub(crate) fn gap(&mut self, from: usize, to: usize) -> Gap<'a> {
        let mut gap = Gap::default();
        let mut at = from;
        while let Some(span) = self.comments.get(self.printed).copied().filter(|span| (span.start as usize) < to) {
            self.printed += 1;
            let start = (span.start as usize).max(at);
            let text = self.written(span).trim_end();
            match self.breaks(at, start) {
                0 if !gap.turned && gap.trailing.is_none() => gap.trailing = Some(text),
                breaks => {
                    if breaks > 1 {
                        gap.lines.push(None);
                    }
                    gap.lines.push(Some(text));
                    gap.turned = true;
                }
            }
            at = span.end as usize;
        }
        let breaks = self.breaks(at, to);
        if breaks > 1 {
            gap.lines.push(None);
        }
        gap.turned |= breaks > 0;
        gap
    }

    /// The comment on the line of an opening brace, and the offset behind it.
    pub(crate) fn gap_behind(&mut self, open: usize) -> (Option<&'a str>, usize) {
        let line = self.source.get(open..).and_then(|rest| rest.find('\n')).map_or(self.source.len(), |at| open + at);
        let comment = self.comments.get(self.printed).copied().filter(|span| {
            let start = span.start as usize;
            start < line && self.slice(open, start).trim_ascii().is_empty()
        });
        let Some(span) = comment else { return (None, open) };
        self.printed += 1;
        (Some(self.written(span).trim_end()), span.end as usize)
    }

    fn breaks(&self, from: usize, to: usize) -> usize {
        let between = self.slice(from, to).as_bytes();
        let ends = |at: usize| match between.get(at) {
            Some(b'\n') => true,
            Some(b'\r') => between.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        (0..between.len()).filter(|at| ends(*at)).count()
    }

    /// True where a line ends between two offsets.
    pub(crate) fn is_broken(&self, from: usize, to: usize) -> bool {
        self.breaks(from, to) > 0
    }

    /// The place of the printing in the comments, to come back to.
    pub(crate) fn mark(&self) -> usize {
        self.printed
    }

    /// True where every comment before an offset is printed.
    pub(crate) fn is_complete(&self, to: usize) -> bool {
        self.comments.get(self.printed).is_none_or(|span| span.start as usize >= to)
    }

    /// Counts the comments before an offset as printed: they stand in a piece kept as it is.
    pub(crate) fn keep(&mut self, mark: usize, to: usize) {
        self.printed = mark;
        while !self.is_complete(to) {
            self.printed += 1;
        }
    }

    /// True where there is a finding within a stretch and in none of the stretches in it.
    pub(crate) fn has_finding(&self, start: usize, end: usize, within: &[(usize, usize)]) -> bool {
        self.findings
            .iter()
            .filter(|at| (start..end).contains(*at))
            .any(|at| !within.iter().any(|(from, to)| (*from..=*to).contains(at)))
    }

    /// The offset behind the next `{` after an offset; what stands between is words and blanks.
    pub(crate) fn behind_brace(&self, from: usize) -> usize {
        self.source.get(from..).and_then(|rest| rest.find('{')).map_or(from, |at| from + at + 1)
    }
}
