//! Nothing is left behind in silence: columns, objects, and what the program defines and does not use.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_source::Span;

use crate::catalog::Catalog;
use crate::expression::{Usage, World};
use crate::in_order::{IndexMap, IndexSet};
use crate::maps::Checked;
use crate::objects::Fate;
use crate::picklists::Table;
use crate::program::Program;
use crate::reachable::{self, Conditions, Reach};
use crate::types::Type;
use crate::uses;

/// Every column of a mapped object is used or dropped.
pub(crate) fn columns(maps: &[(Span, Checked)], world: &World<'_>, usage: &Usage, diagnostics: &mut Diagnostics) {
    let mut by_object: IndexMap<&str, Vec<&(Span, Checked)>> = IndexMap::default();
    for map in maps {
        by_object.entry(map.1.spec.source_object.as_str()).or_default().push(map);
    }
    for (name, maps) in by_object {
        let Some(object) = world.source.objects.get(name) else { continue };
        // What a computed column reads is not known.
        let is_broken = object.is_broken
            || world.is_broken
            || maps.iter().any(|(_, map)| map.is_broken)
            || object.fields.values().any(|field| field.attributes.is_computed);
        let Some((span, first)) = maps.first() else { continue };
        if is_broken {
            continue;
        }
        let tells: IndexSet<&Arc<str>> = object
            .fields
            .values()
            .filter_map(|field| match &field.ty {
                Type::Key(key) => key.by.as_ref().map(|(column, _)| column),
                _ => None,
            })
            .collect();
        for (column, field) in &object.fields {
            let is_key = object.key.iter().any(|key| key.node == *column);
            let is_used = usage.columns.contains(&(Arc::clone(&object.name.node), Arc::clone(column)));
            let is_dropped = maps.iter().any(|(_, map)| map.drops.contains_key(column));
            if is_key || is_used || is_dropped || tells.contains(column) {
                continue;
            }
            diagnostics.push(
                Diagnostic::new(
                    Code::E0306,
                    format!("column `{column}` of `{name}` is neither used nor dropped"),
                    *span,
                    format!("`{column}` is left out"),
                )
                .with_label(field.name.span, format!("`{column}` is declared here"))
                .with_help(format!(
                    "map it, or say in map `{}` why it stays behind: `drop {column} : \"reason\"`",
                    first.spec.name
                )),
            );
        }
    }
}

/// Tags and the like that a record has by its group: an export lists a record's own values alone.
pub(crate) fn inherited(maps: &[(Span, Checked)], world: &World<'_>, usage: &Usage, diagnostics: &mut Diagnostics) {
    let mut seen: IndexSet<&str> = IndexSet::default();
    for (span, map) in maps {
        let name = map.spec.source_object.as_str();
        let Some(object) = world.source.objects.get(name).filter(|_| !map.is_broken && seen.insert(name)) else {
            continue;
        };
        let lists = object.fields.iter().filter(|(column, field)| {
            is_list_of_texts(&field.ty) && usage.columns.contains(&(Arc::clone(&object.name.node), Arc::clone(column)))
        });
        for (column, field) in lists {
            for (through, target) in object.fields.iter().filter_map(|(name, field)| Some((name, group(&field.ty)?))) {
                let Some(theirs) = world.source.objects.get(target).and_then(|group| group.fields.get(column)) else {
                    continue;
                };
                let is_read = usage.through.contains(&(Arc::clone(target), Arc::clone(column)));
                if **target == *name || !is_list_of_texts(&theirs.ty) || is_read {
                    continue;
                }
                diagnostics.push(
                    Diagnostic::new(
                        Code::W0323,
                        format!("`{column}` that a `{name}` has by its `{target}` are not in the export, and nothing adds them"),
                        *span,
                        format!("takes the record's own `{column}` alone"),
                    )
                    .with_label(field.name.span, "its own")
                    .with_label(theirs.name.span, format!("those of `{target}`"))
                    .with_help(format!("add them: `({column} + {through}.{column}) | unique`")),
                );
            }
        }
    }
}

fn is_list_of_texts(ty: &Type) -> bool {
    matches!(ty, Type::List(of) if of.is_text_like() && !matches!(**of, Type::Key(_)))
}

