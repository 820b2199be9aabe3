//! Reading of systems: their objects, limits and layout.

use super::allow::allow;
use super::entries::{entries, open};
use super::expression::expect_expression;
use super::text::{expect_path, expect_text, text, texts};
use super::types::{expect_quantity, field, literal, pivot};
use migr_source::{Span, Spanned};

use crate::ast::{Entry, LayoutSetting, Limit, Object, ObjectEntry, Quantity, System, SystemEntry, Text, Undone};
use crate::grammar::Rule;
use crate::walk::{Children, Node};

/// `system name { … }`
pub(super) fn system(mut children: Children<'_, '_>) -> Option<System> {
    let name = children.name()?;
    let open = open(&mut children)?;
    Some(System { name, entries: entries(&mut children, open, Rule::strict_system_entry, entry) })
}

/// The first piece of a large one: its documentation, its name, and where its brace is opened.
pub(crate) fn system_head(mut children: Children<'_, '_>) -> Option<(Vec<Text>, System, Span)> {
    let name = children.name()?;
    let docs = children.take_docs();
    let open = open(&mut children)?;
    Some((docs, System { name, entries: entries(&mut children, open, Rule::strict_system_entry, entry) }, open))
}

/// The entries of a further piece.
pub(crate) fn system_body(mut children: Children<'_, '_>, open: Span) -> Vec<Entry<SystemEntry>> {
    entries(&mut children, open, Rule::strict_system_entry, entry)
}

fn entry(node: Node<'_, '_>) -> Option<SystemEntry> {
    let rule = node.rule();
    let mut children = node.block();
    Some(match rule {
        Rule::object => SystemEntry::Object(object(&mut children)?),
        Rule::composite => {
            let name = children.name()?;
            let open = open(&mut children)?;
            SystemEntry::Composite { name, fields: entries(&mut children, open, Rule::strict_composite_entry, field) }
        }
        Rule::timezone => SystemEntry::Timezone(expect_text(&mut children)?),
        Rule::blank => SystemEntry::Blank(texts(&mut children)),
        Rule::connector => SystemEntry::Connector(children.name()?),
        Rule::limits => {
            let open = open(&mut children)?;
            SystemEntry::Limits(entries(&mut children, open, Rule::strict_limits_entry, limit))
        }
        Rule::names_entry => {
            let pattern = expect_text(&mut children)?;
            let max = most(&mut children);
            let mut listed = |rule| children.optional(rule).map(|node| texts(&mut node.children())).unwrap_or_default();
            let (reserved, of_fields) = (listed(Rule::names_reserved), listed(Rule::names_of_fields));
            SystemEntry::Names { pattern, max, reserved, of_fields }
        }
        Rule::labels_entry => SystemEntry::Labels {
            pattern: expect_text(&mut children)?,
            max: most(&mut children),
            distinct: children.optional(Rule::labels_distinct).is_some(),
        },
        Rule::options_entry => {
            let (pattern, max) = (expect_text(&mut children)?, most(&mut children));
            let labels = children.optional(Rule::option_labels).and_then(|node| expect_text(&mut node.children()));
            let colors = children.optional(Rule::option_colors).map(|node| texts(&mut node.children()));
            SystemEntry::Options { pattern, max, labels, colors: colors.unwrap_or_default() }
        }
        Rule::written_as => SystemEntry::Format {
            ty: children.name()?,
            formats: texts(&mut children),
            pivot: children.optional(Rule::pivot).and_then(pivot),
        },
        Rule::layout => SystemEntry::Layout(layout(&mut children)?),
        Rule::allow => SystemEntry::Allow(allow(&mut children)?),
        Rule::loses => SystemEntry::Loses {
            what: children.name()?,
            is_new: children.optional(Rule::lost_of_new).is_some(),
            of: expect_path(&mut children)?,
            unless: children.optional(Rule::lost_unless).and_then(|node| expect_text(&mut node.children())),
            reason: expect_text(&mut children)?,
        },
        Rule::undocumented => {
            SystemEntry::Undocumented { what: expect_text(&mut children)?, reason: expect_text(&mut children)? }
        }
        Rule::junctions => SystemEntry::Junctions(children.names()),
        Rule::calls => SystemEntry::Calls(children.names()),
        Rule::versions => SystemEntry::Versions(texts(&mut children)),
        Rule::rollback_of => SystemEntry::RollbackOf { ty: children.name()?, undone: undone(&mut children)? },
        _ => {
            children.bug(Rule::system_entry);
            return None;
        }
    })
}

