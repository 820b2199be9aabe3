//! Changes of a workspace's schema. Each looks first, asks once, and looks again where no answer came.

use migr_plan::{FieldType, NewOption, SetupAction};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::Twenty;
use super::live::{Live, single};
use super::names::{refuse_field_name, refuse_name};
use super::native::{native, same_kind};
use super::options::merged;
use super::problem::metadata_cause;
use migr_load::{Call, CallError, FieldSchema, LoadError, Made, Payload, SetupOutcome, SetupRecord, pause};

/// Result of asking for a change.
enum Asked {
    /// The server described what it made.
    Made(Value),
    /// No answer, but it is there now.
    Appeared,
    /// Refused, with the cause.
    Refused(String),
}

impl Twenty {
    pub(super) async fn carry_out(&self, action: &SetupAction) -> Result<SetupOutcome, LoadError> {
        let _one_at_a_time = self.changing.lock().await;
        if self.live().is_err() {
            self.read_live().await?;
        }
        match action {
            SetupAction::CreateObject { .. } => self.create_object(action).await,
            SetupAction::CreateField { .. } => self.create_field(action).await,
            SetupAction::AddOptions { object, field, options, order, .. } => {
                self.add_options(action, object, field, options, order).await
            }
        }
    }

    /// Why a change cannot be made, as far as its names and options tell.
    pub(super) fn refusal(&self, action: &SetupAction) -> Option<String> {
        let live = self.live().ok()?;
        match action {
            SetupAction::CreateObject { object, singular, .. } => {
                refuse_name(object).and_then(|()| refuse_name(singular)).err()
            }
            SetupAction::CreateField { object, field, .. } if live.schema.field(object, field).is_some() => None,
            SetupAction::CreateField { field, options, .. } => {
                let all: Vec<&NewOption> = options.iter().collect();
                refuse_field_name(field).and_then(|()| merged(&[], &all, &[]).map(drop)).err()
            }
            SetupAction::AddOptions { object, field, options, .. } => {
                let before = live.schema.field(object, field).map(|found| found.options.as_slice()).unwrap_or_default();
                let is_new = |option: &&NewOption| before.iter().all(|known| known.value != option.value);
                let fresh: Vec<&NewOption> = options.iter().filter(is_new).collect();
                merged(&[], &fresh, &[]).err()
            }
        }
    }

    async fn create_object(&self, action: &SetupAction) -> Result<SetupOutcome, LoadError> {
        let SetupAction::CreateObject { object, plural_label, singular, singular_label, description, .. } = action
        else {
            return Err(LoadError::NoSchema);
        };
        let names = refuse_name(object).and_then(|()| refuse_name(singular)).and_then(|()| {
            if object == singular {
                Err(format!("`{object}` cannot be both the name of many and the name of one"))
            } else {
                Ok(())
            }
        });
        if let Err(why) = names {
            return Ok(SetupOutcome::Mismatch { why });
        }
        if let Some(outcome) = object_is_there(&*self.live()?, object, singular) {
            return Ok(outcome);
        }
        let mut body = Map::new();
        body.insert("nameSingular".to_owned(), json!(singular));
        body.insert("namePlural".to_owned(), json!(object));
        body.insert("labelSingular".to_owned(), json!(singular_label));
        body.insert("labelPlural".to_owned(), json!(plural_label));
        body.insert("icon".to_owned(), json!("IconBox"));
        if let Some(description) = description {
            body.insert("description".to_owned(), json!(description));
        }
        let asked = self
            .ask("/rest/metadata/objects", Value::Object(body), "objectMetadata", |live| {
                live.schema.objects.contains_key(object)
            })
            .await?;
        // A new object brings relations to notes, tasks and attachments with it: the metadata are read anew.
        let live = self.read_live().await?;
        match asked {
            Asked::Refused(why) => {
                Ok(object_is_there(&live, object, singular).unwrap_or(SetupOutcome::Mismatch { why }))
            }
            Asked::Made(_) | Asked::Appeared => {
                let id = live.object(object)?.id.clone();
                Ok(SetupOutcome::Done(SetupRecord { action: action.clone(), made: Made::Object { id } }))
            }
        }
    }

