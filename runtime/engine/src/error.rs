//! Errors of the engine.

use migr_decide::DecideError;
use migr_deliver::DeliverError;
use migr_extract::ExtractError;
use migr_journal::JournalError;
use migr_load::LoadError;
use migr_plan::FiredAutomation;
use migr_spill::SpillError;
use migr_transform::{CompileError, LookupError};

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The export cannot be read.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// The plan cannot be evaluated.
    #[error("the plan cannot be carried out: {0}")]
    Compile(#[from] CompileError),
    /// The destination cannot be reached, or refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The journal cannot be kept. Nothing more is sent.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A look-up failed.
    #[error("a look-up failed: {0}")]
    Lookup(#[from] LookupError),
    /// The spill database cannot be used.
    #[error("the spill database beside the journal cannot be used: {0}")]
    Spill(#[from] SpillError),
    /// The system refused a file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Changes of the schema that the plan needs were not made.
    #[error("the destination is not set up yet: {}. Run `migr setup` first", open.join("; "))]
    SetupOpen {
        /// Each in words, with what is in its way where that is known.
        open: Vec<String>,
    },
    /// The destination cannot hold what the maps write.
    #[error("the destination lacks what the maps write: {}", lacks.join("; "))]
    Lacking {
        /// Each in words, with what to do.
        lacks: Vec<String>,
    },
    /// Workflows or webhooks of the destination would be started by what is written, and nobody permits them.
    #[error(
        "what is written would start something in the destination (W0615): {}; nothing was written",
        held.iter().map(|one| format!("the {} {}", one.kind.noun(), one.in_words())).collect::<Vec<_>>().join(", ")
    )]
    Automations {
        /// Workflows and webhooks, each with what starts it.
        held: Vec<FiredAutomation>,
    },
    /// Values that differ would become one option.
    #[error(
        "{one:?} and {other:?} differ and would become one option, {option} of {picklist}; add a row for each to the picklist, with an option of its own"
    )]
    CollidingOptions {
        /// One value.
        one: String,
        /// The other value.
        other: String,
        /// The option.
        option: String,
        /// The picklist.
        picklist: String,
    },
    /// A person settles a record that is not uncertain, or several are.
    #[error("{}", not_uncertain(key, maps))]
    NotUncertain {
        /// The key that was named.
        key: String,
        /// Maps that have an uncertain record of that key.
        maps: Vec<String>,
    },
    /// A person names a record that the destination does not show.
    #[error(
        "the destination has no {object} {id} in use; look its id up there, or say `--create` where it is not there"
    )]
    NotThere {
        /// The object.
        object: String,
        /// The id.
        id: String,
    },
    /// A person names a record that holds other values than were sent.
    #[error("{object} {id} holds other values than were sent in {}; nothing was done", fields.join(", "))]
    HoldsOther {
        /// The object.
        object: String,
        /// The id.
        id: String,
        /// Keys of the fields.
        fields: Vec<String>,
    },
    /// A person names a record that is another one's.
    #[error("{object} {id} is the record of {of} already; two records of the export cannot be one by this word")]
    AnothersRecord {
        /// The object.
        object: String,
        /// The id.
        id: String,
        /// The record that has it, in words.
        of: String,
    },
    /// A map that is none of the plan.
    #[error("there is no map `{map}` in the plan that was carried out; `migr status` names them")]
    NoMap {
        /// Name of the map.
        map: String,
    },
    /// A run that the journal does not know.
    #[error("the journal knows no run {run}; `migr report` lists them")]
    NoRun {
        /// Number of the run.
        run: i64,
    },
    /// The export has far fewer records than before.
    #[error("{file} has {now} records of {map}, and had {before}: more than a fifth is gone; nothing was done")]
    Shrunk {
        /// Which file.
        file: String,
        /// The map.
        map: String,
        /// Records that it had.
        before: u64,
        /// Records that it has.
        now: u64,
    },
    /// The export is not the one that the journal was begun with.
    #[error(
        "{file} changed since this migration was begun; put the earlier export back, or pick the changes up with `migr delta`"
    )]
    OtherExport {
        /// Which file.
        file: String,
    },
    /// The fallback owner is nobody.
    #[error(
        "the fallback owner `{fallback}` is no member of {object} in the destination; invite this person or name another in `owners`"
    )]
    Fallback {
        /// The address.
        fallback: String,
        /// The object of members.
        object: String,
    },
    /// More records failed than allowed.
    #[error(
        "{failures} records were quarantined, more than the {limit} that `--max-failures` allows; see `migr quarantine list`. `migr run` goes on where it stopped"
    )]
    TooManyFailures {
        /// Number of quarantined records.
        failures: u64,
        /// The limit as it was given.
        limit: String,
    },
    /// A part of the program ended unexpectedly.
    #[error(
        "a worker of migr ended unexpectedly ({what}); this is a fault of migr. `migr run` goes on where it stopped"
    )]
    Worker {
        /// Which.
        what: String,
    },
}

impl From<DecideError> for EngineError {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Extract(error) => Self::Extract(error),
            DecideError::Compile(error) => Self::Compile(error),
            DecideError::Load(error) => Self::Load(error),
            DecideError::Journal(error) => Self::Journal(error),
            DecideError::Lookup(error) => Self::Lookup(error),
            DecideError::Spill(error) => Self::Spill(error),
            DecideError::File { path, source } => Self::File { path, source },
            DecideError::Fallback { fallback, object } => Self::Fallback { fallback, object },
            DecideError::Worker { what } => Self::Worker { what },
        }
    }
}

impl From<DeliverError> for EngineError {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::Load(error) => Self::Load(error),
            DeliverError::Journal(error) => Self::Journal(error),
            DeliverError::Decide(error) => error.into(),
            DeliverError::TooManyFailures { failures, limit } => Self::TooManyFailures { failures, limit },
            DeliverError::Worker { what } => Self::Worker { what },
        }
    }
}

fn not_uncertain(key: &str, maps: &[String]) -> String {
    if maps.is_empty() {
        return format!("no record of the key {key} is uncertain; `migr quarantine list` says which are");
    }
    format!("several records of the key {key} are uncertain: say `--map` with one of {}", maps.join(", "))
}
