//! Layout of a file's items: migration, owners, tests and the short ones.

use migr_source::Span;
use migr_syntax::ast::{
    Allow, Ast, DropItem, Entry, Findings, Item, ItemKind, Migration, MigrationEntry, Name, On, OwnersEntry, Setting,
    Test, TestEntry,
};

use crate::block::{Piece, Slot};
use crate::gaps::Printer;

impl Printer<'_> {
    /// The whole file.
    pub(crate) fn file(&mut self, ast: &Ast) -> String {
        let slots: Vec<Slot<'_>> = ast
            .items
            .iter()
            .map(|item| Slot { docs: &item.docs, start: item.span.start as usize, end: item.span.end as usize })
            .collect();
        let end = self.source.len();
        self.rows(&slots, (0, end), 0, &|printer, number, _| {
            let Some(item) = ast.items.get(number) else { return Piece::whole(String::new()) };
            if let Some(blanks) = printer.blanks_before(item.span).map(str::to_owned) {
                // Moved to the first column it would become another program.
                let mut piece = printer.as_it_is(item.span);
                piece.rest.insert_str(0, &blanks);
                return piece;
            }
            if printer.is_kept(item.span) {
                return printer.as_it_is(item.span);
            }
            printer.kept_or(item.span, |printer| printer.item(item).map(Piece::whole))
        })
    }

    /// The blanks that stand before an item on its line, where any do.
    fn blanks_before(&self, item: Span) -> Option<&str> {
        let before = self.source.get(..item.start as usize)?;
        let line = before.get(before.rfind('\n').map_or(0, |at| at + 1)..)?;
        (!line.is_empty() && line.trim_matches([' ', '\t']).is_empty()).then_some(line)
    }

    fn item(&mut self, item: &Item) -> Option<String> {
        let span = item.span;
        let start = span.start as usize;
        let text = match &item.kind {
            ItemKind::Error => return None,
            ItemKind::Use(path) => format!("use {}", self.written(path.span)),
            ItemKind::Migration(migration) => self.migration(migration, span)?,
            ItemKind::Owners(entries) => {
                let open = self.behind_brace(start);
                self.checked(entries, open, span)?;
                let block = self.entries(entries, (open, span.end as usize), 0, &Self::owners_entry);
                format!("owners {block}")
            }
            ItemKind::Picklist(picklist) => self.picklist(picklist, span)?,
            ItemKind::Skip(skip) => {
                self.sound(span)?;
                let condition = self.expression(&skip.condition, 0);
                format!("skip {} when {condition} : {}", self.written(skip.object.span), self.written(skip.reason.span))
            }
            ItemKind::Drop(DropItem::Object { object, reason }) => {
                format!("drop object {} : {}", self.written(object.span), self.written(reason.span))
            }
            ItemKind::Drop(DropItem::File { pattern, reason }) => {
                format!("drop file {} : {}", self.written(pattern.span), self.written(reason.span))
            }
            ItemKind::Map(map) => self.map(map, span)?,
            ItemKind::Link(link) => {
                let [source, from, from_column, to, to_column, label] = [
                    link.source.span,
                    link.from.0.span,
                    link.from.1.span,
                    link.to.0.span,
                    link.to.1.span,
                    link.label.span,
                ]
                .map(|span| self.written(span));
                format!("link {source} -> {from}({from_column}) to {to}({to_column}) {label}")
            }
            ItemKind::Reference(reference) => {
                let file = reference.file.as_ref().map(|file| format!(" from {}", self.written(file.span)));
                format!("reference {}{}", self.written(reference.object.span), file.unwrap_or_default())
            }
            ItemKind::Transform(transform) => {
                self.sound(span)?;
                let (_, from) = (transform.name.span.start, transform.name.span.end as usize);
                let open = self.source.get(from..)?.find('(')? + from;
                let last = transform.parameters.last().map_or(from, |name| name.span.end as usize);
                let close = self.source.get(last..)?.find(')')? + last + 1;
                let parameters = self.names(&transform.parameters, (open, close), 0);
                let body = self.expression(&transform.body, 0);
                format!("transform {}{parameters} = {body}", self.written(transform.name.span))
            }
            ItemKind::Test(test) => self.test(test, span)?,
            ItemKind::System(system) => self.system(system, span)?,
        };
        Some(if item.extend { format!("extend {text}") } else { text })
    }

    /// `(a, b)`
    pub(crate) fn names(&mut self, names: &[Name], span: (usize, usize), indent: usize) -> String {
        let spans: Vec<_> = names.iter().map(|name| (name.span.start as usize, name.span.end as usize)).collect();
        self.bracketed(["(", ")"], &spans, span, indent, &|printer, number, _| {
            names.get(number).map_or_else(String::new, |name| printer.written(name.span).to_owned())
        })
    }

    /// The words with blanks between.
    pub(crate) fn words<'n>(&self, names: impl IntoIterator<Item = &'n Name>, between: &str) -> String {
        names.into_iter().map(|name| self.written(name.span)).collect::<Vec<_>>().join(between)
    }

    /// `None` where a finding stands in a thing: it is kept as it is.
    pub(crate) fn sound(&self, span: Span) -> Option<()> {
        (!self.has_finding(span.start as usize, span.end as usize, &[])).then_some(())
    }

    fn migration(&mut self, migration: &Migration, span: Span) -> Option<String> {
        let open = self.behind_brace(migration.name.span.end as usize);
        self.checked(&migration.entries, open, span)?;
        let block = self.entries(&migration.entries, (open, span.end as usize), 0, &Self::migration_entry);
        Some(format!("migration {} {block}", self.written(migration.name.span)))
    }

    fn migration_entry(&mut self, entry: &MigrationEntry, indent: usize, span: Span) -> Piece {
        if self.sound(span).is_none() {
            return self.as_it_is(span);
        }
        let text = match entry {
            MigrationEntry::Setting(setting) => return self.setting(setting, indent),
            MigrationEntry::On(on) => self.on(on),
            MigrationEntry::Source { system, settings } => {
                let open = self.behind_brace(system.span.end as usize);
                let block = self.settings(settings, (open, span.end as usize), indent);
                format!("source {} {block}", self.written(system.span))
            }
            MigrationEntry::Destination { system, alias, settings } => {
                let header = alias.as_ref().unwrap_or(system);
                let open = self.behind_brace(header.span.end as usize);
                let block = self.settings(settings, (open, span.end as usize), indent);
                let alias = alias.as_ref().map(|alias| format!(" as {}", self.written(alias.span)));
                format!("destination {}{} {block}", self.written(system.span), alias.unwrap_or_default())
            }
            MigrationEntry::Require { what, at_least } => {
                format!("require {} >= {}", self.written(what.span), self.expression(at_least, indent))
            }
            MigrationEntry::Permit { object, reason } => {
                format!("permit {} : {}", self.written(object.span), self.written(reason.span))
            }
            MigrationEntry::PermitWorkflow { workflow, reason } => {
                format!("permit workflow {} : {}", self.written(workflow.span), self.written(reason.span))
            }
            MigrationEntry::PermitWebhook { host, reason } => {
                format!("permit webhook {} : {}", self.written(host.span), self.written(reason.span))
            }
            MigrationEntry::PermitIrreversible { reason } => {
                format!("permit irreversible : {}", self.written(reason.span))
            }
            MigrationEntry::Allow(allow) => self.allow(allow),
            MigrationEntry::Deny(findings) => format!("deny {}", self.findings(findings)),
        };
        Piece::whole(text)
    }

    /// A thing byte for byte, its comments counted as printed.
    pub(crate) fn as_it_is(&mut self, span: Span) -> Piece {
        let mark = self.mark();
        self.keep(mark, span.end as usize);
        Piece::kept(self.written(span).to_owned())
    }

    fn setting(&mut self, setting: &Setting, indent: usize) -> Piece {
        let value = self.expression(&setting.value, indent);
        Piece::sides(self.written(setting.name.span).to_owned(), format!("= {value}"))
    }

    fn settings(&mut self, settings: &[Entry<Setting>], span: (usize, usize), indent: usize) -> String {
        self.entries(settings, span, indent, &|printer, setting, indent, _| printer.setting(setting, indent))
    }

    /// `on event policy`
    pub(crate) fn on(&mut self, on: &On) -> String {
        format!("on {} {}", self.written(on.event.span), self.words(&on.policy, " "))
    }

    /// `allow W0333 on field max 20 : "why"`
    pub(crate) fn allow(&self, allow: &Allow) -> String {
        let mut text = format!("allow {}", self.findings(&allow.findings));
        if let Some(on) = &allow.on {
            text.push_str(" on ");
            text.push_str(self.written(on.span));
        }
        if let Some(max) = &allow.max {
            text.push_str(" max ");
            text.push_str(self.written(max.span));
        }
        text.push_str(" : ");
        text.push_str(self.written(allow.reason.span));
        text
    }

    fn findings(&self, findings: &Findings) -> String {
        self.words(findings.each(), ", ")
    }

    fn owners_entry(&mut self, entry: &OwnersEntry, _indent: usize, span: Span) -> Piece {
        if self.sound(span).is_none() {
            return self.as_it_is(span);
        }
        Piece::whole(match entry {
            OwnersEntry::Match { source, destination } => {
                format!("match {} = {}", self.written(source.span), self.written(destination.span))
            }
            OwnersEntry::Override { source, destination } => {
                return Piece::sides(
                    self.written(source.span).to_owned(),
                    format!("= {}", self.written(destination.span)),
                );
            }
            OwnersEntry::Allow(allow) => self.allow(allow),
            OwnersEntry::Fallback(address) => format!("fallback {}", self.written(address.span)),
        })
    }

    fn test(&mut self, test: &Test, span: Span) -> Option<String> {
        let open = self.behind_brace(test.name.span.end as usize);
        self.checked(&test.entries, open, span)?;
        let block = self.entries(&test.entries, (open, span.end as usize), 0, &Self::test_entry);
        Some(format!("test {} {block}", self.written(test.name.span)))
    }

    fn test_entry(&mut self, entry: &TestEntry, indent: usize, span: Span) -> Piece {
        if self.sound(span).is_none() {
            return self.as_it_is(span);
        }
        let (word, object, fields) = match entry {
            TestEntry::Given { object, fields } => ("given", object, fields),
            TestEntry::Expect { object, fields } => ("expect", object, fields),
            TestEntry::ExpectSetAside { outcome, object, key, on } => {
                let key: Vec<&str> = key.iter().map(|text| self.written(text.span)).collect();
                let on = on.as_ref().map(|path| format!(" on {}", self.written(path.span))).unwrap_or_default();
                let [outcome, object] = [outcome.span, object.span].map(|span| self.written(span));
                return Piece::whole(format!("expect {outcome} {object}({}){on}", key.join(", ")));
            }
        };
        let open = self.behind_brace(object.span.end as usize).saturating_sub(1);
        let record = self.record(fields, Span::new(span.file, open, span.end as usize), indent);
        Piece::whole(format!("{word} {} {record}", self.written(object.span)))
    }
}
