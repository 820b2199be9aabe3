//! Values as they are compared where no destination can compare them, and the options that values become.

use migr_plan::FieldType;
use migr_transform::Value;

/// A value in the form in which it is compared; a composite stands for its unique part, else its first.
pub(crate) fn compared(ty: &FieldType, path: Option<&str>, value: &Value<'_>) -> Option<String> {
    if let (FieldType::Composite { parts, .. }, Value::Record(values)) = (ty, value) {
        let (name, rest) = match path {
            Some(path) => path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest))),
            None => (parts.iter().find(|part| part.unique).or_else(|| parts.first())?.name.as_str(), None),
        };
        let ty = parts.iter().find(|part| part.name == name).map_or(&FieldType::Text, |part| &part.ty);
        return compared(ty, rest, values.iter().find(|(part, _)| part == name).map(|(_, value)| value)?);
    }
    let text = match value {
        Value::Text(text) | Value::Option(text) => text.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(number) => number.normalize().to_string(),
        Value::Phone(phone) => phone.e164.clone(),
        Value::Date(date) => date.to_string(),
        Value::Datetime(instant) => instant.to_string(),
        Value::Reference(reference) => reference.id.to_string(),
        _ => return None,
    };
    let folded = match ty {
        FieldType::Email | FieldType::Url | FieldType::Composite { .. } => text.trim().to_lowercase(),
        _ => text,
    };
    (!folded.is_empty()).then_some(folded)
}
