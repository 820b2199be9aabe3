//! The walk over two plans: every difference of their JSON forms, by name and not by place.

use std::collections::BTreeMap;

use migr_plan::{Expr, PicklistRow, Plan, render};
use serde_json::{Map, Value};

use crate::Change;
use crate::identity::member;
use crate::kind::Kind;
use crate::setting;
use crate::words::{path_words, value_words};

/// Keys of a plan that say nothing about what is done, or follow from the rest as a whole.
const SILENT: &[&str] = &[
    "format_version",
    "description",
    "inputs",
    "estimate",
    "summary",
    "origin",
    "edges",
    "depends_on",
    "reads",
    "there",
    "records",
];

/// A part of a place in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key of an object.
    Key(String),
    /// A member of a list, by its name.
    Member(String),
}

/// A change and its place, for those who count its records.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) change: Change,
    pub(crate) place: Vec<Step>,
    /// The member itself, where it stands in one plan alone.
    pub(crate) item: Option<Value>,
}

/// The walk's state.
#[derive(Default)]
struct Walk {
    place: Vec<Step>,
    found: Vec<Found>,
}

/// Every difference of two plans.
pub(crate) fn between(before: &Plan, after: &Plan) -> Vec<Found> {
    let json = |plan: &Plan, other: &Plan| {
        let mut plan = plan.without_counts();
        split_rows(&mut plan, other);
        serde_json::to_value(plan).unwrap_or_default()
    };
    let mut walk = Walk::default();
    walk.compare(&json(before, after), &json(after, before));
    let mut found = walk.found;
    pair_renames(&mut found);
    mark_consequences(&mut found, (before, after));
    found
}

/// Splits the rows of picklists that the other plan has not with the same keys: a value that stands in another row and leads where it led is no change.
fn split_rows(plan: &mut Plan, other: &Plan) {
    for picklist in &mut plan.picklists {
        let Some(known) = other.picklist(&picklist.name) else { continue };
        let rows = std::mem::take(&mut picklist.rows);
        picklist.rows = rows
            .into_iter()
            .flat_map(|row| {
                if known.rows.iter().any(|one| one.keys == row.keys) {
                    return vec![row];
                }
                row.keys.iter().map(|key| PicklistRow { keys: vec![key.clone()], ..row.clone() }).collect()
            })
            .collect();
    }
}

impl Walk {
    fn compare(&mut self, before: &Value, after: &Value) {
        if before == after || self.is_reordered_concept(before, after) {
            return;
        }
        match (before, after) {
            (Value::Object(a), Value::Object(b)) if !is_unit(a) && !is_unit(b) => self.objects(a, b),
            (Value::Array(a), Value::Array(b)) => self.lists(a, b),
            _ => self.differs(Some(before), Some(after), None),
        }
    }

    /// True where two lists of a concept's fields, as text, differ by their order alone.
    fn is_reordered_concept(&self, before: &Value, after: &Value) -> bool {
        let (Some(Step::Key(first)), Some(a), Some(b)) = (self.place.first(), before.as_str(), after.as_str()) else {
            return false;
        };
        let sorted = |text: &str| {
            let mut parts: Vec<String> = text.split(", ").map(str::to_owned).collect();
            parts.sort();
            parts
        };
        first == "rows" && sorted(a) == sorted(b)
    }

    fn objects(&mut self, before: &Map<String, Value>, after: &Map<String, Value>) {
        let mut keys: Vec<&String> = before.keys().collect();
        keys.extend(after.keys().filter(|key| !before.contains_key(*key)));
        for key in keys.into_iter().filter(|key| !SILENT.contains(&key.as_str())) {
            self.place.push(Step::Key(key.clone()));
            match (before.get(key), after.get(key)) {
                (Some(a), Some(b)) => self.compare(a, b),
                (Some(Value::Array(a)), None) => self.lists(a, &[]),
                (None, Some(Value::Array(b))) => self.lists(&[], b),
                (Some(Value::Object(a)), None) if !is_unit(a) => self.objects(a, &Map::new()),
                (None, Some(Value::Object(b))) if !is_unit(b) => self.objects(&Map::new(), b),
                (a, b) => self.differs(a, b, None),
            }
            self.place.pop();
        }
    }

