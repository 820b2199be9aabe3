//! Outcome of every concept of the source.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use migr_check::{Map, Picklist, SourceObject, Spec};
use migr_plan::{ColumnType, Expr, FieldType, PicklistOtherwise, Row, RowState};
use migr_source::Span;

use crate::Places;
use crate::degradations::kept_elsewhere;

pub(crate) fn rows(spec: &Spec, places: &Places<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let row = |kind: &str,
               concept: &str,
               state: RowState,
               destination: Option<String>,
               reason: Option<String>,
               span: Span| Row {
        kind: kind.to_owned(),
        concept: concept.to_owned(),
        destination,
        state,
        reason,
        records: None,
        found: None,
        origin: places.of(span),
    };
    let mut by_object: BTreeMap<&str, Vec<&Map>> = BTreeMap::new();
    for map in &spec.maps {
        by_object.entry(map.source_object.as_str()).or_default().push(map);
    }
    for object in &spec.source.objects {
        let maps = by_object.get(object.name.as_str()).map_or(&[][..], Vec::as_slice);
        let owners = spec.owners.as_ref().filter(|owners| owners.source_object == object.name);
        if let Some((reason, span)) = &object.dropped {
            rows.push(row("object", &object.name, RowState::None, None, Some(reason.clone()), *span));
        } else if let Some(span) = object.reference_only {
            let reason = "the destination takes none; kept as a reference for rebuilding by hand";
            rows.push(row("reference", &object.name, RowState::ByHand, None, Some(reason.to_owned()), span));
        } else if let Some(owners) = owners {
            let reason = match &owners.fallback {
                Some(fallback) => format!("matched by address; an owner without a matching user becomes {fallback}"),
                None => "matched by address; an owner without a matching user leaves the field empty".to_owned(),
            };
            let destination = format!("{}.{}", owners.destination_object, owners.destination_field);
            rows.push(row("owners", &object.name, RowState::Exact, Some(destination), Some(reason), owners.span));
        } else if let Some(first) = maps.first() {
            let destination = joined(maps.iter().map(|map| map.destination_object.as_str()));
            let (state, reason) = object_state(spec, object, maps);
            rows.push(row("object", &object.name, state, Some(destination), reason, first.span));
        }
        for column in object.columns.iter().filter(|column| column.ty == ColumnType::TextList) {
            let field = maps.iter().find_map(|map| {
                let reads = |field: &&migr_check::Field| field.reads.contains(&column.name);
                map.fields.iter().find(reads).map(|field| (map, field))
            });
            if let Some((map, field)) = field {
                let concept = format!("{}.{}", object.name, column.name);
                let destination = format!("{}.{}", map.destination_object, field.name);
                let lost = match (first_of_list(&field.value), &field.loses) {
                    (Some(several), _) if kept_elsewhere(map, field, several).is_none() => {
                        Some(format!("{} keeps the first of {several}", field.name))
                    }
                    (_, loses) => loses.clone().or_else(|| by_table(spec, field).map(|(_, reason)| reason)),
                };
                let state = if lost.is_some() { RowState::Degraded } else { RowState::Exact };
                rows.push(row("list", &concept, state, Some(destination), lost, field.span));
            }
        }
        let new: Vec<_> = maps
            .iter()
            .flat_map(|map| map.fields.iter().map(move |field| (map, field)))
            .filter(|(_, field)| field.is_new)
            .collect();
        if let Some((_, first)) = new.first() {
            let destination = joined(new.iter().map(|(_, field)| field.name.as_str()));
            let lost = new.iter().find_map(|(_, field)| Some(format!("{}: {}", field.name, field.loses.as_ref()?)));
            let state = if lost.is_some() { RowState::Degraded } else { RowState::Exact };
            rows.push(row("custom_fields", &object.name, state, Some(destination), lost, first.span));
        }
        for (map, field) in maps.iter().flat_map(|map| map.fields.iter().map(move |field| (map, field))) {
            if field.ty == FieldType::File {
                let destination = format!("{}.{}", map.destination_object, field.name);
                rows.push(row("files", &object.name, RowState::Exact, Some(destination), None, field.span));
            }
        }
    }
    for picklist in &spec.picklists {
        let destination = format!("{}.{}", picklist.object, joined(picklist.fields.iter().map(String::as_str)));
        let reason = loses(picklist);
        let state = if reason.is_some() { RowState::Degraded } else { RowState::Exact };
        rows.push(row("picklist", &picklist.name, state, Some(destination), reason, picklist.span));
    }
    rows
}

