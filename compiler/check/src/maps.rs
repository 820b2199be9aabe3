//! `map` and `link` items.

mod cases;
mod entries;
mod fields;
mod link;
mod policies;

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_source::Span;
use migr_syntax::ast::{Map, MapDestination, MapEntry, MapSource};

pub(crate) use link::check_link;

use crate::catalog::Object;
use crate::decides;
use crate::errors;
use crate::expression::{DistinctMaker, Inference, Maker, Makers, Scope, Usage, World, mark};
use crate::in_order::IndexMap;
use crate::program::{Extended, Program, documentation, map_name};
use crate::reachable::{self, Conditions, Reach};
use crate::schema::{SchemaObject, destination_name};
use crate::spec;
use crate::types::Type;

type Item<'a> = Extended<'a, Map, MapEntry>;

/// Which maps make records of what, known before any body is read.
pub(crate) fn makers<'a>(program: &Program<'a>) -> Makers<'a> {
    let mut makers = Makers::default();
    for (name, map) in &program.maps {
        let destination = &destination_name(&map.node.destination).node;
        let id = map.node.formerly.as_ref().map_or_else(|| Arc::clone(name), |formerly| Arc::clone(&formerly.node));
        match &map.node.source {
            MapSource::Object(source) => {
                let maker = Maker { map: id, source: Arc::clone(&source.node), destination: Arc::clone(destination) };
                makers.by_destination.entry(Arc::clone(destination)).or_default().push(maker.clone());
                makers.by_source.entry(Arc::clone(&source.node)).or_default().push(maker);
            }
            MapSource::Distinct { object, value } => {
                let (source, destination) = (Arc::clone(&object.node), Arc::clone(destination));
                let maker = DistinctMaker { map: id, source, destination, value };
                makers.distinct.insert(Arc::clone(name), maker);
            }
            // Refused where the map is checked.
            MapSource::Each { .. } => {}
        }
    }
    makers
}

/// A checked map with what coverage asks of it.
pub(crate) struct Checked {
    pub(crate) spec: spec::Map,
    /// When its condition may hold, and where it stands.
    pub(crate) reach: Reach,
    pub(crate) when: Option<Span>,
    /// Columns that it drops.
    pub(crate) drops: IndexMap<Arc<str>, Span>,
    /// An entry of it could not be read.
    pub(crate) is_broken: bool,
}

/// One map. Findings are made for each entry alone, so that one never hides another.
pub(crate) fn check<'a>(
    item: &Item<'a>,
    world: &World<'a>,
    usage: &mut Usage,
    diagnostics: &mut Diagnostics,
) -> Checked {
    let map = item.node;
    let source_name = map.source.object();
    if let MapSource::Each { object, value } = &map.source {
        let help = "export the pairs as a file of their own, one row each, and map that";
        diagnostics.push(errors::not_built("`map each`", object.span.to(value.span), help));
    }
    let source = world.source.objects.get(&source_name.node);
    if source.is_none() {
        let valid = world.source.objects.keys().map(|name| &**name);
        diagnostics.push(errors::unknown_name("object", &source_name.node, source_name.span, valid));
    }
    // What `value` and `record` would be is not known.
    let source = source.filter(|_| !matches!(map.source, MapSource::Each { .. }));
    let destination_name = destination_name(&map.destination);
    let destination = world.schema.objects.get(&destination_name.node);
    if destination.is_none() {
        let valid = world.schema.objects.keys().map(|name| &**name);
        diagnostics.push(
            errors::unknown_name("object", &destination_name.node, destination_name.span, valid).with_note(format!(
                "`{}` is a custom object where it is written `-> new {} \"…\" one … \"…\"`",
                destination_name.node, destination_name.node
            )),
        );
    }
    if let (Some(object), MapDestination::Object(name)) = (destination, &map.destination)
        && object.is_matched_only
    {
        diagnostics.push(
            Diagnostic::new(
                Code::E0318,
                format!("`{}` does not create `{}`", world.schema.catalog.name.node, name.node),
                name.span,
                "matched only",
            )
            .with_label(object.span, "declared here")
            .with_help("its records are only matched, by `owners` or `existing`"),
        );
    }
    if let Some(object) = source
        && let Some(reason) = &object.restricted
        && !world.permits.contains(&source_name.node)
        && usage.unpermitted.insert(Arc::clone(&source_name.node))
    {
        let name = &source_name.node;
        diagnostics.push(crate::expression::needs_permit(name, name, &reason.node, source_name.span));
    }
    let mut pass = Pass {
        item,
        world,
        usage,
        diagnostics,
        source,
        destination,
        map: empty(item, &source_name.node, &destination_name.node),
        reach: Reach::always(),
        drops: IndexMap::default(),
        written: IndexMap::default(),
        parts: IndexMap::default(),
        found_before: 0,
        says_error: item
            .entries
            .iter()
            .any(|entry| matches!(&entry.node, Some(MapEntry::On(on)) if &*on.event.node == "error")),
        read: IndexMap::default(),
        on_empty: cases::of_map(item),
        clears: Vec::new(),
    };
    pass.head();
    pass.entries();
    let mut checked = pass.finish();
    // What a map of elements reads is not known.
    checked.is_broken |= matches!(map.source, MapSource::Each { .. });
    checked
}

