//! Search for the records that hold some values: asked in bulk over GraphQL, whose lists of values and answers are not
//! cut short as those of an address are.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::Twenty;
use super::lists::{LOOKS, shows_members};
use super::live::PAGE;
use super::matching::{is_site, spellings};
use migr_load::{Call, CallError, Deleted, FieldSchema, Found, LoadError, ObjectSchema, Payload};

/// Values in one question. Below what the server's database takes as parameters of one query (65,535), with room for its own.
const MOST_VALUES: usize = 10_000;
/// The same in bytes: a body ends at 10 MB.
const MOST_BYTES: usize = 4 << 20;
/// Longest list of values in one filter of an address, in characters: addresses end at 16 kB.
const LONGEST_FILTER: usize = 8_000;

/// Values at one place of an object's records.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The field.
    field: String,
    /// The part of the composite that is compared.
    part: Option<&'static str>,
    /// Parts of the composite that are asked back.
    parts: &'static str,
    /// Whatever has a path is asked for besides: its host may be one of the values.
    is_site: bool,
    pub(super) values: Vec<String>,
}

impl Wanted {
    /// By ids.
    pub(super) fn ids(values: Vec<String>) -> Self {
        Self { field: "id".to_owned(), part: None, parts: "", is_site: false, values }
    }

    /// By the values of a field, or of the part of it that tells records apart; none where a list of values cannot tell.
    pub(super) fn field(field: &FieldSchema) -> Option<Self> {
        let (part, parts) = match field.native.as_str() {
            "EMAILS" => (Some("primaryEmail"), "{primaryEmail}"),
            "LINKS" => (Some("primaryLinkUrl"), "{primaryLinkUrl}"),
            "PHONES" => (Some("primaryPhoneNumber"), "{primaryPhoneNumber primaryPhoneCallingCode}"),
            "TEXT" | "UUID" | "SELECT" => (None, ""),
            _ => return None,
        };
        Some(Self { field: field.name.clone(), part, parts, is_site: false, values: Vec::new() })
    }

    /// The path by which it is asked for.
    pub(super) fn path(&self) -> String {
        match self.part {
            Some(part) => format!("{}.{part}", self.field),
            None => self.field.clone(),
        }
    }

    fn filter(&self, values: &[String]) -> Value {
        match self.part {
            Some(part) if self.is_site => {
                let at = |test: Value| json!({ &self.field: { part: test } });
                json!({"or": [
                    at(json!({ "in": values })),
                    at(json!({ "like": "%//%/%" })),
                    {"and": [at(json!({ "like": "%/%" })), {"not": at(json!({ "like": "%//%" }))}]},
                ]})
            }
            Some(part) => json!({ &self.field: { part: { "in": values } } }),
            None => json!({ &self.field: { "in": values } }),
        }
    }
}

impl Twenty {
    pub(super) async fn find_holders(
        &self,
        object: &str,
        wanted: &[(String, Vec<String>)],
    ) -> Result<Option<Vec<Found>>, LoadError> {
        let live = self.live()?;
        let known = live.object(object)?;
        let mut all = Vec::with_capacity(wanted.len());
        for (path, values) in wanted {
            let (name, part) = path.split_once('.').map_or((path.as_str(), None), |(name, part)| (name, Some(part)));
            let found = known.fields.get(name).and_then(Wanted::field);
            // Of a telephone number the server holds the parts apart; the whole is not asked for.
            let by_values = found
                .filter(|found| (part.is_none() || part == found.part) && found.part != Some("primaryPhoneNumber"));
            let Some(found) = by_values else { return Ok(None) };
            let is_link = found.part == Some("primaryLinkUrl");
            let values =
                if is_link { values.iter().flat_map(|value| spellings(value)).collect() } else { values.clone() };
            all.push(Wanted { values, is_site: is_link && is_site(name), ..found });
        }
        let mut found = Vec::new();
        for question in questions(&all) {
            match self.ask_in_bulk(known, &all, &question).await? {
                Some(records) => found.extend(records),
                // Lists of values cannot tell what has a path.
                None if all.iter().any(|wanted| wanted.is_site) => return Ok(None),
                None => found.extend(self.ask_by_lists(&known.name, &question).await?),
            }
        }
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.dedup_by(|one, other| one.id == other.id);
        Ok(Some(found))
    }

    /// The records, in use or in the trash, that hold one of some values at one of some places.
    pub(super) async fn holders_of(&self, object: &ObjectSchema, wanted: &[Wanted]) -> Result<Vec<Found>, LoadError> {
        let mut found = Vec::new();
        for question in questions(wanted) {
            match self.ask_in_bulk(object, wanted, &question).await? {
                Some(records) => found.extend(records),
                None => found.extend(self.ask_by_lists(&object.name, &question).await?),
            }
        }
        Ok(found)
    }

