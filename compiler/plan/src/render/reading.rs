//! Settings of the migration, and how the files of the export are read.

use std::collections::BTreeSet;

use super::section::{Group, Section, Sign, counted};
use super::{View, expression};
use crate::{ColumnType, Destination, Plan, SettingValue, SourceColumn, SourceObject};

/// The section of the settings: from where, to where, read as what, decided how.
pub(super) fn settings(plan: &Plan) -> Section {
    let mut section = Section::new("Settings");
    let mut group = Group::new(["setting", "", "value"], [false, false, false]);
    let mut say = |name: &str, value: String| {
        if !value.is_empty() {
            group.row(Sign::Plain, [name.to_owned(), String::new(), value], None);
        }
    };
    say("source", format!("{}, files {}", plan.source.system, plan.source.files));
    let destination = &plan.destination;
    let settings: Vec<String> =
        destination.settings.iter().map(|(name, value)| format!("{name} {}", setting(value))).collect();
    let named = if destination.name == destination.system {
        destination.system.clone()
    } else {
        format!("{} as {}", destination.system, destination.name)
    };
    say("destination", [vec![named], settings].concat().join(", "));
    let limits = destination.limits.iter().map(|limit| match limit.per_seconds {
        Some(seconds) => format!("{} {} per {}", limit.what, limit.value, duration(seconds)),
        None if limit.what == "file" => format!("file {}", bytes(limit.value)),
        None => format!("{} {}", limit.what, limit.value),
    });
    say("limits", limits.collect::<Vec<_>>().join(", "));
    say("written", written(destination));
    let options = &plan.options;
    let named = |name: &str, value: Option<&String>| value.map(|value| format!("{name} {value}"));
    let read = [
        named("timezone", options.timezone.as_ref()),
        named("country", options.country.as_ref()),
        named("currency", options.currency.as_ref()),
    ];
    say("read as", read.into_iter().flatten().collect::<Vec<_>>().join(", "));
    let decided = [
        named("on conflict", options.on_conflict.as_ref()),
        named("on vanished", options.on_vanished.as_ref()),
        named("on rollback", options.on_rollback.as_ref()),
        options.sample.map(|sample| format!("sample {sample}")),
        options.delta_seconds.map(|seconds| format!("delta {}", duration(seconds))),
        options.require_match_percent.as_ref().map(|percent| format!("require match >= {percent}%")),
        (!plan.denied.is_empty()).then(|| format!("deny {}", plan.denied.join(", "))),
    ];
    say("decided", decided.into_iter().flatten().collect::<Vec<_>>().join(", "));
    section.groups.push(group);
    section
}

/// Way in which records reach the destination: so many a request, and by nothing else than its API.
fn written(destination: &Destination) -> String {
    let batch = destination.limits.iter().find(|limit| limit.what == "batch" && limit.value > 1);
    let records = batch.map_or_else(|| "one record".to_owned(), |limit| format!("up to {} records", limit.value));
    let bulk = if batch.is_some() { "" } else { ", since it takes no lists of them" };
    format!("over the API, {records} a request{bulk}; no file of records is uploaded")
}

/// A setting as it is written: a secret by its name.
fn setting(value: &SettingValue) -> String {
    match value {
        SettingValue::Text { value } => value.clone(),
        SettingValue::Env { name } => format!("env(\"{name}\")"),
        SettingValue::Secret { name } => format!("secret(\"{name}\")"),
    }
}

