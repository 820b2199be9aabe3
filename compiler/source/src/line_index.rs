//! Lines and columns of the bytes of a text.

/// A place as people and editors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct LineColumn {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
}

/// Where each line of a text starts. A line ends at `\n`; a `\r` before it belongs to the line.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
    /// Of a file that is known by places only: the place of each byte.
    places: Vec<LineColumn>,
}

impl LineIndex {
    /// The index of `text`, made in one pass.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Self { starts, places: Vec::new() }
    }

    /// The index of a text that stands for places of a file that nobody holds, one byte for each.
    pub(crate) fn of_places(places: Vec<LineColumn>) -> Self {
        Self { starts: vec![0], places }
    }

    /// True where the text stands for places of a file, and is not the file's own.
    pub fn is_of_places(&self) -> bool {
        !self.places.is_empty()
    }

    /// Line and column of a byte offset; an offset past the end is clamped, one inside a character counts as its start.
    pub fn line_column(&self, text: &str, offset: usize) -> LineColumn {
        if let Some(place) = self.places.get(offset).or(self.places.last()) {
            return *place;
        }
        let offset = offset.min(text.len());
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        // Bytes that begin a character: much faster than reading them, which counts where a line is a megabyte long.
        let before = text.as_bytes().get(start..offset).unwrap_or_default();
        let column = before.iter().filter(|byte| !matches!(byte, 0x80..=0xbf)).count();
        let number = |value: usize| u32::try_from(value + 1).unwrap_or(u32::MAX);
        let inside = !text.is_char_boundary(offset);
        LineColumn { line: number(line), column: number(column.saturating_sub(usize::from(inside))) }
    }

    /// Number of lines of the text; one without `\n` has one.
    pub fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// Byte offset at which a 1-based line starts.
    pub fn line_start(&self, line: u32) -> Option<usize> {
        self.starts.get((line as usize).checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "a\né👍x\r\nz";
        let index = LineIndex::new(text);
        let at = |needle: &str| index.line_column(text, text.find(needle).unwrap());
        assert_eq!(at("x"), LineColumn { line: 2, column: 3 });
        assert_eq!(at("z"), LineColumn { line: 3, column: 1 });
        assert_eq!(index.line_column(text, 999).line, 3);
    }

    proptest! {
        #[test]
        fn any_offset_of_any_text_has_a_place(text in "\\PC*(\n\\PC*){0,4}", offset in 0_usize..200) {
            let index = LineIndex::new(&text);
            let place = index.line_column(&text, offset);
            prop_assert!(place.line >= 1 && place.line as usize <= index.line_count());
            prop_assert!(place.column >= 1);
        }
    }
}
