//! Codec of a location: native forms of values, and what is the same to the server, by what the location told.

use std::sync::Arc;

use migr_load::{Body, Codec, Comparison, FieldSchema, LoadError, Map, Values};
use migr_plan::{FieldMapping, FieldType, LinkMapping, OutsidePolicy, ReasonCode};
use migr_transform::{Failure, Reference, Value};
use serde_json::Value as Json;

use super::compare::{folded, is_nothing, phone, same, shown, words};
use super::kind::{Kind, Native};
use super::live::Live;
use super::version::Version;
use super::{HighLevel, TOKEN, encode};

/// End of the keys of the objects that a relation's records are of, in a body of ours.
const OF_OBJECT: &str = ".object";

/// Fields of an appointment: who holds it, and where.
const ASSIGNED: &str = "assignedTo";
const ASSIGNED_KEY: &str = "assignedUserId";
const CALENDAR: &str = "calendar";
/// Reason for which a calendar takes no appointment of a user.
const OUTSIDE: &str = "the user is not in the calendar's team, and the destination assigns no appointment to others";

/// Codec by what was read, or by what setup will leave.
#[derive(Debug)]
pub(super) struct LocationCodec {
    live: Arc<Live>,
    version: Version,
}

impl LocationCodec {
    pub(super) fn new(live: Arc<Live>, version: Version) -> Self {
        Self { live, version }
    }

    /// The native form of one value; none where nothing is written.
    fn native(
        &self,
        object: &str,
        field: &FieldSchema,
        value: &Value<'_>,
        pipeline: Option<&str>,
    ) -> Result<Option<Json>, String> {
        let kind = Kind::of(object);
        match kind.fields().iter().find(|stock| stock.name == field.name) {
            // The older version has no place for them.
            Some(stock) if self.version == Version::Older && stock.key.starts_with("forecast") => Ok(None),
            Some(stock) => encode::stock(stock.native, value, &self.live, pipeline),
            None => encode::custom(kind, field, value).map(Some),
        }
    }
}

/// User of an appointment whom the calendar's team lacks.
struct Outsider<'f> {
    policy: OutsidePolicy,
    field: &'f str,
    /// The first of the team.
    first: &'f str,
}

impl LocationCodec {
    /// The user of an appointment who is not in the calendar's team.
    fn outsider<'f>(&'f self, object: &str, fields: &[(&'f FieldMapping, &Value<'_>)]) -> Option<Outsider<'f>> {
        if Kind::of(object) != Kind::Appointments {
            return None;
        }
        let named = |name: &str| {
            let (mapping, value) = fields.iter().find(|(mapping, _)| mapping.field == name)?;
            let Value::Reference(reference) = value else { return None };
            Some((*mapping, reference.id.as_ref()))
        };
        let ((_, calendar), (mapping, user)) = (named(CALENDAR)?, named(ASSIGNED)?);
        let first = self.outside(calendar, user)?;
        Some(Outsider { policy: mapping.on_outside, field: &mapping.field, first })
    }

    /// The first of a calendar's team, where a user is not in it.
    fn outside(&self, calendar: &str, user: &str) -> Option<&str> {
        let team = self.live.teams.get(calendar)?;
        team.first().filter(|_| team.iter().all(|member| member != user)).map(String::as_str)
    }

    /// Values of an appointment that the server refuses together.
    fn misfits(&self, body: &Map) -> Vec<Failure> {
        let part = |key: &str| body.get(key).and_then(Json::as_str);
        let failure = |field: &str, reason: &str| Failure {
            code: ReasonCode::Q207,
            field: field.to_owned(),
            reason: reason.to_owned(),
        };
        let mut failures = Vec::new();
        if let (Some(calendar), Some(user)) = (part("calendarId"), part(ASSIGNED_KEY))
            && self.outside(calendar, user).is_some()
        {
            failures.push(failure(ASSIGNED, OUTSIDE));
        }
        // Both are written by the same code, in UTC: as texts they are in the order of time.
        if let (Some(start), Some(end)) = (part("startTime"), part("endTime"))
            && end <= start
        {
            failures.push(failure("endTime", "it does not end after it starts"));
        }
        failures
    }
}

