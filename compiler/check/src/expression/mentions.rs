//! What an expression that failed mentions: it counts as used, so that one mistake is one finding.

use std::sync::Arc;

use migr_syntax::ast::{self, Expression, Recovery, TemplatePart};

use super::{Usage, World};
use crate::catalog::Object;

/// Marks every column, picklist and transform that an expression names. A field behind a dot counts for every object that has it: which one is meant may
/// be what was not understood.
pub(crate) fn mark(expr: &ast::Expr, object: Option<&Object<'_>>, world: &World<'_>, usage: &mut Usage) {
    walk(expr, &mut |mention| match mention {
        Mention::Name(name) => {
            if let Some(object) = object.filter(|object| object.fields.contains_key(name)) {
                usage.columns.insert((Arc::clone(&object.name.node), Arc::clone(name)));
            }
        }
        Mention::Field(name) => {
            for object in world.source.objects.values().filter(|object| object.fields.contains_key(name)) {
                usage.columns.insert((Arc::clone(&object.name.node), Arc::clone(name)));
            }
        }
        Mention::Function(name) => {
            if world.tables.contains_key(name) {
                usage.tables.insert(Arc::clone(name));
            } else if world.transforms.contains_key(name) {
                usage.transforms.insert(Arc::clone(name));
            }
        }
    });
}

enum Mention<'e> {
    Name(&'e Arc<str>),
    Field(&'e Arc<str>),
    Function(&'e Arc<str>),
}

fn walk<'e>(expr: &'e ast::Expr, found: &mut impl FnMut(Mention<'e>)) {
    let each = |arguments: &'e [ast::Argument], found: &mut _| {
        for argument in arguments {
            walk(&argument.value, found);
        }
    };
    match &expr.node {
        Expression::None
        | Expression::Default
        | Expression::Boolean(_)
        | Expression::Number(_)
        | Expression::Quantity(_)
        | Expression::Text(_)
        | Expression::Error => {}
        Expression::Template(parts) => {
            for part in parts {
                if let TemplatePart::Hole(hole) = part {
                    walk(hole, found);
                }
            }
        }
        Expression::Name(name) => found(Mention::Name(name)),
        Expression::Field { base, name } => {
            walk(base, found);
            found(Mention::Field(&name.node));
        }
        Expression::Call { function, arguments } => {
            found(Mention::Function(&function.node));
            each(arguments, found);
        }
        Expression::Pipe { input, function, arguments } => {
            walk(input, found);
            found(Mention::Function(&function.node));
            each(arguments, found);
        }
        Expression::Binary { left, right, .. } => {
            walk(left, found);
            walk(right, found);
        }
        Expression::Not(inner) | Expression::Group(inner) => walk(inner, found),
        Expression::If { condition, then, otherwise } => {
            for part in [condition, then, otherwise] {
                walk(part, found);
            }
        }
        Expression::Record(fields) => {
            for field in fields {
                walk(&field.value, found);
            }
        }
        Expression::List(items) | Expression::Tuple(items) => {
            for item in items {
                walk(item, found);
            }
        }
        Expression::Existing { arguments, .. } => each(arguments, found),
        Expression::Otherwise { value, recovery } => {
            walk(value, found);
            if let Recovery::Value(with) = &recovery.node {
                walk(with, found);
            }
        }
    }
}
