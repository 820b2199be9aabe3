//! `picklist` items: value tables, checked against the options of the fields they fill.

use std::sync::Arc;

use indexmap::IndexMap;
use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::{NewOption, PicklistOtherwise};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{Picklist, PicklistEntry, PicklistKey, PicklistTarget, Text};

use crate::errors;
use crate::merge::{Slot, merge};
use crate::program::{Extended, Program};
use crate::schema::{Schema, SchemaField, option_of};
use crate::spec;
use crate::types::{Options, Type};

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
    let mut options: IndexMap<Arc<str>, NewOption> = IndexMap::new();
    let mut choices = Choices::default();
    for entry in &picklist.entries {
        match &entry.node {
            Some(PicklistEntry::Row { target, .. }) => match &target.node {
                PicklistTarget::Option(name) => {
                    options.entry(Arc::clone(&name.node)).or_insert_with(|| option_of(&name.node));
                }
                PicklistTarget::New { value, label, color } => {
                    options.insert(
                        Arc::clone(&value.node),
                        NewOption {
                            value: value.node.to_string(),
                            label: label
                                .as_ref()
                                .map_or_else(|| option_of(&value.node).label, |text| text.node.to_string()),
                            color: color.as_ref().map(|name| name.node.to_string()),
                        },
                    );
                }
                PicklistTarget::None | PicklistTarget::Tuple { .. } => {}
            },
            Some(PicklistEntry::Otherwise(target)) => {
                if matches!(&target.node, PicklistTarget::Option(name) if &*name.node == "create") {
                    choices.options_from = Some(picklist.name.node.to_string());
                }
            }
            None => {}
        }
    }
    choices.options = options.into_values().collect();
    choices
}

/// A picklist as expressions use it.
pub(crate) struct Table {
    pub(crate) spec: spec::Picklist,
    /// The types of its fields; [`Type::Unknown`] where the field was not found.
    pub(crate) types: Vec<Type>,
    pub(crate) name_span: Span,
}