    /// Asks by GraphQL; none where the server does not take the question. What is not found is believed where the same answer shows somebody who uses the
    /// workspace, and a record that is known to be there.
    async fn ask_in_bulk(
        &self,
        object: &ObjectSchema,
        wanted: &[Wanted],
        question: &[(&Wanted, &[String])],
    ) -> Result<Option<Vec<Found>>, LoadError> {
        let mut control = self.known_control(&object.name, Deleted::Both);
        let mut looks = 0;
        loop {
            let why = match self.ask_once(object, wanted, question, control.as_deref()).await? {
                None => return Ok(None),
                Some(Err(why)) => why,
                Some(Ok(found)) => match &control {
                    // It may be gone by now, by ourselves too.
                    Some(before) if found.iter().all(|found| found.id != *before) => {
                        let before = before.clone();
                        control = self.control(&object.name, Deleted::Both, true).await?;
                        if control.as_ref() != Some(&before) && looks + 1 < LOOKS {
                            looks += 1;
                            continue;
                        }
                        format!("it lists the record {before}, and does not show it by its id")
                    }
                    _ => return Ok(Some(found)),
                },
            };
            looks += 1;
            self.again(&format!("POST /graphql about {}", object.name), looks, why).await?;
        }
    }

    /// The same, once: what came, or what of it cannot be true.
    async fn ask_once(
        &self,
        object: &ObjectSchema,
        wanted: &[Wanted],
        question: &[(&Wanted, &[String])],
        control: Option<&str>,
    ) -> Result<Option<Result<Vec<Found>, String>>, LoadError> {
        let mut any: Vec<Value> = question.iter().map(|(wanted, values)| wanted.filter(values)).collect();
        any.extend(control.map(|control| json!({"id": {"in": [control]}})));
        // A filter that names `deletedAt` sees the trash too.
        let filter =
            json!({"and": [{"or": any}, {"or": [{"deletedAt": {"is": "NULL"}}, {"deletedAt": {"is": "NOT_NULL"}}]}]});
        let shown: Vec<String> = wanted
            .iter()
            .filter(|wanted| wanted.field != "id")
            .map(|wanted| format!("{}{}", wanted.field, wanted.parts))
            .collect();
        let shown = shown.join(" ");
        let first = question.iter().map(|(_, values)| values.len()).sum::<usize>().max(PAGE) + 1;
        let mut found: Vec<Found> = Vec::new();
        let mut ids: HashSet<String> = HashSet::new();
        let mut after = String::new();
        let proof = self.members_root(&object.name)?;
        let lists = if proof.is_empty() { 1 } else { 2 };
        loop {
            let query = format!(
                "query Holders($filter:{}FilterInput){{{}(filter:$filter,first:{first}{after}){{edges{{node{{id deletedAt {shown}}}}} pageInfo{{endCursor hasNextPage}} totalCount}}{proof}}}",
                capital(&object.singular),
                object.name
            );
            let body = json!({"query": query, "variables": {"filter": filter}});
            let call = Call::new(Method::POST, "/graphql", Payload::Json(body.to_string().into())).tokens(lists);
            let answer = match self.http.call(&call).await {
                Ok(answer) => answer,
                Err(CallError::Refused { message, .. }) => {
                    tracing::debug!(object = object.name, message, "a question in bulk was refused");
                    return Ok(None);
                }
                Err(error) => return Err(error.into_load_error(call.name())),
            };
            let list = answer.get("data").and_then(|data| data.get(&object.name));
            let Some(edges) = list.and_then(|list| list.get("edges")).and_then(Value::as_array) else {
                return Ok(None);
            };
            let list = list.unwrap_or(&Value::Null);
            for edge in edges {
                let values = edge.get("node").and_then(Value::as_object).cloned().unwrap_or_default();
                let deleted = values.get("deletedAt").is_some_and(|deleted| !deleted.is_null());
                let id = values.get("id").and_then(Value::as_str).map(str::to_owned);
                let Some(id) = id.filter(|id| ids.insert(id.clone())) else {
                    return Ok(Some(Err("a row has no id, or comes twice".to_owned())));
                };
                found.push(Found { id, deleted, values });
            }
            let page = list.get("pageInfo");
            let more = page.and_then(|page| page.get("hasNextPage")).and_then(Value::as_bool);
            let cursor = page.and_then(|page| page.get("endCursor")).and_then(Value::as_str);
            match (more, cursor) {
                (Some(true), Some(cursor)) if !edges.is_empty() => {
                    after = format!(",after:{}", Value::from(cursor));
                }
                (Some(false), _) => {
                    let total = list.get("totalCount").and_then(Value::as_u64);
                    let shown = u64::try_from(found.len()).unwrap_or(u64::MAX);
                    return Ok(Some(match total {
                        Some(total) if total != shown => {
                            Err(format!("it ends after {shown} records, and counts {total}"))
                        }
                        _ if found.is_empty() && !proof.is_empty() && !shows_members(&answer) => {
                            Err("it shows no record, and none of the people who use the workspace".to_owned())
                        }
                        _ => Ok(found),
                    }));
                }
                _ => return Ok(Some(Err("it does not say whether a page follows".to_owned()))),
            }
        }
    }

