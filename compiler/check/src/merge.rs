//! Entries of an item and of the `extend` items that add to it, as one list.

use indexmap::IndexMap;
use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_source::Span;
use migr_syntax::ast::Entry;

use crate::errors;

/// What an entry says something about; two entries of one slot contradict each other.
pub(crate) struct Slot {
    /// Equal for equal slots.
    pub(crate) key: String,
    /// As people name it, in backticks.
    pub(crate) shown: String,
    pub(crate) span: Span,
}

/// Entries in the order written; one with `override` takes the place of what it overrides, a second one for a slot is reported and left out.
pub(crate) fn merge<'a, T>(
    entries: impl IntoIterator<Item = &'a Entry<T>>,
    code: Code,
    slots: impl Fn(&T) -> Vec<Slot>,
    diagnostics: &mut Diagnostics,
) -> Vec<&'a Entry<T>> {
    let mut merged: Vec<Option<&'a Entry<T>>> = Vec::new();
    let mut taken: IndexMap<String, (usize, Span)> = IndexMap::new();
    for entry in entries {
        let Some(node) = &entry.node else { continue };
        let slots = slots(node);
        let old: Vec<(usize, Span, &Slot)> =
            slots.iter().filter_map(|slot| taken.get(&slot.key).map(|(at, span)| (*at, *span, slot))).collect();
        if entry.overrides {
            let Some((place, _, _)) = old.first() else {
                diagnostics.push(nothing_to_override(entry.span, &slots));
                continue;
            };
            if let Some(left) = taken.iter().find(|(key, (at, _))| {
                old.iter().any(|(old, _, _)| old == at) && !slots.iter().any(|slot| slot.key == **key)
            }) {
                diagnostics.push(half_overridden(entry.span, left.1.1));
                continue;
            }
            let place = *place;
            for (at, _, _) in &old {
                if let Some(slot) = merged.get_mut(*at) {
                    *slot = None;
                }
            }
            if let Some(slot) = merged.get_mut(place) {
                *slot = Some(entry);
            }
            for slot in slots {
                taken.insert(slot.key, (place, slot.span));
            }
            continue;
        }
        if let Some((_, first, slot)) = old.first() {
            diagnostics.push(
                errors::duplicate(code, &format!("`{}`", slot.shown), slot.span, *first)
                    .with_help("keep one of them, or write `override` before the one that replaces the other"),
            );
            continue;
        }
        for slot in slots {
            if let Some((_, first)) = taken.insert(slot.key, (merged.len(), slot.span)) {
                diagnostics.push(
                    errors::duplicate(code, &format!("`{}`", slot.shown), slot.span, first)
                        .with_help("keep one of them"),
                );
            }
        }
        merged.push(Some(entry));
    }
    merged.into_iter().flatten().collect()
}

fn nothing_to_override(span: Span, slots: &[Slot]) -> Diagnostic {
    let what = slots.first().map_or_else(|| "this entry".to_owned(), |slot| format!("`{}`", slot.shown));
    Diagnostic::new(Code::E0207, format!("{what} overrides nothing"), span, "nothing to override")
        .with_help("remove `override`")
}

fn half_overridden(span: Span, left: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0207,
        "an `override` replaces a whole entry, and this one leaves a part of it out",
        span,
        "replaces a part",
    )
    .with_label(left, "this would be lost")
    .with_help("name in the `override` everything that the replaced entry names")
}
