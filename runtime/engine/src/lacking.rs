//! Parts that the maps of a plan write and the live destination lacks.

use std::collections::BTreeSet;

use migr_load::{Destination, LoadError, Schema};
use migr_plan::{Expr, FieldType, Origin, Plan, SetupAction, Stage};
use migr_transform::Reference;

use crate::Context;

/// Something that a map writes and that the live destination cannot hold, and that no setup makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Gap, its reason and what to do, in words.
    pub text: String,
    /// `opportunities.owner`, or the object.
    pub what: String,
    /// Place where a person looks at it too, in words.
    pub probe: String,
    /// The line of the spec that writes it.
    pub origin: Origin,
}

/// Parts and rights that a begun migration still lacks: where nothing is left to write no right to write is asked for.
pub(crate) async fn lacking_still(
    context: &Context,
    schema: &Schema,
    is_through: bool,
) -> Result<Vec<Lack>, LoadError> {
    let (plan, destination) = (&context.plan, &*context.destination);
    if is_through { Ok(parts(plan, schema, destination)) } else { lacking(plan, schema, destination).await }
}

/// Parts that the maps of a plan write and the live destination does not have, and rights without which it is not written. Nothing is changed by asking.
pub(crate) async fn lacking(
    plan: &Plan,
    schema: &Schema,
    destination: &dyn Destination,
) -> Result<Vec<Lack>, LoadError> {
    let mut lacks = parts(plan, schema, destination);
    for barred in destination.barred().await? {
        let writes = |stage: &&Stage| stage.destination_object == barred.object;
        let Some(stage) = plan.stages.iter().find(writes).or_else(|| plan.stages.first()) else { continue };
        let Origin { file, line, .. } = &stage.origin;
        lacks.push(Lack {
            text: format!("{file}:{line} writes `{}`: {}", barred.object, barred.why),
            probe: format!("rights of the token: {}", barred.right),
            what: barred.right,
            origin: stage.origin.clone(),
        });
    }
    Ok(lacks)
}

/// Parts that the maps of a plan write and the live destination does not have: an object, a field, a type, a way to
/// link.
fn parts(plan: &Plan, schema: &Schema, destination: &dyn Destination) -> Vec<Lack> {
    if schema.objects.is_empty() {
        // It does not describe itself.
        return Vec::new();
    }
    let makes_object = |name: &str| {
        plan.setup.iter().any(|action| matches!(action, SetupAction::CreateObject { object, .. } if object == name))
    };
    let makes_field = |name: &str, of: &str| {
        plan.setup.iter().any(
            |action| matches!(action, SetupAction::CreateField { object, field, .. } if object == of && field == name),
        )
    };
    let server = format!("the destination ({} {})", plan.destination.system, schema.version);
    let mut lacks: Vec<Lack> = Vec::new();
    let mut add = |what: String, origin: &Origin, why: String| {
        if lacks.iter().all(|lack| lack.what != what) {
            let text = format!("{}:{} writes `{what}`: {why}", origin.file, origin.line);
            let probe = format!("metadata of {what}");
            lacks.push(Lack { text, what, probe, origin: origin.clone() });
        }
    };
    for stage in &plan.stages {
        let object = &stage.destination_object;
        let Some(live) = schema.objects.get(object) else {
            if !makes_object(object) {
                let why = format!("{server} has no object of this name; write to another, or make it with `new`");
                add(object.clone(), &stage.origin, why);
            }
            continue;
        };
        for field in &stage.fields {
            let what = format!("{object}.{}", field.field);
            if makes_field(&field.field, object) {
                continue;
            }
            match live.fields.get(&field.field) {
                None => {
                    let why = format!(
                        "{server} has no such field; use the catalog of its version, where `new {}` makes one, map it to a field that is there, or leave it out",
                        field.field
                    );
                    add(what, &field.origin, why);
                }
                Some(found) if !found.writable => {
                    add(what, &field.origin, format!("{server} does not let it be written; leave it out"));
                }
                // What it refers to is not there yet.
                Some(_) if refers_to(&field.ty, &makes_object) => {}
                Some(found) if field.ty != FieldType::File => {
                    if let Err(why) = destination.holds(found, &field.ty) {
                        add(what, &field.origin, format!("{server} has another field of this name: {why}"));
                    }
                }
                Some(_) => {}
            }
        }
        for link in &stage.links {
            if !schema.objects.contains_key(&link.through) && !makes_object(&link.through) {
                let why = format!("{server} has no `{}` to keep links in; leave them out", link.through);
                add(format!("{object}.{}", link.field), &link.origin, why);
                continue;
            }
            // An object that setup makes brings its links with it.
            for target in link_targets(plan, &link.value) {
                if makes_object(object) || makes_object(&link.through) || makes_object(target) {
                    continue;
                }
                let reference = Reference { object: target.into(), id: SOME_ID.into() };
                if let Err(error) = destination.link_body(link, object, SOME_ID, &reference) {
                    let why = format!("{server} cannot link `{object}` to `{target}`: {error}; leave it out");
                    add(format!("{object}.{}", link.field), &link.origin, why);
                }
            }
        }
    }
    lacks
}

/// Any id.
const SOME_ID: &str = "00000000-0000-4000-8000-000000000000";

/// The destination objects that the references of an expression lead to.
fn link_targets<'p>(plan: &'p Plan, value: &'p Expr) -> BTreeSet<&'p str> {
    let mut stages: BTreeSet<&str> = BTreeSet::new();
    value.walk(&mut |inner| {
        if let Expr::Reference { targets, .. } = inner {
            stages.extend(targets.iter().flat_map(|target| target.stages.iter().map(String::as_str)));
        }
    });
    let of_them = plan.stages.iter().filter(|stage| stages.contains(stage.id.as_str()));
    of_them.map(|stage| stage.destination_object.as_str()).collect()
}

fn refers_to(ty: &FieldType, is_made: &dyn Fn(&str) -> bool) -> bool {
    match ty {
        FieldType::Reference { objects } | FieldType::Many { objects, .. } => {
            objects.iter().any(|object| is_made(object))
        }
        _ => false,
    }
}
