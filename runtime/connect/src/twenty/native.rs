//! The language's field types and Twenty's, both ways.

use migr_plan::{FieldType, Part};
use serde_json::{Value, json};

use super::live::Version;

/// Twenty's name of a type, with the settings that a new field of it gets.
pub(super) fn native(ty: &FieldType, version: Version) -> Result<(&'static str, Option<Value>), String> {
    let plain = |name| Ok((name, None));
    match ty {
        FieldType::Text => plain("TEXT"),
        FieldType::Richtext => plain(match version {
            Version::One => "RICH_TEXT_V2",
            Version::Two => "RICH_TEXT",
        }),
        FieldType::Integer => Ok(("NUMBER", Some(json!({"dataType": "int", "decimals": 0, "type": "number"})))),
        FieldType::Number | FieldType::Decimal => {
            Ok(("NUMBER", Some(json!({"dataType": "float", "decimals": 2, "type": "number"}))))
        }
        FieldType::Boolean => plain("BOOLEAN"),
        FieldType::Date => plain("DATE"),
        FieldType::Datetime => plain("DATE_TIME"),
        FieldType::Email => plain("EMAILS"),
        FieldType::Phone => plain("PHONES"),
        FieldType::Url => plain("LINKS"),
        FieldType::Currency => plain("CURRENCY"),
        FieldType::Json => plain("RAW_JSON"),
        FieldType::Uuid => plain("UUID"),
        FieldType::Select { .. } => plain("SELECT"),
        FieldType::Multiselect { .. } => plain("MULTI_SELECT"),
        FieldType::Reference { .. } => plain("RELATION"),
        FieldType::File => match version {
            Version::One => Err("Twenty 1.x has no fields of files; map the file to `attachments`".to_owned()),
            Version::Two => Ok(("FILES", Some(json!({"maxNumberOfValues": 1})))),
        },
        FieldType::List { of } => match of.as_ref() {
            FieldType::Text | FieldType::Uuid | FieldType::Integer | FieldType::Number | FieldType::Decimal => {
                plain("ARRAY")
            }
            FieldType::Email => plain("EMAILS"),
            FieldType::Phone => plain("PHONES"),
            FieldType::Url => plain("LINKS"),
            FieldType::Json => plain("RAW_JSON"),
            _ => Err("Twenty has no lists of this type; use `list(text)` or `json`".to_owned()),
        },
        FieldType::Many { .. } => Err("links are records of their own, not a field that can be created".to_owned()),
        FieldType::Composite { name, .. } => match name.as_str() {
            "name" => plain("FULL_NAME"),
            "emails" => plain("EMAILS"),
            "phones" => plain("PHONES"),
            "links" => plain("LINKS"),
            "address" => plain("ADDRESS"),
            "actor" => plain("ACTOR"),
            "currency" => plain("CURRENCY"),
            _ => Err(format!("Twenty has no composite `{name}`")),
        },
    }
}

