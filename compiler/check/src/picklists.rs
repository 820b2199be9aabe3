//! `picklist` items: value tables, checked against the options of the fields they fill.

mod declared;
mod rows;

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostics};
use migr_plan::{NewOption, PicklistOtherwise};
use migr_syntax::ast::{self, Map, Picklist, PicklistEntry, PicklistKey, PicklistTarget};

use crate::errors;
use crate::in_order::{IndexMap, IndexSet};
use crate::merge::{Slot, merge};
use crate::program::{Extended, Program};
use crate::schema::{Schema, SchemaField, Written, check_options, option_of};
use crate::spec;
use crate::types::Type;

pub(crate) use declared::check as check_declared;

type Item<'a> = Extended<'a, Picklist, PicklistEntry>;

/// Options that a picklist's rows ask for.
#[derive(Default)]
pub(crate) struct Choices {
    pub(crate) options: Vec<NewOption>,
    /// The picklist, where it says `otherwise create`.
    pub(crate) options_from: Option<String>,
}

/// The options of a field that is made from a picklist: its rows' targets, in order.
pub(crate) fn choices(picklist: &Item<'_>) -> Choices {
    let mut options: IndexMap<Arc<str>, NewOption> = IndexMap::default();
    let mut choices = Choices::default();
    for entry in &picklist.entries {
        match &entry.node {
            Some(PicklistEntry::Row { target, .. }) => match &target.node {
                PicklistTarget::Option(name) => {
                    options.entry(Arc::clone(&name.node)).or_insert_with(|| option_of(&name.node));
                }
                PicklistTarget::New(new) => {
                    options.insert(Arc::clone(&new.value.node), made_option(new));
                }
                PicklistTarget::None | PicklistTarget::Tuple { .. } => {}
            },
            Some(PicklistEntry::Otherwise(target)) => {
                if matches!(&target.node, PicklistTarget::Option(name) if &*name.node == "create") {
                    choices.options_from = Some(picklist.name.node.to_string());
                }
            }
            Some(PicklistEntry::Allow(_)) | None => {}
        }
    }
    choices.options = options.into_values().collect();
    choices
}

/// Options of a picklist's rows for one of its fields, as they are written: the new ones, or every one where the field is made of them. Each value counts once.
pub(crate) fn written<'a>(picklist: &Item<'a>, at: usize, every: bool) -> Vec<Written<'a>> {
    let mut options: IndexMap<&str, Written<'a>> = IndexMap::default();
    for entry in &picklist.entries {
        let Some(PicklistEntry::Row { target, .. }) = &entry.node else { continue };
        match &target.node {
            PicklistTarget::Option(name) if every => {
                options.entry(&name.node).or_insert_with(|| name.into());
            }
            PicklistTarget::New(new) => {
                options.insert(&new.value.node, new.into());
            }
            PicklistTarget::Tuple { values, .. } => {
                if let Some(ast::DecidedOption::New(new)) = values.get(at) {
                    options.insert(&new.node.value.node, (&new.node).into());
                }
            }
            PicklistTarget::Option(_) | PicklistTarget::None => {}
        }
    }
    options.into_values().collect()
}

/// `new LOST "Lost" red`, as setup creates it.
pub(crate) fn made_option(new: &ast::NewOption) -> NewOption {
    let ast::NewOption { value, label, color } = new;
    NewOption {
        value: value.node.to_string(),
        label: label.as_ref().map_or_else(|| option_of(&value.node).label, |text| text.node.to_string()),
        color: color.as_ref().map(|name| name.node.to_string()),
    }
}

/// A picklist as expressions use it.
pub(crate) struct Table {
    pub(crate) spec: spec::Picklist,
    /// The types of its fields; [`Type::Unknown`] where the field was not found.
    pub(crate) types: Vec<Type>,
}

/// Checks every picklist and gives the final options to the schema's fields.
pub(crate) fn check(
    program: &Program<'_>,
    schema: &mut Schema<'_>,
    diagnostics: &mut Diagnostics,
) -> (IndexMap<Arc<str>, Table>, Vec<spec::AddedOptions>) {
    let mut tables = IndexMap::default();
    let mut added: IndexMap<(Arc<str>, Arc<str>), spec::AddedOptions> = IndexMap::default();
    for (name, item) in &program.picklists {
        let is_of = |map: &Map| map.destination.name().node == item.node.object.node;
        // The map that makes the field may be what could not be read.
        let may_be_made = program.is_broken || program.maps.values().any(|map| map.is_broken() && is_of(map.node));
        let (fields, order, new, known) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut pass = Pass { item, schema, may_be_made, diagnostics, fields, known, order, new };
        let table = pass.table();
        let (order, new) = (std::mem::take(&mut pass.order), std::mem::take(&mut pass.new));
        for (at, field) in item.node.fields.iter().enumerate() {
            // Those of a new field stand where the field does.
            if !schema.new_fields.contains_key(&(Arc::clone(&item.node.object.node), Arc::clone(&field.node))) {
                check_options(schema.catalog, &written(item, at, false), diagnostics);
            }
        }
        for (field, (order, new)) in item.node.fields.iter().zip(order.into_iter().zip(new)) {
            let labels = new.values().map(|made| (Arc::from(made.value.as_str()), Arc::from(made.label.as_str())));
            schema.set_options(&item.node.object.node, &field.node, &order, labels);
            let key = (Arc::clone(&item.node.object.node), Arc::clone(&field.node));
            let creates = table.spec.otherwise == PicklistOtherwise::Create;
            if schema.new_fields.contains_key(&key) || (new.is_empty() && !creates) {
                continue;
            }
            let whole = added.entry(key).or_insert_with(|| spec::AddedOptions {
                object: item.node.object.node.to_string(),
                field: field.node.to_string(),
                options: Vec::new(),
                order: Vec::new(),
                options_from: None,
                span: item.item.span,
            });
            whole.options.extend(new.into_values());
            whole.order.extend(order.iter().map(ToString::to_string));
            whole.options_from = whole.options_from.take().or_else(|| creates.then(|| name.to_string()));
        }
        tables.insert(Arc::clone(name), table);
    }
    for table in tables.values_mut() {
        let Some(object) = schema.objects.get(&*table.spec.object) else { continue };
        for (ty, field) in table.types.iter_mut().zip(&table.spec.fields) {
            if let Some(field) = object.fields.get(&**field) {
                *ty = field.ty.clone();
            }
        }
    }
    (tables, added.into_values().collect())
}

