//! Reading of expressions, by precedence.

use std::sync::Arc;

use migr_source::{Span, Spanned};

use super::text::{path, text, unescaped};
use crate::ast::{Argument, BinaryOperator, Expr, Expression, Quantity, RecordField, Recovery, TemplatePart};
use crate::grammar::Rule;
use crate::walk::{Children, Node};
use crate::{errors, limits};

/// Precedence of `not`: looser than `in`, tighter than `and`.
const NOT: u8 = 3;

/// An `expression` or `operation`.
pub(super) fn expression(node: Node<'_, '_>) -> Option<Expr> {
    let walk = node.walk;
    let span = node.span();
    let depth = walk.depth.get();
    if depth >= limits::EXPRESSIONS {
        if !walk.too_deep.replace(true) {
            walk.report(errors::too_deep(span, limits::EXPRESSIONS));
        }
        return Some(Spanned::new(Expression::Error, span));
    }
    walk.depth.set(depth + 1);
    let read = sequence(node.children());
    walk.depth.set(depth);
    read
}

/// The expression that must follow.
pub(super) fn expect_expression(children: &mut Children<'_, '_>) -> Option<Expr> {
    children.expect(Rule::expression).and_then(expression)
}

/// The expression without `otherwise` that must follow.
pub(super) fn expect_operation(children: &mut Children<'_, '_>) -> Option<Expr> {
    children.expect(Rule::operation).and_then(expression)
}

fn sequence(mut children: Children<'_, '_>) -> Option<Expr> {
    let mut steps = 0;
    let value = binary(&mut children, 0, &mut steps)?;
    if steps > limits::STEPS {
        children.walk.report(errors::too_long(value.span, limits::STEPS));
        return Some(Spanned::new(Expression::Error, value.span));
    }
    let mut value = value;
    while let Some(otherwise) = children.optional(Rule::otherwise) {
        steps += 1;
        if steps > limits::STEPS {
            let span = value.span;
            for _ in children.by_ref() {}
            children.walk.report(errors::too_long(span, limits::STEPS));
            return Some(Spanned::new(Expression::Error, span));
        }
        value = recovered(value, &otherwise.children().next()?)?;
    }
    Some(value)
}

/// `value otherwise recovery`
fn recovered(value: Expr, recovery: &Node<'_, '_>) -> Option<Expr> {
    let recovery = expression(recovery.clone())?;
    let recovered = recovery.span;
    let recovery = match &recovery.node {
        Expression::Name(word) if &**word == "quarantine" => Recovery::Quarantine,
        Expression::Name(word) if &**word == "skip" => Recovery::Skip,
        _ => Recovery::Value(Box::new(recovery)),
    };
    let span = value.span.to(recovered);
    Some(Spanned::new(
        Expression::Otherwise { value: Box::new(value), recovery: Spanned::new(recovery, recovered) },
        span,
    ))
}

/// Folds a flat sequence by precedence. Beyond the limit of steps it reads on without building, so that the tree stays shallow.
fn binary(children: &mut Children<'_, '_>, at_least: u8, steps: &mut usize) -> Option<Expr> {
    let mut left = if let Some(not) = children.optional(Rule::negation) {
        *steps += 1;
        let value = if *steps > limits::STEPS { rest(children) } else { binary(children, NOT, steps)? };
        let span = not.span().to(value.span);
        Spanned::new(Expression::Not(Box::new(value)), span)
    } else {
        piped(children, steps)?
    };
    while children.peek() == Some(Rule::operator) {
        let Some(node) = children.peeked() else { break };
        let Some(operator) = operator(node) else {
            children.bug(Rule::operator);
            return None;
        };
        let tightness = tightness(operator.node);
        if tightness < at_least {
            break;
        }
        let _ = children.next();
        *steps += 1;
        if *steps > limits::STEPS {
            return Some(rest(children));
        }
        let right = binary(children, tightness + 1, steps)?;
        if tightness >= 7 {
            beside_pipe(children, operator, [&left, &right]);
        }
        let span = left.span.to(right.span);
        left = Spanned::new(Expression::Binary { operator, left: Box::new(left), right: Box::new(right) }, span);
    }
    Some(left)
}

