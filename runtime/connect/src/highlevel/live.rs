//! Description that a location gives of itself: its fields, pipelines, calendars, associations and settings, as one schema.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use migr_load::{CallError, FieldSchema, LoadError, Made, ObjectSchema, OptionSchema, Schema};
use migr_plan::{FieldType, Picklist, Plan, SetupAction};
use serde_json::{Value, json};

use super::api::{list, text};
use super::kind::Kind;
use super::pipelines::{Pipeline, stages_of};
use super::setup::stage_options;
use super::{HighLevel, TOKEN, TOKEN_LABEL};

/// Key of a custom field's value in a body of ours, before its id.
pub(super) const CUSTOM: &str = "customFields.";
/// Kind of a custom field, before the server's word for it.
const CUSTOM_KIND: &str = "custom ";
/// Beginning of the key of an object that a person made.
const OBJECTS: &str = "custom_objects.";
/// Undocumented part of the API by which a new field is given its options.
const OPTIONS: &str = "customFields.options";
/// Associations in one question.
const ASSOCIATIONS: usize = 100;

/// Description that a location gives of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    pub(super) schema: Schema,
    /// The agency that the location belongs to.
    pub(super) company: String,
    /// A second contact of one address or number is refused, and the refusal names the first.
    pub(super) refuses_second_contact: bool,
    /// A second contact of one address or number is taken.
    pub(super) allows_second_contact: bool,
    /// The same of a second opportunity of one contact in one pipeline, closed ones too.
    pub(super) refuses_second_opportunity: bool,
    /// Country of the location, which a contact without one gets.
    pub(super) country: String,
    pub(super) pipelines: Vec<Pipeline>,
    /// Words by which the server refuses a pipeline to this token, where the plan needs one that is not there.
    pub(super) refuses_pipelines: Option<String>,
    pub(super) calendars: Vec<Named>,
    /// Users that a calendar lets appointments be assigned to, by its id; none where it does not say.
    pub(super) teams: BTreeMap<String, Vec<String>>,
    pub(super) associations: Vec<Association>,
    /// Objects that a person made: name of many → key.
    pub(super) objects: BTreeMap<String, String>,
    /// Tags that were there, as they are kept, with their ids; none where nobody may list them, or none is written.
    pub(super) tags: Option<BTreeMap<String, String>>,
    /// True where new fields are given options, which the API's documents do not name.
    pub(super) gives_options: bool,
    /// Tables of the plan, by which a new stage has its pipeline.
    pub(super) tables: Vec<Picklist>,
}

/// Something with an id and a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
}

/// An association between objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Association {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) first: String,
    pub(super) second: String,
}

impl Live {
    /// The key of an object that a person made.
    pub(super) fn object_key(&self, object: &str) -> Result<&str, LoadError> {
        let key = self.objects.get(object).map(String::as_str);
        key.ok_or_else(|| LoadError::Missing { what: format!("object `{object}`") })
    }

    /// The key of an object at an end of a relation.
    pub(super) fn end_key(&self, object: &str) -> Result<String, LoadError> {
        match Kind::of(object) {
            Kind::Contacts => Ok("contact".to_owned()),
            Kind::Custom => self.object_key(object).map(str::to_owned),
            _ => Err(LoadError::Missing { what: format!("way to link `{object}`") }),
        }
    }

    pub(super) fn field(&self, object: &str, field: &str) -> Option<&FieldSchema> {
        self.schema.field(object, field)
    }

    /// The field of an object that is written by a key.
    pub(super) fn written_by(&self, object: &str, key: &str) -> Option<&FieldSchema> {
        self.schema.objects.get(object)?.fields.values().find(|field| field.write_key == key)
    }

    /// The key of the field that holds the program's own id; none where the object has none.
    pub(super) fn token_key(&self, object: &str) -> Option<&str> {
        self.field(object, TOKEN).map(|field| field.write_key.as_str())
    }