    async fn create_field(&self, action: &SetupAction) -> Result<SetupOutcome, LoadError> {
        let SetupAction::CreateField { object, field, ty, options, .. } = action else {
            return Err(LoadError::NoSchema);
        };
        let live = self.live()?;
        let owner = live.object(object)?;
        if let Some(found) = owner.fields.get(field) {
            return match holds(found, ty).and_then(|()| is_on(found, object)) {
                Err(why) => {
                    Ok(SetupOutcome::Mismatch { why: format!("`{object}.{field}` is there already, but {why}") })
                }
                // The field may be there from an earlier run with fewer options.
                Ok(()) if !options.is_empty() => {
                    let order: Vec<String> = options.iter().map(|option| option.value.clone()).collect();
                    self.add_options(action, object, field, options, &order).await
                }
                Ok(()) => Ok(SetupOutcome::AlreadyThere),
            };
        }
        let body = match field_body(&live, action) {
            Ok(body) => body,
            Err(why) => return Ok(SetupOutcome::Mismatch { why }),
        };
        let target = match ty {
            FieldType::Reference { objects } => objects.first().map(String::as_str),
            _ => None,
        };
        let there = |live: &Live| live.schema.field(object, field).is_some();
        let asked = self.ask("/rest/metadata/fields", body, "fieldMetadata", there).await?;
        let made = |id: &str| {
            SetupOutcome::Done(SetupRecord { action: action.clone(), made: Made::Field { id: id.to_owned() } })
        };
        match asked {
            Asked::Made(raw) => {
                let mut live = (*self.live()?).clone();
                let learnt = live.learn_field(object, &raw, target);
                self.amend(live);
                match learnt {
                    Some(learnt) => Ok(made(&learnt.id)),
                    None => Ok(made(&self.read_live().await?.field(object, field)?.id)),
                }
            }
            Asked::Appeared => Ok(made(&self.live()?.field(object, field)?.id)),
            Asked::Refused(why) => {
                let live = self.read_live().await?;
                Ok(match live.schema.field(object, field).map(|found| holds(found, ty)) {
                    Some(Ok(())) => SetupOutcome::AlreadyThere,
                    _ => SetupOutcome::Mismatch { why },
                })
            }
        }
    }

    /// Asks for something new. Where no answer comes, looks whether it is there, and else asks again.
    async fn ask(
        &self,
        path: &str,
        body: Value,
        kind: &str,
        there: impl Fn(&Live) -> bool,
    ) -> Result<Asked, LoadError> {
        let call = Call::new(Method::POST, path, Payload::Json(body.to_string().into())).unpaced().once();
        let mut failures = 0;
        loop {
            match self.http.call(&call).await {
                Ok(answer) => return Ok(Asked::Made(single(&answer).clone())),
                Err(CallError::Refused { message, body, .. }) => {
                    // Refused as taken, after a request without an answer: that request was carried out.
                    if failures > 0 && there(&*self.read_live().await?) {
                        return Ok(Asked::Appeared);
                    }
                    let cause = metadata_cause(body.as_ref().map(|body| &body.0), kind);
                    return Ok(Asked::Refused(cause.map_or(message, |(message, _)| self.http.clean(&message))));
                }
                Err(CallError::Unknown { why, .. }) => {
                    failures += 1;
                    self.rest(path, failures, why).await?;
                    if there(&*self.read_live().await?) {
                        return Ok(Asked::Appeared);
                    }
                }
                Err(CallError::Fatal(error)) => return Err(error),
            }
        }
    }

    pub(super) async fn rest(&self, path: &str, failures: u32, why: String) -> Result<(), LoadError> {
        let options = self.http.options();
        if failures >= options.attempts.max(1) {
            let request = format!("POST {path}");
            return Err(LoadError::Unavailable { url: self.http.host(), request, attempts: failures, why });
        }
        sleep(pause(options, path, failures)).await;
        Ok(())
    }
}