fn is_file(mapping: &FieldMapping) -> bool {
    mapping.ty == FieldType::File
}

impl Codec for LocationCodec {
    fn field(&self, object: &str, field: &str) -> Option<&FieldSchema> {
        self.live.field(object, field)
    }

    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        let mut body = Map::new();
        let mut failures = Vec::new();
        let pipeline = fields.iter().find_map(|(mapping, value)| match value {
            Value::Reference(reference) if mapping.field == "pipeline" => Some(reference.id.as_ref()),
            _ => None,
        });
        for (mapping, value) in fields {
            if matches!(value, Value::Default) || is_file(mapping) {
                continue;
            }
            let mut fail = |reason: String| {
                failures.push(Failure { code: ReasonCode::Q207, field: mapping.field.clone(), reason });
            };
            let Some(field) = self.live.field(object, &mapping.field) else {
                fail(LoadError::Missing { what: format!("field `{object}.{}`", mapping.field) }.to_string());
                continue;
            };
            if let (Kind::Associations, Value::Reference(reference)) = (Kind::of(object), value) {
                body.insert(format!("{}{OF_OBJECT}", field.write_key), reference.object.as_ref().into());
            }
            match self.native(object, field, value, pipeline) {
                Ok(None) => {}
                Ok(Some(json)) => {
                    body.insert(field.write_key.clone(), json);
                }
                Err(says) => {
                    let value = encode::as_text(value).unwrap_or_default();
                    fail(if mapping.sensitive {
                        format!("the value (masked) {says}")
                    } else {
                        format!("\"{}\" {says}", value.chars().take(60).collect::<String>())
                    });
                }
            }
        }
        match self.outsider(object, fields) {
            Some(Outsider { policy: OutsidePolicy::None, .. }) => drop(body.remove(ASSIGNED_KEY)),
            Some(Outsider { policy: OutsidePolicy::First, first, .. }) => {
                body.insert(ASSIGNED_KEY.to_owned(), first.into());
            }
            _ => {}
        }
        if Kind::of(object) == Kind::Appointments {
            failures.extend(self.misfits(&body));
        }
        if failures.is_empty() { Ok(body) } else { Err(failures) }
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        self.encode(object, fields).map(Body::from)
    }

    fn adjusts(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Vec<Failure> {
        let Some(Outsider { policy, field, .. }) = self.outsider(object, fields) else { return Vec::new() };
        let done = match policy {
            OutsidePolicy::Quarantine => return Vec::new(),
            OutsidePolicy::None => "left out, and the destination chooses",
            OutsidePolicy::First => "the first of the team in its place",
        };
        let reason = format!("{OUTSIDE}; {done}");
        vec![Failure { code: ReasonCode::Q207, field: field.to_owned(), reason }]
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        if path == TOKEN {
            return record.get(self.live.token_key(object)?)?.as_str().map(str::to_owned);
        }
        let field = self.live.field(object, path)?;
        let value = record.get(&field.write_key).or_else(|| record.get(path)).filter(|value| !is_nothing(value))?;
        let native = Kind::of(object).fields().iter().find(|stock| stock.name == path).map(|stock| stock.native);
        let text = match native {
            Some(Native::Email) => folded(value),
            Some(Native::Phone) => phone(value),
            // Two spellings of a name are two records here, as they are where distinct values are made of them.
            _ => value.as_str()?.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        (!text.is_empty()).then_some(text)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        // What several contacts may have is nobody's alone.
        let is_free = Kind::of(object) == Kind::Contacts && self.live.allows_second_contact;
        if is_free && matches!(path, "email" | "phone") { None } else { self.identity(object, path, record) }
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        _owner_object: &str,
        _owner_id: &str,
        _target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        Err(LoadError::Missing { what: format!("`{}` to keep links in", link.through) })
    }

    fn compare(&self, object: &str, mapping: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        if matches!(expected, Value::Default) || is_file(mapping) {
            return Comparison::Same;
        }
        let hide = |text: String| if mapping.sensitive { "***".to_owned() } else { text };
        let Some(field) = self.live.field(object, &mapping.field) else {
            return Comparison::Differs { expected: hide("a value".to_owned()), found: "no such field".to_owned() };
        };
        let there = found.get(&field.write_key).unwrap_or(&Json::Null);
        let pipeline = found.get("pipelineId").and_then(Json::as_str);
        if let (Kind::Appointments, ASSIGNED, Value::Reference(user), Some(calendar)) =
            (Kind::of(object), mapping.field.as_str(), expected, found.get("calendarId").and_then(Json::as_str))
            && let Some(first) = self.outside(calendar, user.id.as_ref())
        {
            match mapping.on_outside {
                OutsidePolicy::None => return Comparison::Same,
                OutsidePolicy::First if there == first => return Comparison::Same,
                OutsidePolicy::First => {
                    return Comparison::Differs { expected: hide(first.to_owned()), found: hide(shown(there)) };
                }
                OutsidePolicy::Quarantine => {}
            }
        }
        let wanted = match self.native(object, field, expected, pipeline) {
            Ok(Some(wanted)) => wanted,
            Ok(None) => return Comparison::Same,
            Err(says) => return Comparison::Differs { expected: hide(says), found: hide(shown(there)) },
        };
        let is_given = wanted.is_null()
            && match (Kind::of(object), mapping.field.as_str()) {
                // A contact without a country gets the location's.
                (_, "country") => there == self.live.country.as_str(),
                // The calendar chooses a user, and says how long it takes.
                (Kind::Appointments, ASSIGNED | "endTime") => true,
                _ => false,
            };
        // Tags are added to those that others gave.
        let is_among = field.name == "tags" && words(&wanted).iter().all(|tag| words(there).contains(tag));
        if is_given || is_among || same(Kind::of(object), field, &wanted, there) {
            return Comparison::Same;
        }
        Comparison::Differs { expected: hide(shown(&wanted)), found: hide(shown(there)) }
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        key
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        let kind = Kind::of(object);
        let fields = self.live.schema.objects.get(object).map(|object| &object.fields);
        let differs = |(key, wanted): &(&String, &Json)| {
            let there = found.get(*key).unwrap_or(&Json::Null);
            let field = fields.and_then(|fields| fields.values().find(|field| field.write_key == **key));
            field.map_or_else(|| *wanted != there, |field| !same(kind, field, wanted, there))
        };
        body.iter().filter(differs).map(|(key, _)| key.clone()).collect()
    }
}

/// The objects that the records of a relation are of, taken out of a body of ours.
pub(super) fn ends(body: &mut Map) -> [String; 2] {
    ["firstRecordId", "secondRecordId"].map(|key| {
        let object = body.remove(&format!("{key}{OF_OBJECT}")).unwrap_or_default();
        object.as_str().unwrap_or_default().to_owned()
    })
}

/// Failure of encoding before the schema was read.
fn unread(object: &str, error: &LoadError) -> Vec<Failure> {
    vec![Failure { code: ReasonCode::Q207, field: object.to_owned(), reason: error.to_string() }]
}

impl Values for HighLevel {
    fn adjusts(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Vec<Failure> {
        self.codec().map(|codec| codec.adjusts(object, fields)).unwrap_or_default()
    }

    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.encode(object, fields)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.encode_text(object, fields)
    }

    fn check(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<(), Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.check(object, fields)
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.codec().ok()?.identity(object, path, record)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.codec().ok()?.unique_value(object, path, record)
    }

    fn told_by(&self, object: &str, field: &str) -> &'static [&'static str] {
        match (Kind::of(object), field) {
            (Kind::Opportunities, "pipelineStage") => &["pipeline"],
            // Whom the calendar's team lacks may give way to another one.
            (Kind::Appointments, ASSIGNED) => &[CALENDAR],
            _ => &[],
        }
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        self.codec()?.link_body(link, owner_object, owner_id, target)
    }

    fn compare(&self, object: &str, mapping: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        match self.codec() {
            Ok(codec) => codec.compare(object, mapping, expected, found),
            Err(error) => Comparison::Differs { expected: error.to_string(), found: String::new() },
        }
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        key
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.codec().map_or_else(|_| body.keys().cloned().collect(), |codec| codec.unlike(object, body, found))
    }
}
