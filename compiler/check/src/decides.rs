//! Columns that conditions alone read, or other records: no record of their own holds what they say.

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::{Expr, Operator, Recovery};
use migr_source::Span;

use crate::expression::World;
use crate::in_order::{IndexMap, IndexSet};
use crate::maps::Checked;
use crate::spec::{Map, SourceObject};

/// Objects of the source by their names.
type Objects<'o> = IndexMap<&'o str, &'o SourceObject>;

/// Notes at the first map of an object each column of it that no map of it takes anything of, and warns of it.
pub(crate) fn check(
    maps: &mut [(Span, Checked)],
    objects: &[SourceObject],
    world: &World<'_>,
    diagnostics: &mut Diagnostics,
) {
    let has_errors = diagnostics.has_errors();
    let by_name: Objects<'_> = objects.iter().map(|object| (object.name.as_str(), object)).collect();
    let mut by_object: IndexMap<String, Vec<usize>> = IndexMap::default();
    for (at, (_, map)) in maps.iter().enumerate() {
        by_object.entry(map.spec.source_object.clone()).or_default().push(at);
    }
    for object in objects {
        let Some(positions) = by_object.get(&object.name) else { continue };
        let its = || positions.iter().filter_map(|at| maps.get(*at)).map(|(_, map)| map);
        if its().any(|map| map.is_broken) {
            continue;
        }
        let held: IndexSet<String> = its().flat_map(|map| held(&map.spec, Some(&by_name))).map(str::to_owned).collect();
        let is_left = |name: &str| {
            !object.key.iter().any(|key| key == name)
                && !held.contains(name)
                && !its().any(|map| map.drops.contains_key(name))
        };
        let left: Vec<String> =
            object.columns.iter().map(|column| column.name.clone()).filter(|name| is_left(name)).collect();
        // By the object that a reference leads to, it is seen which one the column names.
        let seen: IndexSet<&str> = object
            .columns
            .iter()
            .filter(|column| held.contains(&column.name))
            .filter_map(|column| Some(column.reference.as_ref()?.by.as_ref()?.column.as_str()))
            .collect();
        // The map of all its records tells, rather than one of a column's values.
        let is_whole = |at: &&usize| maps.get(**at).is_some_and(|(_, map)| map.spec.distinct.is_none());
        let place = positions.iter().find(is_whole).or(positions.first()).copied();
        let Some((span, first)) = place.and_then(|place| maps.get_mut(place)) else { continue };
        for name in left {
            let declared = world.source.objects.get(object.name.as_str());
            let declared = declared.and_then(|known| known.fields.get(name.as_str()));
            if let Some(declared) = declared.filter(|_| !has_errors && !seen.contains(name.as_str())) {
                diagnostics.push(
                    Diagnostic::new(
                        Code::W0337,
                        format!(
                            "no record of its own holds `{name}` of `{}`: conditions, policies or other records alone read it",
                            object.name
                        ),
                        *span,
                        format!("takes nothing of `{name}`"),
                    )
                    .with_label(declared.name.span, "declared here")
                    .with_help(format!(
                        "map it, or say in map `{}` that it is meant: `drop {name} : \"reason\"`",
                        first.spec.name
                    )),
                );
            }
            first.spec.decides.push((name, declared.map_or(first.spec.name_span, |declared| declared.name.span)));
        }
    }
}

/// Columns of which a map takes something. Without the objects, a column by which others are read counts too.
pub(crate) fn held<'m>(map: &'m Map, objects: Option<&Objects<'_>>) -> Vec<&'m str> {
    let fields = map.fields.iter().flat_map(|field| std::iter::once(&field.value).chain(&field.file_name));
    let distinct = map.distinct.iter().map(|distinct| &distinct.value);
    let mut found = Vec::new();
    for value in fields.chain(map.links.iter().map(|link| &link.value)).chain(distinct) {
        takes(value, objects, &mut found);
    }
    found
}

/// Adds the columns of which an expression's value holds something: all that it reads, but for what conditions and comparisons read.
fn takes<'e>(expr: &'e Expr, objects: Option<&Objects<'_>>, found: &mut Vec<&'e str>) {
    let mut all = |parts: &mut dyn Iterator<Item = &'e Expr>| parts.for_each(|part| takes(part, objects, found));
    match expr {
        Expr::Column { name } => found.push(name),
        Expr::Through { key, target, field, .. } => {
            // What the referred record is named by is what the column holds.
            let is_name = objects.is_none_or(|objects| {
                let named = objects.get(target.object.as_str());
                target.column.as_ref().is_some_and(|column| column == field)
                    || target.column.is_none() && named.is_some_and(|named| named.key == [field.clone()])
            });
            if is_name {
                takes(key, objects, found);
            }
        }
        Expr::Call { arguments, .. } => all(&mut arguments.iter()),
        Expr::Binary { operator: Operator::Add | Operator::Coalesce, left, right } => {
            all(&mut [&**left, &**right].into_iter());
        }
        Expr::If { then, otherwise, .. } => all(&mut [&**then, &**otherwise].into_iter()),
        Expr::Record { fields } | Expr::Existing { fields, .. } => all(&mut fields.iter().map(|field| &field.value)),
        Expr::List { items: parts }
        | Expr::Tuple { items: parts }
        | Expr::Template { parts }
        | Expr::Picklist { inputs: parts, .. } => all(&mut parts.iter()),
        Expr::Reference { key: value, .. } | Expr::Owner { key: value, .. } | Expr::Convert { value, .. } => {
            takes(value, objects, found);
        }
        Expr::Otherwise { value, recovery } => {
            takes(value, objects, found);
            if let Recovery::Use { value } = recovery {
                takes(value, objects, found);
            }
        }
        Expr::Binary { .. }
        | Expr::Not { .. }
        | Expr::None
        | Expr::Default
        | Expr::Boolean { .. }
        | Expr::Number { .. }
        | Expr::Text { .. }
        | Expr::Option { .. }
        | Expr::DistinctValue => {}
    }
}
