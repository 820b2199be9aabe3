//! Lists of records, held against what was asked for and against their own count: what cannot be true is asked for again, and never believed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::Twenty;
use super::holders::capital;
use super::live::PAGE;
use super::problem::is_of_the_schema;
use super::records::{EITHER, id_filter};
use migr_load::{Call, CallError, Deleted, Found, LoadError, Page, Payload, pause};

/// Number of times that an answer that cannot be true is asked for.
pub(super) const LOOKS: u32 = 3;
/// Time by which a read may lag behind a write.
const LAG: Duration = Duration::from_secs(10);
/// Time for which the proof that an object is empty stands, unless this connection writes to it.
const PROVEN: Duration = Duration::from_secs(2);
/// The object of the people who use a workspace: it is never empty.
const MEMBERS: &str = "workspaceMembers";
const TRASHED: &str = "deletedAt[is]:NOT_NULL";

/// The records by which a list proves that it is whole: they are asked for together with what may not be there.
pub(super) type Controls = std::sync::RwLock<BTreeMap<(String, u8), String>>;

/// The moments at which objects were proven to have no record, and at which something was written to them.
#[derive(Debug, Default)]
pub(super) struct Emptiness {
    proven: BTreeMap<(String, u8), Instant>,
    written: BTreeMap<String, Instant>,
}

/// The place in a list that is read page by page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// Records so far.
    seen: u64,
    /// The least and the most that its pages said there are.
    least: Option<u64>,
    most: u64,
    /// Where the next page starts.
    cursor: Option<String>,
}

impl Place {
    /// From a cursor of ours.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ':');
        let mut number = || parts.next()?.parse::<u64>().ok();
        let (seen, least, most) = (number()?, number()?, number()?);
        Some(Self { seen, least: Some(least), most, cursor: parts.next().map(str::to_owned) })
    }

    fn text(&self) -> String {
        let cursor = self.cursor.as_deref().unwrap_or_default();
        format!("{}:{}:{}:{cursor}", self.seen, self.least.unwrap_or_default(), self.most)
    }

    /// After one more page, or why the page cannot be what follows. The last page is held against the count of those before it; `counted` is a count of its
    /// own, for a list whose pages do not agree.
    fn after(&self, page: &Page, counted: Option<u64>) -> Result<Self, Left> {
        let seen = self.seen + u64::try_from(page.records.len()).unwrap_or(u64::MAX);
        let total = counted.unwrap_or(page.total);
        let (least, most) = (self.least.map_or(total, |least| least.min(total)), self.most.max(total));
        if page.next.is_some() {
            let most = most.max(page.total);
            if seen >= most {
                return Err(Left::Wrong(format!("more is said to follow after {seen} of {most} records")));
            }
            let least = least.min(page.total);
            return Ok(Self { seen, least: Some(least), most, cursor: page.next.clone() });
        }
        if (least..=most).contains(&seen) && (least == most || counted.is_some()) {
            return Ok(Self { seen, least: Some(least), most, cursor: None });
        }
        if least != most && counted.is_none() {
            return Err(Left::Count);
        }
        Err(Left::Wrong(format!("it ends after {seen} records, and counts {total}")))
    }
}

/// Reason why a page is not taken.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    /// Answer whose count is another than that of the pages before it: a count of its own decides.
    Count,
    /// Answer that cannot be true.
    Wrong(String),
}

