//! Values as a person reads them.

use serde_json::Value;

/// Longest value that is shown, in characters.
const SHOWN: usize = 400;

/// A value in its JSON form as a person reads it; empty for none. `named` gives the words for a record that a reference leads to.
pub fn readable(value: &Value, named: &mut dyn FnMut(&str, &str) -> Option<String>) -> String {
    let text = text(value, named);
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}

fn text(value: &Value, named: &mut dyn FnMut(&str, &str) -> Option<String>) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> =
                items.iter().map(|item| text(item, named)).filter(|item| !item.is_empty()).collect();
            items.join(", ")
        }
        Value::Object(parts) => {
            let part = |name: &str| parts.get(name).and_then(Value::as_str);
            if let (2, Some(amount), Some(currency)) = (parts.len(), parts.get("amount"), part("currency")) {
                return format!("{} {currency}", text(amount, named));
            }
            if let (2, Some(object), Some(id)) = (parts.len(), part("object"), part("id")) {
                return named(object, id).unwrap_or_else(|| format!("{object} {id}"));
            }
            if let (3, Some(number), true, Some(extension)) =
                (parts.len(), part("number"), parts.contains_key("country"), parts.get("extension"))
            {
                let extension = text(extension, named);
                return if extension.is_empty() { number.to_owned() } else { format!("{number} ext. {extension}") };
            }
            if let (2, Some(_), Some(name)) = (parts.len(), part("path"), part("name")) {
                return name.to_owned();
            }
            let parts: Vec<String> = parts
                .iter()
                .map(|(name, value)| (name, text(value, named)))
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            parts.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::readable;

    #[test]
    fn values_read_as_a_person_writes_them() {
        let table = [
            (json!(null), ""),
            (json!("Ada"), "Ada"),
            (json!(12), "12"),
            (json!({"amount": 12.5, "currency": "USD"}), "12.5 USD"),
            (json!({"number": "+12015550123", "country": "US", "extension": null}), "+12015550123"),
            (json!({"number": "+12015550123", "country": "US", "extension": "7"}), "+12015550123 ext. 7"),
            (json!({"object": "companies", "id": "1"}), "Company C1"),
            (json!({"object": "people", "id": "2"}), "people 2"),
            (json!({"path": "a/b.pdf", "name": "b.pdf"}), "b.pdf"),
            (json!({"firstName": "Ada", "lastName": null}), "firstName: Ada"),
            (json!(["A", null, "B"]), "A, B"),
        ];
        for (value, expected) in table {
            let mut named = |object: &str, _: &str| (object == "companies").then(|| "Company C1".to_owned());
            assert_eq!(readable(&value, &mut named), expected, "{value}");
        }
        assert_eq!(readable(&json!("x".repeat(500)), &mut |_, _| None).chars().count(), 401);
    }
}
