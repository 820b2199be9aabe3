//! The whole state of a location, and the frame in which a change is made.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::SandboxError;
use crate::highlevel::refusal::Refusal;
use crate::highlevel::{Options, index, seed};
use crate::store::{Row, Store};

/// The agency that the location belongs to.
pub(crate) const COMPANY: &str = "SandboxAgency0000001";
/// The token that opens the sandbox, and nothing else.
const TOKEN: &str = "pit-sandbox-of-highlevel";
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The state: everything in the store, nothing in memory.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) location: String,
    pub(crate) base_url: String,
    pub(crate) token: String,
    pub(crate) lag: Duration,
    pub(crate) without_scopes: Vec<String>,
    /// Texts whose values are refused on demand: with the value quoted, and without a word.
    pub(crate) refuse: [Option<String>; 2],
}

impl State {
    /// Opens the state, and fills it if it is new.
    pub(crate) fn open(options: &Options, url: &str) -> Result<Self, SandboxError> {
        let store = Store::open(options.state.as_deref(), "HighLevel")?;
        index::lay_out(&store)?;
        let kept = store.meta("location")?;
        let fresh = kept.is_none();
        let state = Self {
            location: kept.unwrap_or_else(|| options.location.clone()),
            store,
            base_url: url.to_owned(),
            token: TOKEN.to_owned(),
            lag: options.lag,
            without_scopes: options.without_scopes.clone(),
            refuse: [options.faults.refuse_quoting.clone(), options.faults.refuse_silently.clone()],
        };
        state.store.run("BEGIN IMMEDIATE")?;
        // Addresses of files are those of the server that serves them now.
        if let Some(before) = state.store.meta("base_url")?.filter(|before| before != url) {
            let moved = "UPDATE records SET body = replace(body, ?1, ?2) WHERE instr(body, ?1) > 0";
            state.store.database().execute(moved, [before.as_str(), url])?;
        }
        state.store.set_meta("base_url", url)?;
        if fresh {
            state.store.set_meta("location", &state.location)?;
            seed::fill(&state, options.before.as_ref())?;
        }
        seed::invite(&state, &options.users)?;
        state.store.run("COMMIT")?;
        Ok(state)
    }

    /// Makes a change wholly or not at all.
    pub(crate) fn atomically<T>(&self, change: impl FnOnce(&Self) -> Result<T, Refusal>) -> Result<T, Refusal> {
        self.store.run("BEGIN IMMEDIATE")?;
        match change(self) {
            Ok(done) => {
                self.store.run("COMMIT")?;
                Ok(done)
            }
            Err(refusal) => {
                self.store.run("ROLLBACK")?;
                Err(refusal)
            }
        }
    }

