//! Every route with its scope and the versions that have it.

use crate::highlevel::call::Call;
use crate::highlevel::refusal::Answer;
use crate::highlevel::state::State;
use crate::highlevel::{
    appointments, associations, businesses, calendars, contacts, custom_fields, files, location, notes, object_fields,
    objects, opportunities, pipelines, records, tags, tasks, users,
};

/// Function that carries a request out; the ids are those of the path, in order.
type Handler = fn(&State, &Call<'_>, &[&str]) -> Answer;

/// Versions that have a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Always,
    /// Gone in v3.
    Older,
}

/// A route of the API.
#[derive(Debug)]
pub(crate) struct Route {
    method: &'static str,
    path: &'static str,
    since: Since,
    pub(crate) scope: &'static str,
    pub(crate) handler: Handler,
}

const fn route(method: &'static str, path: &'static str, scope: &'static str, handler: Handler) -> Route {
    Route { method, path, since: Since::Always, scope, handler }
}

const fn older(method: &'static str, path: &'static str, scope: &'static str, handler: Handler) -> Route {
    Route { method, path, since: Since::Older, scope, handler }
}

const READ_CONTACTS: &str = "contacts.readonly";
const CONTACTS: &str = "contacts.write";
const READ_BUSINESSES: &str = "businesses.readonly";
const BUSINESSES: &str = "businesses.write";
const READ_OPPORTUNITIES: &str = "opportunities.readonly";
const OPPORTUNITIES: &str = "opportunities.write";
const READ_FIELDS: &str = "locations/customFields.readonly";
const FIELDS: &str = "locations/customFields.write";

const READ_SCHEMA: &str = "objects/schema.readonly";
const SCHEMA: &str = "objects/schema.write";
const READ_RECORDS: &str = "objects/record.readonly";
const RECORDS: &str = "objects/record.write";
const READ_ASSOCIATIONS: &str = "associations.readonly";
const ASSOCIATIONS: &str = "associations.write";
const READ_RELATIONS: &str = "associations/relation.readonly";
const RELATIONS: &str = "associations/relation.write";
const READ_EVENTS: &str = "calendars/events.readonly";
const EVENTS: &str = "calendars/events.write";

