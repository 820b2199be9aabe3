//! Lies that a destination, or what stands before it, may tell. They are written from what can go wrong there, not from what the connector asks.

use serde_json::{Value, json};

use crate::wire::{Act, Asked, Told};

/// A lie.
#[derive(Clone, Copy)]
pub(crate) struct Lie {
    pub(crate) name: &'static str,
    /// True where a request is answered so.
    pub(crate) about: fn(&Asked<'_>) -> bool,
    pub(crate) act: fn(&Asked<'_>) -> Act,
}

const HTML: &str = "<html><head><title>Request blocked</title></head><body>Incident 4711</body></html>";

fn is_schema(asked: &Asked<'_>) -> bool {
    asked.method == "GET" && asked.path.starts_with("/rest/metadata/objects")
}

fn is_list(asked: &Asked<'_>) -> bool {
    asked.method == "GET" && asked.path.starts_with("/rest/") && !asked.path.starts_with("/rest/metadata")
}

fn is_any_list(asked: &Asked<'_>) -> bool {
    is_list(asked) || asked.path == "/graphql"
}

fn is_write(asked: &Asked<'_>) -> bool {
    asked.method != "GET" && asked.path.starts_with("/rest/") && !asked.path.starts_with("/rest/metadata")
}

fn is_delete(asked: &Asked<'_>) -> bool {
    asked.method == "DELETE" && is_write(asked)
}

fn is_change_of_schema(asked: &Asked<'_>) -> bool {
    asked.method != "GET" && asked.path.starts_with("/rest/metadata")
}

fn is_any(asked: &Asked<'_>) -> bool {
    asked.path.starts_with("/rest/") || asked.path == "/graphql"
}

fn is_file(asked: &Asked<'_>) -> bool {
    asked.method == "GET" && asked.path.starts_with("/file")
}

fn tell(status: u16, body: &str) -> Act {
    Act::Answer(status, body.to_owned())
}

fn page(status: u16) -> Act {
    Act::Tell(Told::new(status, "text/html", HTML))
}

/// Carried out, and the answer's JSON changed.
fn altered(change: impl FnOnce(&mut Value) + Send + 'static) -> Act {
    altered_at(None, change)
}

fn altered_at(path: Option<String>, change: impl FnOnce(&mut Value) + Send + 'static) -> Act {
    Act::Change(
        path,
        Box::new(move |told| {
            if let (200..=299, Ok(mut answer)) = (told.status, serde_json::from_slice::<Value>(&told.body)) {
                change(&mut answer);
                told.body = answer.to_string().into_bytes();
            }
        }),
    )
}

/// The rows of a list over REST or GraphQL.
fn rows(answer: &mut Value) -> Option<&mut Vec<Value>> {
    let list = answer.get_mut("data")?.as_object_mut()?.values_mut().next()?;
    if list.is_array() { list.as_array_mut() } else { list.get_mut("edges")?.as_array_mut() }
}

/// Where a list's count and page mark stand.
fn around(answer: &mut Value) -> Option<&mut Value> {
    if answer.get("pageInfo").is_some() || answer.get("totalCount").is_some() {
        return Some(answer);
    }
    answer.get_mut("data")?.as_object_mut()?.values_mut().next().filter(|list| list.is_object())
}

fn set(answer: &mut Value, part: &str, value: Value) {
    if let Some(around) = around(answer).filter(|around| around.get(part).is_some()) {
        around[part] = value;
    }
}

fn emptied(answer: &mut Value) {
    if let Some(rows) = rows(answer) {
        rows.clear();
    }
    set(answer, "totalCount", json!(0));
    set(
        answer,
        "pageInfo",
        json!({"hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null}),
    );
}

fn halved(list: Option<&mut Vec<Value>>) {
    if let Some(list) = list {
        list.truncate(list.len() / 2);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the table holds functions of one form")]
fn in_small_pages(asked: &Asked<'_>) -> Option<String> {
    Some(asked.path.replace("limit=200", "limit=3"))
}

#[expect(clippy::unnecessary_wraps, reason = "the table holds functions of one form")]
fn without_cursor(asked: &Asked<'_>) -> Option<String> {
    let path = asked.path.replace("limit=200", "limit=3");
    let (before, after) = path.split_once("&starting_after=").unwrap_or((&path, ""));
    let rest = after.split_once('&').map(|(_, rest)| format!("&{rest}")).unwrap_or_default();
    Some(format!("{before}{rest}"))
}

/// Table of the lies: what each is about, and how it is told.
pub(crate) const LIES: &[Lie] = &[
    Lie { name: "pages of three", about: is_list, act: |asked| altered_at(in_small_pages(asked), |_| ()) },
    Lie {
        name: "a schema that is empty",
        about: is_schema,
        act: |_| {
            altered(|answer| {
                answer["data"] = json!([]);
                set(answer, "totalCount", json!(0));
            })
        },
    },
    Lie {
        name: "half a schema",
        about: is_schema,
        act: |_| {
            altered(|answer| {
                halved(answer["data"].as_array_mut());
                let left = answer["data"].as_array().map(Vec::len);
                set(answer, "totalCount", json!(left));
            })
        },
    },
    Lie {
        name: "a schema without fields",
        about: is_schema,
        act: |_| {
            altered(|answer| {
                answer["data"].as_array_mut().into_iter().flatten().for_each(|one| one["fields"] = json!([]));
            })
        },
    },
    Lie { name: "lists that are empty", about: is_any_list, act: |_| altered(emptied) },
    Lie { name: "lists over REST that are empty", about: is_list, act: |_| altered(emptied) },
    Lie {
        name: "lists without their rows",
        about: is_any_list,
        act: |_| {
            altered(|answer| {
                if let Some(rows) = rows(answer) {
                    rows.clear();
                }
            })
        },
    },
    Lie { name: "half of each list", about: is_any_list, act: |_| altered(|answer| halved(rows(answer))) },
    Lie {
        name: "lists without a page mark",
        about: is_any_list,
        act: |asked| altered_at(in_small_pages(asked), |answer| set(answer, "pageInfo", json!({}))),
    },
    Lie {
        name: "pages that end the list",
        about: is_list,
        act: |asked| {
            altered_at(in_small_pages(asked), |answer| {
                if let Some(info) = answer.get_mut("pageInfo") {
                    info["hasNextPage"] = json!(false);
                }
            })
        },
    },
    Lie { name: "the first page again", about: is_list, act: |asked| altered_at(without_cursor(asked), |_| ()) },
    Lie {
        name: "rows without ids",
        about: is_any_list,
        act: |_| {
            altered(|answer| {
                for row in rows(answer).into_iter().flatten() {
                    let row = if row.get("node").is_some() { &mut row["node"] } else { row };
                    row.as_object_mut().and_then(|row| row.remove("id"));
                }
            })
        },
    },
    Lie {
        name: "a page of another object",
        about: is_list,
        act: |_| {
            altered(|answer| {
                let list = rows(answer).map(std::mem::take).unwrap_or_default();
                answer["data"] = json!({ "widgets": list });
            })
        },
    },
    Lie {
        name: "a count that moves",
        about: is_any_list,
        act: |asked| {
            let by = 1 + asked.number % 3;
            altered(move |answer| {
                if let Some(total) = around(answer).and_then(|around| around.get("totalCount")?.as_u64()) {
                    set(answer, "totalCount", json!(total + by));
                }
            })
        },
    },
    Lie { name: "a gateway's 404 to lists", about: is_list, act: |_| tell(404, "404 page not found") },
    Lie { name: "a gateway's 404 to everything", about: is_any, act: |_| page(404) },
    Lie {
        name: "a gateway's 404 to deletes",
        about: is_delete,
        act: |_| tell(404, r#"{"message":"no Route matched with those values"}"#),
    },
    Lie { name: "a firewall's 403 to writes", about: is_write, act: |_| page(403) },
    Lie {
        name: "402 to writes",
        about: is_write,
        act: |_| tell(402, r#"{"statusCode":402,"messages":["Payment required"]}"#),
    },
    Lie { name: "405 to writes", about: is_write, act: |_| page(405) },
    Lie { name: "413 to writes", about: is_write, act: |_| page(413) },
    Lie { name: "451 to writes", about: is_write, act: |_| page(451) },
    Lie { name: "a page in place of a write's answer", about: is_write, act: |_| page(200) },
    Lie { name: "{} to a write that is not carried out", about: is_write, act: |_| tell(200, "{}") },
    Lie { name: "{} to a write that is carried out", about: is_write, act: |_| altered(|answer| *answer = json!({})) },
    Lie { name: "204 to a write that is not carried out", about: is_write, act: |_| tell(204, "") },
    Lie {
        name: "success: false to a write that is not carried out",
        about: is_write,
        act: |_| tell(200, r#"{"success": false}"#),
    },
    Lie {
        name: "another id in the answer to a write",
        about: is_write,
        act: |_| {
            altered(|answer| {
                let one = answer.get_mut("data").and_then(|data| data.as_object_mut()?.values_mut().next());
                let one = one.and_then(|one| if one.is_array() { one.get_mut(0) } else { Some(one) });
                if let Some(one) = one.filter(|one| one.get("id").is_some()) {
                    one["id"] = json!("11111111-2222-4333-8444-555555555555");
                }
            })
        },
    },
    Lie { name: "{} to a change of the schema", about: is_change_of_schema, act: |_| tell(200, "{}") },
    Lie { name: "a firewall's 403 to a change of the schema", about: is_change_of_schema, act: |_| page(403) },
    Lie { name: "a page in place of a file", about: is_file, act: |_| page(200) },
    Lie { name: "a part of a file", about: is_file, act: |_| Act::Change(None, Box::new(|told| told.status = 206)) },
    Lie { name: "nothing in place of a file", about: is_file, act: |_| tell(204, "") },
];
