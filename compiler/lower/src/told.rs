//! Losses of values that the destination's catalog tells of.

use migr_check::{Field, Loss, Lost, Map, Spec};
use migr_plan::{ColumnType, DegradedRecords, Expr, FieldType};

use crate::columns::Columns;
use crate::degradations::{is_plain, kept_elsewhere};
use crate::stages::CUSTOM;

/// Reason of a loss, where the value is kept instead, and which records count.
pub(crate) type Told = ((String, Option<String>), DegradedRecords);

/// Losses of a field's values, as the catalog says of its type, or of itself.
pub(crate) fn losses(spec: &Spec, columns: Option<&Columns<'_>>, map: &Map, field: &Field) -> Vec<Told> {
    let path = format!("{}.{}", map.destination_object, field.name);
    let types = types(&field.ty);
    let is_own = spec.new_objects.iter().any(|object| object.plural == map.destination_object);
    let of_own = |loss: &Loss| {
        let ty = loss.of.strip_prefix(CUSTOM)?.strip_prefix('.')?;
        (is_own && types.contains(&ty)).then_some(loss.what)
    };
    // A word on objects of one's own stands in place of the word on all.
    let is_replaced =
        |loss: &Loss| spec.destination.losses.iter().any(|other| of_own(other).is_some_and(|what| what == loss.what));
    let is_of = |loss: &&Loss| {
        let is_of_type = || types.contains(&loss.of.as_str()) && !is_replaced(loss) || of_own(loss).is_some();
        loss.of == path || loss.is_new <= field.is_new && is_of_type()
    };
    let is_sent = |part: &String| spec.destination.undocumented.iter().any(|sent| sent.what == *part);
    let losses = spec.destination.losses.iter().filter(is_of);
    let losses = losses.filter(|loss| !loss.unless.as_ref().is_some_and(is_sent));
    losses.filter_map(|loss| told(loss, columns, map, field)).collect()
}

/// Names by which a catalog may mean a type.
pub(crate) fn types(ty: &FieldType) -> Vec<&str> {
    match ty {
        FieldType::Composite { name, .. } if name == "phones" => vec!["phones", "phone"],
        FieldType::Composite { name, .. } => vec![name],
        FieldType::Text => vec!["text"],
        FieldType::Phone => vec!["phone"],
        FieldType::File => vec!["file"],
        FieldType::Datetime => vec!["datetime"],
        FieldType::Currency => vec!["currency"],
        FieldType::Boolean => vec!["boolean"],
        FieldType::Richtext => vec!["richtext"],
        FieldType::List { .. } => vec!["list"],
        FieldType::Select { .. } => vec!["select"],
        FieldType::Multiselect { .. } => vec!["multiselect"],
        _ => Vec::new(),
    }
}

fn told(loss: &Loss, columns: Option<&Columns<'_>>, map: &Map, field: &Field) -> Option<Told> {
    let reason = loss.reason.clone();
    let (kept_in, counts) = match loss.what {
        Lost::Case | Lost::Drawings => (None, DegradedRecords::Lost),
        Lost::Currency | Lost::Form => {
            return (field.value != Expr::Default).then_some(((reason, None), DegradedRecords::Filled));
        }
        Lost::Holder => {
            return is_of_another(&field.value).then_some(((reason, None), DegradedRecords::Filled));
        }
        Lost::Extension => (extension(map, field), DegradedRecords::Lost),
        Lost::Lines => {
            let column = columns?.read_by(field).find(|column| column.ty == ColumnType::Richtext)?;
            if !is_plain(field) {
                return None;
            }
            (kept_elsewhere(map, field, &column.name), DegradedRecords::Lost)
        }
        Lost::Second => {
            let own = columns?.read_by(field).next()?;
            let other = columns?.object.columns.iter().find(|column| {
                column.ty == own.ty && column.name != own.name && kept_elsewhere(map, field, &column.name).is_some()
            })?;
            let kept_in = kept_elsewhere(map, field, &other.name);
            return Some(((format!("{reason} ({})", other.name), kept_in), DegradedRecords::Filled));
        }
        Lost::Time => {
            let has_time = columns?.read_by(field).any(|column| column.ty == ColumnType::Datetime);
            let kept_in = has_time.then(|| format!("{}.{}", map.destination_object, field.name));
            (kept_in, DegradedRecords::Filled)
        }
    };
    Some(((reason, kept_in), counts))
}

/// True for a reference that is read from a record which is referred to itself: what belongs to that one goes to another.
fn is_of_another(value: &Expr) -> bool {
    let mut is_of_another = false;
    value.walk(&mut |expr| {
        if let Expr::Reference { key, .. } = expr {
            key.walk(&mut |inner| is_of_another |= matches!(inner, Expr::Through { .. }));
        }
    });
    is_of_another
}

/// Another field of the map that takes a phone number's extension.
fn extension(map: &Map, field: &Field) -> Option<String> {
    let kept = map.fields.iter().find(|other| {
        let mut takes = false;
        other.value.walk(&mut |expr| takes |= matches!(expr, Expr::Call { function, .. } if function == "extension"));
        takes && other.reads.iter().any(|column| field.reads.contains(column))
    });
    kept.map(|other| format!("{}.{}", map.destination_object, other.name))
}
