//! Rules for names and options, and the words in which the server refuses.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::render::fixed;
use crate::twenty::problem::Problem;

/// The longest name, in characters.
const LONGEST: usize = 63;
/// Names that the server keeps for itself, as far as they were met or are listed in its documentation of metadata.
const RESERVED: [&str; 43] = [
    "type",
    "types",
    "user",
    "users",
    "object",
    "objects",
    "event",
    "events",
    "field",
    "fields",
    "link",
    "links",
    "currency",
    "currencies",
    "address",
    "addresses",
    "plan",
    "plans",
    "role",
    "roles",
    "index",
    "indexes",
    "relation",
    "relations",
    "search",
    "searches",
    "job",
    "jobs",
    "workspace",
    "workspaces",
    "fullName",
    "fullNames",
    "fullTextSearch",
    "apiKey",
    "apiKeys",
    "webhook",
    "webhooks",
    "view",
    "views",
    "approvedAccessDomain",
    "approvedAccessDomains",
    "application",
    "applications",
];
const RESERVED_TEXT: &str = "This name is reserved. Use a different name or the system will add \"Custom\" suffix.";

/// One thing that is wrong with a name or an option.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) value: Value,
    /// Text for people, where it is not the message.
    pub(crate) friendly: Option<&'static str>,
}

impl Fault {
    /// A fault of the usual code.
    pub(crate) fn field(message: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { code: "INVALID_FIELD_INPUT", message: message.into(), value: value.into(), friendly: None }
    }

    fn shown(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("code".into(), self.code.into());
        shown.insert("message".into(), self.message.clone().into());
        let friendly = self.friendly.map_or_else(|| self.message.clone(), str::to_owned);
        shown.insert("userFriendlyMessage".into(), friendly.into());
        if !self.value.is_null() {
            shown.insert("value".into(), self.value.clone());
        }
        Value::Object(shown)
    }
}

/// The fault of a name that another field has.
pub(super) fn not_available(name: &str) -> Fault {
    let message = format!("Name \"{name}\" is not available as it is already used by another field");
    Fault { code: "NOT_AVAILABLE", ..Fault::field(message, name) }
}

/// Faults of a name.
pub(super) fn name(name: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let formed = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric());
    if !formed {
        let message = "Name is not valid: it must start with lowercase letter and contain only alphanumeric letters";
        faults.push(Fault::field(message, name));
    }
    if name.len() > LONGEST {
        faults.push(Fault::field("Name is too long", name));
    }
    if RESERVED.contains(&name) {
        faults.push(Fault::field(RESERVED_TEXT, name));
    }
    faults
}

/// The refusal of a field: the reason, among errors that only follow from it.
pub(super) fn field_problem(old: bool, faults: &[Fault], name: &str, object: &str) -> Problem {
    if old {
        return old_problem(faults, name);
    }
    let id = Uuid::new_v4().to_string();
    let noise = |view: usize| {
        json!({
            "status": "fail",
            "errors": [{
                "code": "INVALID_VIEW_DATA",
                "message": "Field metadata not found",
                "userFriendlyMessage": "Field metadata not found",
            }],
            "flatEntityMinimalInformation": {
                "universalIdentifier": Uuid::new_v4(),
                "viewUniversalIdentifier": fixed(&format!("view {view} of {object}")),
                "fieldMetadataUniversalIdentifier": id,
            },
            "metadataName": "viewField",
            "type": "create",
        })
    };
    let fields = json!([{
        "status": "fail",
        "errors": faults.iter().map(Fault::shown).collect::<Vec<_>>(),
        "flatEntityMinimalInformation": {
            "universalIdentifier": id,
            "name": name,
            "objectMetadataUniversalIdentifier": object,
        },
        "metadataName": "fieldMetadata",
        "type": "create",
    }]);
    let views: Vec<Value> = (0..2).map(noise).collect();
    Problem::with_body(
        400,
        json!({
            "statusCode": 400,
            "error": "METADATA_VALIDATION_ERROR",
            "message": "Multiple validation errors occurred while creating fields",
            "errors": {"fieldMetadata": fields, "viewField": views},
            "summary": {"totalErrors": 3, "fieldMetadata": 1, "viewField": 2},
            "userFriendlyMessage": "Many validation errors",
        }),
    )
}

