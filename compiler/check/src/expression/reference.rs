//! References to records of the destination: by a source key, an owner, a distinct value or `existing`.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic};
use migr_plan::{Expr, NamedExpr, ReferenceChoice, ReferenceTarget};
use migr_source::Span;
use migr_syntax::ast::{self, Argument, Expression, Name};

use super::names::{plan_target, single_target};
use super::{Inference, Typed};
use crate::errors;
use crate::in_order::IndexMap;
use crate::types::{Key, Type};

impl Inference<'_, '_> {
    /// A source key as a relation of the destination.
    pub(super) fn reference(&mut self, value: Typed, wanted: &Arc<Key>, ty: &Type, span: Span) -> Typed {
        self.reads.refers = true;
        let objects: Vec<&Arc<str>> = wanted.targets.iter().map(|target| &target.object).collect();
        match value.ty.clone() {
            Type::Record(object) => {
                if objects.contains(&&object) {
                    return Typed { ty: ty.clone(), ..value };
                }
                self.diagnostics.push(errors::type_mismatch(&ty.to_string(), &format!("-> {object}"), span));
                Typed::unknown()
            }
            Type::DistinctKey(map) => self.distinct_reference(value, &map, &objects, ty, span),
            Type::Key(key) => match self.owner(&key, &objects) {
                Some(target) => {
                    let expr = Expr::Owner { key: Box::new(value.expr), target, on_missing: self.on_missing };
                    Typed::new(expr, ty.clone()).or_fails(value.can_fail)
                }
                None => self.record_reference(value, &key, &objects, ty, span),
            },
            _ => Typed::unknown(),
        }
    }

    /// A list of source keys as relations.
    pub(super) fn references(&mut self, value: Typed, wanted: &Type, ty: &Type, span: Span) -> Typed {
        let (Type::Key(wanted), Type::List(of)) = (wanted, value.ty.clone()) else { return Typed::unknown() };
        let one = Typed { expr: value.expr, ty: (*of).clone(), can_fail: value.can_fail };
        let typed = self.reference(one, wanted, ty, span);
        Typed { ty: ty.clone(), ..typed }
    }

    /// The owners table answers for references of its source object to its members.
    fn owner(&mut self, key: &Key, objects: &[&Arc<str>]) -> Option<ReferenceTarget> {
        let owners = self.world.owners.as_ref()?;
        let target = single_target(key)?;
        if target.object != owners.source_object || !objects.contains(&&owners.destination_object) {
            return None;
        }
        let column = (Arc::clone(&owners.source_object), Arc::clone(&owners.source_column));
        self.usage.columns.insert(column);
        self.usage.objects.insert(Arc::clone(&owners.source_object));
        Some(plan_target(target))
    }

