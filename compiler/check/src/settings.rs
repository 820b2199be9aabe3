//! The `migration` item: where from, where to, and how.

use std::collections::BTreeSet;
use std::sync::Arc;

use migr_diagnostics::{Applicability, Code, Diagnostic, Diagnostics, Edit, Fix};
use migr_plan::{HostPattern, Limit, Options, SettingValue, Undocumented};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{Entry, Expression, Migration, MigrationEntry, Name, On, Setting, Text};

use crate::CheckOptions;
use crate::catalog::{Catalog, Object, knowledge};
use crate::errors;
use crate::hosts;
use crate::in_order::IndexMap;
use crate::iso_codes::IsoCode;
use crate::merge::{Slot, merge};
use crate::quantity;
use crate::values;

/// Settings of `migration`.
pub(crate) struct Settings<'a> {
    /// The source's catalog, and where it is named.
    pub(crate) source: Option<(&'a Catalog<'a>, Span)>,
    pub(crate) files: String,
    pub(crate) fetch: Vec<(HostPattern, Span)>,
    pub(crate) destination: Option<Chosen<'a>>,
    pub(crate) options: Options,
    pub(crate) permits: BTreeSet<Arc<str>>,
}

/// The destination that this compilation is for.
pub(crate) struct Chosen<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) name: String,
    pub(crate) settings: IndexMap<String, SettingValue>,
    /// Limits that the migration states for this destination.
    limits: Vec<Limit>,
    /// Parts of its interface that its documents do not name, and that the migration sends.
    pub(crate) undocumented: Vec<Undocumented>,
    pub(crate) span: Span,
}

impl Chosen<'_> {
    /// The catalog's limits; one that the migration states too, for the same time, is the migration's.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        let is_same = |one: &Limit, other: &Limit| one.what == other.what && one.per_seconds == other.per_seconds;
        let stated = |limit: &&Limit| self.limits.iter().all(|own| !is_same(own, limit));
        self.catalog.limits.iter().filter(stated).chain(&self.limits).cloned().collect()
    }
}

type Catalogs<'a> = IndexMap<Arc<str>, Catalog<'a>>;

/// Checks the entries; `wanted` is the destination's name where one was asked for.
pub(crate) fn check<'a>(
    migration: &'a Migration,
    catalogs: &'a Catalogs<'a>,
    options: CheckOptions<'_>,
    diagnostics: &mut Diagnostics,
) -> Settings<'a> {
    let CheckOptions { destination: wanted, shipped, .. } = options;
    let mut settings = Settings {
        source: None,
        files: "export/*".to_owned(),
        fetch: Vec::new(),
        destination: None,
        options: Options::default(),
        permits: BTreeSet::new(),
    };
    let mut destinations: Vec<(String, Span)> = Vec::new();
    let mut says = (false, false);
    let entries = merge(&migration.entries, Code::E0202, slots, diagnostics);
    for entry in &entries {
        match &entry.node {
            Some(MigrationEntry::Source { system, settings: written }) => {
                says.0 = true;
                settings.source = find(system, catalogs, shipped, diagnostics).map(|catalog| (catalog, system.span));
                source_settings(&mut settings, written, diagnostics);
            }
            Some(MigrationEntry::Destination { system, alias, settings: written }) => {
                says.1 = true;
                let name = alias.as_ref().unwrap_or(system);
                destinations.push((name.node.to_string(), name.span));
                let (values, limits) = destination_settings(written, diagnostics);
                let catalog = find(system, catalogs, shipped, diagnostics);
                let undocumented = catalog.map(|catalog| undocumented(written, catalog, diagnostics));
                let is_wanted = wanted.is_none_or(|wanted| wanted == &*name.node);
                if let (Some(catalog), true, None) = (catalog, is_wanted, &settings.destination) {
                    let name = name.node.to_string();
                    let undocumented = undocumented.unwrap_or_default();
                    let (settings_of, span) = (values, system.span);
                    settings.destination =
                        Some(Chosen { catalog, name, settings: settings_of, limits, undocumented, span });
                }
            }
            Some(MigrationEntry::Setting(setting)) => option(&mut settings.options, setting, diagnostics),
            Some(MigrationEntry::On(on)) => policy(&mut settings.options, on, diagnostics),
            Some(MigrationEntry::Require { what, at_least }) => {
                if &*what.node == "match" {
                    settings.options.require_match_percent = percent(at_least, diagnostics);
                } else {
                    diagnostics.push(errors::unknown_word("measure", &what.node, what.span, &["match"]));
                }
            }
            Some(MigrationEntry::Permit { object, .. }) => {
                settings.permits.insert(Arc::clone(&object.node));
            }
            Some(
                MigrationEntry::PermitWorkflow { .. }
                | MigrationEntry::PermitWebhook { .. }
                | MigrationEntry::PermitIrreversible { .. }
                | MigrationEntry::Allow(_)
                | MigrationEntry::Deny(_),
            )
            | None => {}
        }
    }
    let is_broken = migration.entries.iter().any(|entry| entry.node.is_none());
    if !is_broken {
        missing(migration, says, diagnostics);
    }
    if let (Some(wanted), Some((_, first))) = (wanted, destinations.first())
        && !destinations.iter().any(|(name, _)| name == wanted)
    {
        let valid = destinations.iter().map(|(name, _)| name.as_str());
        let mut diagnostic = errors::unknown_name("destination", wanted, *first, valid);
        diagnostic.fix = None;
        diagnostics.push(diagnostic);
    }
    check_permits(&entries, &settings, diagnostics);
    settings
}

