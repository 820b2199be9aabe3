//! The text of REST's `filter`: `and(a[eq]:1,or(b[in]:[x,y],not(c[is]:NULL)))`; a bare comma is "and".

use serde_json::Value;

use super::{Comparator, Filter};
use crate::twenty::problem::Problem;

const COMPARATORS: &str = "eq, neq, in, containsAny, is, gt, gte, lt, lte, startsWith, endsWith, like, ilike";

/// The filter of this text.
pub(crate) fn parse(text: &str) -> Result<Filter, Problem> {
    let mut parts = split(text).into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
    match parts.len() {
        1 => Ok(parts.remove(0)),
        _ => Ok(Filter::All(parts)),
    }
}

fn part(text: &str) -> Result<Filter, Problem> {
    let group = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    let list = |inner: &str| split(inner).into_iter().map(part).collect::<Result<Vec<_>, _>>();
    if let Some(inner) = group("and") {
        return Ok(Filter::All(list(inner)?));
    }
    if let Some(inner) = group("or") {
        return Ok(Filter::Any(list(inner)?));
    }
    if let Some(inner) = group("not") {
        return Ok(Filter::Not(Box::new(Filter::All(list(inner)?))));
    }
    test(text)
}

fn test(text: &str) -> Result<Filter, Problem> {
    let bad = || Problem::bad_request(format!("'filter' invalid for '{text}'. eg: price[gte]:10"));
    let (path, rest) = text.split_once('[').ok_or_else(bad)?;
    let (name, value) = rest.split_once("]:").ok_or_else(bad)?;
    if path.is_empty() || value.is_empty() {
        return Err(bad());
    }
    let comparator = Comparator::parse(name).ok_or_else(|| {
        Problem::bad_request(format!("'filter' invalid for '{text}', comparator {name} not in {COMPARATORS}"))
    })?;
    let listed = matches!(comparator, Comparator::In | Comparator::ContainsAny);
    let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    if listed && inner.is_none_or(str::is_empty) {
        return Err(Problem::bad_request(format!("'filter' invalid for '{text}', {name} takes a list: [a,b]")));
    }
    let operands = match inner.filter(|_| listed) {
        // Quotes do not protect a comma inside a list: the server splits there all the same.
        Some(items) => items.split(',').map(|item| Value::String(bare(item).to_owned())).collect(),
        None => vec![Value::String(bare(value).to_owned())],
    };
    Ok(Filter::Test { path: path.split('.').map(str::to_owned).collect(), comparator, operands })
}

/// The value without the quotes around it.
fn bare(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// The parts between the commas that stand outside quotes, brackets and parentheses. A quote of either sort and a bracket of either sort switch, as at the
/// server: an apostrophe or a lone bracket of a value shields the commas after it.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut depth = 0_i32;
    let (mut double, mut single, mut bracketed) = (false, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => double = !double,
            '\'' => single = !single,
            '[' | ']' => bracketed = !bracketed,
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if !double && !single && !bracketed && depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Filter, parse};

    #[test]
    fn quotes_protect_a_comma_except_in_a_list() {
        let Filter::Test { operands, .. } = parse("name[eq]:\"Acme, Inc.\"").unwrap() else { panic!() };
        assert_eq!(operands, ["Acme, Inc."]);
        let Filter::Test { operands, .. } = parse("name[in]:[\"Acme, Inc.\",\"x\"]").unwrap() else { panic!() };
        assert_eq!(operands, ["\"Acme", " Inc.\"", "x"]);
    }

    proptest! {
        #[test]
        fn no_filter_brings_the_parser_down(text in "(and\\(|or\\(|not\\(|[a-z]{1,3}\\[eq\\]:|[,()\"\\[\\]é]|x){0,12}") {
            let _either_way = parse(&text);
        }

        #[test]
        fn a_quoted_value_is_kept_as_it_is(value in "[a-zA-Z ,.():é&'-]{0,20}") {
            let Filter::Test { operands, .. } = parse(&format!("name[eq]:\"{value}\"")).unwrap() else { panic!() };
            prop_assert_eq!(operands, [value]);
        }
    }

    #[test]
    fn an_apostrophe_or_a_lone_bracket_shields_the_commas_after_it() {
        for value in ["O'Neil, Inc.", "Acme [x, y", "Acme (UK, IE)"] {
            let Filter::Test { operands, .. } = parse(&format!("name[eq]:{value}")).unwrap() else { panic!("{value}") };
            assert_eq!(operands, [value]);
        }
    }

    #[test]
    fn an_unquoted_comma_ends_the_condition() {
        let message = parse("name[eq]:Acme, Inc.").unwrap_err().message.clone();
        assert_eq!(message, "'filter' invalid for ' Inc.'. eg: price[gte]:10");
    }
}
