//! Lists of references of which only one element is carried over.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_source::Span;
use migr_syntax::ast::{self, Expression, MapEntry, MapSource, Recovery};

use crate::expression::{Usage, World};
use crate::program::Program;
use crate::types::Type;

/// Use of one column by the maps of an object.
#[derive(Default)]
struct Reading {
    /// Where one element is taken, first.
    one: Option<Span>,
    /// Some expression takes the list, or the rest of it.
    is_whole: bool,
}

/// Warns of each list of references from which only one element is taken.
pub(crate) fn check(program: &Program<'_>, world: &World<'_>, usage: &Usage, diagnostics: &mut Diagnostics) {
    for (name, object) in &world.source.objects {
        for (column, field) in &object.fields {
            let Type::List(of) = &field.ty else { continue };
            let Type::Key(key) = &**of else { continue };
            let place = (Arc::clone(name), Arc::clone(column));
            if !usage.columns.contains(&place) || usage.through.contains(&place) {
                continue;
            }
            let mut reading = Reading::default();
            for value in values(program, name) {
                read(value, column, false, &mut reading);
            }
            let Some(span) = reading.one.filter(|_| !reading.is_whole) else { continue };
            let objects: Vec<&str> = key.targets.iter().map(|target| &*target.object).collect();
            diagnostics.push(
                Diagnostic::new(
                    Code::W0333,
                    format!("a `{name}` may have several {}, and only one is carried over", objects.join(" or ")),
                    span,
                    "takes one",
                )
                .with_label(field.name.span, "holds several")
                .with_help(format!(
                    "keep the others too, `{column} | rest | join(\"; \")`, or make a junction object that has a record for each pair"
                )),
            );
        }
    }
}

/// Expressions that the maps of an object write.
fn values<'a>(program: &Program<'a>, object: &Arc<str>) -> impl Iterator<Item = &'a ast::Expr> {
    let maps = program.maps.values().filter(move |map| match &map.node.source {
        MapSource::Object(source) => source.node == *object,
        MapSource::Distinct { .. } | MapSource::Each { .. } => false,
    });
    maps.flat_map(|map| &map.entries).filter_map(|entry| match &entry.node {
        Some(MapEntry::Mapping(mapping)) => Some(&mapping.value),
        _ => None,
    })
}

/// Notes each mention of a column; `takes_one` where only an element of what stands here is used.
fn read(expr: &ast::Expr, column: &Arc<str>, takes_one: bool, reading: &mut Reading) {
    match &expr.node {
        Expression::Name(name) if name == column => {
            if takes_one {
                reading.one.get_or_insert(expr.span);
            } else {
                reading.is_whole = true;
            }
        }
        Expression::Pipe { input, function, arguments } => {
            for argument in arguments {
                read(&argument.value, column, false, reading);
            }
            read(input, column, takes_one || matches!(&*function.node, "first" | "nth"), reading);
        }
        Expression::Field { base: inner, .. } | Expression::Group(inner) => read(inner, column, takes_one, reading),
        Expression::Call { function, arguments } => {
            for (at, argument) in arguments.iter().enumerate() {
                let takes_one = at == 0 && matches!(&*function.node, "first" | "nth");
                read(&argument.value, column, takes_one, reading);
            }
        }
        Expression::Otherwise { value, recovery } => {
            if let Recovery::Value(with) = &recovery.node {
                read(with, column, false, reading);
            }
            read(value, column, takes_one, reading);
        }
        other => other.each_part(&mut |part| read(part, column, false, reading)),
    }
}