impl Twenty {
    pub(super) async fn scan_page(
        &self,
        object: &str,
        deleted: Deleted,
        after: Option<String>,
    ) -> Result<Page, LoadError> {
        let strange = || LoadError::Settings { what: format!("`{object}` is read on from a place that is none") };
        // Both: first those in use, then the trash; the cursor says where we are.
        let (trash, place) = match after.as_deref().map(|after| after.split_once('/').ok_or_else(strange)) {
            None => (deleted == Deleted::Trashed, Place::default()),
            Some(place) => match place? {
                ("trash", "") => (true, Place::default()),
                (kind, place) => (kind == "trash", Place::read(place).ok_or_else(strange)?),
            },
        };
        let kind = if trash { Deleted::Trashed } else { Deleted::Live };
        let mut looks = 0;
        let (mut page, place) = loop {
            let (page, next) = self.page_at(object, trash.then_some(TRASHED), PAGE, &place).await?;
            if !page.records.is_empty() || page.total != 0 || place.seen != 0 {
                break (page, next);
            }
            match self.denied_empty(object, kind).await? {
                None => break (page, next),
                Some(why) => {
                    looks += 1;
                    self.again(&format!("GET /rest/{object}"), looks, why).await?;
                }
            }
        };
        if let Some(wrong) = page.records.iter().find(|found| found.deleted != trash) {
            let place = if trash { "in use" } else { "in the trash" };
            let why = format!("the record {} is listed and lies {place}", wrong.id);
            return Err(LoadError::Doubtful { request: format!("GET /rest/{object}"), why });
        }
        page.next = match page.next {
            Some(_) => Some(format!("{}/{}", if trash { "trash" } else { "live" }, place.text())),
            None if deleted == Deleted::Both && !trash => Some("trash/".to_owned()),
            None => None,
        };
        Ok(page)
    }

    /// The page at a place, asked for again while it cannot be true, and the place after it.
    async fn page_at(
        &self,
        object: &str,
        filter: Option<&str>,
        limit: usize,
        place: &Place,
    ) -> Result<(Page, Place), LoadError> {
        let mut looks = 0;
        loop {
            let (answer, request) = self.list(object, filter, limit, place.cursor.clone()).await?;
            let why = match page(object, answer, limit, place.cursor.as_deref()) {
                Ok(page) => {
                    self.sees_all(object, &page.records)?;
                    let mut after = place.after(&page, None);
                    if after == Err(Left::Count) {
                        after = place.after(&page, Some(self.count_once(object, filter).await?));
                    }
                    match after {
                        Ok(after) => return Ok((page, after)),
                        Err(Left::Wrong(why)) => why,
                        Err(Left::Count) => "its count moves".to_owned(),
                    }
                }
                Err(why) => why,
            };
            looks += 1;
            self.again(&request, looks, why).await?;
        }
    }

    /// Waits before an answer that cannot be true is asked for once more; the last time it is an error.
    pub(super) async fn again(&self, request: &str, looks: u32, why: String) -> Result<(), LoadError> {
        if looks >= LOOKS {
            return Err(LoadError::Doubtful { request: request.to_owned(), why });
        }
        tracing::debug!(request, why, "an answer that cannot be true");
        sleep(pause(self.http.options(), request, looks)).await;
        Ok(())
    }

    pub(super) async fn count_records(&self, object: &str, deleted: Deleted) -> Result<u64, LoadError> {
        if let Some(counted) = self.count_with_members(object, deleted).await? {
            return Ok(counted);
        }
        let filter = match deleted {
            Deleted::Live => None,
            Deleted::Trashed => Some(TRASHED),
            Deleted::Both => Some(EITHER),
        };
        let mut looks = 0;
        loop {
            let counted = self.count_once(object, filter).await?;
            if counted != 0 {
                return Ok(counted);
            }
            let Some(why) = self.denied_empty(object, deleted).await? else { return Ok(0) };
            looks += 1;
            self.again(&format!("GET /rest/{object}"), looks, why).await?;
        }
    }

    /// Number of records of an object that a filter lets through. No record at all is believed only of a list that
    /// shows what it has.
    pub(super) async fn count_where(&self, object: &str, filter: &str) -> Result<u64, LoadError> {
        let mut looks = 0;
        loop {
            let counted = self.count_once(object, Some(filter)).await?;
            if counted != 0 || self.control(object, Deleted::Both, true).await?.is_some() {
                return Ok(counted);
            }
            let Some(why) = self.denied_empty(object, Deleted::Both).await? else { return Ok(0) };
            looks += 1;
            self.again(&format!("GET /rest/{object}"), looks, why).await?;
        }
    }

