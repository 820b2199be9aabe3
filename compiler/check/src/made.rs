//! Fields that setup makes though no map names them: those that a catalog says are `made`, of the objects that are written.

use migr_plan::FieldType;

use crate::catalog::{CUSTOM, Field};
use crate::schema::Schema;
use crate::spec::{Map, NewField};

/// The new fields of the maps, and those that their objects are given besides.
pub(crate) fn fields<'m>(schema: &Schema<'_>, maps: impl Iterator<Item = &'m Map>) -> Vec<NewField> {
    let mut fields = schema.finished_fields();
    for map in maps {
        let object = &map.destination_object;
        let is_new = schema.new_objects.iter().any(|new| new.plural == *object);
        let of = if is_new { CUSTOM } else { object.as_str() };
        for field in schema.catalog.objects.get(of).into_iter().flat_map(|known| known.fields.values()) {
            let Some(label) = &field.attributes.made else { continue };
            if fields.iter().all(|known| known.object != *object || known.name != *field.name.node) {
                fields.push(made(map, field, label));
            }
        }
        if let Some(label) = &map.association
            && fields.iter().all(|known| known.object != *object || known.label != *label)
        {
            fields.push(association(map, label));
        }
    }
    fields
}

fn made(map: &Map, field: &Field, label: &str) -> NewField {
    NewField {
        object: map.destination_object.clone(),
        name: field.name.node.to_string(),
        label: label.to_owned(),
        ty: field.ty.to_field_type(),
        options: Vec::new(),
        options_from: None,
        inverse: None,
        description: None,
        span: map.span,
    }
}

/// The association that the records of a link are of, named by its label.
fn association(map: &Map, label: &str) -> NewField {
    let ends = map.fields.iter().filter_map(|field| match &field.ty {
        FieldType::Reference { objects } => Some(objects.clone()),
        _ => None,
    });
    let name: String = label.chars().map(|sign| if sign.is_alphanumeric() { sign } else { '_' }).collect();
    NewField {
        object: map.destination_object.clone(),
        name: name.to_lowercase(),
        label: label.to_owned(),
        ty: FieldType::Reference { objects: ends.flatten().collect() },
        options: Vec::new(),
        options_from: None,
        inverse: None,
        description: None,
        span: map.span,
    }
}
