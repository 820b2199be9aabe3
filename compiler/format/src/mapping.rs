//! Layout of maps and picklists.

use migr_source::{Span, Spanned};
use migr_syntax::ast::{
    DecidedField, DecidedOption, Entry, Map, MapDestination, MapEntry, MapSource, Mapping, MappingTarget, NewField,
    NewOption, Path, Picklist, PicklistEntry, PicklistTarget,
};

use crate::block::Piece;
use crate::gaps::Printer;

impl Printer<'_> {
    /// `None` where a finding stands in a block and in none of its entries, or its brace is not where it should be: the whole is kept as it is.
    pub(crate) fn checked<T>(&self, entries: &[Entry<T>], open: usize, span: Span) -> Option<()> {
        let within: Vec<_> = entries.iter().map(|entry| (entry.span.start as usize, entry.span.end as usize)).collect();
        let is_closed = self.written(span).ends_with('}') && open < span.end as usize;
        (is_closed && !self.has_finding(span.start as usize, span.end as usize, &within)).then_some(())
    }

    pub(crate) fn map(&mut self, map: &Map, span: Span) -> Option<String> {
        let source = match &map.source {
            MapSource::Object(object) => self.written(object.span).to_owned(),
            MapSource::Distinct { object, value } => {
                format!("distinct {}.{}", self.written(object.span), self.expression(value, 0))
            }
            MapSource::Each { object, value } => {
                format!("each {}.{}", self.written(object.span), self.expression(value, 0))
            }
        };
        let alias = map.alias.as_ref().map(|alias| format!(" as {}", self.written(alias.span))).unwrap_or_default();
        let formerly = map.formerly.as_ref().map(|name| format!(" formerly {}", self.written(name.span)));
        let alias = alias + &formerly.unwrap_or_default();
        let (destination, mut end) = match &map.destination {
            MapDestination::Object(object) => (self.written(object.span).to_owned(), object.span.end as usize),
            MapDestination::New { plural, plural_label, singular, singular_label } => {
                let [plural, label, one, one_label] =
                    [plural.span, plural_label.span, singular.span, singular_label.span].map(|span| self.written(span));
                (format!("new {plural} {label} one {one} {one_label}"), singular_label.span.end as usize)
            }
        };
        let mut when = String::new();
        if let Some(condition) = &map.when {
            when = format!(" when {}", self.expression(condition, 0));
            end = condition.span.end as usize;
        }
        let open = self.behind_brace(end);
        self.checked(&map.entries, open, span)?;
        let block = self.entries(&map.entries, (open, span.end as usize), 0, &Self::map_entry);
        Some(format!("map {source}{alias} -> {destination}{when} {block}"))
    }

    fn map_entry(&mut self, entry: &MapEntry, indent: usize, span: Span) -> Piece {
        if self.sound(span).is_none() {
            return self.as_it_is(span);
        }
        Piece::whole(match entry {
            MapEntry::Match { fields, all } => self.matched(fields, *all, indent),
            MapEntry::On(on) => self.on(on),
            MapEntry::Mapping(mapping) => return self.mapping(mapping, indent, span),
            MapEntry::Drop { columns, reason } => {
                format!("drop {} : {}", self.words(columns, ", "), self.written(reason.span))
            }
            MapEntry::Allow(allow) => self.allow(allow),
            MapEntry::Same { canonical, variants } => {
                let mut text = format!("same {} =", self.written(canonical.span));
                let mut at = None;
                for variant in variants {
                    if let Some(at) = at {
                        text.push_str(&self.turn(at, variant.span.start as usize, indent));
                        text.push('|');
                    }
                    text.push(' ');
                    text.push_str(self.written(variant.span));
                    at = Some(variant.span.end as usize);
                }
                text
            }
        })
    }

    fn matched(&mut self, fields: &[Path], all: bool, indent: usize) -> String {
        let mut text = "match".to_owned();
        let mut at = None;
        for field in fields {
            if let Some(at) = at {
                text.push_str(&self.turn(at, field.span.start as usize, indent));
                text.push_str(if all { "and" } else { "or" });
            }
            text.push(' ');
            text.push_str(self.written(field.span));
            at = Some(field.span.end as usize);
        }
        text
    }

    fn mapping(&mut self, mapping: &Mapping, indent: usize, span: Span) -> Piece {
        let mut left = None;
        let mut new = String::new();
        match &mapping.target {
            MappingTarget::Field(path) => left = Some(self.written(path.span).to_owned()),
            MappingTarget::Fields(fields) => {
                let start = span.start as usize;
                let open = self.source.get(start..).and_then(|rest| rest.find('(')).map_or(start, |at| start + at);
                let places: Vec<(usize, usize)> = fields.iter().map(|field| self.decided_place(field)).collect();
                let last = places.last().map_or(open, |(_, end)| *end);
                let close = self.source.get(last..).and_then(|rest| rest.find(')')).map_or(last, |at| last + at + 1);
                left = Some(self.bracketed(["(", ")"], &places, (open, close), indent, &|printer, number, indent| {
                    match fields.get(number) {
                        Some(DecidedField::Field(name)) => printer.written(name.span).to_owned(),
                        Some(DecidedField::New(field)) => printer.new_field(field, indent),
                        None => String::new(),
                    }
                }));
            }
            MappingTarget::New(field) => new = self.new_field(field, indent) + " ",
        }
        if left.as_ref().is_some_and(|left| left.contains('\n')) {
            new = left.take().unwrap_or_default() + " ";
        }
        let mut rest = format!("{new}= {}", self.expression(&mapping.value, indent));
        if let Some(name) = &mapping.file_name {
            rest.push_str(" as ");
            rest.push_str(&self.expression(name, indent));
        }
        for case in &mapping.cases {
            for part in [" on ", self.written(case.case.span), " ", self.written(case.word.span)] {
                rest.push_str(part);
            }
        }
        Piece { left, apart: matches!(mapping.target, MappingTarget::Fields(_)), ..Piece::whole(rest) }
    }

    /// `new name "Label": type inverse "…" sensitive`
    fn new_field(&mut self, field: &NewField, indent: usize) -> String {
        let mut text = format!("new {} {}: ", self.written(field.name.span), self.written(field.label.span));
        text.push_str(&self.ty(&field.ty, indent));
        if let Some(inverse) = &field.inverse {
            text.push_str(" inverse ");
            text.push_str(self.written(inverse.span));
        }
        if field.sensitive {
            text.push_str(" sensitive");
        }
        text
    }

    /// The place of a field of several: a new one begins with its `new`.
    fn decided_place(&self, field: &DecidedField) -> (usize, usize) {
        match field {
            DecidedField::Field(name) => (name.span.start as usize, name.span.end as usize),
            DecidedField::New(field) => {
                let name = field.name.span.start as usize;
                let start = self.source.get(..name).and_then(|before| before.rfind("new")).unwrap_or(name);
                let mut end = field.inverse.as_ref().map_or(field.ty.span.end, |inverse| inverse.span.end) as usize;
                if field.sensitive {
                    let behind = self.source.get(end..).and_then(|rest| rest.find("sensitive"));
                    end += behind.map_or(0, |at| at + "sensitive".len());
                }
                (start, end)
            }
        }
    }

    pub(crate) fn picklist(&mut self, picklist: &Picklist, span: Span) -> Option<String> {
        let mut text = format!("picklist {}", self.written(picklist.name.span));
        if let Some(last) = picklist.inputs.last() {
            let tuple = self.tuple_between(picklist.name.span.end as usize, last.span.end as usize)?;
            text.push(' ');
            text.push_str(&self.names(&picklist.inputs, tuple, 0));
        }
        text.push_str(" -> ");
        text.push_str(self.written(picklist.object.span));
        let after = picklist.object.span.end as usize;
        let last = picklist.fields.last()?;
        let mut end = last.span.end as usize;
        if self.source.get(after..)?.starts_with('.') {
            text.push('.');
            text.push_str(self.written(last.span));
        } else {
            let tuple = self.tuple_between(after, end)?;
            text.push(' ');
            text.push_str(&self.names(&picklist.fields, tuple, 0));
            end = tuple.1;
        }
        if let Some(last) = picklist.ignore.last() {
            text.push_str(" ignore ");
            text.push_str(&self.words(&picklist.ignore, ", "));
            end = last.span.end as usize;
        }
        let open = self.behind_brace(end);
        self.checked(&picklist.entries, open, span)?;
        let block = self.entries(&picklist.entries, (open, span.end as usize), 0, &Self::picklist_entry);
        Some(format!("{text} {block}"))
    }

    /// The place of `( … )` that opens behind one offset and closes behind another.
    fn tuple_between(&self, from: usize, last: usize) -> Option<(usize, usize)> {
        let open = self.source.get(from..)?.find('(')? + from;
        let mut at = last;
        loop {
            // A comment between the last name and the bracket may hold one of its own.
            let rest = self.source.get(at..)?;
            let bracket = rest.find(')')?;
            match rest.find("//").filter(|comment| *comment < bracket) {
                Some(comment) => at += comment + rest.get(comment..)?.find('\n')?,
                None => return Some((open, at + bracket + 1)),
            }
        }
    }

    fn picklist_entry(&mut self, entry: &PicklistEntry, indent: usize, span: Span) -> Piece {
        if self.sound(span).is_none() {
            return self.as_it_is(span);
        }
        match entry {
            PicklistEntry::Otherwise(target) => Piece::whole(format!("otherwise {}", self.target(target))),
            PicklistEntry::Allow(allow) => Piece::whole(self.allow(allow)),
            PicklistEntry::Row { keys, target } => {
                let mut left = String::new();
                let mut at = None;
                for key in keys {
                    if let Some(at) = at {
                        left.push_str(&self.turn(at, key.span.start as usize, indent));
                        left.push_str("| ");
                    }
                    left.push_str(self.written(key.span));
                    at = Some(key.span.end as usize);
                }
                let rest = format!("= {}", self.target(target));
                if left.contains('\n') { Piece::whole(format!("{left} {rest}")) } else { Piece::sides(left, rest) }
            }
        }
    }

    fn target(&self, target: &Spanned<PicklistTarget>) -> String {
        match &target.node {
            PicklistTarget::None => "none".to_owned(),
            PicklistTarget::Option(name) => self.written(name.span).to_owned(),
            PicklistTarget::New(option) => self.new_option(option),
            PicklistTarget::Tuple { is_new, values } => {
                let values: Vec<String> = values
                    .iter()
                    .map(|value| match value {
                        DecidedOption::Option(name) => self.written(name.span).to_owned(),
                        DecidedOption::New(option) => self.new_option(&option.node),
                    })
                    .collect();
                format!("{}({})", if *is_new { "new " } else { "" }, values.join(", "))
            }
        }
    }

    fn new_option(&self, option: &NewOption) -> String {
        let mut text = format!("new {}", self.written(option.value.span));
        for part in option.label.iter().chain(&option.color) {
            text.push(' ');
            text.push_str(self.written(part.span));
        }
        text
    }
}
