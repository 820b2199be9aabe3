//! Options of selects. A list that is sent shorter than it is deletes options and rewrites the records that hold them: it never is.

use migr_plan::{FieldType, NewOption, SetupAction};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Twenty;
use super::live::{option, single};
use super::names::{color, refuse_option};
use super::problem::metadata_cause;
use migr_load::{Call, CallError, LoadError, Made, OptionSchema, Payload, SetupOutcome, SetupRecord};

impl Twenty {
    pub(super) async fn add_options(
        &self,
        action: &SetupAction,
        object: &str,
        field: &str,
        wanted: &[NewOption],
        order: &[String],
    ) -> Result<SetupOutcome, LoadError> {
        let id = self.live()?.field(object, field)?.id.clone();
        let mut failures = 0;
        let mut first: Option<Vec<OptionSchema>> = None;
        loop {
            // Read right before it is written: an option that is not sent back is deleted, and every record that holds it is rewritten.
            let before = self.read_options(&id, object, field).await?;
            let missing: Vec<&NewOption> =
                wanted.iter().filter(|option| before.iter().all(|there| there.value != option.value)).collect();
            if missing.is_empty() {
                return Ok(match first {
                    Some(first) => options_done(action, &id, first, wanted),
                    None => SetupOutcome::AlreadyThere,
                });
            }
            let body = match merged(&before, &missing, order) {
                Ok(options) => json!({"options": options}),
                Err(why) => return Ok(SetupOutcome::Mismatch { why: format!("`{object}.{field}`: {why}") }),
            };
            let call =
                Call::new(Method::PATCH, format!("/rest/metadata/fields/{id}"), Payload::Json(body.to_string().into()));
            match self.http.call(&call.unpaced().once()).await {
                Ok(answer) => {
                    self.learn_options(object, field, single(&answer))?;
                    return Ok(options_done(action, &id, first.unwrap_or(before), wanted));
                }
                Err(CallError::Refused { message, body, .. }) => {
                    let cause = metadata_cause(body.as_ref().map(|body| &body.0), "fieldMetadata");
                    let why = cause.map_or(message, |(message, _)| self.http.clean(&message));
                    return Ok(SetupOutcome::Mismatch { why: format!("`{object}.{field}`: {why}") });
                }
                Err(CallError::Unknown { why, .. }) => {
                    first.get_or_insert(before);
                    failures += 1;
                    self.rest("/rest/metadata/fields", failures, why).await?;
                }
                Err(CallError::Fatal(error)) => return Err(error),
            }
        }
    }

    pub(super) async fn read_options(
        &self,
        id: &str,
        object: &str,
        field: &str,
    ) -> Result<Vec<OptionSchema>, LoadError> {
        let call = Call::get(format!("/rest/metadata/fields/{id}")).unpaced();
        let answer = self.http.call(&call).await.map_err(|error| error.into_load_error(call.name()))?;
        self.learn_options(object, field, single(&answer))
    }

    /// Takes in the options of a described field.
    pub(super) fn learn_options(&self, object: &str, field: &str, raw: &Value) -> Result<Vec<OptionSchema>, LoadError> {
        let list = raw.get("options").and_then(Value::as_array).ok_or_else(|| LoadError::Unexpected {
            request: "/rest/metadata/fields".to_owned(),
            why: format!("`{object}.{field}` is described without its options"),
        })?;
        let mut options: Vec<OptionSchema> =
            list.iter().enumerate().filter_map(|(place, raw)| option(raw, place)).collect();
        options.sort_by_key(|option| option.position);
        let mut live = (*self.live()?).clone();
        if let Some(found) = live.schema.objects.get_mut(object).and_then(|object| object.fields.get_mut(field)) {
            found.options.clone_from(&options);
            let values: Vec<String> = options.iter().map(|option| option.value.clone()).collect();
            if let Some(FieldType::Select { options } | FieldType::Multiselect { options }) = &mut found.ty {
                *options = values;
            }
        }
        self.amend(live);
        Ok(options)
    }
}

fn options_done(action: &SetupAction, id: &str, before: Vec<OptionSchema>, wanted: &[NewOption]) -> SetupOutcome {
    let added = wanted
        .iter()
        .filter(|option| before.iter().all(|there| there.value != option.value))
        .map(|option| option.value.clone())
        .collect();
    SetupOutcome::Done(SetupRecord { action: action.clone(), made: Made::Options { id: id.to_owned(), before, added } })
}

/// Options that are there, with their ids, and the new ones, as ordered; those that the order does not name keep their
/// places after it.
pub(super) fn merged(before: &[OptionSchema], new: &[&NewOption], order: &[String]) -> Result<Value, String> {
    let mut entries: Vec<(&str, Map<String, Value>)> = Vec::new();
    for option in before {
        let mut entry = Map::new();
        if let Some(id) = &option.id {
            entry.insert("id".to_owned(), json!(id));
        }
        entry.insert("value".to_owned(), json!(option.value));
        entry.insert("label".to_owned(), json!(option.label));
        if let Some(color) = &option.color {
            entry.insert("color".to_owned(), json!(color));
        }
        entries.push((&option.value, entry));
    }
    for (place, option) in new.iter().enumerate() {
        refuse_option(&option.value, &option.label)?;
        if entries.iter().any(|(value, entry)| *value == option.value || text_is(entry, "label", &option.label)) {
            return Err(format!("there are two options `{}` \"{}\"", option.value, option.label));
        }
        let color = color(option.color.as_deref(), before.len() + place)?;
        let entry = json!({"value": option.value, "label": option.label, "color": color});
        entries.push((&option.value, entry.as_object().cloned().unwrap_or_default()));
    }
    let place = |value: &str| order.iter().position(|named| named == value).unwrap_or(usize::MAX);
    entries.sort_by_key(|(value, _)| place(value));
    let options = entries.into_iter().enumerate().map(|(position, (_, mut entry))| {
        entry.insert("position".to_owned(), json!(position));
        Value::Object(entry)
    });
    Ok(Value::Array(options.collect()))
}

fn text_is(entry: &Map<String, Value>, key: &str, wanted: &str) -> bool {
    entry.get(key).and_then(Value::as_str) == Some(wanted)
}