fn slots(entry: &MigrationEntry) -> Vec<Slot> {
    let (key, span) = match entry {
        MigrationEntry::Source { system, .. } => ("source".to_owned(), system.span),
        MigrationEntry::Destination { system, alias, .. } => {
            let name = alias.as_ref().unwrap_or(system);
            (format!("destination {}", name.node), name.span)
        }
        MigrationEntry::Setting(setting) => (setting.name.node.to_string(), setting.name.span),
        MigrationEntry::On(on) => (format!("on {}", on.event.node), on.event.span),
        MigrationEntry::Require { what, .. } => (format!("require {}", what.node), what.span),
        MigrationEntry::Permit { object, .. } => (format!("permit {}", object.node), object.span),
        MigrationEntry::PermitWorkflow { workflow, .. } => {
            (format!("permit workflow \"{}\"", workflow.node), workflow.span)
        }
        MigrationEntry::PermitWebhook { host, .. } => (format!("permit webhook \"{}\"", host.node), host.span),
        MigrationEntry::PermitIrreversible { reason } => ("permit irreversible".to_owned(), reason.span),
        MigrationEntry::Allow(_) | MigrationEntry::Deny(_) => return Vec::new(),
    };
    vec![Slot::of(key, span)]
}

fn missing(migration: &Migration, (source, destination): (bool, bool), diagnostics: &mut Diagnostics) {
    for (is_there, what, example) in [
        (source, "source", "source NAME { files = \"export/*.csv\" }"),
        (destination, "destination", "destination NAME { url = env(\"URL\"); token = secret(\"TOKEN\") }"),
    ] {
        if !is_there {
            diagnostics.push(
                Diagnostic::new(
                    Code::E0309,
                    format!("migration `{}` names no {what}", migration.name.node),
                    migration.name.span,
                    format!("no {what}"),
                )
                .with_help(format!("add `{example}`")),
            );
        }
    }
}

fn find<'a>(
    system: &Name,
    catalogs: &'a Catalogs<'a>,
    shipped: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<&'a Catalog<'a>> {
    let found = catalogs.get(&system.node);
    if found.is_none() {
        let unknown = |valid: &[&str]| {
            errors::unknown_name("system", &system.node, system.span, valid.iter().copied())
                .with_note(format!("shipped catalogs come with `use \"std/systems/NAME\"`: {}", shipped.join(", ")))
        };
        let finding = if shipped.contains(&&*system.node) {
            // The file is the one thing that lacks.
            let line = format!("use \"std/systems/{}\"", system.node);
            unknown(&[]).with_help(format!("write `{line}` at the head of this file")).with_fix(Fix {
                title: format!("write `{line}`"),
                edits: vec![Edit { span: Span::new(system.span.file, 0, 0), text: format!("{line}\n") }],
                applicability: Applicability::Safe,
            })
        } else {
            unknown(&catalogs.keys().map(|name| &**name).collect::<Vec<_>>())
        };
        // Several destinations of one system lack it once.
        if !diagnostics.items().iter().any(|told| told.message == finding.message) {
            diagnostics.push(finding);
        }
    }
    found
}

fn text(value: &migr_syntax::ast::Expr) -> Option<Text> {
    match &value.node {
        Expression::Text(text) => Some(Spanned::new(Arc::clone(text), value.span)),
        Expression::Group(inner) => text(inner),
        _ => None,
    }
}

