//! Changes of a location's schema: custom fields, custom objects, associations, pipelines and their stages.

use migr_load::{Call, CallError, FieldSchema, LoadError, Made, OptionSchema, Payload, SetupOutcome, SetupRecord};
use migr_plan::{FieldType, NewOption, SetupAction};
use reqwest::Method;
use serde_json::{Value, json};

use super::HighLevel;
use super::api::{list, text};
use super::kind::Kind;
use super::live::{Live, custom_type, key_of_object, native_type, new_stages, snake};
use super::pipelines::Pipeline;

/// Folder of the fields that setup makes, where an object has none.
const FOLDER: &str = "Imported";
/// Format of files that a contact's field takes.
const ANY_FILE: &str = "all";
/// Requests for one change whose answers are lost, before it is given up.
const ATTEMPTS: u32 = 6;
/// Files that a contact's field takes at most.
const MOST_FILES: u32 = 100;

/// Check that a live field can hold values of a type; the reason where it cannot.
pub(super) fn holds(field: &FieldSchema, ty: &FieldType) -> Result<(), String> {
    let Some(native) = custom_type(field) else { return Ok(()) };
    let wanted = native_type(ty, false);
    let is_choice = matches!(ty, FieldType::Select { .. } | FieldType::Multiselect { .. });
    let takes_text = matches!(native, "TEXT" | "LARGE_TEXT" | "SINGLE_OPTIONS" | "RADIO")
        || !is_choice && matches!(native, "PHONE" | "EMAIL");
    let is_text = matches!(wanted, "TEXT" | "LARGE_TEXT" | "PHONE");
    let is_several = matches!(ty, FieldType::Multiselect { .. }) && matches!(native, "MULTIPLE_OPTIONS" | "CHECKBOX");
    let is_number = matches!(native, "NUMERICAL" | "MONETORY") && matches!(wanted, "NUMERICAL" | "MONETORY");
    if native == wanted || is_text && takes_text || is_number || is_several {
        return Ok(());
    }
    Err(format!("it is of type {native}, and {wanted} is needed"))
}

/// True for a field that takes its own options alone, and drops what else is sent without a word.
pub(super) fn takes_options_alone(field: &FieldSchema) -> bool {
    matches!(custom_type(field), Some("SINGLE_OPTIONS" | "RADIO" | "MULTIPLE_OPTIONS" | "CHECKBOX"))
}

/// Reason for which a field of options does not do: it lacks some that the plan writes, or nobody knows in which form a record holds one.
fn lacks_options(object: &str, field: &FieldSchema, options: &[NewOption]) -> Option<String> {
    if !takes_options_alone(field) {
        return None;
    }
    if Kind::of(object) == Kind::Custom {
        return Some(format!(
            "the field \"{}\" takes its own options alone, and no document says whether a record of `{object}` holds an option's key or its label: rename or remove it in the location, and setup makes a text of this label",
            field.label
        ));
    }
    let is_there = |wanted: &&NewOption| field.options.iter().any(|known| known.value == wanted.value);
    let lacking: Vec<String> =
        options.iter().filter(|wanted| !is_there(wanted)).map(|it| format!("\"{}\"", it.value)).collect();
    (!lacking.is_empty()).then(|| {
        format!(
            "the field \"{}\" takes its own options alone, and has none called {}: add them in the location by hand",
            field.label,
            lacking.join(", ")
        )
    })
}