/// Reads the rest of a sequence that is too long.
fn rest(children: &mut Children<'_, '_>) -> Expr {
    let mut span: Option<Span> = None;
    while let Some(rule) = children.peek() {
        if rule == Rule::otherwise {
            break;
        }
        if let Some(node) = children.next() {
            span = Some(span.map_or(node.span(), |from| from.to(node.span())));
        }
    }
    Spanned::new(Expression::Error, span.unwrap_or_else(|| children.walk.span(0, 0)))
}

fn beside_pipe(children: &Children<'_, '_>, operator: Spanned<BinaryOperator>, sides: [&Expr; 2]) {
    let pipe = sides.into_iter().find_map(|side| match &side.node {
        Expression::Pipe { function, .. } => Some(function.span),
        _ => None,
    });
    if let Some(pipe) = pipe {
        children.walk.report(errors::arithmetic_beside_pipe(operator.span, operator.node.as_str(), pipe));
    }
}

fn operator(node: &Node<'_, '_>) -> Option<Spanned<BinaryOperator>> {
    let operator = match node.str() {
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "+" => BinaryOperator::Add,
        "-" => BinaryOperator::Subtract,
        "??" => BinaryOperator::Coalesce,
        "==" => BinaryOperator::Equal,
        "!=" => BinaryOperator::NotEqual,
        "<" => BinaryOperator::Less,
        "<=" => BinaryOperator::LessOrEqual,
        ">" => BinaryOperator::Greater,
        ">=" => BinaryOperator::GreaterOrEqual,
        "in" => BinaryOperator::In,
        "and" => BinaryOperator::And,
        "or" => BinaryOperator::Or,
        not_in if not_in.starts_with("not") => BinaryOperator::NotIn,
        _ => return None,
    };
    Some(Spanned::new(operator, node.span()))
}

fn tightness(operator: BinaryOperator) -> u8 {
    match operator {
        BinaryOperator::Or => 1,
        BinaryOperator::And => 2,
        BinaryOperator::In | BinaryOperator::NotIn => 4,
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::Less
        | BinaryOperator::LessOrEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterOrEqual => 5,
        BinaryOperator::Coalesce => 6,
        BinaryOperator::Add | BinaryOperator::Subtract => 7,
        BinaryOperator::Multiply | BinaryOperator::Divide => 8,
    }
}

/// An operand, its dots and what it is piped through.
fn piped(children: &mut Children<'_, '_>, steps: &mut usize) -> Option<Expr> {
    let mut value = operand(children)?;
    loop {
        match children.peek() {
            Some(Rule::member) => {
                let node = children.expect(Rule::member)?;
                let written = node.str().strip_prefix('.').unwrap_or_default();
                let end = node.span();
                let span = value.span.to(end);
                let name =
                    Spanned::new(Arc::from(crate::walk::unquoted(written)), Span { start: end.start + 1, ..end });
                value = Spanned::new(Expression::Field { base: Box::new(value), name }, span);
            }
            Some(Rule::pipe) => {
                let node = children.expect(Rule::pipe)?;
                let written = node.str();
                let name = written.trim_start_matches(['|', ' ', '\t']);
                let mut end = node.span();
                let place = Span { start: end.end - u32::try_from(name.len()).unwrap_or(0), ..end };
                let function = Spanned::new(Arc::from(crate::walk::unquoted(name)), place);
                let arguments = match children.optional(Rule::arguments) {
                    Some(node) => {
                        end = node.span();
                        arguments(node)?
                    }
                    None => Vec::new(),
                };
                let span = value.span.to(end);
                value = Spanned::new(Expression::Pipe { input: Box::new(value), function, arguments }, span);
            }
            _ => return Some(value),
        }
        *steps += 1;
        if *steps > limits::STEPS {
            return Some(rest(children));
        }
    }
}

fn operand(children: &mut Children<'_, '_>) -> Option<Expr> {
    let node = children.any(Rule::expression)?;
    let span = node.span();
    let made = match node.rule() {
        Rule::name => return name(children, &node),
        Rule::plain_text => Expression::Text(text(&node).node),
        Rule::template => template(node)?,
        Rule::parentheses => parentheses(node)?,
        Rule::list => Expression::List(many(node.children())?),
        Rule::record => Expression::Record(record(node)?),
        Rule::quantity => number(node)?,
        Rule::condition => condition(node)?,
        Rule::existing => existing(node)?,
        _ => {
            children.bug(Rule::expression);
            return None;
        }
    };
    Some(Spanned::new(made, span))
}