/// The settings of a system; one written twice is reported.
fn each_once<'s>(written: &'s [Entry<Setting>], diagnostics: &mut Diagnostics) -> Vec<&'s Setting> {
    let slots = |setting: &Setting| vec![Slot::named("setting", &setting.name)];
    merge(written, Code::E0202, slots, diagnostics).into_iter().filter_map(|entry| entry.node.as_ref()).collect()
}

fn source_settings(settings: &mut Settings<'_>, written: &[Entry<Setting>], diagnostics: &mut Diagnostics) {
    for setting in each_once(written, diagnostics) {
        match (&*setting.name.node, text(&setting.value)) {
            ("files", Some(pattern)) => settings.files = pattern.node.to_string(),
            ("files", None) => diagnostics.push(expected_text(setting)),
            ("fetch", _) => settings.fetch = hosts::read(&setting.value, diagnostics),
            (other, _) => {
                diagnostics.push(errors::unknown_word(
                    "setting of a source",
                    other,
                    setting.name.span,
                    &["fetch", "files"],
                ));
            }
        }
    }
}

fn expected_text(setting: &Setting) -> Diagnostic {
    errors::bad_value(format!("`{}` is a text", setting.name.node), setting.value.span, "write it in quotes")
}

/// Names of settings that hold what nobody may read in a spec.
const SECRETS: &[&str] = &["token", "key", "api_key", "password", "secret"];

/// The setting by which a migration sends what the documents of a system do not name.
const UNDOCUMENTED: &str = "undocumented";

/// Names that a destination's settings may have, whatever the system.
const SETTINGS: &[&str] = &[
    "certificates",
    "location",
    "plaintext",
    "proxy",
    "requests",
    "settle",
    "timeout",
    "token",
    UNDOCUMENTED,
    "unfit_files",
    "url",
    "version",
];

fn destination_settings(
    written: &[Entry<Setting>],
    diagnostics: &mut Diagnostics,
) -> (IndexMap<String, SettingValue>, Vec<Limit>) {
    let (mut values, mut limits) = (IndexMap::default(), Vec::new());
    for setting in each_once(written, diagnostics) {
        let name = &*setting.name.node;
        match (name, &setting.value.node) {
            ("requests", value) => limits.extend(requests(value, setting, diagnostics)),
            ("settle" | "timeout", _) => {
                if let Some(seconds) = duration(setting, diagnostics) {
                    values.insert(name.to_owned(), SettingValue::Text { value: seconds.to_string() });
                }
            }
            ("unfit_files", Expression::Text(text)) if &**text == "rename" => {
                values.insert(name.to_owned(), SettingValue::Text { value: "rename".to_owned() });
            }
            // The one is held against the catalog, the other was told.
            (UNDOCUMENTED, _) | ("unfit_files", Expression::Error) => {}
            ("unfit_files", _) => diagnostics.push(errors::bad_value(
                "`unfit_files` says what becomes of files that the destination refuses by name or content",
                setting.value.span,
                "write `unfit_files = \"rename\"`, or leave it out: then they are quarantined",
            )),
            _ if !SETTINGS.contains(&name) && !SECRETS.contains(&name) => {
                diagnostics.push(errors::unknown_word("setting of a destination", name, setting.name.span, SETTINGS));
            }
            ("plaintext", _) => match text(&setting.value).filter(|why| !why.node.trim().is_empty()) {
                Some(why) => {
                    values.insert(name.to_owned(), SettingValue::Text { value: why.node.to_string() });
                }
                None => diagnostics.push(errors::bad_value(
                    "`plaintext` says why the token may go over plain http",
                    setting.value.span,
                    "write the reason: `plaintext = \"…\"`",
                )),
            },
            _ => {
                if let Some(value) = setting_value(setting, diagnostics) {
                    values.insert(name.to_owned(), value);
                }
            }
        }
    }
    (values, limits)
}

