//! Expressions of a plan as the language would write them.

use crate::{Expr, FieldMapping, OnMissing, Operator, Recovery};

/// Value of a field, as the language would write it.
pub(super) fn mapped(field: &FieldMapping) -> String {
    let name = field.file_name.as_ref().map_or_else(String::new, |name| format!(" as {}", expression(name)));
    let missing = match field.missing_file {
        OnMissing::Quarantine => "",
        OnMissing::None => " on missing none",
        OnMissing::Skip => " on missing skip",
    };
    format!("{}{name}{missing}", expression(&field.value))
}

/// ` on missing none`, where it is not the usual word.
fn missing_words(on_missing: OnMissing) -> &'static str {
    match on_missing {
        OnMissing::Quarantine => "",
        OnMissing::None => " on missing none",
        OnMissing::Skip => " on missing skip",
    }
}

/// An expression as the language would write it. Conversions that the language makes by itself are left out.
pub fn expression(expr: &Expr) -> String {
    match expr {
        Expr::None => "none".to_owned(),
        Expr::Default => "default".to_owned(),
        Expr::Boolean { value } => value.to_string(),
        Expr::Number { value } | Expr::Option { value } => value.clone(),
        Expr::Text { value } => quoted(value),
        Expr::Column { name } => name.clone(),
        Expr::DistinctValue => "value".to_owned(),
        Expr::Through { key, field, .. } => format!("{}.{field}", expression(key)),
        Expr::Call { function, arguments } => call(function, arguments),
        Expr::Binary { operator, left, right } => {
            format!("{} {} {}", side(left), operator_text(*operator), side(right))
        }
        Expr::Not { value } => format!("not {}", side(value)),
        Expr::If { condition, then, otherwise } => {
            format!("if {} then {} else {}", expression(condition), expression(then), expression(otherwise))
        }
        Expr::Record { fields } => {
            let parts: Vec<String> =
                fields.iter().map(|field| format!("{}: {}", field.name, expression(&field.value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        Expr::List { items } => format!("[{}]", joined(items)),
        Expr::Tuple { items } => format!("({})", joined(items)),
        Expr::Template { parts } => template(parts),
        Expr::Picklist { table, inputs, .. } => match inputs.as_slice() {
            [input] => format!("{} | {table}", side(input)),
            inputs => format!("({}) | {table}", joined(inputs)),
        },
        Expr::Reference { key, on_missing, .. } => format!("{}{}", expression(key), missing_words(*on_missing)),
        Expr::Owner { key, .. } => expression(key),
        Expr::Existing { object, fields, on_missing } => {
            let parts: Vec<String> =
                fields.iter().map(|field| format!("{}: {}", field.name, expression(&field.value))).collect();
            format!("existing {object}({}){}", parts.join(", "), missing_words(*on_missing))
        }
        Expr::Convert { value, .. } => expression(value),
        Expr::Otherwise { value, recovery } => {
            let then = match recovery {
                Recovery::Quarantine => "quarantine".to_owned(),
                Recovery::Skip => "skip".to_owned(),
                Recovery::Use { value } => expression(value),
            };
            format!("{} otherwise {then}", expression(value))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '{' => out.push_str("\\{"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn joined(items: &[Expr]) -> String {
    items.iter().map(expression).collect::<Vec<_>>().join(", ")
}

fn call(function: &str, arguments: &[Expr]) -> String {
    match arguments {
        [] => format!("{function}()"),
        [input] => format!("{} | {function}", side(input)),
        [input, rest @ ..] => format!("{} | {function}({})", side(input), joined(rest)),
    }
}

fn template(parts: &[Expr]) -> String {
    let mut out = String::from("\"");
    for part in parts {
        if let Expr::Text { value } = part {
            let text = quoted(value);
            out.push_str(text.get(1..text.len() - 1).unwrap_or(""));
        } else {
            out.push('{');
            out.push_str(&expression(part));
            out.push('}');
        }
    }
    out.push('"');
    out
}

/// One side of an operator or a pipe, in brackets where it would read differently without.
fn side(expr: &Expr) -> String {
    let text = expression(expr);
    let mut inner = expr;
    while let Expr::Convert { value, .. } = inner {
        inner = value;
    }
    match inner {
        Expr::Binary { .. } | Expr::Not { .. } | Expr::If { .. } | Expr::Otherwise { .. } => format!("({text})"),
        _ => text,
    }
}

fn operator_text(operator: Operator) -> &'static str {
    match operator {
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Coalesce => "??",
        Operator::Equal => "==",
        Operator::NotEqual => "!=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::In => "in",
        Operator::NotIn => "not in",
        Operator::And => "and",
        Operator::Or => "or",
    }
}
