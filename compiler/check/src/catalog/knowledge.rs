//! Knowledge of a catalog about its system: what values lose there, and how far a rollback goes.

use migr_diagnostics::Diagnostics;
use migr_plan::{RollbackClass, Undocumented};
use migr_syntax::ast::{self, Name, Path, Text};

use crate::errors;
use crate::spec::{Loss, Lost, Undone};

/// `loses extension of phone : "why"`
pub(super) fn loss(
    (what, is_new, of): (&Name, bool, &Path),
    unless: Option<&Text>,
    reason: &Text,
    diagnostics: &mut Diagnostics,
) -> Option<Loss> {
    let Some((_, lost)) = Lost::ALL.iter().find(|(word, _)| *word == &*what.node) else {
        let words: Vec<&str> = Lost::ALL.iter().map(|(word, _)| *word).collect();
        diagnostics.push(errors::unknown_word("loss", &what.node, what.span, &words));
        return None;
    };
    let of: Vec<&str> = of.node.iter().map(|name| &*name.node).collect();
    let unless = unless.map(|text| text.node.to_string());
    Some(Loss { what: *lost, is_new, of: of.join("."), unless, reason: reason.node.to_string() })
}

/// The part that a name means, of those that the system's documents do not name; a name of none is reported.
pub(crate) fn known_part<'p>(
    parts: &'p [Undocumented],
    name: &Text,
    diagnostics: &mut Diagnostics,
) -> Option<&'p Undocumented> {
    let found = parts.iter().find(|part| part.what == *name.node);
    if found.is_none() {
        // A name in quotes, and so is what is to be written instead.
        let valid: Vec<String> = parts.iter().map(|part| format!("\"{}\"", part.what)).collect();
        let written = format!("\"{}\"", name.node);
        let valid = valid.iter().map(String::as_str);
        diagnostics.push(errors::unknown_name("undocumented part", &written, name.span, valid));
    }
    found
}

/// `best effort : "why"`
pub(super) fn undone(undone: &ast::Undone) -> Undone {
    let class = match &*undone.class.node {
        "exact" => RollbackClass::Exact,
        "irreversible" => RollbackClass::Irreversible,
        _ => RollbackClass::BestEffort,
    };
    Undone { class, reason: undone.reason.as_ref().map(|reason| reason.node.to_string()) }
}
