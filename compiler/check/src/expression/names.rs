//! Names in expressions: columns, parameters, and fields of referred records.

use std::sync::Arc;

use migr_diagnostics::{Applicability, Code, Diagnostic, Edit, Fix, nearest};
use migr_plan::{Expr, ReferenceTarget};
use migr_source::Span;
use migr_syntax::ast::{self, Name};

use super::{Inference, Typed};
use crate::catalog::{Field, Object};
use crate::errors;
use crate::types::{Key, KeyTarget, Type};

/// The language's word for one that other languages have.
fn habitual(name: &str) -> Option<&'static str> {
    match name {
        "null" | "NULL" | "Null" | "nil" | "undefined" | "None" | "NONE" => Some("none"),
        "True" | "TRUE" | "yes" => Some("true"),
        "False" | "FALSE" | "no" => Some("false"),
        _ => None,
    }
}

impl Inference<'_, '_> {
    /// A bare name: a transform's parameter, the distinct value, a column.
    pub(super) fn name(&mut self, name: &Arc<str>, span: Span) -> Typed {
        if let Some((_, value)) = self.scope.parameters.iter().rev().find(|(parameter, _)| parameter == name) {
            let value = value.clone();
            let mut nodes = 0;
            value.expr.walk(&mut |_| nodes += 1);
            return if self.is_too_large(nodes, span) { Typed::unknown() } else { value };
        }
        if self.scope.is_distinct && &**name == "value" {
            return Typed::new(Expr::DistinctValue, Type::Text);
        }
        let Some(object) = self.scope.object else {
            if !self.scope.is_unknown {
                self.diagnostics.push(
                    Diagnostic::new(Code::E0201, format!("there is no `{name}` here"), span, "no columns here")
                        .with_help("write a text, a number or a record such as `companies(\"K3\")`"),
                );
            }
            return Typed::unknown();
        };
        let Some(field) = object.fields.get(name) else {
            self.no_column(object, name, span);
            return Typed::unknown();
        };
        self.reads.own.insert(Arc::clone(name));
        self.read(object, field, span);
        let (ty, can_fail) = self.column_type(field, span);
        Typed::new(Expr::Column { name: name.to_string() }, ty).or_fails(can_fail)
    }

    fn no_column(&mut self, object: &Object<'_>, name: &Arc<str>, span: Span) {
        // The column that was probably meant counts as used, so that one slip is one finding.
        if let Some(near) = nearest(name, object.field_names()) {
            self.usage.columns.insert((Arc::clone(&object.name.node), near.into()));
        }
        if object.is_broken {
            return;
        }
        if let Some(word) = habitual(name) {
            let message = format!("`{}` has no column `{name}`", object.name.node);
            let diagnostic = Diagnostic::new(Code::E0304, message, span, "not known here");
            self.diagnostics.push(diagnostic.with_help(format!("write `{word}`")).with_fix(Fix {
                title: format!("write `{word}`"),
                edits: vec![Edit { span, text: word.to_owned() }],
                applicability: Applicability::Unsafe,
            }));
            return;
        }
        let diagnostic = errors::unknown_field(&object.name.node, "column", name, span, object.field_names());
        self.diagnostics.push(diagnostic);
    }

    /// Notes that a column is read, and asks for a permit where it is restricted.
    fn read(&mut self, object: &Object<'_>, field: &Field, span: Span) {
        self.usage.columns.insert((Arc::clone(&object.name.node), Arc::clone(&field.name.node)));
        self.reads.is_sensitive |= field.attributes.sensitive;
        let name = &object.name.node;
        if let Some(reason) = &field.attributes.restricted
            && !self.world.permits.contains(name)
            && self.usage.unpermitted.insert(Arc::clone(name))
        {
            self.diagnostics.push(needs_permit(&format!("{name}.{}", field.name.node), name, &reason.node, span));
        }
    }

    /// The type of what reading a cell gives, and whether it can fail.
    fn column_type(&mut self, field: &Field, span: Span) -> (Type, bool) {
        let too_long = field.attributes.max.is_some();
        match &field.ty {
            Type::Richtext if field.attributes.formats.written.iter().any(|format| format == "markdown") => {
                (Type::Richtext, too_long)
            }
            Type::Richtext => (Type::Html, too_long),
            Type::Integer
            | Type::Number
            | Type::Decimal
            | Type::Boolean
            | Type::Date
            | Type::Datetime
            | Type::Currency
            | Type::Json => (field.ty.clone(), true),
            Type::Key(_) | Type::File | Type::Unknown => (field.ty.clone(), false),
            Type::List(of) => match &**of {
                Type::Key(_) | Type::Unknown => (field.ty.clone(), false),
                inner if inner.is_text_like() => (Type::list(Type::Text), false),
                inner if inner.is_read_by_element() => (field.ty.clone(), true),
                _ => (self.no_such_column(field, span), false),
            },
            Type::Multiselect(_) => (Type::list(Type::Text), false),
            Type::Composite(_) | Type::Many(_) => (self.no_such_column(field, span), false),
            _ => (Type::Text, too_long),
        }
    }

