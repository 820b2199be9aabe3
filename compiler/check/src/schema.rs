//! The destination as it will be once setup is done: the catalog with new objects, fields and options.

mod naming;
mod option_form;

use std::sync::Arc;

use migr_diagnostics::{Applicability, Code, Diagnostic, Diagnostics, Edit, Fix};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{self, Entry, MapDestination, MapEntry, MappingTarget, Name};

pub(crate) use naming::option_of;
use naming::{check_field_name, check_label, check_name};
pub(crate) use option_form::{Written, check as check_options};

use crate::ServedOptions;
use crate::catalog::types as catalog_types;
use crate::catalog::{Attributes, CUSTOM, Catalog, Object};
use crate::errors;
use crate::in_order::{IndexMap, IndexSet};
use crate::picklists::{self, Choices};
use crate::program::{Program, documentation};
use crate::spec::{NewField, NewObject};
use crate::types::{Key, KeyTarget, Options, Served, Type};

/// The destination's objects.
pub(crate) struct Schema<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) objects: IndexMap<Arc<str>, SchemaObject>,
    /// The catalog says of some field that it is sensitive, so the others are not.
    pub(crate) marks_sensitive: bool,
    pub(crate) new_objects: Vec<NewObject>,
    /// By object and name; their types follow the schema's.
    pub(crate) new_fields: IndexMap<(Arc<str>, Arc<str>), NewField>,
}

pub(crate) struct SchemaObject {
    pub(crate) name: Arc<str>,
    pub(crate) is_new: bool,
    pub(crate) is_matched_only: bool,
    pub(crate) has_no_custom_fields: bool,
    pub(crate) fields: IndexMap<Arc<str>, SchemaField>,
    pub(crate) span: Span,
}

#[derive(Clone)]
pub(crate) struct SchemaField {
    pub(crate) ty: Type,
    pub(crate) attributes: Arc<Attributes>,
    pub(crate) is_new: bool,
    pub(crate) span: Span,
}

impl SchemaObject {
    pub(crate) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(|name| &**name)
    }

    /// The field that singles a record out: `name: text unique`.
    pub(crate) fn unique_field(&self) -> Option<&Arc<str>> {
        self.fields.iter().find(|(_, field)| field.attributes.unique).map(|(name, _)| name)
    }
}

impl<'a> Schema<'a> {
    /// The catalog's objects, and those that maps create with their fields.
    pub(crate) fn declare(catalog: &'a Catalog<'a>, program: &Program<'a>, diagnostics: &mut Diagnostics) -> Self {
        let mut fields = catalog.objects.values().flat_map(|object| object.fields.values());
        let marks_sensitive = fields.any(|field| field.attributes.sensitive);
        let mut schema = Self {
            catalog,
            objects: IndexMap::default(),
            marks_sensitive,
            new_objects: Vec::new(),
            new_fields: IndexMap::default(),
        };
        for (name, object) in &catalog.objects {
            if &**name != CUSTOM {
                schema.objects.insert(Arc::clone(name), from_catalog(object));
            }
        }
        for map in program.maps.values() {
            if let MapDestination::New { plural, plural_label, singular, singular_label } = &map.node.destination {
                let born = NewObject {
                    plural: plural.node.to_string(),
                    plural_label: plural_label.node.to_string(),
                    singular: singular.node.to_string(),
                    singular_label: singular_label.node.to_string(),
                    description: documentation(&map.item.docs),
                    span: plural.span,
                };
                schema.declare_object(plural, singular, born, diagnostics);
            }
        }
        schema.expand_custom();
        for map in program.maps.values() {
            let home = destination_name(&map.node.destination);
            for entry in &map.entries {
                schema.declare_field(home, entry, program, diagnostics);
            }
        }
        schema.check_junctions(diagnostics);
        schema
    }

