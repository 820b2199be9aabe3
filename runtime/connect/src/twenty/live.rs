//! Twenty's live metadata, in either answer format, of either version.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use migr_plan::FieldType;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::lists::LOOKS;
use super::native::language;
use migr_load::{Call, CallError, FieldSchema, Http, LoadError, ObjectSchema, OptionSchema, Payload, Schema, pause};

/// Records per page.
pub(super) const PAGE: usize = 200;
const OBJECTS: &str = "/rest/metadata/objects";
/// The server is never asked for more pages of metadata than this, whatever it says.
const MOST_PAGES: usize = 100;

/// Line of servers that the connector knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 1.10: `noteTarget.person`, no query on metadata lists.
    One,
    /// 2.x: `noteTarget.targetPerson`.
    Two,
}

impl Version {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::One => "1.x",
            Self::Two => "2.x",
        }
    }
}

/// The live metadata.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) version: Version,
    pub(super) schema: Schema,
    /// The application that stock objects belong to; anything else is custom. Absent in 1.x.
    stock: Option<String>,
    /// Values that a new record gets by itself, by object and field.
    pub(super) defaults: BTreeMap<(String, String), Value>,
}

impl Live {
    pub(super) fn object(&self, name: &str) -> Result<&ObjectSchema, LoadError> {
        self.schema.objects.get(name).ok_or_else(|| LoadError::Missing { what: format!("object `{name}`") })
    }

    pub(super) fn field(&self, object: &str, field: &str) -> Result<&FieldSchema, LoadError> {
        let found = self.object(object)?.fields.get(field);
        found.ok_or_else(|| LoadError::Missing { what: format!("field `{object}.{field}`") })
    }

    /// Takes in a field that the server just described, so that the metadata need not be read again.
    pub(super) fn learn_field(&mut self, object: &str, raw: &Value, target: Option<&str>) -> Option<FieldSchema> {
        let targets = target.map(|target| vec![target.to_owned()]).unwrap_or_default();
        let owner = self.schema.objects.get_mut(object)?;
        let field = field(&owner.singular, raw, targets, self.stock.as_deref())?;
        owner.fields.insert(field.name.clone(), field.clone());
        owner.fields.sort_unstable_keys();
        Some(field)
    }
}

/// Reads everything, and again where an answer cannot be whole.
pub(super) async fn read(http: &Http) -> Result<Live, LoadError> {
    let mut looks = 0;
    loop {
        let listed = objects(http).await?;
        let (targets, named) =
            if listed.raw.iter().any(lacks_targets) { relation_targets(http).await? } else { Default::default() };
        let Some(why) = listed.lacks(&named) else {
            let stock = listed
                .raw
                .iter()
                .find(|object| text(object, "nameSingular") == Some(MEMBER))
                .and_then(|object| text(object, "applicationId"))
                .map(str::to_owned);
            return Ok(assemble(&listed.raw, stock, &targets, listed.paged));
        };
        looks += 1;
        if looks >= LOOKS {
            return Err(LoadError::Doubtful { request: format!("GET {OBJECTS}"), why });
        }
        tracing::debug!(why, "a schema that cannot be whole");
        sleep(pause(http.options(), OBJECTS, looks)).await;
    }
}

/// One of the people who use a workspace: every workspace has the object.
const MEMBER: &str = "workspaceMember";

/// The list of objects, as it was answered.
struct Objects {
    raw: Vec<Value>,
    /// True where the list came in pages.
    paged: bool,
    /// Number of entries, where the answer tells.
    total: Option<u64>,
    /// The last answer did not say whether a page follows.
    is_open: bool,
}