fn empty(item: &Item<'_>, source: &str, destination: &str) -> spec::Map {
    spec::Map {
        name: map_name(item.node).node.to_string(),
        formerly: item.node.formerly.as_ref().map(|name| name.node.to_string()),
        description: documentation(&item.item.docs),
        source_object: source.to_owned(),
        destination_object: destination.to_owned(),
        association: None,
        when: None,
        distinct: None,
        matching: None,
        policies: migr_plan::Policies::default(),
        fields: Vec::new(),
        links: Vec::new(),
        dropped: Vec::new(),
        decides: Vec::new(),
        name_span: item.name.span,
        span: item.item.span,
    }
}

/// The check of one map's body.
struct Pass<'p, 'a> {
    item: &'p Item<'a>,
    world: &'p World<'a>,
    usage: &'p mut Usage,
    diagnostics: &'p mut Diagnostics,
    source: Option<&'p Object<'a>>,
    destination: Option<&'p SchemaObject>,
    map: spec::Map,
    reach: Reach,
    drops: IndexMap<Arc<str>, Span>,
    /// Destination fields written, whole or in parts.
    written: IndexMap<Arc<str>, Span>,
    /// Where in `map.fields` the parts of a composite are gathered.
    parts: IndexMap<Arc<str>, usize>,
    /// Number of findings before the entry that is being checked.
    found_before: usize,
    /// `on error quarantine`: that a failure quarantines is meant.
    says_error: bool,
    /// The record's own columns that some entry reads, with the place of the first.
    read: IndexMap<Arc<str>, Span>,
    /// `on empty …` of the map.
    on_empty: migr_plan::EmptyPolicy,
    /// Where `on empty clear` is written, of the map or a field.
    clears: Vec<Span>,
}

impl<'p> Pass<'p, '_> {
    fn is_distinct(&self) -> bool {
        matches!(self.item.node.source, MapSource::Distinct { .. })
    }

    /// Meaning of names in a mapping.
    fn scope(&self) -> Scope<'p> {
        Scope {
            object: if self.is_distinct() { None } else { self.source },
            is_unknown: self.source.is_none(),
            is_distinct: self.is_distinct(),
            ..Scope::default()
        }
    }

    fn note_reads(&mut self, own: &std::collections::BTreeSet<Arc<str>>, span: Span) {
        for column in own {
            self.read.entry(Arc::clone(column)).or_insert(span);
        }
    }

    /// `distinct` and `when`.
    fn head(&mut self) {
        let before = self.diagnostics.items().len();
        self.conditions();
        if self.diagnostics.items().len() > before {
            let value = match &self.item.node.source {
                MapSource::Distinct { value, .. } => Some(value),
                MapSource::Object(_) | MapSource::Each { .. } => None,
            };
            for expr in [value, self.item.node.when.as_ref()].into_iter().flatten() {
                mark(expr, self.source, self.world, self.usage);
            }
        }
    }

    fn conditions(&mut self) {
        let of_source = Scope { object: self.source, is_unknown: self.source.is_none(), ..Scope::default() };
        if let MapSource::Distinct { value, .. } = &self.item.node.source {
            let mut inference = Inference::new(self.world, of_source.clone(), self.usage, self.diagnostics);
            let typed = inference.against(value, &Type::Text);
            self.map.distinct = Some(migr_plan::Distinct { value: typed.expr, same: Vec::new() });
        }
        if let Some(condition) = &self.item.node.when {
            let before = self.diagnostics.items().len();
            let mut inference = Inference::new(self.world, of_source, self.usage, self.diagnostics);
            let typed = inference.against(condition, &Type::Boolean);
            self.map.when = Some(typed.expr);
            let conditions = Conditions { object: self.source, tables: self.world.tables };
            self.reach = conditions.reach(condition);
            let is_understood = self.diagnostics.items().len() == before;
            if self.reach.is_never() && is_understood {
                let message = "no record fulfils this condition, so this map makes nothing";
                self.diagnostics.push(reachable::never(condition.span, message));
            }
            conditions.check(condition, self.diagnostics);
        }
    }

    fn finish(mut self) -> Checked {
        self.check_cases();
        if let Some(destination) = self.destination
            && !self.item.is_broken()
        {
            for (name, field) in &destination.fields {
                if field.attributes.required && !self.written.contains_key(name) {
                    self.diagnostics.push(
                        Diagnostic::new(
                            Code::E0309,
                            format!(
                                "`{}.{name}` is required, and map `{}` does not fill it",
                                destination.name, self.map.name
                            ),
                            self.item.name.span,
                            format!("does not fill `{name}`"),
                        )
                        .with_help(format!("add `{name} = …`"))
                        .with_label(field.span, "required"),
                    );
                }
            }
        }
        // A column that decides alone may be dropped: what it says stays behind.
        let held = decides::held(&self.map, None);
        for (column, span) in &self.drops {
            if let Some(read) = self.read.get(column).filter(|_| held.contains(&&**column)) {
                self.diagnostics.push(
                    Diagnostic::new(Code::E0307, format!("`{column}` is dropped and used"), *span, "dropped here")
                        .with_label(*read, "used here")
                        .with_help("remove it from `drop`"),
                );
            }
        }
        Checked {
            is_broken: self.item.is_broken(),
            reach: self.reach,
            when: self.item.node.when.as_ref().map(|condition| condition.span),
            spec: self.map,
            drops: self.drops,
        }
    }
}
