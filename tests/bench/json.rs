//! Records as lines of JSON, in the flat form that the other programs of the comparison write.

use std::io::Write as _;

use migr_plan::FieldMapping;
use migr_transform::Value;

use crate::transforming::is_absent;

/// Appends one object, without a line end. Amounts are written as millionths, phones and references as texts.
pub(crate) fn record(out: &mut Vec<u8>, fields: &[FieldMapping], values: &[(usize, Value<'_>)]) {
    let mut separator = b'{';
    for (index, value) in values {
        let Some(mapping) = fields.get(*index) else { continue };
        out.push(separator);
        separator = b',';
        text(out, &mapping.field);
        out.push(b':');
        self::value(out, value);
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
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
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}