impl HighLevel {
    /// Reason for which a change cannot be made, as far as that is known beforehand.
    pub(super) fn refusal(&self, action: &SetupAction) -> Option<String> {
        match action {
            SetupAction::AddOptions { object, field, .. }
                if (object.as_str(), field.as_str()) == ("opportunities", "pipelineStage") =>
            {
                let asked = new_stages(action, &self.plan.picklists);
                let Some(live) = self.live().ok().filter(|_| !asked.is_empty()) else {
                    return asked.is_empty().then(|| "no table says which pipeline the stage is of".to_owned());
                };
                if let Some(why) = asked.iter().find_map(|(pipeline, stage)| has_chances(&live, pipeline, stage)) {
                    return Some(why);
                }
                let refused = live.refuses_pipelines.as_ref()?;
                let (pipeline, stage) =
                    asked.iter().find(|(name, _)| !live.pipelines.iter().any(|known| known.name == *name))?;
                Some(no_stage(pipeline, stage, refused))
            }
            SetupAction::AddOptions { .. } => Some("options of a field cannot be added over the API".to_owned()),
            SetupAction::CreateField { object, field, label, options, .. } => {
                let live = self.live().ok();
                if let Some(known) = live.as_ref().and_then(|live| live.field(object, field)) {
                    return lacks_options(object, known, options);
                }
                let folded = fold(label);
                if folded.is_empty() {
                    return Some(format!(
                        "the server would make no key of the label \"{label}\"; use Latin letters or digits"
                    ));
                }
                let twin = self.plan.setup.iter().find_map(|other| match other {
                    SetupAction::CreateField { object: of, field: name, label, .. }
                        if of == object && name != field && fold(label) == folded =>
                    {
                        Some(name.clone())
                    }
                    _ => None,
                });
                twin.map(|twin| {
                    format!(
                        "the server would give it the same key as `{twin}`; let the labels differ in letters or digits"
                    )
                })
            }
            SetupAction::CreateObject { .. } => None,
        }
    }

    pub(super) async fn carry_out(&self, action: &SetupAction) -> Result<SetupOutcome, LoadError> {
        let _one_at_a_time = self.changing.lock().await;
        let live = match self.live() {
            Ok(live) => live,
            Err(_) => self.read_live().await?,
        };
        match action {
            SetupAction::CreateObject { object, .. } if live.objects.contains_key(object) => {
                return Ok(SetupOutcome::AlreadyThere);
            }
            SetupAction::CreateField { object, field, ty, options, .. } => {
                if let Some(known) = live.field(object, field) {
                    let unfit = holds(known, ty).err().or_else(|| lacks_options(object, known, options));
                    return Ok(match unfit {
                        None => SetupOutcome::AlreadyThere,
                        Some(why) => SetupOutcome::Mismatch { why },
                    });
                }
            }
            SetupAction::AddOptions { .. } => return self.add_stages(&live, action).await,
            SetupAction::CreateObject { .. } => {}
        }
        let mut live = live;
        for attempt in 1.. {
            let why = match self.make_part(&live, action).await {
                Ok(made) => {
                    match live.with_field(action, &made) {
                        Some(known) => {
                            self.takes_live(known);
                            self.outdates_live();
                        }
                        // What was made has a key that only the location knows.
                        None => self.read_part(&live, action).await?,
                    }
                    return Ok(SetupOutcome::Done(SetupRecord { action: action.clone(), made }));
                }
                Err(CallError::Refused { message, .. }) => return Ok(SetupOutcome::Mismatch { why: message }),
                Err(CallError::Unknown { why, .. }) => why,
                Err(CallError::Fatal(error)) => return Err(error),
            };
            // The location tells by its lists whether it was made.
            live = self.read_live().await?;
            if let Some(made) = made(&live, action) {
                return Ok(SetupOutcome::Done(SetupRecord { action: action.clone(), made }));
            }
            if attempt >= ATTEMPTS {
                return Err(LoadError::Unexpected { request: "setup".to_owned(), why });
            }
        }
        Ok(SetupOutcome::AlreadyThere)
    }

    /// Reads that part of the description again which a change has moved.
    async fn read_part(&self, live: &Live, action: &SetupAction) -> Result<(), LoadError> {
        let mut live = live.clone();
        let kind = match action {
            SetupAction::CreateObject { object, .. } | SetupAction::CreateField { object, .. } => Kind::of(object),
            SetupAction::AddOptions { .. } => return Ok(()),
        };
        if kind == Kind::Associations {
            self.ask_links(&mut live).await?;
        } else {
            self.ask_objects(&mut live).await?;
        }
        self.takes_live(live);
        Ok(())
    }

