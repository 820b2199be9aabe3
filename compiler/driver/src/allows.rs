//! `// allow W0320: reason` comments and what they cover.

use migr_diagnostics::{Allow, parse_allow};
use migr_source::Span;
use migr_syntax::ast::{Ast, Entry, Item, ItemKind, System, SystemEntry};

/// The allows of one file, each with the entry or item that begins next after it.
pub(crate) fn allows(ast: &Ast) -> Vec<Allow> {
    if ast.comments.is_empty() {
        return Vec::new();
    }
    let mut places: Vec<Span> = Vec::new();
    for item in &ast.items {
        of_item(item, &mut places);
    }
    places.sort_by_key(|span| (span.start, span.end));
    ast.comments
        .iter()
        .filter_map(|comment| {
            let parsed = parse_allow(&comment.text.node)?;
            let place = comment.text.span;
            let next = places.get(places.partition_point(|span| span.start < place.end)).copied();
            Some(Allow {
                code: parsed.code.to_owned(),
                span_of_comment: place,
                covers: next.unwrap_or(place.at_end()),
                reason: parsed.reason.map(str::to_owned),
            })
        })
        .collect()
}

fn of_item(item: &Item, places: &mut Vec<Span>) {
    places.push(item.span);
    match &item.kind {
        ItemKind::Migration(migration) => of_entries(&migration.entries, places, |_, _| {}),
        ItemKind::Owners(entries) => of_entries(entries, places, |_, _| {}),
        ItemKind::Picklist(picklist) => of_entries(&picklist.entries, places, |_, _| {}),
        ItemKind::Map(map) => of_entries(&map.entries, places, |_, _| {}),
        ItemKind::Test(test) => of_entries(&test.entries, places, |_, _| {}),
        ItemKind::System(system) => of_system(system, places),
        ItemKind::Use(_)
        | ItemKind::Skip(_)
        | ItemKind::Drop(_)
        | ItemKind::Link(_)
        | ItemKind::Reference(_)
        | ItemKind::Transform(_)
        | ItemKind::Error => {}
    }
}

fn of_system(system: &System, places: &mut Vec<Span>) {
    of_entries(&system.entries, places, |entry, places| match entry {
        SystemEntry::Limits(entries) => of_entries(entries, places, |_, _| {}),
        SystemEntry::Composite { fields, .. } => of_entries(fields, places, |_, _| {}),
        SystemEntry::Object(object) => of_entries(&object.entries, places, |_, _| {}),
        SystemEntry::Timezone(_) | SystemEntry::Blank(_) | SystemEntry::Connector(_) | SystemEntry::Names { .. } => {}
    });
}

/// The places of a block's entries, and of what `inside` finds in them.
fn of_entries<T>(entries: &[Entry<T>], places: &mut Vec<Span>, inside: impl Fn(&T, &mut Vec<Span>)) {
    for entry in entries {
        places.push(entry.span);
        if let Some(node) = &entry.node {
            inside(node, places);
        }
    }
}
