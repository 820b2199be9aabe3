//! Rows of a picklist: keys, targets, and the options they name or create.

use std::sync::Arc;

use migr_diagnostics::{Applicability, Code, Diagnostic, Edit, Fix};
use migr_plan::{NewOption, PicklistOtherwise};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{DecidedOption, PicklistKey, PicklistTarget, Text};

use super::Pass;
use crate::errors;
use crate::in_order::IndexSet;
use crate::schema::{SchemaField, option_of};
use crate::types::{Labelled, Options, Type};

impl Pass<'_, '_> {
    /// One value per input.
    pub(super) fn key(&mut self, key: &Spanned<PicklistKey>) -> Option<Vec<Option<String>>> {
        let inputs = self.item.node.inputs.len().max(1);
        // A cell that holds nothing is no text.
        let value = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
        let values: Vec<Option<String>> = match &key.node {
            PicklistKey::Text(text) => vec![value(&text.node)],
            PicklistKey::None => vec![None; inputs],
            PicklistKey::Tuple(texts) => texts.iter().map(|text| value(&text.node)).collect(),
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
        .with_help(format!("write {}", noun(wanted)))
    }

    /// One value per field, and the option that setup creates.
    pub(super) fn target(
        &mut self,
        target: &Spanned<PicklistTarget>,
    ) -> Option<(Vec<Option<String>>, Option<NewOption>)> {
        let fields = self.fields.len();
        match &target.node {
            PicklistTarget::Option(name) if fields == 1 => {
                let value = self.option(0, name)?;
                Some((vec![Some(value.to_string())], None))
            }
            PicklistTarget::None => Some((vec![None; fields], None)),
            PicklistTarget::New(option) if fields == 1 => {
                let new = super::made_option(option);
                self.new_option(0, &option.value, &new, target.span)?;
                Some((vec![Some(new.value.clone())], Some(new)))
            }
            PicklistTarget::Tuple { is_new, values } => {
                if values.len() != fields {
                    let diagnostic = self.wrong_count("row", fields, values.len(), target.span);
                    self.diagnostics.push(diagnostic);
                    return None;
                }
                let (mut new, mut chosen) = (None, Vec::with_capacity(values.len()));
                for (at, decided) in values.iter().enumerate() {
                    let value = decided.value();
                    let mut named = Arc::clone(&value.node);
                    if let DecidedOption::New(written) = decided {
                        let option = super::made_option(&written.node);
                        self.new_option(at, value, &option, written.span)?;
                        new = Some(option);
                    } else if *is_new && self.is_open(at) {
                        let option = option_of(&value.node);
                        self.new_option(at, value, &option, value.span)?;
                        new = Some(option);
                    } else {
                        named = self.option(at, value)?;
                    }
                    chosen.push(Some(named.to_string()));
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
                Some((chosen, new))
            }
            PicklistTarget::Option(_) | PicklistTarget::New(_) => {
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

    pub(super) fn options(&self, at: usize) -> Option<Arc<Options>> {
        match self.field(at).map(|field| &field.ty) {
            Some(Type::Select(options) | Type::Multiselect(options)) if !options.open => Some(Arc::clone(options)),
            _ => None,
        }
    }

    /// True for an option that a field has before any row.
    fn has(&self, at: usize, value: &Arc<str>) -> bool {
        self.known.get(at).is_some_and(|known| known.contains(value))
    }

    /// Options of a label, where no option has the name: those that rows made before go with their labels.
    fn by_label(&self, at: usize, options: &Options, label: &str) -> Labelled {
        let made = self.new.get(at);
        let rows = self.order.get(at).into_iter().flatten();
        let values: IndexSet<&Arc<str>> = options.values.iter().chain(rows).collect();
        let label_of = |value: &Arc<str>| {
            let own = made.and_then(|made| made.get(&**value)).map(|made| made.label.clone());
            own.unwrap_or_else(|| options.label(value))
        };
        Labelled::of(label, values.into_iter().map(|value| (value, label_of(value))).chain(options.served()))
    }

    /// An option that must be there, by its name or else its label. Gives nothing if it was reported.
    fn option(&mut self, at: usize, name: &Text) -> Option<Arc<str>> {
        if let Some(options) = self.options(at) {
            let is_made = self.order.get(at).is_some_and(|order| order.contains(&name.node));
            if !self.has(at, &name.node) && !is_made && !options.is_served(&name.node) {
                match self.by_label(at, &options, &name.node) {
                    Labelled::One(value) => {
                        self.place(at, &value);
                        return Some(value);
                    }
                    Labelled::Two(one, other) => {
                        let finding = errors::options_of_one_label(&options.of, &name.node, name.span, (&one, &other));
                        self.diagnostics.push(finding);
                        return None;
                    }
                    Labelled::None => {}
                }
                let mut values = options.all();
                values.extend(self.order.get(at).into_iter().flatten().cloned());
                let mut diagnostic = errors::unknown_option(&options, &name.node, name.span, &values);
                if options.extensible {
                    let is_name = name.node.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
                    let new = if is_name { name.node.to_string() } else { format!("NAME \"{}\"", name.node) };
                    diagnostic = diagnostic.with_note(format!("setup creates an option written as `new {new}`"));
                }
                self.diagnostics.push(diagnostic);
                return None;
            }
        }
        self.place(at, &name.node);
        Some(Arc::clone(&name.node))
    }

    /// An option that setup creates. Gives nothing if it was reported.
    fn new_option(&mut self, at: usize, value: &Text, new: &NewOption, written: Span) -> Option<()> {
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
            if self.has(at, &value.node) {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::E0202,
                        format!("`{}` has the option `{}` already", options.of, value.node),
                        value.span,
                        "there already",
                    )
                    .with_help(format!("without `new`: `{}`", value.node))
                    .with_fix(Fix {
                        title: format!("write `{}`", value.node),
                        edits: vec![Edit { span: written, text: value.node.to_string() }],
                        applicability: Applicability::Unsafe,
                    }),
                );
                return None;
            }
        }
        self.place(at, &value.node);
        if let Some(made) = self.new.get_mut(at)
            && !made.contains_key(&new.value)
        {
            made.insert(new.value.clone(), new.clone());
        }
        Some(())
    }

    fn place(&mut self, at: usize, value: &Arc<str>) {
        if let Some(order) = self.order.get_mut(at)
            && !order.contains(value)
        {
            order.insert(Arc::clone(value));
        }
    }

    pub(super) fn otherwise(&mut self, target: &Spanned<PicklistTarget>) -> Option<PicklistOtherwise> {
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
                            .with_help("write `otherwise quarantine`")
                            .with_instead(target.span, "quarantine"),
                        );
                        return None;
                    }
                    Some(PicklistOtherwise::Create)
                }
                _ if self.fields.len() == 1 => {
                    let value = self.option(0, name)?;
                    Some(PicklistOtherwise::Use { value: value.to_string() })
                }
                _ => {
                    let diagnostic = self.wrong_count("row", self.fields.len(), 1, target.span);
                    self.diagnostics.push(diagnostic);
                    None
                }
            },
            PicklistTarget::Tuple { .. } => {
                let (values, _) = self.target(target)?;
                Some(PicklistOtherwise::UseAll { values })
            }
            PicklistTarget::New(_) => {
                let (values, _) = self.target(target)?;
                values.into_iter().next().flatten().map(|value| PicklistOtherwise::Use { value })
            }
        }
    }
}
