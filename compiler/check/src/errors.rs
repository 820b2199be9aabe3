//! The findings that several passes make. One function per finding, named after its code's slug.

use std::sync::Arc;

use migr_diagnostics::{Applicability, Code, Diagnostic, Edit, Fix, nearest};
use migr_source::Span;

use crate::types::Options;

/// A name that is not there, with the one that was probably meant.
pub(crate) struct Missing<'a> {
    pub(crate) code: Code,
    /// The whole message.
    pub(crate) message: String,
    pub(crate) written: &'a str,
    pub(crate) span: Span,
    /// Names that are valid there, in the plural: `columns of Contact`.
    pub(crate) what: String,
}

impl Missing<'_> {
    /// The finding: a near name as a fix, else a sorted list of what is there.
    pub(crate) fn among<'n>(self, valid: impl IntoIterator<Item = &'n str>) -> Diagnostic {
        self.among_fitting(valid, |_| true)
    }

    /// The same, whose list has those alone that could stand there as the rest is written; all, where none could.
    pub(crate) fn among_fitting<'n>(
        self,
        valid: impl IntoIterator<Item = &'n str>,
        fits: impl Fn(&str) -> bool,
    ) -> Diagnostic {
        let mut valid: Vec<&str> = valid.into_iter().collect();
        valid.sort_unstable();
        valid.dedup();
        let diagnostic = Diagnostic::new(self.code, self.message, self.span, "not known here");
        if let Some(near) = nearest(self.written, valid.iter().copied()) {
            return diagnostic.with_help(format!("did you mean `{near}`?")).with_fix(Fix {
                title: format!("write `{near}`"),
                edits: vec![Edit { span: self.span, text: near.to_owned() }],
                applicability: Applicability::Unsafe,
            });
        }
        if valid.is_empty() {
            return diagnostic.with_help(format!("there are no {}", self.what));
        }
        let begins =
            |name: &&&str| name.len() > 2 && (self.written.starts_with(**name) || name.starts_with(self.written));
        if let Some(longest) =
            valid.iter().filter(begins).max_by_key(|name| name.len()).filter(|_| self.written.len() > 2)
        {
            return diagnostic.with_help(format!("did you mean `{longest}`?"));
        }
        let fitting: Vec<&str> = valid.iter().copied().filter(|name| fits(name)).collect();
        diagnostic.with_help(match fitting.as_slice() {
            [] => format!("none of them fits here; {}: {}", self.what, listed(&valid)),
            fitting if fitting.len() < valid.len() => format!("{} that fit: {}", self.what, listed(fitting)),
            _ => format!("{}: {}", self.what, listed(&valid)),
        })
    }
}

/// Up to eight names in backticks, and how many more there are.
pub(crate) fn listed(names: &[&str]) -> String {
    let mut text: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    if names.len() > 8 {
        text.push(format!("and {} more", names.len() - 8));
    }
    text.join(", ")
}

/// A word that the language does not know at this place.
pub(crate) fn unknown_word(kind: &str, written: &str, span: Span, known: &[&str]) -> Diagnostic {
    missing_word(kind, written, span).among(known.iter().copied())
}

/// A word that the language does not know at this place, to be named with those that it knows.
pub(crate) fn missing_word<'a>(kind: &str, written: &'a str, span: Span) -> Missing<'a> {
    let message = format!("there is no {kind} `{written}`");
    Missing { code: Code::E0312, message, written, span, what: "words known here".to_owned() }
}

/// A form that the grammar reads and this version does not carry out.
pub(crate) fn not_built(what: &str, span: Span, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::E0334, format!("{what} is not built yet"), span, "not built yet").with_help(help.into())
}

/// A word that does not stand behind some others.
pub(crate) fn unknown_word_after(what: &str, written: &str, span: Span, known: &[&str]) -> Diagnostic {
    missing_word_after(what, written, span).among(known.iter().copied())
}

/// A word that does not stand behind some others, to be named with those that do.
pub(crate) fn missing_word_after<'a>(what: &str, written: &'a str, span: Span) -> Missing<'a> {
    let message = format!("`{what}` does not take `{written}`");
    Missing { code: Code::E0312, message, written, span, what: "words known here".to_owned() }
}

/// A name of a kind that nothing defines.
pub(crate) fn unknown_name<'n>(
    kind: &str,
    written: &str,
    span: Span,
    valid: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    missing_name(kind, written, span).among(valid)
}

/// A name of a kind that nothing defines, to be named with those that are.
pub(crate) fn missing_name<'a>(kind: &str, written: &'a str, span: Span) -> Missing<'a> {
    let message = format!("there is no {kind} `{written}`");
    Missing { code: Code::E0201, message, written, span, what: format!("{kind}s here") }
}

/// A column or field that an object does not have.
pub(crate) fn unknown_field<'n>(
    object: &str,
    noun: &str,
    written: &str,
    span: Span,
    valid: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    missing_field(object, noun, written, span).among(valid)
}

/// A column or field that an object does not have, to be named with those that it has.
pub(crate) fn missing_field<'a>(object: &str, noun: &str, written: &'a str, span: Span) -> Missing<'a> {
    let message = format!("`{object}` has no {noun} `{written}`");
    Missing { code: Code::E0304, message, written, span, what: format!("{noun}s of `{object}`") }
}

/// An option that a select does not have.
pub(crate) fn unknown_option(options: &Options, written: &str, span: Span, values: &[Arc<str>]) -> Diagnostic {
    let of = &options.of;
    let diagnostic = Missing {
        code: Code::E0305,
        message: format!("`{of}` has no option `{written}`"),
        written,
        span,
        what: format!("options of `{of}`"),
    }
    .among(values.iter().map(|value| &**value));
    match options.elsewhere() {
        Some(elsewhere) => diagnostic.with_note(elsewhere),
        None => diagnostic,
    }
}

/// A text that is the label of two options.
pub(crate) fn options_of_one_label(of: &str, label: &str, span: Span, (one, other): (&str, &str)) -> Diagnostic {
    Diagnostic::new(
        Code::E0305,
        format!("two options of `{of}` have the label \"{label}\": `{one}` and `{other}`"),
        span,
        "fits both",
    )
    .with_help(format!("name the one that is meant: `{one}` or `{other}`"))
}

/// A thing defined twice; both places are shown.
pub(crate) fn duplicate(code: Code, what: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(code, format!("{what} is written twice"), span, "again here").with_label(first, "first here")
}

/// A value of one type where another is wanted.
pub(crate) fn type_mismatch(wanted: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0301, format!("expected {wanted}, found {found}"), span, format!("this is {found}"))
}

/// A written value that cannot be right.
pub(crate) fn bad_value(message: impl Into<String>, span: Span, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::E0314, message, span, "cannot be right").with_help(help)
}
