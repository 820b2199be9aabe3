//! `test` items, typed so that a runner needs nothing but what stands here.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_source::Span;
use migr_syntax::ast::{Entry, Expression, Name, Path, RecordField, Test, TestEntry, Text};

use crate::errors;
use crate::expression::{Inference, Scope, Usage, World};
use crate::in_order::IndexMap;
use crate::spec;
use crate::types::Type;

/// Checks a test; the objects it gives count as read.
pub(crate) fn check(
    test: &Test,
    span: Span,
    world: &World<'_>,
    usage: &mut Usage,
    diagnostics: &mut Diagnostics,
) -> spec::Test {
    let mut pass = Pass { world, usage, diagnostics };
    let mut given = Vec::new();
    let mut expectations = Vec::new();
    for entry in &test.entries {
        match &entry.node {
            Some(TestEntry::Given { object, fields }) => given.extend(pass.given(object, fields, entry.span)),
            Some(TestEntry::Expect { object, fields }) => expectations.extend(pass.expect(object, fields, entry.span)),
            Some(TestEntry::ExpectSetAside { outcome, object, key, on }) => {
                expectations.extend(pass.set_aside(outcome, object, key, on.as_ref(), entry));
            }
            None => {}
        }
    }
    spec::Test { name: test.name.node.to_string(), given, expectations, span }
}

struct Pass<'p, 'a> {
    world: &'p World<'a>,
    usage: &'p mut Usage,
    diagnostics: &'p mut Diagnostics,
}

impl Pass<'_, '_> {
    fn given(&mut self, object: &Name, fields: &[RecordField], span: Span) -> Option<spec::Given> {
        let world = self.world;
        let Some(there) = world.source.objects.get(&object.node) else {
            let valid = world.source.objects.keys().map(|name| &**name);
            self.diagnostics.push(errors::unknown_name("object", &object.node, object.span, valid));
            return None;
        };
        self.usage.objects.insert(Arc::clone(&object.node));
        let mut cells: IndexMap<String, (String, Span)> = IndexMap::default();
        for field in fields {
            let Some(name) = field.path.node.first() else { continue };
            if !there.fields.contains_key(&name.node) || field.path.node.len() > 1 {
                let is_free = |column: &str| {
                    !fields.iter().any(|one| one.path.node.first().is_some_and(|name| *name.node == *column))
                };
                let missing = errors::missing_field(&object.node, "column", &name.node, field.path.span);
                self.diagnostics.push(missing.among_fitting(there.field_names(), is_free));
                continue;
            }
            let Some(cell) = cell(field) else {
                self.diagnostics.push(errors::bad_value(
                    "a cell of a given record is written out",
                    field.value.span,
                    "write a text in quotes, a number, or `none`",
                ));
                continue;
            };
            if let Some((_, first)) = cells.get(&*name.node) {
                let what = format!("`{}`", name.node);
                let first = *first;
                self.diagnostics
                    .push(errors::duplicate(Code::E0307, &what, name.span, first).with_help("keep one of them"));
                continue;
            }
            cells.insert(name.node.to_string(), (cell, name.span));
        }
        let cells = cells.into_iter().map(|(name, (cell, _))| (name, cell)).collect();
        Some(spec::Given { object: object.node.to_string(), cells, span })
    }

    fn expect(&mut self, object: &Name, fields: &[RecordField], span: Span) -> Option<spec::Expectation> {
        let world = self.world;
        if !world.schema.objects.contains_key(&object.node) {
            let has_fields = |name: &str| {
                let names = fields.iter().filter_map(|field| field.path.node.first());
                let there = world.schema.objects.get(name);
                there.is_some_and(|there| names.into_iter().all(|name| there.fields.contains_key(&name.node)))
            };
            let missing = errors::missing_name("object", &object.node, object.span);
            self.diagnostics.push(missing.among_fitting(world.schema.objects.keys().map(|name| &**name), has_fields));
            return None;
        }
        let expected = fields.iter().filter_map(|field| self.expected(object, field)).collect();
        Some(spec::Expectation::Record { object: object.node.to_string(), fields: expected, span })
    }