/// `max 63`
fn most(children: &mut Children<'_, '_>) -> Option<Spanned<Quantity>> {
    children.optional(Rule::names_max).and_then(|node| expect_quantity(&mut node.children()))
}

/// `best effort : "why"`
fn undone(children: &mut Children<'_, '_>) -> Option<Undone> {
    let class = children.expect(Rule::undone_class)?;
    let words = class.str().split_whitespace().collect::<Vec<_>>().join(" ");
    let class = Spanned { node: words.into(), span: class.span() };
    Some(Undone { class, reason: children.optional(Rule::text).map(|node| text(&node)) })
}

/// The entries of `layout { … }`
fn layout(children: &mut Children<'_, '_>) -> Option<Vec<Entry<LayoutSetting>>> {
    let open = open(children)?;
    Some(entries(children, open, Rule::strict_layout_entry, |node| {
        let mut children = node.children();
        Some(LayoutSetting { name: children.name()?, value: literal(&children.any(Rule::name)?)? })
    }))
}

fn limit(node: Node<'_, '_>) -> Option<Limit> {
    let mut children = node.children();
    Some(Limit { what: children.name()?, value: expect_quantity(&mut children)? })
}

fn object(children: &mut Children<'_, '_>) -> Option<Object> {
    let optional = children.optional(Rule::optional).is_some();
    let name = children.name()?;
    let (mut from, mut place) = (None, None);
    if let Some(node) = children.optional(Rule::from) {
        let mut inner = node.children();
        from = inner.optional(Rule::text).map(|node| text(&node));
        if let Some(node) = inner.optional(Rule::place_in_file) {
            let mut inner = node.children();
            place = Some((inner.expect(Rule::place_word)?.name(), expect_text(&mut inner)?));
        }
    }
    let restricted = children.optional(Rule::restricted).and_then(|node| expect_text(&mut node.children()));
    let matched_only = children.optional(Rule::matched_only).is_some();
    let entries = match children.optional(Rule::open) {
        Some(open) => entries(children, open.span(), Rule::strict_object_entry, object_entry),
        None => Vec::new(),
    };
    Some(Object { optional, name, from, place, restricted, matched_only, entries })
}

fn object_entry(node: Node<'_, '_>) -> Option<ObjectEntry> {
    let rule = node.rule();
    if rule == Rule::field {
        return field(node).map(ObjectEntry::Field);
    }
    let mut children = if rule == Rule::layout { node.block() } else { node.children() };
    Some(match rule {
        Rule::key => ObjectEntry::Key(children.names()),
        Rule::check => {
            ObjectEntry::Check { condition: expect_expression(&mut children)?, reason: expect_text(&mut children)? }
        }
        Rule::fields_none => ObjectEntry::FieldsNone,
        Rule::retain => ObjectEntry::Retain(expect_quantity(&mut children)?),
        Rule::rollback => ObjectEntry::Rollback(undone(&mut children)?),
        Rule::schema_of => ObjectEntry::Schema(undone(&mut children)?),
        Rule::layout => ObjectEntry::Layout(layout(&mut children)?),
        Rule::allow => ObjectEntry::Allow(allow(&mut children)?),
        _ => {
            children.bug(Rule::object_entry);
            return None;
        }
    })
}
