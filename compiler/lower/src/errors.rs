//! The findings of lowering.

use migr_check::{Map, Spec};
use migr_diagnostics::{Code, Diagnostic};
use migr_source::Span;

/// A reference inside a circle that cannot be cut.
pub(crate) struct RequiredReference<'a> {
    pub(crate) map: &'a Map,
    pub(crate) field: &'a str,
    pub(crate) to: &'a Map,
    pub(crate) span: Span,
}

/// Required references form a circle: no order writes every record after those it refers to.
pub(crate) fn required_cycle(_spec: &Spec, circle: &[RequiredReference<'_>]) -> Option<Diagnostic> {
    let first = circle.first()?;
    let mut drawn: Vec<&str> = circle.iter().map(|reference| reference.map.name.as_str()).collect();
    drawn.push(&first.map.name);
    let message = format!("required references form a circle: {}", drawn.join(" → "));
    let label =
        |reference: &RequiredReference<'_>| format!("`{}` waits for `{}`", reference.map.name, reference.to.name);
    let mut diagnostic = Diagnostic::new(Code::E0401, message, first.span, label(first));
    for reference in circle.iter().skip(1) {
        diagnostic = diagnostic.with_label(reference.span, label(reference));
    }
    let fields: Vec<String> =
        circle.iter().map(|reference| format!("`{}.{}`", reference.map.destination_object, reference.field)).collect();
    Some(
        diagnostic
            .with_note("each of these maps can only be carried out after the next one")
            .with_help(format!("leave one of {} out of its map, or fill it in a map of its own", fields.join(", "))),
    )
}