    /// Makes an object or a field.
    async fn make_part(&self, live: &Live, action: &SetupAction) -> Result<Made, CallError> {
        match action {
            SetupAction::CreateObject { object, singular, singular_label, plural_label, description, .. } => {
                let labels = json!({"singular": singular_label, "plural": plural_label});
                self.make_object(object, singular, &labels, description.as_deref()).await
            }
            SetupAction::CreateField { object, field, label, ty, options, .. } => match Kind::of(object) {
                kind @ (Kind::Contacts | Kind::Opportunities) => {
                    self.make_field(live, kind, label, (ty, options)).await
                }
                Kind::ContactFiles => self.make_field(live, Kind::Contacts, label, (ty, options)).await,
                Kind::Custom => self.make_property(live, object, field, label, ty).await,
                Kind::Associations => self.make_association(live, label, ty).await,
                _ => Err(refused(format!("`{object}` has no fields of one's own"))),
            },
            SetupAction::AddOptions { field, .. } => Err(refused(format!("`{field}` has no options of one's own"))),
        }
    }

    async fn make_field(
        &self,
        live: &Live,
        kind: Kind,
        label: &str,
        (ty, options): (&FieldType, &[NewOption]),
    ) -> Result<Made, CallError> {
        let native = live.type_of_new(ty, false);
        let mut body = json!({"name": label, "dataType": native, "model": kind.model()});
        let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
        let gives_options = live.gives_options && matches!(native, "SINGLE_OPTIONS" | "MULTIPLE_OPTIONS");
        if let (true, Some(body)) = (gives_options, body.as_object_mut()) {
            body.insert("options".to_owned(), json!(values));
        }
        if let (FieldType::File, Some(body)) = (ty, body.as_object_mut()) {
            body.insert("isMultipleFile".to_owned(), true.into());
            body.insert("maxNumberOfFiles".to_owned(), MOST_FILES.into());
            body.insert("acceptedFormat".to_owned(), json!([ANY_FILE]));
        }
        let answer = self.make(format!("locations/{}/customFields", self.location), &body).await?;
        let id = answer.get("customField").and_then(|field| text(field, "id"));
        let id = id.ok_or_else(|| no_id("customField"))?;
        if gives_options {
            self.holds_options(id, &values).await?;
        }
        Ok(Made::Field { id: id.to_owned() })
    }

    /// Reads a new field's options back: what the API does not know it may drop without a word. A field without them is removed again.
    async fn holds_options(&self, id: &str, options: &[&str]) -> Result<(), CallError> {
        let path = format!("locations/{}/customFields/{id}", self.location);
        let answer = self.get(path.as_str(), Vec::new()).await?;
        let field = answer.get("customField").unwrap_or(&answer);
        let held: Vec<&str> = list(field, &["picklistOptions"]).iter().filter_map(Value::as_str).collect();
        if options.iter().all(|option| held.contains(option)) {
            return Ok(());
        }
        self.send(Call::new(Method::DELETE, path, Payload::Empty)).await?;
        Err(refused(
            "the server made the field without the options that it was sent: take `customFields.options` out of `undocumented`, and the field is a text".to_owned(),
        ))
    }

    async fn make_object(
        &self,
        object: &str,
        singular: &str,
        labels: &Value,
        description: Option<&str>,
    ) -> Result<Made, CallError> {
        let key = key_of_object(singular);
        let first = self.plan.setup.iter().find_map(|action| match action {
            SetupAction::CreateField { object: of, field, label, ty: FieldType::Text, .. } if of == object => {
                Some((field.as_str(), label.as_str()))
            }
            _ => None,
        });
        let (field, label) = first.unwrap_or(("name", "Name"));
        let mut body = json!({
            "labels": labels, "key": key, "locationId": self.location,
            "primaryDisplayPropertyDetails": {
                "key": format!("{key}.{}", snake(field)), "name": label, "dataType": "TEXT",
            },
        });
        if let (Some(description), Some(body)) = (description, body.as_object_mut()) {
            body.insert("description".to_owned(), description.into());
        }
        let answer = self.make("objects/", &body).await?;
        let id = answer.get("object").and_then(|object| text(object, "id"));
        id.map(|id| Made::Object { id: id.to_owned() }).ok_or_else(|| no_id("object"))
    }

