//! Written values that can be judged from the text alone: zones, regions, currencies, words.

use jiff::tz::TimeZoneDatabase;
use migr_diagnostics::{Applicability, Diagnostics, Edit, Fix};
use migr_syntax::ast::{Name, Text};

use crate::errors::{self, Missing};
use crate::iso_codes::IsoCode;

/// Reports a time zone that does not exist.
pub(crate) fn check_zone(zone: &Text, diagnostics: &mut Diagnostics) {
    let database = TimeZoneDatabase::bundled();
    if database.get(&zone.node).is_ok() {
        return;
    }
    let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    let missing = Missing {
        code: migr_diagnostics::Code::E0314,
        message: format!("there is no time zone `{}`", zone.node),
        written: &zone.node,
        span: zone.span,
        what: "IANA time zones".to_owned(),
    };
    let mut diagnostic = missing.among(names.iter().map(String::as_str));
    for edit in diagnostic.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
        edit.text = format!("\"{}\"", edit.text);
    }
    if diagnostic.help.as_ref().is_some_and(|help| !help.starts_with("did")) {
        diagnostic.help = Some("write an IANA name such as `America/New_York`".to_owned());
    }
    diagnostics.push(diagnostic);
}

/// Reports a time of day that is none.
pub(crate) fn check_time(time: &Text, diagnostics: &mut Diagnostics) {
    if time.node.parse::<jiff::civil::Time>().is_err() {
        diagnostics.push(errors::bad_value(
            format!("`{}` is not a time of day", time.node),
            time.span,
            "write one such as `12:00`",
        ));
    }
}

/// Reports what is no code of its kind.
pub(crate) fn check_code(kind: IsoCode, text: &Text, diagnostics: &mut Diagnostics) {
    if kind.all().any(|code| code == &*text.node) {
        return;
    }
    let message = format!("`{}` is not a {}", text.node, kind.words());
    let upper = text.node.trim().to_ascii_uppercase();
    let diagnostic = errors::bad_value(message, text.span, format!("write {}", kind.example()));
    diagnostics.push(if kind.all().any(|code| code == upper) {
        diagnostic.with_help(format!("write `{upper}`")).with_fix(Fix {
            title: format!("write `{upper}`"),
            edits: vec![Edit { span: text.span, text: format!("\"{upper}\"") }],
            applicability: Applicability::Safe,
        })
    } else {
        diagnostic
    });
}

/// The number of a version: `v3` is 3.
pub(crate) fn version(text: &str) -> Option<u32> {
    text.strip_prefix('v')?.parse().ok()
}

/// One of a few words, or a finding.
pub(crate) fn word(kind: &str, written: &Name, known: &[&str], diagnostics: &mut Diagnostics) -> Option<String> {
    if known.contains(&&*written.node) {
        return Some(written.node.to_string());
    }
    diagnostics.push(errors::unknown_word(kind, &written.node, written.span, known));
    None
}