/// `undocumented = ["customFields.options"]`: parts of the system's interface, each by its name in the catalog.
fn undocumented(written: &[Entry<Setting>], catalog: &Catalog<'_>, diagnostics: &mut Diagnostics) -> Vec<Undocumented> {
    let settings = written.iter().filter_map(|entry| entry.node.as_ref());
    let Some(setting) = settings.into_iter().find(|setting| &*setting.name.node == UNDOCUMENTED) else {
        return Vec::new();
    };
    let help = "write the names that the catalog has: `undocumented = [\"customFields.options\"]`";
    let mut parts: Vec<(Undocumented, Span)> = Vec::new();
    let mut add = |one: &migr_syntax::ast::Expr, diagnostics: &mut Diagnostics| match text(one) {
        Some(name) => match parts.iter().find(|(part, _)| part.what == *name.node) {
            Some((_, first)) => diagnostics.push(
                errors::duplicate(Code::E0202, &format!("`{}`", name.node), name.span, *first)
                    .with_help("name it once"),
            ),
            None => parts.extend(
                knowledge::known_part(&catalog.undocumented, &name, diagnostics).map(|part| (part.clone(), name.span)),
            ),
        },
        None if matches!(one.node, Expression::Error) => {}
        None => diagnostics.push(errors::bad_value("`undocumented` is a list of names in quotes", one.span, help)),
    };
    match &setting.value.node {
        Expression::List(items) => items.iter().for_each(|item| add(item, diagnostics)),
        _ => add(&setting.value, diagnostics),
    }
    parts.into_iter().map(|(part, _)| part).collect()
}

/// `requests = 20000 per 24h`
fn requests(value: &Expression, setting: &Setting, diagnostics: &mut Diagnostics) -> Option<Limit> {
    if let Expression::Quantity(quantity) = value
        && quantity.unit.is_empty()
        && let Some(requests) = quantity.number.parse().ok().filter(|requests: &u64| *requests > 0)
        && let Some(seconds) = quantity.per.as_deref().and_then(quantity::seconds).filter(|seconds| *seconds > 0)
    {
        return Some(Limit { what: "requests".to_owned(), value: requests, per_seconds: Some(seconds) });
    }
    if !matches!(value, Expression::Error) {
        diagnostics.push(errors::bad_value(
            "`requests` is a number of requests in a time",
            setting.value.span,
            "write `requests = 20000 per 24h`",
        ));
    }
    None
}

/// Longest time that a setting may have, and an example of it.
const TIMES: &[(&str, (u64, &str), &str)] = &[
    ("delta", (366 * 86_400, "a year"), "48h"),
    ("settle", (3_600, "an hour"), "90s"),
    ("timeout", (3_600, "an hour"), "90s"),
];

/// `timeout = 90s`, in seconds: above nothing, and no longer than makes sense.
fn duration(setting: &Setting, diagnostics: &mut Diagnostics) -> Option<u64> {
    let name = &*setting.name.node;
    let &(_, (most, in_words), example) = TIMES.iter().find(|(of, ..)| *of == name)?;
    let message = match &setting.value.node {
        Expression::Error => return None,
        Expression::Quantity(quantity) => match quantity::seconds(quantity) {
            Some(0) => format!("`{name}` is a time above 0"),
            Some(seconds) if seconds > most => format!("`{name}` is longer than {in_words}"),
            Some(seconds) => return Some(seconds),
            None => format!("`{name}` is a time"),
        },
        _ => format!("`{name}` is a time"),
    };
    let help = format!("a time has its unit, as in `{name} = {example}`, and is of {in_words} at most");
    diagnostics.push(errors::bad_value(message, setting.value.span, help));
    None
}

fn setting_value(setting: &Setting, diagnostics: &mut Diagnostics) -> Option<SettingValue> {
    if let Some(text) = text(&setting.value) {
        if SECRETS.contains(&&*setting.name.node) {
            diagnostics.push(errors::bad_value(
                format!("`{}` is a secret, and a spec holds none", setting.name.node),
                setting.value.span,
                format!("name an environment variable: `{} = secret(\"NAME\")`", setting.name.node),
            ));
            return None;
        }
        return Some(SettingValue::Text { value: text.node.to_string() });
    }
    if let Expression::Call { function, arguments } = &setting.value.node
        && let [argument] = arguments.as_slice()
        && let Some(name) = text(&argument.value)
    {
        let name = name.node.to_string();
        match &*function.node {
            "env" => return Some(SettingValue::Env { name }),
            "secret" => return Some(SettingValue::Secret { name }),
            other => {
                let known = ["env", "secret"];
                diagnostics.push(errors::unknown_word("function in a setting", other, function.span, &known));
                return None;
            }
        }
    }
    if !matches!(setting.value.node, Expression::Error) {
        diagnostics.push(errors::bad_value(
            format!("`{}` is a text, `env(\"NAME\")` or `secret(\"NAME\")`", setting.name.node),
            setting.value.span,
            "write one of them",
        ));
    }
    None
}

