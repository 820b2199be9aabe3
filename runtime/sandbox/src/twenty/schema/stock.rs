//! The stock objects of either version, read from `schema/*.json`.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Field, Kind, Object, OnDelete, Relation};
use crate::TwentyVersion;

/// When the stock schema was made; fixed, so that two sandboxes agree.
const MADE: &str = "2026-01-01T00:00:00.000Z";

#[derive(Deserialize)]
struct Catalog {
    objects: Vec<StockObject>,
}

#[derive(Deserialize)]
struct StockObject {
    name: String,
    plural: String,
    label: String,
    label_plural: String,
    system: bool,
    identifier: String,
    system_fields: Vec<String>,
    #[serde(default)]
    icon: Option<String>,
    #[serde(default)]
    shortcut: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    duplicates: Vec<String>,
    fields: Vec<StockField>,
}

#[derive(Deserialize)]
struct StockField {
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    label: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    icon: Option<String>,
    #[serde(default)]
    system: bool,
    #[serde(default = "yes")]
    nullable: bool,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    default: Value,
    #[serde(default)]
    options: Option<Vec<[String; 3]>>,
    #[serde(default)]
    settings: Option<Value>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    inverse: Option<String>,
    #[serde(default)]
    on_delete: Option<OnDelete>,
    #[serde(default)]
    many: Option<String>,
    #[serde(default)]
    via: Option<String>,
}

fn yes() -> bool {
    true
}

/// An id that is the same in every sandbox of a version.
fn fixed_id(version: TwentyVersion, path: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("twenty-{}/{path}", version.name()).as_bytes()).to_string()
}

/// The objects of a new workspace.
pub(crate) fn stock_objects(version: TwentyVersion) -> Result<Vec<Object>, serde_json::Error> {
    let text = match version {
        TwentyVersion::V2_19 => include_str!("../../../schema/twenty-2.19.json"),
        TwentyVersion::V1_10 => include_str!("../../../schema/twenty-1.10.json"),
    };
    let catalog: Catalog = serde_json::from_str(text)?;
    Ok(catalog.objects.into_iter().map(|stock| object(version, stock)).collect())
}

fn object(version: TwentyVersion, stock: StockObject) -> Object {
    let name = stock.name;
    let id_of = |part: &str| fixed_id(version, &format!("{name}/{part}"));
    let system = stock.system_fields.iter().map(|field| system_field(version, field, id_of(field), MADE, false));
    let fields = system
        .chain(stock.fields.into_iter().map(|field| {
            let id = id_of(&field.name);
            stock_field(version, &name, field, id)
        }))
        .collect();
    Object {
        id: fixed_id(version, &name),
        universal_id: fixed_id(version, &format!("universal/{name}")),
        singular: name,
        plural: stock.plural,
        label_singular: stock.label,
        label_plural: stock.label_plural,
        description: stock.description,
        icon: stock.icon,
        shortcut: stock.shortcut,
        duplicates: stock.duplicates,
        identifier: stock.identifier,
        system: stock.system,
        custom: false,
        active: true,
        created: MADE.to_owned(),
        updated: MADE.to_owned(),
        fields,
    }
}

fn stock_field(version: TwentyVersion, object: &str, stock: StockField, id: String) -> Field {
    let path = format!("{object}/{}", stock.name);
    let relation = match (stock.to, stock.many) {
        (Some(target), _) => Some(Relation::One {
            target,
            inverse: stock.inverse.unwrap_or_default(),
            on_delete: stock.on_delete.unwrap_or(OnDelete::SetNull),
        }),
        (None, Some(source)) => Some(Relation::Many { source, via: stock.via.unwrap_or_default() }),
        (None, None) => None,
    };
    let options = stock.options.map(|options| stock_options(version, &path, &options));
    Field {
        universal_id: fixed_id(version, &format!("universal/{path}")),
        settings: stock.settings.or_else(|| relation_settings(&stock.name, relation.as_ref())),
        id,
        description: stock.description.or_else(|| Some(stock.label.clone())),
        icon: stock.icon.or_else(|| Some("IconList".to_owned())),
        name: stock.name,
        label: stock.label,
        kind: stock.kind,
        nullable: stock.nullable,
        unique: stock.unique,
        system: stock.system,
        editable: true,
        custom: false,
        active: true,
        default: stock.default,
        options,
        relation,
        created: MADE.to_owned(),
        updated: MADE.to_owned(),
    }
}

/// The options of a stock field, with ids.
fn stock_options(version: TwentyVersion, path: &str, options: &[[String; 3]]) -> Vec<Value> {
    let option = |(position, [value, label, color]): (usize, &[String; 3])| {
        let id = fixed_id(version, &format!("{path}/{value}"));
        json!({"id": id, "color": color, "label": label, "value": value, "position": position})
    };
    options.iter().enumerate().map(option).collect()
}

