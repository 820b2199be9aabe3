//! Names of new fields, objects and options.

use migr_diagnostics::{Applicability, Code, Diagnostic, Diagnostics, Edit, Fix};
use migr_plan::NewOption;
use migr_syntax::ast::Name;

use crate::catalog::Catalog;

/// Checks that the destination takes a new field, object or option of this name; reports why not.
pub(super) fn check_name(catalog: &Catalog<'_>, name: &Name, diagnostics: &mut Diagnostics) {
    let Some(rule) = &catalog.names else { return };
    let system = &catalog.name.node;
    let written = &name.node;
    let refused = |reason: String| {
        Diagnostic::new(Code::E0206, format!("`{system}` refuses the name `{written}`: {reason}"), name.span, "refused")
    };
    if rule.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(written)) {
        let mut diagnostic = refused(format!("names there match `{}`", rule.written));
        let proposal = camel_case(written);
        if rule.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&proposal)) {
            diagnostic = diagnostic.with_help(format!("write `{proposal}`")).with_fix(Fix {
                title: format!("write `{proposal}`"),
                edits: vec![Edit { span: name.span, text: proposal }],
                applicability: Applicability::Unsafe,
            });
        } else {
            diagnostic = diagnostic.with_help("choose a name that matches");
        }
        diagnostics.push(diagnostic);
    } else if let Some(max) = rule.max.filter(|max| written.chars().count() > *max) {
        diagnostics.push(
            refused(format!("it has {} characters, and names there have {max} at most", written.chars().count()))
                .with_help("choose a shorter name"),
        );
    } else if rule.reserved.contains(written) {
        diagnostics.push(
            refused("it is reserved there".to_owned())
                .with_help(format!("choose another name, such as `custom{}`", capitalised(written))),
        );
    }
}

/// `original_created_at__c` → `originalCreatedAt`, as a proposal.
fn camel_case(name: &str) -> String {
    let name = name.strip_suffix("__c").unwrap_or(name);
    let mut text = String::new();
    let mut upper = false;
    for one in name.chars() {
        if !one.is_ascii_alphanumeric() {
            upper = !text.is_empty();
        } else if upper {
            text.extend(one.to_uppercase());
            upper = false;
        } else if text.is_empty() {
            text.extend(one.to_lowercase());
        } else {
            text.push(one);
        }
    }
    text
}

fn capitalised(name: &str) -> String {
    let mut rest = name.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + rest.as_str())
}

/// An option as setup creates it when only its value is written.
fn humanised(value: &str) -> String {
    if value.chars().any(char::is_lowercase) {
        return value.to_owned();
    }
    capitalised(&value.to_lowercase().replace('_', " "))
}

/// The option of a value without a label.
pub(crate) fn option_of(value: &str) -> NewOption {
    NewOption { value: value.to_owned(), label: humanised(value), color: None }
}