/// `48h`, `60s`, `2m`.
fn duration(seconds: u64) -> String {
    match seconds {
        seconds if seconds >= 3600 && seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        seconds if seconds > 60 && seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// `1GB`, `25MB`, `512B`.
fn bytes(count: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let unit = units.iter().find(|(size, _)| count >= *size && count.is_multiple_of(*size));
    unit.map_or_else(|| format!("{count}B"), |(size, name)| format!("{}{name}", count / size))
}

/// The section of the export's objects and columns. The concise form counts them.
pub(super) fn files(plan: &Plan, view: &View<'_>) -> Section {
    let mut section = Section::new("How files are read");
    let blank = match plan.source.blank.as_slice() {
        [] => String::new(),
        words => format!(
            "; cells that read {} are empty",
            words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
        ),
    };
    let read: Vec<&SourceObject> = plan.source.objects.iter().collect();
    section.say(format!("{} from {}{blank}", counted(read.len(), "object"), plan.source.files));
    section.say(columns_in_short(&read));
    if view.full {
        for object in read {
            let mut group = Group::new(["column", "type", "read"], [true, false, false])
                .under(object.name.clone(), object_words(object));
            for column in &object.columns {
                group.row(Sign::Plain, [column.name.clone(), column_type(column), column_words(column)], None);
            }
            section.groups.push(group);
        }
    }
    section
}

fn object_words(object: &SourceObject) -> String {
    let mut words = vec![match &object.file {
        Some(file) => format!("file {file}"),
        None => "file of its name".to_owned(),
    }];
    if !object.key.is_empty() {
        words.push(format!("key {}", object.key.join(", ")));
    }
    if object.optional {
        words.push("may be missing".to_owned());
    }
    if object.dropped.is_some() {
        words.push("its records stay behind".to_owned());
    }
    if object.reference_only {
        words.push("kept as a reference only".to_owned());
    }
    words.join(", ")
}

/// `76 columns: 10 with a format, 3 split, 9 sensitive`.
fn columns_in_short(objects: &[&SourceObject]) -> String {
    let columns = || objects.iter().flat_map(|object| &object.columns);
    let count = |is: &dyn Fn(&SourceColumn) -> bool, words: &str| {
        let count = columns().filter(|column| is(column)).count();
        (count > 0).then(|| format!("{count} {words}"))
    };
    let parts = [
        count(&|column| column.format.is_some(), "with a format"),
        count(&|column| column.split.is_some(), "split"),
        count(&|column| column.zone.is_some(), "in a time zone"),
        count(&|column| column.sensitive, "sensitive"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let all = counted(columns().count(), "column");
    if parts.is_empty() { all } else { format!("{all}: {}", parts.join(", ")) }
}

fn column_type(column: &SourceColumn) -> String {
    let Some(reference) = &column.reference else { return type_name(column.ty) };
    let column_of = reference.column.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
    let by = reference.by.as_ref().map(|by| format!(" by {}", by.column)).unwrap_or_default();
    format!("-> {}{column_of}{by}", reference.objects.join(" | "))
}

fn type_name(ty: ColumnType) -> String {
    match ty {
        ColumnType::TextList => "list(text)".to_owned(),
        ColumnType::ReferenceList => "list of references".to_owned(),
        ty => serde_json::to_value(ty).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default(),
    }
}

/// Way in which a column is read, where it is none of its type alone.
fn column_words(column: &SourceColumn) -> String {
    let mut words = Vec::new();
    let mut say = |name: &str, value: Option<&str>| {
        words.extend(value.map(|value| format!("{name} {value:?}")));
    };
    say("header", column.header.as_deref());
    say("format", column.format.as_deref());
    for format in &column.other_formats {
        say("or", Some(format));
    }
    say("zone", column.zone.as_deref());
    say("overlap", column.overlap.as_deref());
    say("gap", column.gap.as_deref());
    say("split", column.split.as_deref());
    words.extend(column.pivot.map(|year| format!("years to {year}")));
    words.extend(column.max.map(|most| format!("at most {most} characters")));
    match column.blank.as_deref() {
        None => {}
        Some([]) => words.push("blank never".to_owned()),
        Some(blank) => {
            words
                .push(format!("blank {}", blank.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")));
        }
    }
    for (is, word) in [
        (column.unique, "unique"),
        (column.ignore_case, "ignore case"),
        (column.ignore_space, "ignore space"),
        (column.sensitive, "sensitive"),
    ] {
        if is {
            words.push(word.to_owned());
        }
    }
    words.extend(column.retain.as_ref().map(|time| format!("retain {time}")));
    words.join(", ")
}

/// The section of the filters: records, files and objects that stay behind or are quarantined by a rule of the export.
pub(super) fn filters(plan: &Plan, view: &View<'_>) -> Section {
    let mut section = Section::new("Filters, before any map");
    let mut group = Group::new(["rule", "of", "which"], [false, false, false]);
    for object in &plan.source.objects {
        if let Some(reason) = &object.dropped {
            let cells = ["drop object".to_owned(), object.name.clone(), reason.clone()];
            group.row(Sign::Minus, cells, Some(&object.origin));
        }
        for skip in &object.skips {
            let which = format!("{} : {}", expression(&skip.condition), skip.reason);
            group.row(Sign::Minus, ["skip".to_owned(), object.name.clone(), which], Some(&skip.origin));
        }
        for check in &object.checks {
            let which = format!("{} : {}", expression(&check.condition), check.reason);
            group.row(Sign::Plain, ["check".to_owned(), object.name.clone(), which], Some(&check.origin));
        }
    }
    for rule in &plan.source.dropped_files {
        let cells = ["drop file".to_owned(), rule.pattern.clone(), rule.reason.clone()];
        group.row(Sign::Minus, cells, Some(&rule.origin));
    }
    if !group.rows.is_empty() {
        section.groups.push(group.cut(view.full));
    }
    section
}

/// The section of what is masked: columns of the export, and the fields that they flow into.
pub(super) fn masked(plan: &Plan) -> Section {
    let mut section = Section::new("Sensitive: masked wherever a person or a file could see it");
    let mut names = Vec::new();
    for object in &plan.source.objects {
        names.extend(
            object
                .columns
                .iter()
                .filter(|column| column.sensitive)
                .map(|column| format!("{}.{}", object.name, column.name)),
        );
    }
    for stage in &plan.stages {
        let object = &stage.destination_object;
        names.extend(
            stage.fields.iter().filter(|field| field.sensitive).map(|field| format!("{object}.{}", field.field)),
        );
    }
    // Several maps may write a field.
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    if !names.is_empty() {
        section.say(names.join(", "));
    }
    section
}
