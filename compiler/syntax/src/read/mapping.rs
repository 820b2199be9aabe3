//! Reading of maps and picklists.

use migr_source::Spanned;

use super::allow::allow;
use super::entries::{entries, open, placed};
use super::expression::{expect_expression, expect_operation};
use super::text::{expect_path, expect_text, text, texts};
use super::types::expect_type;
use crate::ast::{
    DecidedField, DecidedOption, Expr, Map, MapDestination, MapEntry, MapSource, Mapping, MappingTarget, Name,
    NewField, NewOption, On, OnCase, Picklist, PicklistEntry, PicklistKey, PicklistTarget,
};
use crate::grammar::Rule;
use crate::walk::{Children, Node};

/// `map Object -> object { … }`
pub(super) fn map(mut children: Children<'_, '_>) -> Option<Map> {
    let source = children.any(Rule::map_source)?;
    let source = match source.rule() {
        Rule::distinct => {
            let mut distinct = source.children();
            MapSource::Distinct { object: distinct.name()?, value: expect_operation(&mut distinct)? }
        }
        Rule::each => {
            let mut each = source.children();
            MapSource::Each { object: each.name()?, value: expect_operation(&mut each)? }
        }
        _ => MapSource::Object(source.name()),
    };
    let alias = children.optional(Rule::alias).and_then(Node::first).map(|node| node.name());
    let formerly = children.optional(Rule::formerly).and_then(Node::first).map(|node| node.name());
    let destination = children.any(Rule::name)?;
    let destination = if destination.rule() == Rule::new_object {
        let mut new = destination.children();
        MapDestination::New {
            plural: new.name()?,
            plural_label: expect_text(&mut new)?,
            singular: new.name()?,
            singular_label: expect_text(&mut new)?,
        }
    } else {
        MapDestination::Object(destination.name())
    };
    let when = match children.optional(Rule::when) {
        Some(node) => Some(expect_expression(&mut node.children())?),
        None => None,
    };
    let open = open(&mut children)?;
    let entries = entries(&mut children, open, Rule::strict_map_entry, entry);
    Some(Map { source, alias, formerly, destination, when, entries })
}

fn entry(node: Node<'_, '_>) -> Option<MapEntry> {
    let rule = node.rule();
    if rule == Rule::on {
        return on(node).map(MapEntry::On);
    }
    let mut children = node.children();
    Some(match rule {
        Rule::mapping => {
            let target = MappingTarget::Field(expect_path(&mut children)?);
            MapEntry::Mapping(mapped(target, &mut children)?)
        }
        Rule::new_mapping => {
            let target = MappingTarget::New(new_field(&mut children)?);
            MapEntry::Mapping(mapped(target, &mut children)?)
        }
        Rule::tuple_mapping => {
            let mut fields = Vec::new();
            for field in children.expect(Rule::decided)?.children() {
                fields.push(match field.rule() {
                    Rule::name => DecidedField::Field(field.name()),
                    _ => DecidedField::New(new_field(&mut field.children())?),
                });
            }
            let target = MappingTarget::Fields(fields);
            MapEntry::Mapping(mapped(target, &mut children)?)
        }
        Rule::match_entry => {
            let mut fields = vec![expect_path(&mut children)?];
            let mut all = false;
            for further in children.by_ref() {
                all = further.rule() == Rule::all_match;
                fields.push(expect_path(&mut further.children())?);
            }
            MapEntry::Match { fields, all }
        }
        Rule::drop_entry => MapEntry::Drop { columns: children.names(), reason: expect_text(&mut children)? },
        Rule::same_entry => MapEntry::Same { canonical: expect_text(&mut children)?, variants: texts(&mut children) },
        Rule::allow => MapEntry::Allow(allow(&mut children)?),
        _ => {
            children.bug(Rule::map_entry);
            return None;
        }
    })
}

/// `name "Label": type inverse "…" sensitive`
fn new_field(children: &mut Children<'_, '_>) -> Option<NewField> {
    Some(NewField {
        name: children.name()?,
        label: expect_text(children)?,
        ty: expect_type(children)?,
        inverse: children.optional(Rule::inverse).and_then(|node| expect_text(&mut node.children())),
        sensitive: children.optional(Rule::marked).is_some(),
    })
}