/// The language's type of a native one; none where the language has none. `options` and `objects` are the field's own.
pub(super) fn language(
    native: &str,
    settings: &Value,
    options: Vec<String>,
    objects: Vec<String>,
) -> Option<FieldType> {
    Some(match native {
        "TEXT" => FieldType::Text,
        "RICH_TEXT" | "RICH_TEXT_V2" => FieldType::Richtext,
        "NUMBER" | "POSITION" => match settings.get("dataType").and_then(Value::as_str) {
            Some("int" | "bigint") => FieldType::Integer,
            _ => FieldType::Number,
        },
        "NUMERIC" => FieldType::Decimal,
        "BOOLEAN" => FieldType::Boolean,
        "DATE" => FieldType::Date,
        "DATE_TIME" => FieldType::Datetime,
        "CURRENCY" => FieldType::Currency,
        "RAW_JSON" => FieldType::Json,
        "UUID" => FieldType::Uuid,
        "ARRAY" => FieldType::List { of: Box::new(FieldType::Text) },
        "FILES" => FieldType::File,
        "SELECT" | "RATING" => FieldType::Select { options },
        "MULTI_SELECT" => FieldType::Multiselect { options },
        "RELATION" | "MORPH_RELATION" => FieldType::Reference { objects },
        "EMAILS" => composite(
            "emails",
            vec![part("primaryEmail", FieldType::Email, true), part("additionalEmails", list(FieldType::Email), false)],
        ),
        "PHONES" => composite(
            "phones",
            vec![
                part("primaryPhoneNumber", FieldType::Phone, false),
                part("primaryPhoneCountryCode", FieldType::Text, false),
                part("primaryPhoneCallingCode", FieldType::Text, false),
                part("additionalPhones", list(FieldType::Phone), false),
            ],
        ),
        "LINKS" => composite(
            "links",
            vec![
                part("primaryLinkUrl", FieldType::Url, true),
                part("primaryLinkLabel", FieldType::Text, false),
                part("secondaryLinks", list(FieldType::Url), false),
            ],
        ),
        "ADDRESS" => composite(
            "address",
            ["addressStreet1", "addressStreet2", "addressCity", "addressPostcode", "addressState", "addressCountry"]
                .into_iter()
                .map(|name| part(name, FieldType::Text, false))
                .chain(["addressLat", "addressLng"].into_iter().map(|name| part(name, FieldType::Number, false)))
                .collect(),
        ),
        "FULL_NAME" => {
            composite("name", vec![part("firstName", FieldType::Text, false), part("lastName", FieldType::Text, false)])
        }
        "ACTOR" => composite(
            "actor",
            vec![
                part(
                    "source",
                    FieldType::Select { options: ACTOR_SOURCES.iter().map(|source| (*source).to_owned()).collect() },
                    false,
                ),
                part("name", FieldType::Text, false),
                part("workspaceMember", FieldType::Reference { objects: vec!["workspaceMembers".to_owned()] }, false),
            ],
        ),
        _ => return None,
    })
}

/// Sources that may be named as a record's maker.
pub(super) const ACTOR_SOURCES: [&str; 10] =
    ["EMAIL", "CALENDAR", "WORKFLOW", "AGENT", "API", "IMPORT", "MANUAL", "SYSTEM", "WEBHOOK", "APPLICATION"];

/// True where two native types hold the same values.
pub(super) fn same_kind(live: &str, wanted: &str) -> bool {
    let kind = |name| match name {
        "NUMBER" | "NUMERIC" | "POSITION" => "NUMBER",
        "RICH_TEXT" | "RICH_TEXT_V2" => "RICH_TEXT",
        "SELECT" | "RATING" => "SELECT",
        "RELATION" | "MORPH_RELATION" => "RELATION",
        other => other,
    };
    kind(live) == kind(wanted)
}

fn composite(name: &str, parts: Vec<Part>) -> FieldType {
    FieldType::Composite { name: name.to_owned(), parts }
}

fn part(name: &str, ty: FieldType, unique: bool) -> Part {
    Part { name: name.to_owned(), ty, unique }
}

fn list(of: FieldType) -> FieldType {
    FieldType::List { of: Box::new(of) }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{FieldType, Version, language, native, same_kind};

    #[test]
    fn every_type_that_can_be_created_reads_back_as_itself_or_its_composite() {
        let types = [
            FieldType::Text,
            FieldType::Richtext,
            FieldType::Integer,
            FieldType::Number,
            FieldType::Boolean,
            FieldType::Date,
            FieldType::Datetime,
            FieldType::Email,
            FieldType::Phone,
            FieldType::Url,
            FieldType::Currency,
            FieldType::Json,
            FieldType::Uuid,
            FieldType::File,
            FieldType::Select { options: vec!["A".to_owned()] },
            FieldType::Multiselect { options: vec!["A".to_owned()] },
            FieldType::List { of: Box::new(FieldType::Text) },
        ];
        for ty in types {
            let (name, settings) = native(&ty, Version::Two).unwrap();
            let back = language(name, &settings.unwrap_or(Value::Null), vec!["A".to_owned()], Vec::new()).unwrap();
            match (&ty, &back) {
                (FieldType::Email | FieldType::Phone | FieldType::Url, FieldType::Composite { .. }) => {
                    assert_eq!(native(&back, Version::Two).unwrap().0, name);
                }
                _ => assert_eq!(ty, back),
            }
        }
    }

    #[test]
    fn rich_text_has_another_name_in_the_older_version() {
        assert_eq!(native(&FieldType::Richtext, Version::One).unwrap().0, "RICH_TEXT_V2");
        assert_eq!(native(&FieldType::Richtext, Version::Two).unwrap().0, "RICH_TEXT");
        assert!(same_kind("RICH_TEXT_V2", "RICH_TEXT") && !same_kind("TEXT", "RICH_TEXT"));
    }
}
