//! Destination as it will be once setup is done, seen from one that is only read; or one that is not asked at all. Nothing is ever written to it.

mod files;
mod metadata;
mod records;
mod refusals;
mod spelling;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use migr_load::{BoxFuture, Codec, Destination, Found, LoadError, Map, Schema};
use migr_plan::{FieldMapping, FieldType, Plan, SetupAction};
use migr_transform::{Value, to_json};

use super::identity::compared;
use migr_decide::defaults;
use migr_decide::forecast::Forecast;
use migr_decide::identities::Identities;

/// Before the path of an identity among the values of a body.
const IDENTITY: char = '\u{1f}';

/// Destination of a forecast.
#[derive(Debug)]
pub(crate) struct Foreseen {
    /// The destination that is read; none: it is not asked.
    live: Option<Arc<dyn Destination>>,
    schema: Schema,
    /// Codec of the destination, by its schema as setup will leave it.
    codec: Option<Box<dyn Codec>>,
    /// Identities by object, of what no destination can compare.
    paths: BTreeMap<String, Vec<String>>,
    /// Fields that may take more than is known yet: options that the values become, or a type that setup finds to be another.
    open: BTreeMap<String, BTreeSet<String>>,
    /// Objects of which the codec can write every field, whatever the value.
    whole: BTreeSet<String>,
    /// Objects that setup makes.
    made: BTreeSet<String>,
    file_bytes: Option<u64>,
    counts: Mutex<BTreeMap<(String, bool), u64>>,
    /// Objects that several stages write.
    met: BTreeSet<String>,
    /// Values that the destination gives new records, by object.
    given: BTreeMap<String, Map>,
    moved: Mutex<Moved>,
    forecast: Arc<Forecast>,
}

impl Foreseen {
    /// Of a plan. `live` is the destination with its schema, where it is asked.
    pub(crate) fn new(plan: &Plan, live: Option<(Arc<dyn Destination>, Schema)>, forecast: Arc<Forecast>) -> Self {
        let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for stage in &plan.stages {
            let of_object = paths.entry(stage.destination_object.clone()).or_default();
            let together = live.as_ref().map(|(live, _)| live.unique_together(&stage.destination_object));
            of_object
                .extend(Identities::of(stage).and(stage, together.unwrap_or_default()).paths.into_iter().flatten());
        }
        let codec = live.as_ref().and_then(|(live, _)| live.codec_after(&plan.setup));
        let (mut open, mut made): (BTreeMap<String, BTreeSet<String>>, _) = (BTreeMap::new(), BTreeSet::new());
        for action in &plan.setup {
            let (object, field, is_open) = match action {
                SetupAction::CreateObject { object, .. } => {
                    made.insert(object.clone());
                    continue;
                }
                SetupAction::CreateField { object, field, ty, options_from, .. } => {
                    let known = codec.as_ref().and_then(|codec| codec.field(object, field));
                    let holds = |known| live.as_ref().is_none_or(|(live, _)| live.holds(known, ty).is_ok());
                    (object, field, options_from.is_some() || !known.is_some_and(holds))
                }
                SetupAction::AddOptions { object, field, options_from, .. } => (object, field, options_from.is_some()),
            };
            if is_open {
                open.entry(object.clone()).or_default().insert(field.clone());
            }
        }
        let mut whole: BTreeSet<String> = paths.keys().filter(|object| !open.contains_key(*object)).cloned().collect();
        for stage in &plan.stages {
            let is_known = |field: &FieldMapping| {
                codec.as_ref().is_some_and(|codec| codec.field(&stage.destination_object, &field.field).is_some())
            };
            if !stage.fields.iter().all(is_known) {
                whole.remove(&stage.destination_object);
            }
        }
        let given = codec.as_deref().map(|codec| given(plan, codec)).unwrap_or_default();
        let (live, schema) = live.map_or((None, Schema::default()), |(live, schema)| (Some(live), schema));
        let stated = plan.destination.limits.iter().find(|limit| limit.what == "file").map(|limit| limit.value);
        Self {
            live,
            schema,
            codec,
            paths,
            open,
            whole,
            made,
            file_bytes: stated,
            counts: Mutex::default(),
            met: met(plan),
            given,
            moved: Mutex::default(),
            forecast,
        }
    }