impl Objects {
    /// Evidence that the list is not whole. `named`: the names that the objects have in the other way of asking.
    fn lacks(&self, named: &BTreeSet<String>) -> Option<String> {
        let mut seen = BTreeSet::new();
        for object in &self.raw {
            let name = text(object, "nameSingular").filter(|_| text(object, "id").is_some());
            let Some(name) = name.filter(|_| text(object, "namePlural").is_some()) else {
                return Some("an object comes without its id or name".to_owned());
            };
            if raw_fields(object).is_empty() {
                return Some(format!("the object `{name}` comes without fields"));
            }
            if !seen.insert(name) {
                return Some(format!("the object `{name}` comes twice"));
            }
        }
        if !seen.contains(MEMBER) {
            return Some(format!("`{MEMBER}`, which every workspace has, is not among the objects"));
        }
        if let Some(name) = named.iter().find(|name| !seen.contains(name.as_str())) {
            return Some(format!("`{name}` is not among the objects, and asked over GraphQL it is"));
        }
        if self.is_open {
            return Some("the list of objects does not say whether a page follows".to_owned());
        }
        let listed = u64::try_from(self.raw.len()).unwrap_or(u64::MAX);
        let total = self.total.filter(|total| *total != listed)?;
        Some(format!("the list of objects ends after {listed}, and counts {total}"))
    }
}

async fn objects(http: &Http) -> Result<Objects, LoadError> {
    let unexpected = |why: &str| LoadError::Unexpected { request: format!("GET {OBJECTS}"), why: why.to_owned() };
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut call = Call::get(OBJECTS).unpaced().query("limit", PAGE.to_string());
        if let Some(after) = &after {
            call = call.query("starting_after", after);
        }
        let answer = match http.call(&call).await {
            Ok(answer) => answer,
            // The older server takes no query here, and answers everything at once.
            Err(CallError::Refused { status: 400, .. }) if after.is_none() => {
                let call = Call::get(OBJECTS).unpaced();
                let answer = http.call(&call).await.map_err(|error| error.into_load_error(call.name()))?;
                let list = list(&answer, "objects").ok_or_else(|| unexpected("there is no list of objects"))?;
                return Ok(Objects { raw: list.clone(), paged: false, total: None, is_open: false });
            }
            Err(error) => return Err(error.into_load_error(call.name())),
        };
        found.extend_from_slice(list(&answer, "objects").ok_or_else(|| unexpected("there is no list of objects"))?);
        let page = answer.get("pageInfo");
        let more = page.and_then(|page| page.get("hasNextPage")).and_then(Value::as_bool);
        let cursor = page.and_then(|page| text(page, "endCursor")).map(str::to_owned);
        match cursor {
            Some(cursor) if more == Some(true) && after.as_ref() != Some(&cursor) => after = Some(cursor),
            _ => {
                let total = answer.get("totalCount").and_then(Value::as_u64);
                let is_open = more.is_none() && total.is_none() || more == Some(true);
                return Ok(Objects { raw: found, paged: true, total, is_open });
            }
        }
    }
    Err(unexpected("the list of objects does not end"))
}

/// `data` itself, or its member.
fn list<'v>(answer: &'v Value, member: &str) -> Option<&'v Vec<Value>> {
    let data = answer.get("data")?;
    data.as_array().or_else(|| data.get(member)?.as_array())
}

/// The one object or field of an answer, in either format.
pub(super) fn single(answer: &Value) -> &Value {
    let Some(data) = answer.get("data") else { return answer };
    match data.as_object().filter(|data| data.len() == 1).and_then(|data| data.values().next()) {
        Some(inner) if inner.is_object() => inner,
        _ => data,
    }
}

fn raw_fields(object: &Value) -> Vec<&Value> {
    match object.get("fields") {
        Some(Value::Array(fields)) => fields.iter().collect(),
        Some(Value::Object(connection)) => {
            let edges = connection.get("edges").and_then(Value::as_array);
            edges.into_iter().flatten().filter_map(|edge| edge.get("node")).collect()
        }
        _ => Vec::new(),
    }
}

fn is_to_one(raw: &Value) -> bool {
    let stated = raw.get("settings").and_then(|settings| text(settings, "relationType"));
    stated.or_else(|| raw.get("relation").and_then(|relation| text(relation, "type"))) == Some("MANY_TO_ONE")
}