    async fn make_property(
        &self,
        live: &Live,
        object: &str,
        field: &str,
        label: &str,
        ty: &FieldType,
    ) -> Result<Made, CallError> {
        let key = live.object_key(object).map_err(CallError::Fatal)?;
        let answer = self.get(format!("custom-fields/object-key/{key}"), vec![self.here()]).await?;
        let folder = list(&answer, &["folders"]).first().and_then(|folder| text(folder, "id")).map(str::to_owned);
        let folder = if let Some(folder) = folder {
            folder
        } else {
            let body = json!({"objectKey": key, "name": FOLDER, "locationId": self.location});
            let answer = self.make("custom-fields/folder", &body).await?;
            text(&answer, "id").map(str::to_owned).ok_or_else(|| no_id("folder"))?
        };
        let body = json!({
            "locationId": self.location, "name": label, "dataType": native_type(ty, true), "showInForms": false,
            "fieldKey": format!("{key}.{}", snake(field)), "objectKey": key, "parentId": folder,
        });
        let answer = self.make("custom-fields/", &body).await?;
        let id = answer.get("field").and_then(|field| text(field, "id"));
        id.map(|id| Made::Field { id: id.to_owned() }).ok_or_else(|| no_id("field"))
    }

    async fn make_association(&self, live: &Live, label: &str, ty: &FieldType) -> Result<Made, CallError> {
        let FieldType::Reference { objects } = ty else { return Err(no_id("association")) };
        let key = |at: usize| live.end_key(objects.get(at).map_or("", String::as_str)).map_err(CallError::Fatal);
        let body = json!({
            "locationId": self.location, "key": snake(label), "firstObjectLabel": label, "firstObjectKey": key(0)?,
            "secondObjectLabel": label, "secondObjectKey": key(1)?,
        });
        let answer = self.make("associations/", &body).await?;
        text(&answer, "id").map(|id| Made::Field { id: id.to_owned() }).ok_or_else(|| no_id("association"))
    }

    /// Asks for one stage, with its pipeline where that is not there.
    async fn ask_for_stage(&self, pipelines: &[Pipeline], pipeline: &str, stage: &str) -> Result<Value, CallError> {
        let Some(known) = pipelines.iter().find(|known| known.name == pipeline) else {
            let body = json!({"name": pipeline, "stages": [{"name": stage}], "locationId": self.location});
            return self.make("opportunities/pipelines", &body).await;
        };
        let stages = known.with(stage, &self.plan.picklists).replacement(|known| known.name == stage);
        let body = json!({"name": known.name, "stages": stages, "locationId": self.location});
        self.put(format!("opportunities/pipelines/{}", known.id), &body).await
    }

