//! Mappings: the value of each field that a map writes.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic};
use migr_plan::{Expr, NamedExpr, OnMissing, OutsidePolicy, PartMax, TakenPolicy};
use migr_source::Span;
use migr_syntax::ast::{Entry, Expression, MapEntry, Mapping, MappingTarget, Name, NewField, Path};

use super::Pass;
use super::cases::Cases;
use super::entries::record_parts;
use crate::errors;
use crate::expression::{Inference, Reads, Typed, linked_objects, mark, unknown_part};
use crate::program::documentation;
use crate::reachable::Conditions;
use crate::schema::SchemaField;
use crate::spec;
use crate::types::Type;

impl<'p> Pass<'p, '_> {
    pub(super) fn mapping(&mut self, mapping: &Mapping, entry: &Entry<MapEntry>) {
        let before = self.diagnostics.items().len();
        self.found_before = before;
        self.mapping_of(mapping, entry);
        let object = if self.is_distinct() { None } else { self.source };
        Conditions { object, tables: self.world.tables }.check(&mapping.value, self.diagnostics);
        if self.diagnostics.items().len() > before {
            for expr in [Some(&mapping.value), mapping.file_name.as_ref()].into_iter().flatten() {
                mark(expr, self.source, self.world, self.usage);
            }
        }
    }

    fn mapping_of(&mut self, mapping: &Mapping, entry: &Entry<MapEntry>) {
        match &mapping.target {
            MappingTarget::Field(path) => self.field(path, mapping, entry),
            MappingTarget::Fields(fields) => {
                let names: Vec<Name> = fields.iter().map(|field| field.name().clone()).collect();
                self.fields(&names, mapping, entry);
            }
            MappingTarget::New(NewField { name, .. }) => {
                let Some(field) = self.schema_field(name) else {
                    self.infer_only(mapping);
                    return;
                };
                let is_written = self.write(name);
                if is_written && field.is_new {
                    self.whole(name, field, mapping, entry);
                } else if is_written {
                    // That there is a field of this name already was reported with the schema.
                    self.infer_only(mapping);
                }
            }
        }
    }

    fn schema_field(&self, name: &Name) -> Option<&'p SchemaField> {
        self.destination?.fields.get(&name.node)
    }

    /// Checks the value alone, where the field is not known.
    fn infer_only(&mut self, mapping: &Mapping) -> Type {
        if matches!(mapping.value.node, Expression::Default) {
            return Type::Unknown;
        }
        let scope = self.scope();
        let mut inference = Inference::new(self.world, scope, self.usage, self.diagnostics);
        let value = inference.against(&mapping.value, &Type::Unknown).ty;
        let reads = inference.take_reads();
        self.note_reads(&reads.own, mapping.value.span);
        value
    }

    fn field(&mut self, path: &Path, mapping: &Mapping, entry: &Entry<MapEntry>) {
        let Some(name) = path.node.first() else { return };
        let Some(field) = self.schema_field(name) else {
            self.unknown_target(name);
            self.infer_only(mapping);
            return;
        };
        self.check_writable(name, field);
        let Some(part) = path.node.get(1) else {
            if let Some(at) = self.parts.get(&name.node).copied()
                && matches!(mapping.value.node, Expression::Record(_) | Expression::Otherwise { .. })
            {
                self.beside(at, name, field, mapping);
            } else if self.write(name) {
                self.whole(name, field, mapping, entry);
            }
            return;
        };
        let found = match &field.ty {
            Type::Composite(composite) => composite.part(&part.node).cloned(),
            _ => None,
        };
        if let (Some(found), None) = (found, path.node.get(2)) {
            if self.write_part(name, &found.name) {
                self.part(name, field, (&found.name, &found.ty), mapping, entry);
            }
        } else {
            let composite = if let Type::Composite(composite) = &field.ty { Some(Arc::clone(composite)) } else { None };
            let value = self.infer_only(mapping);
            self.diagnostics.push(match composite {
                Some(composite) => unknown_part(&name.node, part, &composite, &value),
                None => errors::unknown_field(&name.node, "part", &part.node, part.span, std::iter::empty()),
            });
        }
    }

    fn unknown_target(&mut self, name: &Name) {
        let Some(destination) = self.destination else { return };
        let diagnostic =
            errors::unknown_field(&destination.name, "field", &name.node, name.span, destination.field_names());
        let has_near = diagnostic.fix.is_some();
        // A required field that was probably meant counts as written, so that one slip is one finding.
        if let Some(near) = migr_diagnostics::nearest(&name.node, destination.field_names()) {
            self.written.entry(near.into()).or_insert(name.span);
        }
        self.diagnostics.push(if has_near || destination.has_no_custom_fields {
            diagnostic
        } else {
            diagnostic.with_note(format!("`new {} \"Label\": type = …` creates a field", name.node))
        });
    }

    fn check_writable(&mut self, name: &Name, field: &SchemaField) {
        if let (Some(since), Some(version)) = (&field.attributes.since, self.world.version)
            && crate::values::version(&since.node).is_some_and(|since| since > version)
        {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0308,
                    format!("`{}` is there since {}, and the destination is v{version}", name.node, since.node),
                    name.span,
                    "not there yet",
                )
                .with_label(since.span, "since this version")
                .with_help("leave it out, or raise the destination's `version`"),
            );
        }
        if let Some(call) = field.attributes.linked_by.as_ref()
            && let Some(connector) = self.world.schema.catalog.connector.as_ref()
            && !self.world.schema.catalog.calls.contains(call)
        {
            let message =
                format!("connector `{}` has no call `{call}` that could link `{}`", connector.node, name.node);
            self.diagnostics.push(
                Diagnostic::new(Code::E0308, message, name.span, "cannot be linked")
                    .with_label(field.span, format!("`linked by {call}`"))
                    .with_help("leave the field out, or take `linked by` out of the catalog"),
            );
        }
        if field.attributes.readonly {
            self.diagnostics.push(
                Diagnostic::new(Code::E0308, format!("`{}` cannot be written", name.node), name.span, "read only")
                    .with_label(field.span, "`readonly`")
                    .with_help("leave it out; a new field can keep the value"),
            );
        }
    }

    /// Where the destination's catalog tells sensitive fields from others, a sensitive value goes into none of the others.
    fn check_sensitive(&mut self, name: &Name, field: &SchemaField, reads: &Reads) {
        let Some(destination) = self.destination else { return };
        if !self.world.schema.marks_sensitive || !reads.is_sensitive || field.attributes.sensitive {
            return;
        }
        let sensitive = |column: &&Arc<str>| {
            let field = self.source.and_then(|source| source.fields.get(*column));
            field.is_some_and(|field| self.world.source.holds_sensitive(field))
        };
        let columns: Vec<&str> = reads.own.iter().filter(sensitive).map(|column| &**column).collect();
        let what = if columns.is_empty() { "what this reads".to_owned() } else { errors::listed(&columns) };
        let help = if field.is_new {
            format!("write `sensitive` behind the field's type, or leave {what} out")
        } else {
            format!("mark the field `sensitive` in the catalog, or leave {what} out")
        };
        let message = format!("{what} is sensitive, and `{}.{}` is not marked so", destination.name, name.node);
        let diagnostic = Diagnostic::new(Code::E0330, message, name.span, "not marked").with_help(help);
        self.diagnostics.push(if field.span == name.span {
            diagnostic
        } else {
            diagnostic.with_label(field.span, "declared here")
        });
    }

    /// A whole field.
    fn whole(&mut self, name: &Name, field: &SchemaField, mapping: &Mapping, entry: &Entry<MapEntry>) {
        if let Type::Many(many) = &field.ty {
            let Some(through) = many.through.clone() else {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::E0328,
                        format!(
                            "`{}` cannot be written: the catalog does not say which object holds its links",
                            name.node
                        ),
                        name.span,
                        "only read",
                    )
                    .with_label(field.span, "no `through`")
                    .with_help("write `many … through links` in the catalog, or the relation at its other side"),
                );
                self.infer_only(mapping);
                return;
            };
            let on_missing = self.on_missing(mapping);
            self.refuse_cases_of_links(mapping);
            let (typed, reads) = self.value(mapping, &field.ty, on_missing);
            let objects = match linked_objects(self.world, many) {
                Type::Key(key) => key.targets.iter().map(|target| target.object.to_string()).collect(),
                _ => Vec::new(),
            };
            self.map.links.push(spec::ManyField {
                name: name.node.to_string(),
                through: through.node.to_string(),
                objects,
                value: typed.expr,
                on_missing,
                reads: own(&reads),
                loses: None,
                span: entry.span,
            });
            return;
        }
        let on_missing = self.on_missing(mapping);
        let cases = self.cases(mapping);
        self.check_case_words(name, field, mapping, unique(&name.node, field).is_some());
        let (typed, mut reads) = self.value(mapping, &field.ty, on_missing);
        let file_name = self.file_name(mapping, &field.ty, &mut reads);
        self.check_sensitive(name, field, &reads);
        let missing_file = if field.ty == Type::File { on_missing } else { OnMissing::default() };
        let field = made(name, field, typed.expr, &reads, (cases, entry));
        self.map.fields.push(spec::Field { file_name, missing_file, ..field });
    }

    /// A record beside parts that stand in entries of their own.
    fn beside(&mut self, at: usize, name: &Name, field: &SchemaField, mapping: &Mapping) {
        let on_missing = self.on_missing(mapping);
        let cases = self.cases(mapping);
        self.check_case_words(name, field, mapping, unique(&name.node, field).is_some());
        let (typed, reads) = self.value(mapping, &field.ty, on_missing);
        self.check_sensitive(name, field, &reads);
        let Some(parts) = record_parts(&typed.expr) else {
            if typed.ty != Type::Unknown {
                self.write(name);
            }
            return;
        };
        let first = self.written.get(&name.node).copied().unwrap_or(name.span);
        let Some(whole) = self.map.fields.get_mut(at) else { return };
        let Expr::Record { fields } = &mut whole.value else { return };
        if let Some(twice) = parts.iter().find(|part| fields.iter().any(|known| known.name == part.name)) {
            let what = format!("`{}.{}`", name.node, twice.name);
            let finding = errors::duplicate(Code::E0307, &what, name.span, first).with_help("keep one of them");
            self.diagnostics.push(finding);
            return;
        }
        let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
        fields.extend(parts);
        whole.is_sensitive |= reads.is_sensitive;
        whole.reads.extend(own(&reads));
        whole.reads.sort();
        whole.reads.dedup();
        for part in names {
            self.part_policy(at, &part, cases);
        }
    }

    /// One part of a composite; parts of one field are gathered into one record.
    fn part(
        &mut self,
        name: &Name,
        field: &SchemaField,
        (part, ty): (&Arc<str>, &Type),
        mapping: &Mapping,
        entry: &Entry<MapEntry>,
    ) {
        let on_missing = self.on_missing(mapping);
        let cases = self.cases(mapping);
        let is_unique = unique(&name.node, field).is_some_and(|unique| *unique == **part);
        self.check_case_words(name, field, mapping, is_unique);
        let (typed, reads) = self.value(mapping, ty, on_missing);
        self.check_sensitive(name, field, &reads);
        let named = NamedExpr { name: part.to_string(), value: typed.expr };
        let at = self.parts.get(&name.node).copied();
        if let Some(whole) = at.and_then(|at| self.map.fields.get_mut(at)) {
            if let Expr::Record { fields } = &mut whole.value {
                fields.push(named);
            }
            whole.is_sensitive |= reads.is_sensitive;
            whole.reads.extend(own(&reads));
            whole.reads.sort();
            whole.reads.dedup();
            if let Some(at) = at {
                self.part_policy(at, part, cases);
            }
            return;
        }
        self.parts.insert(Arc::clone(&name.node), self.map.fields.len());
        let of_map = Cases { empty: self.on_empty, taken: TakenPolicy::default(), outside: OutsidePolicy::default() };
        let field = made(name, field, Expr::Record { fields: vec![named] }, &reads, (of_map, entry));
        let at = self.map.fields.len();
        self.map.fields.push(field);
        self.part_policy(at, part, cases);
    }

    /// The value as a type, and what it reads.
    fn value(&mut self, mapping: &Mapping, ty: &Type, on_missing: OnMissing) -> (Typed, Reads) {
        if matches!(mapping.value.node, Expression::Default) {
            return (Typed::new(Expr::Default, ty.clone()), Reads::default());
        }
        let scope = self.scope();
        let (says_error, found_before) = (self.says_error, self.found_before);
        let mut inference = Inference::new(self.world, scope, self.usage, self.diagnostics);
        inference.on_missing = on_missing;
        inference.is_ruled = says_error;
        inference.found_before = found_before;
        inference.target = target_span(&mapping.target).map(|span| (span, ty.clone()));
        let typed = inference.against(&mapping.value, ty);
        let mut reads = inference.take_reads();
        reads.is_sensitive |= self.says_sensitive(&typed.expr);
        self.note_reads(&reads.own, mapping.value.span);
        if let Some(word) = mapping.case("missing")
            && !reads.refers
            && *ty != Type::File
            && !matches!(typed.ty, Type::Unknown)
            && self.source.is_some()
        {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    "nothing here is a file or refers to a record that could be missing",
                    word.span,
                    "refers to nothing",
                )
                .with_help("remove `on missing`; for a value that fails write `otherwise`"),
            );
        }
        (typed, reads)
    }

    /// True where the value holds the text of a reference by a sensitive column, and not only the record that it refers to.
    fn says_sensitive(&self, value: &Expr) -> bool {
        let Some(source) = self.source else { return false };
        let mut said: Vec<&str> = Vec::new();
        let mut followed: Vec<&str> = Vec::new();
        value.walk(&mut |expr| match expr {
            Expr::Column { name } => said.push(name),
            Expr::Through { key, .. } | Expr::Reference { key, .. } | Expr::Owner { key, .. } => {
                key.walk(&mut |part| {
                    if let Expr::Column { name } = part {
                        followed.push(name);
                    }
                });
            }
            _ => {}
        });
        let times = |names: &[&str], name: &str| names.iter().filter(|other| **other == name).count();
        said.iter().any(|name| {
            let field = source.fields.get(*name);
            field.is_some_and(|field| self.world.source.holds_sensitive(field))
                && times(&said, name) > times(&followed, name)
        })
    }

    fn file_name(&mut self, mapping: &Mapping, ty: &Type, reads: &mut Reads) -> Option<Expr> {
        let name = mapping.file_name.as_ref()?;
        if *ty != Type::File {
            self.diagnostics.push(
                Diagnostic::new(Code::E0303, "`as` names a file, and this field holds none", name.span, "not a file")
                    .with_help("remove `as …`"),
            );
            return None;
        }
        let scope = self.scope();
        let mut inference = Inference::new(self.world, scope, self.usage, self.diagnostics);
        let typed = inference.against(name, &Type::Text);
        let more = inference.take_reads();
        self.note_reads(&more.own, name.span);
        reads.own.extend(more.own);
        reads.is_sensitive |= more.is_sensitive;
        Some(typed.expr)
    }

    /// `(pipeline, pipelineStage, status) = (pipeline, stage) | DealStage`
    fn fields(&mut self, names: &[Name], mapping: &Mapping, entry: &Entry<MapEntry>) {
        let on_missing = self.on_missing(mapping);
        let cases = self.cases(mapping);
        let scope = self.scope();
        let mut inference = Inference::new(self.world, scope, self.usage, self.diagnostics);
        inference.on_missing = on_missing;
        let value = inference.infer(&mapping.value);
        let reads = inference.take_reads();
        self.note_reads(&reads.own, mapping.value.span);
        if value.ty.is_silent() {
            for name in names {
                self.written.entry(Arc::clone(&name.node)).or_insert(name.span);
            }
            return;
        }
        let types = match &value.ty {
            Type::Tuple(types) if types.len() == names.len() => types.clone(),
            ty => {
                let found = ty.to_string();
                let diagnostic = errors::type_mismatch(&format!("{} values", names.len()), &found, mapping.value.span);
                self.diagnostics.push(diagnostic.with_help("write a tuple, or pipe into a picklist of several fields"));
                return;
            }
        };
        for (at, name) in names.iter().enumerate() {
            let Some(field) = self.schema_field(name) else {
                self.unknown_target(name);
                continue;
            };
            self.check_writable(name, field);
            if !self.write(name) {
                continue;
            }
            let at = self.output(&value.expr, name).unwrap_or(at);
            let (Some(expr), Some(ty)) = (element(&value.expr, at), types.get(at).cloned()) else {
                let diagnostic = errors::type_mismatch("a tuple", &value.ty.to_string(), mapping.value.span);
                self.diagnostics.push(diagnostic.with_help("write each field by itself"));
                return;
            };
            self.check_sensitive(name, field, &reads);
            self.check_case_words(name, field, mapping, unique(&name.node, field).is_some());
            let one = self.element_value(expr, (ty, &field.ty), on_missing, mapping.value.span);
            let field = made(name, field, one, &reads, (cases, entry));
            self.map.fields.push(field);
        }
    }

    /// Which of a picklist's fields a name is, so that the order on the left may differ from the table's.
    fn output(&self, expr: &Expr, name: &Name) -> Option<usize> {
        match expr {
            Expr::Picklist { table, .. } => {
                let table = self.world.tables.get(table.as_str())?;
                table.spec.fields.iter().position(|field| **field == *name.node)
            }
            Expr::Otherwise { value, .. } => self.output(value, name),
            _ => None,
        }
    }

    /// A row's value names a record that is there already, where the field is a relation to an object that is matched only.
    fn element_value(&mut self, expr: Expr, (found, wanted): (Type, &Type), on_missing: OnMissing, span: Span) -> Expr {
        if let (Type::Key(key), Expr::Picklist { .. } | Expr::Otherwise { .. }) = (wanted, &expr)
            && let [target] = key.targets.as_slice()
            && let Some(object) = self.world.schema.objects.get(&target.object)
            && let Some(unique) = object.unique_field()
        {
            let field = NamedExpr { name: unique.to_string(), value: expr };
            return Expr::Existing { object: target.object.to_string(), fields: vec![field], on_missing };
        }
        let scope = self.scope();
        let mut inference = Inference::new(self.world, scope, self.usage, self.diagnostics);
        inference.on_missing = on_missing;
        inference.convert(Typed::new(expr, found), wanted, span).expr
    }
}