    async fn count_once(&self, object: &str, filter: Option<&str>) -> Result<u64, LoadError> {
        let mut looks = 0;
        loop {
            let (answer, request) = self.list(object, filter, 0, None).await?;
            match page(object, answer, 0, None) {
                Ok(page) => return Ok(page.total),
                Err(why) => {
                    looks += 1;
                    self.again(&request, looks, why).await?;
                }
            }
        }
    }

    /// Every record that a filter lets through.
    pub(super) async fn list_where(&self, object: &str, filter: &str) -> Result<Vec<Found>, LoadError> {
        let mut all = Vec::new();
        let mut place = Place::default();
        loop {
            let (page, next) = self.page_at(object, Some(filter), PAGE, &place).await?;
            let is_last = page.next.is_none();
            all.extend(page.records);
            if is_last {
                return Ok(all);
            }
            place = next;
        }
    }

    /// The records of some ids. That one is missing is believed where the same answer shows a record that is there.
    pub(super) async fn fetch_records(
        &self,
        object: &str,
        ids: &[String],
        deleted: Deleted,
    ) -> Result<Vec<Found>, LoadError> {
        self.known(object).await?;
        let mut found: Vec<Found> = Vec::new();
        for ids in ids.chunks(PAGE) {
            let mut missing = ids.to_vec();
            if ids.len() == PAGE {
                // As many as an answer holds: nothing is left to prove where all of them are shown.
                let wanted = ids.iter().map(String::as_str).collect();
                found.extend(self.fetch_of(object, &wanted, deleted).await?);
                let shown: HashSet<&str> = found.iter().map(|found| found.id.as_str()).collect();
                missing.retain(|id| !shown.contains(id.as_str()));
                if missing.len() == PAGE && self.is_proven_empty(object, deleted) {
                    continue;
                }
            }
            // One place is the control's.
            for ids in missing.chunks(PAGE - 1) {
                found.extend(self.fetch_some(object, ids, deleted).await?);
            }
        }
        Ok(found)
    }

    /// The records of some ids, none of which nobody asked for.
    async fn fetch_of(&self, object: &str, asked: &BTreeSet<&str>, deleted: Deleted) -> Result<Vec<Found>, LoadError> {
        let ids = id_filter(&asked.iter().copied().collect::<Vec<_>>())?;
        let filter = match deleted {
            Deleted::Live => ids,
            Deleted::Trashed => format!("and({ids},{TRASHED})"),
            Deleted::Both => format!("and({ids},{EITHER})"),
        };
        let mut looks = 0;
        loop {
            let found = self.list_where(object, &filter).await?;
            let Some(stranger) = found.iter().find(|found| !asked.contains(found.id.as_str())) else {
                return Ok(found);
            };
            let why = format!("the record {} was not asked for", stranger.id);
            looks += 1;
            self.again(&format!("GET /rest/{object}"), looks, why).await?;
        }
    }

    async fn fetch_some(&self, object: &str, ids: &[String], deleted: Deleted) -> Result<Vec<Found>, LoadError> {
        let wanted: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let request = format!("GET /rest/{object}");
        let mut control = self.known_control(object, deleted);
        let mut looks = 0;
        loop {
            let mut asked: BTreeSet<&str> = wanted.clone();
            asked.extend(control.as_deref());
            let mut found = self.fetch_of(object, &asked, deleted).await?;
            let is_shown = found.iter().any(|found| control.as_ref() == Some(&found.id));
            found.retain(|found| wanted.contains(found.id.as_str()));
            if is_shown || found.len() == wanted.len() {
                return Ok(found);
            }
            if found.is_empty() && control.is_none() && self.is_proven_empty(object, deleted) {
                return Ok(found);
            }
            // Whoever was shown as the first of the list may be gone by now, by ourselves too.
            let before = control.take();
            control = self.control(object, deleted, true).await?;
            let why = match (&before, &control) {
                (_, None) if found.is_empty() => match self.denied_empty(object, deleted).await? {
                    None => return Ok(found),
                    Some(why) => why,
                },
                (_, None) => "it lists no record, and shows some by their ids".to_owned(),
                (Some(before), Some(control)) if before == control => {
                    format!("it lists the record {control}, and does not show it by its id")
                }
                (_, Some(_)) if looks < LOOKS => {
                    looks += 1;
                    continue;
                }
                (_, Some(_)) => "its records come and go".to_owned(),
            };
            looks += 1;
            self.again(&request, looks, why).await?;
        }
    }