    /// `many a through links`: the links are records of an object that is there, that a map creates, or that the connector keeps.
    fn check_junctions(&self, diagnostics: &mut Diagnostics) {
        let kept = &self.catalog.junctions;
        for field in self.objects.values().flat_map(|object| object.fields.values()) {
            let Type::Many(many) = &field.ty else { continue };
            let Some(through) = &many.through else { continue };
            if kept.contains(&through.node) || self.objects.contains_key(&through.node) {
                continue;
            }
            diagnostics.push(
                errors::Missing {
                    code: Code::E0329,
                    message: format!("there is no object `{}` that could hold these links", through.node),
                    written: &through.node,
                    span: through.span,
                    what: "objects here".to_owned(),
                }
                .among(self.objects.keys().map(|name| &**name).chain(kept.iter().map(|name| &**name))),
            );
        }
    }

    /// `-> people | custom` refers to every object that this program creates.
    fn expand_custom(&mut self) {
        let new: Vec<KeyTarget> =
            self.objects.values().filter(|object| object.is_new).map(|object| target(&object.name)).collect();
        for field in self.objects.values_mut().flat_map(|object| object.fields.values_mut()) {
            if let Type::Key(key) = &mut field.ty
                && key.targets.iter().any(|target| &*target.object == CUSTOM)
            {
                let key = Arc::make_mut(key);
                key.targets.retain(|target| &*target.object != CUSTOM);
                key.targets.extend(new.iter().cloned());
            }
        }
    }

    fn declare_object(&mut self, plural: &Name, singular: &Name, born: NewObject, diagnostics: &mut Diagnostics) {
        check_name(self.catalog, plural, diagnostics);
        check_name(self.catalog, singular, diagnostics);
        if plural.node == singular.node {
            diagnostics.push(
                Diagnostic::new(
                    Code::E0206,
                    format!("`{}` cannot be the name of many and of one", plural.node),
                    singular.span,
                    "same as the name of many",
                )
                .with_help("give the two names different spellings"),
            );
        }
        if let Some(there) = self.objects.get(&plural.node) {
            let help = if there.is_new {
                format!("write `-> {}` here; the other map creates the object", plural.node)
            } else {
                format!("write `-> {}`, or choose another name", plural.node)
            };
            diagnostics.push(
                Diagnostic::new(
                    Code::E0202,
                    format!("there is an object `{}` already", plural.node),
                    plural.span,
                    "there already",
                )
                .with_label(there.span, "this one")
                .with_help(help),
            );
            return;
        }
        let mut fields: IndexMap<Arc<str>, SchemaField> = IndexMap::default();
        if let Some(shape) = self.catalog.objects.get(CUSTOM) {
            fields = from_catalog(shape).fields;
        }
        self.objects.insert(
            Arc::clone(&plural.node),
            SchemaObject {
                name: Arc::clone(&plural.node),
                is_new: true,
                is_matched_only: false,
                has_no_custom_fields: false,
                fields,
                span: plural.span,
            },
        );
        self.new_objects.push(born);
    }

    fn declare_field(
        &mut self,
        home: &Name,
        entry: &Entry<MapEntry>,
        program: &Program<'a>,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(MapEntry::Mapping(mapping)) = &entry.node else { return };
        let fields: Vec<&ast::NewField> = match &mapping.target {
            MappingTarget::New(field) => vec![field],
            MappingTarget::Fields(fields) => fields
                .iter()
                .filter_map(|field| match field {
                    ast::DecidedField::New(field) => Some(field),
                    ast::DecidedField::Field(_) => None,
                })
                .collect(),
            MappingTarget::Field(_) => return,
        };
        for field in fields {
            self.declare_new(home, field, entry, program, diagnostics);
        }
    }