fn made(
    name: &Name,
    field: &SchemaField,
    value: Expr,
    reads: &Reads,
    (cases, entry): (Cases, &Entry<MapEntry>),
) -> spec::Field {
    let attributes = &field.attributes;
    spec::Field {
        name: name.node.to_string(),
        ty: field.ty.to_field_type(),
        value,
        file_name: None,
        missing_file: OnMissing::default(),
        on_empty: cases.empty,
        on_taken: cases.taken,
        on_outside: cases.outside,
        parts: Vec::new(),
        default: attributes.default.clone(),
        max: attributes.max,
        safe: attributes.safe,
        part_max: part_max(&field.ty),
        loses: None,
        is_new: field.is_new,
        unique: unique(&name.node, field),
        create_only: attributes.create_only || attributes.fixed || attributes.parent,
        required: attributes.required,
        is_required: attributes.required || attributes.parent || attributes.fixed || attributes.create_only,
        linked_by: attributes.linked_by.as_ref().map(ToString::to_string),
        since: attributes.since.as_ref().map(|since| since.node.to_string()),
        is_sensitive: reads.is_sensitive || attributes.sensitive,
        reads: own(reads),
        description: documentation(&entry.docs),
        span: entry.span,
    }
}

fn target_span(target: &MappingTarget) -> Option<Span> {
    match target {
        MappingTarget::Field(path) => Some(path.span),
        MappingTarget::New(field) => Some(field.ty.span),
        MappingTarget::Fields(_) => None,
    }
}