    fn no_such_column(&mut self, field: &Field, span: Span) -> Type {
        self.diagnostics.push(
            errors::bad_value(
                format!("a cell of an export cannot be read as {}", field.ty),
                span,
                "declare the column as `text` or `list(text)`, and read it with a function, such as `| number`",
            )
            .with_label(field.name.span, format!("declared as {}", field.ty)),
        );
        Type::Unknown
    }

    /// `base.name`: a field of the referred record.
    pub(super) fn field(&mut self, base: &ast::Expr, name: &Name, span: Span) -> Typed {
        let base_typed = self.infer(base);
        let (key, is_list) = match &base_typed.ty {
            Type::Key(key) => (Arc::clone(key), false),
            Type::List(of) => match &**of {
                Type::Key(key) => (Arc::clone(key), true),
                Type::Unknown | Type::None => return Typed::unknown(),
                _ => return self.no_fields(&base_typed.ty, name),
            },
            Type::Unknown | Type::None => return Typed::unknown(),
            ty => return self.no_fields(ty, name),
        };
        let [target] = key.targets.as_slice() else {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0315,
                    format!("this refers to one of several objects, so `{}` may be a field of any of them", name.node),
                    span,
                    "of which object?",
                )
                .with_help("make a map for each object, told apart by `when`, or read the field there"),
            );
            return Typed::unknown();
        };
        self.through(base_typed, target, is_list, name)
    }

    fn through(&mut self, base: Typed, target: &KeyTarget, is_list: bool, name: &Name) -> Typed {
        let world = self.world;
        let Some(object) = world.source.objects.get(&target.object) else { return Typed::unknown() };
        self.usage.objects.insert(Arc::clone(&target.object));
        if let Some(column) = &target.column {
            self.usage.columns.insert((Arc::clone(&target.object), Arc::clone(column)));
        }
        let Some(field) = object.fields.get(&name.node) else {
            self.no_column(object, &name.node, name.span);
            return Typed::unknown();
        };
        self.read(object, field, name.span);
        self.usage.through.insert((Arc::clone(&target.object), Arc::clone(&name.node)));
        let (ty, can_fail) = self.column_type(field, name.span);
        self.reads.refers = true;
        let expr = Expr::Through {
            key: Box::new(base.expr),
            target: plan_target(target),
            field: name.node.to_string(),
            on_missing: self.on_missing,
        };
        let can_fail = can_fail || base.can_fail;
        let typed = match (is_list, ty) {
            (false, ty) => Typed::new(expr, ty),
            // A list of lists is made one list, so that `groups.tags` is the tags of all groups.
            (true, Type::List(of)) => {
                Typed::new(Expr::Call { function: "flatten".to_owned(), arguments: vec![expr] }, Type::List(of))
            }
            (true, ty) => Typed::new(expr, Type::list(ty)),
        };
        typed.or_fails(can_fail)
    }

    fn no_fields(&mut self, ty: &Type, name: &Name) -> Typed {
        self.diagnostics.push(
            Diagnostic::new(
                Code::E0304,
                format!("{ty} has no field `{}`", name.node),
                name.span,
                "only a reference has fields",
            )
            .with_help("read a column alone, or declare it in the catalog as a reference: `-> Object`"),
        );
        Typed::unknown()
    }
}

/// A target as the plan names it, without the stages that write it.
pub(super) fn plan_target(target: &KeyTarget) -> ReferenceTarget {
    ReferenceTarget {
        object: target.object.to_string(),
        column: target.column.as_ref().map(ToString::to_string),
        ignore_case: target.ignore_case,
        ignore_space: target.ignore_space,
        stages: Vec::new(),
    }
}

/// Restricted data without a permit.
pub(crate) fn needs_permit(what: &str, object: &str, reason: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0311, format!("`{what}` is restricted: {reason}"), span, "restricted")
        .with_help(format!("write in `migration`: `permit {object} : \"who permitted it, and when\"`"))
}

/// The single object a key refers to.
pub(crate) fn single_target(key: &Key) -> Option<&KeyTarget> {
    match key.targets.as_slice() {
        [target] => Some(target),
        _ => None,
    }
}
