//! The `owners` item: who of the destination's members is who.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_syntax::ast::{Name, OwnersEntry, Path};

use crate::catalog::Catalog;
use crate::errors;
use crate::expression::OwnersLink;
use crate::merge::{Slot, merge};
use crate::program::OwnersItem;
use crate::schema::Schema;
use crate::spec;

/// The two sides for expressions, and the item for the spec; nothing where the `match` is broken.
pub(crate) fn check(
    item: &OwnersItem<'_>,
    source: &Catalog<'_>,
    schema: &Schema<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<(OwnersLink, spec::Owners)> {
    let entries = merge(item.entries.iter().copied(), Code::E0202, slots, diagnostics);
    let mut overrides = Vec::new();
    let mut fallback = None;
    let mut sides = None;
    let mut says_match = false;
    for entry in &entries {
        match &entry.node {
            Some(OwnersEntry::Match { source: from, destination: to }) => {
                says_match = true;
                let from = column(from, source, diagnostics);
                let to = member_field(to, schema, diagnostics);
                sides = from.zip(to);
            }
            Some(OwnersEntry::Override { source, destination }) => {
                overrides.push((source.node.to_string(), destination.node.to_string(), entry.span));
            }
            Some(OwnersEntry::Fallback(text)) => {
                fallback = text.node.as_ref().map(|text| text.node.to_string());
            }
            Some(OwnersEntry::Allow(_)) | None => {}
        }
    }
    let is_broken = item.entries.iter().any(|entry| entry.node.is_none());
    if !says_match && !is_broken {
        diagnostics.push(
            Diagnostic::new(
                Code::E0309,
                "`owners` says nothing about whom to match",
                item.item.span.at_start(),
                "no `match`",
            )
            .with_help("add `match User.email = members.email`"),
        );
    }
    let ((source_object, source_column), (destination_object, destination_field)) = sides?;
    let link = OwnersLink {
        source_object: Arc::clone(&source_object),
        source_column: Arc::clone(&source_column),
        destination_object: Arc::clone(&destination_object),
    };
    let owners = spec::Owners {
        source_object: source_object.to_string(),
        source_column: source_column.to_string(),
        destination_object: destination_object.to_string(),
        destination_field: destination_field.to_string(),
        overrides,
        fallback,
        span: item.item.span,
    };
    Some((link, owners))
}

fn slots(entry: &OwnersEntry) -> Vec<Slot> {
    match entry {
        OwnersEntry::Match { source, .. } => vec![Slot::of("match", source.span)],
        OwnersEntry::Override { source, .. } => {
            let key = format!("override {}", source.node.trim().to_lowercase());
            vec![Slot::new(key, Arc::clone(&source.node), source.span)]
        }
        OwnersEntry::Fallback(text) => vec![Slot::of("fallback", text.span)],
        OwnersEntry::Allow(_) => Vec::new(),
    }
}

/// `User.email` as two names.
fn pair<'p>(path: &'p Path, diagnostics: &mut Diagnostics) -> Option<(&'p Name, &'p Name)> {
    if let [object, field] = path.node.as_slice() {
        return Some((object, field));
    }
    diagnostics.push(errors::bad_value("expected an object and a field", path.span, "write `Object.field`"));
    None
}

fn column(path: &Path, source: &Catalog<'_>, diagnostics: &mut Diagnostics) -> Option<(Arc<str>, Arc<str>)> {
    let (object, column) = pair(path, diagnostics)?;
    let Some(there) = source.objects.get(&object.node) else {
        let valid = source.objects.keys().map(|name| &**name);
        diagnostics.push(errors::unknown_name("object", &object.node, object.span, valid));
        return None;
    };
    if !there.fields.contains_key(&column.node) {
        let valid = there.field_names();
        diagnostics.push(errors::unknown_field(&object.node, "column", &column.node, column.span, valid));
        return None;
    }
    Some((Arc::clone(&object.node), Arc::clone(&column.node)))
}

fn member_field(path: &Path, schema: &Schema<'_>, diagnostics: &mut Diagnostics) -> Option<(Arc<str>, Arc<str>)> {
    let (object, field) = pair(path, diagnostics)?;
    let Some(there) = schema.objects.get(&object.node) else {
        let has_field = |name: &str| schema.objects.get(name).is_some_and(|one| one.fields.contains_key(&field.node));
        let missing = errors::missing_name("object", &object.node, object.span);
        diagnostics.push(missing.among_fitting(schema.objects.keys().map(|name| &**name), has_field));
        return None;
    };
    if !there.fields.contains_key(&field.node) {
        let valid = there.field_names();
        diagnostics.push(errors::unknown_field(&object.node, "field", &field.node, field.span, valid));
        return None;
    }
    Some((Arc::clone(&object.node), Arc::clone(&field.node)))
}
