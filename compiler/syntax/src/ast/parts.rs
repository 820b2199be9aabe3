//! Parts of an expression, for walks over a tree.

use super::{Argument, Expr, Expression, Recovery, TemplatePart};

impl Expression {
    /// Shows each expression that stands directly in this one, in the order written: what every walk over a tree goes down by.
    pub fn each_part<'e>(&'e self, found: &mut dyn FnMut(&'e Expr)) {
        match self {
            Self::None
            | Self::Default
            | Self::Boolean(_)
            | Self::Number(_)
            | Self::Quantity(_)
            | Self::Text(_)
            | Self::Name(_)
            | Self::Error => {}
            Self::Template(parts) => {
                for part in parts {
                    if let TemplatePart::Hole(hole) = part {
                        found(hole);
                    }
                }
            }
            Self::Field { base: inner, .. } | Self::Not(inner) | Self::Group(inner) => found(inner),
            Self::Call { arguments, .. } | Self::Existing { arguments, .. } => each(arguments, found),
            Self::Pipe { input, arguments, .. } => {
                found(input);
                each(arguments, found);
            }
            Self::Binary { left, right, .. } => {
                found(left);
                found(right);
            }
            Self::If { condition, then, otherwise } => {
                found(condition);
                found(then);
                found(otherwise);
            }
            Self::Record(fields) => fields.iter().for_each(|field| found(&field.value)),
            Self::List(items) | Self::Tuple(items) => items.iter().for_each(&mut *found),
            Self::Otherwise { value, recovery } => {
                found(value);
                if let Recovery::Value(with) = &recovery.node {
                    found(with);
                }
            }
        }
    }
}

fn each<'e>(arguments: &'e [Argument], found: &mut dyn FnMut(&'e Expr)) {
    for argument in arguments {
        found(&argument.value);
    }
}
