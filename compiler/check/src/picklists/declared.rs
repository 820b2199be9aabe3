//! Picklists of columns whose values the catalog declares: what no row meets, and rows that nothing needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_syntax::ast::{PicklistEntry, PicklistKey};

use super::{Table, fold};
use crate::errors::listed;
use crate::expression::Usage;
use crate::in_order::{IndexMap, IndexSet};
use crate::program::Program;
use crate::types::Options;

/// Holds each picklist against the declared values that flow into it.
pub(crate) fn check(
    program: &Program<'_>,
    tables: &IndexMap<Arc<str>, Table>,
    usage: &Usage,
    diagnostics: &mut Diagnostics,
) {
    for (name, fed) in &usage.fed {
        let (Some(table), Some(item)) = (tables.get(name), program.picklists.get(name)) else { continue };
        let spec = &table.spec;
        if item.is_broken() {
            continue;
        }
        let is_open = item.entries.iter().any(|entry| matches!(entry.node, Some(PicklistEntry::Otherwise(_))));
        let folded = |text: &str| fold(text, spec.ignore_case, spec.ignore_space);
        let keys: Vec<(String, migr_source::Span)> = item
            .entries
            .iter()
            .filter_map(|entry| match &entry.node {
                Some(PicklistEntry::Row { keys, .. }) => Some(keys),
                _ => None,
            })
            .flatten()
            .filter_map(|key| match &key.node {
                PicklistKey::Text(text) => Some((folded(&text.node), key.span)).filter(|(text, _)| !text.is_empty()),
                PicklistKey::None | PicklistKey::Tuple(_) => None,
            })
            .collect();
        let declared: Vec<&Arc<Options>> = fed.iter().flatten().collect();
        let mut values: BTreeMap<String, &str> = BTreeMap::new();
        for options in &declared {
            values.extend(options.values.iter().map(|value| (folded(value), &**value)));
        }
        let met: IndexSet<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        let unmet: Vec<&str> =
            values.iter().filter(|(value, _)| !met.contains(value.as_str())).map(|(_, value)| *value).collect();
        if !unmet.is_empty() && !is_open {
            diagnostics.push(
                Diagnostic::new(
                    Code::E0504,
                    format!("no row of `{name}` meets {}", listed(&unmet)),
                    spec.name_span,
                    "does not meet every value",
                )
                .with_help(format!(
                    "add rows for them\nto say what becomes of all others, write `otherwise quarantine` in picklist `{name}`"
                )),
            );
        }
        // A table that anything else flows into may need any row.
        if declared.len() < fed.len() {
            continue;
        }
        for (key, span) in keys.iter().filter(|(key, _)| !values.contains_key(key)) {
            let known: Vec<&str> = values.values().copied().collect();
            let message = "no column that flows into this picklist has this value";
            let diagnostic = Diagnostic::new(Code::W0505, message, *span, "never met");
            diagnostics.push(match migr_diagnostics::nearest(key, known.iter().copied()) {
                Some(near) => {
                    diagnostic.with_help(format!("did you mean `{near}`?")).with_instead(*span, format!("\"{near}\""))
                }
                None => diagnostic.with_help(format!("remove it; there are {}", listed(&known))),
            });
        }
    }
}
