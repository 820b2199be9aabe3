//! Operators of expressions.

use std::cmp::Ordering;

use migr_plan::Operator;
use rust_decimal::Decimal;

use crate::convert::text_of;
use crate::failure::Fault;
use crate::{Value, numbers};

/// The value of an operator whose two sides are known; `??`, `and` and `or` look at their right side only where it matters, and are not for here.
pub(crate) fn binary<'r>(operator: Operator, left: Value<'r>, right: Value<'r>) -> Result<Value<'r>, Fault> {
    match operator {
        Operator::Equal => equal(&left, &right).map(Value::Boolean),
        Operator::NotEqual => equal(&left, &right).map(|same| Value::Boolean(!same)),
        Operator::In => contains(&right, &left).map(Value::Boolean),
        Operator::NotIn => contains(&right, &left).map(|found| Value::Boolean(!found)),
        Operator::Less => ordered(&left, &right, Ordering::is_lt),
        Operator::LessOrEqual => ordered(&left, &right, Ordering::is_le),
        Operator::Greater => ordered(&left, &right, Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(&left, &right, Ordering::is_ge),
        Operator::Add => add(left, right),
        Operator::Subtract => arithmetic(&left, &right, "subtracted", Decimal::checked_sub),
        Operator::Multiply => arithmetic(&left, &right, "multiplied", Decimal::checked_mul),
        Operator::Divide => arithmetic(&left, &right, "divided", Decimal::checked_div),
        Operator::Coalesce => Ok(if left.is_none() { right } else { left }),
        Operator::And | Operator::Or => Err(Fault::plain("`and` and `or` were not expected here")),
    }
}

fn equal(left: &Value<'_>, right: &Value<'_>) -> Result<bool, Fault> {
    match (left, right) {
        (Value::None, Value::None) => Ok(true),
        (Value::None, _) | (_, Value::None) => Ok(false),
        (Value::Text(a) | Value::Option(a), Value::Text(b) | Value::Option(b)) => Ok(a == b),
        (Value::List(_) | Value::Tuple(_) | Value::Record(_) | Value::Json(_), _) => Ok(left == right),
        _ => compare(left, right).map(Ordering::is_eq),
    }
}

fn contains(list: &Value<'_>, wanted: &Value<'_>) -> Result<bool, Fault> {
    match list {
        Value::None => Ok(false),
        Value::List(items) | Value::Tuple(items) => {
            items.iter().try_fold(false, |found, item| Ok(found || equal(item, wanted)?))
        }
        single => equal(single, wanted),
    }
}

/// Compares two values; without a value on either side there is no result.
fn ordered<'r>(left: &Value<'_>, right: &Value<'_>, holds: fn(Ordering) -> bool) -> Result<Value<'r>, Fault> {
    if left.is_none() || right.is_none() {
        return Ok(Value::None);
    }
    compare(left, right).map(|ordering| Value::Boolean(holds(ordering)))
}

fn compare(left: &Value<'_>, right: &Value<'_>) -> Result<Ordering, Fault> {
    match (left, right) {
        (Value::Text(a) | Value::Option(a), Value::Text(b) | Value::Option(b)) => Ok(a.cmp(b)),
        (Value::Integer(a), Value::Integer(b)) => Ok(a.cmp(b)),
        (Value::Boolean(a), Value::Boolean(b)) => Ok(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Ok(a.cmp(b)),
        (Value::Datetime(a), Value::Datetime(b)) => Ok(a.cmp(b)),
        (Value::Phone(a), Value::Phone(b)) => Ok(a.e164.cmp(&b.e164)),
        (Value::Reference(a), Value::Reference(b)) => Ok((&a.object, &a.id).cmp(&(&b.object, &b.id))),
        (Value::Money(a), Value::Money(b)) if a.currency == b.currency => Ok(a.micros.cmp(&b.micros)),
        (Value::Integer(_) | Value::Decimal(_), _) | (_, Value::Integer(_) | Value::Decimal(_)) => {
            Ok(number(left)?.cmp(&number(right)?))
        }
        _ => Err(Fault::plain(format!("{} and {} cannot be compared", left.kind(), right.kind()))),
    }
}

fn number(value: &Value<'_>) -> Result<Decimal, Fault> {
    match value {
        Value::Integer(number) => Ok(Decimal::from(*number)),
        Value::Decimal(number) => Ok(*number),
        Value::Money(money) => Ok(Decimal::new(money.micros, 6)),
        other => numbers::number(&text_of(other.clone())?, &[]),
    }
}

fn add<'r>(left: Value<'r>, right: Value<'r>) -> Result<Value<'r>, Fault> {
    match (left, right) {
        (Value::List(mut items), Value::List(more)) => {
            items.extend(more);
            Ok(Value::list(items))
        }
        (Value::List(mut items), other) | (other, Value::List(mut items)) if other.is_none() => {
            items.retain(|item| !item.is_none());
            Ok(Value::list(items))
        }
        (Value::Text(mut text), right @ (Value::Text(_) | Value::Option(_))) => {
            text.to_mut().push_str(&text_of(right)?);
            Ok(Value::Text(text))
        }
        (left, right) => arithmetic(&left, &right, "added", Decimal::checked_add),
    }
}

/// Numbers alone. None on both sides gives none; on one side it is a fault, since the value of the other would go.
fn arithmetic<'r>(
    left: &Value<'_>,
    right: &Value<'_>,
    done: &str,
    operate: fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Value<'r>, Fault> {
    let (a, b) = match (left, right) {
        (Value::None, Value::None) => return Ok(Value::None),
        (Value::None, _) => {
            return Err(Fault::lacking(format!("nothing stands before what is {done}; `??` says what then")));
        }
        (_, Value::None) => {
            return Err(Fault::lacking(format!("nothing stands behind what is {done}; `??` says what then")));
        }
        (Value::Integer(_) | Value::Decimal(_), Value::Integer(_) | Value::Decimal(_)) => {
            (number(left)?, number(right)?)
        }
        _ => return Err(Fault::plain(format!("{} and {} cannot be {done}", left.kind(), right.kind()))),
    };
    let result = operate(a, b).ok_or_else(|| Fault::of(format!("{a} and {b}"), format!("cannot be {done}")))?;
    let is_whole = matches!((left, right), (Value::Integer(_), Value::Integer(_))) && result.fract().is_zero();
    let whole = if is_whole { i64::try_from(result).ok() } else { None };
    Ok(whole.map_or(Value::Decimal(result), Value::Integer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calculated(operator: Operator, left: Value<'static>, right: Value<'static>) -> Result<String, String> {
        binary(operator, left, right)
            .map(|value| crate::to_json(&value).to_string())
            .map_err(|fault| fault.reason(false))
    }

    #[test]
    fn numbers_texts_and_lists_add_up() {
        use Operator::{Add, Divide, Multiply, Subtract};
        let (two, half) = (Value::Integer(2), Value::Decimal("0.5".parse().unwrap()));
        assert_eq!(calculated(Add, two.clone(), two.clone()), Ok("4".to_owned()));
        assert_eq!(calculated(Multiply, two.clone(), half.clone()), Ok("1".to_owned()));
        assert_eq!(calculated(Divide, two.clone(), Value::Integer(0)), Err("\"2 and 0\" cannot be divided".to_owned()));
        assert_eq!(calculated(Divide, Value::Integer(1), two.clone()), Ok("0.5".to_owned()));
        assert_eq!(calculated(Subtract, Value::None, Value::None), Ok("null".to_owned()));
        for (left, right) in
            [(Value::text("a"), Value::None), (Value::None, Value::text("a")), (two.clone(), Value::None)]
        {
            assert!(calculated(Add, left, right).is_err_and(|reason| reason.contains("`??` says what then")));
        }
        assert_eq!(calculated(Add, Value::text("a"), Value::text("b")), Ok("\"ab\"".to_owned()));
        assert_eq!(calculated(Add, Value::List(vec![two.clone()]), Value::List(vec![two])), Ok("[2,2]".to_owned()));
        assert_eq!(
            calculated(Subtract, Value::text("a"), half),
            Err("a text and a number cannot be subtracted".to_owned())
        );
    }

    #[test]
    fn none_equals_none_and_has_no_order() {
        use Operator::{Equal, GreaterOrEqual, In, NotIn};
        assert_eq!(calculated(Equal, Value::None, Value::None), Ok("true".to_owned()));
        assert_eq!(calculated(Equal, Value::None, Value::text("a")), Ok("false".to_owned()));
        assert_eq!(calculated(GreaterOrEqual, Value::None, Value::Integer(1)), Ok("null".to_owned()));
        assert_eq!(calculated(Equal, Value::Integer(5), Value::Decimal("5.0".parse().unwrap())), Ok("true".to_owned()));
        let list = Value::List(vec![Value::text("call"), Value::text("email")]);
        assert_eq!(calculated(In, Value::text("email"), list.clone()), Ok("true".to_owned()));
        assert_eq!(calculated(NotIn, Value::None, list), Ok("true".to_owned()));
        assert_eq!(
            calculated(GreaterOrEqual, Value::Boolean(true), Value::text("x")),
            Err("a truth value and a text cannot be compared".to_owned())
        );
    }
}
