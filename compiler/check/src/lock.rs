//! Findings of the lock file about the program: facts about the export that were found by an audit, checked offline.

use std::collections::BTreeSet;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::lock::{
    LinkHost, Lock, LockedColumn, LockedFileState, LockedObject, LockedSourceObject, LockedStage, ObjectState,
};
use migr_plan::{Expr, FieldType, PicklistOtherwise};

use crate::errors::listed;
use crate::in_order::IndexMap;
use crate::spec::{Map, Picklist, Source, SourceObject, Spec};

/// Compares a checked program with what an audit found. A lock of another migration or source says nothing.
pub fn check_lock(spec: &Spec, lock: &Lock, diagnostics: &mut Diagnostics) {
    if lock.migration != spec.name || lock.export.system != spec.source.system {
        return;
    }
    let objects: IndexMap<&str, &LockedSourceObject> =
        lock.export.objects.iter().map(|object| (object.name.as_str(), object)).collect();
    let mut mapped: IndexMap<&str, &Map> = IndexMap::default();
    for map in &spec.maps {
        mapped.entry(map.source_object.as_str()).or_insert(map);
    }
    for object in &spec.source.objects {
        if let (Some(found), Some(map)) = (objects.get(object.name.as_str()), mapped.get(object.name.as_str())) {
            check_object(&spec.source, object, found, map, diagnostics);
        }
    }
    check_names(spec, lock, diagnostics);
    check_links(spec, &objects, diagnostics);
    check_files(spec, lock, diagnostics);
    check_fallback(spec, lock, diagnostics);
    check_destination(spec, lock, diagnostics);
    check_picklists(spec, &objects, diagnostics);
}

fn check_object(
    source: &Source,
    object: &SourceObject,
    found: &LockedSourceObject,
    map: &Map,
    diagnostics: &mut Diagnostics,
) {
    if found.state == ObjectState::Absent {
        if !object.is_optional {
            let file = object.file.as_deref().unwrap_or("its file");
            diagnostics.push(
                Diagnostic::new(
                    Code::W0602,
                    format!("the export has no `{file}`, and map `{}` reads it", map.name),
                    map.name_span,
                    "reads a file that is missing",
                )
                .with_help("put the file into the export and run `migr audit` again, or declare the object `optional`"),
            );
        }
        return;
    }
    let hidden: Vec<&str> = found
        .hidden
        .iter()
        .map(String::as_str)
        .filter(|column| object.columns.iter().any(|one| one.name == *column))
        .collect();
    if !hidden.is_empty() {
        diagnostics.push(
            Diagnostic::new(
                Code::W0603,
                format!("the export of `{}` lacks {}", object.name, listed(&hidden)),
                map.name_span,
                "reads an export without them",
            )
            .with_help("show the columns in the source and export again"),
        );
    }
    // Several objects may be read from one file, each with columns of its own.
    let of_the_file = || {
        source
            .objects
            .iter()
            .filter(|other| other.name == object.name || (object.file.is_some() && other.file == object.file))
    };
    let unlisted: Vec<&str> = found
        .columns
        .iter()
        .filter(|column| column.declared.is_none())
        .filter(|column| !of_the_file().any(|other| other.columns.iter().any(|one| one.name == column.name)))
        .map(|column| column.name.as_str())
        .collect();
    if !unlisted.is_empty() {
        diagnostics.push(
            Diagnostic::new(
                Code::W0604,
                format!("the export of `{}` has columns that the catalog lacks: {}", object.name, listed(&unlisted)),
                map.name_span,
                "leaves them behind",
            )
            .with_help(format!(
                "declare them, `extend system {} {{ object {} {{ {}: text }} }}`, and map or drop them",
                source.system,
                object.name,
                unlisted.first().copied().unwrap_or_default()
            )),
        );
    }
}

/// Maps that the audit knew by another name, as their fields tell: under the new one their records would be made anew.
fn check_names(spec: &Spec, lock: &Lock, diagnostics: &mut Diagnostics) {
    let known = |id: &str| lock.stages.stages.iter().any(|stage| stage.id == id);
    let mut gone: Vec<&LockedStage> =
        lock.stages.stages.iter().filter(|stage| spec.maps.iter().all(|map| map.id() != stage.id)).collect();
    for map in spec.maps.iter().filter(|map| !known(map.id())) {
        let same = |stage: &&LockedStage| {
            stage.fields.iter().filter(|field| map.fields.iter().any(|one| one.name == field.field)).count()
        };
        let Some((at, before)) = gone.iter().enumerate().max_by_key(|(_, stage)| same(stage)) else { return };
        let fields = before.fields.len().max(map.fields.len());
        if fields == 0 || same(before) * 2 <= fields {
            continue;
        }
        let records = before.create + before.update + before.unchanged;
        diagnostics.push(
            Diagnostic::new(
                Code::W0336,
                format!(
                    "the audit knew this map as `{}`; as `{}` each of its {records} records would be made anew, beside the one that is there",
                    before.id,
                    map.id()
                ),
                map.name_span,
                "a new name",
            )
            .with_help(format!("write `formerly {}` after the name; if it is another map, run `migr audit` again", before.id)),
        );
        gone.remove(at);
    }
}