/// Values of the source that a table loses, or no longer tells apart.
fn loses(picklist: &Picklist) -> Option<String> {
    match &picklist.otherwise {
        PicklistOtherwise::Use { value } => Some(format!("every other value becomes {value}")),
        PicklistOtherwise::UseAll { values } => {
            let values: Vec<&str> = values.iter().map(|value| value.as_deref().unwrap_or("none")).collect();
            Some(format!("every other value becomes {}", values.join(", ")))
        }
        PicklistOtherwise::None => Some("every other value leaves the field empty".to_owned()),
        PicklistOtherwise::Skip => Some("records with another value are skipped".to_owned()),
        PicklistOtherwise::Quarantine | PicklistOtherwise::Create => merged(picklist),
    }
}

/// Table that fills a field and loses something, with what it loses.
fn by_table<'s>(spec: &'s Spec, field: &migr_check::Field) -> Option<(&'s str, String)> {
    let mut lost = None;
    field.value.walk(&mut |expr| {
        if let Expr::Picklist { table, .. } = expr
            && lost.is_none()
        {
            let picklist = spec.picklists.iter().find(|picklist| picklist.name == *table);
            lost = picklist.and_then(|picklist| Some((picklist.name.as_str(), loses(picklist)?)));
        }
    });
    lost
}

/// Groups of values of the source that can no longer be told apart.
fn merged(picklist: &Picklist) -> Option<String> {
    let mut groups: IndexMap<&[Option<String>], Vec<String>> = IndexMap::new();
    for row in &picklist.rows {
        let keys = row.keys.iter().filter(|key| key.iter().any(Option::is_some));
        let shown =
            keys.map(|key| key.iter().map(|value| value.as_deref().unwrap_or("none")).collect::<Vec<_>>().join(" "));
        groups.entry(row.values.as_slice()).or_default().extend(shown);
    }
    let told: Vec<String> =
        groups.values().filter(|keys| keys.len() > 1).map(|keys| format!("`{}`", keys.join("`, `"))).collect();
    (!told.is_empty()).then(|| format!("become one option each: {}", told.join("; ")))
}

/// An object whose map loses something is degraded.
fn object_state(spec: &Spec, object: &SourceObject, maps: &[&Map]) -> (RowState, Option<String>) {
    if let Some(rule) = object.skips.first() {
        return (RowState::Degraded, Some(format!("records that stay behind: {}", rule.reason)));
    }
    let read: BTreeSet<&str> =
        maps.iter().flat_map(|map| &map.fields).flat_map(|field| &field.reads).map(String::as_str).collect();
    let left: Vec<&str> = maps
        .iter()
        .flat_map(|map| map.dropped.iter().map(|(column, ..)| column.as_str()))
        .filter(|column| !read.contains(column))
        .collect();
    if !left.is_empty() {
        return (RowState::Degraded, Some(format!("columns that stay behind: {}", joined(left.into_iter()))));
    }
    let lost = maps.iter().find_map(|map| {
        map.fields.iter().find_map(|field| {
            let several = first_of_list(&field.value)?;
            kept_elsewhere(map, field, several)
                .is_none()
                .then(|| format!("{} keeps the first of {several}", field.name))
        })
    });
    let parts = || {
        let fields = maps.iter().flat_map(|map| map.fields.iter()).map(|field| (&field.name, &field.loses));
        let links = maps.iter().flat_map(|map| map.links.iter()).map(|link| (&link.name, &link.loses));
        fields.chain(links).find_map(|(name, loses)| Some(format!("{name}: {}", loses.as_ref()?)))
    };
    let tables = || {
        let mut fields = maps.iter().flat_map(|map| map.fields.iter());
        fields.find_map(|field| {
            let (table, _) = by_table(spec, field)?;
            Some(format!("{}: {table} does not keep every value apart", field.name))
        })
    };
    let decides = || {
        let columns: Vec<&str> =
            maps.iter().flat_map(|map| map.decides.iter().map(|(name, _)| name.as_str())).collect();
        (!columns.is_empty()).then(|| format!("columns that decide alone: {}", joined(columns.into_iter())))
    };
    lost.or_else(parts)
        .or_else(decides)
        .or_else(tables)
        .map_or((RowState::Exact, None), |reason| (RowState::Degraded, Some(reason)))
}

/// The list column of which an expression takes the first element.
pub(crate) fn first_of_list(value: &Expr) -> Option<&str> {
    let mut column = None;
    value.walk(&mut |expr| {
        if let Expr::Call { function, arguments } = expr
            && function == "first"
            && let Some(Expr::Column { name }) = arguments.first()
        {
            column = Some(name.as_str());
        }
    });
    column
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut seen = BTreeSet::new();
    let unique: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
    unique.join(", ")
}