    /// The destination, where it has an object.
    fn of(&self, object: &str) -> Option<&Arc<dyn Destination>> {
        self.live.as_ref().filter(|_| self.schema.objects.contains_key(object))
    }

    /// The destination's codec, where it can write a value of a field.
    fn codec_of(&self, object: &str, field: &FieldMapping, value: &Value<'_>) -> Option<&dyn Codec> {
        let codec = self.codec.as_deref().filter(|codec| codec.field(object, &field.field).is_some())?;
        let is_open = self.open.get(object).is_some_and(|open| open.contains(&field.field));
        (!is_open || codec.check(object, &[(field, value)]).is_ok()).then_some(codec)
    }

    fn moved(&self) -> MutexGuard<'_, Moved> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A found record as earlier stages would leave it; none where they would destroy it.
    fn left(&self, object: &str, mut found: Found) -> Result<Option<Found>, LoadError> {
        let place = (object.to_owned(), found.id.clone());
        let moved = self.moved();
        if moved.destroyed.contains(&place) {
            return Ok(None);
        }
        found.deleted = found.deleted && !moved.restored.contains(&place);
        drop(moved);
        found.values.extend(self.coming(object, &found.id)?.unwrap_or_default());
        Ok(Some(found))
    }

    /// The same of several.
    fn all_left(&self, object: &str, found: Vec<Found>) -> Result<Vec<Found>, LoadError> {
        if !self.met.contains(object) {
            return Ok(found);
        }
        found.into_iter().filter_map(|found| self.left(object, found).transpose()).collect()
    }

    /// Values that earlier stages would write into a record.
    fn coming(&self, object: &str, id: &str) -> Result<Option<Map>, LoadError> {
        self.forecast.coming(object, id).map_err(|error| LoadError::Missing { what: error.to_string() })
    }

    fn native(&self, object: &str, field: &FieldMapping, value: &Value<'_>, body: &mut Map) {
        if matches!(value, Value::Default) || field.ty == FieldType::File {
            return;
        }
        let known = self.codec.as_ref().and_then(|codec| codec.field(object, &field.field));
        let key = known.map_or(&field.field, |known| &known.write_key);
        body.insert(key.clone(), to_json(value));
        for path in self.paths.get(object).into_iter().flatten() {
            let (name, rest) = path.split_once('.').map_or((path.as_str(), None), |(name, rest)| (name, Some(rest)));
            if name == field.field
                && let Some(value) = compared(&field.ty, rest, value)
            {
                body.insert(format!("{IDENTITY}{path}"), serde_json::Value::String(value));
            }
        }
    }
}

/// Records that would not be where they are: all of objects that several stages write, of others the last ones.
#[derive(Debug, Default)]
struct Moved {
    /// Out of the trash, by object and id.
    restored: BTreeSet<(String, String)>,
    /// Out of the destination.
    destroyed: BTreeSet<(String, String)>,
}

/// Objects that more than one stage writes.
fn met(plan: &Plan) -> BTreeSet<String> {
    let (mut seen, mut met) = (BTreeSet::new(), BTreeSet::new());
    for stage in &plan.stages {
        if !seen.insert(&stage.destination_object) {
            met.insert(stage.destination_object.clone());
        }
    }
    met
}

/// Defaults of fields that are mapped, as records hold them that are made without a value.
fn given(plan: &Plan, codec: &dyn Codec) -> BTreeMap<String, Map> {
    let mut given: BTreeMap<String, Map> = BTreeMap::new();
    for stage in &plan.stages {
        for field in &stage.fields {
            let Some(value) = field.default.as_ref().and_then(|default| defaults::value(default, &field.ty)) else {
                continue;
            };
            let native = codec.encode(&stage.destination_object, &[(field, &value)]).unwrap_or_default();
            given.entry(stage.destination_object.clone()).or_default().extend(native);
        }
    }
    given
}

/// Answer of a destination in a forecast to anything that would write to it.
fn never<T: Send + 'static>() -> BoxFuture<'static, Result<T, LoadError>> {
    Box::pin(async { Err(LoadError::Missing { what: "a destination to write to, in a forecast".to_owned() }) })
}
