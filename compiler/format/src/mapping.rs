use migr_source::{Span, Spanned};
use migr_syntax::ast::{
    Entry, Map, MapDestination, MapEntry, MapSource, Mapping, MappingTarget, Path, Picklist, PicklistEntry,
    PicklistTarget,
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
        };
        let alias = map.alias.as_ref().map(|alias| format!(" as {}", self.written(alias.span))).unwrap_or_default();
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
            MappingTarget::Fields(names) => {
                let start = span.start as usize;
                let open = self.source.get(start..).and_then(|rest| rest.find('(')).map_or(start, |at| start + at);
                let last = names.last().map_or(open, |name| name.span.end as usize);
                let close = self.source.get(last..).and_then(|rest| rest.find(')')).map_or(last, |at| last + at + 1);
                left = Some(self.names(names, (open, close), indent));
            }
            MappingTarget::New { name, label, ty, inverse, sensitive } => {
                new = format!("new {} {}: ", self.written(name.span), self.written(label.span));
                new.push_str(&self.ty(ty, indent));
                if let Some(inverse) = inverse {
                    new.push_str(" inverse ");
                    new.push_str(self.written(inverse.span));
                }
                new.push_str(if *sensitive { " sensitive " } else { " " });
            }
        }
        if left.as_ref().is_some_and(|left| left.contains('\n')) {
            new = left.take().unwrap_or_default() + " ";
        }
        let mut rest = format!("{new}= {}", self.expression(&mapping.value, indent));
        if let Some(name) = &mapping.file_name {
            rest.push_str(" as ");
            rest.push_str(&self.expression(name, indent));
        }
        if let Some(policy) = &mapping.on_missing {
            rest.push_str(" on missing ");
            rest.push_str(self.written(policy.span));
        }
        Piece { left, rest, apart: matches!(mapping.target, MappingTarget::Fields(_)) }
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
            PicklistTarget::New { value, label, color } => {
                let mut text = format!("new {}", self.written(value.span));
                for part in label.iter().chain(color) {
                    text.push(' ');
                    text.push_str(self.written(part.span));
                }
                text
            }
            PicklistTarget::Tuple { is_new, values } => {
                format!("{}({})", if *is_new { "new " } else { "" }, self.words(values, ", "))
            }
        }
    }
}
