//! Users of the location: found by a text in name, address or number, so the address must be compared by who asks.

use serde_json::{Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::{COMPANY, State};
use crate::store::Row;

fn shown(state: &State, row: &Row) -> Value {
    let name = text(&row.body, "name").unwrap_or_default();
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    json!({
        "id": row.id, "name": name, "firstName": first, "lastName": last,
        "email": row.body.get("email"), "phone": text(&row.body, "phone").unwrap_or_default(), "extension": "",
        "roles": {"type": "account", "role": "user", "locationIds": [state.location]}, "deleted": false,
    })
}

/// Searches users by a part of their name, address or number.
pub(crate) fn search(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    if call.needed("companyId")? != COMPANY {
        return Err(Refusal::forbidden("The token does not have access to this company."));
    }
    let query = call.param("query").map(str::to_lowercase);
    let holds = |row: &Row, part: &str| {
        ["name", "email", "phone"]
            .iter()
            .any(|key| text(&row.body, key).is_some_and(|found| found.to_lowercase().contains(part)))
    };
    let fits = |row: &&Row| query.as_ref().is_none_or(|part| holds(row, part));
    let (limit, skip) = (call.number("limit", 25, 100)?, call.number("skip", 0, usize::MAX)?);
    let rows = state.all("user")?;
    let found: Vec<&Row> = rows.iter().filter(fits).collect();
    let page: Vec<Value> = found.iter().skip(skip).take(limit).map(|row| shown(state, row)).collect();
    Ok((200, json!({"users": page, "count": found.len()})))
}

/// Lists the users of the location; gone in v3.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let users: Vec<Value> = state.all("user")?.iter().map(|row| shown(state, row)).collect();
    Ok((200, json!({"users": users})))
}

/// Answers one user.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("user", "User", at(ids, 0))?;
    Ok((200, shown(state, &row)))
}