fn lacks_targets(object: &Value) -> bool {
    raw_fields(object).iter().any(|raw| {
        text(raw, "type") == Some("RELATION") && is_to_one(raw) && raw.get("relation").is_none_or(Value::is_null)
    })
}

/// Name of one of the object and field → name of one of the target.
type Targets = BTreeMap<(String, String), String>;

/// The targets of relations, which REST does not tell since 2.x, and the names of one of all objects.
async fn relation_targets(http: &Http) -> Result<(Targets, BTreeSet<String>), LoadError> {
    const QUERY: &str = "query($after:ConnectionCursor){objects(paging:{first:100,after:$after}){edges{node{nameSingular fieldsList{name relation{type \
                         targetObjectMetadata{nameSingular}}}}} pageInfo{hasNextPage endCursor}}}";
    const FIRST: &str = "query{objects(paging:{first:100}){edges{node{nameSingular fieldsList{name relation{type \
                         targetObjectMetadata{nameSingular}}}}} pageInfo{hasNextPage endCursor}}}";
    let (mut found, mut named) = (BTreeMap::new(), BTreeSet::new());
    let mut after: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let body = match &after {
            None => json!({"query": FIRST}),
            Some(after) => json!({"query": QUERY, "variables": {"after": after}}),
        };
        let call = Call::new(Method::POST, "/metadata", Payload::Json(body.to_string().into())).unpaced();
        let answer = http.call(&call).await.map_err(|error| error.into_load_error(call.name()))?;
        let objects = answer.get("data").and_then(|data| data.get("objects"));
        let edges = objects.and_then(|objects| objects.get("edges")).and_then(Value::as_array);
        for node in edges.into_iter().flatten().filter_map(|edge| edge.get("node")) {
            let owner = text(node, "nameSingular").unwrap_or_default();
            named.insert(owner.to_owned());
            for field in node.get("fieldsList").and_then(Value::as_array).into_iter().flatten() {
                let target = field.get("relation").and_then(|relation| relation.get("targetObjectMetadata"));
                if let (Some(name), Some(target)) =
                    (text(field, "name"), target.and_then(|target| text(target, "nameSingular")))
                {
                    found.insert((owner.to_owned(), name.to_owned()), target.to_owned());
                }
            }
        }
        let page = objects.and_then(|objects| objects.get("pageInfo"));
        let more = page.and_then(|page| page.get("hasNextPage")).and_then(Value::as_bool).unwrap_or(false);
        let cursor = page.and_then(|page| text(page, "endCursor")).map(str::to_owned);
        if !more || cursor.is_none() || cursor == after {
            break;
        }
        after = cursor;
    }
    Ok((found, named))
}