fn object_is_there(live: &Live, object: &str, singular: &str) -> Option<SetupOutcome> {
    let mismatch = |why: String| Some(SetupOutcome::Mismatch { why });
    let Some(found) = live.schema.objects.get(object) else {
        let other = live.schema.objects.values().find(|other| other.singular == singular)?;
        return mismatch(format!("`{singular}` is already the name of one of `{}`", other.name));
    };
    if found.singular != singular {
        return mismatch(format!("`{object}` is there already, but one of them is called `{}`", found.singular));
    }
    if !found.custom {
        return mismatch(format!("`{object}` is one of Twenty's own objects; map to it without `new`"));
    }
    if !found.active {
        return mismatch(format!(
            "`{object}` is there already, but switched off; switch it on in Settings › Data model"
        ));
    }
    Some(SetupOutcome::AlreadyThere)
}

/// Checks that a live field can hold values of a type.
pub(super) fn holds(field: &FieldSchema, ty: &FieldType) -> Result<(), String> {
    if let FieldType::Many { .. } = ty {
        return if field.ty.is_none() {
            Ok(())
        } else {
            Err(format!("it is a field of type {}, not links", field.native))
        };
    }
    // Names of types are the same in both versions but for rich text, which counts as one kind.
    let (wanted, _) = native(ty, super::live::Version::Two)?;
    if !same_kind(&field.native, wanted) {
        return Err(format!("its type is {}, and the plan needs {wanted}", field.native));
    }
    if let FieldType::Reference { objects: wanted } = ty {
        let Some(FieldType::Reference { objects }) = &field.ty else {
            return Err("it is the side of many of a relation, and the plan needs the side of one".to_owned());
        };
        if let Some(other) = wanted.iter().find(|object| !objects.contains(object)) {
            return Err(format!("it refers to {}, and the plan needs `{other}`", objects.join(", ")));
        }
    }
    Ok(())
}

fn is_on(field: &FieldSchema, object: &str) -> Result<(), String> {
    if field.active {
        return Ok(());
    }
    Err(format!("it is switched off; switch it on in Settings › Data model › {object}"))
}

fn field_body(live: &Live, action: &SetupAction) -> Result<Value, String> {
    let SetupAction::CreateField { object, field, label, ty, options, inverse, description, .. } = action else {
        return Err("not a field".to_owned());
    };
    refuse_field_name(field)?;
    let owner = live.object(object).map_err(|error| error.to_string())?;
    if let Some(other) = owner.fields.values().find(|other| other.write_key == *field) {
        return Err(format!(
            "`{object}.{field}` would be the key of the relation `{}`; choose another name",
            other.name
        ));
    }
    let (native, settings) = native(ty, live.version)?;
    let mut body = Map::new();
    body.insert("objectMetadataId".to_owned(), json!(owner.id));
    body.insert("type".to_owned(), json!(native));
    body.insert("name".to_owned(), json!(field));
    body.insert("label".to_owned(), json!(label));
    if let Some(description) = description {
        body.insert("description".to_owned(), json!(description));
    }
    if let Some(settings) = settings {
        body.insert("settings".to_owned(), settings);
    }
    match ty {
        FieldType::Select { .. } | FieldType::Multiselect { .. } => {
            if options.is_empty() {
                return Err(format!("`{object}.{field}` is a select without options"));
            }
            let all: Vec<&NewOption> = options.iter().collect();
            body.insert("options".to_owned(), merged(&[], &all, &[])?);
        }
        FieldType::Reference { objects } => {
            let [target] = objects.as_slice() else {
                return Err(format!("`{object}.{field}`: Twenty's relations refer to one object; name one"));
            };
            let target = live.object(target).map_err(|error| error.to_string())?;
            let label = inverse.as_deref().unwrap_or(&owner.label);
            let payload = json!({
                "type": "MANY_TO_ONE",
                "targetObjectMetadataId": target.id,
                "targetFieldLabel": label,
                "targetFieldIcon": "IconList",
            });
            body.insert("relationCreationPayload".to_owned(), payload);
        }
        _ => {}
    }
    Ok(Value::Object(body))
}
