//! Entries of a map besides its mappings: `match`, `same`, `drop`.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic};
use migr_plan::{Expr, NamedExpr, SameValues};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{Entry, MapEntry, MappingTarget, Name, Path, Text};

use super::{Pass, policies};
use crate::errors;
use crate::in_order::IndexMap;
use crate::merge::{Slot, merge};
use crate::spec;
use crate::types::Type;

impl Pass<'_, '_> {
    pub(super) fn entries(&mut self) {
        let entries = merge(self.item.entries.iter().copied(), Code::E0307, slots, self.diagnostics);
        for entry in &entries {
            self.entry(entry);
        }
        for entry in entries {
            if let Some(MapEntry::Match { fields, all }) = &entry.node {
                self.matching(fields, *all, entry.span);
            }
        }
    }

    fn entry(&mut self, entry: &Entry<MapEntry>) {
        match &entry.node {
            Some(MapEntry::Mapping(mapping)) => self.mapping(mapping, entry),
            Some(MapEntry::On(on)) => {
                if let Some(column) = policies::set(&mut self.map.policies, on, self.source, self.diagnostics) {
                    self.usage.columns.insert((Arc::from(self.map.source_object.as_str()), column));
                }
            }
            Some(MapEntry::Drop { columns, reason }) => self.drop(columns, reason, entry.span),
            Some(MapEntry::Same { canonical, variants }) => self.same(canonical, variants, entry.span),
            Some(MapEntry::Match { .. } | MapEntry::Allow(_)) | None => {}
        }
    }

    fn drop(&mut self, columns: &[Name], reason: &Text, span: Span) {
        for column in columns {
            if let Some(source) = self.source
                && !source.fields.contains_key(&column.node)
            {
                if let Some(near) = migr_diagnostics::nearest(&column.node, source.field_names()) {
                    self.usage.columns.insert((Arc::clone(&source.name.node), near.into()));
                }
                let missing = errors::missing_field(&source.name.node, "column", &column.node, column.span);
                let dropped: Vec<&Name> = self
                    .item
                    .entries
                    .iter()
                    .filter_map(|entry| match &entry.node {
                        Some(MapEntry::Drop { columns, .. }) => Some(columns),
                        _ => None,
                    })
                    .flatten()
                    .collect();
                let is_free = |name: &str| {
                    let is_dropped = dropped.iter().any(|one| *one.node == *name);
                    let is_read = self
                        .usage
                        .columns
                        .iter()
                        .any(|(object, column)| *object == source.name.node && **column == *name);
                    !is_dropped && !is_read
                };
                let diagnostic = missing.among_fitting(source.field_names(), is_free);
                self.diagnostics.push(diagnostic);
                continue;
            }
            self.drops.insert(Arc::clone(&column.node), column.span);
            self.map.dropped.push((column.node.to_string(), reason.node.to_string(), span));
        }
    }

    fn same(&mut self, canonical: &Text, variants: &[Text], span: Span) {
        let Some(distinct) = &mut self.map.distinct else {
            self.diagnostics.push(
                Diagnostic::new(Code::E0312, "`same` belongs to a `map distinct`", span, "not in this map")
                    .with_help("remove it; spellings of options belong into a picklist"),
            );
            return;
        };
        distinct.same.push(SameValues {
            canonical: canonical.node.to_string(),
            variants: variants.iter().map(|variant| variant.node.to_string()).collect(),
        });
    }

    fn matching(&mut self, paths: &[Path], all: bool, span: Span) {
        let Some(destination) = self.destination else { return };
        let mut fields = Vec::new();
        for path in paths {
            let Some(name) = path.node.first() else { continue };
            let Some(field) = destination.fields.get(&name.node) else {
                let valid = destination.field_names();
                self.diagnostics.push(errors::unknown_field(&destination.name, "field", &name.node, name.span, valid));
                continue;
            };
            if !self.written.contains_key(&name.node) {
                if !self.item.is_broken() {
                    self.diagnostics.push(
                        Diagnostic::new(
                            Code::E0317,
                            format!("`match {}` compares a field that this map does not write", name.node),
                            path.span,
                            "not written",
                        )
                        .with_help(format!("add `{} = …`", name.node)),
                    );
                }
                continue;
            }
            fields.extend(self.match_path(path, name, &field.ty));
        }
        self.map.matching = Some(spec::Matching { all, fields, span });
    }

