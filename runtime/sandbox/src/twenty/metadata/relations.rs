//! Relation fields: both ends are made and removed together.

use serde_json::{Value, json};
use uuid::Uuid;

use super::check::{Fault, not_available};
use crate::twenty::engine::Engine;
use crate::twenty::schema::{Field, Kind, Object, OnDelete, Relation};

/// A new field of a custom sort, without relation or options.
pub(super) fn plain_field(name: &str, label: &str, kind: Kind, now: &str) -> Field {
    Field {
        id: Uuid::new_v4().to_string(),
        universal_id: Uuid::new_v4().to_string(),
        name: name.to_owned(),
        label: label.to_owned(),
        description: None,
        icon: None,
        kind,
        nullable: true,
        unique: false,
        system: false,
        editable: true,
        custom: true,
        active: true,
        default: Value::Null,
        options: None,
        settings: None,
        relation: None,
        created: now.to_owned(),
        updated: now.to_owned(),
    }
}

/// The many-to-one end.
pub(super) fn one(name: &str, label: &str, target: &str, inverse: &str, on_delete: OnDelete, now: &str) -> Field {
    let mut field = plain_field(name, label, Kind::Relation, now);
    let settings = json!({
        "onDelete": on_delete,
        "relationType": "MANY_TO_ONE",
        "joinColumnName": format!("{name}Id"),
    });
    field.settings = Some(settings);
    field.relation = Some(Relation::One { target: target.to_owned(), inverse: inverse.to_owned(), on_delete });
    field
}

/// The one-to-many end.
pub(super) fn many(name: &str, label: &str, source: &str, via: &str, now: &str) -> Field {
    let mut field = plain_field(name, label, Kind::Relation, now);
    field.settings = Some(json!({"relationType": "ONE_TO_MANY"}));
    field.relation = Some(Relation::Many { source: source.to_owned(), via: via.to_owned() });
    field
}

/// `advisedCompany` of `Advised company`.
pub(super) fn camel_case(label: &str) -> String {
    let mut name = String::new();
    for word in label.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let lower = word.to_lowercase();
        name += &if name.is_empty() { lower } else { crate::twenty::schema::capital(&lower) };
    }
    name
}

/// Both ends of the relation that `relationCreationPayload` asks for, the second with its object's name.
pub(super) fn both_ends(
    engine: &Engine,
    object: &Object,
    (name, label): (&str, &str),
    payload: &Value,
    now: &str,
) -> Result<(Field, Field, String), Box<Fault>> {
    let text = |key: &str| payload.get(key).and_then(Value::as_str).unwrap_or_default();
    let target = engine.schema.by_id(text("targetObjectMetadataId")).ok_or_else(|| {
        let message = "Object metadata relation target not found for relation creation payload";
        Box::new(Fault { code: "OBJECT_METADATA_NOT_FOUND", ..Fault::field(message, Value::Null) })
    })?;
    let other_label = text("targetFieldLabel");
    let other = camel_case(other_label);
    if other.is_empty() {
        let message = "Relation creation payload is invalid: targetFieldLabel is missing";
        return Err(Box::new(Fault::field(message, Value::Null)));
    }
    let taken = target.field(&other).is_some() || (target.id == object.id && other == name);
    if taken {
        return Err(Box::new(not_available(&other)));
    }
    let (mut near, mut far) = if text("type") == "ONE_TO_MANY" {
        (
            many(name, label, &target.singular, &other, now),
            one(&other, other_label, &object.singular, name, OnDelete::SetNull, now),
        )
    } else {
        (
            one(name, label, &target.singular, &other, OnDelete::SetNull, now),
            many(&other, other_label, &object.singular, name, now),
        )
    };
    if !engine.old() {
        let tied = format!("{} tied to the {}", object.type_names(), target.type_name());
        near.description = Some(tied);
        far.description = Some(format!("{} tied to the {}", target.type_names(), object.type_name()));
    }
    near.icon = Some("IconRelationOneToMany".to_owned());
    far.icon = Some(text("targetFieldIcon").to_owned());
    Ok((near, far, target.singular.clone()))
}
