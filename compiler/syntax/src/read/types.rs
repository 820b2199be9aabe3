//! Reading of types, fields, literals and quantities.

use std::sync::Arc;

use migr_source::Spanned;

use super::entries::placed;
use super::expression::expect_expression;
use super::expression::quantity;
use super::text::{expect_path, expect_text, text, texts};
use crate::ast::{Attribute, Field, Literal, Quantity, ReferenceBy, Referred, Type};
use crate::grammar::Rule;
use crate::walk::{Children, Node};

/// The type that must follow.
pub(super) fn expect_type(children: &mut Children<'_, '_>) -> Option<Spanned<Type>> {
    children.any(Rule::name).and_then(|node| placed(node, type_of))
}

fn type_of(node: Node<'_, '_>) -> Option<Type> {
    if node.rule() == Rule::name {
        return Some(Type::Named(node.name()));
    }
    let rule = node.rule();
    let mut children = node.children();
    match rule {
        Rule::reference_type => {
            let mut targets = Vec::new();
            while children.peek() == Some(Rule::path) {
                let path = expect_path(&mut children)?;
                let columns = children.optional(Rule::name_tuple).map(|node| node.children().names());
                targets.push(Referred { path, columns: columns.unwrap_or_default() });
            }
            let by = match children.optional(Rule::reference_by) {
                Some(node) => Some(reference_by(&mut node.children())?),
                None => None,
            };
            Some(Type::Reference { targets, by })
        }
        Rule::many_type => {
            let targets = children.names();
            let through = children.optional(Rule::through).and_then(Node::first).map(|node| node.name());
            Some(Type::Many { targets, through })
        }
        Rule::list_type => Some(Type::List(Box::new(expect_type(&mut children)?))),
        Rule::select_type => select(&mut children),
        _ => {
            children.bug(Rule::name);
            None
        }
    }
}

fn select(children: &mut Children<'_, '_>) -> Option<Type> {
    let many = children.expect(Rule::select_word)?.str() == "multiselect";
    let what = children.any(Rule::options)?;
    match what.rule() {
        Rule::options => {
            let names = what.children().names();
            Some(if many { Type::Multiselect(names) } else { Type::Select(names) })
        }
        Rule::per_field => Some(Type::SelectPer(what.children().name()?)),
        _ => Some(if many { Type::MultiselectFrom(what.name()) } else { Type::SelectFrom(what.name()) }),
    }
}

fn reference_by(children: &mut Children<'_, '_>) -> Option<ReferenceBy> {
    let column = children.name()?;
    let mut rows = Vec::new();
    while let Some(row) = children.optional(Rule::by_row) {
        let mut row = row.children();
        rows.push((expect_text(&mut row)?, row.name()?));
    }
    Some(ReferenceBy { column, rows })
}

/// `name: type attribute attribute`
pub(super) fn field(node: Node<'_, '_>) -> Option<Field> {
    let mut children = node.children();
    let name = children.name()?;
    let ty = expect_type(&mut children)?;
    let mut attributes = Vec::new();
    while let Some(node) = children.optional(Rule::attribute) {
        attributes.push(placed(node, attribute)?);
    }
    let computed = match children.optional(Rule::computed) {
        Some(node) => Some(expect_expression(&mut node.children())?),
        None => None,
    };
    Some(Field { name, ty, attributes, computed })
}

/// `text`, `4` or `never`.
pub(super) fn literal(node: &Node<'_, '_>) -> Option<Spanned<Literal>> {
    let literal = match node.rule() {
        Rule::text => Literal::Text(text(node).node),
        Rule::name => Literal::Name(node.name().node),
        Rule::number => Literal::Quantity(Quantity { number: node.str().into(), unit: "".into(), per: None }),
        _ => Literal::Quantity(quantity(node.clone())?),
    };
    Some(Spanned::new(literal, node.span()))
}

/// A number as written.
pub(super) fn number(node: &Node<'_, '_>) -> Spanned<Arc<str>> {
    Spanned::new(node.str().into(), node.span())
}

/// The year of `pivot 2026`.
pub(super) fn pivot(node: Node<'_, '_>) -> Option<Spanned<Arc<str>>> {
    node.children().expect(Rule::number).map(|node| number(&node))
}

/// The quantity that must follow.
pub(super) fn expect_quantity(children: &mut Children<'_, '_>) -> Option<Spanned<Quantity>> {
    children.expect(Rule::quantity).and_then(|node| placed(node, quantity))
}

fn attribute(node: Node<'_, '_>) -> Option<Attribute> {
    let mut children = node.children();
    let word = children.any(Rule::name)?;
    Some(match word.rule() {
        Rule::text_attribute => {
            let text = texts(&mut children).pop()?;
            match word.str() {
                "split" => Attribute::Split(text),
                "made" => Attribute::Made(text),
                _ => Attribute::Restricted(text),
            }
        }
        Rule::format_attribute => Attribute::Format(texts(&mut children)),
        Rule::column_attribute => {
            let header = texts(&mut children).pop();
            Attribute::Column(header, children.optional(Rule::number).map(|node| number(&node)))
        }
        Rule::blank_attribute => Attribute::Blank(texts(&mut children)),
        Rule::pivot => Attribute::Pivot(pivot(word)?),
        Rule::form_attribute => Attribute::Form(children.name()?),
        Rule::default_attribute => Attribute::Default(literal(&children.any(Rule::name)?)?),
        Rule::quantity_attribute => {
            let quantity = expect_quantity(&mut children)?;
            match word.str() {
                "max" => Attribute::Max(quantity),
                "safe" => Attribute::Safe(quantity),
                _ => Attribute::Retain(quantity),
            }
        }
        Rule::ignore_attribute => Attribute::Ignore(children.names()),
        Rule::since_attribute => Attribute::Since(children.name()?),
        Rule::among_attribute => Attribute::Among(children.name()?),
        Rule::create_attribute => Attribute::CreateOnly,
        Rule::linked_attribute => Attribute::LinkedBy(children.name()?),
        Rule::clock_attribute => {
            let name = children.name()?;
            if word.str() == "overlap" { Attribute::Overlap(name) } else { Attribute::Gap(name) }
        }
        _ => match word.str() {
            "unique" => Attribute::Unique,
            "required" => Attribute::Required,
            "readonly" => Attribute::Readonly,
            "fixed" => Attribute::Fixed,
            "parent" => Attribute::Parent,
            "extensible" => Attribute::Extensible,
            "sensitive" => Attribute::Sensitive,
            _ => Attribute::Unknown(word.name()),
        },
    })
}