fn name(children: &mut Children<'_, '_>, node: &Node<'_, '_>) -> Option<Expr> {
    let span = node.span();
    if let Some(called) = children.optional(Rule::arguments) {
        let span = span.to(called.span());
        return Some(Spanned::new(Expression::Call { function: node.name(), arguments: arguments(called)? }, span));
    }
    let made = match node.str() {
        "none" => Expression::None,
        "default" => Expression::Default,
        "true" => Expression::Boolean(true),
        "false" => Expression::Boolean(false),
        _ => Expression::Name(node.name().node),
    };
    Some(Spanned::new(made, span))
}

fn many(mut children: Children<'_, '_>) -> Option<Vec<Expr>> {
    let mut values = Vec::new();
    while children.peek().is_some() {
        values.push(expect_expression(&mut children)?);
    }
    Some(values)
}

fn parentheses(node: Node<'_, '_>) -> Option<Expression> {
    let mut values = many(node.children())?;
    Some(match (values.len(), values.pop()) {
        (1, Some(only)) => Expression::Group(Box::new(only)),
        (_, last) => {
            values.extend(last);
            Expression::Tuple(values)
        }
    })
}

fn arguments(node: Node<'_, '_>) -> Option<Vec<Argument>> {
    let mut children = node.children();
    let mut arguments = Vec::new();
    while children.peek().is_some() {
        let name = children.optional(Rule::argument_name).and_then(Node::first).map(|name| name.name());
        arguments.push(Argument { name, value: expect_expression(&mut children)? });
    }
    Some(arguments)
}

/// The fields of a `record`.
pub(super) fn record(node: Node<'_, '_>) -> Option<Vec<RecordField>> {
    let mut children = node.children();
    let mut fields = Vec::new();
    while children.peek().is_some() {
        let path = path(&children.expect(Rule::path)?);
        fields.push(RecordField { path, value: expect_expression(&mut children)? });
    }
    Some(fields)
}

fn template(node: Node<'_, '_>) -> Option<Expression> {
    let mut parts = Vec::new();
    for part in node.children() {
        match part.rule() {
            Rule::chunk => {
                // A chunk's blanks are part of it: its place is taken untrimmed.
                let written = part.untrimmed();
                parts.push(TemplatePart::Text(Spanned::new(unescaped(written, &part, 0), part.untrimmed_span())));
            }
            _ => parts.push(TemplatePart::Hole(expect_expression(&mut part.children())?)),
        }
    }
    let literal = match parts.as_slice() {
        [] => Some(Arc::from("")),
        [TemplatePart::Text(only)] => Some(only.node.clone()),
        _ => None,
    };
    Some(literal.map_or(Expression::Template(parts), Expression::Text))
}

fn number(node: Node<'_, '_>) -> Option<Expression> {
    let read = quantity(node)?;
    Some(if read.unit.is_empty() && read.per.is_none() {
        Expression::Number(read.number)
    } else {
        Expression::Quantity(read)
    })
}

/// `100 per 60s`
pub(super) fn quantity(node: Node<'_, '_>) -> Option<Quantity> {
    let mut children = node.children();
    let read = |children: &mut Children<'_, '_>| {
        let number = Arc::from(children.expect(Rule::number)?.str());
        let unit = children.optional(Rule::unit).map_or_else(|| Arc::from(""), |unit| Arc::from(unit.str()));
        Some(Quantity { number, unit, per: None })
    };
    let mut quantity = read(&mut children)?;
    if children.peek().is_some() {
        quantity.per = Some(Box::new(read(&mut children)?));
    }
    Some(quantity)
}

fn condition(node: Node<'_, '_>) -> Option<Expression> {
    let mut children = node.children();
    Some(Expression::If {
        condition: Box::new(expect_operation(&mut children)?),
        then: Box::new(expect_operation(&mut children)?),
        otherwise: Box::new(expect_operation(&mut children)?),
    })
}

fn existing(node: Node<'_, '_>) -> Option<Expression> {
    let mut children = node.children();
    Some(Expression::Existing { object: children.name()?, arguments: arguments(children.expect(Rule::arguments)?)? })
}
