//! The stages, in order.

use migr_check::{Field, ManyField, Map, Spec};
use migr_plan::{
    Deferred, DroppedColumn, Edge, Expr, FieldMapping, LinkMapping, Match, Rollback, RollbackClass, Stage,
};

use crate::Places;
use crate::graph::Order;
use crate::told::types;

/// The object of a catalog that stands for those that setup makes.
pub(crate) const CUSTOM: &str = "custom";

pub(crate) fn stages(spec: &Spec, order: &Order<'_>, places: &Places<'_>) -> Vec<Stage> {
    order.positions.iter().filter_map(|at| Some(stage(spec, order, *at, spec.maps.get(*at)?, places))).collect()
}

fn stage(spec: &Spec, order: &Order<'_>, at: usize, map: &Map, places: &Places<'_>) -> Stage {
    let edges = edges(spec, order, at, map, places);
    let mut depends_on: Vec<String> = edges.iter().filter(|edge| !edge.deferred).map(|edge| edge.on.clone()).collect();
    depends_on.sort();
    depends_on.dedup();
    // A link by a second call is made once all records are there.
    let is_deferred = |field: &Field| field.linked_by.is_some() || order.deferred.contains(&(at, field.name.as_str()));
    let deferred = map
        .fields
        .iter()
        .filter(|field| is_deferred(field))
        .map(|field| Deferred {
            field: field.name.clone(),
            reason: match &field.linked_by {
                Some(call) => format!("the call `{call}` links it, once the records are there"),
                None => deferred_reason(&edges, field),
            },
            origin: places.of(field.span),
        })
        .collect();
    Stage {
        id: map.id().to_owned(),
        map: map.name.clone(),
        formerly: map.formerly.clone(),
        description: map.description.clone(),
        source_object: map.source_object.clone(),
        destination_object: map.destination_object.clone(),
        depends_on,
        edges,
        association: map.association.clone(),
        when: map.when.clone(),
        distinct: map.distinct.clone(),
        matching: map.matching.as_ref().map(|matching| Match {
            all: matching.all,
            fields: matching.fields.clone(),
            origin: places.of(matching.span),
        }),
        policies: map.policies.clone(),
        fields: map.fields.iter().map(|field| field_mapping(field, is_deferred(field), places)).collect(),
        links: map.links.iter().map(|link| link_mapping(link, places)).collect(),
        deferred,
        dropped: map
            .dropped
            .iter()
            .map(|(column, reason, span)| DroppedColumn {
                column: column.clone(),
                reason: reason.clone(),
                records: None,
                origin: places.of(*span),
            })
            .collect(),
        there: None,
        rollback: rollback(spec, map),
        origin: places.of(map.span),
    }
}

fn edges(spec: &Spec, order: &Order<'_>, at: usize, map: &Map, places: &Places<'_>) -> Vec<Edge> {
    let references = order.references.get(at).map_or(&[][..], Vec::as_slice);
    references
        .iter()
        .filter_map(|reference| {
            let to = spec.maps.get(reference.to)?;
            Some(Edge {
                on: to.id().to_owned(),
                field: reference.field.to_owned(),
                reason: format!("{}.{} refers to {}", map.destination_object, reference.field, to.destination_object),
                deferred: order.deferred.contains(&(at, reference.field)),
                origin: places.of(reference.span),
            })
        })
        .collect()
}

fn deferred_reason(edges: &[Edge], field: &Field) -> String {
    let reasons: Vec<&str> =
        edges.iter().filter(|edge| edge.field == field.name).map(|edge| edge.reason.as_str()).collect();
    format!("{}, whose records are all written first", reasons.join(" and "))
}

fn field_mapping(field: &Field, deferred: bool, places: &Places<'_>) -> FieldMapping {
    FieldMapping {
        field: field.name.clone(),
        ty: field.ty.clone(),
        value: field.value.clone(),
        file_name: field.file_name.clone(),
        missing_file: field.missing_file,
        on_empty: field.on_empty,
        on_taken: field.on_taken,
        on_outside: field.on_outside,
        parts: field.parts.clone(),
        default: field.default.clone(),
        is_new: field.is_new,
        max: field.max,
        safe: field.safe,
        part_max: field.part_max.clone(),
        unique: field.unique.clone(),
        create_only: field.create_only,
        required: field.required,
        deferred,
        linked_by: field.linked_by.clone(),
        sensitive: field.is_sensitive,
        reads: field.reads.clone(),
        description: field.description.clone(),
        origin: places.of(field.span),
    }
}

fn link_mapping(link: &ManyField, places: &Places<'_>) -> LinkMapping {
    LinkMapping {
        field: link.name.clone(),
        through: link.through.clone(),
        objects: link.objects.clone(),
        value: link.value.clone(),
        on_missing: link.on_missing,
        reads: link.reads.clone(),
        origin: places.of(link.span),
    }
}

/// Degree to which a rollback can undo a map's records: as the catalog says of its object and of the types that it writes.
fn rollback(spec: &Spec, map: &Map) -> Rollback {
    let reason = match spec.options.on_rollback.as_deref() {
        Some("keep") => Some("a created record that others changed since, or refer to, stays"),
        Some("destroy") => Some("a created record goes with what others changed of it since, whatever refers to it"),
        _ => None,
    };
    if let Some(reason) = reason {
        return Rollback { class: RollbackClass::BestEffort, reason: Some(reason.to_owned()) };
    }
    let destination = &spec.destination;
    let is_written = |ty: &String| {
        map.fields.iter().any(|field| types(&field.ty).contains(&ty.as_str()) && field.value != Expr::Default)
    };
    let by_type = destination.rollback_of.iter().find(|(ty, _)| is_written(ty)).map(|(_, undone)| undone);
    let name = map.destination_object.as_str();
    let is_new = spec.new_objects.iter().any(|object| object.plural == name);
    let by_object = destination.rollback.get(if is_new { CUSTOM } else { name });
    match by_type.or(by_object) {
        Some(undone) => Rollback { class: undone.class, reason: undone.reason.clone() },
        None => Rollback { class: RollbackClass::Exact, reason: None },
    }
}
