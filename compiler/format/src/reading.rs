//! A text with its tree: what is printed from, and what the print is held against.

use migr_diagnostics::{Diagnostics, Severity};
use migr_source::FileId;
use migr_syntax::ast::Ast;

use crate::gaps::Printer;
use crate::{FormatError, verify};

/// Extent of what is kept byte for byte around what cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The entry, or the item where none of its entries holds the finding.
    Entries,
    /// The item.
    Items,
}

/// A text that was read.
pub(crate) struct Reading<'a> {
    pub(crate) text: &'a str,
    pub(crate) ast: Ast,
    diagnostics: Diagnostics,
    /// True where lines end with a return and a new line.
    returns: bool,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let returns = text.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r'));
        let text = text.trim_start_matches('\u{feff}');
        let mut diagnostics = Diagnostics::default();
        let ast = migr_syntax::parse(FileId(0), text, &mut diagnostics);
        Self { text, ast, diagnostics, returns }
    }

    /// True where the text does not follow the grammar.
    pub(crate) fn is_broken(&self) -> bool {
        self.diagnostics.items().iter().any(|finding| finding.severity() == Severity::Error)
    }

    /// The text in the one style.
    pub(crate) fn printed(&self, kept: Kept) -> String {
        let printed = Printer::new(self.text, &self.ast, &self.diagnostics, kept).file(&self.ast);
        if self.returns { printed.replace("\r\n", "\n").replace('\n', "\r\n") } else { printed }
    }

    /// The text in the one style with as little kept as can be. Refused where it means something else, or has another layout.
    pub(crate) fn settled(&self) -> Result<String, FormatError> {
        let printed = self.printed(Kept::Entries);
        let again = Reading::of(&printed);
        verify::same(self, &again)?;
        verify::settled(self, &printed, &again.printed(Kept::Entries))?;
        Ok(printed)
    }
}