    /// An id that the server makes, in the form that its kind has.
    pub(crate) fn new_id(&self, kind: &str) -> rusqlite::Result<String> {
        let serial = self.store.meta("serial")?.and_then(|serial| serial.parse::<u64>().ok()).unwrap_or_default() + 1;
        self.store.set_meta("serial", &serial.to_string())?;
        let hash = blake3::hash(format!("{}/{kind}/{serial}", self.location).as_bytes());
        if matches!(kind, "business" | "record" | "object" | "field" | "folder" | "association" | "relation" | "media")
        {
            return Ok(hash.to_hex().chars().take(24).collect());
        }
        let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).map(|letter| char::from(*letter));
        Ok(hash.as_bytes().iter().take(20).filter_map(letter).collect())
    }

    /// Adds one to a counter that tests read.
    pub(crate) fn count_up(&self, counter: &str) -> rusqlite::Result<()> {
        let more = self.counted(counter)? + 1;
        self.store.set_meta(counter, &more.to_string())
    }

    /// A counter that tests read.
    pub(crate) fn counted(&self, counter: &str) -> rusqlite::Result<u64> {
        Ok(self.store.meta(counter)?.and_then(|counted| counted.parse().ok()).unwrap_or_default())
    }

    /// Puts a new record in, under an id of the server's making.
    pub(crate) fn create(&self, kind: &str, body: Map<String, Value>) -> Result<Row, Refusal> {
        self.create_as(kind, self.new_id(kind)?, body)
    }

    /// Puts a new record in under this id.
    pub(crate) fn create_as(&self, kind: &str, id: String, body: Map<String, Value>) -> Result<Row, Refusal> {
        let now = crate::clock::now();
        let row = Row { id, created: now.clone(), updated: now, deleted: None, kept: false, body };
        self.store.insert(kind, &row)?;
        for (link, target) in links(kind, &row.body) {
            self.store.link(link, &target, &row.id)?;
        }
        index::changed(self, kind, &row.id)?;
        Ok(row)
    }

    /// The record of this id.
    pub(crate) fn get(&self, kind: &str, id: &str) -> Result<Option<Row>, Refusal> {
        Ok(self.store.get(kind, id)?)
    }

    /// The record of this id, or the refusal that it is unknown.
    pub(crate) fn found(&self, kind: &str, what: &str, id: &str) -> Result<Row, Refusal> {
        self.get(kind, id)?.ok_or_else(|| Refusal::unknown(what, id))
    }

    /// Every record of a kind, in the order of making.
    pub(crate) fn all(&self, kind: &str) -> Result<Vec<Row>, Refusal> {
        Ok(self.store.select(kind, "1 ORDER BY r.rowid", &[])?)
    }

    /// The records of a kind whose stored form holds a text somewhere, in the order of making.
    pub(crate) fn holding(&self, kind: &str, part: &str) -> Result<Vec<Row>, Refusal> {
        Ok(self.store.select(kind, "instr(r.body, ?) > 0 ORDER BY r.rowid", &[part.to_owned().into()])?)
    }

    /// A page of the records of a kind, in the order of making.
    pub(crate) fn page(&self, kind: &str, limit: usize, skip: usize) -> Result<Vec<Row>, Refusal> {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX).into();
        Ok(self.store.select(kind, "1 ORDER BY r.rowid LIMIT ? OFFSET ?", &[number(limit), number(skip)])?)
    }

    /// The records of a kind that a link leads to a target, in the order of making.
    pub(crate) fn linked(&self, kind: &str, link: &str, target: &str) -> Result<Vec<Row>, Refusal> {
        let condition = "r.id IN (SELECT id FROM links WHERE link = ? AND target = ?) ORDER BY r.rowid";
        let values = [link.to_owned().into(), target.to_owned().into()];
        Ok(self.store.select(kind, condition, &values)?)
    }

    /// Keeps a changed record.
    pub(crate) fn save(&self, kind: &str, row: &mut Row) -> Result<(), Refusal> {
        if let Some(before) = self.store.get(kind, &row.id)? {
            for (link, target) in links(kind, &before.body) {
                self.store.unlink(link, &target, &row.id)?;
            }
        }
        row.updated = crate::clock::now();
        self.store.update(kind, row)?;
        for (link, target) in links(kind, &row.body) {
            self.store.link(link, &target, &row.id)?;
        }
        Ok(index::changed(self, kind, &row.id)?)
    }

    /// Takes a record out.
    pub(crate) fn remove(&self, kind: &str, row: &Row) -> Result<(), Refusal> {
        for (link, target) in links(kind, &row.body) {
            self.store.unlink(link, &target, &row.id)?;
        }
        self.store.delete(kind, &row.id)?;
        Ok(index::changed(self, kind, &row.id)?)
    }

    /// The location itself: its name, zone, country and settings.
    pub(crate) fn place(&self) -> Result<Map<String, Value>, Refusal> {
        Ok(self.get("location", &self.location)?.map(|row| row.body).unwrap_or_default())
    }

    /// A setting of the location, where it is on.
    pub(crate) fn allows(&self, setting: &str) -> Result<bool, Refusal> {
        let place = self.place()?;
        Ok(place
            .get("settings")
            .and_then(|settings| settings.get(setting))
            .and_then(Value::as_bool)
            .unwrap_or_default())
    }

    /// The refusal of a user that the location does not have.
    pub(crate) fn check_user(&self, name: &str, id: Option<&str>) -> Result<(), Refusal> {
        match id {
            Some(id) if !self.store.exists("user", id)? => {
                Err(Refusal::invalid(format!("{name} is not a user of this location")))
            }
            _ => Ok(()),
        }
    }

    /// The refusal of a value, where one like it was asked for.
    pub(crate) fn refuse(&self, path: &str, value: &Value) -> Result<(), Refusal> {
        let [quoting, silently] = &self.refuse;
        let holds = |part: &Option<String>, text: &str| part.as_ref().is_some_and(|part| text.contains(part));
        match value {
            Value::String(text) if holds(quoting, text) => {
                Err(Refusal::invalid(format!("{path} has the invalid value {text}")))
            }
            Value::String(text) if holds(silently, text) => Err(Refusal::invalid("The request is invalid")),
            Value::Object(parts) => parts.iter().try_for_each(|(key, value)| self.refuse(key, value)),
            Value::Array(items) => items.iter().try_for_each(|item| self.refuse(path, item)),
            _ => Ok(()),
        }
    }
}

/// Values by which a record points at others, or is looked up.
fn links(kind: &str, body: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let keys: &[(&'static str, &str)] = match kind {
        "contact" => {
            &[("contact.email", "emailLowerCase"), ("contact.phone", "phone"), ("contact.business", "businessId")]
        }
        "note" => &[("note.contact", "contactId")],
        "task" => &[("task.contact", "contactId")],
        "opportunity" => &[("opportunity.contact", "contactId"), ("opportunity.pipeline", "pipelineId")],
        "appointment" => &[("appointment.contact", "contactId"), ("appointment.calendar", "calendarId")],
        "record" => &[("record.object", "objectKey")],
        "field" | "folder" => &[("field.object", "objectKey")],
        "relation" => &[
            ("relation.record", "firstRecordId"),
            ("relation.record", "secondRecordId"),
            ("relation.association", "associationId"),
        ],
        "tag" => &[("tag.name", "name")],
        "customField" => &[("customField.key", "fieldKey")],
        _ => &[],
    };
    let value = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    keys.iter().filter_map(|(link, key)| Some((*link, value(key)?))).collect()
}
