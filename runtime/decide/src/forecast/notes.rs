//! Notes on fields of records, as a forecast tells them apart.

use migr_journal::NoteKind as NoteOf;

use crate::preview::{KEPT_NOTES, MERGED_NOTES, OUTDONE_NOTES};

/// Kind of a note on a field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NoteKind {
    Adjusted,
    Orphan,
    Failed,
    /// The value stays, as the export has none.
    Stays,
    /// The value stays, and the export has another one.
    Outdone,
    /// Another record's value was taken when both became one.
    Merged,
}

impl NoteKind {
    /// Kind of a note by its code; of one of before there were codes, by its first words.
    pub(super) fn by_code(code: Option<&str>, reason: &str) -> Self {
        let kinds = [(KEPT_NOTES, Self::Stays), (OUTDONE_NOTES, Self::Outdone), (MERGED_NOTES, Self::Merged)];
        let is_it =
            |known: &NoteOf<'_>| code.map_or_else(|| reason.starts_with(known.start), |code| code == known.code);
        kinds.into_iter().find(|(known, _)| is_it(known)).map_or(Self::Adjusted, |(_, kind)| kind)
    }
}

/// True where a note tells that a value of the export is left out or replaced, and not which of two values counts.
pub(super) fn tells_value(code: Option<&str>) -> bool {
    !matches!(code, Some("R203" | "R204" | "R205"))
}

/// Start of the note on a reference that is left out, since it closes a circle.
pub const CIRCLE: &str = "left empty, because it is part of a circular reference";
