//! Defaults of the destination: what a record gets that is created without a value.

use migr_plan::{Expr, FieldDefault, FieldMapping, FieldType, ReasonCode};
use migr_transform::Value;

use crate::decision::Reason;

/// The default that a field's missing value leaves to the destination; absent where the destination has none, and where the spec itself says `default`.
pub fn taken<'f>(field: &'f FieldMapping, value: &Value<'_>) -> Option<&'f FieldDefault> {
    let default = field.default.as_ref().filter(|_| matches!(value, Value::Default))?;
    let mut is_written = false;
    field.value.walk(&mut |part| is_written |= matches!(part, Expr::Default));
    (!is_written).then_some(default)
}

/// The default as the value that a created record holds; absent where it cannot be known beforehand.
pub fn value(default: &FieldDefault, ty: &FieldType) -> Option<Value<'static>> {
    let FieldDefault::Value { value } = default else { return None };
    Some(match ty {
        FieldType::Select { .. } => Value::Option(value.clone().into()),
        FieldType::Boolean => Value::Boolean(value.parse().ok()?),
        FieldType::Integer => Value::Integer(value.parse().ok()?),
        FieldType::Number | FieldType::Decimal => Value::Decimal(value.parse().ok()?),
        FieldType::Text | FieldType::Email | FieldType::Url => Value::text(value.clone()),
        _ => return None,
    })
}

/// Defaults that a record takes, in words.
pub fn reasons(fields: &[FieldMapping], values: &[(usize, Value<'_>)]) -> Vec<Reason> {
    let of_field = |(index, value): &(usize, Value<'_>)| {
        let field = fields.get(*index)?;
        let given = match taken(field, value)? {
            FieldDefault::Now => "the time of creation",
            FieldDefault::Value { value } => value.as_str(),
        };
        let reason = format!("there is no value: it becomes {given}, the destination's default (W0618)");
        Some(Reason::new(ReasonCode::Q203, field.field.clone(), reason))
    };
    values.iter().filter_map(of_field).collect()
}
