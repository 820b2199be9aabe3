//! Building of a system's catalog from its items and extensions.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostics};
use migr_plan::{Limit, Undocumented};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{self, Entry, Name, ObjectEntry, Quantity, SystemEntry, Text};

use super::field::{attributes, field_type};
use super::{
    Attributes, Catalog, Check, Field, Form, LabelRule, NameRule, Object, OptionRule, defaults, knowledge, unbuilt,
};
use crate::errors;
use crate::formats;
use crate::in_order::IndexMap;
use crate::merge::{Slot, merge};
use crate::program::Extended;
use crate::quantity;
use crate::types::{Composite, CompositePart, Options, Served, Type};
use crate::values;

/// The catalog of a system with its extensions. Every finding about the catalog itself is made here.
pub(crate) fn build<'a>(system: &Extended<'a, ast::System, SystemEntry>, diagnostics: &mut Diagnostics) -> Catalog<'a> {
    let mut catalog = Catalog {
        name: system.name.clone(),
        timezone: None,
        blank: Vec::new(),
        connector: None,
        limits: Vec::new(),
        formats: IndexMap::default(),
        names: None,
        labels: None,
        options: None,
        composites: IndexMap::default(),
        losses: Vec::new(),
        undocumented: Vec::new(),
        junctions: Vec::new(),
        calls: Vec::new(),
        versions: Vec::new(),
        rollback_of: Vec::new(),
        objects: IndexMap::default(),
    };
    let (objects, others): (Vec<_>, Vec<_>) =
        system.entries.iter().copied().partition(|entry| matches!(entry.node, Some(SystemEntry::Object(_))));
    let others = merge(others, Code::E0202, system_slots, diagnostics);
    let shapes = gather_objects(objects, diagnostics);
    let names: Vec<Arc<str>> = shapes.keys().cloned().collect();
    let resolver = Resolver { objects: &names, columns: &shapes };
    let mut composites = built_in_composites(names.iter().any(|name| &**name == "workspaceMembers"));
    for entry in &others {
        if let Some(SystemEntry::Composite { name, fields }) = &entry.node {
            let composite = composite(name, fields, &composites, &resolver, diagnostics);
            composites.insert(Arc::clone(&name.node), Arc::new(composite));
        }
    }
    for entry in &others {
        if let Some(node) = &entry.node {
            system_entry(&mut catalog, node, entry.span, diagnostics);
        }
    }
    for entry in others {
        if let Some(SystemEntry::Loses { unless: Some(unless), .. }) = &entry.node {
            knowledge::known_part(&catalog.undocumented, unless, diagnostics);
        }
    }
    for (name, shape) in &shapes {
        let object = object(shape, &composites, &resolver, diagnostics);
        catalog.objects.insert(Arc::clone(name), object);
    }
    catalog.composites = composites;
    catalog
}

/// Objects and columns that types are resolved against.
pub(super) struct Resolver<'r, 'a> {
    pub(super) objects: &'r [Arc<str>],
    pub(super) columns: &'r IndexMap<Arc<str>, Shape<'a>>,
}

/// An object as written, with what extensions add.
pub(super) struct Shape<'a> {
    object: &'a ast::Object,
    entry: &'a Entry<SystemEntry>,
    pub(super) entries: Vec<&'a Entry<ObjectEntry>>,
    is_broken: bool,
}

impl Shape<'_> {
    /// The field of a name, as written.
    pub(super) fn field(&self, name: &str) -> Option<&ast::Field> {
        self.entries.iter().find_map(|entry| match &entry.node {
            Some(ObjectEntry::Field(field)) if &*field.name.node == name => Some(field),
            _ => None,
        })
    }

    pub(super) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match &entry.node {
            Some(ObjectEntry::Field(field)) => Some(&*field.name.node),
            _ => None,
        })
    }
}