const OPTIONS: &[&str] = &["country", "currency", "delta", "sample", "timezone"];

fn option(options: &mut Options, setting: &Setting, diagnostics: &mut Diagnostics) {
    let name = &*setting.name.node;
    if !OPTIONS.contains(&name) {
        let takes = |option: &str| match (&setting.value.node, option) {
            (Expression::Number(_), option) => option == "sample",
            (Expression::Quantity(_), option) => option == "delta",
            (_, option) => !matches!(option, "sample" | "delta"),
        };
        let missing = errors::missing_word("setting", name, setting.name.span);
        diagnostics.push(missing.among_fitting(OPTIONS.iter().copied(), takes));
        return;
    }
    match (name, text(&setting.value)) {
        ("timezone", Some(zone)) => {
            values::check_zone(&zone, diagnostics);
            options.timezone = Some(zone.node.to_string());
        }
        ("country", Some(code)) => {
            values::check_code(IsoCode::Country, &code, diagnostics);
            options.country = Some(code.node.to_string());
        }
        ("currency", Some(code)) => {
            values::check_code(IsoCode::Currency, &code, diagnostics);
            options.currency = Some(code.node.to_string());
        }
        ("timezone" | "country" | "currency", None) => diagnostics.push(expected_text(setting)),
        ("sample", _) => {
            let count = match &setting.value.node {
                Expression::Number(number) => number.parse().ok().filter(|count: &u64| *count > 0),
                _ => None,
            };
            if count.is_none() {
                diagnostics.push(errors::bad_value(
                    "`sample` is a number of records",
                    setting.value.span,
                    "a number above 0, as in `sample = 300`",
                ));
            }
            options.sample = count;
        }
        _ => options.delta_seconds = duration(setting, diagnostics),
    }
}

fn policy(options: &mut Options, on: &On, diagnostics: &mut Diagnostics) {
    let known: &[&str] = match &*on.event.node {
        "conflict" => &["keep", "list", "overwrite"],
        "vanished" => &["delete", "keep", "list"],
        "rollback" => &["destroy", "keep", "list"],
        other => {
            let known = ["conflict", "rollback", "vanished"];
            diagnostics.push(errors::unknown_word("event of a migration", other, on.event.span, &known));
            return;
        }
    };
    let Some(word) = on.policy.first() else { return };
    if let Some(extra) = on.policy.get(1) {
        diagnostics.push(errors::unknown_word("further word", &extra.node, extra.span, &[]));
        return;
    }
    let word = values::word(&format!("policy of `on {}`", on.event.node), word, known, diagnostics);
    match &*on.event.node {
        "conflict" => options.on_conflict = word,
        "rollback" => options.on_rollback = word,
        _ => options.on_vanished = word,
    }
}

fn percent(value: &migr_syntax::ast::Expr, diagnostics: &mut Diagnostics) -> Option<String> {
    if let Expression::Quantity(quantity) = &value.node
        && &*quantity.unit == "%"
        && quantity.per.is_none()
        && quantity.number.parse::<f64>().is_ok_and(|number| (0.0..=100.0).contains(&number))
    {
        return Some(quantity.number.to_string());
    }
    diagnostics.push(errors::bad_value(
        "expected a percentage from 0 to 100",
        value.span,
        "as in `require match >= 99.9%`",
    ));
    None
}

fn is_restricted(object: &Object<'_>) -> bool {
    object.restricted.is_some() || object.fields.values().any(|field| field.attributes.restricted.is_some())
}

fn check_permits(entries: &[&Entry<MigrationEntry>], settings: &Settings<'_>, diagnostics: &mut Diagnostics) {
    let Some((catalog, _)) = settings.source else { return };
    for entry in entries {
        let Some(MigrationEntry::Permit { object, .. }) = &entry.node else { continue };
        let Some(there) = catalog.objects.get(&object.node) else {
            let restricted = catalog.objects.values().filter(|object| is_restricted(object));
            let valid = restricted.map(|object| &*object.name.node);
            diagnostics.push(errors::unknown_name("restricted object", &object.node, object.span, valid));
            continue;
        };
        if !is_restricted(there) {
            diagnostics.push(
                Diagnostic::new(
                    Code::E0311,
                    format!("`{}` is not restricted, so nothing is to be permitted", object.node),
                    object.span,
                    "not restricted",
                )
                .with_help("remove the `permit`, or mark the object `restricted` in the catalog"),
            );
        }
    }
}
