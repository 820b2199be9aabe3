//! Knowledge of a catalog about its system: what values lose there, and how far a rollback goes.

use migr_diagnostics::Diagnostics;
use migr_plan::RollbackClass;
use migr_syntax::ast::{self, Name, Path, Text};

use crate::errors;
use crate::spec::{Loss, Lost, Undone};

/// `loses extension of phone : "why"`
pub(super) fn loss(what: &Name, is_new: bool, of: &Path, reason: &Text, diagnostics: &mut Diagnostics) -> Option<Loss> {
    let Some((_, lost)) = Lost::ALL.iter().find(|(word, _)| *word == &*what.node) else {
        let words: Vec<&str> = Lost::ALL.iter().map(|(word, _)| *word).collect();
        diagnostics.push(errors::unknown_word("loss", &what.node, what.span, &words));
        return None;
    };
    let of: Vec<&str> = of.node.iter().map(|name| &*name.node).collect();
    Some(Loss { what: *lost, is_new, of: of.join("."), reason: reason.node.to_string() })
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