    fn lists(&mut self, before: &[Value], after: &[Value]) {
        let list = match self.place.last() {
            Some(Step::Key(key)) => key.clone(),
            _ => String::new(),
        };
        let (Some(a), Some(b)) = (named(&list, before), named(&list, after)) else {
            let (a, b) = (without_silent(before), without_silent(after));
            if a != b {
                self.differs(Some(&a).filter(|_| !before.is_empty()), Some(&b).filter(|_| !after.is_empty()), None);
            }
            return;
        };
        let mut names: Vec<&String> = a.keys().collect();
        names.extend(b.keys().filter(|name| !a.contains_key(*name)));
        for name in names {
            self.place.push(Step::Member(name.clone()));
            match (a.get(name), b.get(name)) {
                (Some(a), Some(b)) => self.compare(a, b),
                (a, b) => self.differs(a.copied(), b.copied(), a.or(b).map(|item| (*item).clone())),
            }
            self.place.pop();
        }
    }

    fn differs(&mut self, before: Option<&Value>, after: Option<&Value>, item: Option<Value>) {
        let kind = kind(&self.place, before, after);
        let words = |value: &Value| value_words(&self.place, value);
        let change = Change {
            kind,
            path: path_words(&self.place),
            before: before.filter(|value| !value.is_null()).map(words),
            after: after.filter(|value| !value.is_null()).map(words),
            records: None,
            at_most: false,
            owners: None,
            follows: false,
        };
        self.found.push(Found { change, place: self.place.clone(), item });
    }
}

/// An object that is compared as a whole: an expression, a tagged choice.
fn is_unit(object: &Map<String, Value>) -> bool {
    ["op", "do", "from"].iter().any(|tag| object.get(*tag).is_some_and(Value::is_string))
}

/// Members by name; none where one has no name, or two have the same.
fn named<'v>(list: &str, items: &'v [Value]) -> Option<BTreeMap<String, &'v Value>> {
    let mut members = BTreeMap::new();
    for item in items {
        if members.insert(member(list, item)?, item).is_some() {
            return None;
        }
    }
    Some(members)
}

/// A list without what says nothing about what is done.
fn without_silent(items: &[Value]) -> Value {
    fn cleaned(value: &Value) -> Value {
        match value {
            Value::Object(object) => Value::Object(
                object
                    .iter()
                    .filter(|(key, _)| !SILENT.contains(&key.as_str()))
                    .map(|(key, value)| (key.clone(), cleaned(value)))
                    .collect(),
            ),
            Value::Array(items) => Value::Array(items.iter().map(cleaned).collect()),
            other => other.clone(),
        }
    }
    Value::Array(items.iter().map(cleaned).collect())
}

/// Effect of a change at a place.
fn kind(place: &[Step], before: Option<&Value>, after: Option<&Value>) -> Kind {
    let keys = keys_of(place);
    let adds = before.is_none_or(Value::is_null);
    let takes = after.is_none_or(Value::is_null);
    match keys.as_slice() {
        [.., "sensitive"] => Kind::Masks,
        ["stages"] => {
            if adds {
                Kind::Adds
            } else {
                Kind::LeavesOut
            }
        }
        ["stages", "policies", "existing" | "deleted", ..]
        | ["stages", "fields", "on_empty" | "parts" | "create_only", ..] => Kind::Overwrites,
        ["stages", "policies" | "match" | "distinct", ..]
        | ["stages", "fields", "unique"]
        | ["source", "objects", "key"]
        | ["source", "objects", "columns", "unique"] => Kind::Identity,
        ["stages", "when"]
        | ["source", "dropped_files", ..]
        | ["source", "objects", "checks" | "skips" | "dropped" | "reference_only", ..] => Kind::LeavesOut,
        // Dropping a column loses what it held; a field that is there again is carried over.
        ["stages", "dropped", ..] => {
            if takes {
                Kind::Adds
            } else {
                Kind::Loses
            }
        }
        ["stages", "fields" | "links"] => {
            if takes {
                Kind::Loses
            } else {
                Kind::Adds
            }
        }
        ["stages", "fields", "type" | "is_new"]
        | ["stages", "deferred", ..]
        | ["setup", ..]
        | ["destination", "new_objects", ..] => Kind::Schema,
        ["stages", "rollback", ..] | ["degradations" | "rows", ..] => Kind::Fidelity,
        ["stages", ..] => Kind::Values,
        ["source", "objects", .., "retain"] => Kind::Policy,
        ["source", ..] | ["options", "timezone" | "country" | "currency"] => Kind::ReadsOtherwise,
        ["owners", ..] => Kind::WhoOwns,
        ["picklists", ..] => Kind::Picklist,
        ["destination", "limits", ..] => Kind::ReachOnly,
        ["destination", "settings", name, ..] if migr_plan::Destination::REACH.contains(name) => Kind::ReachOnly,
        ["destination", ..] => Kind::Destination,
        ["migration"] => Kind::Renames,
        _ => Kind::Policy,
    }
}