    /// The id of a stage, by its name: of one pipeline, or of the only one that has it.
    pub(super) fn stage(&self, pipeline: Option<&str>, name: &str) -> Option<&str> {
        let mut found = self
            .pipelines
            .iter()
            .filter(|known| pipeline.is_none_or(|id| known.id == id))
            .flat_map(|known| known.stages.iter().filter(|stage| stage.name == name));
        let first = found.next()?;
        (pipeline.is_some() || found.next().is_none()).then_some(first.id.as_str())
    }

    /// The location as it will be once changes are made: what is new has no id yet.
    pub(super) fn after(&self, changes: &[SetupAction]) -> Self {
        let mut live = self.clone();
        for change in changes {
            match change {
                SetupAction::CreateObject { object, singular, plural_label, .. } => {
                    let key = key_of_object(singular);
                    live.objects.entry(object.clone()).or_insert(key);
                    live.schema.objects.entry(object.clone()).or_insert_with(|| ObjectSchema {
                        id: String::new(),
                        name: object.clone(),
                        singular: singular.clone(),
                        label: plural_label.clone(),
                        custom: true,
                        active: true,
                        fields: IndexMap::new(),
                    });
                }
                SetupAction::CreateField { object, field, label, ty, options, .. } => {
                    let is_object = Kind::of(object) == Kind::Custom;
                    let key = if is_object { snake(field) } else { format!("{CUSTOM}{field}") };
                    let native = self.type_of_new(ty, is_object);
                    let made = custom_field("", field, label, native, key, options_of(options));
                    if let Some(known) = live.schema.objects.get_mut(object) {
                        known.fields.entry(field.clone()).or_insert(made);
                    }
                }
                SetupAction::AddOptions { .. } => {
                    for (pipeline, stage) in new_stages(change, &self.tables) {
                        live.add_stage(&pipeline, &stage);
                    }
                }
            }
        }
        live
    }

    /// The server's word for the type of a field that setup makes.
    pub(super) fn type_of_new(&self, ty: &FieldType, is_object: bool) -> &'static str {
        match ty {
            FieldType::Select { .. } if self.gives_options && !is_object => "SINGLE_OPTIONS",
            FieldType::Multiselect { .. } if self.gives_options && !is_object => "MULTIPLE_OPTIONS",
            ty => native_type(ty, is_object),
        }
    }

    /// The stages of the pipelines are the options of an opportunity's stage.
    fn names_stages(&mut self) {
        let stages = stage_options(&self.pipelines);
        let known = self.schema.objects.get_mut("opportunities").and_then(|it| it.fields.get_mut("pipelineStage"));
        if let Some(known) = known {
            known.options = stages;
        }
    }

    /// The location with its pipelines as they were read just now.
    pub(super) fn with_pipelines(&self, pipelines: Vec<Pipeline>) -> Self {
        let mut live = Self { pipelines, ..self.clone() };
        live.names_stages();
        live
    }

    /// The location with a field of contacts or opportunities that was just made; none where a change makes something else.
    pub(super) fn with_field(&self, change: &SetupAction, made: &Made) -> Option<Self> {
        let (SetupAction::CreateField { object, field, label, ty, options, .. }, Made::Field { id }) = (change, made)
        else {
            return None;
        };
        if Kind::of(object) == Kind::ContactFiles {
            let mut live = self.clone();
            let stock = stock(object, Kind::ContactFiles).fields.shift_remove(field)?;
            let file = FieldSchema { id: id.clone(), ..stock };
            live.schema.objects.get_mut(object)?.fields.insert(field.clone(), file);
            return Some(live);
        }
        Kind::of(object).model()?;
        let native = self.type_of_new(ty, false);
        let made = custom_field(id, field, label, native, format!("{CUSTOM}{id}"), options_of(options));
        let mut live = self.clone();
        live.schema.objects.get_mut(object)?.fields.insert(field.clone(), made);
        Some(live)
    }

    pub(super) fn add_stage(&mut self, pipeline: &str, stage: &str) {
        let tables = &self.tables;
        match self.pipelines.iter_mut().find(|known| known.name == pipeline) {
            Some(known) if known.has(stage) => {}
            Some(known) => *known = known.with(stage, tables),
            None => self.pipelines.push(Pipeline::new(pipeline).with(stage, tables)),
        }
    }
}