fn mapped(target: MappingTarget, children: &mut Children<'_, '_>) -> Option<Mapping> {
    let value: Expr = expect_expression(children)?;
    let file_name = match children.optional(Rule::file_name) {
        Some(node) => Some(expect_operation(&mut node.children())?),
        None => None,
    };
    let mut cases = Vec::new();
    while let Some(node) = children.optional(Rule::on_case) {
        let mut case = node.children();
        cases.push(OnCase { case: case.expect(Rule::case_word)?.name(), word: case.name()? });
    }
    Some(Mapping { target, value, file_name, cases })
}

/// `on event policy`
pub(super) fn on(node: Node<'_, '_>) -> Option<On> {
    let mut children = node.children();
    Some(On { event: children.name()?, policy: children.names() })
}

/// `picklist NAME -> object.field { … }`
pub(super) fn picklist(mut children: Children<'_, '_>) -> Option<Picklist> {
    let name = children.name()?;
    let inputs = children.optional(Rule::name_tuple).map(|node| node.children().names()).unwrap_or_default();
    let mut fields = children.expect(Rule::picklist_fields)?.children();
    let object = fields.name()?;
    let fields = match fields.optional(Rule::name_tuple) {
        Some(node) => node.children().names(),
        None => vec![fields.name()?],
    };
    let ignore = children.optional(Rule::ignored).map(|node| node.children().names()).unwrap_or_default();
    let open = open(&mut children)?;
    let entries = entries(&mut children, open, Rule::strict_picklist_entry, picklist_entry);
    Some(Picklist { name, inputs, object, fields, ignore, entries })
}

fn picklist_entry(node: Node<'_, '_>) -> Option<PicklistEntry> {
    let rule = node.rule();
    let mut children = node.children();
    match rule {
        Rule::picklist_otherwise => return Some(PicklistEntry::Otherwise(expect_target(&mut children)?)),
        Rule::allow => return allow(&mut children).map(PicklistEntry::Allow),
        _ => {}
    }
    let mut keys = Vec::new();
    while let Some(rule) = children.peek() {
        if rule == Rule::picklist_target {
            break;
        }
        keys.push(placed(children.any(Rule::picklist_key)?, |node| Some(key(node)))?);
    }
    Some(PicklistEntry::Row { keys, target: expect_target(&mut children)? })
}

fn key(node: Node<'_, '_>) -> PicklistKey {
    match node.rule() {
        Rule::text => PicklistKey::Text(text(&node)),
        Rule::text_tuple => PicklistKey::Tuple(texts(&mut node.children())),
        _ => PicklistKey::None,
    }
}

fn expect_target(children: &mut Children<'_, '_>) -> Option<Spanned<PicklistTarget>> {
    children.expect(Rule::picklist_target).and_then(|node| placed(node, target))
}

fn target(node: Node<'_, '_>) -> Option<PicklistTarget> {
    let mut children = node.children();
    let is_new = children.optional(Rule::new_word).is_some();
    let first = children.any(Rule::option)?;
    if first.rule() == Rule::option_tuple {
        let mut values = Vec::new();
        for node in first.children() {
            values.push(if node.rule() == Rule::new_option {
                DecidedOption::New(placed(node, |node| new_option(&mut node.children()))?)
            } else {
                DecidedOption::Option(option(&node))
            });
        }
        return Some(PicklistTarget::Tuple { is_new, values });
    }
    if is_new {
        return Some(PicklistTarget::New(new_option_of(first.name(), &mut children)));
    }
    Some(if first.rule() == Rule::name && first.str() == "none" {
        PicklistTarget::None
    } else {
        PicklistTarget::Option(option(&first))
    })
}

/// `LOST "Lost" red`
fn new_option(children: &mut Children<'_, '_>) -> Option<NewOption> {
    let value = children.name()?;
    Some(new_option_of(value, children))
}

fn new_option_of(value: Name, children: &mut Children<'_, '_>) -> NewOption {
    NewOption {
        value,
        label: children.optional(Rule::text).map(|node| text(&node)),
        color: children.optional(Rule::name).map(|node| node.name()),
    }
}

fn option(node: &Node<'_, '_>) -> Name {
    if node.rule() == Rule::text { text(node) } else { node.name() }
}