fn system_slots(entry: &SystemEntry) -> Vec<Slot> {
    let (key, span) = match entry {
        SystemEntry::Timezone(text) => ("timezone".to_owned(), text.span),
        SystemEntry::Blank(texts) => match texts.first() {
            Some(text) => ("blank".to_owned(), text.span),
            None => return Vec::new(),
        },
        SystemEntry::Connector(name) => ("connector".to_owned(), name.span),
        SystemEntry::Names { pattern, .. } => ("names".to_owned(), pattern.span),
        SystemEntry::Labels { pattern, .. } => ("labels".to_owned(), pattern.span),
        SystemEntry::Options { pattern, .. } => ("options".to_owned(), pattern.span),
        SystemEntry::Composite { name, .. } => (format!("composite {}", name.node), name.span),
        SystemEntry::Object(object) => (format!("object {}", object.name.node), object.name.span),
        SystemEntry::Format { ty, .. } => (format!("format {}", ty.node), ty.span),
        SystemEntry::Undocumented { what, .. } => (format!("undocumented \"{}\"", what.node), what.span),
        SystemEntry::Loses { what, is_new, of, .. } => {
            let of: Vec<&str> = of.node.iter().map(|name| &*name.node).collect();
            (format!("loses {} {is_new} {}", what.node, of.join(".")), what.span)
        }
        SystemEntry::RollbackOf { ty, .. } => (format!("rollback of {}", ty.node), ty.span),
        SystemEntry::Limits(_)
        | SystemEntry::Layout(_)
        | SystemEntry::Allow(_)
        | SystemEntry::Junctions(_)
        | SystemEntry::Calls(_)
        | SystemEntry::Versions(_) => return Vec::new(),
    };
    vec![Slot::of(key, span)]
}

/// Objects by name; one of an extension adds its entries to the one that is there.
fn gather_objects<'a>(
    entries: Vec<&'a Entry<SystemEntry>>,
    diagnostics: &mut Diagnostics,
) -> IndexMap<Arc<str>, Shape<'a>> {
    let mut shapes: IndexMap<Arc<str>, Shape<'a>> = IndexMap::default();
    for entry in entries {
        let Some(SystemEntry::Object(object)) = &entry.node else { continue };
        let adds = object.from.is_none() && !object.matched_only && object.restricted.is_none() && !object.optional;
        match shapes.get_mut(&object.name.node) {
            Some(shape) if entry.overrides => {
                *shape = Shape { object, entry, entries: object.entries.iter().collect(), is_broken: false };
            }
            Some(shape) if adds && shape.object.name.span.file != object.name.span.file => {
                shape.entries.extend(&object.entries);
            }
            Some(shape) => diagnostics.push(
                errors::duplicate(
                    Code::E0202,
                    &format!("object `{}`", object.name.node),
                    object.name.span,
                    shape.object.name.span,
                )
                .with_help("keep one of them, or write `override` before the one that replaces the other"),
            ),
            None => {
                let shape = Shape { object, entry, entries: object.entries.iter().collect(), is_broken: false };
                shapes.insert(Arc::clone(&object.name.node), shape);
            }
        }
    }
    for shape in shapes.values_mut() {
        shape.is_broken = shape.entries.iter().any(|entry| entry.node.is_none());
        shape.entries = merge(std::mem::take(&mut shape.entries), Code::E0202, object_slots, diagnostics);
    }
    shapes
}

fn object_slots(entry: &ObjectEntry) -> Vec<Slot> {
    match entry {
        ObjectEntry::Field(field) => vec![Slot::named("field", &field.name)],
        ObjectEntry::Key(names) => names.first().map(|name| Slot::of("key", name.span)).into_iter().collect(),
        ObjectEntry::Retain(quantity) => vec![Slot::of("retain", quantity.span)],
        ObjectEntry::Rollback(undone) => vec![Slot::of("rollback", undone.class.span)],
        ObjectEntry::Schema(undone) => vec![Slot::of("schema", undone.class.span)],
        ObjectEntry::Check { .. } | ObjectEntry::FieldsNone | ObjectEntry::Layout(_) | ObjectEntry::Allow(_) => {
            Vec::new()
        }
    }
}

