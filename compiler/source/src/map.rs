//! Files of one compilation, with their texts.

use std::sync::Arc;

use crate::{FileId, LineColumn, LineIndex, Span};

/// One source text under the name people know it by.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path as shown: relative to the project, or `std/…` for the shipped library.
    pub path: Arc<str>,
    /// The whole text; of a file that is known by places only, a blank for each.
    pub text: Arc<str>,
    /// Where its lines start.
    pub lines: LineIndex,
}

/// Files of one compilation, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a file and gives its id.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let text = text.into();
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile { path: path.into(), lines: LineIndex::new(&text), text });
        id
    }

    /// Adds a file by places of it alone, where its text is too large to hold or not to be shown: an export. A span from byte `n` is at `places[n]`.
    pub fn add_places(&mut self, path: impl Into<Arc<str>>, places: Vec<LineColumn>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        let text = Arc::from(" ".repeat(places.len()));
        self.files.push(SourceFile { path: path.into(), text, lines: LineIndex::of_places(places) });
        id
    }

    /// The file of an id, if the id is of this map.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// Files with their ids.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(at, file)| (FileId(u32::try_from(at).unwrap_or(u32::MAX)), file))
    }

    /// The id of a path already added.
    pub fn find(&self, path: &str) -> Option<FileId> {
        self.files().find(|(_, file)| &*file.path == path).map(|(id, _)| id)
    }

    /// The text a span covers; empty where it covers none.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).and_then(|file| file.text.get(span.range())).unwrap_or("")
    }

    /// The path of a span's file; empty for a foreign span.
    pub fn path(&self, span: Span) -> &str {
        self.file(span.file).map_or("", |file| &file.path)
    }

    /// Where a span starts.
    pub fn start(&self, span: Span) -> LineColumn {
        self.place(span.file, span.start)
    }

    /// Where a span ends (the place after its last character).
    pub fn end(&self, span: Span) -> LineColumn {
        self.place(span.file, span.end)
    }

    fn place(&self, file: FileId, offset: u32) -> LineColumn {
        self.file(file)
            .map_or(LineColumn { line: 1, column: 1 }, |file| file.lines.line_column(&file.text, offset as usize))
    }
}
