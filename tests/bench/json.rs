//! Records as lines of JSON, in the flat form that the other programs of the comparison write.

use std::io::Write as _;

use migr_plan::FieldMapping;
use migr_transform::Value;

use crate::transforming::is_absent;

/// The names of a stage's fields, escaped.
pub(crate) struct Names(Vec<Vec<u8>>);

impl Names {
    pub(crate) fn of(fields: &[FieldMapping]) -> Self {
        let escaped = |field: &FieldMapping| {
            let mut name = Vec::new();
            text(&mut name, &field.field);
            name.push(b':');
            name
        };
        Self(fields.iter().map(escaped).collect())
    }

    /// Appends one object, without a line end. Amounts are written as millionths, phones and references as texts.
    pub(crate) fn record(&self, out: &mut Vec<u8>, values: &[(usize, Value<'_>)]) {
        let mut separator = b'{';
        for (index, value) in values {
            let Some(name) = self.0.get(*index) else { continue };
            out.push(separator);
            separator = b',';
            out.extend_from_slice(name);
            self::value(out, value);
        }
        if separator == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
    }
}

fn value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        absent if is_absent(absent) => out.extend_from_slice(b"null"),
        Value::Text(text) | Value::Option(text) => self::text(out, text),
        Value::Boolean(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Integer(number) => drop(write!(out, "{number}")),
        Value::Money(money) => drop(write!(out, "{}", money.micros)),
        Value::Datetime(instant) => {
            out.push(b'"');
            drop(write!(out, "{instant}"));
            out.push(b'"');
        }
        Value::Phone(phone) => self::text(out, &phone.e164),
        Value::Reference(reference) => self::text(out, &reference.id),
        Value::List(items) if items.is_empty() => out.extend_from_slice(b"[]"),
        Value::List(items) => {
            let mut separator = b'[';
            for item in items {
                out.push(separator);
                separator = b',';
                self::value(out, item);
            }
            out.push(b']');
        }
        // Nothing else occurs in the benchmark's mapping.
        other => drop(serde_json::to_writer(out, other)),
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    // Looked at as a whole, many bytes at a time: nearly no text holds anything to escape.
    let escapes = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    if text.bytes().fold(false, |found, byte| found | escapes(byte)) {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(out, text);
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_escaped_as_json_wants() {
        for text in ["", "plain", "é漢字👍", "a \"b\" c", "back\\slash", "line\nend\ttab\u{1}\u{1f}", "\u{7f}\u{2028}"]
        {
            let mut out = Vec::new();
            super::text(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
