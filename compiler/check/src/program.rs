//! Items of all files, by kind, `extend` beside what it extends.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_source::Span;
use migr_syntax::ast::{
    Ast, DropItem, Entry, Item, ItemKind, Link, Map, MapEntry, Migration, Name, OwnersEntry, Picklist, PicklistEntry,
    ReferenceItem, Skip, System, SystemEntry, Test, Text, Transform,
};

use crate::errors;
use crate::in_order::IndexMap;

/// Items that the files of a project hold.
#[derive(Default)]
pub(crate) struct Program<'a> {
    pub(crate) migration: Option<(&'a Item, &'a Migration)>,
    pub(crate) systems: IndexMap<Arc<str>, Extended<'a, System, SystemEntry>>,
    pub(crate) owners: Option<OwnersItem<'a>>,
    pub(crate) picklists: IndexMap<Arc<str>, Extended<'a, Picklist, PicklistEntry>>,
    pub(crate) maps: IndexMap<Arc<str>, Extended<'a, Map, MapEntry>>,
    pub(crate) transforms: IndexMap<Arc<str>, &'a Transform>,
    pub(crate) skips: Vec<(&'a Item, &'a Skip)>,
    pub(crate) drops: Vec<(&'a Item, &'a DropItem)>,
    pub(crate) links: Vec<(&'a Item, &'a Link)>,
    pub(crate) references: Vec<(&'a Item, &'a ReferenceItem)>,
    pub(crate) tests: IndexMap<Arc<str>, &'a Test>,
    /// An item could not be read, so what seems to be missing may stand there.
    pub(crate) is_broken: bool,
    /// The first item that makes sense in a migration only.
    pub(crate) needs_migration: Option<Span>,
}

/// An item with the entries of those that extend it.
pub(crate) struct Extended<'a, T, E> {
    pub(crate) item: &'a Item,
    pub(crate) node: &'a T,
    pub(crate) name: Name,
    /// Entries of the item itself, then those of each extension.
    pub(crate) entries: Vec<&'a Entry<E>>,
}

impl<T, E> Extended<'_, T, E> {
    /// True where an entry could not be read.
    pub(crate) fn is_broken(&self) -> bool {
        self.entries.iter().any(|entry| entry.node.is_none())
    }
}

pub(crate) struct OwnersItem<'a> {
    pub(crate) item: &'a Item,
    pub(crate) entries: Vec<&'a Entry<OwnersEntry>>,
}

/// The name a map goes by.
pub(crate) fn map_name(map: &Map) -> &Name {
    map.alias.as_ref().unwrap_or_else(|| map.source.object())
}

