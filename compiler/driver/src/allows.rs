//! Comments `// allow W0321: reason` and what they cover.

use migr_diagnostics::{Allow, parse_allow};
use migr_source::Span;
use migr_syntax::ast::{Ast, Entry, Item, ItemKind, MigrationEntry, ObjectEntry, PicklistEntry, SystemEntry};

/// The allows of a file. Each covers the entry or item that follows it; one behind an entry on its line covers that one.
pub(crate) fn allows(ast: &Ast, text: &str) -> Vec<Allow> {
    let mut places: Option<Vec<Span>> = None;
    ast.comments
        .iter()
        .filter_map(|comment| {
            let parsed = parse_allow(&comment.text.node)?;
            let places = places.get_or_insert_with(|| places_of(ast));
            let at = comment.text.span.start;
            let line_start = text.get(..at as usize).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
            let beside = places.iter().rfind(|place| place.start as usize >= line_start && place.start < at);
            let covers = beside.or_else(|| places.iter().find(|place| place.start > at));
            Some(Allow {
                code: parsed.code.to_owned(),
                span_of_comment: comment.text.span,
                covers: covers.copied().unwrap_or_else(|| comment.text.span.at_end()),
                reason: parsed.reason.map(str::to_owned),
            })
        })
        .collect()
}

/// Items and entries by where they start.
fn places_of(ast: &Ast) -> Vec<Span> {
    let mut places = Vec::new();
    for item in &ast.items {
        places.push(item.span);
        entries_of(item, &mut places);
    }
    places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    places
}

fn spans<T>(entries: &[Entry<T>], places: &mut Vec<Span>) {
    places.extend(entries.iter().map(|entry| entry.span));
}

fn entries_of(item: &Item, places: &mut Vec<Span>) {
    match &item.kind {
        ItemKind::Migration(migration) => {
            spans::<MigrationEntry>(&migration.entries, places);
        }
        ItemKind::Owners(entries) => spans(entries, places),
        ItemKind::Picklist(picklist) => spans::<PicklistEntry>(&picklist.entries, places),
        ItemKind::Map(map) => spans(&map.entries, places),
        ItemKind::Test(test) => spans(&test.entries, places),
        ItemKind::System(system) => {
            spans(&system.entries, places);
            for entry in &system.entries {
                if let Some(SystemEntry::Object(object)) = &entry.node {
                    spans::<ObjectEntry>(&object.entries, places);
                }
            }
        }
        _ => {}
    }
}
