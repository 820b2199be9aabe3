//! Approvals that the runs of a migration went by.

use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Report;

/// Approval that a run went by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approved {
    /// Person who approved.
    pub by: String,
    /// Time of the approval.
    pub at: String,
    /// Text of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Digest of what the plan does to records.
    pub effect: String,
    /// Digest of the sample.
    pub sample: String,
    /// The sample in words.
    pub shows: String,
    /// Maps that changed since the sample, and whose written records stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_since: Vec<String>,
}

/// Maps that changed since a sample, in words that follow it; none where there are none.
pub fn changed_since(maps: &[String]) -> String {
    if maps.is_empty() {
        return String::new();
    }
    format!(", and on a change of {} that gives no written record another value", maps.join(", "))
}

/// Approvals as a journal keeps them; none where they cannot be read.
pub(crate) fn read(text: &str) -> Vec<Approved> {
    serde_json::from_str(text).unwrap_or_default()
}

impl Approved {
    fn in_words(&self) -> String {
        let note = self.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        let changed = changed_since(&self.changed_since);
        format!("{}, {}{note}; on a sample of {}{changed}", self.by, self.at, self.shows)
    }

    /// The plan and the sample that it binds.
    fn binds(&self) -> String {
        format!("{}, sample {}", self.effect, self.sample)
    }
}

/// The section of a page.
pub(crate) fn html(report: &Report, page: &mut String) -> fmt::Result {
    if report.approvals.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Approved</h2>\n<ul>")?;
    for one in &report.approvals {
        let (words, binds) = (one.in_words(), one.binds());
        let (words, binds) = (migr_escape::html(&words), migr_escape::html(&binds));
        writeln!(page, "<li>{words} <span class=\"place\">{binds}</span></li>")?;
    }
    writeln!(page, "</ul>\n</section>")
}

/// The section of a text.
pub(crate) fn markdown(report: &Report, text: &mut String) -> fmt::Result {
    if report.approvals.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Approved\n")?;
    for one in &report.approvals {
        writeln!(text, "- {} ({})", migr_escape::markdown(&one.in_words()), migr_escape::markdown_code(&one.binds()))?;
    }
    writeln!(text)
}
