//! `use`s of files from which nothing is used.

use std::collections::BTreeSet;
use std::sync::Arc;

use migr_diagnostics::{Applicability, Code, Diagnostic, Diagnostics, Edit, Fix};
use migr_source::{FileId, Span};
use migr_syntax::ast::{Ast, Entry, ItemKind, MapEntry, MappingTarget, MigrationEntry, Type};

use crate::expression::Usage;
use crate::in_order::{IndexMap, IndexSet};
use crate::program::Program;

/// A `use` that was followed.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// The file that it stands in.
    pub from: FileId,
    /// The file that it names.
    pub to: FileId,
    /// Where that stands.
    pub span: Span,
}

/// Picklists whose rows are the options of a new field.
pub(crate) fn chosen_from<'a>(program: &Program<'a>) -> IndexSet<&'a Arc<str>> {
    let entries = program.maps.values().flat_map(|map| map.entries.iter());
    let named = entries.filter_map(|entry: &&'a Entry<MapEntry>| match &entry.node {
        Some(MapEntry::Mapping(mapping)) => match &mapping.target {
            MappingTarget::New(field) => match &field.ty.node {
                Type::SelectFrom(name) | Type::MultiselectFrom(name) => Some(&name.node),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    named.collect()
}

/// Reports each `use` behind which no file holds anything that the program uses, and each that is written twice in its file.
pub(crate) fn check(asts: &[Ast], program: &Program<'_>, usage: &Usage, uses: &[Use], diagnostics: &mut Diagnostics) {
    let claimed = used_files(asts, program, usage);
    let mut outgoing: IndexMap<FileId, Vec<FileId>> = IndexMap::default();
    for one in uses {
        outgoing.entry(one.from).or_default().push(one.to);
    }
    let mut seen: IndexMap<(FileId, FileId), Span> = IndexMap::default();
    for one in uses {
        if let Some(first) = seen.get(&(one.from, one.to)) {
            diagnostics.push(
                Diagnostic::new(Code::W0332, "this file is used already", one.span, "again here")
                    .with_label(*first, "first here")
                    .with_help("keep one of them")
                    .with_fix(removal(asts, one)),
            );
            continue;
        }
        seen.insert((one.from, one.to), one.span);
        if !reaches(one.to, one.from, &outgoing, &claimed) {
            diagnostics.push(
                Diagnostic::new(Code::W0332, "nothing of this file is used", one.span, "not used")
                    .with_help("remove the `use`, or use what the file defines")
                    .with_fix(removal(asts, one)),
            );
        }
    }
}

/// Takes the item out.
fn removal(asts: &[Ast], one: &Use) -> Fix {
    let mut items = asts.iter().flat_map(|ast| &ast.items);
    let item = items.find(|item| matches!(&item.kind, ItemKind::Use(text) if text.span == one.span));
    Fix {
        title: "remove the `use`".to_owned(),
        edits: item.map(|item| Edit { span: item.span, text: String::new() }).into_iter().collect(),
        applicability: Applicability::Safe,
    }
}

/// True where a file, or one that it uses in turn, holds something that is used.
fn reaches(start: FileId, from: FileId, outgoing: &IndexMap<FileId, Vec<FileId>>, claimed: &BTreeSet<FileId>) -> bool {
    let mut seen = BTreeSet::from([from, start]);
    let mut waiting = vec![start];
    while let Some(file) = waiting.pop() {
        if claimed.contains(&file) {
            return true;
        }
        waiting.extend(outgoing.get(&file).into_iter().flatten().copied().filter(|next| seen.insert(*next)));
    }
    false
}

/// Files with an item that acts by itself, such as a map, or that defines what the program uses.
fn used_files(asts: &[Ast], program: &Program<'_>, usage: &Usage) -> BTreeSet<FileId> {
    let entries = program.migration.iter().flat_map(|(_, migration)| &migration.entries);
    let systems: BTreeSet<&Arc<str>> = entries
        .filter_map(|entry| match &entry.node {
            Some(MigrationEntry::Source { system, .. } | MigrationEntry::Destination { system, .. }) => {
                Some(&system.node)
            }
            _ => None,
        })
        .collect();
    let chosen = chosen_from(program);
    let items = asts.iter().flat_map(|ast| &ast.items);
    let acting = items.filter(|item| match &item.kind {
        ItemKind::Use(_) => false,
        ItemKind::System(system) => systems.contains(&system.name.node),
        ItemKind::Transform(transform) => usage.transforms.contains(&transform.name.node),
        ItemKind::Picklist(picklist) => {
            let name = &picklist.name.node;
            item.extend || usage.tables.contains(name) || chosen.contains(name)
        }
        _ => true,
    });
    acting.map(|item| item.span.file).collect()
}