fn system_entry(catalog: &mut Catalog<'_>, entry: &SystemEntry, span: Span, diagnostics: &mut Diagnostics) {
    match entry {
        SystemEntry::Timezone(zone) => {
            values::check_zone(zone, diagnostics);
            catalog.timezone = Some(zone.clone());
        }
        SystemEntry::Blank(texts) => {
            catalog.blank = texts.iter().map(|text| text.node.to_string()).collect();
        }
        SystemEntry::Connector(name) => {
            catalog.connector = Some(name.clone());
        }
        SystemEntry::Limits(limits) => {
            catalog.limits.extend(
                limits.iter().filter_map(|entry| entry.node.as_ref()).filter_map(|one| limit(one, diagnostics)),
            );
        }
        SystemEntry::Names { pattern, max, reserved, of_fields } => {
            let form = form(pattern, max.as_ref(), diagnostics);
            catalog.names = Some(NameRule { form, reserved: shared(reserved), of_fields: shared(of_fields) });
        }
        SystemEntry::Labels { pattern, max, distinct } => {
            catalog.labels = Some(LabelRule { form: form(pattern, max.as_ref(), diagnostics), distinct: *distinct });
        }
        SystemEntry::Options { pattern, max, labels, colors } => {
            catalog.options = Some(OptionRule {
                form: form(pattern, max.as_ref(), diagnostics),
                labels: labels.as_ref().map(|labels| form(labels, max.as_ref(), diagnostics)),
                colors: shared(colors),
            });
        }
        SystemEntry::Format { ty, formats, pivot } => {
            if let Some((plain, read)) = formats::of_system(ty, formats, pivot.as_ref(), diagnostics) {
                catalog.formats.insert(plain, read);
            }
        }
        SystemEntry::Layout(_) => diagnostics.push(unbuilt::layout(span)),
        SystemEntry::Loses { what, is_new, of, unless, reason } => {
            let loss = knowledge::loss((what, *is_new, of), unless.as_ref(), reason, diagnostics);
            catalog.losses.extend(loss);
        }
        SystemEntry::Undocumented { what, reason } => {
            catalog.undocumented.push(Undocumented { what: what.node.to_string(), reason: reason.node.to_string() });
        }
        SystemEntry::Junctions(names) => catalog.junctions.extend(names.iter().map(|name| Arc::clone(&name.node))),
        SystemEntry::Calls(names) => catalog.calls.extend(names.iter().map(|name| Arc::clone(&name.node))),
        SystemEntry::Versions(texts) => catalog.versions.extend(texts.iter().map(|text| text.node.to_string())),
        SystemEntry::RollbackOf { ty, undone } => {
            catalog.rollback_of.push((ty.node.to_string(), knowledge::undone(undone)));
        }
        SystemEntry::Allow(_) | SystemEntry::Composite { .. } | SystemEntry::Object(_) => {}
    }
}

fn limit(written: &ast::Limit, diagnostics: &mut Diagnostics) -> Option<Limit> {
    let what = &*written.what.node;
    let value = match what {
        "requests" | "batch" => quantity::plain(&written.value),
        "file" => quantity::bytes(&written.value),
        _ => {
            let is_of_bytes = quantity::bytes(&written.value).is_some();
            let missing = errors::missing_word("limit", what, written.what.span);
            diagnostics
                .push(missing.among_fitting(["batch", "file", "requests"], |name| (name == "file") == is_of_bytes));
            return None;
        }
    };
    let per_seconds = match &written.value.node.per {
        Some(per) if what == "requests" => {
            let seconds = quantity::seconds(per);
            if seconds.is_none() {
                diagnostics.push(errors::bad_value(
                    "a limit of requests is per a time such as `60s`",
                    written.value.span,
                    "write a number with `s`, `min`, `h` or `d`",
                ));
                return None;
            }
            seconds
        }
        _ => None,
    };
    let Some(value) = value.filter(|value| *value > 0) else {
        let example = if what == "file" { "`file 25MB`" } else { "`requests 100 per 60s`, `batch 200`" };
        diagnostics.push(errors::bad_value(
            format!("`{what}` cannot be limited to this"),
            written.value.span,
            format!("write it as {example}"),
        ));
        return None;
    };
    Some(Limit { what: what.to_owned(), value, per_seconds })
}