    fn declare_new(
        &mut self,
        home: &Name,
        field: &ast::NewField,
        entry: &Entry<MapEntry>,
        program: &Program<'a>,
        diagnostics: &mut Diagnostics,
    ) {
        let ast::NewField { name, label, ty, inverse, sensitive } = field;
        let (resolved, choices) = self.new_type(home, name, ty, program, diagnostics);
        let Some(there) = self.objects.get_mut(&home.node) else { return };
        if there.has_no_custom_fields {
            diagnostics.push(
                Diagnostic::new(
                    Code::E0319,
                    format!("`{}` takes no custom fields", home.node),
                    name.span,
                    "cannot be created",
                )
                .with_label(there.span, "`fields none`")
                .with_help("write the value into a field that is there, or drop the column"),
            );
            return;
        }
        if let Some(first) = there.fields.get(&name.node) {
            let help = if first.is_new {
                format!("write `{} = …` here; the other map creates the field", name.node)
            } else {
                format!("write `{} = …`, or choose another name", name.node)
            };
            diagnostics.push(
                Diagnostic::new(
                    Code::E0202,
                    format!("`{}` has a field `{}` already", home.node, name.node),
                    name.span,
                    "there already",
                )
                .with_label(first.span, "this one")
                .with_help(help),
            );
            return;
        }
        check_field_name(self.catalog, name, diagnostics);
        let is_of_home = |field: &&NewField| field.object == *home.node;
        let new = self.new_fields.values().filter(is_of_home).map(|field| (&*field.name, &*field.label));
        let made = self.catalog.objects.get(&home.node).into_iter().flat_map(|object| object.fields.values());
        let made = made.filter_map(|field| Some((&*field.name.node, &**field.attributes.made.as_ref()?)));
        check_label(self.catalog, label, new.chain(made), diagnostics);
        let field = NewField {
            object: home.node.to_string(),
            name: name.node.to_string(),
            label: label.node.to_string(),
            ty: resolved.to_field_type(),
            options: choices.options,
            options_from: choices.options_from,
            inverse: inverse.as_ref().map(|text| text.node.to_string()),
            description: documentation(&entry.docs),
            span: entry.span,
        };
        self.new_fields.insert((Arc::clone(&home.node), Arc::clone(&name.node)), field);
        there.fields.insert(
            Arc::clone(&name.node),
            SchemaField {
                ty: resolved,
                attributes: if *sensitive { Attributes::sensitive() } else { Attributes::none() },
                is_new: true,
                span: name.span,
            },
        );
    }

    /// The type of a new field, with the options that setup is to create.
    fn new_type(
        &self,
        home: &Name,
        name: &Name,
        ty: &Spanned<ast::Type>,
        program: &Program<'a>,
        diagnostics: &mut Diagnostics,
    ) -> (Type, Choices) {
        let of = format!("{}.{}", home.node, name.node);
        let inline = |names: &[Name], diagnostics: &mut Diagnostics| {
            let options = catalog_types::options(&of, names, diagnostics);
            let written: Vec<Written<'_>> = names.iter().map(Written::from).collect();
            check_options(self.catalog, &written, diagnostics);
            let choices =
                Choices { options: options.values.iter().map(|value| option_of(value)).collect(), options_from: None };
            (options, choices)
        };
        let from = |picklist: &Name, diagnostics: &mut Diagnostics| -> Option<(Arc<Options>, Choices)> {
            let Some(there) = program.picklists.get(&picklist.node) else {
                let valid = program.picklists.keys().map(|name| &**name);
                diagnostics.push(errors::unknown_name("picklist", &picklist.node, picklist.span, valid));
                return None;
            };
            let choices = picklists::choices(there);
            check_options(self.catalog, &picklists::written(there, 0, true), diagnostics);
            let values = choices.options.iter().map(|option| Arc::from(option.value.as_str())).collect();
            Some((
                Arc::new(Options {
                    of: of.as_str().into(),
                    values,
                    extensible: true,
                    open: false,
                    labels: IndexMap::default(),
                    served: Served::Nowhere,
                }),
                choices,
            ))
        };
        match &ty.node {
            ast::Type::Select(names) => {
                let (options, choices) = inline(names, diagnostics);
                (Type::Select(options), choices)
            }
            ast::Type::Multiselect(names) => {
                let (options, choices) = inline(names, diagnostics);
                (Type::Multiselect(options), choices)
            }
            ast::Type::SelectFrom(picklist) => match from(picklist, diagnostics) {
                Some((options, choices)) => (Type::Select(options), choices),
                None => (Type::Unknown, Choices::default()),
            },
            ast::Type::MultiselectFrom(picklist) => match from(picklist, diagnostics) {
                Some((options, choices)) => (Type::Multiselect(options), choices),
                None => (Type::Unknown, Choices::default()),
            },
            _ => (self.plain_new_type(ty, None, program, diagnostics), Choices::default()),
        }
    }

