//! Blocks and brackets: things one after the other, on one line or each on its own, as the author chose.

use migr_escape::columns;
use migr_source::Span;
use migr_syntax::ast::{Entry, Text};

use crate::gaps::Printer;

/// A left side wider than this stands apart from the column of its neighbours.
const ALIGNED: usize = 40;

/// Where a thing of a block stands.
pub(crate) struct Slot<'t> {
    pub(crate) docs: &'t [Text],
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A thing printed: whole, or with a left side that is aligned with its neighbours'.
pub(crate) struct Piece {
    pub(crate) left: Option<String>,
    pub(crate) rest: String,
    /// A left side that its neighbours are not aligned with.
    pub(crate) apart: bool,
    /// True of a thing byte for byte.
    pub(crate) kept: bool,
}

impl Piece {
    pub(crate) fn whole(text: String) -> Self {
        Self { left: None, rest: text, apart: false, kept: false }
    }

    pub(crate) fn sides(left: String, rest: String) -> Self {
        Self { left: Some(left), ..Self::whole(rest) }
    }

    pub(crate) fn kept(text: String) -> Self {
        Self { kept: true, ..Self::whole(text) }
    }
}

/// A line, or lines, of a block.
enum Row<'a> {
    Blank,
    Comment(String),
    Thing { pieces: Vec<Piece>, comment: Option<&'a str> },
}

impl<'t> Slot<'t> {
    pub(crate) fn of<T>(entry: &'t Entry<T>) -> Self {
        Self { docs: &entry.docs, start: entry.span.start as usize, end: entry.span.end as usize }
    }

    pub(crate) fn plain(span: Span) -> Self {
        Self { docs: &[], start: span.start as usize, end: span.end as usize }
    }

    fn first(&self) -> usize {
        self.docs.first().map_or(self.start, |doc| doc.span.start as usize)
    }
}

impl<'a> Printer<'a> {
    /// `{ … }` of entries, each printed by `print`; one that cannot be read, or that a finding stands in, is kept as it is.
    pub(crate) fn entries<T>(
        &mut self,
        entries: &[Entry<T>],
        (open, end): (usize, usize),
        indent: usize,
        print: &dyn Fn(&mut Self, &T, usize, Span) -> Piece,
    ) -> String {
        let slots: Vec<Slot<'_>> = entries.iter().map(Slot::of).collect();
        self.block(&slots, (open, end), indent, &|printer, number, indent| {
            let Some(entry) = entries.get(number) else { return Piece::whole(String::new()) };
            printer.kept_or(entry.span, |printer| {
                let mut piece = print(printer, entry.node.as_ref()?, indent, entry.span);
                if entry.overrides {
                    let first = piece.left.as_mut().unwrap_or(&mut piece.rest);
                    first.insert_str(0, "override ");
                }
                Some(piece)
            })
        })
    }

    /// Formats a node by `print`, or keeps it as written where `print` makes nothing of it or a comment would be lost.
    pub(crate) fn kept_or(&mut self, span: Span, print: impl FnOnce(&mut Self) -> Option<Piece>) -> Piece {
        let mark = self.mark();
        let end = span.end as usize;
        let piece = print(self).filter(|_| self.is_complete(end));
        piece.unwrap_or_else(|| {
            self.keep(mark, end);
            Piece::kept(self.written(span).to_owned())
        })
    }

