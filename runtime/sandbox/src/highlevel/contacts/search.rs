//! Search of contacts: filters over an index that lags, pages by the last record of the one before.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text, texts};
use crate::highlevel::contacts::{duplicates, name, shown, values};
use crate::highlevel::index::{self, Indexed, Query};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{clock, shapes};
use crate::store::Row;

/// The most contacts of one page, and the most that pages by number reach.
const PAGE: u64 = 500;
const REACH: u64 = 10_000;
const LONGEST_QUERY: usize = 75;

/// Fields that hold one text.
const TEXTS: [&str; 14] = [
    "id",
    "phone",
    "firstNameLowerCase",
    "lastNameLowerCase",
    "businessName",
    "companyName",
    "businessId",
    "assignedTo",
    "source",
    "city",
    "state",
    "country",
    "postalCode",
    "address",
];

/// One test of a filter, or several of which all or one must hold.
#[derive(Debug)]
enum Filter {
    Test { field: String, operator: String, value: Value },
    Group { all: bool, filters: Vec<Filter> },
}

/// Searches contacts.
pub(crate) fn search(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::CONTACT_SEARCH)?;
    let limit = input.get("pageLimit").and_then(Value::as_u64).filter(|limit| (1..=PAGE).contains(limit));
    let limit = limit.ok_or_else(|| Refusal::bad(format!("pageLimit must be between 1 and {PAGE}")))?;
    let page = input.get("page").and_then(Value::as_u64).unwrap_or(1).max(1);
    let after = input.get("searchAfter").and_then(Value::as_array).filter(|after| !after.is_empty());
    if after.is_none() && page.saturating_mul(limit) > REACH {
        return Err(Refusal::bad(format!("Pages by number end at {REACH} records; use searchAfter")));
    }
    let query = text(input, "query").map(str::to_lowercase);
    if query.as_ref().is_some_and(|query| query.chars().count() > LONGEST_QUERY) {
        return Err(Refusal::bad(format!("query must be shorter than or equal to {LONGEST_QUERY} characters")));
    }
    let filters = filters(input.get("filters"))?;
    filters.iter().try_for_each(|filter| searchable(state, filter))?;
    let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let asked = Query {
        kind: "contact",
        holding: certain(&filters),
        after: after.map(|after| position(after)).transpose()?,
        skip: if after.is_some() { 0 } else { place((page - 1) * limit) },
        limit: place(limit),
    };
    let (found, total) = if filters.is_empty() && query.is_none() {
        index::page(state, &asked)?
    } else {
        let fits = |record: &Indexed| {
            filters.iter().all(|filter| passes(state, filter, record))
                && query.as_ref().is_none_or(|query| mentions(record, query))
        };
        index::search(state, &asked, fits)?
    };
    let contacts: Vec<Value> = found.into_iter().map(|record| answered(state, record)).collect();
    Ok((200, json!({"contacts": contacts, "total": total})))
}

/// A contact of the index, with the place in the list after which the next page begins.
fn answered(state: &State, record: Indexed) -> Value {
    let after = json!([record.at, record.id]);
    let Indexed { id, created, updated, body, .. } = record;
    let row = Row { id, created, updated, deleted: None, kept: false, body };
    let mut shown = shown(state, &row, true);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("searchAfter".into(), after);
    }
    shown
}

fn position(after: &[Value]) -> Result<(i64, String), Refusal> {
    match after {
        [Value::Number(at), Value::String(id)] => Ok((at.as_i64().unwrap_or(i64::MAX), id.clone())),
        _ => Err(Refusal::bad("searchAfter must be the one of a record that was answered")),
    }
}

fn filters(given: Option<&Value>) -> Result<Vec<Filter>, Refusal> {
    given.and_then(Value::as_array).into_iter().flatten().map(filter).collect()
}

