//! `on missing`, `on empty`, `on taken` and `on outside`: what happens to a field whose record is not there, that has no value, whose value is another's, or is none of
//! those that another field's record allows.

use migr_diagnostics::{Code, Diagnostic};
use migr_plan::{EmptyPolicy, ExistingPolicy, OnMissing, OutsidePolicy, PartPolicy, TakenPolicy, UnidentifiedPolicy};
use migr_syntax::ast::{Entry, MapEntry, Mapping, Name};

use super::{Item, Pass};
use crate::errors;
use crate::schema::SchemaField;

/// The policies of one mapping.
#[derive(Clone, Copy)]
pub(super) struct Cases {
    pub(super) empty: EmptyPolicy,
    pub(super) taken: TakenPolicy,
    pub(super) outside: OutsidePolicy,
}

/// `on empty …` as an entry of the map.
pub(super) fn of_map(item: &Item<'_>) -> EmptyPolicy {
    let word = item.entries.iter().find_map(|entry| match &entry.node {
        Some(MapEntry::On(on)) if &*on.event.node == "empty" => on.policy.first(),
        _ => None,
    });
    word.and_then(|word| empty(&word.node)).unwrap_or_default()
}

fn empty(word: &str) -> Option<EmptyPolicy> {
    Some(match word {
        "keep" => EmptyPolicy::Keep,
        "clear" => EmptyPolicy::Clear,
        "quarantine" => EmptyPolicy::Quarantine,
        _ => return None,
    })
}

impl Pass<'_, '_> {
    /// Policies behind a mapping, for its field; each stands there once.
    pub(super) fn cases(&mut self, mapping: &Mapping) -> Cases {
        for (at, case) in mapping.cases.iter().enumerate() {
            let first = mapping.cases.iter().take(at).find(|first| first.case.node == case.case.node);
            if let Some(first) = first {
                let what = format!("`on {}`", case.case.node);
                let finding = errors::duplicate(Code::E0307, &what, case.case.span, first.case.span);
                self.diagnostics.push(finding.with_help("keep one of them"));
            }
        }
        Cases {
            empty: self.on_empty_of(mapping),
            taken: self.on_taken_of(mapping),
            outside: self.on_outside_of(mapping),
        }
    }

    fn on_empty_of(&mut self, mapping: &Mapping) -> EmptyPolicy {
        let Some(word) = mapping.case("empty") else { return self.on_empty };
        let found = empty(&word.node);
        if found.is_none() {
            let known = ["clear", "keep", "quarantine"];
            let clears = self.map.policies.existing == ExistingPolicy::Update;
            let missing = errors::missing_word_after("on empty", &word.node, word.span);
            self.diagnostics.push(missing.among_fitting(known, |word| clears || word != "clear"));
        }
        if found == Some(EmptyPolicy::Clear) {
            self.clears.push(word.span);
        }
        found.unwrap_or_default()
    }

    fn on_taken_of(&mut self, mapping: &Mapping) -> TakenPolicy {
        let Some(word) = mapping.case("taken") else { return TakenPolicy::default() };
        match &*word.node {
            "quarantine" => TakenPolicy::Quarantine,
            "none" => TakenPolicy::None,
            "skip" => TakenPolicy::Skip,
            other => {
                let known = ["none", "quarantine", "skip"];
                self.diagnostics.push(errors::unknown_word_after("on taken", other, word.span, &known));
                TakenPolicy::default()
            }
        }
    }

    fn on_outside_of(&mut self, mapping: &Mapping) -> OutsidePolicy {
        let Some(word) = mapping.case("outside") else { return OutsidePolicy::default() };
        match &*word.node {
            "quarantine" => OutsidePolicy::Quarantine,
            "none" => OutsidePolicy::None,
            "first" => OutsidePolicy::First,
            other => {
                let known = ["first", "none", "quarantine"];
                self.diagnostics.push(errors::unknown_word_after("on outside", other, word.span, &known));
                OutsidePolicy::default()
            }
        }
    }

    /// The word of `on missing`.
    pub(super) fn on_missing(&mut self, mapping: &Mapping) -> OnMissing {
        let Some(word) = mapping.case("missing") else { return OnMissing::default() };
        match &*word.node {
            "none" => OnMissing::None,
            "quarantine" => OnMissing::Quarantine,
            "skip" => OnMissing::Skip,
            other => {
                let known = ["none", "quarantine", "skip"];
                self.diagnostics.push(errors::unknown_word_after("on missing", other, word.span, &known));
                OnMissing::default()
            }
        }
    }

