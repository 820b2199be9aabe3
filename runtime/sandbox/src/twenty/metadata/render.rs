//! Objects and fields as the metadata API shows them, in either version's form.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::twenty::engine::Engine;
use crate::twenty::schema::{Field, Object, Relation};

/// The ids of the workspace and of the two applications, fixed so that two sandboxes agree.
pub(super) fn fixed(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("sandbox/{name}").as_bytes()).to_string()
}

/// The id of the application that a field or object belongs to.
pub(crate) fn application(custom: bool) -> String {
    fixed(if custom { "custom-application" } else { "standard-application" })
}

/// A field as it is read: what is null is left out.
pub(super) fn field(engine: &Engine, object: &Object, field: &Field) -> Value {
    if engine.old() {
        return old_field(engine, object, field);
    }
    let mut shown = changed_field(engine, object, field);
    if let Some(parts) = shown.as_object_mut() {
        parts.retain(|key, value| !(value.is_null() && matches!(key.as_str(), "defaultValue" | "options")));
    }
    shown
}

/// A field as a change of it is answered.
pub(crate) fn changed_field(engine: &Engine, object: &Object, field: &Field) -> Value {
    if engine.old() {
        return old_field(engine, object, field);
    }
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    put("id", json!(field.id));
    put("universalIdentifier", json!(field.universal_id));
    put("applicationId", json!(application(field.custom || object.custom)));
    put("type", json!(field.kind));
    put("name", json!(field.name));
    put("label", json!(field.label));
    put("isActive", json!(field.active));
    put("isSystem", json!(field.system));
    put("isUIEditable", json!(field.editable));
    put("isUIReadOnly", json!(!field.editable));
    put("isNullable", json!(field.nullable));
    put("isUnique", json!(field.unique));
    put("defaultValue", field.default.clone());
    put("options", json!(field.options));
    put("workspaceId", json!(fixed("workspace")));
    put("objectMetadataId", json!(object.id));
    put("isLabelSyncedWithName", json!(false));
    put("createdAt", json!(field.created));
    put("updatedAt", json!(field.updated));
    for (key, value) in [("description", &field.description), ("icon", &field.icon)] {
        if let Some(value) = value {
            put(key, json!(value));
        }
    }
    if let Some(settings) = &field.settings {
        put("settings", settings.clone());
    }
    Value::Object(shown)
}

fn old_field(engine: &Engine, object: &Object, field: &Field) -> Value {
    json!({
        "id": field.id,
        "type": field.kind,
        "name": field.name,
        "label": field.label,
        "description": field.description,
        "icon": field.icon,
        "isCustom": field.custom,
        "isActive": field.active,
        "isSystem": field.system,
        "isNullable": field.nullable,
        "createdAt": field.created,
        "updatedAt": field.updated,
        "defaultValue": field.default,
        "options": field.options,
        "relation": relation(engine, object, field),
    })
}

/// The other end of a relation, which only the older REST API and GraphQL show.
pub(crate) fn relation(engine: &Engine, object: &Object, field: &Field) -> Value {
    let (kind, target, name) = match &field.relation {
        None => return Value::Null,
        Some(Relation::One { target, inverse, .. }) => ("MANY_TO_ONE", target, inverse),
        Some(Relation::Many { source, via }) => ("ONE_TO_MANY", source, via),
    };
    let Some(found) = engine.schema.by_name(target) else { return Value::Null };
    let other = found.field(name);
    let names =
        |object: &Object| json!({"id": object.id, "nameSingular": object.singular, "namePlural": object.plural});
    json!({
        "type": kind,
        "targetObjectMetadata": names(found),
        "targetFieldMetadata": {"id": other.map(|other| &other.id), "name": name},
        "sourceObjectMetadata": names(object),
        "sourceFieldMetadata": {"id": field.id, "name": field.name},
    })
}

/// An object as it is read.
pub(super) fn object(engine: &Engine, object: &Object, with_fields: bool) -> Value {
    let mut shown = changed_object(engine, object, with_fields);
    if let (false, Some(parts)) = (engine.old(), shown.as_object_mut()) {
        parts.shift_remove("imageIdentifierFieldMetadataId");
        if !object.duplicates.is_empty() {
            let columns: Vec<[String; 1]> = object.duplicates.iter().map(|path| [column(path)]).collect();
            parts.insert("duplicateCriteria".into(), json!(columns));
        }
        if let Some(shortcut) = &object.shortcut {
            parts.insert("shortcut".into(), json!(shortcut));
        }
    }
    shown
}

/// `domainNamePrimaryLinkUrl` of `domainName.primaryLinkUrl`.
fn column(path: &str) -> String {
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &crate::twenty::schema::capital(part))
}

/// An object as a change of it is answered.
pub(super) fn changed_object(engine: &Engine, object: &Object, with_fields: bool) -> Value {
    let identifier = object.field(&object.identifier).map(|field| field.id.clone());
    let fields: Vec<Value> = object.fields.iter().map(|found| field(engine, object, found)).collect();
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    put("id", json!(object.id));
    put("nameSingular", json!(object.singular));
    put("namePlural", json!(object.plural));
    put("labelSingular", json!(object.label_singular));
    put("labelPlural", json!(object.label_plural));
    put("isActive", json!(object.active));
    put("isSystem", json!(object.system));
    put("createdAt", json!(object.created));
    put("updatedAt", json!(object.updated));
    put("labelIdentifierFieldMetadataId", json!(identifier));
    put("imageIdentifierFieldMetadataId", Value::Null);
    if engine.old() {
        put("isCustom", json!(object.custom));
        put("description", json!(object.description.as_deref().unwrap_or_default()));
        put("icon", json!(object.icon.as_deref().unwrap_or_default()));
    } else {
        put("universalIdentifier", json!(object.universal_id));
        put("applicationId", json!(application(object.custom)));
        put("isRemote", json!(false));
        put("isUIEditable", json!(true));
        put("isUICreatable", json!(!object.system));
        put("isUIReadOnly", json!(false));
        put("isSearchable", json!(!object.system));
        put("isLabelSyncedWithName", json!(false));
        put("workspaceId", json!(fixed("workspace")));
        for (key, value) in [("description", &object.description), ("icon", &object.icon)] {
            if let Some(value) = value {
                put(key, json!(value));
            }
        }
    }
    if with_fields {
        put("fields", Value::Array(fields));
    }
    Value::Object(shown)
}