    fn expected(&mut self, object: &Name, field: &RecordField) -> Option<spec::ExpectedField> {
        let ty = self.path_type(object, field)?;
        let scope = Scope { is_test: true, ..Scope::default() };
        let mut inference = Inference::new(self.world, scope, self.usage, self.diagnostics);
        let value = inference.against(&field.value, &ty);
        Some(spec::ExpectedField {
            path: field.path.node.iter().map(|name| &*name.node).collect::<Vec<_>>().join("."),
            ty: ty.to_field_type(),
            value: value.expr,
            span: field.path.span,
        })
    }

    /// The type of a field, or of a part of one.
    fn path_type(&mut self, object: &Name, written: &RecordField) -> Option<Type> {
        let path = &written.path;
        // A text is taken by any type that reads texts; what else is written, by the type that has such values.
        let takes = |ty: &Type| match &written.value.node {
            Expression::Text(_) => ty.is_text_like() && !matches!(ty, Type::Key(_)),
            Expression::Number(_) => ty.is_numeric(),
            _ => true,
        };
        let there = self.world.schema.objects.get(&object.node)?;
        let name = path.node.first()?;
        let Some(field) = there.fields.get(&name.node) else {
            let fits = |name: &str| there.fields.get(name).is_some_and(|field| takes(&field.ty));
            let missing = errors::missing_field(&object.node, "field", &name.node, name.span);
            self.diagnostics.push(missing.among_fitting(there.field_names(), fits));
            return None;
        };
        let Some(part) = path.node.get(1) else { return Some(field.ty.clone()) };
        let parts: &[_] = match &field.ty {
            Type::Composite(composite) => &composite.parts,
            _ => &[],
        };
        let found = parts.iter().find(|one| one.name == part.node);
        if found.is_none() || path.node.len() > 2 {
            let fits = |name: &str| parts.iter().any(|part| *part.name == *name && takes(&part.ty));
            let missing = errors::missing_field(&name.node, "part", &part.node, part.span);
            self.diagnostics.push(missing.among_fitting(parts.iter().map(|part| &*part.name), fits));
            return None;
        }
        found.map(|part| part.ty.clone())
    }

    fn set_aside(
        &mut self,
        outcome: &Name,
        object: &Name,
        key: &[Text],
        on: Option<&Path>,
        entry: &Entry<TestEntry>,
    ) -> Option<spec::Expectation> {
        let world = self.world;
        let Some(there) = world.source.objects.get(&object.node) else {
            let valid = world.source.objects.keys().map(|name| &**name);
            self.diagnostics.push(errors::unknown_name("object", &object.node, object.span, valid));
            return None;
        };
        if key.len() != there.key.len() {
            let names: Vec<&str> = there.key.iter().map(|name| &*name.node).collect();
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    format!("the key of `{}` has {} columns, found {} values", object.node, names.len(), key.len()),
                    key.first().map_or(object.span, |text| text.span),
                    "not the key",
                )
                .with_help(format!("write a value for each of {}", errors::listed(&names))),
            );
            return None;
        }
        if let Some(path) = on {
            self.check_on(object, path);
        }
        Some(spec::Expectation::SetAside {
            skipped: &*outcome.node == "skipped",
            object: object.node.to_string(),
            key: key.iter().map(|text| text.node.to_string()).collect(),
            on: on.map(|path| path.node.iter().map(|name| &*name.node).collect::<Vec<_>>().join(".")),
            span: entry.span,
        })
    }

    /// The field must be one that some map of the object can write.
    fn check_on(&mut self, object: &Name, path: &Path) {
        let world = self.world;
        let Some(name) = path.node.first() else { return };
        let destinations = world.makers.by_source.get(&object.node).into_iter().flatten();
        let objects = destinations.filter_map(|maker| world.schema.objects.get(&maker.destination));
        let valid: Vec<&str> = objects.flat_map(crate::schema::SchemaObject::field_names).collect();
        if !valid.is_empty() && !valid.contains(&&*name.node) {
            let missing = errors::Missing {
                code: Code::E0304,
                message: format!("no map of `{}` could write a field `{}`", object.node, name.node),
                written: &name.node,
                span: name.span,
                what: "fields".to_owned(),
            };
            self.diagnostics.push(missing.among(valid));
        }
    }
}

/// A cell as it would stand in the export.
fn cell(field: &RecordField) -> Option<String> {
    match &field.value.node {
        Expression::Text(text) | Expression::Number(text) => Some(text.to_string()),
        Expression::Boolean(value) => Some(value.to_string()),
        Expression::None => Some(String::new()),
        _ => None,
    }
}