/// The one object that a column, or each of its elements, refers to.
fn group(ty: &Type) -> Option<&Arc<str>> {
    let key = match ty {
        Type::Key(key) => key,
        Type::List(of) => match &**of {
            Type::Key(key) => key,
            _ => return None,
        },
        _ => return None,
    };
    match key.targets.as_slice() {
        [target] => Some(&target.object),
        _ => None,
    }
}

/// Every object of the source is mapped, read, dropped or referred to, unless it is optional.
pub(crate) fn objects(
    catalog: &Catalog<'_>,
    fates: &IndexMap<Arc<str>, Fate>,
    span: Span,
    diagnostics: &mut Diagnostics,
) {
    for (name, object) in &catalog.objects {
        let is_claimed =
            fates.get(name).is_some_and(|fate| fate.is_read || fate.dropped.is_some() || fate.reference_only.is_some());
        if is_claimed || object.is_optional {
            continue;
        }
        diagnostics.push(
            Diagnostic::new(
                Code::E0310,
                format!("nothing maps, drops or refers to `{name}`"),
                span,
                format!("has an object `{name}`"),
            )
            .with_label(object.name.span, "declared here")
            .with_help(format!("add a map, or say why it stays behind: `drop object {name} : \"reason\"`")),
        );
    }
}

/// Two maps that make records of one object from the same source records.
pub(crate) fn overlaps(maps: &[(Span, Checked)], diagnostics: &mut Diagnostics) {
    let mut by_ends: IndexMap<(&str, &str), Vec<&(Span, Checked)>> = IndexMap::default();
    for map in maps {
        let spec = &map.1.spec;
        if spec.distinct.is_none() && spec.association.is_none() {
            by_ends.entry((&spec.source_object, &spec.destination_object)).or_default().push(map);
        }
    }
    for ((source, destination), maps) in by_ends {
        for (at, (span, map)) in maps.iter().enumerate().skip(1) {
            let twin = maps.iter().take(at).find(|(_, other)| {
                let is_same = other.spec.when.is_none() || map.spec.when.is_none() || other.spec.when == map.spec.when;
                let is_empty = other.reach.is_never() || map.reach.is_never();
                !is_empty && (is_same || map.reach.certainly_meets(&other.reach))
            });
            if let Some((first, _)) = twin {
                diagnostics.push(
                    Diagnostic::new(
                        Code::W0321,
                        format!("two maps make `{destination}` of the same `{source}`"),
                        *span,
                        "makes it again",
                    )
                    .with_label(*first, "made here")
                    .with_help("give each map a `when` that tells its records"),
                );
            }
        }
    }
}

/// Maps of which every record is skipped.
pub(crate) fn skipped(maps: &[(Span, Checked)], skips: &[(Arc<str>, Span, Reach)], diagnostics: &mut Diagnostics) {
    for (span, map) in maps {
        if map.reach.is_never() {
            continue;
        }
        let mut left = map.reach.clone();
        for (_, skip, reach) in skips.iter().filter(|(object, ..)| **object == *map.spec.source_object) {
            left = left.and(&reach.not());
            if left.is_never() {
                let message = "every record that this would take is skipped, so this map makes nothing";
                diagnostics
                    .push(reachable::never(map.when.unwrap_or(*span), message).with_label(*skip, "skipped here"));
                break;
            }
        }
    }
}

/// Picklists and transforms that nothing uses.
pub(crate) fn unused(
    program: &Program<'_>,
    tables: &IndexMap<Arc<str>, Table>,
    usage: &Usage,
    diagnostics: &mut Diagnostics,
) {
    let warn = |code: Code, what: String, span: Span| {
        Diagnostic::new(code, format!("nothing uses {what}"), span, "not used").with_help("use it, or remove it")
    };
    let chosen = uses::chosen_from(program);
    // What could not be read may use them.
    let is_broken = program.is_broken || program.maps.values().any(crate::program::Extended::is_broken);
    for (name, table) in tables {
        // Of a field that is not there it is said that it is not there.
        let is_resolved = !table.types.iter().any(crate::types::Type::is_unknown);
        if !is_broken && is_resolved && !usage.tables.contains(name) && !chosen.contains(name) {
            diagnostics.push(warn(Code::W0322, format!("picklist `{name}`"), table.spec.name_span));
        }
    }
    for (name, transform) in &program.transforms {
        Conditions { object: None, tables }.check(&transform.body, diagnostics);
        if !is_broken && !usage.transforms.contains(name) {
            diagnostics.push(warn(Code::W0331, format!("transform `{name}`"), transform.name.span));
        }
    }
}
