//! The whole state of a sandbox, and the frame in which a change is made.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::store::Store;
use crate::twenty::answer::View;
use crate::twenty::problem::Problem;
use crate::twenty::role::Role;
use crate::twenty::schema::{Object, Schema, stock_objects};
use crate::twenty::{auth, seed, workflows};
use crate::{SandboxError, SandboxOptions, TwentyVersion};

/// The name of the API key, which the server writes into `createdBy` and `updatedBy`.
pub(crate) const KEY_NAME: &str = "Migration tool";

/// The state: schema in memory, records in the store.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Store,
    pub(crate) schema: Schema,
    pub(crate) version: TwentyVersion,
    pub(crate) base_url: String,
    pub(crate) token: String,
    /// The newer server answers on metadata in the older one's envelopes, as a workspace that came from 1.x does.
    pub(crate) legacy_metadata: bool,
    /// Texts whose values are refused on demand: with the value quoted, and without a word.
    refuse: [Option<String>; 2],
    positions: BTreeMap<String, i64>,
    /// Fields that the API key may not see or write.
    pub(crate) role: Role,
    /// People who were written since workflows were last looked at.
    pub(crate) written: Vec<String>,
    /// The workflow that writes; absent: the API key does.
    pub(crate) acting: Option<&'static str>,
}

impl Engine {
    /// Opens the state, and fills it if it is new.
    pub(crate) fn open(options: &SandboxOptions) -> Result<Self, SandboxError> {
        let store = Store::open(options.state.as_deref(), options.version.name())?;
        let stored = store.objects()?;
        let fresh = stored.is_empty();
        let objects = if fresh {
            stock_objects(options.version)?
        } else {
            stored.iter().map(|json| serde_json::from_str(json)).collect::<Result<_, _>>()?
        };
        let token = auth::token(options.version, options.workspace.as_deref());
        let schema = Schema { objects };
        let version = options.version;
        let refuse = [options.faults.refuse_quoting.clone(), options.faults.refuse_silently.clone()];
        let (base_url, positions) = (String::new(), BTreeMap::new());
        let mut engine = Self {
            store,
            schema,
            version,
            base_url,
            token,
            legacy_metadata: options.legacy_metadata,
            refuse,
            positions,
            role: Role::default(),
            written: Vec::new(),
            acting: None,
        };
        if fresh {
            engine.store.run("BEGIN")?;
            engine.save_schema()?;
            // A workspace has the person who made it.
            if options.seed {
                seed::fill(&mut engine)?;
            } else if options.members.is_empty() {
                seed::invite(&mut engine, &["owner@workspace.example".to_owned()])?;
            }
            engine.store.run("COMMIT")?;
        }
        seed::invite(&mut engine, &options.members)?;
        if !engine.old() {
            workflows::stock(&mut engine, options.workflows).map_err(|problem| seed::refused(&problem))?;
        }
        engine.written.clear();
        Ok(engine)
    }

    /// True where the sandbox stands in for the older server.
    pub(crate) fn old(&self) -> bool {
        self.version.is_old()
    }

    /// The refusal of a value, where one like it was asked for.
    pub(crate) fn refuse(&self, path: &str, value: &Value) -> Result<(), Problem> {
        let [quoting, silently] = &self.refuse;
        match value {
            Value::String(text) if quoting.as_ref().is_some_and(|part| text.contains(part)) => {
                Err(Problem::invalid(format!("Invalid string value '{text}' for text field \"{path}\"")))
            }
            Value::String(text) if silently.as_ref().is_some_and(|part| text.contains(part)) => {
                Err(Problem::invalid("A rule of this workspace was broken"))
            }
            Value::Object(parts) => {
                parts.iter().try_for_each(|(part, value)| self.refuse(&format!("{path}.{part}"), value))
            }
            _ => Ok(()),
        }
    }

    /// Settings that answers depend on.
    pub(crate) fn view(&self) -> View<'_> {
        View { old: self.old(), base: &self.base_url }
    }

    /// Keeps the schema.
    pub(crate) fn save_schema(&self) -> Result<(), rusqlite::Error> {
        for (place, object) in self.schema.objects.iter().enumerate() {
            self.store.save_object(place, object)?;
        }
        Ok(())
    }

    /// Makes a change wholly or not at all.
    pub(crate) fn atomically<T>(&mut self, change: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        self.store.run("SAVEPOINT change")?;
        match change(self) {
            Ok(done) => {
                self.store.run("RELEASE change")?;
                Ok(done)
            }
            Err(problem) => {
                self.store.run("ROLLBACK TO change; RELEASE change")?;
                Err(problem)
            }
        }
    }

    /// The next default position of an object: one above all others in lists.
    pub(crate) fn next_position(&mut self, object: &str) -> Result<i64, Problem> {
        let next = match self.positions.get(object) {
            Some(lowest) => lowest - 1,
            None => self.store.lowest_position(object)?.map_or(0, |lowest| lowest - 1),
        };
        self.positions.insert(object.to_owned(), next);
        Ok(next)
    }

    /// The object of this plural name, or the refusal the REST routes give.
    pub(crate) fn object(&self, plural: &str) -> Result<Object, Problem> {
        if let Some(object) = self.schema.by_plural(plural) {
            return Ok(object.clone());
        }
        let hint = match self.schema.by_name(plural) {
            Some(object) => format!("Did you mean '{}'?", object.plural),
            None => "eg: companies".to_owned(),
        };
        Err(Problem::bad_request(format!("object '{plural}' not found. {hint}")))
    }
}
