//! Progress of a command: events for a person waiting, and the interface that takes them.

use serde::Serialize;

/// Something that a person waiting may want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A step begins.
    StepStarted {
        /// The map, `MAP.FIELD` of links, `MAP:deferred`, `MAP:backfill`.
        step: String,
        /// The source object.
        source_object: String,
        /// The destination object.
        destination_object: String,
        /// Size of the file that is read.
        bytes: u64,
    },
    /// Every row was looked at.
    Read {
        /// The step.
        step: String,
        /// Records that belong to it.
        records: u64,
        /// Records that are still to be written.
        pending: u64,
    },
    /// The destination was asked which of the records it has already.
    Compared {
        /// The step.
        step: String,
    },
    /// Records were written, or found as they should be.
    Written {
        /// The step.
        step: String,
        /// Number of records since the last such event.
        records: u64,
    },
    /// Records were there already, by ids of this migration that its journal does not know of.
    Adopted {
        /// The step.
        step: String,
        /// Number of records since the last such event.
        records: u64,
    },
    /// A wait, with its reason.
    Waiting {
        /// In seconds.
        seconds: u64,
        /// In words.
        reason: String,
    },
    /// Records were quarantined.
    SetAside {
        /// The step.
        step: String,
        /// Number of records since the last such event.
        records: u64,
    },
    /// A step is through.
    StepDone {
        /// The step.
        step: String,
    },
    /// A change of the schema.
    Setup {
        /// In words.
        action: String,
        /// `done`, `already there`, or why not.
        outcome: String,
    },
    /// Records were read back.
    Verified {
        /// The map.
        step: String,
        /// Number of records since the last such event.
        records: u64,
    },
    /// Records were rolled back.
    TakenBack {
        /// The step.
        step: String,
        /// Number of records since the last such event.
        records: u64,
    },
}

/// Takes events as they happen. Must return at once: it is called between requests.
pub trait Progress: Send + Sync + std::fmt::Debug {
    /// Something happened.
    fn event(&self, event: Event);
}

/// Takes no notice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event) {}
}
