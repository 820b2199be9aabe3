//! Errors of the formatter.

use migr_diagnostics::{Code, Diagnostic};
use migr_source::{FileId, Span};

/// Why a text was not formatted. The text stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The formatted text would not mean the same, or would lose a comment: a fault of the formatter.
    #[error("formatting would change what the file means; it is left as it is")]
    ChangedMeaning {
        /// Where the first item that would change begins, in bytes of the text.
        offset: usize,
    },
}

impl FormatError {
    /// The finding to show for it.
    pub fn to_diagnostic(&self, file: FileId) -> Diagnostic {
        let Self::ChangedMeaning { offset } = self;
        Diagnostic::new(Code::E0902, self.to_string(), Span::new(file, *offset, *offset), "from here on")
            .with_help("report this with the file; it is a fault of the formatter")
    }
}
