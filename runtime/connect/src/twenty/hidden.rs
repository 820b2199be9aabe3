//! Values of sensitive fields, taken out of what a server says.

use std::collections::BTreeSet;

use serde_json::Value;

/// Values that no message may hold.
#[derive(Debug, Default)]
pub(super) struct Hidden(BTreeSet<String>);

impl Hidden {
    /// Adds the texts and numbers in a value that are long enough to tell something, in every form in which a message may quote them.
    pub(super) fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.chars().count() > 1 => {
                let quoted = value.to_string();
                let escaped = quoted.get(1..quoted.len() - 1).unwrap_or_default();
                // Messages are put on one line.
                for form in [text.as_str(), escaped] {
                    let on_a_line = form.split_whitespace().collect::<Vec<_>>().join(" ");
                    self.0.extend([form.to_owned(), form.to_lowercase(), on_a_line.to_lowercase(), on_a_line]);
                }
                self.0.remove("");
            }
            Value::Number(number) => {
                self.0.insert(number.to_string());
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(parts) => parts.values().for_each(|part| self.add(part)),
            _ => {}
        }
    }

    /// The message without them; also without what is left of one where the message was cut short.
    pub(super) fn masked(&self, message: String) -> String {
        let mut values: Vec<&String> = self.0.iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let masked = values.iter().fold(message, |message, value| message.replace(value.as_str(), "***"));
        let Some(cut) = masked.strip_suffix('…') else { return masked };
        let begun = values.iter().filter_map(|value| beginning(value, cut)).max_by_key(|begun| begun.len());
        match begun.and_then(|begun| cut.strip_suffix(begun)) {
            Some(before) => format!("{before}***…"),
            None => masked,
        }
    }
}

/// The longest beginning of a value, of two characters or more, with which a text ends.
fn beginning<'v>(value: &'v str, text: &str) -> Option<&'v str> {
    let beginnings = value.char_indices().skip(2).filter_map(|(at, _)| value.get(..at));
    beginnings.filter(|beginning| text.ends_with(beginning)).last()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked(value: &Value, message: &str) -> String {
        let mut hidden = Hidden::default();
        hidden.add(value);
        hidden.masked(message.to_owned())
    }

    #[test]
    fn a_value_is_found_in_every_form_in_which_it_is_quoted() {
        let value = json!({"notes": "Says \"no\"\nto Sugar", "count": 4711, "one": "x"});
        let said = r#"refused Says "no" to Sugar; {"notes":"Says \"no\"\nto Sugar"}; says "no" to sugar; 4711; x"#;
        assert_eq!(masked(&value, said), r#"refused ***; {"notes":"***"}; ***; ***; x"#);
    }

    #[test]
    fn what_is_left_of_a_value_where_a_message_is_cut_short_is_masked_too() {
        let value = json!(["ada@clinic.example", "Adamant"]);
        assert_eq!(masked(&value, "refused ada@cli…"), "refused ***…");
        assert_eq!(masked(&value, "refused ada@cli"), "refused ada@cli");
        assert_eq!(masked(&value, "refused Adaman…"), "refused ***…");
        assert_eq!(masked(&value, "refused …"), "refused …");
        assert_eq!(masked(&json!("söße@x"), "wegen sö…"), "wegen ***…");
    }
}
