//! Form of new options: value, label and colour, by the rule of the destination's catalog.

use migr_diagnostics::{Code, Diagnostic, Diagnostics, nearest};
use migr_source::Span;
use migr_syntax::ast::{Name, NewOption, Text};

use super::naming::option_of;
use crate::catalog::{Catalog, OptionRule};
use crate::in_order::IndexMap;

/// A new option as a spec writes it.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    value: &'a Name,
    label: Option<&'a Text>,
    color: Option<&'a Name>,
}

impl<'a> From<&'a Name> for Written<'a> {
    fn from(value: &'a Name) -> Self {
        Self { value, label: None, color: None }
    }
}

impl<'a> From<&'a NewOption> for Written<'a> {
    fn from(option: &'a NewOption) -> Self {
        Self { value: &option.value, label: option.label.as_ref(), color: option.color.as_ref() }
    }
}

impl Written<'_> {
    fn label(&self) -> (String, Span) {
        match self.label {
            Some(label) => (label.node.to_string(), label.span),
            None => (option_of(&self.value.node).label, self.value.span),
        }
    }
}

/// Checks the new options of one field; reports each that the destination refuses, and labels that two of them have.
pub(crate) fn check(catalog: &Catalog<'_>, options: &[Written<'_>], diagnostics: &mut Diagnostics) {
    let Some(rule) = &catalog.options else { return };
    let system = &*catalog.name.node;
    // By each label the first option that bears it, and the first of another value.
    let mut called: IndexMap<String, (&str, Option<&str>)> = IndexMap::default();
    for option in options {
        let (label, span) = option.label();
        let value = &*option.value.node;
        let (first, second) = called.entry(label.clone()).or_insert((value, None));
        let twin = if *first == value { *second } else { Some(*first) };
        if *first != value && second.is_none() {
            *second = Some(value);
        }
        if let Some(refused) = refusal(system, rule, option) {
            diagnostics.push(refused);
            continue;
        }
        if let Some(twin) = twin {
            let message = format!("`{system}` refuses a second option that is called \"{label}\"");
            let why = format!("`{twin}` is called so too");
            diagnostics.push(
                Diagnostic::new(Code::E0208, message, span, "refused")
                    .with_note(why)
                    .with_help(format!("give one of them another label: `new {} \"…\"`", option.value.node)),
            );
        }
    }
}

fn refusal(system: &str, rule: &OptionRule, option: &Written<'_>) -> Option<Diagnostic> {
    let refused = |what: String, reason: &str, span: Span| {
        Diagnostic::new(Code::E0208, format!("`{system}` refuses the {what}: {reason}"), span, "refused")
    };
    let value = &*option.value.node;
    if let Some(reason) = rule.form.refusal("options", value) {
        let proposal = upper_snake(value);
        let diagnostic = refused(format!("option `{value}`"), &reason, option.value.span);
        let is_mended = !proposal.is_empty() && rule.form.refusal("options", &proposal).is_none();
        return Some(if is_mended {
            diagnostic.with_help(format!("write `{proposal}` wherever the option is named"))
        } else {
            diagnostic.with_help("choose a value that matches")
        });
    }
    let (label, span) = option.label();
    if let Some(reason) = rule.labels.as_ref().and_then(|labels| labels.refusal("labels of options", &label)) {
        let diagnostic = refused(format!("label \"{label}\" of the option `{value}`"), &reason, span);
        return Some(diagnostic.with_help("choose a label that matches"));
    }
    let color = option.color?;
    if rule.colors.is_empty() || rule.colors.contains(&color.node) {
        return None;
    }
    let known: Vec<&str> = rule.colors.iter().map(|color| &**color).collect();
    let diagnostic = refused(format!("colour `{}`", color.node), "it has no such colour", color.span);
    Some(match nearest(&color.node, known.iter().copied()) {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")).with_instead(color.span, near),
        None => diagnostic.with_help(format!("choose one of {}", known.join(", "))),
    })
}

/// `closedWon`, `closed won` → `CLOSED_WON`, as a proposal.
fn upper_snake(value: &str) -> String {
    let mut text = String::new();
    let mut is_small = false;
    for one in value.chars() {
        let breaks = !one.is_ascii_alphanumeric() || one.is_ascii_uppercase() && is_small;
        if breaks && !text.is_empty() && !text.ends_with('_') {
            text.push('_');
        }
        if one.is_ascii_alphanumeric() {
            text.push(one.to_ascii_uppercase());
        }
        is_small = one.is_ascii_lowercase();
    }
    text.trim_end_matches('_').to_owned()
}
