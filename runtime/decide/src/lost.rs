//! Values that the destination does not hold whole, as the plan's degradations say: they are counted.

use migr_connect::FileRule;
use migr_plan::{FieldMapping, FieldType, Plan};
use migr_transform::Value;

/// True where something of a value is lost in a field: a phone number's extension, the line breaks of a text on one line, the capitals of words in a list, the bytes of a file that is rewritten.
pub(crate) fn is_lost(plan: &Plan, field: &FieldMapping, value: &Value<'_>) -> bool {
    match value {
        Value::Phone(phone) => phone.extension.is_some(),
        Value::Text(text) => match &field.ty {
            FieldType::Text => text.contains('\n'),
            // Where values lose something in a list of texts, it is their capitals.
            FieldType::List { .. } => text.chars().any(char::is_uppercase),
            _ => false,
        },
        Value::File(file) => FileRule::new(&plan.destination, None).rewrites(&file.name),
        Value::List(items) | Value::Tuple(items) => items.iter().any(|item| is_lost(plan, field, item)),
        Value::Record(parts) => parts.iter().any(|(_, part)| is_lost(plan, field, part)),
        Value::None
        | Value::Default
        | Value::Integer(_)
        | Value::Decimal(_)
        | Value::Boolean(_)
        | Value::Date(_)
        | Value::Datetime(_)
        | Value::Money(_)
        | Value::Option(_)
        | Value::Reference(_)
        | Value::Json(_) => false,
    }
}
