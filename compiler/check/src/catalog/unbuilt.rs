//! Forms of catalogs that the grammar reads and this version does not carry out: each is refused, with what to do instead.

use migr_diagnostics::Diagnostics;
use migr_source::Span;
use migr_syntax::ast::{self, Attribute, Type};

use crate::errors::not_built;

/// `layout { … }`
pub(super) fn layout(span: Span) -> migr_diagnostics::Diagnostic {
    let help = "export as UTF-8, comma-separated, with the column names in line 1; then leave `layout` out";
    not_built("`layout`", span, help)
}

/// `from "x.xlsx" sheet "A"`, `from "Contacts_*.csv"`
pub(super) fn place(object: &ast::Object, diagnostics: &mut Diagnostics) {
    if let Some((word, text)) = &object.place {
        let help = "export it as a CSV file of its own, and name that one behind `from`";
        diagnostics.push(not_built(&format!("`from … {} …`", word.node), word.span.to(text.span), help));
    }
    if let Some(file) = object.from.as_ref().filter(|file| file.node.contains('*')) {
        let help = "join the files into one, with one line of column names, and name that one";
        diagnostics.push(not_built("an object in several files", file.span, help));
    }
}

/// A field's forms: `= expression`, `form`, a number behind its header, a reference by several columns or by a prefix.
pub(super) fn field(field: &ast::Field, diagnostics: &mut Diagnostics) {
    if let Some(value) = &field.computed {
        let help = format!(
            "write the expression in the map: `field = …`; as a key or reference, add the column `{}` to the export",
            field.name.node
        );
        diagnostics.push(not_built("a computed column", value.span, help));
    }
    for attribute in &field.attributes {
        match &attribute.node {
            Attribute::Form(name) => {
                let help = "write both columns in one form in the export; `ignore case, space` compares without regard to those";
                diagnostics.push(not_built("`form`", attribute.span.to(name.span), help));
            }
            Attribute::Column(header, Some(number)) => {
                let help = match header {
                    Some(_) => "give the two columns different names in the export",
                    None => "give the file a first line with the names of its columns",
                };
                diagnostics.push(not_built("a header by its number", number.span, help));
            }
            _ => {}
        }
    }
    references(&field.ty.node, diagnostics);
}

fn references(ty: &Type, diagnostics: &mut Diagnostics) {
    match ty {
        Type::List(inner) => references(&inner.node, diagnostics),
        Type::Reference { targets, by } => {
            for referred in targets {
                if let (Some(first), Some(last)) = (referred.columns.first(), referred.columns.last()) {
                    let help = "refer by one column, which may be added to the export: `-> Object.column`";
                    diagnostics.push(not_built("a reference by several columns", first.span.to(last.span), help));
                }
            }
            for (value, _) in by.iter().flat_map(|by| &by.rows) {
                if value.node.ends_with('*') {
                    let help = "add a column to the export that says which object is meant, and write its whole values";
                    diagnostics.push(not_built("a value that ends in `*`", value.span, help));
                }
            }
        }
        _ => {}
    }
}