    /// A type without options of its own; `list` is the list that it is the element of.
    fn plain_new_type(
        &self,
        ty: &Spanned<ast::Type>,
        list: Option<Span>,
        program: &Program<'a>,
        diagnostics: &mut Diagnostics,
    ) -> Type {
        match &ty.node {
            ast::Type::Named(name) => catalog_types::named(name, &self.catalog.composites, diagnostics),
            ast::Type::List(inner) => match self.plain_new_type(inner, Some(ty.span), program, diagnostics) {
                Type::Unknown => Type::Unknown,
                inner => Type::list(inner),
            },
            ast::Type::Reference { targets, by: None } => {
                let mut found = Vec::new();
                for ast::Referred { path, columns } in targets {
                    if let (Some(first), Some(last)) = (columns.first(), columns.last()) {
                        diagnostics.push(errors::bad_value(
                            "a relation of the destination names an object, not its fields",
                            first.span.to(last.span),
                            "write the object alone",
                        ));
                        continue;
                    }
                    let Some(object) = path.node.first() else { continue };
                    if !self.objects.contains_key(&object.node) {
                        let is_made =
                            |name: &str| program.maps.values().any(|map| *map.node.destination.name().node == *name);
                        let missing = errors::missing_name("object", &object.node, object.span);
                        diagnostics.push(missing.among_fitting(self.objects.keys().map(|name| &**name), is_made));
                    } else if let Some(part) = path.node.get(1) {
                        diagnostics.push(errors::bad_value(
                            "a relation of the destination names an object, not a field",
                            part.span,
                            format!("write `-> {}`", object.node),
                        ));
                    } else {
                        found.push(target(&object.node));
                    }
                }
                if found.len() == targets.len() {
                    Type::Key(Arc::new(Key { targets: found, by: None }))
                } else {
                    Type::Unknown
                }
            }
            ast::Type::Reference { .. } => {
                diagnostics.push(errors::bad_value(
                    "`by` tells which object a column of the source means; a relation of the destination holds any of its objects",
                    ty.span,
                    "leave `by` out: `-> a | b`",
                ));
                Type::Unknown
            }
            ast::Type::Many { .. } => {
                diagnostics.push(errors::bad_value(
                    "a `many` field is the other side of relations, and is not created by itself",
                    ty.span,
                    "create the relation where it is held, `new name \"Label\": -> object inverse \"Other side\"`, or map an object of links",
                ));
                Type::Unknown
            }
            ast::Type::SelectPer(_) => {
                diagnostics.push(errors::bad_value(
                    "options that depend on another field cannot be created",
                    ty.span,
                    "write the options out, `select { A, B }`, or name a picklist",
                ));
                Type::Unknown
            }
            ast::Type::Select(_)
            | ast::Type::Multiselect(_)
            | ast::Type::SelectFrom(_)
            | ast::Type::MultiselectFrom(_) => {
                let finding = errors::bad_value(
                    "a field of several options is a `multiselect`",
                    ty.span,
                    "write `multiselect …` in place of `list(select …)`",
                );
                let is_of_one = matches!(ty.node, ast::Type::Select(_) | ast::Type::SelectFrom(_));
                diagnostics.push(match list {
                    Some(list) => finding.with_fix(without_list(list, ty.span, if is_of_one { "multi" } else { "" })),
                    None => finding,
                });
                Type::Unknown
            }
        }
    }