/// `///` lines as one text.
pub(crate) fn documentation(docs: &[Text]) -> Option<String> {
    let text = docs.iter().map(|line| line.node.trim_end()).collect::<Vec<_>>().join("\n");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl<'a> Program<'a> {
    /// Gathers the items; two of one name, and extensions of nothing, are reported.
    pub(crate) fn gather(asts: impl Iterator<Item = &'a Ast> + Clone, diagnostics: &mut Diagnostics) -> Self {
        let mut program = Self::default();
        let items = asts.flat_map(|ast| &ast.items);
        for item in items.clone().filter(|item| !item.extend) {
            program.add(item, diagnostics);
        }
        for item in items.filter(|item| item.extend) {
            program.extend(item, diagnostics);
        }
        program
    }

    fn add(&mut self, item: &'a Item, diagnostics: &mut Diagnostics) {
        match &item.kind {
            ItemKind::Use(_) => return,
            ItemKind::Error => {
                self.is_broken = true;
                return;
            }
            ItemKind::System(system) => {
                insert(&mut self.systems, "system", (item, system), &system.name, &system.entries, diagnostics);
                return;
            }
            ItemKind::Transform(transform) => {
                if let Some(first) = self.transforms.get(&transform.name.node) {
                    diagnostics.push(twice("transform", &transform.name, first.name.span));
                } else {
                    self.transforms.insert(Arc::clone(&transform.name.node), transform);
                }
                return;
            }
            ItemKind::Migration(migration) => {
                if let Some((_, first)) = self.migration {
                    diagnostics.push(
                        errors::duplicate(Code::E0202, "`migration`", migration.name.span, first.name.span)
                            .with_help("a project holds one migration; put the other in a folder of its own"),
                    );
                } else {
                    self.migration = Some((item, migration));
                }
                return;
            }
            ItemKind::Owners(entries) => {
                if let Some(first) = &self.owners {
                    diagnostics.push(
                        errors::duplicate(Code::E0202, "`owners`", item.span.at_start(), first.item.span.at_start())
                            .with_help("write `extend owners` to add to it"),
                    );
                } else {
                    self.owners = Some(OwnersItem { item, entries: entries.iter().collect() });
                }
            }
            ItemKind::Picklist(picklist) => {
                let entries = &picklist.entries;
                insert(&mut self.picklists, "picklist", (item, picklist), &picklist.name, entries, diagnostics);
            }
            ItemKind::Map(map) => {
                insert(&mut self.maps, "map", (item, map), map_name(map), &map.entries, diagnostics);
            }
            ItemKind::Skip(skip) => self.skips.push((item, skip)),
            ItemKind::Drop(drop) => self.drops.push((item, drop)),
            ItemKind::Link(link) => self.links.push((item, link)),
            ItemKind::Reference(reference) => self.references.push((item, reference)),
            ItemKind::Test(test) => {
                if let Some(first) = self.tests.get(&test.name.node) {
                    diagnostics.push(twice("test", &test.name, first.name.span));
                } else {
                    self.tests.insert(Arc::clone(&test.name.node), test);
                }
            }
        }
        self.needs_migration.get_or_insert(item.span);
    }

    fn extend(&mut self, item: &'a Item, diagnostics: &mut Diagnostics) {
        match &item.kind {
            ItemKind::System(system) => {
                extend(&mut self.systems, "system", &system.name, &system.entries, diagnostics);
            }
            ItemKind::Picklist(picklist) => {
                extend(&mut self.picklists, "picklist", &picklist.name, &picklist.entries, diagnostics);
            }
            ItemKind::Map(map) => extend(&mut self.maps, "map", map_name(map), &map.entries, diagnostics),
            ItemKind::Owners(entries) => match &mut self.owners {
                Some(owners) => owners.entries.extend(entries),
                None => diagnostics.push(
                    Diagnostic::new(
                        Code::E0201,
                        "there is no `owners` to extend",
                        item.span.at_start(),
                        "nothing to extend",
                    )
                    .with_help("remove `extend`"),
                ),
            },
            ItemKind::Error => self.is_broken = true,
            _ => diagnostics.push(
                Diagnostic::new(
                    Code::E0312,
                    "only a system, map, picklist or owners can be extended",
                    item.span.at_start(),
                    "cannot be extended",
                )
                .with_help("remove `extend`"),
            ),
        }
    }
}

fn insert<'a, T, E>(
    items: &mut IndexMap<Arc<str>, Extended<'a, T, E>>,
    kind: &str,
    (item, node): (&'a Item, &'a T),
    name: &Name,
    entries: &'a [Entry<E>],
    diagnostics: &mut Diagnostics,
) {
    if let Some(first) = items.get(&name.node) {
        let diagnostic = twice(kind, name, first.name.span);
        diagnostics.push(if kind == "map" {
            diagnostic.with_help("give one of them a name of its own: `map Object as Name -> …`")
        } else {
            diagnostic
        });
        return;
    }
    let extended = Extended { item, node, name: name.clone(), entries: entries.iter().collect() };
    items.insert(Arc::clone(&name.node), extended);
}

fn extend<'a, T, E>(
    items: &mut IndexMap<Arc<str>, Extended<'a, T, E>>,
    kind: &str,
    name: &Name,
    entries: &'a [Entry<E>],
    diagnostics: &mut Diagnostics,
) {
    match items.get_mut(&name.node) {
        Some(extended) => extended.entries.extend(entries),
        None => {
            diagnostics.push(errors::unknown_name(kind, &name.node, name.span, items.keys().map(|name| &**name)));
        }
    }
}

fn twice(kind: &str, name: &Name, first: Span) -> Diagnostic {
    errors::duplicate(Code::E0202, &format!("{kind} `{}`", name.node), name.span, first)
        .with_help("keep one of them, or give one another name")
}
