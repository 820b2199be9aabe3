//! The source's objects as the plan reads them.

use std::sync::Arc;

use migr_plan::{ColumnReference, ColumnType, ReferenceBy, ReferenceByRow, SourceColumn};
use migr_source::Span;

use crate::catalog::{Catalog, Field, Object};
use crate::in_order::IndexMap;
use crate::spec;
use crate::types::{Key, Type};

/// Rules of the program for a source object besides its maps.
#[derive(Default)]
pub(crate) struct Fate {
    pub(crate) skips: Vec<spec::Rule>,
    pub(crate) checks: Vec<spec::Rule>,
    pub(crate) dropped: Option<(String, Span)>,
    pub(crate) reference_only: Option<(Option<String>, Span)>,
    /// True where the object is mapped, or its fields are read.
    pub(crate) is_read: bool,
}

/// The objects that the migration reads, drops or refers to, in the catalog's order.
pub(crate) fn objects(
    catalog: &Catalog<'_>,
    mut fates: IndexMap<Arc<str>, Fate>,
    timezone: Option<&str>,
) -> Vec<spec::SourceObject> {
    let zone = catalog.timezone.as_ref().map(|zone| zone.node.to_string()).or_else(|| timezone.map(str::to_owned));
    catalog
        .objects
        .iter()
        .filter_map(|(name, object)| {
            let fate = fates.swap_remove(name)?;
            let is_kept = fate.is_read || fate.dropped.is_some() || fate.reference_only.is_some();
            is_kept.then(|| source_object(catalog, object, fate, zone.as_deref()))
        })
        .collect()
}

fn source_object(catalog: &Catalog<'_>, object: &Object<'_>, fate: Fate, zone: Option<&str>) -> spec::SourceObject {
    let (file, reference_only) = match fate.reference_only {
        Some((file, span)) => (file, Some(span)),
        None => (None, None),
    };
    spec::SourceObject {
        name: object.name.node.to_string(),
        file: file.or_else(|| object.file.as_ref().map(|file| file.node.to_string())),
        is_optional: object.is_optional,
        key: object.key.iter().map(|name| name.node.to_string()).collect(),
        columns: object.fields.values().map(|field| column(catalog, field, zone)).collect(),
        checks: fate.checks,
        skips: fate.skips,
        dropped: fate.dropped,
        reference_only,
        retain: object.retain.clone(),
        span: object.span,
    }
}

fn column(catalog: &Catalog<'_>, field: &Field, zone: Option<&str>) -> SourceColumn {
    let attributes = &field.attributes;
    let format = attributes.formats.or_of_type(&field.ty, &catalog.formats);
    let mut written = format.written.into_iter();
    let (ty, reference) = column_type(&field.ty);
    let elements = elements(&field.ty);
    SourceColumn {
        name: field.name.node.to_string(),
        header: attributes.column.clone(),
        ty,
        elements,
        format: written.next(),
        other_formats: written.collect(),
        pivot: format.pivot,
        blank: attributes.blank.clone(),
        zone: zone.filter(|_| ty == ColumnType::Datetime || elements == Some(ColumnType::Datetime)).map(str::to_owned),
        overlap: attributes.overlap.clone(),
        gap: attributes.gap.clone(),
        split: attributes.split.clone(),
        max: attributes.max,
        unique: attributes.unique,
        ignore_case: attributes.ignore_case,
        ignore_space: attributes.ignore_space,
        sensitive: catalog.holds_sensitive(field),
        retain: attributes.retain.clone(),
        options: match &field.ty {
            Type::Select(options) | Type::Multiselect(options) => {
                options.values.iter().map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        },
        reference,
    }
}

fn column_type(ty: &Type) -> (ColumnType, Option<ColumnReference>) {
    let plain = match ty {
        Type::Key(key) => return (ColumnType::Reference, Some(reference(key))),
        Type::List(of) => match &**of {
            Type::Key(key) => return (ColumnType::ReferenceList, Some(reference(key))),
            _ => ColumnType::TextList,
        },
        Type::Multiselect(_) => ColumnType::TextList,
        Type::Html => ColumnType::Richtext,
        other => other.plain().map_or(ColumnType::Text, ColumnType::from),
    };
    (plain, None)
}

/// The type by which each element of a list is read; none where it is a text, or a reference.
fn elements(ty: &Type) -> Option<ColumnType> {
    let Type::List(of) = ty else { return None };
    of.plain().filter(|_| of.is_read_by_element()).map(ColumnType::from)
}

fn reference(key: &Key) -> ColumnReference {
    let mut objects: Vec<String> = Vec::new();
    for target in &key.targets {
        if !objects.iter().any(|object| **object == *target.object) {
            objects.push(target.object.to_string());
        }
    }
    let column = key.targets.first().and_then(|target| target.column.as_ref()).map(ToString::to_string);
    let by = key.by.as_ref().map(|(column, values)| ReferenceBy {
        column: column.to_string(),
        rows: values
            .iter()
            .zip(&key.targets)
            .map(|(value, target)| ReferenceByRow { value: value.to_string(), object: target.object.to_string() })
            .collect(),
    });
    ColumnReference { objects, column, by }
}