/// Links that a map would send as files, and whose hosts the migration does not name.
fn check_links(spec: &Spec, objects: &IndexMap<&str, &LockedSourceObject>, diagnostics: &mut Diagnostics) {
    for map in &spec.maps {
        let Some(found) = objects.get(map.source_object.as_str()) else { continue };
        let Some(field) = map.fields.iter().find(|field| field.ty == FieldType::File) else { continue };
        let is_named = |host: &LinkHost| spec.source.fetch.iter().any(|(one, _)| one.covers(&host.host, host.port));
        let others: Vec<&LinkHost> = found.link_hosts.iter().filter(|host| !is_named(host)).collect();
        let Some(first) = others.first() else { continue };
        let hosts: Vec<String> = others.iter().map(|host| host.place().to_string()).collect();
        let links: u64 = others.iter().map(|host| host.links).sum();
        diagnostics.push(
            Diagnostic::new(
                Code::W0609,
                format!(
                    "{links} files of `{}` are links to {}, which `fetch` does not name",
                    found.name,
                    listed(&hosts.iter().map(String::as_str).collect::<Vec<_>>())
                ),
                field.span,
                "writes files that are links",
            )
            .with_help(format!(
                "name the hosts, `source {} {{ fetch = [\"{}\"] }}`, or put the files into the export; with `on missing none` such records arrive without their file",
                spec.source.system,
                first.place()
            )),
        );
    }
}

/// Files that no object reads and no `drop file` names.
fn check_files(spec: &Spec, lock: &Lock, diagnostics: &mut Diagnostics) {
    let is_dropped = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        spec.source
            .dropped_files
            .iter()
            .any(|dropped| matches(&dropped.pattern, path) || matches(&dropped.pattern, name))
    };
    let is_read = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        spec.source.objects.iter().filter_map(|object| object.file.as_deref()).any(|file| file == name || file == path)
    };
    for file in &lock.export.files {
        if file.state != LockedFileState::Unclaimed || is_dropped(&file.path) || is_read(&file.path) {
            continue;
        }
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        diagnostics.push(
            Diagnostic::new(
                Code::W0610,
                format!("no object of `{}` claims `{}`, and nothing drops it", spec.source.system, file.path),
                spec.source.span,
                "its export has a file that nothing claims",
            )
            .with_help(format!(
                "declare an object `from \"{name}\"` in the catalog and map it, or say why it stays behind: `drop file \"{name}\" : \"reason\"`"
            )),
        );
    }
}

/// True where a path matches a pattern in which `*` stands for any characters.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

/// Fields that the catalog has and the destination was found to lack. What setup creates is left out: it may be there or not.
fn check_destination(spec: &Spec, lock: &Lock, diagnostics: &mut Diagnostics) {
    let Some(destination) = lock.destination.as_ref().filter(|found| found.name == spec.destination.name) else {
        return;
    };
    let objects: IndexMap<&str, &LockedObject> =
        destination.objects.iter().map(|object| (object.name.as_str(), object)).collect();
    for map in &spec.maps {
        let Some(object) = objects.get(map.destination_object.as_str()) else { continue };
        for field in map.fields.iter().filter(|field| !field.is_new && field.value != Expr::Default) {
            let found = object.fields.iter().find(|found| found.name == field.name);
            if found.is_some_and(|found| !found.inactive) {
                continue;
            }
            let how = if found.is_some() { "is switched off" } else { "is not there" };
            diagnostics.push(
                Diagnostic::new(
                    Code::W0608,
                    format!("`{}.{}` {how} in the destination, which the last audit read", object.name, field.name),
                    field.span,
                    how,
                )
                .with_help(
                    "write to a field that is there, create one with `new`, or run `migr audit` again once it is back",
                ),
            );
        }
    }
}

/// Checks that the fallback owner is a member of the destination.
fn check_fallback(spec: &Spec, lock: &Lock, diagnostics: &mut Diagnostics) {
    let (Some(owners), Some(destination)) = (&spec.owners, &lock.destination) else { return };
    let Some(members) = destination.members.as_ref().filter(|members| {
        destination.name == spec.destination.name
            && members.object == owners.destination_object
            && members.field == owners.destination_field
    }) else {
        return;
    };
    let mut missing = |address: &str, span| {
        if !members.contains(address) {
            diagnostics.push(
                Diagnostic::new(
                    Code::W0605,
                    format!("`{address}` is not a member of `{}`", destination.name),
                    span,
                    "not a member",
                )
                .with_help("invite the member, or name another one; then run `migr audit` again"),
            );
        }
    };
    for (_, address, span) in &owners.overrides {
        missing(address, *span);
    }
    if let Some(fallback) = &owners.fallback {
        missing(fallback, owners.span);
    }
}