/// Pipelines and stages that a change of the stages asks for, by the tables that decide both.
pub(super) fn new_stages(change: &SetupAction, tables: &[Picklist]) -> Vec<(String, String)> {
    let SetupAction::AddOptions { options, .. } = change else { return Vec::new() };
    let mut stages = Vec::new();
    for (pipeline, stage, is_new) in tables.iter().flat_map(stages_of) {
        let is_new = is_new && options.iter().any(|option| option.value == stage);
        let pair = (pipeline, stage);
        if is_new && !stages.contains(&pair) {
            stages.push(pair);
        }
    }
    stages
}

/// The key that the server makes of the name of one.
pub(super) fn key_of_object(singular: &str) -> String {
    format!("{OBJECTS}{}", snake(singular))
}

/// A name as keys are written: letters and digits in lower case, everything else one `_`.
pub(super) fn snake(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    let mut was_lower = false;
    for sign in name.chars() {
        if sign.is_ascii_alphanumeric() {
            if sign.is_ascii_uppercase() && was_lower {
                key.push('_');
            }
            was_lower = sign.is_ascii_lowercase() || sign.is_ascii_digit();
            key.push(sign.to_ascii_lowercase());
        } else {
            was_lower = false;
            key.push('_');
        }
    }
    key
}

/// The server's word for a type: of a custom object, else of contacts and opportunities.
pub(super) fn native_type(ty: &FieldType, is_object: bool) -> &'static str {
    match ty {
        FieldType::Integer | FieldType::Number | FieldType::Decimal => "NUMERICAL",
        FieldType::Currency => "MONETORY",
        FieldType::Date => "DATE",
        FieldType::Phone => "PHONE",
        FieldType::Email if is_object => "EMAIL",
        FieldType::Richtext | FieldType::Json | FieldType::List { .. } => "LARGE_TEXT",
        FieldType::File => "FILE_UPLOAD",
        _ => "TEXT",
    }
}

pub(super) fn custom_field(
    id: &str,
    name: &str,
    label: &str,
    native: &str,
    key: String,
    options: Vec<OptionSchema>,
) -> FieldSchema {
    FieldSchema {
        id: id.to_owned(),
        name: name.to_owned(),
        label: label.to_owned(),
        ty: None,
        native: format!("{CUSTOM_KIND}{native}"),
        options,
        any_option: is_text(native),
        unique: false,
        nullable: true,
        write_key: key,
        write_keys: IndexMap::new(),
        writable: true,
        custom: true,
        active: true,
    }
}

/// An association, as the field that setup makes of it.
fn association_field(name: &str, label: &str, id: &str) -> FieldSchema {
    let field = custom_field(id, name, label, "", String::new(), Vec::new());
    FieldSchema { native: "association".to_owned(), writable: false, ..field }
}

/// The server's word for the type of a custom field; none for a field of the object's own.
pub(super) fn custom_type(field: &FieldSchema) -> Option<&str> {
    field.native.strip_prefix(CUSTOM_KIND)
}

fn stock(name: &str, kind: Kind) -> ObjectSchema {
    let fields = kind.fields().iter().map(|stock| {
        let field = FieldSchema {
            id: String::new(),
            name: stock.name.to_owned(),
            label: stock.name.to_owned(),
            ty: stock.native.ty(),
            native: stock.native.name().to_owned(),
            options: Vec::new(),
            any_option: false,
            unique: kind == Kind::Contacts && matches!(stock.name, "email" | "phone"),
            nullable: !stock.required,
            write_key: stock.key.to_owned(),
            write_keys: IndexMap::new(),
            writable: true,
            custom: false,
            active: true,
        };
        (stock.name.to_owned(), field)
    });
    ObjectSchema {
        id: name.to_owned(),
        name: name.to_owned(),
        singular: name.to_owned(),
        label: name.to_owned(),
        custom: false,
        active: true,
        fields: fields.collect(),
    }
}

