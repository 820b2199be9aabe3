//! Layout of expressions.

use migr_source::Span;
use migr_syntax::ast::{Argument, Expr, Expression, Quantity, RecordField, Recovery};

use crate::gaps::Printer;

fn place(span: Span) -> (usize, usize) {
    (span.start as usize, span.end as usize)
}

impl Printer<'_> {
    /// An expression on a line indented so far.
    pub(crate) fn expression(&mut self, expr: &Expr, indent: usize) -> String {
        match &expr.node {
            Expression::None
            | Expression::Default
            | Expression::Boolean(_)
            | Expression::Number(_)
            | Expression::Text(_)
            | Expression::Template(_)
            | Expression::Name(_)
            | Expression::Error => self.written(expr.span).to_owned(),
            Expression::Quantity(value) => quantity(value),
            Expression::Field { base, name } => {
                let base = self.expression(base, indent);
                format!("{base}.{}", self.written(name.span))
            }
            Expression::Call { function, arguments } => {
                let (_, start) = place(function.span);
                let end = expr.span.end as usize;
                format!("{}{}", self.written(function.span), self.arguments(arguments, (start, end), indent))
            }
            Expression::Pipe { input, function, arguments } => {
                let value = self.expression(input, indent);
                let turn = self.turn(input.span.end as usize, function.span.start as usize, indent);
                let (_, start) = place(function.span);
                let end = expr.span.end as usize;
                let arguments =
                    if end > start { self.arguments(arguments, (start, end), indent) } else { String::new() };
                format!("{value}{turn}| {}{arguments}", self.written(function.span))
            }
            Expression::Binary { operator, left, right } => {
                let value = self.expression(left, indent);
                let turn = self.turn(left.span.end as usize, operator.span.start as usize, indent);
                format!("{value}{turn}{} {}", operator.node.as_str(), self.expression(right, indent))
            }
            Expression::Not(value) => format!("not {}", self.expression(value, indent)),
            Expression::If { condition, then, otherwise } => {
                let [when, yes, no] = [condition.span, then.span, otherwise.span].map(place);
                let mut text = format!("if {}", self.expression(condition, indent));
                text.push_str(&self.turn(when.1, yes.0, indent));
                text.push_str("then ");
                text.push_str(&self.expression(then, indent));
                text.push_str(&self.turn(yes.1, no.0, indent));
                text.push_str("else ");
                text.push_str(&self.expression(otherwise, indent));
                text
            }
            Expression::Record(fields) => self.record(fields, expr.span, indent),
            Expression::List(values) => self.values(["[", "]"], values, expr.span, indent),
            Expression::Tuple(values) => self.values(["(", ")"], values, expr.span, indent),
            Expression::Group(value) => self.values(["(", ")"], std::slice::from_ref(value), expr.span, indent),
            Expression::Existing { object, arguments } => {
                let (_, start) = place(object.span);
                let end = expr.span.end as usize;
                format!("existing {}{}", self.written(object.span), self.arguments(arguments, (start, end), indent))
            }
            Expression::Otherwise { value, recovery } => {
                let value = self.expression(value, indent);
                let recovery = match &recovery.node {
                    Recovery::Quarantine => "quarantine".to_owned(),
                    Recovery::Skip => "skip".to_owned(),
                    Recovery::Value(value) => self.expression(value, indent),
                };
                format!("{value} otherwise {recovery}")
            }
        }
    }

    /// `{ a: x, b: y }`
    pub(crate) fn record(&mut self, fields: &[RecordField], span: Span, indent: usize) -> String {
        let spans: Vec<_> = fields.iter().map(|field| place(field.path.span.to(field.value.span))).collect();
        self.bracketed(["{", "}"], &spans, place(span), indent, &|printer, number, indent| {
            let Some(field) = fields.get(number) else { return String::new() };
            format!("{}: {}", printer.written(field.path.span), printer.expression(&field.value, indent))
        })
    }

    fn values<E: std::borrow::Borrow<Expr>>(
        &mut self,
        brackets: [&str; 2],
        values: &[E],
        span: Span,
        indent: usize,
    ) -> String {
        let spans: Vec<_> = values.iter().map(|value| place(value.borrow().span)).collect();
        self.bracketed(brackets, &spans, place(span), indent, &|printer, number, indent| {
            values.get(number).map_or_else(String::new, |value| printer.expression(value.borrow(), indent))
        })
    }

    fn arguments(&mut self, arguments: &[Argument], span: (usize, usize), indent: usize) -> String {
        let whole = |argument: &Argument| {
            argument.name.as_ref().map_or(argument.value.span, |name| name.span.to(argument.value.span))
        };
        let spans: Vec<_> = arguments.iter().map(|argument| place(whole(argument))).collect();
        self.bracketed(["(", ")"], &spans, span, indent, &|printer, number, indent| {
            let Some(argument) = arguments.get(number) else { return String::new() };
            let value = printer.expression(&argument.value, indent);
            match &argument.name {
                Some(name) => format!("{}: {value}", printer.written(name.span)),
                None => value,
            }
        })
    }

    /// Text before an operator: a blank, or a new line where the author began one.
    pub(crate) fn turn(&mut self, from: usize, to: usize, indent: usize) -> String {
        let gap = self.gap(from, to);
        let mut text = String::new();
        if let Some(comment) = gap.trailing {
            text.push_str("  ");
            text.push_str(comment);
        }
        if gap.turned {
            text.push('\n');
            text.push_str(&" ".repeat(indent + 2));
        } else {
            text.push(' ');
        }
        text
    }
}

/// `100 per 60s`
pub(crate) fn quantity(value: &Quantity) -> String {
    let per = value.per.as_ref().map_or_else(String::new, |per| format!(" per {}", quantity(per)));
    format!("{}{}{per}", value.number, value.unit)
}