/// The values that flow into a picklist, from every map that takes all records of its object.
fn check_picklists(spec: &Spec, objects: &IndexMap<&str, &LockedSourceObject>, diagnostics: &mut Diagnostics) {
    let skipped: BTreeSet<&str> = spec
        .source
        .objects
        .iter()
        .filter(|object| !object.skips.is_empty())
        .map(|object| object.name.as_str())
        .collect();
    let mut inputs: IndexMap<&str, IndexMap<(&str, &str), &LockedColumn>> = IndexMap::default();
    // A table that is also fed by what cannot be followed may use any row.
    let mut is_followed: IndexMap<&str, bool> = IndexMap::default();
    for map in &spec.maps {
        for field in &map.fields {
            field.value.walk(&mut |expr| {
                let Expr::Picklist { table, inputs: fed, .. } = expr else { return };
                let followed = is_followed.entry(table.as_str()).or_insert(true);
                let column = match fed.as_slice() {
                    [Expr::Column { name }] => {
                        objects.get(map.source_object.as_str()).and_then(|object| object.column(name))
                    }
                    _ => None,
                };
                let is_whole = map.when.is_none() && !skipped.contains(map.source_object.as_str());
                match column
                    .filter(|column| is_whole && column.values.as_ref().is_some_and(|values| !values.incomplete))
                {
                    Some(column) => {
                        let key = (map.source_object.as_str(), column.name.as_str());
                        inputs.entry(table.as_str()).or_default().insert(key, column);
                    }
                    None => *followed = false,
                }
            });
        }
    }
    for picklist in &spec.picklists {
        let Some(columns) = inputs.get(picklist.name.as_str()) else { continue };
        uncovered(picklist, columns, diagnostics);
        if is_followed.get(picklist.name.as_str()).copied().unwrap_or_default() {
            unused_rows(picklist, columns, diagnostics);
        }
    }
}

/// A key as it is compared.
fn fold(picklist: &Picklist, text: &str) -> String {
    let text =
        if picklist.ignore_space { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.to_owned() };
    if picklist.ignore_case { text.to_lowercase() } else { text }
}

fn uncovered(picklist: &Picklist, columns: &IndexMap<(&str, &str), &LockedColumn>, diagnostics: &mut Diagnostics) {
    let what = match picklist.otherwise {
        PicklistOtherwise::Quarantine => "quarantined",
        PicklistOtherwise::Skip => "left behind",
        PicklistOtherwise::None
        | PicklistOtherwise::Create
        | PicklistOtherwise::Use { .. }
        | PicklistOtherwise::UseAll { .. } => return,
    };
    let keys: BTreeSet<Option<String>> = picklist
        .rows
        .iter()
        .flat_map(|row| &row.keys)
        .filter_map(|key| key.first().map(|value| value.as_ref().map(|value| fold(picklist, value))))
        .collect();
    for ((object, column), found) in columns {
        let mut values: Vec<String> = Vec::new();
        let mut records = 0;
        for value in found.values.iter().flat_map(|values| &values.values) {
            if !keys.contains(&Some(fold(picklist, &value.value))) {
                values.push(format!("`{}` ({})", value.value.trim(), value.count));
                records += value.count;
            }
        }
        if values.is_empty() {
            continue;
        }
        let more = values.len().saturating_sub(8);
        values.truncate(8);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        diagnostics.push(
            Diagnostic::new(
                Code::W0606,
                format!(
                    "{records} {} of `{object}` {} {what}: no row of `{}` names {} `{column}`: {}{more}",
                    if records == 1 { "record" } else { "records" },
                    if records == 1 { "is" } else { "are" },
                    picklist.name,
                    if records == 1 { "its" } else { "their" },
                    values.join(", ")
                ),
                picklist.name_span,
                "names some values only",
            )
            .with_help("add rows for the values that are meant to move"),
        );
    }
}

fn unused_rows(picklist: &Picklist, columns: &IndexMap<(&str, &str), &LockedColumn>, diagnostics: &mut Diagnostics) {
    let found: BTreeSet<String> = columns
        .values()
        .filter_map(|column| column.values.as_ref())
        .flat_map(|values| &values.values)
        .map(|value| fold(picklist, &value.value))
        .collect();
    for row in &picklist.rows {
        let keys: Vec<&String> = row.keys.iter().filter_map(|key| key.first()?.as_ref()).collect();
        let has_none = row.keys.len() > keys.len();
        if keys.is_empty() || has_none || keys.iter().any(|key| found.contains(&fold(picklist, key))) {
            continue;
        }
        diagnostics.push(
            Diagnostic::new(
                Code::W0607,
                format!(
                    "no record of the export has {}",
                    listed(&keys.iter().map(|key| key.as_str()).collect::<Vec<_>>())
                ),
                row.span,
                "names what is not there",
            )
            .with_help("remove the row, or mend its spelling"),
        );
    }
}