/// The routes; where two fit, the first counts.
const ROUTES: &[Route] = &[
    route("POST", "contacts", CONTACTS, contacts::create),
    older("GET", "contacts", READ_CONTACTS, contacts::list),
    route("POST", "contacts/search", READ_CONTACTS, contacts::search),
    route("GET", "contacts/search/duplicate", READ_CONTACTS, contacts::duplicate),
    route("POST", "contacts/upsert", CONTACTS, contacts::upsert),
    route("POST", "contacts/bulk/business", CONTACTS, contacts::link),
    route("GET", "contacts/business/*", READ_CONTACTS, contacts::of_business),
    route("GET", "contacts/*", READ_CONTACTS, contacts::get),
    route("PUT", "contacts/*", CONTACTS, contacts::update),
    route("DELETE", "contacts/*", CONTACTS, contacts::delete),
    route("POST", "contacts/*/tags", CONTACTS, contacts::add_tags),
    route("DELETE", "contacts/*/tags", CONTACTS, contacts::remove_tags),
    route("POST", "contacts/*/notes", CONTACTS, notes::create),
    route("GET", "contacts/*/notes", READ_CONTACTS, notes::list),
    route("GET", "contacts/*/notes/*", READ_CONTACTS, notes::get),
    route("PUT", "contacts/*/notes/*", CONTACTS, notes::update),
    route("DELETE", "contacts/*/notes/*", CONTACTS, notes::delete),
    route("POST", "contacts/*/tasks", CONTACTS, tasks::create),
    route("GET", "contacts/*/tasks", READ_CONTACTS, tasks::list),
    route("GET", "contacts/*/tasks/*", READ_CONTACTS, tasks::get),
    route("PUT", "contacts/*/tasks/*", CONTACTS, tasks::update),
    route("PUT", "contacts/*/tasks/*/completed", CONTACTS, tasks::complete),
    route("DELETE", "contacts/*/tasks/*", CONTACTS, tasks::delete),
    route("GET", "contacts/*/appointments", READ_CONTACTS, appointments::of_contact),
    route("POST", "businesses", BUSINESSES, businesses::create),
    route("GET", "businesses", READ_BUSINESSES, businesses::list),
    route("GET", "businesses/*", READ_BUSINESSES, businesses::get),
    route("PUT", "businesses/*", BUSINESSES, businesses::update),
    route("DELETE", "businesses/*", BUSINESSES, businesses::delete),
    route("GET", "opportunities/pipelines", READ_OPPORTUNITIES, pipelines::list),
    route("POST", "opportunities/pipelines", "pipelines.create", pipelines::create),
    route("GET", "opportunities/pipelines/*", READ_OPPORTUNITIES, pipelines::get),
    route("PUT", "opportunities/pipelines/*", "pipelines.write", pipelines::update),
    route("DELETE", "opportunities/pipelines/*", "pipelines.write", pipelines::delete),
    route("GET", "opportunities/search", READ_OPPORTUNITIES, opportunities::search),
    route("POST", "opportunities/search", READ_OPPORTUNITIES, opportunities::search_by_body),
    route("GET", "opportunities/lost-reason", READ_OPPORTUNITIES, opportunities::lost_reasons),
    route("POST", "opportunities", OPPORTUNITIES, opportunities::create),
    route("GET", "opportunities/*", READ_OPPORTUNITIES, opportunities::get),
    route("PUT", "opportunities/*", OPPORTUNITIES, opportunities::update),
    route("PUT", "opportunities/*/status", OPPORTUNITIES, opportunities::set_status),
    route("DELETE", "opportunities/*", OPPORTUNITIES, opportunities::delete),
    route("GET", "users/search", "users.readonly", users::search),
    older("GET", "users", "users.readonly", users::list),
    route("GET", "users/*", "users.readonly", users::get),
    route("GET", "locations/*", "locations.readonly", location::get),
    route("GET", "locations/*/customValues", "locations/customValues.readonly", location::custom_values),
    route("GET", "locations/*/tags", "locations/tags.readonly", tags::list),
    route("POST", "locations/*/tags", "locations/tags.write", tags::create),
    route("GET", "locations/*/tags/*", "locations/tags.readonly", tags::get),
    route("PUT", "locations/*/tags/*", "locations/tags.write", tags::rename),
    route("DELETE", "locations/*/tags/*", "locations/tags.write", tags::delete),
    route("GET", "locations/*/customFields", READ_FIELDS, custom_fields::list),
    route("POST", "locations/*/customFields", FIELDS, custom_fields::create),
    route("GET", "locations/*/customFields/*", READ_FIELDS, custom_fields::get),
    route("PUT", "locations/*/customFields/*", FIELDS, custom_fields::update),
    route("DELETE", "locations/*/customFields/*", FIELDS, custom_fields::delete),
    route("POST", "locations/*/tasks/search", "locations/tasks.readonly", tasks::search),
    route("POST", "custom-fields", FIELDS, object_fields::create),
    route("GET", "custom-fields/object-key/*", READ_FIELDS, object_fields::list),
    route("POST", "custom-fields/folder", FIELDS, object_fields::create_folder),
    route("PUT", "custom-fields/folder/*", FIELDS, object_fields::update_folder),
    route("DELETE", "custom-fields/folder/*", FIELDS, object_fields::delete_folder),
    route("GET", "custom-fields/*", READ_FIELDS, object_fields::get),
    route("PUT", "custom-fields/*", FIELDS, object_fields::update),
    route("DELETE", "custom-fields/*", FIELDS, object_fields::delete),
    route("POST", "objects", SCHEMA, objects::create),
    route("GET", "objects", READ_SCHEMA, objects::list),
    route("GET", "objects/*", READ_SCHEMA, objects::get),
    route("PUT", "objects/*", SCHEMA, objects::update),
    route("POST", "objects/*/records", RECORDS, records::create),
    route("POST", "objects/*/records/search", READ_RECORDS, records::search),
    route("GET", "objects/*/records/*", READ_RECORDS, records::get),
    route("PUT", "objects/*/records/*", RECORDS, records::update),
    route("DELETE", "objects/*/records/*", RECORDS, records::delete),
    route("POST", "associations/relations", RELATIONS, associations::relate),
    route("GET", "associations/relations/*", READ_RELATIONS, associations::relations),
    route("DELETE", "associations/relations/*", RELATIONS, associations::unrelate),
    route("GET", "associations/key/*", READ_ASSOCIATIONS, associations::by_key),
    route("GET", "associations/objectKey/*", READ_ASSOCIATIONS, associations::by_object),
    route("POST", "associations", ASSOCIATIONS, associations::create),
    route("GET", "associations", READ_ASSOCIATIONS, associations::list),
    route("GET", "associations/*", READ_ASSOCIATIONS, associations::get),
    route("PUT", "associations/*", ASSOCIATIONS, associations::update),
    route("DELETE", "associations/*", ASSOCIATIONS, associations::delete),
    route("GET", "calendars", "calendars.readonly", calendars::list),
    route("GET", "calendars/events", READ_EVENTS, appointments::events),
    route("POST", "calendars/events/appointments", EVENTS, appointments::create),
    route("GET", "calendars/events/appointments/*", READ_EVENTS, appointments::get),
    route("PUT", "calendars/events/appointments/*", EVENTS, appointments::update),
    route("DELETE", "calendars/events/*", EVENTS, appointments::delete),
    route("GET", "calendars/*", "calendars.readonly", calendars::get),
    route("POST", "medias/upload-file", "medias.write", files::upload),
    route("GET", "medias/files", "medias.readonly", files::list),
    route("PUT", "medias/delete-files", "medias.write", files::delete_many),
    route("DELETE", "medias/*", "medias.write", files::delete),
    route("POST", "forms/upload-custom-files", "forms.write", files::upload_to_fields),
];