    /// `{ … }` between two offsets: behind the opening brace, and behind the closing one.
    pub(crate) fn block(
        &mut self,
        slots: &[Slot<'_>],
        (open, end): (usize, usize),
        indent: usize,
        print: &dyn Fn(&mut Self, usize, usize) -> Piece,
    ) -> String {
        let close = end.saturating_sub(1).max(open);
        if !self.is_broken(open, close) {
            let pieces: Vec<String> = (0..slots.len()).map(|number| joined(&print(self, number, indent))).collect();
            return if pieces.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", in_line(&pieces)) };
        }
        let opened = self.gap_behind(open);
        let rows = self.rows(slots, (opened.1, close), indent + 2, print);
        let mut text = "{".to_owned();
        if let Some(comment) = opened.0 {
            text.push_str("  ");
            text.push_str(comment);
        }
        text.push('\n');
        text.push_str(&rows);
        text.push_str(&" ".repeat(indent));
        text.push('}');
        text
    }

    /// The lines between two offsets.
    pub(crate) fn rows(
        &mut self,
        slots: &[Slot<'_>],
        (open, close): (usize, usize),
        indent: usize,
        print: &dyn Fn(&mut Self, usize, usize) -> Piece,
    ) -> String {
        let mut rows: Vec<Row<'a>> = Vec::new();
        let mut at = open;
        for (number, slot) in slots.iter().enumerate() {
            let turned = self.between(&mut rows, at, slot.first());
            for doc in slot.docs {
                rows.push(Row::Comment(format!("/// {}", doc.node).trim_end().to_owned()));
            }
            if let Some(doc) = slot.docs.last() {
                self.between(&mut rows, doc.span.end as usize, slot.start);
                if matches!(rows.last(), Some(Row::Blank)) {
                    rows.pop();
                }
            }
            let mut piece = print(self, number, indent);
            let behind = self.source.get(slot.end..).unwrap_or_default();
            if piece.kept && behind.trim_start_matches([' ', '\t']).starts_with(';') {
                // Without it the next line could be a part of what cannot be read.
                piece.rest.push(';');
            }
            match rows.last_mut() {
                Some(Row::Thing { pieces, .. }) if !turned => pieces.push(piece),
                _ => rows.push(Row::Thing { pieces: vec![piece], comment: None }),
            }
            at = slot.end;
        }
        self.between(&mut rows, at, close);
        while matches!(rows.last(), Some(Row::Blank)) {
            rows.pop();
        }
        laid_out(&rows, indent)
    }

    /// Puts the comments and blank lines between two offsets into rows; whether a line ended.
    fn between(&mut self, rows: &mut Vec<Row<'a>>, from: usize, to: usize) -> bool {
        let gap = self.gap(from, to);
        let turned = gap.turned || gap.trailing.is_some();
        match (rows.last_mut(), gap.trailing) {
            (Some(Row::Thing { comment, .. }), trailing) if comment.is_none() => *comment = trailing,
            (_, Some(text)) => rows.push(Row::Comment(text.to_owned())),
            (_, None) => {}
        }
        for line in gap.lines {
            match line {
                Some(text) => rows.push(Row::Comment(text.to_owned())),
                None if rows.is_empty() || matches!(rows.last(), Some(Row::Blank)) => {}
                None => rows.push(Row::Blank),
            }
        }
        turned
    }

    /// `( … )`, `[ … ]` or `{ … }` of things with commas between, broken where the author broke.
    pub(crate) fn bracketed(
        &mut self,
        [open, close]: [&str; 2],
        spans: &[(usize, usize)],
        span: (usize, usize),
        indent: usize,
        print: &dyn Fn(&mut Self, usize, usize) -> String,
    ) -> String {
        let (start, end) = (span.0 + 1, span.1.saturating_sub(1));
        let mut at = start;
        let mut broken = false;
        for (from, to) in spans {
            broken |= self.is_broken(at, *from);
            at = *to;
        }
        broken |= self.is_broken(at, end);
        if !broken {
            let things: Vec<String> = (0..spans.len()).map(|number| print(self, number, indent)).collect();
            let pad = if open == "{" && !things.is_empty() { " " } else { "" };
            return format!("{open}{pad}{}{pad}{close}", things.join(", "));
        }
        let inner = " ".repeat(indent + 2);
        let mut text = open.to_owned();
        at = start;
        for (number, (from, to)) in spans.iter().enumerate() {
            let gap = self.gap(at, *from);
            let turned = number == 0 || gap.turned || gap.trailing.is_some();
            if number > 0 {
                text.push(',');
            }
            push_gap(&mut text, gap.trailing, &gap.lines, &inner, number == 0);
            text.push_str(if turned { "\n" } else { " " });
            text.push_str(if turned { &inner } else { "" });
            text.push_str(&print(self, number, indent + 2));
            at = *to;
        }
        let mut gap = self.gap(at, end);
        if gap.lines.last() == Some(&None) {
            gap.lines.pop();
        }
        push_gap(&mut text, gap.trailing, &gap.lines, &inner, spans.is_empty());
        text.push('\n');
        text.push_str(&" ".repeat(indent));
        text.push_str(close);
        text
    }
}

fn push_gap(text: &mut String, trailing: Option<&str>, lines: &[Option<&str>], inner: &str, first: bool) {
    if let Some(comment) = trailing {
        text.push_str("  ");
        text.push_str(comment);
    }
    for (number, line) in lines.iter().enumerate() {
        match line {
            Some(comment) => {
                text.push('\n');
                text.push_str(inner);
                text.push_str(comment);
            }
            None if first && number == 0 => {}
            None => text.push('\n'),
        }
    }
}

fn joined(piece: &Piece) -> String {
    match &piece.left {
        Some(left) => format!("{left} {}", piece.rest),
        None => piece.rest.clone(),
    }
}

/// Things of a block on one line. One that cannot be read may have kept the signs that parted it from the next.
fn in_line(pieces: &[String]) -> String {
    let Some((last, before)) = pieces.split_last() else { return String::new() };
    let parted = before.iter().map(|piece| piece.trim_end_matches([';', ' ', '\t']));
    parted.chain([last.as_str()]).collect::<Vec<_>>().join("; ")
}

/// Rows as text, the left sides of a run padded to one width.
fn laid_out(rows: &[Row<'_>], indent: usize) -> String {
    let margin = " ".repeat(indent);
    let mut text = String::new();
    let mut column = 0;
    let mut in_run = false;
    for (number, row) in rows.iter().enumerate() {
        match row {
            Row::Blank => {
                in_run = false;
                text.push('\n');
                continue;
            }
            Row::Comment(comment) => {
                text.push_str(&margin);
                text.push_str(comment);
            }
            Row::Thing { pieces, comment } => {
                text.push_str(&margin);
                if let Some(left) = aligned(row) {
                    if !in_run {
                        column = column_of(rows.get(number..).unwrap_or_default());
                    }
                    in_run = true;
                    text.push_str(left);
                    let apart = pieces.iter().any(|piece| piece.apart);
                    let column = if apart { 0 } else { column };
                    text.push_str(&" ".repeat(column.saturating_sub(columns(left)) + 1));
                    text.push_str(pieces.first().map_or("", |piece| &piece.rest));
                } else {
                    in_run = false;
                    let pieces: Vec<String> = pieces.iter().map(joined).collect();
                    // Outside of blocks only what cannot be read stands behind another thing on its line.
                    text.push_str(&if indent == 0 { pieces.join(" ") } else { in_line(&pieces) });
                }
                if let Some(comment) = comment {
                    text.push_str("  ");
                    text.push_str(comment);
                }
            }
        }
        text.push('\n');
    }
    text
}

/// The left side of a row that has one and stands alone on its line.
fn aligned<'r>(row: &'r Row<'_>) -> Option<&'r str> {
    match row {
        Row::Thing { pieces, .. } => match pieces.as_slice() {
            [Piece { left: Some(left), .. }] => Some(left),
            _ => None,
        },
        _ => None,
    }
}

/// The column of the run that begins with the first of these rows.
fn column_of(rows: &[Row<'_>]) -> usize {
    rows.iter()
        .take_while(|row| matches!(row, Row::Comment(_)) || aligned(row).is_some())
        .filter(|row| !matches!(row, Row::Thing { pieces, .. } if pieces.iter().any(|piece| piece.apart)))
        .filter_map(aligned)
        .map(columns)
        .filter(|width| *width <= ALIGNED)
        .max()
        .unwrap_or(0)
}