/// Turns a member that went and one that came, alike but for the name, into one renaming.
fn pair_renames(found: &mut Vec<Found>) {
    let mut at = 0;
    while at < found.len() {
        let pair = found
            .get(at)
            .filter(|gone| gone.change.after.is_none())
            .and_then(|gone| found.iter().position(|come| come.change.before.is_none() && is_renamed(gone, come)));
        let Some(come) = pair else {
            at += 1;
            continue;
        };
        let new = found.remove(come);
        if come < at {
            at -= 1;
        }
        let name = |place: &[Step]| match place.last() {
            Some(Step::Member(name)) => Some(name.clone()),
            _ => None,
        };
        if let Some(gone) = found.get_mut(at) {
            gone.change.kind = Kind::Renames;
            gone.change.before = name(&gone.place);
            gone.change.after = name(&new.place);
        }
        at += 1;
    }
}

/// True where two members, of the same list, differ by their name alone.
fn is_renamed(gone: &Found, come: &Found) -> bool {
    let list = |found: &Found| match found.place.as_slice() {
        [list @ .., Step::Member(_)] => Some(list.to_vec()),
        _ => None,
    };
    let essence = |item: &Value| {
        let part = |key: &str| item.get(key).cloned().unwrap_or_default();
        let is_field = item.get("field").is_some() && item.get("value").is_some();
        if is_field {
            return Some((part("value"), part("type"), Value::Null));
        }
        item.get("source_object")
            .map(|source| (source.clone(), part("destination_object"), without_origins(&part("when"))))
    };
    match (&gone.item, &come.item) {
        (Some(a), Some(b)) => {
            list(gone).is_some() && list(gone) == list(come) && essence(a).is_some() && essence(a) == essence(b)
        }
        _ => false,
    }
}

fn without_origins(value: &Value) -> Value {
    match without_silent(std::slice::from_ref(value)) {
        Value::Array(mut items) => items.pop().unwrap_or_default(),
        other => other,
    }
}

/// Marks what follows from other changes: changes of the schema and of concepts, deferred fields, options that a picklist's rows name, zones of columns that
/// name none, a dropped column whose field went, conversions that the language writes.
fn mark_consequences(found: &mut [Found], (before, after): (&Plan, &Plan)) {
    let plans = &[before, after];
    let decided = decided_fields(found, plans);
    let (redirected, carried) = (redirected_rows(found), carried_columns(found));
    let follows = |one: &Found| {
        follows(one, &decided, plans)
            || setting::decides(one, (before, after))
            || is_of_row(one, &redirected)
            || is_of_column(one, &carried)
    };
    let follows: Vec<bool> = found.iter().map(follows).collect();
    if follows.iter().all(|follows| *follows) {
        return;
    }
    for (one, follows) in found.iter_mut().zip(follows) {
        one.change.follows = follows;
    }
}

