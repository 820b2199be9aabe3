//! Acceptances of a spec: entries `allow W0321 : "why"`, and comments `// allow W0321: why`, each with the places that it covers.

use migr_diagnostics::{Allow, AllowForm, Code, Covered, Diagnostic, parse_allow};
use migr_source::{SourceMap, Span};
use migr_syntax::ast::{
    self, Ast, Entry, Expr, Expression, Findings, Item, ItemKind, MapEntry, MappingTarget, MigrationEntry, Name,
    ObjectEntry, OwnersEntry, PicklistEntry, SystemEntry,
};

/// The comments of a file that allow something. Each covers the entry or item that follows it; one behind an entry on its line covers that one.
pub(crate) fn comments(ast: &Ast, text: &str) -> Vec<Allow> {
    let mut places: Option<Vec<Span>> = None;
    ast.comments
        .iter()
        .filter_map(|comment| {
            let parsed = parse_allow(&comment.text.node)?;
            let places = places.get_or_insert_with(|| places_of(ast));
            let at = comment.text.span.start;
            let line_start = text.get(..at as usize).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
            // They are sorted: the last one before the comment, and the first one behind it.
            let before = places.partition_point(|place| place.start < at);
            let beside =
                places.get(..before).and_then(<[Span]>::last).filter(|place| place.start as usize >= line_start);
            let covers = beside.or_else(|| places.get(places.partition_point(|place| place.start <= at)));
            Some(Allow {
                code: parsed.code.to_owned(),
                form: AllowForm::Comment,
                written: comment.text.span,
                covers: Covered::Within(vec![covers.copied().unwrap_or_else(|| comment.text.span.at_end())]),
                max: None,
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

/// The entries of the whole program that allow codes; names of an audit's findings are the audit's to apply.
pub(crate) fn entries(asts: &[Ast]) -> Vec<Allow> {
    let mut found = Vec::new();
    for item in asts.iter().flat_map(|ast| &ast.items) {
        match &item.kind {
            ItemKind::Migration(migration) => {
                each(&migration.entries, &mut found, |entry| match entry {
                    MigrationEntry::Allow(allow) => Some((allow, Covered::All)),
                    _ => None,
                });
            }
            ItemKind::Owners(entries) => {
                each(entries, &mut found, |entry| match entry {
                    OwnersEntry::Allow(allow) => Some((allow, Covered::Within(vec![item.span]))),
                    _ => None,
                });
            }
            ItemKind::Picklist(picklist) => {
                let same = |other: &ItemKind| matches!(other, ItemKind::Picklist(one) if one.name == picklist.name);
                each(&picklist.entries, &mut found, |entry| match entry {
                    PicklistEntry::Allow(allow) => Some((allow, Covered::Within(items(asts, same)))),
                    _ => None,
                });
            }
            ItemKind::Map(map) => {
                let name = name_of(map);
                each(&map.entries, &mut found, |entry| match entry {
                    MapEntry::Allow(allow) => Some((allow, Covered::Within(in_map(asts, name, allow)))),
                    _ => None,
                });
            }
            ItemKind::System(system) => in_system(asts, system, &mut found),
            _ => {}
        }
    }
    found
}

/// Findings that stop check, audit and run: `warnings`, codes, or names of findings.
pub(crate) fn denied(asts: &[Ast]) -> Vec<Name> {
    let entries = asts.iter().flat_map(|ast| &ast.items).filter_map(|item| match &item.kind {
        ItemKind::Migration(migration) => Some(&migration.entries),
        _ => None,
    });
    let denied = entries.flatten().filter_map(|entry| match &entry.node {
        Some(MigrationEntry::Deny(findings)) => Some(findings.each()),
        _ => None,
    });
    denied.flatten().cloned().collect()
}

fn each<T>(entries: &[Entry<T>], found: &mut Vec<Allow>, of: impl Fn(&T) -> Option<(&ast::Allow, Covered)>) {
    for entry in entries {
        let Some((allow, covers)) = entry.node.as_ref().and_then(&of) else { continue };
        let Findings::Codes(codes) = &allow.findings else { continue };
        for code in codes {
            found.push(Allow {
                code: code.node.to_string(),
                form: AllowForm::Entry,
                written: entry.span,
                covers: covers.clone(),
                max: allow.max.as_ref().and_then(|max| max.node.parse().ok()),
                reason: Some(allow.reason.node.to_string()),
            });
        }
    }
}

/// The places of items of one name, extensions too.
fn items(asts: &[Ast], is: impl Fn(&ItemKind) -> bool) -> Vec<Span> {
    asts.iter().flat_map(|ast| &ast.items).filter(|item| is(&item.kind)).map(|item| item.span).collect()
}

fn name_of(map: &ast::Map) -> &Name {
    map.alias.as_ref().unwrap_or_else(|| map.source.object())
}

fn in_map(asts: &[Ast], name: &Name, allow: &ast::Allow) -> Vec<Span> {
    let maps = asts.iter().flat_map(|ast| &ast.items).filter_map(|item| match &item.kind {
        ItemKind::Map(map) if name_of(map) == name => Some((item.span, map)),
        _ => None,
    });
    let Some(on) = &allow.on else { return maps.map(|(span, _)| span).collect() };
    let on: Vec<&str> = on.node.iter().map(|name| &*name.node).collect();
    maps.flat_map(|(_, map)| &map.entries).filter(|entry| concerns(entry, &on)).map(|entry| entry.span).collect()
}

/// True where an entry writes a field, or reads or drops a column.
fn concerns(entry: &Entry<MapEntry>, on: &[&str]) -> bool {
    match &entry.node {
        Some(MapEntry::Mapping(mapping)) => {
            let writes = match &mapping.target {
                MappingTarget::Field(path) => on.iter().zip(&path.node).all(|(on, name)| *on == &*name.node),
                MappingTarget::Fields(fields) => fields.iter().any(|field| *on == [&*field.name().node]),
                MappingTarget::New(field) => *on == [&*field.name.node],
            };
            writes || on.first().is_some_and(|column| mentions(&mapping.value, column))
        }
        Some(MapEntry::Drop { columns, .. }) => columns.iter().any(|column| *on == [&*column.node]),
        _ => false,
    }
}

fn mentions(expr: &Expr, column: &str) -> bool {
    let mut found = matches!(&expr.node, Expression::Name(name) if **name == *column);
    expr.node.each_part(&mut |part| found = found || mentions(part, column));
    found
}

fn in_system(asts: &[Ast], system: &ast::System, found: &mut Vec<Allow>) {
    let same = |other: &ItemKind| matches!(other, ItemKind::System(one) if one.name == system.name);
    each(&system.entries, found, |entry| match entry {
        SystemEntry::Allow(allow) => Some((allow, Covered::Within(items(asts, same)))),
        _ => None,
    });
    for entry in &system.entries {
        let Some(SystemEntry::Object(object)) = &entry.node else { continue };
        each(&object.entries, found, |inner| match inner {
            ObjectEntry::Allow(allow) => {
                let places = match allow.on.as_ref().and_then(|path| path.node.first()) {
                    Some(on) => {
                        let is = |node: &ObjectEntry| matches!(node, ObjectEntry::Field(field) if field.name == *on);
                        let fields = object.entries.iter().filter(|entry| entry.node.as_ref().is_some_and(is));
                        fields.map(|entry| entry.span).collect()
                    }
                    None => vec![entry.span],
                };
                Some((allow, Covered::Within(places)))
            }
            _ => None,
        });
    }
}

/// Adds to each warning's help the entry that accepts it, and where it belongs.
pub(crate) fn offer(diagnostics: &mut [Diagnostic], homes: &Homes, sources: &SourceMap) {
    for diagnostic in diagnostics.iter_mut().filter(|one| one.code.can_be_allowed() && one.code != Code::W0211) {
        let span = diagnostic.span().filter(|span| !sources.path(*span).starts_with("std/"));
        let (on, within) = match span.and_then(|span| homes.of(span)) {
            Some(home) => (
                home.on.map(|on| format!(" on {}", sources.text(on))).unwrap_or_default(),
                match home.name {
                    Some(name) => format!("{} `{}`", home.kind, sources.text(name)),
                    None => home.kind.to_owned(),
                },
            ),
            None => (String::new(), "the migration".to_owned()),
        };
        let offer = format!("to accept it, write `allow {}{on} : \"why\"` in {within}", diagnostic.code);
        diagnostic.help =
            Some(match diagnostic.help.take().or_else(|| diagnostic.fix.as_ref().map(|fix| fix.title.clone())) {
                Some(help) => format!("{help}\n{offer}"),
                None => offer,
            });
    }
}

/// The blocks that may hold an `allow`, and the fields and columns in them.
pub(crate) struct Homes {
    /// By file and start, outer ones first.
    places: Vec<Home>,
}

/// A block that may hold an `allow`, or a field or column in one.
struct Home {
    span: Span,
    /// Name of the field or column, as `on` says it.
    on: Option<Span>,
    /// The block in words, and its name.
    kind: &'static str,
    name: Option<Span>,
    /// Position of the place around this one.
    around: Option<usize>,
}

impl Homes {
    pub(crate) fn gather(asts: &[Ast]) -> Self {
        let mut places = Vec::new();
        let mut add = |span, on, kind, name| places.push(Home { span, on, kind, name, around: None });
        for item in asts.iter().flat_map(|ast| &ast.items) {
            match &item.kind {
                ItemKind::Map(map) => {
                    let name = Some(name_of(map).span);
                    add(item.span, None, "map", name);
                    for entry in &map.entries {
                        let Some(MapEntry::Mapping(mapping)) = &entry.node else { continue };
                        let on = match &mapping.target {
                            MappingTarget::Field(path) => path.span,
                            MappingTarget::New(field) => field.name.span,
                            MappingTarget::Fields(fields) => match fields.first() {
                                Some(field) => field.name().span,
                                None => continue,
                            },
                        };
                        add(entry.span, Some(on), "map", name);
                    }
                }
                ItemKind::Picklist(picklist) => add(item.span, None, "picklist", Some(picklist.name.span)),
                ItemKind::Owners(_) => add(item.span, None, "`owners`", None),
                ItemKind::System(system) => {
                    add(item.span, None, "system", Some(system.name.span));
                    for entry in &system.entries {
                        let Some(SystemEntry::Object(object)) = &entry.node else { continue };
                        let name = Some(object.name.span);
                        add(entry.span, None, "object", name);
                        for entry in &object.entries {
                            if let Some(ObjectEntry::Field(field)) = &entry.node {
                                add(entry.span, Some(field.name.span), "object", name);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        places.sort_by_key(|place| (place.span.file, place.span.start, std::cmp::Reverse(place.span.end)));
        let mut around: Vec<usize> = Vec::new();
        for at in 0..places.len() {
            let Some(span) = places.get(at).map(|place| place.span) else { continue };
            while around.last().and_then(|outer| places.get(*outer)).is_some_and(|outer| !holds(outer.span, span)) {
                around.pop();
            }
            if let Some(place) = places.get_mut(at) {
                place.around = around.last().copied();
            }
            around.push(at);
        }
        Self { places }
    }

    /// The innermost place that a span begins in.
    fn of(&self, span: Span) -> Option<&Home> {
        let behind =
            self.places.partition_point(|place| (place.span.file, place.span.start) <= (span.file, span.start));
        let mut place = self.places.get(behind.checked_sub(1)?)?;
        while !holds(place.span, span) {
            place = self.places.get(place.around?)?;
        }
        Some(place)
    }
}

/// True where a span begins in another, or right behind it.
fn holds(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && (outer.start..=outer.end).contains(&inner.start)
}
