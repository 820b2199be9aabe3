//! Degradations: what the destination cannot hold as it was, and where it is kept instead.

use std::collections::BTreeMap;

use migr_check::{Field, Map, SourceObject, Spec};
use migr_plan::{ColumnType, Degradation, DegradedRecords, Expr, FieldType};

use crate::Places;
use crate::concepts::first_of_list;

pub(crate) fn degradations(spec: &Spec, places: &Places<'_>) -> Vec<Degradation> {
    let mut found = Vec::new();
    let objects: BTreeMap<&str, &SourceObject> =
        spec.source.objects.iter().map(|object| (object.name.as_str(), object)).collect();
    for map in &spec.maps {
        let object = objects.get(map.source_object.as_str()).copied();
        for field in &map.fields {
            let losses = [
                (several_in_one(map, field).or_else(|| parts(field)), DegradedRecords::Filled),
                (extension(spec, map, field), DegradedRecords::Lost),
                (formatting(object, field), DegradedRecords::Converted),
                (one_line(spec, object, map, field), DegradedRecords::Lost),
                (drawing(spec, field), DegradedRecords::Lost),
                (alone(object, map, field), DegradedRecords::Filled),
            ];
            let losses = losses.into_iter().filter_map(|(loss, counts)| Some((loss?, counts)));
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
fn parts(field: &Field) -> Option<(String, Option<String>)> {
    let loses = field.loses.as_ref()?;
    Some((format!("{loses}, the rest stays behind"), None))
}

/// A phone number's extension, which Twenty drops.
fn extension(spec: &Spec, map: &Map, field: &Field) -> Option<(String, Option<String>)> {
    let holds_phone = match &field.ty {
        FieldType::Phone => true,
        FieldType::Composite { name, .. } => name == "phones",
        _ => false,
    };
    if !holds_phone || spec.destination.connector != "twenty" {
        return None;
    }
    let kept = map.fields.iter().find(|other| {
        let mut takes = false;
        other.value.walk(&mut |expr| takes |= matches!(expr, Expr::Call { function, .. } if function == "extension"));
        takes && other.reads.iter().any(|column| field.reads.contains(column))
    });
    let kept_in = kept.map(|other| format!("{}.{}", map.destination_object, other.name));
    Some(("the destination drops a phone number's extension".to_owned(), kept_in))
}

/// HTML that becomes Markdown.
fn formatting(object: Option<&SourceObject>, field: &Field) -> Option<(String, Option<String>)> {
    let object = object.filter(|_| field.ty == FieldType::Richtext)?;
    let rich = |column: &String| object.columns.iter().any(|one| one.name == *column && one.ty == ColumnType::Richtext);
    field
        .reads
        .iter()
        .any(rich)
        .then(|| ("formatting that Markdown lacks, such as colours, is dropped".to_owned(), None))
}

/// A text of several lines in a field that Twenty shows on one.
fn one_line(spec: &Spec, object: Option<&SourceObject>, map: &Map, field: &Field) -> Option<(String, Option<String>)> {
    let object = object.filter(|_| field.ty == FieldType::Text && spec.destination.connector == "twenty")?;
    let mut is_plain = false;
    field.value.walk(&mut |expr| is_plain |= matches!(expr, Expr::Call { function, .. } if function == "plain"));
    let rich =
        |column: &&String| object.columns.iter().any(|one| one.name == **column && one.ty == ColumnType::Richtext);
    let column = field.reads.iter().find(rich).filter(|_| is_plain)?;
    Some((
        "the destination shows a text on one line: its line breaks are not seen".to_owned(),
        kept_elsewhere(map, field, column),
    ))
}

/// A drawing in SVG, which Twenty 2 writes anew.
fn drawing(spec: &Spec, field: &Field) -> Option<(String, Option<String>)> {
    let destination = &spec.destination;
    let is_rewritten = destination.connector == "twenty" && !destination.system.ends_with("_1");
    (is_rewritten && field.ty == FieldType::File).then(|| {
        ("the destination writes drawings in SVG anew: what is shown stays, the bytes are others".to_owned(), None)
    })
}

/// A file that is kept without the record that it belongs to.
fn alone(object: Option<&SourceObject>, map: &Map, field: &Field) -> Option<(String, Option<String>)> {
    let object = object.filter(|_| field.ty == FieldType::File)?;
    let refers = |column: &&str| object.columns.iter().any(|one| one.name == **column && one.reference.is_some());
    let is_linked = map.fields.iter().any(|one| one.reads.iter().any(|read| refers(&read.as_str())))
        || map.links.iter().any(|link| link.reads.iter().any(|read| refers(&read.as_str())));
    let parent = object.columns.iter().find(|column| column.reference.is_some()).filter(|_| !is_linked)?;
    Some((format!("the file is kept, and not which record it belongs to ({})", parent.name), None))
}

/// Another field of the map that reads the same column.
pub(crate) fn kept_elsewhere(map: &Map, field: &Field, column: &str) -> Option<String> {
    map.fields
        .iter()
        .find(|other| other.name != field.name && other.reads.iter().any(|read| read == column))
        .map(|other| format!("{}.{}", map.destination_object, other.name))
}
