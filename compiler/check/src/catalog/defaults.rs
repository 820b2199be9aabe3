//! `default` of a destination's field: what a record gets that is created without a value.

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_source::Spanned;
use migr_syntax::ast::{self, Attribute, Literal};

use crate::errors;
use crate::types::Type;

/// Holds a written default against its field.
pub(super) fn check(field: &ast::Field, ty: &Type, is_of_a_source: bool, diagnostics: &mut Diagnostics) {
    let written = field.attributes.iter().find_map(|attribute| match &attribute.node {
        Attribute::Default(value) => Some((value, attribute.span)),
        _ => None,
    });
    let Some((value, span)) = written else { return };
    if is_of_a_source {
        diagnostics.push(
            Diagnostic::new(
                Code::E0303,
                "a default is what a destination gives; a column of an export has the value that stands there",
                span.to(value.span),
                "not of a source",
            )
            .with_help("say it in the map: `field = column ?? VALUE`"),
        );
        return;
    }
    diagnostics.extend(differs(&field.name.node, value, ty));
}

/// Finding about a default that the field's type does not have.
fn differs(name: &str, written: &Spanned<Literal>, ty: &Type) -> Option<Diagnostic> {
    let bad = |what: &str, help: &str| Some(errors::bad_value(what, written.span, help));
    match (ty, &written.node) {
        (Type::Unknown, _) | (Type::Text | Type::Email | Type::Url, Literal::Text(_)) => None,
        (Type::Select(options), Literal::Name(value) | Literal::Text(value)) => {
            let is_known = options.open || options.values.contains(value);
            (!is_known).then(|| errors::unknown_option(options, value, written.span, &options.values))
        }
        (Type::Date | Type::Datetime, Literal::Name(word)) if &**word == "now" => None,
        (Type::Date | Type::Datetime, _) => {
            let what = "a destination gives a day or a time of its own only where a record is created";
            bad(what, "write `now` in its place").map(|one| one.with_instead(written.span, "now"))
        }
        (Type::Text | Type::Email | Type::Url, _) => {
            bad("this field holds a text", "put it in quotes: `default \"…\"`")
        }
        (Type::Boolean, Literal::Name(word)) if matches!(&**word, "true" | "false") => None,
        (Type::Boolean, _) => bad("this field is true or false", "write `true` or `false`"),
        (Type::Integer | Type::Number | Type::Decimal, Literal::Quantity(number)) if number.unit.is_empty() => None,
        (Type::Integer | Type::Number | Type::Decimal, _) => {
            bad("this field holds a number", "write a number, such as `default 0`")
        }
        _ => Some(
            Diagnostic::new(
                Code::E0303,
                format!("`{name}` is {ty}, of which no default can be said"),
                written.span,
                "has no default",
            )
            .with_help("say it in the map: `field = column ?? VALUE`"),
        ),
    }
}
