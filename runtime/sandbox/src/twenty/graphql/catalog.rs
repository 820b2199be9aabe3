//! `objects` and `fields` of `/metadata`: the only place where the newer server tells a relation's target.

use serde_json::{Map, Value, json};

use super::{Refusal, Selection, select};
use crate::twenty::engine::Engine;
use crate::twenty::metadata;
use crate::twenty::schema::{Field, Kind, Object};

/// The connection of all objects.
pub(super) fn objects(engine: &Engine, field: &Selection) -> Result<Value, Refusal> {
    let mut all: Vec<(&str, Value)> =
        engine.schema.objects.iter().map(|object| (object.id.as_str(), shown_object(engine, object))).collect();
    all.sort_by(|one, other| other.0.cmp(one.0));
    connection(&all, field, "Object")
}

/// The connection of all fields.
pub(super) fn fields(engine: &Engine, field: &Selection) -> Result<Value, Refusal> {
    let of = |object: &'_ Object| shown_fields(engine, object);
    let shown: Vec<Value> = engine.schema.objects.iter().flat_map(of).collect();
    let mut all: Vec<(&str, Value)> = shown
        .iter()
        .map(|field| (field.get("id").and_then(Value::as_str).unwrap_or_default(), field.clone()))
        .collect();
    all.sort_by(|one, other| other.0.cmp(one.0));
    connection(&all, field, "Field")
}

fn connection(all: &[(&str, Value)], field: &Selection, of: &str) -> Result<Value, Refusal> {
    let paging = field.arguments.get("paging").cloned().unwrap_or_default();
    let first = paging.get("first").and_then(Value::as_u64).and_then(|first| first.try_into().ok()).unwrap_or(10);
    let after = paging.get("after").and_then(Value::as_str);
    let rest: Vec<&(&str, Value)> = all.iter().filter(|(id, _)| after.is_none_or(|after| *id < after)).collect();
    let page: Vec<&(&str, Value)> = rest.iter().take(first).copied().collect();
    let cursor = |entry: Option<&&(&str, Value)>| entry.map(|(id, _)| (*id).to_owned());
    let info = json!({
        "hasNextPage": rest.len() > page.len(),
        "hasPreviousPage": false,
        "startCursor": cursor(page.first()),
        "endCursor": cursor(page.last()),
    });
    let mut picked = Map::new();
    for part in &field.fields {
        let value = match part.name.as_str() {
            "pageInfo" => select::pick(&info, &part.fields, "PageInfo")?,
            "edges" => {
                let edge = |(id, node): &&(&str, Value)| {
                    let mut edge = Map::new();
                    for inner in &part.fields {
                        let value = match inner.name.as_str() {
                            "node" => select::pick(node, &inner.fields, of)?,
                            _ => json!(id),
                        };
                        edge.insert(inner.alias.clone(), value);
                    }
                    Ok(Value::Object(edge))
                };
                Value::Array(page.iter().map(edge).collect::<Result<_, Refusal>>()?)
            }
            _ => return Err(Refusal::unknown(part, &format!("{of}Connection"))),
        };
        picked.insert(part.alias.clone(), value);
    }
    Ok(Value::Object(picked))
}

fn shown_object(engine: &Engine, object: &Object) -> Value {
    let mut shown = metadata::shown_object(engine, object);
    let fields = shown_fields(engine, object);
    if let Some(parts) = shown.as_object_mut() {
        let edges: Vec<Value> = fields.iter().map(|field| json!({ "node": field })).collect();
        parts.insert("fields".into(), json!({"edges": edges, "pageInfo": {"hasNextPage": false}}));
        parts.insert("fieldsList".into(), Value::Array(fields));
    }
    shown
}

/// The fields; on the newer server the relations to several objects are one field named `target`.
fn shown_fields(engine: &Engine, object: &Object) -> Vec<Value> {
    let mut shown = Vec::new();
    let morphs: Vec<&Field> = object.fields.iter().filter(|field| field.kind == Kind::MorphRelation).collect();
    for field in object.fields.iter().filter(|field| field.kind != Kind::MorphRelation) {
        let mut relation = metadata::relation(engine, object, field);
        let morph = relation.get("targetObjectMetadata").and_then(|target| target.get("nameSingular")?.as_str());
        let to_morph = morph.and_then(|name| engine.schema.by_name(name)).is_some_and(|target| {
            let via = relation.get("targetFieldMetadata").and_then(|via| via.get("name")?.as_str());
            via.and_then(|via| target.field(via)).is_some_and(|via| via.kind == Kind::MorphRelation)
        });
        if let (true, Some(name)) = (to_morph, relation.pointer_mut("/targetFieldMetadata/name")) {
            *name = json!("target");
        }
        shown.push(shown_field(engine, object, field, relation, Value::Null));
    }
    if let Some(first) = morphs.first() {
        let relations: Vec<Value> = morphs.iter().map(|field| metadata::relation(engine, object, field)).collect();
        let mut target = (*first).clone();
        "target".clone_into(&mut target.name);
        shown.push(shown_field(engine, object, &target, Value::Null, Value::Array(relations)));
    }
    shown
}

fn shown_field(engine: &Engine, object: &Object, field: &Field, relation: Value, morphs: Value) -> Value {
    let mut shown = metadata::changed_field(engine, object, field);
    if let Some(parts) = shown.as_object_mut() {
        for key in ["description", "icon", "settings"] {
            parts.entry(key).or_insert(Value::Null);
        }
        parts.insert("relation".into(), relation);
        parts.insert("morphRelations".into(), morphs);
    }
    shown
}