    fn record_reference(&mut self, value: Typed, key: &Key, objects: &[&Arc<str>], ty: &Type, span: Span) -> Typed {
        let world = self.world;
        if key.targets.len() > 1 && key.by.is_none() {
            let names: Vec<&str> = key.targets.iter().map(|target| &*target.object).collect();
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0315,
                    format!("nothing tells which of {} this refers to", errors::listed(&names)),
                    span,
                    "refers to which?",
                )
                .with_help("say it in the catalog: `by column { \"value\" = Object }`"),
            );
            return Typed::new(Expr::None, ty.clone());
        }
        let mut targets = Vec::new();
        for target in &key.targets {
            let mut planned = plan_target(target);
            planned.stages = world
                .makers
                .by_source
                .get(&target.object)
                .into_iter()
                .flatten()
                .filter(|maker| objects.contains(&&maker.destination))
                .map(|maker| maker.map.to_string())
                .collect();
            if let Some(column) = &target.column {
                self.usage.columns.insert((Arc::clone(&target.object), Arc::clone(column)));
            }
            targets.push(planned);
        }
        if targets.iter().all(|target| target.stages.is_empty()) {
            // That nothing maps the object is this very finding.
            self.usage.objects.extend(key.targets.iter().map(|target| Arc::clone(&target.object)));
            if !world.is_broken {
                let diagnostic = self.nobody_makes(key, objects, span);
                self.diagnostics.push(diagnostic);
            }
            return Typed::new(Expr::None, ty.clone());
        }
        let by = key.by.as_ref().map(|(column, values)| {
            self.reads.own.insert(Arc::clone(column));
            if let Some(object) = self.scope.object {
                self.usage.columns.insert((Arc::clone(&object.name.node), Arc::clone(column)));
            }
            ReferenceChoice { column: column.to_string(), values: values.iter().map(ToString::to_string).collect() }
        });
        let expr = Expr::Reference { key: Box::new(value.expr), targets, by, on_missing: self.on_missing };
        Typed::new(expr, ty.clone()).or_fails(value.can_fail)
    }

    /// Why a reference leads nowhere: no owners, or no map.
    fn nobody_makes(&self, key: &Key, objects: &[&Arc<str>], span: Span) -> Diagnostic {
        let world = self.world;
        let sources: Vec<&str> = key.targets.iter().map(|target| &*target.object).collect();
        let matched = objects
            .iter()
            .find(|object| world.schema.objects.get(**object).is_some_and(|object| object.is_matched_only));
        if let (Some(members), None, [source]) = (matched, &world.owners, sources.as_slice()) {
            return Diagnostic::new(
                Code::E0502,
                format!("nothing says which `{members}` a `{source}` is"),
                span,
                format!("refers to `{source}`"),
            )
            .with_help(format!("add `owners {{ match {source}.column = {members}.field }}`"));
        }
        let names: Vec<&str> = objects.iter().map(|object| &***object).collect();
        let made: Vec<&str> = key
            .targets
            .iter()
            .filter_map(|target| world.makers.by_source.get(&target.object))
            .flatten()
            .map(|maker| &*maker.destination)
            .collect();
        let diagnostic = Diagnostic::new(
            Code::E0316,
            format!("no map makes {} of `{}`", errors::listed(&names), sources.join("` or `")),
            span,
            format!("refers to `{}`", sources.join("` or `")),
        );
        match (made.first(), sources.first(), names.first()) {
            (Some(_), Some(source), _) => diagnostic.with_help(format!("`{source}` becomes {}", errors::listed(&made))),
            (None, Some(source), Some(name)) => {
                diagnostic.with_help(format!("add `map {source} -> {name} {{ … }}`, or leave this field out"))
            }
            _ => diagnostic,
        }
    }

    /// `ClientCompany(company)`: the key under which the distinct map made its record.
    pub(super) fn distinct_key(&mut self, function: &Name, arguments: &[Argument], span: Span) -> Typed {
        let world = self.world;
        let Some(maker) = world.makers.distinct.get(&function.node) else { return Typed::unknown() };
        let [argument] = arguments else {
            self.diagnostics.push(
                Diagnostic::new(Code::E0303, format!("`{}` takes one value", function.node), span, "other arguments")
                    .with_help(format!("write `{}(column)`", function.node)),
            );
            return Typed::unknown();
        };
        let value = self.against(&argument.value, &Type::Text);
        // The same pipes that made the distinct value, around this one.
        let Some(root) = root_name(maker.value) else {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0315,
                    format!(
                        "`{}` makes records of a value of several columns, so one value does not tell which",
                        function.node
                    ),
                    span,
                    "which record?",
                )
                .with_label(maker.value.span, "not one column through pipes")
                .with_help("let the map's value be one column through pipes: `Object.column | collapse`"),
            );
            return Typed::unknown();
        };
        let parameters = vec![(root, value)];
        let outer = std::mem::take(&mut self.scope.parameters);
        self.scope.parameters = parameters;
        let typed = self.against(maker.value, &Type::Text);
        self.scope.parameters = outer;
        Typed::new(typed.expr, Type::DistinctKey(Arc::clone(&function.node))).or_fails(typed.can_fail)
    }

    fn distinct_reference(
        &mut self,
        value: Typed,
        map: &Arc<str>,
        objects: &[&Arc<str>],
        ty: &Type,
        span: Span,
    ) -> Typed {
        let world = self.world;
        let Some(maker) = world.makers.distinct.get(map) else { return Typed::unknown() };
        if !objects.contains(&&maker.destination) {
            let found = format!("-> {}", maker.destination);
            self.diagnostics.push(errors::type_mismatch(&ty.to_string(), &found, span));
            return Typed::unknown();
        }
        let target = ReferenceTarget {
            object: maker.source.to_string(),
            column: None,
            ignore_case: false,
            ignore_space: false,
            stages: vec![maker.map.to_string()],
        };
        let expr =
            Expr::Reference { key: Box::new(value.expr), targets: vec![target], by: None, on_missing: self.on_missing };
        Typed::new(expr, ty.clone()).or_fails(value.can_fail)
    }

    /// `existing calendars(name: "Client sessions")`
    pub(super) fn existing(&mut self, object: &Name, arguments: &[Argument]) -> Typed {
        let world = self.world;
        let Some(there) = world.schema.objects.get(&object.node) else {
            let valid = world.schema.objects.keys().map(|name| &**name);
            self.diagnostics.push(errors::unknown_name("object", &object.node, object.span, valid));
            return Typed::unknown();
        };
        self.reads.refers = true;
        let mut fields = Vec::new();
        for argument in arguments {
            let Some(name) = &argument.name else {
                self.diagnostics.push(
                    Diagnostic::new(Code::E0303, "this does not say which field it is", argument.value.span, "no name")
                        .with_help(format!("name the field, as in `existing {}(field: value)`", object.node)),
                );
                continue;
            };
            if !there.fields.contains_key(&name.node) {
                let valid = there.field_names();
                self.diagnostics.push(errors::unknown_field(&there.name, "field", &name.node, name.span, valid));
                continue;
            }
            if !matches!(argument.value.node, Expression::Text(_)) {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::E0303,
                        format!("`existing` is resolved before the run, so `{}` is written out", name.node),
                        argument.value.span,
                        "not a text",
                    )
                    .with_help("write a text in quotes"),
                );
                continue;
            }
            let value = self.infer(&argument.value);
            fields.push(NamedExpr { name: name.node.to_string(), value: value.expr });
        }
        if arguments.is_empty() {
            self.diagnostics.push(
                Diagnostic::new(Code::E0303, "nothing singles out a record", object.span, "which one?")
                    .with_help(format!("name a field and its value, as in `existing {}(field: \"…\")`", object.node)),
            );
        }
        let expr = Expr::Existing { object: object.node.to_string(), fields, on_missing: self.on_missing };
        Typed::new(expr, Type::Record(Arc::clone(&there.name)))
    }

    /// `companies("K3")` in a test: the record that some map makes of this key.
    pub(super) fn test_record(&mut self, object: &Name, arguments: &[Argument]) -> Typed {
        let world = self.world;
        let [argument] = arguments else {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    format!("`{}` takes the key of a source record", object.node),
                    object.span,
                    "other arguments",
                )
                .with_help(format!("write `{}(\"key\")`", object.node)),
            );
            return Typed::unknown();
        };
        let key = self.against(&argument.value, &Type::Text);
        // A record that no map makes is told by its unique field: `workspaceMembers("jane@clinic.example")`.
        if let Some(there) = world.schema.objects.get(&object.node).filter(|object| object.is_matched_only)
            && let Some(unique) = there.unique_field()
        {
            let fields = vec![NamedExpr { name: unique.to_string(), value: key.expr }];
            let expr = Expr::Existing { object: object.node.to_string(), fields, on_missing: self.on_missing };
            return Typed::new(expr, Type::Record(Arc::clone(&object.node)));
        }
        let mut targets: IndexMap<String, ReferenceTarget> = IndexMap::default();
        for maker in world.makers.by_destination.get(&object.node).into_iter().flatten() {
            targets
                .entry(maker.source.to_string())
                .or_insert_with(|| ReferenceTarget {
                    object: maker.source.to_string(),
                    column: None,
                    ignore_case: false,
                    ignore_space: false,
                    stages: Vec::new(),
                })
                .stages
                .push(maker.map.to_string());
        }
        if targets.is_empty() && !world.is_broken {
            let message = format!("no map makes `{}`", object.node);
            self.diagnostics.push(
                Diagnostic::new(Code::E0316, message, object.span, "made by no map")
                    .with_help(format!("add a map into `{}`, or leave it out of what is expected", object.node)),
            );
            return Typed::unknown();
        }
        let expr = Expr::Reference {
            key: Box::new(key.expr),
            targets: targets.into_values().collect(),
            by: None,
            on_missing: self.on_missing,
        };
        Typed::new(expr, Type::Record(Arc::clone(&object.node)))
    }
}

/// The column at the start of `company | collapse`.
fn root_name(expr: &ast::Expr) -> Option<Arc<str>> {
    match &expr.node {
        Expression::Name(name) => Some(Arc::clone(name)),
        Expression::Pipe { input, .. } => root_name(input),
        Expression::Group(inner) => root_name(inner),
        _ => None,
    }
}