fn filter(given: &Value) -> Result<Filter, Refusal> {
    if let Some(group) = given.get("group").and_then(Value::as_str) {
        let all = match group {
            "AND" => true,
            "OR" => false,
            other => return Err(Refusal::bad(format!("Invalid group {other}"))),
        };
        return Ok(Filter::Group { all, filters: filters(given.get("filters"))? });
    }
    let word = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (field, operator) = (word("field"), word("operator"));
    let custom = field.starts_with("customFields.");
    let operators: &[&str] = match field.as_str() {
        "email" => &["eq", "exists", "not_exists"],
        "dateAdded" | "dateUpdated" => &["range", "exists", "not_exists"],
        _ => &["eq", "not_eq", "contains", "not_contains", "exists", "not_exists"],
    };
    if !custom
        && !TEXTS.contains(&field.as_str())
        && !["email", "dateAdded", "dateUpdated", "tags"].contains(&field.as_str())
    {
        return Err(Refusal::bad(format!("Invalid field {field} in filters")));
    }
    if !operators.contains(&operator.as_str()) {
        return Err(Refusal::bad(format!("Invalid operator {operator} for the field {field}")));
    }
    Ok(Filter::Test { field, operator, value: given.get("value").cloned().unwrap_or_default() })
}

/// The refusal of a custom field whose type searches do not read.
fn searchable(state: &State, filter: &Filter) -> Result<(), Refusal> {
    match filter {
        Filter::Group { filters, .. } => filters.iter().try_for_each(|filter| searchable(state, filter)),
        Filter::Test { field, .. } => {
            let Some(id) = field.strip_prefix("customFields.") else { return Ok(()) };
            let kind = state.get("customField", id)?.and_then(|row| text(&row.body, "dataType").map(str::to_owned));
            match kind.as_deref() {
                None | Some("TEXT" | "LARGE_TEXT" | "SINGLE_OPTIONS" | "RADIO" | "PHONE") => Ok(()),
                Some(kind) => Err(Refusal::bad(format!("Custom fields of the type {kind} cannot be searched"))),
            }
        }
    }
}

/// A text that every record which passes must hold, as it is stored.
fn certain(filters: &[Filter]) -> Option<String> {
    filters.iter().find_map(|filter| match filter {
        Filter::Test { field, operator, value: Value::String(value) } if operator == "eq" => match field.as_str() {
            "email" => Some(value.trim().to_lowercase()),
            "phone" | "businessId" | "assignedTo" => Some(value.clone()),
            _ if field.starts_with("customFields.") => {
                let quoted = Value::from(value.as_str()).to_string();
                Some(quoted.trim_matches('"').to_owned())
            }
            _ => None,
        },
        _ => None,
    })
}

fn passes(state: &State, filter: &Filter, record: &Indexed) -> bool {
    match filter {
        Filter::Group { all: true, filters } => filters.iter().all(|filter| passes(state, filter, record)),
        Filter::Group { all: false, filters } => filters.iter().any(|filter| passes(state, filter, record)),
        Filter::Test { field, operator, value } => test(state, field, operator, value, record),
    }
}

fn test(state: &State, field: &str, operator: &str, value: &Value, record: &Indexed) -> bool {
    if field == "dateAdded" || field == "dateUpdated" {
        let time = clock::ms_of(if field == "dateAdded" { &record.created } else { &record.updated });
        let bound = |key: &str| {
            value
                .get(key)
                .and_then(|bound| bound.as_i64().or_else(|| Some(clock::instant(bound.as_str()?)?.as_millisecond())))
        };
        return match operator {
            "range" => bound("gte").is_none_or(|from| time >= from) && bound("lte").is_none_or(|to| time <= to),
            "exists" => true,
            _ => false,
        };
    }
    let held = held(state, field, record);
    let wanted: Vec<String> = match value {
        Value::Array(items) => items.iter().map(plain).collect(),
        other => vec![plain(other)],
    };
    let equal = |one: &String| wanted.iter().any(|wanted| wanted.to_lowercase() == one.to_lowercase());
    let contains = |one: &String| wanted.iter().any(|wanted| bare(one).contains(&bare(wanted)));
    match operator {
        "eq" => held.iter().any(equal),
        "not_eq" => !held.iter().any(equal),
        "contains" => held.iter().any(contains),
        "not_contains" => !held.iter().any(contains),
        "exists" => !held.is_empty(),
        _ => held.is_empty(),
    }
}

