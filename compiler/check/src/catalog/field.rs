//! Types, options, references and attributes of a catalog's fields.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::{FieldDefault, PlainType};
use migr_source::Spanned;
use migr_syntax::ast::{self, Attribute, Name, Path, ReferenceBy};

use super::Attributes;
use super::build::Resolver;
use crate::in_order::IndexMap;
use crate::types::{Composite, Key, KeyTarget, Many, Options, Served, Type};
use crate::{errors, quantity, values};

/// A relation to one object.
pub(crate) fn key_to(object: &str) -> Type {
    Type::Key(Arc::new(Key { targets: vec![target(Arc::from(object))], by: None }))
}

fn target(object: Arc<str>) -> KeyTarget {
    KeyTarget { object, column: None, ignore_case: false, ignore_space: false }
}

/// The type of a catalog's field. `of` is the object and the field, for messages.
pub(super) fn field_type(
    of: (&str, &str),
    field: &ast::Field,
    composites: &IndexMap<Arc<str>, Arc<Composite>>,
    resolver: &Resolver<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> Type {
    resolve(of, &field.ty, composites, resolver, diagnostics)
}

fn resolve(
    of: (&str, &str),
    ty: &Spanned<ast::Type>,
    composites: &IndexMap<Arc<str>, Arc<Composite>>,
    resolver: &Resolver<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> Type {
    match &ty.node {
        ast::Type::Named(name) => named(name, composites, diagnostics),
        ast::Type::Select(names) => Type::Select(options(&of_field(of), names, diagnostics)),
        ast::Type::Multiselect(names) => Type::Multiselect(options(&of_field(of), names, diagnostics)),
        ast::Type::SelectPer(field) => {
            let shape = resolver.columns.get(of.0);
            if let Some(shape) = shape.filter(|shape| shape.field(&field.node).is_none()) {
                let valid = shape.field_names().filter(|name| *name != of.1);
                diagnostics.push(errors::unknown_field(of.0, "field", &field.node, field.span, valid));
            }
            let of = of_field(of).into();
            Type::Select(Arc::new(Options {
                of,
                values: Vec::new(),
                extensible: true,
                open: true,
                labels: IndexMap::default(),
                served: Served::Nowhere,
            }))
        }
        ast::Type::SelectFrom(name) | ast::Type::MultiselectFrom(name) => {
            diagnostics.push(errors::bad_value(
                "a catalog lists the options of a select itself",
                name.span,
                "write them out: `select { A, B }`",
            ));
            Type::Unknown
        }
        ast::Type::List(inner) => match resolve(of, inner, composites, resolver, diagnostics) {
            Type::Unknown => Type::Unknown,
            inner => Type::list(inner),
        },
        ast::Type::Reference { targets, by } => reference(targets, by.as_ref(), resolver, diagnostics),
        ast::Type::Many { targets, through } => {
            let objects = targets
                .iter()
                .filter(|name| &*name.node == super::CUSTOM || known(name, resolver, diagnostics))
                .map(|name| Arc::clone(&name.node))
                .collect();
            Type::Many(Arc::new(Many { objects, through: through.clone() }))
        }
    }
}

fn of_field((object, field): (&str, &str)) -> String {
    format!("{object}.{field}")
}

/// A plain type or a composite.
pub(crate) fn named(
    name: &Name,
    composites: &IndexMap<Arc<str>, Arc<Composite>>,
    diagnostics: &mut Diagnostics,
) -> Type {
    if let Some(composite) = composites.get(&name.node) {
        return Type::Composite(Arc::clone(composite));
    }
    if let Some(plain) = PlainType::find(&name.node) {
        return Type::of(plain);
    }
    let valid = PlainType::ALL.iter().map(|plain| plain.name()).chain(composites.keys().map(|name| &**name));
    diagnostics.push(errors::unknown_name("type", &name.node, name.span, valid));
    Type::Unknown
}

/// Written options; one written twice is reported.
pub(crate) fn options(of: &str, names: &[Name], diagnostics: &mut Diagnostics) -> Arc<Options> {
    let mut seen: IndexMap<Arc<str>, &Name> = IndexMap::default();
    for name in names {
        if let Some(first) = seen.get(&name.node) {
            let what = format!("option `{}`", name.node);
            diagnostics
                .push(errors::duplicate(Code::E0202, &what, name.span, first.span).with_help("keep one of them"));
        } else {
            seen.insert(Arc::clone(&name.node), name);
        }
    }
    Arc::new(Options {
        of: of.into(),
        values: seen.into_keys().collect(),
        extensible: false,
        open: false,
        labels: IndexMap::default(),
        served: Served::Nowhere,
    })
}

fn known(name: &Name, resolver: &Resolver<'_, '_>, diagnostics: &mut Diagnostics) -> bool {
    if resolver.columns.contains_key(&name.node) {
        return true;
    }
    let valid = resolver.objects.iter().map(|name| &**name);
    diagnostics.push(errors::unknown_name("object", &name.node, name.span, valid));
    false
}

fn reference(
    referred: &[ast::Referred],
    by: Option<&ReferenceBy>,
    resolver: &Resolver<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> Type {
    let mut targets: Vec<KeyTarget> = Vec::new();
    let mut whole = true;
    for one in referred {
        match target_of(&one.path, resolver, diagnostics) {
            Some(target) => targets.push(target),
            None => whole = false,
        }
    }
    if !whole || targets.is_empty() {
        return Type::Unknown;
    }
    let Some(by) = by else { return Type::Key(Arc::new(Key { targets, by: None })) };
    let mut rows = Vec::new();
    for (value, object) in &by.rows {
        match targets.iter().find(|target| target.object == object.node) {
            Some(target) => rows.push((Arc::clone(&value.node), target.clone())),
            None => diagnostics.push(errors::unknown_name(
                "target",
                &object.node,
                object.span,
                targets.iter().map(|target| &*target.object),
            )),
        }
    }
    for target in &targets {
        if !rows.iter().any(|(_, row)| row.object == target.object) {
            diagnostics.push(
                Diagnostic::new(
                    Code::E0315,
                    format!("no value of `{}` means `{}`", by.column.node, target.object),
                    by.column.span,
                    "tells one of the objects",
                )
                .with_help(format!("add a row: `\"…\" = {}`", target.object)),
            );
        }
    }
    let (values, targets) = rows.into_iter().unzip();
    Type::Key(Arc::new(Key { targets, by: Some((Arc::clone(&by.column.node), values)) }))
}

fn target_of(path: &Path, resolver: &Resolver<'_, '_>, diagnostics: &mut Diagnostics) -> Option<KeyTarget> {
    let object = path.node.first()?;
    if &*object.node == super::CUSTOM && path.node.len() == 1 {
        return Some(target(Arc::clone(&object.node)));
    }
    if !known(object, resolver, diagnostics) {
        return None;
    }
    let shape = resolver.columns.get(&object.node)?;
    if let Some(extra) = path.node.get(2) {
        diagnostics.push(errors::unknown_field(&object.node, "column", &extra.node, extra.span, std::iter::empty()));
        return None;
    }
    let Some(column) = path.node.get(1) else {
        let keys = shape.entries.iter().find_map(|entry| match &entry.node {
            Some(ast::ObjectEntry::Key(names)) => Some(names.len()),
            _ => None,
        });
        if keys.is_some_and(|keys| keys > 1) {
            diagnostics.push(several_keys(object, path));
            return None;
        }
        return Some(target(Arc::clone(&object.node)));
    };
    let Some(field) = shape.field(&column.node) else {
        let valid = shape.field_names();
        diagnostics.push(errors::unknown_field(&object.node, "column", &column.node, column.span, valid));
        return None;
    };
    let mut target = target(Arc::clone(&object.node));
    for attribute in &field.attributes {
        if let Attribute::Ignore(words) = &attribute.node {
            target.ignore_case |= words.iter().any(|word| &*word.node == "case");
            target.ignore_space |= words.iter().any(|word| &*word.node == "space");
        }
    }
    target.column = Some(Arc::clone(&column.node));
    Some(target)
}

fn several_keys(object: &Name, path: &Path) -> Diagnostic {
    Diagnostic::new(
        Code::E0315,
        format!("`{}` has a key of several columns, and one value cannot name a record of it", object.node),
        path.span,
        "key of several columns",
    )
    .with_help(format!("refer to a unique column: `-> {}.column`", object.node))
}

/// `default TODO`, `default now`
fn default(written: &ast::Literal) -> FieldDefault {
    match written {
        ast::Literal::Name(name) if &**name == "now" => FieldDefault::Now,
        ast::Literal::Name(name) | ast::Literal::Text(name) => FieldDefault::Value { value: name.to_string() },
        ast::Literal::Quantity(quantity) => {
            FieldDefault::Value { value: format!("{}{}", quantity.number, quantity.unit) }
        }
    }
}

const ATTRIBUTES: &[&str] = &[
    "among",
    "blank",
    "column",
    "create",
    "default",
    "extensible",
    "fixed",
    "format",
    "gap",
    "ignore",
    "linked",
    "made",
    "max",
    "overlap",
    "parent",
    "pivot",
    "readonly",
    "required",
    "restricted",
    "retain",
    "safe",
    "sensitive",
    "since",
    "split",
    "unique",
];

/// Attributes behind which nothing more has to stand, and that any field may have.
const OF_ONE_WORD: &[&str] = &["sensitive", "unique"];

/// A number of characters behind a word, such as `max 500`.
fn characters(word: &str, written: &Spanned<ast::Quantity>, diagnostics: &mut Diagnostics) -> Option<u64> {
    let characters = quantity::plain(written);
    if characters.is_none() {
        diagnostics.push(errors::bad_value(
            format!("`{word}` is a whole number of characters"),
            written.span,
            format!("a number of characters, as in `{word} 500`"),
        ));
    }
    characters
}

/// Attributes of a field besides its type.
pub(super) fn attributes(field: &ast::Field, diagnostics: &mut Diagnostics) -> Arc<Attributes> {
    if field.attributes.is_empty() {
        return Attributes::none();
    }
    let mut known = Attributes::default();
    for attribute in &field.attributes {
        match &attribute.node {
            Attribute::Unique => known.unique = true,
            Attribute::Required => known.required = true,
            Attribute::Readonly => known.readonly = true,
            Attribute::CreateOnly => known.create_only = true,
            Attribute::Fixed => known.fixed = true,
            Attribute::Parent => known.parent = true,
            Attribute::LinkedBy(call) => known.linked_by = Some(Arc::clone(&call.node)),
            Attribute::Made(label) => known.made = Some(Arc::clone(&label.node)),
            Attribute::Extensible => known.extensible = true,
            Attribute::Sensitive => known.sensitive = true,
            Attribute::Restricted(reason) => known.restricted = Some(reason.clone()),
            Attribute::Format(formats) => {
                known.formats.written = formats.iter().map(|format| format.node.to_string()).collect();
            }
            Attribute::Pivot(year) => known.formats.pivot = crate::formats::pivot(year, diagnostics),
            Attribute::Blank(texts) => known.blank = Some(texts.iter().map(|text| text.node.to_string()).collect()),
            Attribute::Default(value) => known.default = Some(default(&value.node)),
            Attribute::Form(_) => {}
            Attribute::Split(text) => known.split = Some(text.node.to_string()),
            Attribute::Column(text, _) => known.column = text.as_ref().map(|text| text.node.to_string()),
            Attribute::Among(_) => known.among = true,
            Attribute::Max(quantity) => known.max = characters("max", quantity, diagnostics),
            Attribute::Safe(quantity) => known.safe = characters("safe", quantity, diagnostics),
            Attribute::Ignore(words) => {
                for word in words {
                    match &*word.node {
                        "case" => known.ignore_case = true,
                        "space" => known.ignore_space = true,
                        other => diagnostics.push(errors::unknown_word(
                            "word after `ignore`",
                            other,
                            word.span,
                            &["case", "space"],
                        )),
                    }
                }
            }
            Attribute::Overlap(word) => {
                known.overlap = values::word("overlap", word, &["earlier", "fail", "later"], diagnostics);
            }
            Attribute::Gap(word) => known.gap = values::word("gap", word, &["fail", "forward"], diagnostics),
            Attribute::Retain(quantity) => known.retain = quantity::duration_text(quantity, diagnostics),
            Attribute::Since(version) => {
                if values::version(&version.node).is_none() {
                    diagnostics.push(errors::bad_value(
                        format!("`{}` is not a version", version.node),
                        version.span,
                        "write one such as `v3`",
                    ));
                }
                known.since = Some(version.clone());
            }
            Attribute::Unknown(word) => {
                let missing = errors::missing_word("attribute", &word.node, word.span);
                let missing = errors::Missing { what: "attributes".to_owned(), ..missing };
                diagnostics.push(missing.among_fitting(ATTRIBUTES.iter().copied(), |name| OF_ONE_WORD.contains(&name)));
            }
        }
    }
    known.overlap = known.overlap.filter(|word| word != "fail");
    known.gap = known.gap.filter(|word| word != "fail");
    Arc::new(known)
}