    /// Puts a field's options in their final order, new ones included.
    pub(crate) fn set_options(
        &mut self,
        object: &str,
        field: &str,
        order: &IndexSet<Arc<str>>,
        labels: impl Iterator<Item = (Arc<str>, Arc<str>)>,
    ) {
        let Some(there) = self.objects.get_mut(object).and_then(|object| object.fields.get_mut(field)) else { return };
        if let Type::Select(options) | Type::Multiselect(options) = &mut there.ty {
            let options = Arc::make_mut(options);
            let mut values: Vec<Arc<str>> = order.iter().cloned().collect();
            values.extend(options.values.iter().filter(|value| !order.contains(*value)).cloned());
            options.values = values;
            options.labels.extend(labels);
        }
    }

    /// Gives the catalog's selects the options that the server has.
    pub(crate) fn serve(&mut self, served: ServedOptions<'_>, destination: &str) {
        let known = match served {
            ServedOptions::Known(found) if found.name == destination => Some(found),
            ServedOptions::Known(_) | ServedOptions::Unasked | ServedOptions::Any => None,
        };
        for (object, there) in &mut self.objects {
            let found = known.and_then(|found| found.object(object));
            for (name, field) in there.fields.iter_mut().filter(|(_, field)| !field.is_new) {
                let (Type::Select(options) | Type::Multiselect(options)) = &mut field.ty else { continue };
                let found = found.and_then(|found| found.field(name)).filter(|found| !found.options.is_empty());
                Arc::make_mut(options).served = match (found, served) {
                    (Some(found), _) => Served::Known(
                        found
                            .options
                            .iter()
                            .map(|one| (one.value.as_str().into(), one.label.as_str().into()))
                            .collect(),
                    ),
                    (None, ServedOptions::Any) => Served::Any,
                    (None, ServedOptions::Known(_) | ServedOptions::Unasked) => Served::Unasked,
                };
            }
        }
    }

    /// New fields with their types as they are in the end.
    pub(crate) fn finished_fields(&self) -> Vec<NewField> {
        self.new_fields
            .iter()
            .map(|((object, name), field)| {
                let ty = self.objects.get(object).and_then(|object| object.fields.get(name));
                NewField { ty: ty.map_or_else(|| field.ty.clone(), |field| field.ty.to_field_type()), ..field.clone() }
            })
            .collect()
    }
}

/// `list(select { A })` → `multiselect { A }`
fn without_list(list: Span, inner: Span, before: &str) -> Fix {
    Fix {
        title: "write `multiselect`".to_owned(),
        edits: vec![
            Edit { span: Span { end: inner.start, ..list }, text: before.to_owned() },
            Edit { span: Span { start: inner.end, ..list }, text: String::new() },
        ],
        applicability: Applicability::Unsafe,
    }
}

fn target(object: &Arc<str>) -> KeyTarget {
    KeyTarget { object: Arc::clone(object), column: None, ignore_case: false, ignore_space: false }
}

/// The destination object that a map names.
pub(crate) fn destination_name(destination: &MapDestination) -> &Name {
    match destination {
        MapDestination::Object(name) | MapDestination::New { plural: name, .. } => name,
    }
}

fn from_catalog(object: &Object<'_>) -> SchemaObject {
    let fields = object.fields.iter().map(|(name, field)| {
        let field = SchemaField {
            ty: field.ty.clone(),
            attributes: field.attributes.clone(),
            is_new: false,
            span: field.name.span,
        };
        (Arc::clone(name), field)
    });
    SchemaObject {
        name: Arc::clone(&object.name.node),
        is_new: false,
        is_matched_only: object.is_matched_only,
        has_no_custom_fields: object.has_no_custom_fields,
        fields: fields.collect(),
        span: object.name.span,
    }
}