/// One value of several.
fn element(expr: &Expr, at: usize) -> Option<Expr> {
    Some(match expr {
        Expr::Tuple { items } => items.get(at)?.clone(),
        Expr::Picklist { table, inputs, .. } => {
            Expr::Picklist { table: table.clone(), inputs: inputs.clone(), output: at }
        }
        Expr::None => Expr::None,
        Expr::Otherwise { value, recovery } => {
            let recovery = match recovery {
                migr_plan::Recovery::Use { value } => migr_plan::Recovery::Use { value: Box::new(element(value, at)?) },
                other => other.clone(),
            };
            Expr::Otherwise { value: Box::new(element(value, at)?), recovery }
        }
        Expr::If { condition, then, otherwise } => Expr::If {
            condition: condition.clone(),
            then: Box::new(element(then, at)?),
            otherwise: Box::new(element(otherwise, at)?),
        },
        _ => return None,
    })
}

fn own(reads: &Reads) -> Vec<String> {
    reads.own.iter().map(ToString::to_string).collect()
}

/// Parts of a composite of which the destination holds no more than so many characters.
fn part_max(ty: &Type) -> Vec<PartMax> {
    let Type::Composite(composite) = ty else { return Vec::new() };
    let most = composite.parts.iter().filter_map(|part| Some(PartMax { part: part.name.to_string(), max: part.max? }));
    most.collect()
}

/// The part that no two records share; the field itself where it has no parts.
fn unique(name: &Arc<str>, field: &SchemaField) -> Option<String> {
    match &field.ty {
        Type::Composite(composite) => {
            let part = composite.parts.iter().find(|part| part.unique);
            let part = if field.attributes.unique { part.or_else(|| composite.unique_part()) } else { part };
            part.map(|part| part.name.to_string())
        }
        _ => field.attributes.unique.then(|| name.to_string()),
    }
}
