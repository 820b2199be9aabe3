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
    /// The formatted text would be laid out in another way each time: a fault of the formatter.
    #[error("formatting would lay the file out in another way each time; it is left as it is")]
    Unsettled {
        /// Offset at which the layouts part, in bytes of the text.
        offset: usize,
    },
}

impl FormatError {
    /// The finding to show for it.
    pub fn to_diagnostic(&self, file: FileId) -> Diagnostic {
        let (Self::ChangedMeaning { offset } | Self::Unsettled { offset }) = self;
        Diagnostic::new(Code::E0902, self.to_string(), Span::new(file, *offset, *offset), "from here on")
            .with_help("report this with the file; it is a fault of the formatter")
    }
}