    /// Records that are known to be in use: asked again while one is not shown, and something was written so lately that the read may lag behind it.
    pub(super) async fn fetch_in_use(&self, object: &str, ids: &[String]) -> Result<Vec<Found>, LoadError> {
        let mut found = self.fetch_records(object, ids, Deleted::Live).await?;
        for look in 1..LOOKS {
            let shown: HashSet<&str> = found.iter().map(|found| found.id.as_str()).collect();
            let missing: Vec<String> = ids.iter().filter(|id| !shown.contains(id.as_str())).cloned().collect();
            if missing.is_empty() || !self.wrote_lately() {
                break;
            }
            sleep(pause(self.http.options(), object, look)).await;
            found.extend(self.fetch_records(object, &missing, Deleted::Live).await?);
        }
        Ok(found)
    }

    /// True where this connection wrote something so lately that a read may not show it yet.
    pub(super) fn wrote_lately(&self) -> bool {
        let wrote = *self.wrote.lock().unwrap_or_else(PoisonError::into_inner);
        wrote.is_some_and(|wrote| wrote.elapsed() < LAG)
    }

    /// The records that refer by a key to one of some ids.
    pub(super) async fn list_referring(
        &self,
        object: &str,
        key: &str,
        ids: &[String],
    ) -> Result<Vec<Found>, LoadError> {
        let mut found = Vec::new();
        for ids in ids.chunks(PAGE) {
            let ids = id_filter(ids)?;
            let filter = format!("and({key}{},{EITHER})", ids.strip_prefix("id").unwrap_or_default());
            found.extend(self.list_where(object, &filter).await?);
        }
        Ok(found)
    }

    pub(super) fn known_control(&self, object: &str, deleted: Deleted) -> Option<String> {
        let key = (object.to_owned(), kind(deleted));
        self.controls.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    /// A record that an object has now, of those that are asked about.
    pub(super) async fn control(
        &self,
        object: &str,
        deleted: Deleted,
        anew: bool,
    ) -> Result<Option<String>, LoadError> {
        if let Some(known) = self.known_control(object, deleted).filter(|_| !anew) {
            return Ok(Some(known));
        }
        let filters: &[Option<&str>] = match deleted {
            Deleted::Live => &[None],
            Deleted::Trashed => &[Some(TRASHED)],
            Deleted::Both => &[None, Some(TRASHED)],
        };
        let mut found = None;
        for filter in filters {
            let page = self.first(object, *filter).await?;
            found = page.records.into_iter().next().map(|found| found.id);
            if found.is_some() {
                break;
            }
        }
        let key = (object.to_owned(), kind(deleted));
        let mut controls = self.controls.write().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(id) => controls.insert(key, id.clone()),
            None => controls.remove(&key),
        };
        Ok(found)
    }

    /// The first record of a list.
    async fn first(&self, object: &str, filter: Option<&str>) -> Result<Page, LoadError> {
        let mut looks = 0;
        loop {
            let (answer, request) = self.list(object, filter, 1, None).await?;
            let why = match page(object, answer, 1, None) {
                Ok(page) if page.records.is_empty() == (page.total == 0) => return Ok(page),
                Ok(page) => format!("it counts {} records, and shows {}", page.total, page.records.len()),
                Err(why) => why,
            };
            looks += 1;
            self.again(&request, looks, why).await?;
        }
    }

