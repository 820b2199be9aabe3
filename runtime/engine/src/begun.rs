//! Changes of the schema that setup began.

use migr_load::{FieldSchema, Made, OptionSchema, Schema, SetupRecord};
use migr_plan::{NewOption, SetupAction};
use serde::{Deserialize, Serialize};

/// Outcome under which a change of the schema is noted before it is asked for.
pub(crate) const BEGUN: &str = "begun";

/// A change of the schema that is about to be asked for: enough to tell later what it made, where nobody noted its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begun {
    action: SetupAction,
    /// The options that the field had; absent where there was no such object or field.
    before: Option<Vec<OptionSchema>>,
}

impl Begun {
    /// The change, where the schema lacks what it makes.
    pub(crate) fn of(action: &SetupAction, schema: &Schema) -> Option<Self> {
        let begun = |before| Some(Self { action: action.clone(), before });
        match action {
            SetupAction::CreateObject { object, .. } => {
                if schema.objects.contains_key(object) {
                    None
                } else {
                    begun(None)
                }
            }
            SetupAction::CreateField { object, field, options, .. } => match schema.field(object, field) {
                None => begun(None),
                Some(found) if lacks(found, options) => begun(Some(found.options.clone())),
                Some(_) => None,
            },
            SetupAction::AddOptions { object, field, options, .. } => {
                let found = schema.field(object, field);
                let before = found.map(|found| found.options.clone()).unwrap_or_default();
                let is_lacking = found.map_or(!options.is_empty(), |found| lacks(found, options));
                if is_lacking { begun(Some(before)) } else { None }
            }
        }
    }

    /// Reads a note back.
    pub(crate) fn from_note(undo: &str) -> Option<Self> {
        serde_json::from_str(undo).ok()
    }

    /// Record of what the change has made, by a schema that was read since; none where it was not carried out.
    pub(crate) fn made(&self, schema: &Schema) -> Option<SetupRecord> {
        let mut action = self.action.clone();
        if let SetupAction::AddOptions { object, field, order, .. } = &mut action {
            // Nobody noted in which order they were sent: it is the one in which they are there.
            let found = schema.field(object, field)?.options.iter();
            *order = found.map(|option| option.value.clone()).filter(|value| order.contains(value)).collect();
        }
        let made = match (&self.action, &self.before) {
            (SetupAction::CreateObject { object, .. }, _) => {
                Made::Object { id: schema.objects.get(object)?.id.clone() }
            }
            (SetupAction::CreateField { object, field, .. } | SetupAction::AddOptions { object, field, .. }, None) => {
                Made::Field { id: schema.field(object, field)?.id.clone() }
            }
            (
                SetupAction::CreateField { object, field, options, .. }
                | SetupAction::AddOptions { object, field, options, .. },
                Some(before),
            ) => {
                let found = schema.field(object, field)?;
                let is_new = |option: &&NewOption| {
                    let has = |all: &[OptionSchema]| all.iter().any(|known| known.value == option.value);
                    !has(before) && has(&found.options)
                };
                let added: Vec<String> = options.iter().filter(is_new).map(|option| option.value.clone()).collect();
                if added.is_empty() {
                    return None;
                }
                Made::Options { id: found.id.clone(), before: before.clone(), added }
            }
        };
        Some(SetupRecord { action, made })
    }
}

/// True where a field does not hold some of the wanted options.
pub(crate) fn lacks(there: &FieldSchema, wanted: &[NewOption]) -> bool {
    let is_there = |option: &NewOption| there.options.iter().any(|known| known.value == option.value);
    !there.any_option && !wanted.iter().all(is_there)
}
