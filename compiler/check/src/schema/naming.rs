//! Names and labels of new fields, objects and options.

use migr_diagnostics::{Applicability, Code, Diagnostic, Diagnostics, Edit, Fix};
use migr_plan::NewOption;
use migr_source::Span;
use migr_syntax::ast::{Name, Text};

use crate::catalog::Catalog;
use crate::labels::{capitalised, label_of_option};

/// Checks that the destination takes a new object of this name; reports why not.
pub(super) fn check_name(catalog: &Catalog<'_>, name: &Name, diagnostics: &mut Diagnostics) {
    let Some(rule) = &catalog.names else { return };
    let written = &*name.node;
    if let Some(reason) = rule.form.refusal("names", written) {
        let proposal = camel_case(written);
        let mut diagnostic = refused(catalog, written, name.span, &reason);
        if rule.form.takes(written) {
            diagnostic = diagnostic.with_help("choose a shorter name");
        } else if rule.form.takes(&proposal) {
            diagnostic = diagnostic.with_help(format!("write `{proposal}`")).with_fix(Fix {
                title: format!("write `{proposal}`"),
                edits: vec![Edit { span: name.span, text: proposal }],
                applicability: Applicability::Unsafe,
            });
        } else {
            diagnostic = diagnostic.with_help("choose a name that matches");
        }
        diagnostics.push(diagnostic);
    } else if rule.reserved.contains(&name.node) {
        diagnostics.push(
            refused(catalog, written, name.span, "it is reserved there")
                .with_help(format!("choose another name, such as `custom{}`", capitalised(written))),
        );
    }
}

/// The same of a new field, which must not be one that every object has.
pub(super) fn check_field_name(catalog: &Catalog<'_>, name: &Name, diagnostics: &mut Diagnostics) {
    let Some(rule) = catalog.names.as_ref().filter(|rule| rule.of_fields.contains(&name.node)) else {
        return check_name(catalog, name, diagnostics);
    };
    let proposal = format!("custom{}", capitalised(&name.node));
    let help = if rule.form.takes(&proposal) {
        format!("choose another name, such as `{proposal}`")
    } else {
        "choose another name".to_owned()
    };
    diagnostics.push(refused(catalog, &name.node, name.span, "every object there has that field").with_help(help));
}

fn refused(catalog: &Catalog<'_>, name: &str, span: Span, reason: &str) -> Diagnostic {
    let message = format!("`{}` refuses the name `{name}`: {reason}", catalog.name.node);
    Diagnostic::new(Code::E0206, message, span, "refused")
}

/// Checks that the destination takes the label of a new field beside those of the object's other new fields.
pub(super) fn check_label<'l>(
    catalog: &Catalog<'_>,
    label: &Text,
    others: impl Iterator<Item = (&'l str, &'l str)>,
    diagnostics: &mut Diagnostics,
) {
    let Some(rule) = &catalog.labels else { return };
    let refused = |reason: String| {
        let message = format!("`{}` refuses the label \"{}\": {reason}", catalog.name.node, label.node);
        Diagnostic::new(Code::E0206, message, label.span, "refused")
    };
    if let Some(reason) = rule.form.refusal("labels", &label.node) {
        diagnostics.push(refused(reason).with_help("choose a label that matches"));
        return;
    }
    let mut others = others.filter(|(_, other)| rule.distinct && fold(other) == fold(&label.node));
    if let Some((field, other)) = others.next() {
        let reason = format!("`{field}` is called \"{other}\", and labels there differ in letters or digits");
        diagnostics.push(refused(reason).with_help("choose a label with other letters or digits"));
    }
}

/// A label by its letters and digits alone.
fn fold(label: &str) -> String {
    label.chars().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_lowercase()).collect()
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

/// The option of a value without a label.
pub(crate) fn option_of(value: &str) -> NewOption {
    NewOption { value: value.to_owned(), label: label_of_option(value), color: None }
}