fn held(state: &State, field: &str, record: &Indexed) -> Vec<String> {
    let body = &record.body;
    let lower = |key: &str| text(body, key).map(str::to_lowercase);
    let one = match field {
        "id" => Some(record.id.clone()),
        "email" => text(body, "emailLowerCase").map(str::to_owned),
        "firstNameLowerCase" => lower("firstName"),
        "lastNameLowerCase" => lower("lastName"),
        "address" => text(body, "address1").map(str::to_owned),
        "tags" => return texts(body, "tags"),
        "businessName" => {
            let business = text(body, "businessId").and_then(|id| state.get("business", id).ok().flatten());
            business.and_then(|row| text(&row.body, "name").map(str::to_owned))
        }
        _ => match field.strip_prefix("customFields.") {
            Some(id) => match body.get("customFields").and_then(|values| values.get(id)) {
                Some(Value::Array(items)) => return items.iter().map(plain).collect(),
                value => value.map(plain),
            },
            None => text(body, field).map(str::to_owned),
        },
    };
    one.into_iter().collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text without signs that are no letters or digits: `contains` takes no notice of them.
fn bare(text: &str) -> String {
    text.to_lowercase().chars().filter(|sign| sign.is_alphanumeric()).collect()
}

fn mentions(record: &Indexed, query: &str) -> bool {
    let whole = name(&record.body).to_lowercase();
    let values = ["emailLowerCase", "phone", "companyName"]
        .map(|key| text(&record.body, key).unwrap_or_default().to_lowercase());
    whole.contains(query) || values.iter().any(|value| value.contains(query))
}

/// Looks a duplicate up by address first, then by number; it reads the records themselves and does not lag.
pub(crate) fn duplicate(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let mut asked = Map::new();
    asked.extend(call.param("email").map(|email| ("email".to_owned(), email.into())));
    asked.extend(call.param("number").map(|number| ("phone".to_owned(), number.into())));
    let asked = values::written(state, &Map::new(), &asked, values::Written::Over)?;
    let found = duplicates::holder(state, &asked, None)?;
    Ok((200, json!({"contact": found.map(|(row, _)| shown(state, &row, true))})))
}

/// Lists contacts, the newest first; gone in v3.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let after = match (call.param("startAfter").and_then(|at| at.parse().ok()), call.param("startAfterId")) {
        (Some(at), Some(id)) => Some((at, id.to_owned())),
        _ => None,
    };
    let asked = Query { kind: "contact", holding: None, after, skip: 0, limit: call.number("limit", 20, 100)? };
    let query = call.param("query").map(str::to_lowercase);
    let (found, total) =
        index::search(state, &asked, |record| query.as_ref().is_none_or(|query| mentions(record, query)))?;
    let last = found.last().map(|record| (record.at, record.id.clone()));
    let contacts: Vec<Value> = found.into_iter().map(|record| answered(state, record)).collect();
    let (at, id) = last.unzip();
    Ok((
        200,
        json!({"contacts": contacts, "count": total, "meta": {"total": total, "startAfter": at, "startAfterId": id}}),
    ))
}

/// Lists the contacts of a business.
pub(crate) fn of_business(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    call.needed("locationId")?;
    let (limit, skip) = (call.number("limit", 25, 100)?, call.number("skip", 0, usize::MAX)?);
    let rows = state.linked("contact", "contact.business", at(ids, 0))?;
    let page: Vec<Value> = rows.iter().skip(skip).take(limit).map(|row| shown(state, row, true)).collect();
    Ok((200, json!({"contacts": page, "count": rows.len()})))
}
