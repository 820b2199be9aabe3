//! Degradations: what the destination cannot hold as it was, and where it is kept instead.

use std::collections::BTreeMap;

use migr_check::{Field, Map, Spec};
use migr_plan::{ColumnType, Degradation, DegradedRecords, Expr, FieldType, SettingValue};

use crate::columns::Columns;
use crate::concepts::first_of_list;
use crate::{Places, told};

pub(crate) fn degradations(spec: &Spec, places: &Places<'_>) -> Vec<Degradation> {
    let mut found = Vec::new();
    let objects: BTreeMap<&str, Columns<'_>> =
        spec.source.objects.iter().map(|object| (object.name.as_str(), Columns::of(object))).collect();
    for map in &spec.maps {
        let object = objects.get(map.source_object.as_str());
        for field in &map.fields {
            let losses = [
                match several_in_one(map, field) {
                    Some(several) => (Some(several), DegradedRecords::Filled),
                    None => (parts(field.loses.as_ref()), DegradedRecords::Cut),
                },
                (formatting(object, field), DegradedRecords::Converted),
                (alone(object, map, field), DegradedRecords::Filled),
                (too_old(spec, field), DegradedRecords::Filled),
            ];
            let losses = losses.into_iter().filter_map(|(loss, counts)| Some((loss?, counts)));
            let told = told::losses(spec, object, map, field);
            let losses = losses.chain(told);
            found.extend(losses.map(|((reason, kept_in), counts)| Degradation {
                map: Some(map.id().to_owned()),
                what: format!("{}.{}", map.destination_object, field.name),
                reason,
                kept_in,
                counts,
                records: None,
                origin: places.of(field.span),
            }));
        }
        for link in &map.links {
            let Some((reason, kept_in)) = parts(link.loses.as_ref()) else { continue };
            found.push(Degradation {
                map: Some(map.id().to_owned()),
                what: format!("{}.{}", map.destination_object, link.name),
                reason,
                kept_in,
                counts: DegradedRecords::Cut,
                records: None,
                origin: places.of(link.span),
            });
        }
    }
    for map in &spec.maps {
        found.extend(map.decides.iter().map(|(column, span)| Degradation {
            map: Some(map.id().to_owned()),
            what: format!("{}.{column}", map.source_object),
            reason: "no record of its own holds it: conditions, policies or other records alone read it".to_owned(),
            kept_in: None,
            counts: DegradedRecords::Column,
            records: None,
            origin: places.of(*span),
        }));
    }
    for object in &spec.source.objects {
        if let Some(span) = object.reference_only {
            found.push(Degradation {
                map: None,
                what: object.name.clone(),
                reason: "there is no way to create these in the destination; they are rebuilt by hand".to_owned(),
                kept_in: object.file.clone(),
                counts: DegradedRecords::Filled,
                records: None,
                origin: places.of(span),
            });
        }
    }
    found
}

/// A field that holds the first of several values.
fn several_in_one(map: &Map, field: &Field) -> Option<(String, Option<String>)> {
    let column = first_of_list(&field.value)?;
    Some((
        format!("one record is held, {column} may name several; the first stays"),
        kept_elsewhere(map, field, column),
    ))
}

/// Parts of a value that no map takes.
fn parts(loses: Option<&String>) -> Option<(String, Option<String>)> {
    let loses = loses?;
    Some((format!("{loses}, the rest stays behind"), None))
}

/// HTML that becomes Markdown.
fn formatting(columns: Option<&Columns<'_>>, field: &Field) -> Option<(String, Option<String>)> {
    let columns = columns.filter(|_| field.ty == FieldType::Richtext && !is_plain(field))?;
    columns
        .read_by(field)
        .any(|column| column.ty == ColumnType::Richtext)
        .then(|| ("formatting that Markdown lacks, such as colours, is dropped".to_owned(), None))
}

/// A field that the destination's version does not have.
fn too_old(spec: &Spec, field: &Field) -> Option<(String, Option<String>)> {
    let destination = &spec.destination;
    let Some(SettingValue::Text { value: version }) = destination.settings.get("version") else { return None };
    let place = |wanted: &str| destination.versions.iter().position(|known| known == wanted);
    let (has, needs) = (place(version)?, place(field.since.as_ref()?)?);
    (has < needs && field.value != Expr::Default)
        .then(|| (format!("version {version} of the destination has no place for it: it is left out"), None))
}

/// True where a value is taken without its formatting, which is told as such.
pub(crate) fn is_plain(field: &Field) -> bool {
    let mut is_plain = false;
    field.value.walk(&mut |expr| is_plain |= matches!(expr, Expr::Call { function, .. } if function == "plain"));
    is_plain
}

/// A file that is kept without the record that it belongs to.
fn alone(columns: Option<&Columns<'_>>, map: &Map, field: &Field) -> Option<(String, Option<String>)> {
    let columns = columns.filter(|_| field.ty == FieldType::File)?;
    let refers = |name: &String| columns.named(name).is_some_and(|column| column.reference.is_some());
    let is_linked = map.fields.iter().any(|one| one.reads.iter().any(refers))
        || map.links.iter().any(|link| link.reads.iter().any(refers));
    let parent = columns.object.columns.iter().find(|column| column.reference.is_some()).filter(|_| !is_linked)?;
    Some((format!("the file is kept, and not which record it belongs to ({})", parent.name), None))
}

/// Another field of the map that reads the same column.
pub(crate) fn kept_elsewhere(map: &Map, field: &Field, column: &str) -> Option<String> {
    map.fields
        .iter()
        .find(|other| other.name != field.name && other.reads.iter().any(|read| read == column))
        .map(|other| format!("{}.{}", map.destination_object, other.name))
}
