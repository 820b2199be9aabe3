//! Showing findings.

use migr_diagnostics::{Format, RenderOptions, render};

use crate::console::Console;
use crate::project::Findings;

/// The findings in a form, as text.
pub(crate) fn rendered(findings: &Findings, format: Format, console: Console) -> String {
    let mut text = String::new();
    let options = RenderOptions { color: console.colored(), width: console.width() };
    // Writing into a String cannot fail.
    let _ = render(format, &findings.diagnostics, &findings.sources, &options, &mut text);
    text
}

/// The findings for a person on stderr, where another result owns stdout. Nothing where there are none.
pub(crate) fn show_on_stderr(findings: &Findings, console: Console) {
    if !findings.diagnostics.is_empty() {
        console.error(rendered(findings, Format::Human, console).trim_end());
    }
}
