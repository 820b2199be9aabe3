//! Layout of systems: their objects, fields and types.

use migr_source::{Span, Spanned};
use migr_syntax::ast::{
    Attribute, Entry, Field, LayoutSetting, Limit, Name, Object, ObjectEntry, Quantity, System, SystemEntry, Text,
    Type, Undone,
};

use crate::block::{Piece, Slot};
use crate::expression::quantity;
use crate::gaps::Printer;

impl Printer<'_> {
    pub(crate) fn system(&mut self, system: &System, span: Span) -> Option<String> {
        let open = self.behind_brace(system.name.span.end as usize);
        self.checked(&system.entries, open, span)?;
        let block = self.entries(&system.entries, (open, span.end as usize), 0, &Self::system_entry);
        Some(format!("system {} {block}", self.written(system.name.span)))
    }

    fn texts(&self, texts: &[Text]) -> String {
        self.words(texts, ", ")
    }

    /// ` reserved "type", "user"`; nothing where none is written.
    fn listed(&self, word: &str, texts: &[Text]) -> String {
        if texts.is_empty() { String::new() } else { format!(" {word} {}", self.texts(texts)) }
    }

    /// `blank "n/a", "-"`, `blank never`
    fn blank(&self, texts: &[Text]) -> String {
        if texts.is_empty() { "blank never".to_owned() } else { format!("blank {}", self.texts(texts)) }
    }

    /// `layout { … }`
    fn layout(&mut self, entries: &[Entry<LayoutSetting>], indent: usize, span: Span) -> Option<String> {
        let open = self.behind_brace(span.start as usize);
        self.checked(entries, open, span)?;
        let block = self.entries(entries, (open, span.end as usize), indent, &|printer, setting, _, _| {
            Piece::whole(format!("{} {}", printer.written(setting.name.span), printer.written(setting.value.span)))
        });
        Some(format!("layout {block}"))
    }

    fn system_entry(&mut self, entry: &SystemEntry, indent: usize, span: Span) -> Piece {
        let text = match entry {
            SystemEntry::Timezone(zone) => Some(format!("timezone {}", self.written(zone.span))),
            SystemEntry::Blank(texts) => Some(self.blank(texts)),
            SystemEntry::Format { ty, formats, pivot } => {
                let mut text = format!("format {} {}", self.written(ty.span), self.words(formats, " | "));
                if let Some(year) = pivot {
                    text.push_str(" pivot ");
                    text.push_str(self.written(year.span));
                }
                Some(text)
            }
            SystemEntry::Layout(entries) => self.layout(entries, indent, span),
            SystemEntry::Allow(allow) => Some(self.allow(allow)),
            SystemEntry::Connector(name) => Some(format!("connector {}", self.written(name.span))),
            SystemEntry::Limits(limits) => {
                let open = self.behind_brace(span.start as usize);
                self.checked(limits, open, span).map(|()| {
                    let block = self.entries(limits, (open, span.end as usize), indent, &Self::limit);
                    format!("limits {block}")
                })
            }
            SystemEntry::Names { pattern, max, reserved, of_fields } => {
                let mut text = format!("names {}{}", self.written(pattern.span), most(max.as_ref()));
                text.push_str(&self.listed("reserved", reserved));
                text.push_str(&self.listed("fields", of_fields));
                Some(text)
            }
            SystemEntry::Labels { pattern, max, distinct } => {
                let distinct = if *distinct { " distinct" } else { "" };
                Some(format!("labels {}{}{distinct}", self.written(pattern.span), most(max.as_ref())))
            }
            SystemEntry::Options { pattern, max, labels, colors } => {
                let mut text = format!("options {}{}", self.written(pattern.span), most(max.as_ref()));
                if let Some(labels) = labels {
                    text.push_str(" labels ");
                    text.push_str(self.written(labels.span));
                }
                text.push_str(&self.listed("colors", colors));
                Some(text)
            }
            SystemEntry::Composite { name, fields } => {
                let open = self.behind_brace(name.span.end as usize);
                self.checked(fields, open, span).map(|()| {
                    let block = self.entries(fields, (open, span.end as usize), indent, &Self::field);
                    format!("composite {} {block}", self.written(name.span))
                })
            }
            SystemEntry::Object(object) => self.object(object, indent, span),
            SystemEntry::Loses { what, is_new, of, unless, reason } => {
                let new = if *is_new { "new " } else { "" };
                let unless = unless.as_ref().map(|text| format!(" unless {}", self.written(text.span)));
                let unless = unless.unwrap_or_default();
                let (what, of, reason) = (self.written(what.span), self.written(of.span), self.written(reason.span));
                Some(format!("loses {what} of {new}{of}{unless} : {reason}"))
            }
            SystemEntry::Undocumented { what, reason } => {
                Some(format!("undocumented {} : {}", self.written(what.span), self.written(reason.span)))
            }
            SystemEntry::Junctions(names) => Some(format!("junctions {}", self.words(names, ", "))),
            SystemEntry::Calls(names) => Some(format!("calls {}", self.words(names, ", "))),
            SystemEntry::Versions(texts) => Some(format!("versions {}", self.texts(texts))),
            SystemEntry::RollbackOf { ty, undone } => {
                Some(format!("rollback of {} {}", self.written(ty.span), self.undone(undone)))
            }
        };
        text.map_or_else(|| self.as_it_is(span), Piece::whole)
    }

    /// `best effort : "why"`
    fn undone(&self, undone: &Undone) -> String {
        match &undone.reason {
            Some(reason) => format!("{} : {}", undone.class.node, self.written(reason.span)),
            None => undone.class.node.to_string(),
        }
    }

    fn limit(&mut self, limit: &Limit, _indent: usize, _span: Span) -> Piece {
        Piece::whole(format!("{} {}", self.written(limit.what.span), quantity(&limit.value.node)))
    }

    fn object(&mut self, object: &Object, indent: usize, span: Span) -> Option<String> {
        let mut text = if object.optional { "optional object ".to_owned() } else { "object ".to_owned() };
        text.push_str(self.written(object.name.span));
        let mut end = object.name.span.end as usize;
        if object.from.is_some() || object.place.is_some() {
            text.push_str(" from");
        }
        let place = object.place.as_ref();
        let parts = [("", object.from.as_ref()), ("", place.map(|(word, _)| word)), ("", place.map(|(_, text)| text))];
        for (word, value) in parts.into_iter().chain([(" restricted", object.restricted.as_ref())]) {
            if let Some(value) = value {
                text.push_str(word);
                text.push(' ');
                text.push_str(self.written(value.span));
                end = value.span.end as usize;
            }
        }
        if object.matched_only {
            text.push_str(" matched only");
        }
        if !self.slice(end, span.end as usize).contains('{') {
            self.sound(span)?;
            return Some(text);
        }
        let open = self.behind_brace(end);
        self.checked(&object.entries, open, span)?;
        let block = self.entries(&object.entries, (open, span.end as usize), indent, &Self::object_entry);
        Some(format!("{text} {block}"))
    }

    fn object_entry(&mut self, entry: &ObjectEntry, indent: usize, span: Span) -> Piece {
        if self.sound(span).is_none() {
            return self.as_it_is(span);
        }
        Piece::whole(match entry {
            ObjectEntry::Layout(entries) => match self.layout(entries, indent, span) {
                Some(text) => text,
                None => return self.as_it_is(span),
            },
            ObjectEntry::Allow(allow) => self.allow(allow),
            ObjectEntry::Key(names) => format!("key {}", self.words(names, ", ")),
            ObjectEntry::Field(field) => return self.field(field, indent, span),
            ObjectEntry::Check { condition, reason } => {
                let condition = self.expression(condition, indent);
                format!("check {condition} : {}", self.written(reason.span))
            }
            ObjectEntry::FieldsNone => "fields none".to_owned(),
            ObjectEntry::Retain(value) => format!("retain {}", quantity(&value.node)),
            ObjectEntry::Rollback(undone) => format!("rollback {}", self.undone(undone)),
            ObjectEntry::Schema(undone) => format!("schema {}", self.undone(undone)),
        })
    }

    fn field(&mut self, field: &Field, indent: usize, _span: Span) -> Piece {
        let mut text = format!("{}: {}", self.written(field.name.span), self.ty(&field.ty, indent));
        for attribute in &field.attributes {
            text.push(' ');
            text.push_str(&self.attribute(attribute));
        }
        if let Some(value) = &field.computed {
            text.push_str(" = ");
            text.push_str(&self.expression(value, indent));
        }
        Piece::whole(text)
    }

    fn attribute(&self, attribute: &Spanned<Attribute>) -> String {
        let with = |word: &str, span: Span| format!("{word} {}", self.written(span));
        match &attribute.node {
            Attribute::Unique => "unique".to_owned(),
            Attribute::Required => "required".to_owned(),
            Attribute::Readonly => "readonly".to_owned(),
            Attribute::CreateOnly => "create only".to_owned(),
            Attribute::Fixed => "fixed".to_owned(),
            Attribute::Parent => "parent".to_owned(),
            Attribute::LinkedBy(name) => with("linked by", name.span),
            Attribute::Made(label) => with("made", label.span),
            Attribute::Extensible => "extensible".to_owned(),
            Attribute::Sensitive => "sensitive".to_owned(),
            Attribute::Restricted(text) => with("restricted", text.span),
            Attribute::Format(formats) => format!("format {}", self.words(formats, " | ")),
            Attribute::Pivot(year) => with("pivot", year.span),
            Attribute::Blank(texts) => self.blank(texts),
            Attribute::Form(name) => with("form", name.span),
            Attribute::Default(value) => with("default", value.span),
            Attribute::Split(text) => with("split", text.span),
            Attribute::Column(text, number) => {
                let words = [text.as_ref().map(|text| text.span), number.as_ref().map(|number| number.span)];
                let words = words.into_iter().flatten().map(|span| self.written(span));
                format!("column {}", words.collect::<Vec<_>>().join(" "))
            }
            Attribute::Max(value) => format!("max {}", quantity(&value.node)),
            Attribute::Safe(value) => format!("safe {}", quantity(&value.node)),
            Attribute::Ignore(names) => format!("ignore {}", self.words(names, ", ")),
            Attribute::Since(name) => with("since", name.span),
            Attribute::Among(name) => with("among", name.span),
            Attribute::Overlap(name) => with("overlap =", name.span),
            Attribute::Gap(name) => with("gap =", name.span),
            Attribute::Retain(value) => format!("retain {}", quantity(&value.node)),
            Attribute::Unknown(name) => self.written(name.span).to_owned(),
        }
    }

    /// A type as written in the one style.
    pub(crate) fn ty(&mut self, ty: &Spanned<Type>, indent: usize) -> String {
        match &ty.node {
            Type::Named(name) => self.written(name.span).to_owned(),
            Type::Select(options) => format!("select {}", self.options(options, ty.span, indent)),
            Type::Multiselect(options) => format!("multiselect {}", self.options(options, ty.span, indent)),
            Type::SelectFrom(name) => format!("select {}", self.written(name.span)),
            Type::MultiselectFrom(name) => format!("multiselect {}", self.written(name.span)),
            Type::SelectPer(name) => format!("select per {}", self.written(name.span)),
            Type::List(of) => {
                let open = ty.span.start as usize + "list".len();
                let spans = [(of.span.start as usize, of.span.end as usize)];
                let list =
                    self.bracketed(["(", ")"], &spans, (open, ty.span.end as usize), indent, &|printer, _, indent| {
                        printer.ty(of, indent)
                    });
                format!("list{list}")
            }
            Type::Reference { targets, by } => {
                let targets: Vec<String> = targets
                    .iter()
                    .map(|referred| {
                        let path = self.written(referred.path.span);
                        match referred.columns.as_slice() {
                            [] => path.to_owned(),
                            columns => format!("{path}.({})", self.words(columns, ", ")),
                        }
                    })
                    .collect();
                let mut text = format!("-> {}", targets.join(" | "));
                if let Some(by) = by {
                    let open = self.behind_brace(by.column.span.end as usize);
                    let slots: Vec<Slot<'_>> =
                        by.rows.iter().map(|(value, object)| Slot::plain(value.span.to(object.span))).collect();
                    let rows = &by.rows;
                    let block = self.block(&slots, (open, ty.span.end as usize), indent, &|printer, number, _| {
                        let Some((value, object)) = rows.get(number) else { return Piece::whole(String::new()) };
                        Piece::sides(
                            printer.written(value.span).to_owned(),
                            format!("= {}", printer.written(object.span)),
                        )
                    });
                    text.push_str(" by ");
                    text.push_str(self.written(by.column.span));
                    text.push(' ');
                    text.push_str(&block);
                }
                text
            }
            Type::Many { targets, through } => {
                let through = through.as_ref().map(|name| format!(" through {}", self.written(name.span)));
                format!("many {}{}", self.words(targets, " | "), through.unwrap_or_default())
            }
        }
    }

    fn options(&mut self, options: &[Name], span: Span, indent: usize) -> String {
        let start = self.behind_brace(span.start as usize).saturating_sub(1);
        let spans: Vec<_> = options.iter().map(|name| (name.span.start as usize, name.span.end as usize)).collect();
        self.bracketed(["{", "}"], &spans, (start, span.end as usize), indent, &|printer, number, _| {
            options.get(number).map_or_else(String::new, |name| printer.written(name.span).to_owned())
        })
    }
}

/// ` max 63`; nothing where none is written.
fn most(max: Option<&Spanned<Quantity>>) -> String {
    max.map_or_else(String::new, |max| format!(" max {}", quantity(&max.node)))
}
