//! Columns and files of the export that nobody declared: they stay behind.

use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Columns and files of an export that nobody declared, as the last run met them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undeclared {
    /// Columns, by object.
    pub columns: Vec<UndeclaredColumn>,
    /// Files.
    pub files: Vec<String>,
}

/// Column of a file that its object does not declare, and that no entry of the spec accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndeclaredColumn {
    /// The source object.
    pub source_object: String,
    /// Header of the column.
    pub column: String,
}

impl Undeclared {
    /// As a journal keeps them; none where they cannot be read.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    fn in_lines(&self) -> impl Iterator<Item = String> {
        let columns = self.columns.iter().map(|one| format!("column {} of {}", one.column, one.source_object));
        columns.chain(self.files.iter().map(|file| format!("file {file}")))
    }

    /// The section of a page.
    pub(crate) fn html(&self, page: &mut String) -> fmt::Result {
        if self.columns.is_empty() && self.files.is_empty() {
            return Ok(());
        }
        writeln!(page, "<section>\n<h2>In the export, and declared by nobody</h2>\n<ul>")?;
        for line in self.in_lines() {
            writeln!(page, "<li>{}</li>", migr_escape::html(&line))?;
        }
        writeln!(page, "</ul>\n</section>")
    }

    /// The section of a text.
    pub(crate) fn markdown(&self, text: &mut String) -> fmt::Result {
        if self.columns.is_empty() && self.files.is_empty() {
            return Ok(());
        }
        writeln!(text, "## In the export, and declared by nobody\n")?;
        for line in self.in_lines() {
            writeln!(text, "- {}", migr_escape::markdown(&line))?;
        }
        writeln!(text)
    }
}