pub(super) fn assemble(
    raw: &[Value],
    stock: Option<String>,
    targets: &BTreeMap<(String, String), String>,
    paged: bool,
) -> Live {
    let plural: BTreeMap<&str, &str> =
        raw.iter().filter_map(|object| Some((text(object, "nameSingular")?, text(object, "namePlural")?))).collect();
    let mut objects: Vec<ObjectSchema> = raw
        .iter()
        .filter_map(|object| {
            let singular = text(object, "nameSingular")?;
            let mut fields: Vec<FieldSchema> = raw_fields(object)
                .into_iter()
                .filter_map(|raw| {
                    let name = text(raw, "name")?;
                    let told = raw
                        .get("relation")
                        .and_then(|relation| relation.get("targetObjectMetadata"))
                        .and_then(|target| text(target, "nameSingular"));
                    let asked = || targets.get(&(singular.to_owned(), name.to_owned())).map(String::as_str);
                    let by_name = || morph_target(raw, name, &plural);
                    let target = told.or_else(asked).or_else(by_name).and_then(|target| plural.get(target));
                    field(
                        singular,
                        raw,
                        target.map(|target| vec![(*target).to_owned()]).unwrap_or_default(),
                        stock.as_deref(),
                    )
                })
                .collect();
            if singular == "attachment" && !fields.iter().any(|field| field.name == "file") {
                fields.extend(old_file(&fields));
            }
            if let Some(target) = any_target(singular, raw_fields(object).as_slice(), &fields) {
                fields.push(target);
            }
            fields.sort_by(|a, b| a.name.cmp(&b.name));
            Some(ObjectSchema {
                id: text(object, "id")?.to_owned(),
                name: text(object, "namePlural")?.to_owned(),
                singular: singular.to_owned(),
                label: text(object, "labelPlural").unwrap_or_default().to_owned(),
                custom: is_custom(object, stock.as_deref()),
                active: object.get("isActive").and_then(Value::as_bool).unwrap_or(true),
                fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
            })
        })
        .collect();
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    let links = objects.iter().find(|object| object.singular == "noteTarget");
    let has = |field| links.is_some_and(|links| links.fields.contains_key(field));
    let version = if has("targetPerson") || (paged && !has("person")) { Version::Two } else { Version::One };
    let objects: IndexMap<String, ObjectSchema> =
        objects.into_iter().map(|object| (object.name.clone(), object)).collect();
    Live { version, schema: Schema { version: version.name().to_owned(), objects }, stock, defaults: defaults(raw) }
}

/// Values that new records get by themselves, by object and field.
fn defaults(raw: &[Value]) -> BTreeMap<(String, String), Value> {
    let mut defaults = BTreeMap::new();
    for object in raw {
        let name = text(object, "namePlural").unwrap_or_default();
        for field in raw_fields(object) {
            let given = field.get("defaultValue").filter(|given| !given.is_null());
            if let (Some(field), Some(given)) = (text(field, "name"), given) {
                defaults.insert((name.to_owned(), field.to_owned()), unquoted(given));
            }
        }
    }
    defaults
}

