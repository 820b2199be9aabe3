//! `on EVENT …` of a map: what happens in the known cases.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::{CyclePolicy, DeletedPolicy, DuplicatePolicy, ExistingPolicy, Policies, UnidentifiedPolicy};
use migr_syntax::ast::{Name, On};

use crate::catalog::Object;
use crate::errors;
use crate::types::Type;

const EVENTS: &[&str] = &["cycle", "deleted", "duplicate", "empty", "error", "existing", "unidentified"];

/// Sets what `on …` says; gives the column that it reads.
pub(super) fn set(
    policies: &mut Policies,
    on: &On,
    source: Option<&Object<'_>>,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<str>> {
    let words: Vec<&str> = on.policy.iter().map(|word| &*word.node).collect();
    match (&*on.event.node, words.as_slice()) {
        ("existing", ["fill"]) => policies.existing = ExistingPolicy::Fill,
        ("existing", ["update"]) => policies.existing = ExistingPolicy::Update,
        ("existing", ["skip"]) => policies.existing = ExistingPolicy::Skip,
        ("existing", ["quarantine"]) => policies.existing = ExistingPolicy::Quarantine,
        ("deleted", ["restore"]) => policies.deleted = DeletedPolicy::Restore,
        ("deleted", ["destroy"]) => policies.deleted = DeletedPolicy::Destroy,
        ("deleted", ["quarantine"]) => policies.deleted = DeletedPolicy::Quarantine,
        ("cycle", ["cut"]) => policies.cycle = CyclePolicy::Cut,
        ("cycle", ["quarantine"]) => policies.cycle = CyclePolicy::Quarantine,
        // A failure quarantines unless a field says otherwise; what is empty every field has from its map.
        ("error", ["quarantine"]) | ("empty", ["keep" | "clear" | "quarantine"]) => {}
        ("unidentified", ["create"]) => policies.unidentified = UnidentifiedPolicy::Create,
        ("unidentified", ["skip"]) => policies.unidentified = UnidentifiedPolicy::Skip,
        ("unidentified", ["quarantine"]) => policies.unidentified = UnidentifiedPolicy::Quarantine,
        ("duplicate", ["quarantine"]) => policies.duplicate = DuplicatePolicy::Quarantine,
        ("duplicate", ["keep", "first"]) => policies.duplicate = DuplicatePolicy::KeepFirst,
        ("duplicate", ["keep", "last"]) => policies.duplicate = DuplicatePolicy::KeepLast,
        ("duplicate", [how @ ("keep" | "merge"), order @ ("oldest" | "newest"), _]) => {
            let written = on.policy.get(2)?;
            let column = column(written, source, diagnostics)?;
            let name = column.to_string();
            policies.duplicate = match (*how, *order) {
                ("keep", "oldest") => DuplicatePolicy::KeepOldest { column: name },
                ("keep", _) => DuplicatePolicy::KeepNewest { column: name },
                (_, "oldest") => DuplicatePolicy::MergeOldest { column: name },
                _ => DuplicatePolicy::MergeNewest { column: name },
            };
            return Some(column);
        }
        (event, _) => diagnostics.push(unknown(on, event)),
    }
    None
}

fn column(written: &Name, source: Option<&Object<'_>>, diagnostics: &mut Diagnostics) -> Option<Arc<str>> {
    let source = source?;
    if let Some(field) = source.fields.get(&written.node) {
        if has_age(&field.ty) {
            return Some(Arc::clone(&written.node));
        }
        // Letters have no age: "9/30/2023" would be newer than "10/1/2024".
        let message = format!("`{}` is {}, and nothing says which of two is newer", written.node, field.ty);
        diagnostics.push(
            Diagnostic::new(Code::E0301, message, written.span, "no date, datetime or number")
                .with_label(field.name.span, "declared here")
                .with_help(format!("declare it `{}: date` or `datetime`, with its `format`", written.node)),
        );
        return Some(Arc::clone(&written.node));
    }
    let missing = errors::missing_field(&source.name.node, "column", &written.node, written.span);
    let has_age = |name: &str| source.fields.get(name).is_some_and(|field| has_age(&field.ty));
    diagnostics.push(missing.among_fitting(source.field_names(), has_age));
    None
}

/// True for values of which one can be newer than another.
fn has_age(ty: &Type) -> bool {
    matches!(ty, Type::Date | Type::Datetime | Type::Unknown) || ty.is_numeric()
}

/// Policies of an event, as a help lists them.
fn policies_of(event: &str) -> Option<&'static str> {
    Some(match event {
        "existing" => "`fill`, `update`, `skip` or `quarantine`",
        "deleted" => "`restore`, `destroy` or `quarantine`",
        "cycle" => "`cut` or `quarantine`",
        "error" => "`quarantine`",
        "empty" => "`keep`, `clear` or `quarantine`",
        "unidentified" => "`create`, `skip` or `quarantine`",
        "duplicate" => {
            "`keep first`, `keep last`, `keep oldest COLUMN`, `keep newest COLUMN`, `merge newest COLUMN`, `merge oldest COLUMN` or `quarantine`"
        }
        _ => return None,
    })
}

fn unknown(on: &On, event: &str) -> Diagnostic {
    let words = on.policy.iter().map(|word| &*word.node).collect::<Vec<_>>().join(" ");
    let Some(known) = policies_of(event) else {
        let takes = |event: &str| policies_of(event).is_some_and(|known| known.contains(&format!("`{words}`")));
        let missing = errors::missing_word("event of a map", event, on.event.span);
        return missing.among_fitting(EVENTS.iter().copied(), takes);
    };
    let span = on.policy.iter().map(|word| word.span).reduce(migr_source::Span::to).unwrap_or(on.event.span);
    Diagnostic::new(Code::E0312, format!("there is no policy `on {event} {words}`"), span, "not known here")
        .with_help(format!("write {known}"))
}