    /// Makes the pipelines and stages that the tables ask for. Stages that are there keep their ids: a list without one would remove it.
    async fn add_stages(&self, live: &Live, action: &SetupAction) -> Result<SetupOutcome, LoadError> {
        let mut pipelines = live.pipelines.clone();
        let before: Vec<OptionSchema> = stage_options(&pipelines);
        let (mut added, mut wanted) = (Vec::new(), live.clone());
        for (pipeline, stage) in new_stages(action, &self.plan.picklists) {
            let has = |all: &[Pipeline]| all.iter().any(|known| known.name == pipeline && known.has(&stage));
            if has(&pipelines) {
                continue;
            }
            wanted.add_stage(&pipeline, &stage);
            for attempt in 1.. {
                let lost = match self.ask_for_stage(&pipelines, &pipeline, &stage).await {
                    Ok(_) => None,
                    Err(CallError::Unknown { why, .. }) => Some(why),
                    Err(
                        CallError::Fatal(LoadError::Unauthorized { message, .. }) | CallError::Refused { message, .. },
                    ) => return Ok(SetupOutcome::Mismatch { why: no_stage(&pipeline, &stage, &message) }),
                    Err(error) => return Err(error.into_load_error("opportunities/pipelines".to_owned())),
                };
                // After a lost answer the location tells whether it was made; what was not is asked for again.
                pipelines = self.ask_pipelines().await?;
                match lost {
                    _ if has(&pipelines) => break,
                    Some(_) if attempt < ATTEMPTS => {}
                    Some(why) => return Err(LoadError::Unexpected { request: "setup".to_owned(), why }),
                    None => {
                        let why = format!(
                            "the server says that it made the stage \"{stage}\" of pipeline \"{pipeline}\", and does not list it; look there, then run setup again"
                        );
                        return Ok(SetupOutcome::Mismatch { why });
                    }
                }
            }
            added.push(stage);
        }
        if added.is_empty() {
            return Ok(SetupOutcome::AlreadyThere);
        }
        self.takes_live(live.with_pipelines(pipelines));
        let made = Made::Options { id: "pipelineStage".to_owned(), before, added };
        // Stages that the location had keep their order, whatever the tables' rows say of it.
        let mut action = action.clone();
        if let SetupAction::AddOptions { order, .. } = &mut action {
            let placed = stage_options(&wanted.pipelines).into_iter().map(|stage| stage.value);
            *order = placed.filter(|stage| order.contains(stage)).collect();
        }
        Ok(SetupOutcome::Done(SetupRecord { action, made }))
    }
}

/// Reason for which a stage is made by hand: its pipeline has a chance of winning for each stage, and a location that finds one without it computes all of them.
fn has_chances(live: &Live, pipeline: &str, stage: &str) -> Option<String> {
    let known = live.pipelines.iter().find(|known| known.name == pipeline)?;
    (known.has_chances && !known.has(stage)).then(|| {
        format!(
            "pipeline \"{pipeline}\" has a chance of winning for each of its stages, and nothing says which one \"{stage}\" has: make the stage in the location by hand"
        )
    })
}

/// Words for a stage that the server does not let this token make.
fn no_stage(pipeline: &str, stage: &str, message: &str) -> String {
    format!(
        "the server does not let the stage \"{stage}\" of pipeline \"{pipeline}\" be made ({message}): make it in the location by hand, or give the token the scopes pipelines.create and pipelines.write"
    )
}

/// Part of the location that a change asks for, where it is there.
fn made(live: &Live, action: &SetupAction) -> Option<Made> {
    match action {
        SetupAction::CreateObject { object, .. } => {
            Some(Made::Object { id: live.schema.objects.get(object).filter(|known| !known.id.is_empty())?.id.clone() })
        }
        SetupAction::CreateField { object, field, .. } => {
            Some(Made::Field { id: live.field(object, field).filter(|known| !known.id.is_empty())?.id.clone() })
        }
        SetupAction::AddOptions { .. } => None,
    }
}

fn refused(message: String) -> CallError {
    CallError::Refused { status: 400, message, code: None, body: None }
}

/// Stages of all pipelines as options, each name once.
pub(super) fn stage_options(pipelines: &[Pipeline]) -> Vec<OptionSchema> {
    let mut options: Vec<OptionSchema> = Vec::new();
    for stage in pipelines.iter().flat_map(|pipeline| &pipeline.stages) {
        if !options.iter().any(|option| option.value == stage.name) {
            options.push(OptionSchema {
                id: Some(stage.id.clone()),
                value: stage.name.clone(),
                label: stage.name.clone(),
                color: None,
                position: u32::try_from(options.len()).unwrap_or(u32::MAX),
            });
        }
    }
    options
}

/// A label as the server makes keys of it: letters and digits alone.
fn fold(label: &str) -> String {
    label.chars().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_lowercase()).collect()
}

fn no_id(what: &str) -> CallError {
    CallError::Unknown { why: format!("the answer names no {what}"), is_answered: true }
}