/// A default as a record holds it: texts stand in single quotes in the metadata.
fn unquoted(given: &Value) -> Value {
    match given {
        Value::String(text) => {
            let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            Value::from(inner.unwrap_or(text))
        }
        Value::Object(parts) => {
            Value::Object(parts.iter().map(|(name, part)| (name.clone(), unquoted(part))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(unquoted).collect()),
        other => other.clone(),
    }
}

/// `targetPerson` → `person`.
fn morph_target<'v>(raw: &Value, name: &'v str, plural: &BTreeMap<&'v str, &str>) -> Option<&'v str> {
    if text(raw, "type") != Some("MORPH_RELATION") {
        return None;
    }
    plural.keys().copied().find(|singular| {
        name.len() > singular.len() && name.to_ascii_lowercase().ends_with(&singular.to_ascii_lowercase()) && {
            let mut letters = singular.chars();
            let capital: String =
                letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
            name.ends_with(&capital)
                && name
                    .strip_suffix(capital.as_str())
                    .is_some_and(|rest| rest.chars().all(|letter| letter.is_ascii_lowercase()))
        }
    })
}

/// 1.x keeps a file as the path and name of its attachment: one field stands for both.
fn old_file(fields: &[FieldSchema]) -> Option<FieldSchema> {
    let path = fields.iter().find(|field| field.name == "fullPath")?;
    let (name, ty) = ("file".to_owned(), Some(FieldType::File));
    Some(FieldSchema {
        id: String::new(),
        name,
        label: "File".to_owned(),
        ty,
        native: "FILES".to_owned(),
        ..path.clone()
    })
}

/// The one field that stands for all keys by which such a record refers to what it belongs to: `noteTargets.target`.
fn any_target(singular: &str, raw: &[&Value], fields: &[FieldSchema]) -> Option<FieldSchema> {
    if !matches!(singular, "noteTarget" | "taskTarget" | "attachment")
        || fields.iter().any(|field| field.name == "target")
    {
        return None;
    }
    let own = match singular {
        "noteTarget" => "note",
        "taskTarget" => "task",
        _ => "author",
    };
    let morphs = raw.iter().any(|raw| text(raw, "type") == Some("MORPH_RELATION"));
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for field in fields {
        let part =
            if morphs { field.native == "MORPH_RELATION" } else { field.native == "RELATION" && field.name != own };
        if let (true, Some(FieldType::Reference { objects })) = (part, &field.ty)
            && let [object] = objects.as_slice()
        {
            keys.push((object, &field.write_key));
        }
    }
    keys.sort_unstable();
    let model = fields.iter().find(|field| keys.iter().any(|(_, key)| *key == field.write_key))?;
    Some(FieldSchema {
        id: String::new(),
        name: "target".to_owned(),
        label: "Target".to_owned(),
        ty: Some(FieldType::Reference { objects: keys.iter().map(|(object, _)| (*object).to_owned()).collect() }),
        native: model.native.clone(),
        options: Vec::new(),
        any_option: false,
        unique: false,
        nullable: true,
        write_key: String::new(),
        write_keys: keys.iter().map(|(object, key)| ((*object).to_owned(), (*key).to_owned())).collect(),
        writable: true,
        custom: false,
        active: true,
    })
}

fn field(owner: &str, raw: &Value, targets: Vec<String>, stock: Option<&str>) -> Option<FieldSchema> {
    let name = text(raw, "name")?;
    let native = text(raw, "type")?;
    let mut options: Vec<OptionSchema> = raw
        .get("options")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(place, raw)| option(raw, place))
        .collect();
    options.sort_by_key(|option| option.position);
    let relation = matches!(native, "RELATION" | "MORPH_RELATION");
    let to_many = relation && !is_to_one(raw);
    let settings = raw.get("settings").unwrap_or(&Value::Null);
    let values = options.iter().map(|option| option.value.clone()).collect();
    let ty = if to_many { None } else { language(native, settings, values, targets) };
    let join = text(settings, "joinColumnName").map_or_else(|| format!("{name}Id"), str::to_owned);
    Some(FieldSchema {
        id: text(raw, "id")?.to_owned(),
        name: name.to_owned(),
        label: text(raw, "label").unwrap_or_default().to_owned(),
        writable: ty.is_some() && name != "searchVector" && name != "updatedBy",
        ty,
        native: native.to_owned(),
        options,
        any_option: false,
        unique: raw.get("isUnique").and_then(Value::as_bool).unwrap_or_else(|| is_unique_in_one(owner, name)),
        nullable: raw.get("isNullable").and_then(Value::as_bool).unwrap_or(true),
        write_key: if relation && !to_many { join } else { name.to_owned() },
        write_keys: IndexMap::new(),
        custom: is_custom(raw, stock),
        active: raw.get("isActive").and_then(Value::as_bool).unwrap_or(true),
    })
}

pub(super) fn option(raw: &Value, place: usize) -> Option<OptionSchema> {
    let position = raw.get("position").and_then(Value::as_u64).and_then(|position| u32::try_from(position).ok());
    Some(OptionSchema {
        id: text(raw, "id").map(str::to_owned),
        value: text(raw, "value")?.to_owned(),
        label: text(raw, "label").unwrap_or_default().to_owned(),
        color: text(raw, "color").map(str::to_owned),
        position: position.or_else(|| u32::try_from(place).ok()).unwrap_or_default(),
    })
}

fn is_custom(raw: &Value, stock: Option<&str>) -> bool {
    match raw.get("isCustom").and_then(Value::as_bool) {
        Some(custom) => custom,
        None => stock.is_some() && text(raw, "applicationId") != stock,
    }
}

/// 1.x does not tell which fields are unique; these are.
fn is_unique_in_one(owner: &str, field: &str) -> bool {
    matches!((owner, field), ("person", "emails") | ("company", "domainName") | ("workspaceMember", "userEmail"))
}

pub(super) fn text<'v>(raw: &'v Value, name: &str) -> Option<&'v str> {
    raw.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}