/// Checks every picklist and gives the final options to the schema's fields.
pub(crate) fn check(
    program: &Program<'_>,
    schema: &mut Schema<'_>,
    diagnostics: &mut Diagnostics,
) -> (IndexMap<Arc<str>, Table>, Vec<spec::AddedOptions>) {
    let mut tables = IndexMap::new();
    let mut added: IndexMap<(Arc<str>, Arc<str>), spec::AddedOptions> = IndexMap::new();
    for (name, item) in &program.picklists {
        let mut pass = Pass { item, schema, diagnostics, fields: Vec::new(), order: Vec::new(), new: Vec::new() };
        let table = pass.table();
        let (order, new) = (std::mem::take(&mut pass.order), std::mem::take(&mut pass.new));
        for (field, (order, new)) in item.node.fields.iter().zip(order.into_iter().zip(new)) {
            schema.set_options(&item.node.object.node, &field.node, &order);
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
            whole.options.extend(new);
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
    diagnostics: &'p mut Diagnostics,
    /// The schema's fields; `None` for one that is not there (reported).
    fields: Vec<Option<SchemaField>>,
    /// Per field: the options in the order of rows.
    order: Vec<Vec<Arc<str>>>,
    /// Per field: the options that setup adds.
    new: Vec<Vec<NewOption>>,
}

impl Pass<'_, '_> {
    fn table(&mut self) -> Table {
        let node = self.item.node;
        self.find_fields();
        self.order = vec![Vec::new(); node.fields.len()];
        self.new = vec![Vec::new(); node.fields.len()];
        let mut ignore = (false, false);
        for word in &node.ignore {
            match &*word.node {
                "case" => ignore.0 = true,
                "space" => ignore.1 = true,
                other => {
                    let known = ["case", "space"];
                    self.diagnostics.push(errors::unknown_word("word after `ignore`", other, word.span, &known));
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
                None => {}
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
                span: self.item.item.span,
            },
            types: vec![Type::Unknown; node.fields.len()],
            name_span: node.name.span,
        }
    }

    fn find_fields(&mut self) {
        let node = self.item.node;
        let Some(object) = self.schema.objects.get(&node.object.node) else {
            let valid = self.schema.objects.keys().map(|name| &**name);
            self.diagnostics.push(errors::unknown_name("object", &node.object.node, node.object.span, valid));
            self.fields = vec![None; node.fields.len()];
            return;
        };
        for field in &node.fields {
            let found = object.fields.get(&field.node).cloned();
            if found.is_none() {
                let valid = object.field_names();
                self.diagnostics.push(errors::unknown_field(&object.name, "field", &field.node, field.span, valid));
            }
            self.fields.push(found);
        }
    }

    /// One value per input.
    fn key(&mut self, key: &Spanned<PicklistKey>) -> Option<Vec<Option<String>>> {
        let inputs = self.item.node.inputs.len().max(1);
        let values: Vec<Option<String>> = match &key.node {
            PicklistKey::Text(text) => vec![Some(text.node.to_string())],
            PicklistKey::None => vec![None; inputs],
            PicklistKey::Tuple(texts) => texts.iter().map(|text| Some(text.node.to_string())).collect(),
        };
        if values.len() != inputs {
            let found = values.len();
            self.diagnostics.push(self.wrong_count("key", inputs, found, key.span));
            return None;
        }
        Some(values)
    }

    fn wrong_count(&self, what: &str, wanted: usize, found: usize, span: Span) -> Diagnostic {
        let noun = |count: usize| if count == 1 { "1 value".to_owned() } else { format!("{count} values") };
        Diagnostic::new(
            Code::E0303,
            format!("a {what} of `{}` has {}, found {}", self.item.node.name.node, noun(wanted), noun(found)),
            span,
            noun(found),
        )
    }

    /// One value per field, and the option that setup creates.
    fn target(&mut self, target: &Spanned<PicklistTarget>) -> Option<(Vec<Option<String>>, Option<NewOption>)> {
        let fields = self.fields.len();
        match &target.node {
            PicklistTarget::Option(name) if fields == 1 => {
                self.option(0, name)?;
                Some((vec![Some(name.node.to_string())], None))
            }
            PicklistTarget::None => Some((vec![None; fields], None)),
            PicklistTarget::New { value, label, color } if fields == 1 => {
                let new = NewOption {
                    value: value.node.to_string(),
                    label: label.as_ref().map_or_else(|| option_of(&value.node).label, |text| text.node.to_string()),
                    color: color.as_ref().map(|name| name.node.to_string()),
                };
                self.new_option(0, value, &new)?;
                Some((vec![Some(value.node.to_string())], Some(new)))
            }
            PicklistTarget::Tuple { is_new, values } => {
                if values.len() != fields {
                    let diagnostic = self.wrong_count("row", fields, values.len(), target.span);
                    self.diagnostics.push(diagnostic);
                    return None;
                }
                let mut new = None;
                for (at, value) in values.iter().enumerate() {
                    if *is_new && self.is_open(at) {
                        let option = option_of(&value.node);
                        self.new_option(at, value, &option)?;
                        new = Some(option);
                    } else {
                        self.option(at, value)?;
                    }
                }
                if *is_new && new.is_none() {
                    self.diagnostics.push(
                        Diagnostic::new(
                            Code::E0503,
                            "none of these fields takes new options",
                            target.span,
                            "nothing to create",
                        )
                        .with_help("remove `new`"),
                    );
                }
                Some((values.iter().map(|value| Some(value.node.to_string())).collect(), new))
            }
            PicklistTarget::Option(_) | PicklistTarget::New { .. } => {
                let diagnostic = self.wrong_count("row", fields, 1, target.span);
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    fn is_open(&self, at: usize) -> bool {
        matches!(self.field(at).map(|field| &field.ty), Some(Type::Select(options)) if options.open)
    }

    fn field(&self, at: usize) -> Option<&SchemaField> {
        self.fields.get(at).and_then(Option::as_ref)
    }

    fn options(&self, at: usize) -> Option<Arc<Options>> {
        match self.field(at).map(|field| &field.ty) {
            Some(Type::Select(options) | Type::Multiselect(options)) if !options.open => Some(Arc::clone(options)),
            _ => None,
        }
    }

    /// An option that must be there. Gives nothing if it was reported.
    fn option(&mut self, at: usize, name: &Text) -> Option<()> {
        if let Some(options) = self.options(at) {
            let is_made = self.order.get(at).is_some_and(|order| order.contains(&name.node));
            if !options.values.contains(&name.node) && !is_made {
                let mut values = options.values.clone();
                values.extend(self.order.get(at).into_iter().flatten().cloned());
                let mut diagnostic = errors::unknown_option(&options.of, &name.node, name.span, &values);
                if options.extensible {
                    diagnostic =
                        diagnostic.with_note(format!("setup creates an option written as `new {}`", name.node));
                }
                self.diagnostics.push(diagnostic);
                return None;
            }
        }
        self.place(at, &name.node);
        Some(())
    }

    /// An option that setup creates. Gives nothing if it was reported.
    fn new_option(&mut self, at: usize, value: &Text, new: &NewOption) -> Option<()> {
        let is_new_field = self.field(at).is_some_and(|field| field.is_new);
        if let (Some(options), false) = (self.options(at), is_new_field) {
            if !options.extensible {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::E0503,
                        format!("`{}` takes no new options", options.of),
                        value.span,
                        "cannot be created",
                    )
                    .with_help("use one of the options that are there, or mark the field `extensible` in the catalog"),
                );
                return None;
            }
            if options.values.contains(&value.node) {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::E0202,
                        format!("`{}` has the option `{}` already", options.of, value.node),
                        value.span,
                        "there already",
                    )
                    .with_help(format!("write `{}` without `new`", value.node)),
                );
                return None;
            }
        }
        self.place(at, &value.node);
        if let Some(made) = self.new.get_mut(at)
            && !made.iter().any(|option| option.value == new.value)
        {
            made.push(new.clone());
        }
        Some(())
    }

    fn place(&mut self, at: usize, value: &Arc<str>) {
        if let Some(order) = self.order.get_mut(at)
            && !order.contains(value)
        {
            order.push(Arc::clone(value));
        }
    }

    fn otherwise(&mut self, target: &Spanned<PicklistTarget>) -> Option<PicklistOtherwise> {
        match &target.node {
            PicklistTarget::None => Some(PicklistOtherwise::None),
            PicklistTarget::Option(name) => match &*name.node {
                "quarantine" => Some(PicklistOtherwise::Quarantine),
                "skip" => Some(PicklistOtherwise::Skip),
                "create" => {
                    let field = self.field(0);
                    let closed = field.is_some_and(|field| {
                        !field.is_new && matches!(&field.ty, Type::Select(options) | Type::Multiselect(options) if !options.extensible)
                    });
                    if closed || self.fields.len() > 1 {
                        self.diagnostics.push(
                            Diagnostic::new(
                                Code::E0503,
                                format!("`{}` takes no new options", self.item.node.object.node),
                                target.span,
                                "cannot create",
                            )
                            .with_help("write `otherwise quarantine`"),
                        );
                        return None;
                    }
                    Some(PicklistOtherwise::Create)
                }
                value if self.fields.len() == 1 => {
                    self.option(0, name)?;
                    Some(PicklistOtherwise::Use { value: value.to_owned() })
                }
                _ => {
                    let diagnostic = self.wrong_count("row", self.fields.len(), 1, target.span);
                    self.diagnostics.push(diagnostic);
                    None
                }
            },
            PicklistTarget::New { .. } => {
                let (values, _) = self.target(target)?;
                values.into_iter().next().flatten().map(|value| PicklistOtherwise::Use { value })
            }
            PicklistTarget::Tuple { .. } => {
                self.diagnostics.push(errors::not_built_yet("`otherwise` with several values", target.span));
                None
            }
        }
    }
}

/// Keys that count as one are one slot.
fn slots(entry: &PicklistEntry, (case, space): (bool, bool)) -> Vec<Slot> {
    match entry {
        PicklistEntry::Otherwise(target) => {
            vec![Slot { key: "otherwise".to_owned(), shown: "otherwise".to_owned(), span: target.span }]
        }
        PicklistEntry::Row { keys, .. } => keys
            .iter()
            .map(|key| {
                let texts: Vec<&str> = match &key.node {
                    PicklistKey::None => Vec::new(),
                    PicklistKey::Text(text) => vec![&text.node],
                    PicklistKey::Tuple(texts) => texts.iter().map(|text| &*text.node).collect(),
                };
                let folded: Vec<String> = texts.iter().map(|text| fold(text, case, space)).collect();
                Slot {
                    key: format!("row {folded:?}"),
                    shown: if texts.is_empty() { "none".to_owned() } else { texts.join(", ") },
                    span: key.span,
                }
            })
            .collect(),
    }
}

/// A key as it is compared.
fn fold(text: &str, case: bool, space: bool) -> String {
    let text = if space { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.to_owned() };
    if case { text.to_lowercase() } else { text }
}