    /// The same by lists in addresses, many times over.
    async fn ask_by_lists(&self, object: &str, question: &[(&Wanted, &[String])]) -> Result<Vec<Found>, LoadError> {
        let mut found = Vec::new();
        for (wanted, values) in question {
            for list in lists(values) {
                let filter = format!("{}[in]:[{}]", wanted.path(), list.join(","));
                found.extend(self.list_where(object, &filter).await?);
                found.extend(self.list_where(object, &format!("and({filter},deletedAt[is]:NOT_NULL)")).await?);
            }
        }
        Ok(found)
    }
}

/// Values in portions that one question takes.
fn questions(wanted: &[Wanted]) -> Vec<Vec<(&Wanted, &[String])>> {
    let mut questions: Vec<Vec<(&Wanted, &[String])>> = Vec::new();
    let (mut count, mut bytes) = (MOST_VALUES, 0);
    for wanted in wanted {
        let mut left = wanted.values.as_slice();
        while !left.is_empty() {
            if count >= MOST_VALUES || bytes >= MOST_BYTES {
                questions.push(Vec::new());
                (count, bytes) = (0, 0);
            }
            let mut taken = 0;
            for value in left.iter().take(MOST_VALUES - count) {
                bytes += value.len() + 3;
                taken += 1;
                if bytes >= MOST_BYTES {
                    break;
                }
            }
            let (portion, rest) = left.split_at(taken);
            count += taken;
            left = rest;
            if let Some(question) = questions.last_mut() {
                question.push((wanted, portion));
            }
        }
    }
    questions
}

/// Values in lists that a filter of an address takes. One with a comma, a bracket or a quote would be read as something else: it is left out.
fn lists(values: &[String]) -> Vec<Vec<&str>> {
    let mut lists: Vec<Vec<&str>> = Vec::new();
    let mut length = LONGEST_FILTER;
    for value in values {
        if value.contains([',', '(', ')', '[', ']', '"', '\'', '\\']) || value.contains(char::is_whitespace) {
            continue;
        }
        length += value.len() + 1;
        match lists.last_mut() {
            Some(list) if length <= LONGEST_FILTER && list.len() < PAGE => list.push(value),
            _ => {
                lists.push(vec![value]);
                length = value.len();
            }
        }
    }
    lists
}

/// A type's name, from the name of one.
pub(super) fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Wanted, lists, questions};

    #[test]
    fn values_that_an_address_would_misread_are_left_out_and_long_lists_are_cut() {
        let values: Vec<String> = (0..1000)
            .map(|number| format!("person{number}@a-rather-long-host.example"))
            .chain(["a,b@c".into()])
            .collect();
        let lists = lists(&values);
        assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), 1000);
        assert!(lists.iter().all(|list| list.len() <= 200 && list.join(",").len() <= super::LONGEST_FILTER));
    }

    #[test]
    fn one_question_takes_values_of_several_places_and_thousands_of_them() {
        let wanted = |count: usize, length: usize| Wanted::ids(vec!["x".repeat(length); count]);
        let sizes = |wanted: &[Wanted]| -> Vec<Vec<usize>> {
            questions(wanted).iter().map(|all| all.iter().map(|(_, values)| values.len()).collect()).collect()
        };
        assert_eq!(sizes(&[wanted(200, 36), wanted(150, 20)]), [[200, 150]]);
        assert_eq!(sizes(&[wanted(19_000, 36), wanted(1_500, 20)]), [vec![10_000], vec![9_000, 1_000], vec![500]]);
        assert_eq!(sizes(&[wanted(9, 1 << 20)]), [vec![4], vec![4], vec![1]]);
        assert_eq!(sizes(&[wanted(0, 1)]), Vec::<Vec<usize>>::new());
    }
}