/// The name that the plan gives a field by its label; the label's own where it gives none.
fn planned_name(plan: &Plan, object: &str, label: &str) -> Option<String> {
    if label.eq_ignore_ascii_case(TOKEN_LABEL) {
        return Some(TOKEN.to_owned());
    }
    plan.setup.iter().find_map(|action| match action {
        SetupAction::CreateField { object: of, field, label: known, .. }
            if of == object && known.trim().eq_ignore_ascii_case(label.trim()) =>
        {
            Some(field.clone())
        }
        _ => None,
    })
}

/// The options of a field that is a text: it holds every one of the plan. None where it is none.
fn options_of_text(plan: &Plan, (object, name): (&str, &str), native: &str) -> Option<Vec<OptionSchema>> {
    is_text(native).then(|| planned_options(plan, object, name))
}

fn is_text(native: &str) -> bool {
    matches!(native, "TEXT" | "LARGE_TEXT")
}

/// The options that the plan gives a new field.
fn planned_options(plan: &Plan, object: &str, name: &str) -> Vec<OptionSchema> {
    let options = plan.setup.iter().find_map(|action| match action {
        SetupAction::CreateField { object: of, field, options, .. } if of == object && field == name => Some(options),
        _ => None,
    });
    options.map(|options| options_of(options)).unwrap_or_default()
}

/// New options, as those of a text that holds them.
fn options_of(options: &[migr_plan::NewOption]) -> Vec<OptionSchema> {
    let option = |(option, position): (&migr_plan::NewOption, u32)| OptionSchema {
        id: None,
        value: option.value.clone(),
        label: option.label.clone(),
        color: None,
        position,
    };
    options.iter().zip(0..).map(option).collect()
}

impl HighLevel {
    /// Asks for everything that is told.
    pub(super) async fn ask_live(&self) -> Result<Live, LoadError> {
        let place = self.read(format!("locations/{}", self.location), Vec::new()).await?;
        let place = place.get("location").unwrap_or(&place).clone();
        let mut live = Live { company: text(&place, "companyId").unwrap_or_default().to_owned(), ..Live::default() };
        self.version.name().clone_into(&mut live.schema.version);
        let says = |setting: &str| place.get("settings").and_then(|it| it.get(setting)).and_then(Value::as_bool);
        let refuses = |setting: &str| says(setting) == Some(false);
        live.refuses_second_contact = refuses("allowDuplicateContact");
        live.allows_second_contact = says("allowDuplicateContact") == Some(true);
        live.refuses_second_opportunity = refuses("allowDuplicateOpportunity");
        text(&place, "country").unwrap_or_default().clone_into(&mut live.country);
        live.tables.clone_from(&self.plan.picklists);
        live.gives_options = self.plan.destination.undocumented.iter().any(|part| part.what == OPTIONS);
        for (name, kind) in Kind::STOCK {
            live.schema.objects.insert((*name).to_owned(), stock(name, *kind));
        }
        self.ask_custom_fields(&mut live).await?;
        live.pipelines = self.ask_pipelines().await?;
        let asked = self.plan.setup.iter().flat_map(|action| new_stages(action, &self.plan.picklists));
        if asked.into_iter().any(|(name, _)| !live.pipelines.iter().any(|known| known.name == name)) {
            live.refuses_pipelines = self.ask_for_pipelines().await?;
        }
        if let Some(files) = live.schema.objects.get_mut("contactFiles") {
            // Only a contact's field of files holds one.
            files.fields.retain(|name, field| name != "file" || !field.id.is_empty());
        }
        if self.writes_tags() {
            live.tags = self.ask_tags().await?;
        }
        live.names_stages();
        if self.uses(Kind::Appointments) {
            let calendars = self.read("calendars/", vec![self.here()]).await?;
            live.calendars = list(&calendars, &["calendars"]).iter().map(named).collect();
            live.teams = self.ask_teams(list(&calendars, &["calendars"])).await?;
        }
        if self.uses(Kind::Associations) || self.uses(Kind::Custom) {
            self.ask_objects(&mut live).await?;
            self.ask_links(&mut live).await?;
        }
        live.schema.objects.sort_keys();
        Ok(live)
    }