/// An error that only follows from the real one: kind, how often it comes, and its codes with messages.
type Noise = (&'static str, usize, &'static [(&'static str, &'static str, &'static str)]);

const NOISE_OF_CREATE: [Noise; 5] = [
    (
        "fieldMetadata",
        17,
        &[("OBJECT_METADATA_NOT_FOUND", "Object metadata not found", "Field to create related object not found")],
    ),
    ("view", 2, &[("INVALID_VIEW_DATA", "Object metadata not found", "Object metadata not found")]),
    (
        "viewField",
        9,
        &[
            ("INVALID_VIEW_DATA", "Field metadata not found", "Field metadata not found"),
            ("INVALID_VIEW_DATA", "View not found", "View not found"),
        ],
    ),
    (
        "index",
        5,
        &[
            (
                "INDEX_OBJECT_NOT_FOUND",
                "Could not find index related object metadata",
                "Index related object not found",
            ),
            (
                "INDEX_FIELD_NOT_FOUND",
                "Could not find index field related field metadata",
                "Field referenced in index does not exist",
            ),
        ],
    ),
    (
        "searchFieldMetadata",
        1,
        &[
            ("FIELD_METADATA_NOT_FOUND", "Field metadata not found", "Field metadata not found"),
            (
                "TS_VECTOR_FIELD_METADATA_NOT_FOUND",
                "TS_VECTOR field metadata not found",
                "Search vector field not found",
            ),
            ("OBJECT_METADATA_NOT_FOUND", "Object metadata not found", "Object metadata not found"),
        ],
    ),
];
const NOISE_OF_DELETE: [Noise; 1] = [(
    "fieldMetadata",
    9,
    &[("FIELD_MUTATION_NOT_ALLOWED", "System fields cannot be deleted", "System fields cannot be deleted")],
)];

/// Description of the thing that a following error is about.
fn about(kind: &str, (field, field_name): (Uuid, &str), view: Uuid, object: &str) -> Value {
    let id = Uuid::new_v4;
    match kind {
        "fieldMetadata" => {
            json!({"universalIdentifier": field, "name": field_name, "objectMetadataUniversalIdentifier": object})
        }
        "viewField" => json!({
            "universalIdentifier": id(),
            "viewUniversalIdentifier": view,
            "fieldMetadataUniversalIdentifier": field,
        }),
        "index" => json!({"universalIdentifier": id(), "name": format!("IDX_{}", id().simple())}),
        "searchFieldMetadata" => json!({"universalIdentifier": id(), "objectMetadataUniversalIdentifier": object}),
        _ => json!({ "universalIdentifier": view }),
    }
}

/// The refusal of an object: the reason, buried among the errors of its fields, views and indexes.
pub(super) fn object_problem(
    old: bool,
    faults: &[Fault],
    (singular, plural): (&str, &str),
    universal_id: &str,
    deed: &str,
) -> Problem {
    if old {
        return old_problem(faults, singular);
    }
    let (kinds, doing, first_field): (&[Noise], &str, &str) = match deed {
        "delete" => (&NOISE_OF_DELETE, "deleting", "id"),
        _ => (&NOISE_OF_CREATE, "creating", "name"),
    };
    let (field, view) = (Uuid::new_v4(), Uuid::new_v4());
    let mut errors = Map::new();
    let mut summary = Map::new();
    let mut total = 1;
    for (kind, count, found) in kinds {
        let found: Vec<Value> = found
            .iter()
            .map(|(code, message, friendly)| json!({"code": code, "message": message, "userFriendlyMessage": friendly}))
            .collect();
        let noise = |_| {
            json!({
                "status": "fail",
                "errors": found,
                "flatEntityMinimalInformation": about(kind, (field, first_field), view, universal_id),
                "metadataName": kind,
                "type": deed,
            })
        };
        errors.insert((*kind).to_owned(), (0..*count).map(noise).collect());
        summary.insert((*kind).to_owned(), json!(count));
        total += count;
    }
    let reason = json!([{
        "status": "fail",
        "errors": faults.iter().map(Fault::shown).collect::<Vec<_>>(),
        "flatEntityMinimalInformation": {
            "universalIdentifier": universal_id,
            "namePlural": plural,
            "nameSingular": singular,
        },
        "metadataName": "objectMetadata",
        "type": deed,
    }]);
    errors.insert("objectMetadata".into(), reason);
    summary.insert("objectMetadata".into(), json!(1));
    summary.insert("totalErrors".into(), json!(total));
    Problem::with_body(
        400,
        json!({
            "statusCode": 400,
            "error": "METADATA_VALIDATION_ERROR",
            "message": format!("Multiple validation errors occurred while {doing} object"),
            "errors": errors,
            "summary": summary,
            "userFriendlyMessage": "Many validation errors",
        }),
    )
}

/// The older server's refusal: one message.
fn old_problem(faults: &[Fault], name: &str) -> Problem {
    let message = match faults.first() {
        Some(fault) if fault.code == "NOT_AVAILABLE" => {
            format!("Name '{name}' is not available, check that it is not duplicating another field's name.")
        }
        Some(fault) if fault.message.starts_with("Name is not valid") => format!("{name} should be in camelCase"),
        Some(fault) => fault.message.clone(),
        None => "refused".to_owned(),
    };
    old_refusal(&message)
}

/// The body of the older metadata API's refusals.
pub(super) fn old_refusal(message: &str) -> Problem {
    Problem::with_body(400, json!({"statusCode": 400, "messages": [message], "error": "Bad Request"}))
}

/// The refusal of a body that lacks what it needs.
pub(super) fn bad_input(messages: &[String]) -> Problem {
    Problem::with_body(400, json!({"message": messages, "error": "Bad Request", "statusCode": 400}))
}

/// The refusal of an id that nothing has.
pub(super) fn missing(old: bool, what: &str) -> Problem {
    if old {
        return old_refusal(&format!("{what} not found"));
    }
    Problem::new(404, "NotFoundException", format!("{what} metadata not found"))
}