    /// Another way of asking whether an object has no record, in an answer that shows somebody who uses the workspace: none where it says so too, or why the
    /// empty list is not believed. Such a list is asked for again.
    async fn denied_empty(&self, object: &str, deleted: Deleted) -> Result<Option<String>, LoadError> {
        // As it was when the question was put, and no later.
        let asked = Instant::now();
        let denied = self.ask_whether_empty(object, deleted).await?;
        if denied.is_none() {
            let mut empty = self.emptiness.lock().unwrap_or_else(PoisonError::into_inner);
            empty.proven.insert((object.to_owned(), kind(deleted)), asked);
        }
        Ok(denied)
    }

    /// True where an object was proven a moment ago to have no record, and nothing was written to it since.
    fn is_proven_empty(&self, object: &str, deleted: Deleted) -> bool {
        let empty = self.emptiness.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(proven) = empty.proven.get(&(object.to_owned(), kind(deleted))) else { return false };
        proven.elapsed() < PROVEN && empty.written.get(object).is_none_or(|written| written < proven)
    }

    /// Takes in that something is about to be written to an object: what was proven of it before stands no longer.
    pub(super) fn forget_emptiness(&self, object: &str) {
        let mut empty = self.emptiness.lock().unwrap_or_else(PoisonError::into_inner);
        empty.written.insert(object.to_owned(), Instant::now());
    }

    async fn ask_whether_empty(&self, object: &str, deleted: Deleted) -> Result<Option<String>, LoadError> {
        if object == MEMBERS && deleted != Deleted::Trashed {
            return Ok(Some("it shows none of the people who use the workspace".to_owned()));
        }
        match self.count_with_members(object, deleted).await? {
            Some(0) => return Ok(None),
            Some(total) => {
                return Ok(Some(format!(
                    "it says that there are no records, and asked over GraphQL it counts {total}"
                )));
            }
            None => {}
        }
        // The older server is asked by lists alone.
        let mut looks = 0;
        while object != MEMBERS
            && self.live()?.schema.objects.contains_key(MEMBERS)
            && self.control(MEMBERS, Deleted::Live, looks > 0).await?.is_none()
        {
            looks += 1;
            let why = "it says that there are no records, and says the same of the people who use the workspace";
            self.again(&format!("GET /rest/{object}"), looks, why.to_owned()).await?;
        }
        Ok(None)
    }

    /// Number of records of an object, by GraphQL, whose answer shows in the same breath that its lists are not empty
    /// altogether; none where it does not take the question.
    async fn count_with_members(&self, object: &str, deleted: Deleted) -> Result<Option<u64>, LoadError> {
        let live = self.live()?;
        let known = live.object(object)?;
        let filter = match deleted {
            Deleted::Live => json!({}),
            Deleted::Trashed => json!({"deletedAt": {"is": "NOT_NULL"}}),
            Deleted::Both => json!({"or": [{"deletedAt": {"is": "NULL"}}, {"deletedAt": {"is": "NOT_NULL"}}]}),
        };
        let proof = self.members_root(object)?;
        let query = format!(
            "query Count($filter:{}FilterInput){{{}(filter:$filter,first:1){{totalCount edges{{node{{id}}}}}}{proof}}}",
            capital(&known.singular),
            known.name
        );
        let body = json!({"query": query, "variables": {"filter": filter}}).to_string();
        let lists = if proof.is_empty() { 1 } else { 2 };
        let call = Call::new(Method::POST, "/graphql", Payload::Json(body.into())).tokens(lists);
        let mut looks = 0;
        loop {
            let answer = match self.http.call(&call).await {
                Ok(answer) => answer,
                Err(CallError::Refused { .. }) => return Ok(None),
                Err(error) => return Err(error.into_load_error(call.name())),
            };
            let list = answer.get("data").and_then(|data| data.get(object));
            let edges = list.and_then(|list| list.get("edges")).and_then(Value::as_array);
            let total = list.and_then(|list| list.get("totalCount")).and_then(Value::as_u64);
            let why = match (total, edges) {
                (Some(total), Some(edges)) if edges.is_empty() != (total == 0) => {
                    format!("it counts {total} records, and shows {}", edges.len())
                }
                (Some(0), Some(_)) if !proof.is_empty() && !shows_members(&answer) => {
                    "it shows no record, and none of the people who use the workspace".to_owned()
                }
                (Some(total), Some(_)) => return Ok(Some(total)),
                _ => return Ok(None),
            };
            looks += 1;
            self.again(&format!("POST /graphql about {object}"), looks, why).await?;
        }
    }

