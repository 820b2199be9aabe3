//! Taking back what setup made.

use migr_plan::SetupAction;
use reqwest::Method;
use serde_json::{Value, json};

use super::Twenty;
use super::live::{Version, single};
use super::problem::metadata_cause;
use migr_load::{Call, CallError, Deleted, LoadError, Made, OptionSchema, Payload, SetupRecord, UndoOutcome};

impl Twenty {
    pub(super) async fn take_back(&self, record: &SetupRecord) -> Result<UndoOutcome, LoadError> {
        let _one_at_a_time = self.changing.lock().await;
        // As it was read after the change before; what somebody removed since is told by the answer.
        let live = self.live()?;
        match &record.made {
            Made::Object { id } => {
                let Some(object) = live.schema.objects.values().find(|object| object.id == *id) else {
                    return Ok(UndoOutcome::Gone);
                };
                let held = self.count_records(&object.name, Deleted::Both).await?;
                if held > 0 {
                    return Ok(UndoOutcome::Kept {
                        why: format!("`{}` holds {held} records that this migration did not make", object.name),
                    });
                }
                self.remove("objects", id, live.version).await
            }
            Made::Field { id } => {
                if !live.schema.objects.values().any(|object| object.fields.values().any(|field| field.id == *id)) {
                    return Ok(UndoOutcome::Gone);
                }
                self.remove("fields", id, live.version).await
            }
            Made::Options { id, before, added } => self.remove_options(&record.action, id, before, added).await,
        }
    }

    async fn remove(&self, kind: &str, id: &str, version: Version) -> Result<UndoOutcome, LoadError> {
        let path = format!("/rest/metadata/{kind}/{id}");
        if version == Version::One {
            // The older server deletes only what is switched off.
            let off = Payload::Json(json!({"isActive": false}).to_string().into());
            let call = Call::new(Method::PATCH, path.clone(), off).unpaced();
            if let Some(kept) = refused(self.http.call(&call).await, &call)? {
                return Ok(kept);
            }
        }
        let call = Call::new(Method::DELETE, path, Payload::Empty).unpaced();
        let refused = refused(self.http.call(&call).await, &call)?;
        let live = self.read_live().await?;
        let there = match kind {
            "objects" => live.schema.objects.values().any(|object| object.id == id),
            _ => live.schema.objects.values().any(|object| object.fields.values().any(|field| field.id == id)),
        };
        Ok(match refused {
            Some(kept) if there => kept,
            // A repeated request is refused for what the first one removed.
            _ => UndoOutcome::Undone,
        })
    }

    async fn remove_options(
        &self,
        action: &SetupAction,
        id: &str,
        before: &[OptionSchema],
        added: &[String],
    ) -> Result<UndoOutcome, LoadError> {
        let (SetupAction::AddOptions { object, field, .. } | SetupAction::CreateField { object, field, .. }) = action
        else {
            return Ok(UndoOutcome::Gone);
        };
        let live = self.live()?;
        let Some(found) = live.schema.field(object, field).filter(|field| field.id == id) else {
            return Ok(UndoOutcome::Gone);
        };
        let options = self.read_options(id, object, field).await?;
        let ours: Vec<&OptionSchema> = options.iter().filter(|option| added.contains(&option.value)).collect();
        if ours.is_empty() {
            return Ok(UndoOutcome::Gone);
        }
        for option in &ours {
            // Removing an option rewrites every record that holds it: only unused ones go.
            let holds = match found.native.as_str() {
                "MULTI_SELECT" => format!("{field}[containsAny]:[{}]", option.value),
                _ => format!("{field}[eq]:{}", option.value),
            };
            let trashed = format!("and({holds},deletedAt[is]:NOT_NULL)");
            let held = self.count_where(object, &holds).await? + self.count_where(object, &trashed).await?;
            if held > 0 {
                return Ok(UndoOutcome::Kept {
                    why: format!("{held} records of `{object}` hold the option `{}` of `{field}`", option.value),
                });
            }
        }
        // In their earlier order; what a person added since stays behind them.
        let place = |option: &OptionSchema| before.iter().position(|earlier| earlier.value == option.value);
        let mut kept: Vec<&OptionSchema> = options.iter().filter(|option| !added.contains(&option.value)).collect();
        kept.sort_by_key(|option| place(option).unwrap_or(usize::MAX));
        let kept: Vec<Value> = kept
            .into_iter()
            .enumerate()
            .map(|(position, option)| json!({"id": option.id, "value": option.value, "label": option.label, "color": option.color, "position": position}))
            .collect();
        let body = Payload::Json(json!({"options": kept}).to_string().into());
        let call = Call::new(Method::PATCH, format!("/rest/metadata/fields/{id}"), body).unpaced();
        match self.http.call(&call).await {
            Ok(answer) => {
                self.learn_options(object, field, single(&answer))?;
                Ok(UndoOutcome::Undone)
            }
            other => Ok(refused(other, &call)?.unwrap_or(UndoOutcome::Undone)),
        }
    }
}

fn refused(answer: Result<Value, CallError>, call: &Call<'_>) -> Result<Option<UndoOutcome>, LoadError> {
    match answer {
        Ok(_) => Ok(None),
        Err(CallError::Refused { message, body, .. }) => {
            let cause = metadata_cause(body.as_ref().map(|body| &body.0), "fieldMetadata");
            Ok(Some(UndoOutcome::Kept { why: cause.map_or(message, |(message, _)| message) }))
        }
        Err(error) => Err(error.into_load_error(call.name())),
    }
}