impl Route {
    /// The route of a request, with the ids of its path.
    pub(crate) fn of<'a>(method: &str, segments: &[&'a str], v3: bool) -> Option<(&'static Self, Vec<&'a str>)> {
        let fits = |route: &&Self| route.method == method && !(v3 && route.since == Since::Older);
        ROUTES.iter().filter(fits).find_map(|route| Some((route, ids(route.path, segments)?)))
    }
}

/// The segments that stand where a path has a star, where the path fits.
fn ids<'a>(path: &str, segments: &[&'a str]) -> Option<Vec<&'a str>> {
    if path.split('/').count() != segments.len() {
        return None;
    }
    let mut ids = Vec::new();
    for (wanted, found) in path.split('/').zip(segments) {
        match wanted {
            "*" if !found.is_empty() => ids.push(*found),
            _ if wanted == *found => {}
            _ => return None,
        }
    }
    Some(ids)
}

/// The id at a place of the path.
pub(crate) fn at<'a>(ids: &[&'a str], place: usize) -> &'a str {
    ids.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use url::form_urlencoded;

    use super::{ROUTES, Route};
    use crate::highlevel::Options;
    use crate::highlevel::call::Call;
    use crate::highlevel::state::State;
    use crate::http::{Body, Request, Response};

    const LOCATION: &str = "SandboxLocation00001";

    fn answer(state: &State, method: &str, path: &str, query: &str, body: &Value) -> Response {
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            target: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            authorization: None,
            version: None,
            content_type: "application/json".to_owned(),
            body: Body::Bytes(body.to_string().into_bytes()),
        };
        for v3 in [true, false] {
            let Some((route, ids)) = Route::of(method, &request.segments(), v3) else { continue };
            let call = Call::new(&request, v3).unwrap();
            let answer = state.atomically(|state| (route.handler)(state, &call, &ids));
            match answer {
                Ok((status, body)) => return Response::json(status, &body),
                Err(refusal) => return refusal.into(),
            }
        }
        Response::empty(404)
    }

    fn made(state: &State, path: &str, mut body: Value) -> Value {
        if !path.ends_with("customFields") {
            body["locationId"] = json!(LOCATION);
        }
        let response = answer(state, "POST", path, "", &body);
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert!(response.status < 300, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Whatever is sent, the answer is no failure of the sandbox's own: odd bodies, odd queries, ids of other kinds.
    #[test]
    fn no_request_makes_the_sandbox_fail() {
        let state = State::open(&Options { lag: std::time::Duration::ZERO, ..Options::default() }, "http://x").unwrap();
        let contact = made(&state, "/contacts/", json!({"email": "a@x.example"}))["contact"]["id"].clone();
        let business = made(&state, "/businesses/", json!({"name": "Acme"}))["buiseness"]["id"].clone();
        let labels = json!({"singular": "Program", "plural": "Programs"});
        let primary = json!({"key": "name", "name": "Name", "dataType": "TEXT"});
        made(
            &state,
            "/objects/",
            json!({"labels": labels, "key": "programs", "primaryDisplayPropertyDetails": primary}),
        );
        let field =
            made(&state, &format!("/locations/{LOCATION}/customFields"), json!({"name": "a", "dataType": "TEXT"}));
        let field = field["customField"]["id"].clone();
        let pipeline = state.all("pipeline").unwrap().remove(0).id;
        let ids = [
            contact.clone(),
            business,
            field.clone(),
            json!(pipeline),
            json!("business"),
            json!("custom_objects.programs"),
            json!("%20'\""),
        ];
        let odd = [
            json!({}),
            json!([]),
            json!("text"),
            json!(5),
            json!(null),
            json!({"locationId": LOCATION, "name": "n", "status": "open", "contactId": contact, "pipelineId": pipeline, "stages": [{"name": ""}]}),
            json!({"locationId": LOCATION, "ids": [contact, contact], "businessId": null, "tags": [""], "email": "b@x.example"}),
            json!({"locationId": LOCATION, "pageLimit": 1, "page": 0, "filters": [{"field": "tags", "operator": "eq"}, 5, {"group": "OR"}], "searchAfter": [5]}),
            json!({"locationId": LOCATION, "page": 1, "pageLimit": 9, "query": ":", "searchAfter": ["a"]}),
            json!({"locationId": LOCATION, "properties": {"name": ["x"]}, "owner": [], "body": "b", "title": "t", "dueDate": "9999-12-31", "completed": true}),
            json!({"locationId": LOCATION, "calendarId": "x", "contactId": contact, "startTime": "-009999-01-02T01:59:59Z", "endTime": "9999-12-30T22:00:00Z"}),
            json!({"customFields": [{"id": field, "fieldValue": {"deep": [1, {"er": null}]}}], "phone": "\u{0}", "dateOfBirth": "_"}),
        ];
        let odd_queries = [
            "",
            "limit=-1&skip=x&page=0",
            "locationId=&limit=99999999999999999999",
            "locationId=l&startTime=x&endTime=9&userId=u",
            "locationId=l&companyId=SandboxAgency0000001&skip=0&limit=1&query=%00&page=18446744073709551615&email=a&number=%2B",
            "altType=location&altId=l&type=file&sortBy=a&sortOrder=b&calendarId=c&startTime=0&endTime=1&locationId=l",
        ];
        for route in ROUTES.iter().filter(|route| route.method != "DELETE") {
            for id in ids.iter().filter_map(Value::as_str) {
                let path = format!("/{}", route.path.replace('*', id));
                for query in odd_queries {
                    for body in &odd {
                        let response = answer(&state, route.method, &path, query, body);
                        let text = String::from_utf8_lossy(&response.body);
                        assert!(response.status < 500, "{} {path}?{query} {body}: {text}", route.method);
                    }
                }
            }
        }
    }
}
