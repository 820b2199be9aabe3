//! Rights of the token to write: scopes that the plan needs are asked for before the first write, by requests that cannot change anything: updates of a record,
//! or of a part of the schema, that is not there.

use migr_load::{Barred, BoxFuture, Call, CallError, LoadError};
use migr_plan::SetupAction;
use reqwest::Method;
use serde_json::json;

use super::HighLevel;
use super::api::{NO_SCOPE, boxed, each};
use super::kind::Kind;
use super::live::{Live, key_of_object};
use super::scopes::scope_of;

/// Id that no record has.
const NOBODY: &str = "000000000000000000000000";

impl HighLevel {
    /// Scopes that the plan needs to write and the token lacks, as far as an update tells. Each is asked for once by a connection.
    pub(super) async fn ask_rights(&self) -> Result<Vec<Barred>, LoadError> {
        let live = match self.live() {
            Ok(live) => live,
            Err(_) => self.read_live().await?,
        };
        let mut known = self.rights.lock().await;
        let mut wanted: Vec<(&'static str, &str)> = Vec::new();
        let mut open: Vec<BoxFuture<'_, Result<(&'static str, bool), LoadError>>> = Vec::new();
        for (object, call) in self.probes(&live).into_iter().chain(self.schema_probes(&live)) {
            let Some(scope) = scope_of(&call.method, &call.path) else { continue };
            if wanted.iter().any(|(other, _)| *other == scope) {
                continue;
            }
            wanted.push((scope, object));
            if !known.contains_key(scope) {
                open.push(boxed(async move { Ok((scope, self.is_let(call).await?)) }));
            }
        }
        known.extend(each(open).await?);
        let lacks = wanted.into_iter().filter(|(scope, _)| known.get(scope) == Some(&false));
        let barred = lacks.map(|(scope, object)| Barred {
            object: object.to_owned(),
            right: scope.to_owned(),
            why: format!(
                "the token lacks the scope `{scope}`; give it to the private integration in the location's settings"
            ),
        });
        Ok(barred.collect())
    }

    /// False where the server refuses a request for want of its scope.
    async fn is_let(&self, call: Call<'_>) -> Result<bool, LoadError> {
        let name = call.name();
        match self.send(call).await {
            Err(CallError::Fatal(LoadError::Unauthorized { message, .. })) => {
                Ok(!message.to_lowercase().contains(NO_SCOPE))
            }
            // A request that the server judges by its content passed the scope.
            Ok(_) | Err(CallError::Refused { .. } | CallError::Unknown { .. }) => Ok(true),
            Err(error) => Err(error.into_load_error(name)),
        }
    }

    /// Updates of a record that is not there, each with the object that the plan writes so.
    fn probes<'p>(&'p self, live: &Live) -> Vec<(&'p str, Call<'static>)> {
        let nothing = || super::api::json(&json!({}));
        let put = |path: String| Call::new(Method::PUT, path, nothing());
        let mut probes = Vec::new();
        for stage in &self.plan.stages {
            let object = stage.destination_object.as_str();
            let call = match Kind::of(object) {
                Kind::Contacts | Kind::Notes | Kind::Tasks => put(format!("contacts/{NOBODY}")),
                Kind::Businesses => put(format!("businesses/{NOBODY}")),
                Kind::Opportunities => put(format!("opportunities/{NOBODY}")),
                Kind::Appointments => put(format!("calendars/events/appointments/{NOBODY}")),
                Kind::Custom => {
                    let Some(key) = self.key_to_be(live, object) else { continue };
                    Call { query: vec![self.here()], ..put(format!("objects/{key}/records/{NOBODY}")) }
                }
                // No document has an update of these.
                Kind::Associations
                | Kind::Media
                | Kind::ContactFiles
                | Kind::Pipelines
                | Kind::Calendars
                | Kind::Users => continue,
            };
            probes.push((object, call));
        }
        probes
    }

    /// Updates of parts of the schema that are not there, each with the object for which setup has something left to make.
    fn schema_probes<'p>(&'p self, live: &Live) -> Vec<(&'p str, Call<'static>)> {
        self.plan.setup.iter().filter_map(|action| self.schema_probe(live, action)).collect()
    }

    fn schema_probe<'p>(&self, live: &Live, action: &'p SetupAction) -> Option<(&'p str, Call<'static>)> {
        let here = &self.location;
        let (object, path, body) = match action {
            // No object has the key of one that is yet to be made.
            SetupAction::CreateObject { object, singular, .. } => {
                let key = key_of_object(singular);
                if live.objects.contains_key(object) || live.objects.values().any(|known| *known == key) {
                    return None;
                }
                (object, format!("objects/{key}"), json!({"locationId": here, "searchableProperties": []}))
            }
            SetupAction::CreateField { object, field, .. } => {
                if live.field(object, field).is_some_and(|known| !known.id.is_empty()) {
                    return None;
                }
                if Kind::of(object) == Kind::Associations {
                    let body = json!({"firstObjectLabel": "", "secondObjectLabel": ""});
                    (object, format!("associations/{NOBODY}"), body)
                } else {
                    let body = json!({"locationId": here, "showInForms": false});
                    (object, format!("custom-fields/{NOBODY}"), body)
                }
            }
            SetupAction::AddOptions { .. } => return None,
        };
        Some((object, Call::new(Method::PUT, path, super::api::json(&body))))
    }

    /// The key of an object that a person made, or that setup makes.
    fn key_to_be(&self, live: &Live, object: &str) -> Option<String> {
        if let Ok(key) = live.object_key(object) {
            return Some(key.to_owned());
        }
        let made = self.plan.destination.new_objects.iter().find(|(many, _)| many.as_str() == object);
        made.map(|(_, singular)| key_of_object(singular))
    }
}
