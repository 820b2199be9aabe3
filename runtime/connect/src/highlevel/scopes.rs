//! Scopes of a private integration: which of them a request needs, as the documents of the API say.

use reqwest::Method;

/// The scope that a request needs; none where the documents name none.
pub(super) fn scope_of(method: &Method, path: &str) -> Option<&'static str> {
    let path = path.trim_matches('/');
    // Questions with a body are reads too.
    let reads = *method == Method::GET || path.ends_with("/search");
    let of = |read: &'static str, write: &'static str| Some(if reads { read } else { write });
    let mut parts = path.split('/');
    let (first, second, third, fourth) = (parts.next()?, parts.next(), parts.next(), parts.next());
    match (first, second, third, fourth) {
        ("contacts", ..) => of("contacts.readonly", "contacts.write"),
        ("businesses", ..) => of("businesses.readonly", "businesses.write"),
        ("opportunities", Some("pipelines"), None, _) => of("opportunities.readonly", "pipelines.create"),
        ("opportunities", Some("pipelines"), ..) => of("opportunities.readonly", "pipelines.write"),
        ("opportunities", ..) => of("opportunities.readonly", "opportunities.write"),
        ("users", ..) => Some("users.readonly"),
        ("locations", _, None, _) => Some("locations.readonly"),
        ("locations", _, Some("tags"), _) => of("locations/tags.readonly", "locations/tags.write"),
        ("locations", _, Some("tasks"), _) => Some("locations/tasks.readonly"),
        ("locations", _, Some("customFields"), _) | ("custom-fields", ..) => {
            of("locations/customFields.readonly", "locations/customFields.write")
        }
        ("objects", _, Some("records"), _) => of("objects/record.readonly", "objects/record.write"),
        ("objects", ..) => of("objects/schema.readonly", "objects/schema.write"),
        ("associations", Some("relations"), ..) => of("associations/relation.readonly", "associations/relation.write"),
        ("associations", ..) => of("associations.readonly", "associations.write"),
        ("calendars", Some("events"), ..) => of("calendars/events.readonly", "calendars/events.write"),
        ("calendars", ..) => Some("calendars.readonly"),
        ("medias", ..) => of("medias.readonly", "medias.write"),
        ("forms", ..) => of("forms.readonly", "forms.write"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_needs_the_scope_of_its_document() {
        for (method, path, scope) in [
            (Method::POST, "contacts/", "contacts.write"),
            (Method::POST, "contacts/search", "contacts.readonly"),
            (Method::GET, "contacts/C1/notes", "contacts.readonly"),
            (Method::POST, "opportunities/pipelines", "pipelines.create"),
            (Method::PUT, "opportunities/pipelines/P1", "pipelines.write"),
            (Method::GET, "locations/L1", "locations.readonly"),
            (Method::POST, "locations/L1/customFields", "locations/customFields.write"),
            (Method::POST, "objects/custom_objects.program/records", "objects/record.write"),
            (Method::POST, "objects/custom_objects.program/records/search", "objects/record.readonly"),
            (Method::DELETE, "calendars/events/E1", "calendars/events.write"),
            (Method::POST, "forms/upload-custom-files", "forms.write"),
        ] {
            assert_eq!(scope_of(&method, path), Some(scope), "{method} {path}");
        }
        assert_eq!(scope_of(&Method::GET, "elsewhere"), None);
    }
}