    /// Teams of the calendars. A list need not tell them: a calendar that it says nothing of is asked for.
    async fn ask_teams(&self, calendars: &[Value]) -> Result<BTreeMap<String, Vec<String>>, LoadError> {
        let mut teams = BTreeMap::new();
        for calendar in calendars {
            if calendar.get("teamMembers").is_some() {
                teams.extend([team(calendar)]);
            } else if let Some(id) = text(calendar, "id") {
                let answer = self.read(format!("calendars/{id}"), Vec::new()).await?;
                teams.extend([team(answer.get("calendar").unwrap_or(&answer))]);
            }
        }
        Ok(teams)
    }

    /// Words by which the server refuses this token a pipeline: a request without one makes none, and who may make some is told what it lacks.
    async fn ask_for_pipelines(&self) -> Result<Option<String>, LoadError> {
        match self.ask("opportunities/pipelines", &json!({})).await {
            Err(
                CallError::Fatal(LoadError::Unauthorized { message, .. })
                | CallError::Refused { status: 401 | 403, message, .. },
            ) => Ok(Some(message)),
            Ok(_) | Err(CallError::Refused { .. } | CallError::Unknown { .. }) => Ok(None),
            Err(error) => Err(error.into_load_error("POST opportunities/pipelines".to_owned())),
        }
    }

    /// True where the plan writes an object of a kind.
    pub(super) fn uses(&self, kind: Kind) -> bool {
        self.plan.stages.iter().any(|stage| Kind::of(&stage.destination_object) == kind)
    }