    /// The part of a question that asks for somebody who uses the workspace; empty where the object is theirs, or there is none.
    pub(super) fn members_root(&self, object: &str) -> Result<&'static str, LoadError> {
        let is_asked = object != MEMBERS && self.live()?.schema.objects.contains_key(MEMBERS);
        Ok(if is_asked { " workspaceMembers(first:1){edges{node{id}}}" } else { "" })
    }

    /// Proof that the schema has an object. It is gone only where the server says so itself when it is asked for its records.
    pub(super) async fn known(&self, object: &str) -> Result<(), LoadError> {
        let Err(missing) = self.live()?.object(object).map(drop) else { return Ok(()) };
        let call = Call::get(format!("/rest/{object}")).query("limit", "0").query("depth", "0");
        match self.http.call(&call).await {
            Ok(_) => {
                let why = format!("`{object}` is not among the objects of the schema, and its records are shown");
                Err(LoadError::Doubtful { request: "GET /rest/metadata/objects".to_owned(), why })
            }
            Err(CallError::Refused { message, .. }) if is_of_the_schema(&message) => Err(missing),
            Err(error) => Err(error.into_load_error(call.name())),
        }
    }
}

/// True where an answer shows somebody who uses the workspace.
pub(super) fn shows_members(answer: &Value) -> bool {
    let list = answer.get("data").and_then(|data| data.get(MEMBERS));
    list.and_then(|list| list.get("edges")?.as_array()).is_some_and(|edges| !edges.is_empty())
}

/// The kind of records that a control stands for.
fn kind(deleted: Deleted) -> u8 {
    match deleted {
        Deleted::Live => 0,
        Deleted::Trashed => 1,
        Deleted::Both => 2,
    }
}