struct Pass<'p, 'a> {
    item: &'p Item<'a>,
    schema: &'p Schema<'a>,
    /// True where a field that is not there may be made by what could not be read.
    may_be_made: bool,
    diagnostics: &'p mut Diagnostics,
    /// The schema's fields; `None` for one that is not there (reported).
    fields: Vec<Option<SchemaField>>,
    /// Per field: the options that it has.
    known: Vec<IndexSet<Arc<str>>>,
    /// Per field: the options in the order of rows.
    order: Vec<IndexSet<Arc<str>>>,
    /// Per field: the options that setup adds, by their values.
    new: Vec<IndexMap<String, NewOption>>,
}

impl Pass<'_, '_> {
    fn table(&mut self) -> Table {
        let node = self.item.node;
        self.find_fields();
        let fields = 0..node.fields.len();
        let known = |at| self.options(at).map(|options| options.values.iter().cloned().collect());
        self.known = fields.map(|at| known(at).unwrap_or_default()).collect();
        self.order = vec![IndexSet::default(); node.fields.len()];
        self.new = vec![IndexMap::default(); node.fields.len()];
        let mut ignore = (false, false);
        for word in &node.ignore {
            match &*word.node {
                "case" => ignore.0 = true,
                "space" => ignore.1 = true,
                other => {
                    let known = ["case", "space"];
                    self.diagnostics.push(errors::unknown_word_after("ignore", other, word.span, &known));
                }
            }
        }
        let slots = |entry: &PicklistEntry| slots(entry, ignore);
        let entries = merge(self.item.entries.iter().copied(), Code::E0501, slots, self.diagnostics);
        let mut rows = Vec::new();
        let mut otherwise = PicklistOtherwise::Quarantine;
        for entry in entries {
            match &entry.node {
                Some(PicklistEntry::Row { keys, target }) => {
                    let keys = keys.iter().filter_map(|key| self.key(key)).collect();
                    if let Some((values, new)) = self.target(target) {
                        rows.push(spec::PicklistRow { keys, values, new, span: entry.span });
                    }
                }
                Some(PicklistEntry::Otherwise(target)) => {
                    if let Some(found) = self.otherwise(target) {
                        otherwise = found;
                    }
                }
                Some(PicklistEntry::Allow(_)) | None => {}
            }
        }
        Table {
            spec: spec::Picklist {
                name: node.name.node.to_string(),
                object: node.object.node.to_string(),
                fields: node.fields.iter().map(|field| field.node.to_string()).collect(),
                inputs: node.inputs.iter().map(|input| input.node.to_string()).collect(),
                ignore_case: ignore.0,
                ignore_space: ignore.1,
                rows,
                otherwise,
                name_span: node.name.span,
                span: self.item.item.span,
            },
            types: vec![Type::Unknown; node.fields.len()],
        }
    }

    fn find_fields(&mut self) {
        let node = self.item.node;
        let Some(object) = self.schema.objects.get(&node.object.node) else {
            let has_fields = |name: &str| {
                let there = self.schema.objects.get(name);
                there.is_some_and(|there| node.fields.iter().all(|field| there.fields.contains_key(&field.node)))
            };
            let missing = errors::missing_name("object", &node.object.node, node.object.span);
            self.diagnostics.push(missing.among_fitting(self.schema.objects.keys().map(|name| &**name), has_fields));
            self.fields = vec![None; node.fields.len()];
            return;
        };
        for field in &node.fields {
            let found = object.fields.get(&field.node).cloned();
            if found.is_none() && !self.may_be_made {
                let valid = object.field_names();
                self.diagnostics.push(errors::unknown_field(&object.name, "field", &field.node, field.span, valid));
            }
            self.fields.push(found);
        }
    }
}

/// Keys that count as one are one slot.
fn slots(entry: &PicklistEntry, (case, space): (bool, bool)) -> Vec<Slot> {
    match entry {
        PicklistEntry::Allow(_) => Vec::new(),
        PicklistEntry::Otherwise(target) => {
            vec![Slot::of("otherwise", target.span)]
        }
        PicklistEntry::Row { keys, .. } => keys
            .iter()
            .map(|key| {
                let texts: Vec<&str> = match &key.node {
                    PicklistKey::None => Vec::new(),
                    PicklistKey::Text(text) if text.node.trim().is_empty() => Vec::new(),
                    PicklistKey::Text(text) => vec![&text.node],
                    PicklistKey::Tuple(texts) => texts.iter().map(|text| &*text.node).collect(),
                };
                let folded: Vec<String> = texts.iter().map(|text| fold(text, case, space)).collect();
                let shown = if texts.is_empty() { "none".to_owned() } else { texts.join(", ") };
                Slot::new(format!("row {folded:?}"), shown, key.span)
            })
            .collect(),
    }
}

/// A key as it is compared.
fn fold(text: &str, case: bool, space: bool) -> String {
    let text = if space { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.to_owned() };
    if case { text.to_lowercase() } else { text }
}
