//! Reading of the items of a section.

use super::expression::expect_expression;
use super::text::{expect_text, text};
use super::{catalog, mapping, migration};
use crate::ast::{DropItem, Item, ItemKind, Link, Name, ReferenceItem, Skip, Transform};
use crate::grammar::Rule;
use crate::walk::{Children, Node};
use crate::{errors, strict};

/// The items of a section.
pub(crate) fn items(mut children: Children<'_, '_>, section: &str, items: &mut Vec<Item>) {
    let mut extend = None;
    let mut last = 0;
    while let Some(node) = children.next() {
        match node.rule() {
            Rule::EOI => continue,
            Rule::extend => {
                extend = Some(node.span());
                continue;
            }
            Rule::junk => {
                strict::explain_junk(&node, last);
                items.push(Item { docs: Vec::new(), extend: false, kind: ItemKind::Error, span: node.span() });
                continue;
            }
            _ => {}
        }
        let span = extend.map_or(node.span(), |from| node.span().to(from));
        let docs = children.take_docs();
        let kind = if node.rule() == Rule::bad_item {
            strict::explain(&node, Rule::strict_item);
            ItemKind::Error
        } else {
            let start = (span.start as usize).saturating_sub(node.walk.base);
            last = start;
            in_column_one(&node, section, start);
            item(node).unwrap_or(ItemKind::Error)
        };
        items.push(Item { docs, extend: extend.take().is_some(), kind, span });
    }
}

fn in_column_one(node: &Node<'_, '_>, section: &str, start: usize) {
    let before = section.get(..start).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    if line < start {
        let walk = node.walk;
        walk.report(errors::not_in_column_one(node.span(), walk.span(line, start)));
    }
}

fn item(node: Node<'_, '_>) -> Option<ItemKind> {
    let rule = node.rule();
    let mut children = node.block();
    Some(match rule {
        Rule::map => ItemKind::Map(mapping::map(children)?),
        Rule::picklist => ItemKind::Picklist(mapping::picklist(children)?),
        Rule::system => ItemKind::System(catalog::system(children)?),
        Rule::owners => ItemKind::Owners(migration::owners(children)?),
        Rule::migration => ItemKind::Migration(migration::migration(children)?),
        Rule::test => ItemKind::Test(migration::test(children)?),
        Rule::use_item => ItemKind::Use(expect_text(&mut children)?),
        Rule::skip_item => ItemKind::Skip(Skip {
            object: children.name()?,
            condition: expect_expression(&mut children)?,
            reason: expect_text(&mut children)?,
        }),
        Rule::drop_item => ItemKind::Drop(dropped(&mut children)?),
        Rule::link => ItemKind::Link(Link {
            source: children.name()?,
            from: link_end(&mut children)?,
            to: link_end(&mut children)?,
            label: expect_text(&mut children)?,
        }),
        Rule::reference_item => ItemKind::Reference(ReferenceItem {
            object: children.name()?,
            file: children.optional(Rule::text).map(|node| text(&node)),
        }),
        Rule::transform => ItemKind::Transform(Transform {
            name: children.name()?,
            parameters: children.expect(Rule::name_tuple)?.children().names(),
            body: expect_expression(&mut children)?,
        }),
        _ => {
            children.bug(Rule::item);
            return None;
        }
    })
}

fn dropped(children: &mut Children<'_, '_>) -> Option<DropItem> {
    let what = children.any(Rule::dropped_object)?;
    let is_object = what.rule() == Rule::dropped_object;
    let mut what = what.children();
    Some(if is_object {
        DropItem::Object { object: what.name()?, reason: expect_text(children)? }
    } else {
        DropItem::File { pattern: expect_text(&mut what)?, reason: expect_text(children)? }
    })
}

fn link_end(children: &mut Children<'_, '_>) -> Option<(Name, Name)> {
    let mut end = children.expect(Rule::link_end)?.children();
    Some((end.name()?, end.name()?))
}