fn shared(texts: &[Text]) -> Vec<Arc<str>> {
    texts.iter().map(|text| Arc::clone(&text.node)).collect()
}

/// A form as it is written; a pattern that is none is reported.
fn form(pattern: &Text, max: Option<&Spanned<Quantity>>, diagnostics: &mut Diagnostics) -> Form {
    let compiled = regex::Regex::new(&pattern.node);
    if let Err(error) = &compiled {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        diagnostics.push(errors::bad_value(
            format!("this is not a regular expression: {reason}"),
            pattern.span,
            "write one such as `^[a-z][a-zA-Z0-9]*$`",
        ));
    }
    Form {
        pattern: compiled.ok(),
        written: Arc::clone(&pattern.node),
        max: max.and_then(quantity::plain).and_then(|max| usize::try_from(max).ok()),
    }
}

fn composite(
    name: &Name,
    fields: &[Entry<ast::Field>],
    composites: &IndexMap<Arc<str>, Arc<Composite>>,
    resolver: &Resolver<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> Composite {
    let slots = |field: &ast::Field| vec![Slot::named("field", &field.name)];
    let parts = merge(fields, Code::E0202, slots, diagnostics)
        .into_iter()
        .filter_map(|entry| entry.node.as_ref())
        .map(|field| {
            let attributes = attributes(field, diagnostics);
            CompositePart {
                name: Arc::clone(&field.name.node),
                ty: field_type((&name.node, &field.name.node), field, composites, resolver, diagnostics),
                unique: attributes.unique,
                max: attributes.max,
            }
        })
        .collect();
    Composite { name: Arc::clone(&name.node), parts }
}

fn object<'a>(
    shape: &Shape<'a>,
    composites: &IndexMap<Arc<str>, Arc<Composite>>,
    resolver: &Resolver<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> Object<'a> {
    let written = shape.object;
    let mut object = Object {
        name: written.name.clone(),
        span: shape.entry.span,
        is_optional: written.optional,
        file: written.from.clone(),
        restricted: written.restricted.clone(),
        is_matched_only: written.matched_only,
        has_no_custom_fields: false,
        retain: None,
        rollback: None,
        schema: None,
        key: Vec::new(),
        fields: IndexMap::default(),
        checks: Vec::new(),
        is_broken: shape.is_broken,
    };
    unbuilt::place(written, diagnostics);
    for entry in &shape.entries {
        match &entry.node {
            Some(ObjectEntry::Field(field)) => {
                let attributes = attributes(field, diagnostics);
                let mut ty =
                    field_type((&written.name.node, &field.name.node), field, composites, resolver, diagnostics);
                if let (Type::Select(options) | Type::Multiselect(options), true) = (&mut ty, attributes.extensible) {
                    Arc::make_mut(options).extensible = true;
                }
                if let (Type::Key(key), true) = (&mut ty, attributes.ignore_case || attributes.ignore_space) {
                    for target in &mut Arc::make_mut(key).targets {
                        target.ignore_case |= attributes.ignore_case;
                        target.ignore_space |= attributes.ignore_space;
                    }
                }
                unbuilt::field(field, diagnostics);
                let attributes = if field.computed.is_some() {
                    let known = (*attributes).clone();
                    Arc::new(Attributes { is_computed: true, ..known })
                } else {
                    attributes
                };
                defaults::check(field, &ty, written.from.is_some(), diagnostics);
                formats::check_field(field, &ty, diagnostics);
                let field = Field { name: field.name.clone(), ty, attributes };
                object.fields.insert(Arc::clone(&field.name.node), field);
            }
            Some(ObjectEntry::Key(names)) => object.key.clone_from(names),
            Some(ObjectEntry::Check { condition, reason }) => {
                object.checks.push(Check { condition, reason, span: entry.span });
            }
            Some(ObjectEntry::FieldsNone) => object.has_no_custom_fields = true,
            Some(ObjectEntry::Layout(_)) => diagnostics.push(unbuilt::layout(entry.span)),
            Some(ObjectEntry::Retain(quantity)) => object.retain = quantity::duration_text(quantity, diagnostics),
            Some(ObjectEntry::Rollback(undone)) => object.rollback = Some(knowledge::undone(undone)),
            Some(ObjectEntry::Schema(undone)) => object.schema = Some(knowledge::undone(undone)),
            Some(ObjectEntry::Allow(_)) | None => {}
        }
    }
    for name in &object.key {
        if !object.is_broken
            && !object.fields.contains_key(&name.node)
            && !shape.entries.iter().all(|entry| is_key(entry))
        {
            diagnostics.push(errors::unknown_field(
                &written.name.node,
                "column",
                &name.node,
                name.span,
                object.fields.keys().map(|name| &**name),
            ));
        }
    }
    // `{ key chart_id }` alone: the key is a column of texts.
    if shape.entries.iter().all(|entry| is_key(entry)) {
        for name in &object.key {
            let field = Field { name: name.clone(), ty: Type::Text, attributes: super::Attributes::none() };
            object.fields.insert(Arc::clone(&name.node), field);
        }
    }
    object
}

