//! Metadata of a workspace as they will be once setup is done.

use migr_plan::{FieldType, NewOption, SetupAction};
use serde_json::{Value, json};

use super::live::{Live, option};
use super::native::native;
use migr_load::ObjectSchema;

/// Fields of every custom object from its beginning, with their types and whether they may be empty.
const OWN: [(&str, &str, bool); 8] = [
    ("id", "UUID", false),
    ("name", "TEXT", true),
    ("createdAt", "DATE_TIME", false),
    ("updatedAt", "DATE_TIME", false),
    ("deletedAt", "DATE_TIME", true),
    ("createdBy", "ACTOR", false),
    ("updatedBy", "ACTOR", false),
    ("position", "POSITION", false),
];

impl Live {
    /// The metadata once changes are made. What is there stays as it is, as setup leaves it.
    pub(super) fn after(&self, changes: &[SetupAction]) -> Self {
        let mut live = self.clone();
        for change in changes {
            match change {
                SetupAction::CreateObject { object, plural_label, singular, .. } => {
                    live.add_object(object, singular, plural_label);
                }
                SetupAction::CreateField { object, field, ty, options, .. } => {
                    live.add_field(object, field, ty);
                    live.add_options(object, field, options);
                }
                SetupAction::AddOptions { object, field, options, .. } => live.add_options(object, field, options),
            }
        }
        live
    }

    fn add_object(&mut self, name: &str, singular: &str, label: &str) {
        if self.schema.objects.contains_key(name) {
            return;
        }
        let object = ObjectSchema {
            id: String::new(),
            name: name.to_owned(),
            singular: singular.to_owned(),
            label: label.to_owned(),
            custom: true,
            active: true,
            fields: indexmap::IndexMap::new(),
        };
        self.schema.objects.insert(name.to_owned(), object);
        for (field, native, is_nullable) in OWN {
            let raw = json!({"id": "planned", "name": field, "type": native, "isNullable": is_nullable});
            self.learn_field(name, &raw, None);
        }
    }

    fn add_field(&mut self, object: &str, field: &str, ty: &FieldType) {
        let (None, Ok((native, settings))) = (self.schema.field(object, field), native(ty, self.version)) else {
            return;
        };
        let target = match ty {
            FieldType::Reference { objects } => objects.first().map(String::as_str),
            _ => None,
        };
        let settings = if target.is_some() { json!({"relationType": "MANY_TO_ONE"}) } else { json!(settings) };
        let raw = json!({"id": "planned", "name": field, "type": native, "isNullable": true, "isUnique": false, "settings": settings});
        self.learn_field(object, &raw, target);
    }

    fn add_options(&mut self, object: &str, field: &str, options: &[NewOption]) {
        let found = self.schema.objects.get_mut(object).and_then(|object| object.fields.get_mut(field));
        let Some(found) = found.filter(|found| matches!(found.native.as_str(), "SELECT" | "MULTI_SELECT")) else {
            return;
        };
        for new in options {
            if found.options.iter().all(|known| known.value != new.value) {
                let raw: Value = json!({"value": new.value, "label": new.label});
                found.options.extend(option(&raw, found.options.len()));
            }
        }
    }
}