/// Rows of picklists that lead to another option: the option that one makes, or made, is told by it.
fn redirected_rows(found: &[Found]) -> Vec<(String, String)> {
    let redirected = found.iter().filter_map(|one| match one.place.as_slice() {
        [Step::Key(list), Step::Member(picklist), Step::Key(_), Step::Member(row), Step::Key(values)]
            if list == "picklists" && values == "values" =>
        {
            Some((picklist.clone(), row.clone()))
        }
        _ => None,
    });
    redirected.collect()
}

fn is_of_row(found: &Found, rows: &[(String, String)]) -> bool {
    match found.place.as_slice() {
        [Step::Key(_), Step::Member(picklist), Step::Key(_), Step::Member(row), Step::Key(new), ..] if new == "new" => {
            rows.iter().any(|(known, one)| known == picklist && one == row)
        }
        _ => false,
    }
}

/// Columns, with their stage, that a field reads which came or went: where one is dropped, or no longer is, the field tells it.
fn carried_columns(found: &[Found]) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for one in found {
        let ([Step::Key(stages), Step::Member(stage), Step::Key(fields), Step::Member(_)], Some(item)) =
            (one.place.as_slice(), &one.item)
        else {
            continue;
        };
        let value = item.get("value").and_then(|value| serde_json::from_value::<Expr>(value.clone()).ok());
        let Some(value) = value.filter(|_| stages == "stages" && matches!(fields.as_str(), "fields" | "links")) else {
            continue;
        };
        value.walk(&mut |expr| {
            if let Expr::Column { name } = expr {
                columns.push((stage.clone(), name.clone()));
            }
        });
    }
    columns
}

fn is_of_column(found: &Found, columns: &[(String, String)]) -> bool {
    match found.place.as_slice() {
        [Step::Key(_), Step::Member(stage), Step::Key(dropped), Step::Member(column)] if dropped == "dropped" => {
            columns.iter().any(|(known, one)| known == stage && one == column)
        }
        _ => false,
    }
}

/// Destination fields, with their object, whose picklist changes.
fn decided_fields(found: &[Found], plans: &[&Plan]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for one in found {
        let [Step::Key(list), Step::Member(name), ..] = one.place.as_slice() else { continue };
        if list != "picklists" {
            continue;
        }
        for picklist in plans.iter().filter_map(|plan| plan.picklist(name)) {
            fields.extend(picklist.fields.iter().map(|field| (picklist.object.clone(), field.clone())));
        }
    }
    fields
}

fn follows(found: &Found, decided: &[(String, String)], plans: &[&Plan]) -> bool {
    // Objects that a field may refer to grow and shrink with those that the migration makes.
    if matches!(
        keys_of(&found.place).as_slice(),
        ["stages", "fields", "type", "objects", ..] | ["stages", "links", "objects", ..]
    ) {
        return true;
    }
    if let [Step::Key(stages), Step::Member(stage), Step::Key(_), Step::Member(field), Step::Key(ty), ..] =
        found.place.as_slice()
        && stages == "stages"
        && ty == "type"
    {
        let objects = plans.iter().filter_map(|plan| plan.stage(stage)).map(|stage| &stage.destination_object);
        return objects.into_iter().any(|object| decided.contains(&(object.clone(), field.clone())));
    }
    let keys = keys_of(&found.place);
    match keys.as_slice() {
        ["setup" | "rows" | "degradations", ..]
        | ["stages", "deferred" | "rollback", ..]
        | ["destination", "new_objects", ..]
        | [
            "stages",
            "fields",
            "deferred" | "is_new" | "create_only" | "required" | "unique" | "linked_by" | "sensitive",
        ] => true,
        // A field whose expression reads the same was changed by something that it stands on.
        ["stages", ..] => found.change.before.is_some() && found.change.before == found.change.after,
        _ => false,
    }
}

/// Keys of a place, names of members left out.
fn keys_of(place: &[Step]) -> Vec<&str> {
    place.iter().filter_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None }).collect()
}

/// An expression in the language's words, where the value is one.
pub(crate) fn expression(value: &Value) -> Option<String> {
    value.get("op")?;
    let expression: Expr = serde_json::from_value(value.clone()).ok()?;
    Some(render::expression(&expression))
}
