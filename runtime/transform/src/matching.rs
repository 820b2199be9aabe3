//! Normal forms of values by which records match.

use std::fmt::Write as _;

use migr_plan::FieldType;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::{Value, addresses, convert};

/// The form in which identities are compared: addresses in lower case, links as Twenty writes them, phones in E.164, other texts trimmed. `path` is a field
/// (`domainName`) or a part of one (`emails.primaryEmail`); a composite without a part stands for its unique or primary part. None never matches.
pub fn normalise_match(ty: &FieldType, path: &str, value: &Value<'_>) -> Option<String> {
    let (part, value) = match ty {
        FieldType::Composite { parts, .. } => {
            let named = path.split_once('.').map(|(_, part)| part);
            let part = match named {
                Some(name) => parts.iter().find(|part| part.name == name),
                None => parts
                    .iter()
                    .find(|part| part.unique)
                    .or_else(|| parts.iter().find(|part| part.name.starts_with("primary"))),
            }?;
            match value {
                Value::Record(given) => (&part.ty, &given.iter().find(|(name, _)| *name == part.name)?.1),
                single => (&part.ty, single),
            }
        }
        plain => (plain, value),
    };
    let text = match value {
        Value::Phone(phone) => return Some(phone.e164.clone()),
        Value::Reference(reference) => return Some(reference.id.clone().into_owned()),
        Value::Default => return None,
        other => convert::text_of(other.clone()).ok()?,
    };
    let text = text.trim();
    let normal = match part {
        FieldType::Email => text.to_lowercase(),
        FieldType::Url => addresses::comparable_link(text),
        _ => text.to_owned(),
    };
    (!normal.is_empty()).then_some(normal)
}

/// The value of an option that is made of a label: `In progress` becomes `IN_PROGRESS`. Letters without a Latin base, and signs where nothing else is left,
/// are written by their code points.
pub fn option_value(label: &str) -> String {
    let mut value = String::with_capacity(label.len());
    let separate = |value: &mut String| {
        if !value.is_empty() && !value.ends_with('_') {
            value.push('_');
        }
    };
    for character in label.nfkd().filter(|character| !is_combining_mark(*character)) {
        if character.is_ascii_alphanumeric() {
            value.push(character.to_ascii_uppercase());
        } else if let Some(letters) = latin(character) {
            value.push_str(letters);
        } else {
            separate(&mut value);
            if character.is_alphanumeric() {
                let _ = write!(value, "U{:04X}", u32::from(character));
                separate(&mut value);
            }
        }
    }
    while value.ends_with('_') {
        value.pop();
    }
    if value.is_empty() {
        for character in label.chars().filter(|character| !character.is_whitespace()) {
            separate(&mut value);
            let _ = write!(value, "U{:04X}", u32::from(character));
        }
    }
    if value.starts_with(|first: char| first.is_ascii_digit()) {
        value.insert_str(0, "OPT_");
    }
    value
}

/// Latin letters that do not come apart.
fn latin(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' | 'ẞ' => "SS",
        'ø' | 'Ø' => "O",
        'ł' | 'Ł' => "L",
        'æ' | 'Æ' => "AE",
        'œ' | 'Œ' => "OE",
        'đ' | 'Đ' | 'ð' | 'Ð' => "D",
        'þ' | 'Þ' => "TH",
        'ı' => "I",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use migr_plan::Part;

    use super::*;

    #[test]
    fn options_are_upper_snake_and_never_begin_with_a_digit() {
        for (label, value) in [
            ("In progress", "IN_PROGRESS"),
            ("  stage 9 ", "STAGE_9"),
            ("1st call", "OPT_1ST_CALL"),
            ("Zürich – Straße", "ZURICH_STRASSE"),
            ("??", "U003F_U003F"),
            ("漢字", "U6F22_U5B57"),
            ("Neww", "NEWW"),
        ] {
            assert_eq!(option_value(label), value, "{label}");
        }
    }

    #[test]
    fn identities_compare_by_their_unique_part() {
        let part = |name: &str, ty: FieldType, unique| Part { name: name.to_owned(), ty, unique };
        let emails = FieldType::Composite {
            name: "emails".to_owned(),
            parts: vec![
                part("additionalEmails", FieldType::List { of: Box::new(FieldType::Email) }, false),
                part("primaryEmail", FieldType::Email, true),
            ],
        };
        let value = Value::Record(vec![(Cow::Borrowed("primaryEmail"), Value::text("A@X.com "))]);
        assert_eq!(normalise_match(&emails, "emails.primaryEmail", &value).as_deref(), Some("a@x.com"));
        assert_eq!(normalise_match(&emails, "emails", &value).as_deref(), Some("a@x.com"));
        assert_eq!(normalise_match(&emails, "emails", &Value::None), None);
        assert_eq!(normalise_match(&FieldType::Text, "name", &Value::text(" Acme ")).as_deref(), Some("Acme"));
    }

    proptest::proptest! {
        #[test]
        fn every_label_gives_an_option_that_a_destination_takes(label in ".*") {
            let value = option_value(&label);
            proptest::prop_assert!(value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'));
            proptest::prop_assert!(!value.starts_with(|first: char| first.is_ascii_digit()));
            proptest::prop_assert_eq!(value.is_empty(), label.trim().is_empty());
        }
    }
}
