//! Names in an expression that failed: each counts as used, so that one mistake is one finding.

use std::sync::Arc;

use migr_syntax::ast::{self, Expression};

use super::{Usage, World};
use crate::catalog::Object;

/// Marks every column, picklist and transform that an expression names. A field behind a dot counts for every object that has it: which one is meant may
/// be what was not understood.
pub(crate) fn mark(expr: &ast::Expr, object: Option<&Object<'_>>, world: &World<'_>, usage: &mut Usage) {
    match &expr.node {
        Expression::Name(name) => {
            if let Some(object) = object.filter(|object| object.fields.contains_key(name)) {
                usage.columns.insert((Arc::clone(&object.name.node), Arc::clone(name)));
            }
        }
        Expression::Field { name, .. } => {
            for object in world.source.objects.values().filter(|object| object.fields.contains_key(&name.node)) {
                usage.columns.insert((Arc::clone(&object.name.node), Arc::clone(&name.node)));
            }
        }
        Expression::Call { function, .. } | Expression::Pipe { function, .. } => {
            if world.tables.contains_key(&function.node) {
                usage.tables.insert(Arc::clone(&function.node));
            } else if world.transforms.contains_key(&function.node) {
                usage.transforms.insert(Arc::clone(&function.node));
            }
        }
        _ => {}
    }
    expr.node.each_part(&mut |part| mark(part, object, world, usage));
}