    /// Reads what the schema is made of: where it is refused nothing can be known.
    pub(super) async fn read(
        &self,
        path: impl Into<String>,
        query: Vec<(&'static str, String)>,
    ) -> Result<Value, LoadError> {
        let path = path.into();
        let name = format!("GET {path}");
        self.get(path, query).await.map_err(|error| error.into_load_error(name))
    }

    async fn ask_custom_fields(&self, live: &mut Live) -> Result<(), LoadError> {
        let path = format!("locations/{}/customFields", self.location);
        let answer = self.read(path, vec![("model", "all".to_owned())]).await?;
        for field in list(&answer, &["customFields"]) {
            let (Some(id), Some(label)) = (text(field, "id"), text(field, "name")) else { continue };
            if text(field, "dataType") == Some("FILE_UPLOAD")
                && planned_name(&self.plan, "contactFiles", label).is_some()
                && let Some(file) = live.schema.objects.get_mut("contactFiles").and_then(|it| it.fields.get_mut("file"))
            {
                id.clone_into(&mut file.id);
            }
            let is_of_opportunity = text(field, "model") == Some("opportunity")
                || text(field, "fieldKey").is_some_and(|key| key.starts_with("opportunity."));
            let object = if is_of_opportunity { "opportunities" } else { "contacts" };
            let name = planned_name(&self.plan, object, label)
                .unwrap_or_else(|| text(field, "fieldKey").unwrap_or(id).to_owned());
            let options = list(field, &["picklistOptions"]).iter().filter_map(Value::as_str).zip(0..);
            let options = options.map(|(option, position)| OptionSchema {
                id: None,
                value: option.to_owned(),
                label: option.to_owned(),
                color: None,
                position,
            });
            let native = text(field, "dataType").unwrap_or("TEXT");
            let options = options_of_text(&self.plan, (object, &name), native).unwrap_or_else(|| options.collect());
            let known = custom_field(id, &name, label, native, format!("{CUSTOM}{id}"), options);
            if let Some(object) = live.schema.objects.get_mut(object) {
                object.fields.entry(name).or_insert(known);
            }
        }
        Ok(())
    }

    pub(super) async fn ask_pipelines(&self) -> Result<Vec<Pipeline>, LoadError> {
        let answer = self.read("opportunities/pipelines", vec![self.here()]).await?;
        let pipelines = list(&answer, &["pipelines"]).iter().map(Pipeline::read);
        Ok(pipelines.collect())
    }

    /// Asks for the associations, and finds those of the plan among them.
    pub(super) async fn ask_links(&self, live: &mut Live) -> Result<(), LoadError> {
        live.associations = self.ask_associations().await?;
        let made = self.plan.setup.iter().filter_map(|action| match action {
            SetupAction::CreateField { object, field, label, .. } if Kind::of(object) == Kind::Associations => {
                let known = live.associations.iter().find(|known| known.key == snake(label))?;
                Some(association_field(field, label, &known.id))
            }
            _ => None,
        });
        let made: Vec<FieldSchema> = made.collect();
        if let Some(object) = live.schema.objects.get_mut("associations") {
            object.fields.extend(made.into_iter().map(|field| (field.name.clone(), field)));
        }
        Ok(())
    }

    pub(super) async fn ask_objects(&self, live: &mut Live) -> Result<(), LoadError> {
        let answer = self.read("objects/", vec![self.here()]).await?;
        for object in list(&answer, &["objects"]) {
            let Some(key) = text(object, "key").filter(|key| key.starts_with(OBJECTS)) else { continue };
            let labels = object.get("labels").cloned().unwrap_or_default();
            let made = self.plan.destination.new_objects.iter().find(|(_, singular)| key_of_object(singular) == key);
            let label = text(&labels, "plural").unwrap_or(key).to_owned();
            let name = made.map_or_else(|| key.to_owned(), |(many, _)| many.clone());
            let singular = made.map_or_else(|| key.to_owned(), |(_, singular)| singular.clone());
            let is_ours = made.is_some() || self.plan.stages.iter().any(|stage| stage.destination_object == name);
            let answer = if is_ours {
                self.read(format!("custom-fields/object-key/{key}"), vec![self.here()]).await?
            } else {
                Value::Null
            };
            let mut fields = IndexMap::new();
            for field in list(&answer, &["fields"]) {
                let (Some(id), Some(whole)) = (text(field, "id"), text(field, "fieldKey")) else { continue };
                let property = whole.strip_prefix(key).map_or(whole, |rest| rest.trim_start_matches('.'));
                let label = text(field, "name").unwrap_or(property);
                let own = planned_name(&self.plan, &name, label).unwrap_or_else(|| property.to_owned());
                let native = text(field, "dataType").unwrap_or("TEXT");
                let options = options_of_text(&self.plan, (&name, &own), native).unwrap_or_default();
                fields.insert(own.clone(), custom_field(id, &own, label, native, property.to_owned(), options));
            }
            live.objects.insert(name.clone(), key.to_owned());
            let id = text(object, "id").unwrap_or_default().to_owned();
            let schema = ObjectSchema { id, name: name.clone(), singular, label, custom: true, active: true, fields };
            live.schema.objects.insert(name, schema);
        }
        Ok(())
    }

    async fn ask_associations(&self) -> Result<Vec<Association>, LoadError> {
        let mut all = Vec::new();
        loop {
            let query = vec![self.here(), ("skip", all.len().to_string()), ("limit", ASSOCIATIONS.to_string())];
            let answer = self.read("associations/", query).await?;
            let found = list(&answer, &["associations"]);
            all.extend(found.iter().map(|found| {
                let part = |key: &str| text(found, key).unwrap_or_default().to_owned();
                Association {
                    id: part("id"),
                    key: part("key"),
                    first: part("firstObjectKey"),
                    second: part("secondObjectKey"),
                }
            }));
            if found.len() < ASSOCIATIONS {
                return Ok(all);
            }
        }
    }
}

/// A calendar's id, and the users of its team.
fn team(calendar: &Value) -> (String, Vec<String>) {
    let members = list(calendar, &["teamMembers"]).iter().filter_map(|member| text(member, "userId"));
    (text(calendar, "id").unwrap_or_default().to_owned(), members.map(str::to_owned).collect())
}

fn named(value: &Value) -> Named {
    let part = |key: &str| text(value, key).unwrap_or_default().to_owned();
    Named { id: part("id"), name: part("name") }
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn keys_are_letters_digits_and_lines() {
        assert_eq!(snake("treatmentPlan"), "treatment_plan");
        assert_eq!(snake("Client groups"), "client_groups");
        assert_eq!(snake("program"), "program");
    }
}