fn is_key(entry: &Entry<ObjectEntry>) -> bool {
    matches!(entry.node, Some(ObjectEntry::Key(_)))
}

/// Composites that every destination may use without defining them.
fn built_in_composites(has_members: bool) -> IndexMap<Arc<str>, Arc<Composite>> {
    let part = |name: &str, ty: Type| CompositePart { name: name.into(), ty, unique: false, max: None };
    let mut actor = vec![
        part(
            "source",
            Type::Select(Arc::new(Options {
                of: "actor.source".into(),
                values: ["IMPORT", "API", "MANUAL"].map(Arc::from).to_vec(),
                extensible: false,
                open: false,
                labels: IndexMap::default(),
                served: Served::Nowhere,
            })),
        ),
        part("name", Type::Text),
    ];
    if has_members {
        actor.push(part("workspaceMember", super::field::key_to("workspaceMembers")));
    }
    let texts = |names: &[&str]| names.iter().map(|name| part(name, Type::Text)).collect::<Vec<_>>();
    let mut address = texts(&[
        "addressStreet1",
        "addressStreet2",
        "addressCity",
        "addressPostcode",
        "addressState",
        "addressCountry",
    ]);
    address.push(part("addressLat", Type::Number));
    address.push(part("addressLng", Type::Number));
    let composites = [
        ("name", texts(&["firstName", "lastName"])),
        (
            "emails",
            vec![
                CompositePart { unique: true, ..part("primaryEmail", Type::Email) },
                part("additionalEmails", Type::list(Type::Email)),
            ],
        ),
        ("phones", vec![part("primaryPhoneNumber", Type::Phone), part("additionalPhones", Type::list(Type::Phone))]),
        (
            "links",
            vec![
                part("primaryLinkUrl", Type::Url),
                part("primaryLinkLabel", Type::Text),
                part("secondaryLinks", Type::list(Type::Url)),
            ],
        ),
        ("address", address),
        ("actor", actor),
    ];
    composites
        .into_iter()
        .map(|(name, parts)| (Arc::from(name), Arc::new(Composite { name: name.into(), parts })))
        .collect()
}