    /// `emails` → `emails.primaryEmail`.
    fn match_path(&mut self, path: &Path, name: &Name, ty: &Type) -> Option<String> {
        let Type::Composite(composite) = ty else {
            if let Some(extra) = path.node.get(1) {
                self.diagnostics.push(errors::unknown_field(
                    &name.node,
                    "part",
                    &extra.node,
                    extra.span,
                    std::iter::empty(),
                ));
                return None;
            }
            return Some(name.node.to_string());
        };
        let mut parts: Vec<&str> = composite.parts.iter().map(|part| &*part.name).collect();
        let part = match path.node.get(1) {
            Some(written) if composite.part(&written.node).is_none() => {
                self.diagnostics.push(errors::unknown_field(&name.node, "part", &written.node, written.span, parts));
                return None;
            }
            Some(written) => Some(&written.node),
            None => composite.unique_part().map(|part| &part.name),
        };
        let Some(part) = part else {
            parts.sort_unstable();
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0315,
                    format!("`{}` has several parts, and none of them tells records apart", name.node),
                    path.span,
                    "which part?",
                )
                .with_help(format!("name one: {}", errors::listed(&parts))),
            );
            return None;
        };
        Some(format!("{}.{part}", name.node))
    }

    /// Notes that a field is written as a whole; a part of it contradicts that.
    pub(super) fn write(&mut self, name: &Name) -> bool {
        let Some(first) = self.written.get(&name.node) else {
            self.written.insert(Arc::clone(&name.node), name.span);
            return true;
        };
        let what = format!("`{}`", name.node);
        self.diagnostics.push(errors::duplicate(Code::E0307, &what, name.span, *first).with_help("keep one of them"));
        false
    }

    /// True where a field was written as a record without this part: from now on its parts are gathered.
    fn joins(&mut self, name: &Name, part: &str) -> bool {
        if self.parts.contains_key(&name.node) {
            return false;
        }
        let Some(at) = self.map.fields.iter().position(|field| field.name == *name.node) else { return false };
        let Some(parts) = self.map.fields.get(at).and_then(|field| record_parts(&field.value)) else { return false };
        if parts.iter().any(|one| one.name == part) {
            return false;
        }
        if let Some(field) = self.map.fields.get_mut(at) {
            field.value = Expr::Record { fields: parts };
        }
        self.parts.insert(Arc::clone(&name.node), at);
        true
    }

    /// Notes that a part of a field is written; the field as a whole contradicts that, where it is more than a record of other parts.
    pub(super) fn write_part(&mut self, name: &Name, part: &str) -> bool {
        if self.joins(name, part) {
            return true;
        }
        match self.written.get(&name.node) {
            Some(first) if !self.parts.contains_key(&name.node) => {
                let whole = self.map.fields.iter().find(|field| field.name == *name.node);
                let holds = whole.is_some_and(|field| {
                    let mut holds = false;
                    field.value.walk(&mut |expr| {
                        holds |= matches!(expr, Expr::Record { fields } if fields.iter().any(|one| one.name == part));
                    });
                    holds
                });
                let (what, help) = if holds {
                    (format!("`{}.{part}`", name.node), "keep one of them".to_owned())
                } else {
                    (
                        format!("`{}`", name.node),
                        format!("write the part within the record: `{} = {{ …, {part}: … }}`", name.node),
                    )
                };
                self.diagnostics.push(errors::duplicate(Code::E0307, &what, name.span, *first).with_help(help));
                false
            }
            _ => {
                self.written.entry(Arc::clone(&name.node)).or_insert(name.span);
                true
            }
        }
    }
}

/// Parts of a record that may stand beside others: of a plain one, or of one part with what becomes of its failure.
pub(super) fn record_parts(value: &Expr) -> Option<Vec<NamedExpr>> {
    match value {
        Expr::Record { fields } => Some(fields.clone()),
        Expr::Otherwise { value, recovery } => match &**value {
            Expr::Record { fields } => match fields.as_slice() {
                [only] => {
                    let value = Box::new(only.value.clone());
                    let value = Expr::Otherwise { value, recovery: recovery.clone() };
                    Some(vec![NamedExpr { name: only.name.clone(), value }])
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn slots(entry: &MapEntry) -> Vec<Slot> {
    match entry {
        MapEntry::Match { fields, .. } => match fields.first() {
            Some(path) => vec![Slot::of("match", path.span)],
            None => Vec::new(),
        },
        MapEntry::On(on) => vec![Slot::of(format!("on {}", on.event.node), on.event.span)],
        MapEntry::Mapping(mapping) => match &mapping.target {
            MappingTarget::Field(path) => vec![match path.node.as_slice() {
                [only] => Slot::named("field", only),
                _ => Slot::named("field", &Spanned::new(Arc::from(dotted(path)), path.span)),
            }],
            MappingTarget::Fields(fields) => fields.iter().map(|field| Slot::named("field", field.name())).collect(),
            MappingTarget::New(field) => vec![Slot::named("field", &field.name)],
        },
        MapEntry::Allow(_) => Vec::new(),
        MapEntry::Drop { columns, .. } => columns.iter().map(|name| Slot::named("drop", name)).collect(),
        MapEntry::Same { variants, .. } => {
            let mut seen: IndexMap<&str, Slot> = IndexMap::default();
            for text in variants {
                seen.entry(&text.node).or_insert_with(|| Slot::named("same", text));
            }
            seen.into_values().collect()
        }
    }
}

/// `a.b`, as written.
pub(super) fn dotted(path: &Path) -> String {
    path.node.iter().map(|name| &*name.node).collect::<Vec<_>>().join(".")
}