    /// Holds the words behind a mapping against its field: what is not unique is never taken, what is required is never emptied.
    pub(super) fn check_case_words(&mut self, name: &Name, field: &SchemaField, mapping: &Mapping, is_unique: bool) {
        if let Some(word) = mapping.case("taken").filter(|_| !is_unique) {
            let message = format!("`{}` is not unique, so no other record can hold its value", name.node);
            self.diagnostics
                .push(Diagnostic::new(Code::E0303, message, word.span, "never taken").with_help("remove `on taken`"));
        }
        if let Some(word) = mapping.case("outside").filter(|_| !field.attributes.among) {
            let message = format!("no other field says which values `{}` may have, so none is outside", name.node);
            self.diagnostics.push(
                Diagnostic::new(Code::E0303, message, word.span, "never outside").with_help("remove `on outside`"),
            );
        }
        let clears = match mapping.case("empty") {
            Some(word) => (&*word.node == "clear").then_some(word.span),
            None => (self.on_empty == EmptyPolicy::Clear).then_some(name.span),
        };
        if let Some(span) = clears.filter(|_| field.attributes.required) {
            let system = &self.world.schema.catalog.name.node;
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0309,
                    format!("`{}` cannot be emptied: `{system}` requires it", name.node),
                    span,
                    "would be emptied",
                )
                .with_label(field.span, "required")
                .with_help("write `on empty keep`")
                .with_instead(span, "keep"),
            );
        }
    }

    /// `on empty` and `on taken` behind links, which are added and never emptied.
    pub(super) fn refuse_cases_of_links(&mut self, mapping: &Mapping) {
        for case in mapping.cases.iter().filter(|case| &*case.case.node != "missing") {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    format!("links are added and never taken away, so `on {}` has nothing to say", case.case.node),
                    case.word.span,
                    "not of links",
                )
                .with_help(format!("remove `on {}`", case.case.node)),
            );
        }
    }

    /// The policies of a part of a field that is gathered from several entries.
    pub(super) fn part_policy(&mut self, at: usize, part: &str, cases: Cases) {
        let Some(field) = self.map.fields.get_mut(at) else { return };
        if cases.empty != field.on_empty || cases.taken != field.on_taken {
            field.parts.push(PartPolicy { part: part.to_owned(), on_empty: cases.empty, on_taken: cases.taken });
        }
    }

    /// Checks the map's policies against each other, once all are read.
    pub(super) fn check_cases(&mut self) {
        let find = |event: &str| {
            self.item.entries.iter().find_map(|entry: &&Entry<MapEntry>| match &entry.node {
                Some(MapEntry::On(on)) if &*on.event.node == event => Some(entry.span),
                _ => None,
            })
        };
        if self.on_empty == EmptyPolicy::Clear {
            self.clears.extend(find("empty"));
        }
        if let Some(formerly) = &self.item.node.formerly
            && self.world.makers.count(&formerly.node) > 1
        {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0202,
                    format!("two maps are known by the name `{}`", formerly.node),
                    formerly.span,
                    "another map has this name",
                )
                .with_help(
                    "`formerly` names a map that is there no more: the records of one map are known by one name",
                ),
            );
        }
        let existing = match self.map.policies.existing {
            ExistingPolicy::Update => None,
            ExistingPolicy::Fill => Some("fill"),
            ExistingPolicy::Skip => Some("skip"),
            ExistingPolicy::Quarantine => Some("quarantine"),
        };
        if let (Some(existing), Some(clears)) = (existing, self.clears.first()) {
            let mut finding = Diagnostic::new(
                Code::E0312,
                format!("`on empty clear` with `on existing {existing}`, which never empties a field"),
                *clears,
                "never emptied",
            );
            if let Some(span) = find("existing") {
                finding = finding.with_label(span, "said here");
            }
            let help = format!("write `keep`\nto empty it, write `on existing update` in map `{}`", self.map.name);
            self.diagnostics.push(finding.with_help(help));
        }
        let leaves = self.map.policies.unidentified != UnidentifiedPolicy::Create;
        let has_match = self.item.entries.iter().any(|entry| matches!(entry.node, Some(MapEntry::Match { .. })));
        if let Some(span) = find("unidentified").filter(|_| leaves && !has_match && !self.item.is_broken()) {
            let message = "this map has no `match`, so no record of it is identified, and all would be left out";
            self.diagnostics.push(
                Diagnostic::new(Code::E0312, message, span, "leaves out every record")
                    .with_help("add `match field`, or write `on unidentified create`"),
            );
        }
    }
}