/// A page of an answer, or what of it cannot be true.
fn page(object: &str, mut answer: Value, limit: usize, after: Option<&str>) -> Result<Page, String> {
    let data = answer.get_mut("data").and_then(Value::as_object_mut).ok_or("there is no `data`")?;
    let Some(list) = data.get_mut(object).and_then(Value::as_array_mut).map(std::mem::take) else {
        return Err(match data.keys().next() {
            Some(other) => format!("it holds `{other}` in place of `{object}`"),
            None => "there is no list of records".to_owned(),
        });
    };
    let total = answer.get("totalCount").and_then(Value::as_u64).ok_or("there is no `totalCount`")?;
    let mut records = Vec::with_capacity(list.len());
    let mut ids = HashSet::new();
    for row in list {
        let Value::Object(values) = row else { return Err("a row is no record".to_owned()) };
        let id = values.get("id").and_then(Value::as_str).filter(|id| Uuid::try_parse(id).is_ok());
        let id = id.ok_or("a row has no id")?.to_owned();
        if !ids.insert(id.clone()) {
            return Err(format!("the record {id} comes twice"));
        }
        let deleted = values.get("deletedAt").is_some_and(|deleted| !deleted.is_null());
        records.push(Found { id, deleted, values });
    }
    if limit == 0 {
        return Ok(Page { records: Vec::new(), next: None, total });
    }
    if records.len() > limit {
        return Err(format!("{} records were asked for, and {} came", limit, records.len()));
    }
    let info = answer.get("pageInfo");
    let more = info.and_then(|info| info.get("hasNextPage")).and_then(Value::as_bool);
    let more = more.ok_or("it does not say whether a page follows")?;
    let cursor =
        info.and_then(|info| info.get("endCursor")).and_then(Value::as_str).filter(|cursor| !cursor.is_empty());
    let next = match (more, cursor) {
        (false, _) => None,
        (true, _) if records.is_empty() => return Err("it is empty, and says that more follows".to_owned()),
        (true, None) => return Err("it says that more follows, and not where".to_owned()),
        (true, Some(cursor)) if after == Some(cursor) => return Err("the page after it is the same one".to_owned()),
        (true, Some(cursor)) => Some(cursor.to_owned()),
    };
    Ok(Page { records, next, total })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Left, Place, page};
    use migr_load::Page;

    fn row(number: u32) -> Value {
        json!({"id": format!("00000000-0000-4000-8000-{number:012}"), "deletedAt": null})
    }

    fn answer(rows: &[Value], total: u64, info: &Value) -> Value {
        json!({"data": {"people": rows}, "totalCount": total, "pageInfo": info})
    }

    #[test]
    fn a_page_that_cannot_be_true_is_told_by_what_contradicts_what() {
        let last = json!({"hasNextPage": false});
        let more = |cursor: Value| json!({"hasNextPage": true, "endCursor": cursor});
        for (answer, why) in [
            (json!({}), "there is no `data`"),
            (json!({"data": {"widgets": [row(1)]}, "totalCount": 1}), "it holds `widgets` in place of `people`"),
            (json!({"data": {"people": [row(1)]}, "pageInfo": last}), "there is no `totalCount`"),
            (answer(&[json!({"name": "x"})], 1, &last), "a row has no id"),
            (answer(&[json!({"id": "x"})], 1, &last), "a row has no id"),
            (answer(&[row(1), row(1)], 2, &last), "the record 00000000-0000-4000-8000-000000000001 comes twice"),
            (answer(&[row(1)], 1, &json!({})), "it does not say whether a page follows"),
            (answer(&[row(1)], 2, &more(Value::Null)), "it says that more follows, and not where"),
            (answer(&[row(1)], 2, &more(json!("c"))), "the page after it is the same one"),
            (answer(&[], 2, &more(json!("d"))), "it is empty, and says that more follows"),
            (answer(&[row(1), row(2), row(3)], 3, &last), "2 records were asked for, and 3 came"),
        ] {
            assert_eq!(page("people", answer.clone(), 2, Some("c")).unwrap_err(), why, "{answer}");
        }
        let whole = page("people", answer(&[row(1), row(2)], 3, &more(json!("d"))), 2, Some("c")).unwrap();
        assert_eq!((whole.records.len(), whole.next.as_deref(), whole.total), (2, Some("d"), 3));
    }

    #[test]
    fn a_list_is_held_against_its_count_page_by_page() {
        let page = |rows: u32, total: u64, next: bool| {
            let last = json!({"hasNextPage": next, "endCursor": "c"});
            page("people", answer(&(0..rows).map(row).collect::<Vec<_>>(), total, &last), 200, None).unwrap()
        };
        let wrong = |why: &str| Err(Left::Wrong(why.to_owned()));
        let begun = Place::default().after(&page(5, 9, true), None).unwrap();
        assert_eq!(Place::read(&begun.text()), Some(begun.clone()));
        let ends = |page: &Page, counted| begun.after(page, counted).map(|place| place.seen);
        assert_eq!(ends(&page(4, 9, false), None), Ok(9));
        assert_eq!(ends(&page(3, 9, false), None), wrong("it ends after 8 records, and counts 9"));
        assert_eq!(ends(&page(4, 9, true), None), wrong("more is said to follow after 9 of 9 records"));
        // Somebody made or removed a record meanwhile: a count of its own decides.
        assert_eq!(ends(&page(5, 10, false), None), Err(Left::Count));
        assert_eq!(ends(&page(5, 10, false), Some(10)), Ok(10));
        assert_eq!(ends(&page(1, 6, false), Some(9)), wrong("it ends after 6 records, and counts 9"));
        let ends = |page: &Page| Place::default().after(page, None).map(|place| place.seen);
        assert_eq!(ends(&page(0, 4, false)), wrong("it ends after 0 records, and counts 4"));
        assert_eq!(ends(&page(0, 0, false)), Ok(0));
    }
}
