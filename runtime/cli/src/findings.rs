//! Showing findings.

use migr_diagnostics::{Format, RenderOptions, Severity, render};

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

/// The findings for a person on stderr, where another result owns stdout. Warnings alone are a line that says where they are listed, and none with `--quiet`.
pub(crate) fn show_on_stderr(findings: &Findings, console: Console) {
    if findings.diagnostics.is_empty() {
        return;
    }
    if findings.count(Severity::Error) > 0 || findings.stops() {
        console.error(rendered(findings, Format::Human, console).trim_end());
        return;
    }
    match findings.count(Severity::Warning) {
        1 => console.news("the spec has a warning: `migr check` tells it"),
        count => console.news(format_args!("the spec has {count} warnings: `migr check` tells them")),
    }
}