/// The settings that the metadata shows for a relation.
fn relation_settings(name: &str, relation: Option<&Relation>) -> Option<Value> {
    match relation? {
        Relation::One { on_delete, .. } => Some(json!({
            "onDelete": on_delete,
            "relationType": "MANY_TO_ONE",
            "joinColumnName": format!("{name}Id"),
        })),
        Relation::Many { .. } => Some(json!({"relationType": "ONE_TO_MANY"})),
    }
}

/// The fields that every custom object starts with, in the order of the recordings.
pub(crate) fn custom_system_fields(version: TwentyVersion, now: &str) -> Vec<Field> {
    let names: &[&str] = if version.is_old() {
        &["id", "name", "createdAt", "updatedAt", "deletedAt", "createdBy", "position", "searchVector"]
    } else {
        &["id", "name", "createdAt", "updatedAt", "deletedAt", "createdBy", "updatedBy", "position", "searchVector"]
    };
    let field = |name: &&str| system_field(version, name, Uuid::new_v4().to_string(), now, true);
    names.iter().map(field).collect()
}

/// One of the fields that objects share.
fn system_field(version: TwentyVersion, name: &str, id: String, now: &str, of_custom: bool) -> Field {
    let relative = (!of_custom && name.ends_with("At")).then(|| json!({"displayFormat": "RELATIVE"}));
    let actor = if of_custom {
        json!({"name": "''", "source": "'MANUAL'"})
    } else {
        json!({"name": "'System'", "source": "'MANUAL'", "workspaceMemberId": null})
    };
    let (kind, label, description, icon, nullable, default) = match name {
        "id" => (Kind::Uuid, "Id", "Id", "Icon123", false, json!("uuid")),
        "createdAt" => (Kind::DateTime, "Creation date", "Creation date", "IconCalendar", false, json!("now")),
        "updatedAt" => {
            let text = "Last time the record was changed";
            (Kind::DateTime, "Last update", text, "IconCalendarClock", false, json!("now"))
        }
        "deletedAt" => {
            let text = if of_custom { "Deletion date" } else { "Date when the record was deleted" };
            let icon = if of_custom { "IconCalendarClock" } else { "IconCalendarMinus" };
            (Kind::DateTime, "Deleted at", text, icon, true, Value::Null)
        }
        "position" => (Kind::Position, "Position", "Position", "IconHierarchy2", false, json!(0)),
        "createdBy" => (Kind::Actor, "Created by", "The creator of the record", "IconCreativeCommonsSa", false, actor),
        "updatedBy" => {
            let text = "The workspace member who last updated the record";
            (Kind::Actor, "Updated by", text, "IconUserCircle", false, actor)
        }
        "name" => (Kind::Text, "Name", "Name", "IconAbc", true, Value::Null),
        _ => (Kind::TsVector, "Search vector", "Field used for full-text search", "IconSearch", true, Value::Null),
    };
    let plain = name == "name";
    Field {
        universal_id: fixed_id(version, &format!("universal/system/{id}")),
        id,
        name: name.to_owned(),
        label: label.to_owned(),
        description: Some(description.to_owned()),
        icon: Some(icon.to_owned()),
        kind,
        nullable: if plain && version.is_old() { false } else { nullable },
        unique: false,
        system: if version.is_old() { matches!(name, "id" | "position" | "searchVector") } else { !plain },
        editable: plain || (!of_custom && matches!(name, "position" | "searchVector")),
        custom: false,
        active: !(of_custom && version.is_old() && name == "searchVector"),
        default: if plain && version.is_old() { json!("''") } else { default },
        options: None,
        settings: relative,
        relation: None,
        created: now.to_owned(),
        updated: now.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Relation, stock_objects};
    use crate::TwentyVersion;

    #[test]
    fn every_relation_of_the_stock_schema_has_its_other_end() {
        for version in [TwentyVersion::V2_19, TwentyVersion::V1_10] {
            let objects = stock_objects(version).unwrap();
            let has = |object: &str, field: &str| {
                objects.iter().any(|found| found.singular == object && found.field(field).is_some())
            };
            for object in &objects {
                for field in &object.fields {
                    match &field.relation {
                        Some(Relation::Many { source, via }) => {
                            assert!(has(source, via), "{}.{} in {version:?}", object.singular, field.name);
                        }
                        Some(Relation::One { target, .. }) => {
                            assert!(objects.iter().any(|found| found.singular == *target), "{target}");
                        }
                        None => {}
                    }
                }
            }
        }
    }
}
