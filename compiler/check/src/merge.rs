//! Entries of an item and of the `extend` items that add to it, as one list.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_source::Span;
use migr_syntax::ast::{Entry, Name};

use crate::errors;
use crate::in_order::IndexMap;

/// Subject of an entry; two entries of one slot contradict each other.
pub(crate) struct Slot {
    /// Equal for equal slots.
    pub(crate) key: SlotKey,
    /// As people name it, in backticks.
    pub(crate) shown: Arc<str>,
    pub(crate) span: Span,
}

/// Key that makes two slots one.
#[derive(PartialEq, Eq, Hash)]
pub(crate) enum SlotKey {
    /// A thing of some kind, by its name as written: the many, which cost no text of their own.
    Named(&'static str, Arc<str>),
    Text(String),
}

impl Slot {
    pub(crate) fn named(kind: &'static str, name: &Name) -> Self {
        Self { key: SlotKey::Named(kind, Arc::clone(&name.node)), shown: Arc::clone(&name.node), span: name.span }
    }

    pub(crate) fn new(key: String, shown: impl Into<Arc<str>>, span: Span) -> Self {
        Self { key: SlotKey::Text(key), shown: shown.into(), span }
    }

    /// A slot that is shown by its key.
    pub(crate) fn of(key: impl Into<String>, span: Span) -> Self {
        let key = key.into();
        Self { shown: key.as_str().into(), key: SlotKey::Text(key), span }
    }
}

/// Entries in the order written; one with `override` takes the place of what it overrides, a second one for a slot is reported and left out.
pub(crate) fn merge<'a, T>(
    entries: impl IntoIterator<Item = &'a Entry<T>>,
    code: Code,
    slots: impl Fn(&T) -> Vec<Slot>,
    diagnostics: &mut Diagnostics,
) -> Vec<&'a Entry<T>> {
    let mut merged: Vec<Option<&'a Entry<T>>> = Vec::new();
    let mut taken: IndexMap<SlotKey, (usize, Span)> = IndexMap::default();
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
