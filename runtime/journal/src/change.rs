//! Changes that a journal is given to remember.

use serde::{Deserialize, Serialize};

use crate::{State, StepId};

/// A batch of this journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(pub i64);

/// Operation on the records of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// New records with ids of ours.
    Create,
    /// Fields of records that are there.
    Update,
    /// Records taken out of the trash.
    Restore,
    /// Records removed for good.
    Destroy,
    /// Fields that get back what they held before; a rollback's.
    Revert,
    /// Records put back into the trash; a rollback's.
    Trash,
}

impl Operation {
    /// Name of the operation in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Restore => "restore",
            Self::Destroy => "destroy",
            Self::Revert => "revert",
            Self::Trash => "trash",
        }
    }

    /// Word of the audit trail for a record after this operation; none where the record's own state says it.
    pub(crate) fn done(self) -> Option<&'static str> {
        match self {
            Self::Create | Self::Update => None,
            Self::Restore => Some("restored"),
            Self::Destroy => Some("destroyed"),
            Self::Revert => Some("reverted"),
            Self::Trash => Some("trashed"),
        }
    }
}

/// One record of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// The source key.
    pub key: String,
    /// The destination id, or what stands for it until the destination chooses one.
    pub id: String,
    /// The line of the export; 0 where it is none of one record.
    pub line: u64,
    /// First 16 hexadecimal digits of the BLAKE3 hash of what is sent.
    pub digest: String,
    /// The same of what the written fields hold before, where the record is there already.
    pub before: String,
    /// The id of the record that it lives under, where the destination asks for it.
    pub parent: Option<String>,
    /// Digests of the fields that are sent, as [`crate::FieldDigests::to_bytes`] gives them.
    pub fields: Vec<u8>,
}

/// Intent: records that are about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// From [`crate::Journal::next_batch`].
    pub batch: BatchId,
    /// The step it belongs to.
    pub step: StepId,
    /// Operation on the records.
    pub operation: Operation,
    /// To which records, in order.
    pub records: Vec<Planned>,
}

/// Result of one record of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordResult {
    /// State in which the record ended; absent: it did not happen and will be tried again.
    pub state: Option<State>,
    /// Requests that it took part in.
    pub attempts: u32,
    /// Why it was quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The id that the destination chose; absent: the record has the id of its intent.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A record that is settled without a request of its own: skipped, quarantined, or found as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Step of the record.
    pub step: StepId,
    /// The key in `id_map`: the source key, or one that stands for it where it has none of its own.
    pub key: String,
    /// The line of the export.
    pub line: u64,
    /// State in which the record ended.
    pub state: State,
    /// The destination id that references to it get.
    pub id: Option<String>,
    /// The key of the record that stands for it.
    pub winner: Option<String>,
}

/// Why a record is in quarantine; one per failing field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineNote {
    /// Key of the record in `id_map`.
    pub key: String,
    /// The source key, as a person knows it.
    pub source_key: String,
    /// The file of the export.
    pub file: String,
    /// Line of the record.
    pub line: u64,
    /// The destination field, where one is to blame.
    pub field: Option<String>,
    /// Why.
    pub reason: String,
    /// Code of the reason; a journal of an earlier program has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Why a record was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipNote {
    /// Key of the record.
    pub key: String,
    /// The written rule's reason.
    pub reason: String,
    /// Code of the reason; a journal of an earlier program has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A value that was left out or replaced by a written rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairNote {
    /// The record's key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Line of the record.
    pub line: u64,
    /// The destination field.
    pub field: String,
    /// Reason, with what was done.
    pub reason: String,
    /// Code of the reason; absent in a journal of before there were codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A file that a record of the export names, as it stood when the record was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNote {
    /// The file of the export that names it.
    pub file: String,
    /// The line there.
    pub line: u64,
    /// The source column.
    pub column: String,
    /// The record's source key.
    pub key: String,
    /// The cell as it may be shown.
    pub path: String,
    /// `found`, `to_fetch`, `link_only`, `missing`, `refused`, `too_large`.
    pub state: String,
    /// Length of the file in bytes, where it is there.
    pub bytes: Option<u64>,
    /// Why it cannot be sent.
    pub reason: Option<String>,
}

/// Outcome of a file when its record was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSent {
    /// The file of the export that names it.
    pub file: String,
    /// The line there.
    pub line: u64,
    /// The source column.
    pub column: String,
    /// `blake3:` and the hash of the bytes that were sent; absent: it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Number of bytes that were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A field of which something was noted that holds no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MendedNote {
    /// The record's key.
    pub key: String,
    /// The destination field.
    pub field: String,
}

/// A record whose owner has no member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanNote {
    /// The source owner.
    pub owner: String,
    /// The record's key.
    pub key: String,
    /// The destination field.
    pub field: String,
    /// The line of the export.
    pub line: u64,
}

/// Source owner as it was resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnerNote {
    /// The source owner.
    pub source: String,
    /// The member's address; absent: nobody.
    pub destination: Option<String>,
    /// The member's id.
    pub id: Option<String>,
    /// `match`, `override`, `fallback`, `none`.
    pub how: String,
}

/// Values that a record held before it was changed; needed to roll back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeforeImage {
    /// The step.
    pub step: StepId,
    /// The source key.
    pub key: String,
    /// The destination id.
    pub id: String,
    /// Operation on the record.
    pub operation: Operation,
    /// Values that the record held, as the destination gave them: JSON of the fields that are written.
    pub image: String,
    /// Values that were written, to see later whether a person changed them since: JSON.
    pub written: String,
}

/// A change of the destination's schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupNote {
    /// Place of the change in the plan, from 0.
    pub position: usize,
    /// In words.
    pub action: String,
    /// `done`, `already there`, or why not.
    pub outcome: String,
    /// Data that the connector needs to undo the change: JSON.
    pub undo: String,
}

impl SetupNote {
    /// Outcome of a change that was made.
    pub const DONE: &'static str = "done";
    /// Outcome of a change that was there.
    pub const ALREADY_THERE: &'static str = "already there";

    /// True for the outcome of a change that the destination has.
    pub fn is_made(outcome: &str) -> bool {
        outcome == Self::DONE || outcome == Self::ALREADY_THERE
    }
}

/// The line of a record in a later export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedNote {
    /// The record's key.
    #[serde(rename = "k")]
    pub key: String,
    /// The line of the export.
    #[serde(rename = "l")]
    pub line: u64,
}

/// A record that the export has no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VanishedNote {
    /// The record's key.
    pub key: String,
    /// Fate of it in the destination: `listed`, `kept`, `trashed`.
    pub fate: String,
}

/// One thing to remember. What is given to one [`crate::Journal::write`] is remembered together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Before a request.
    Intent(Intent),
    /// After it: one result per record of the intent, in its order.
    Outcome {
        /// The intent's batch.
        batch: BatchId,
        /// In the intent's order.
        results: Vec<RecordResult>,
        /// Why some of them failed.
        quarantine: Vec<QuarantineNote>,
    },
    /// Records that are settled without a request; also corrects what was settled before.
    Settled {
        /// Which.
        records: Vec<Settled>,
        /// Why those in quarantine are there.
        quarantine: Vec<QuarantineNote>,
        /// Why those skipped were.
        skips: Vec<SkipNote>,
    },
    /// Values left out or replaced.
    Repairs {
        /// The step.
        step: StepId,
        /// Which.
        repairs: Vec<RepairNote>,
    },
    /// Files that records name; what is known of one gives way, but for whether it was sent.
    Files {
        /// The step that looked at the records.
        step: StepId,
        /// Which.
        files: Vec<FileNote>,
    },
    /// Outcomes of files.
    FilesSent {
        /// The step that sent them.
        step: StepId,
        /// Which.
        files: Vec<FileSent>,
    },
    /// Names of a step's fields, in the order of their numbers, after those that have one already.
    Fields {
        /// The step.
        step: StepId,
        /// Which.
        names: Vec<String>,
    },
    /// Records without an owner.
    Orphans {
        /// The step.
        step: StepId,
        /// Which.
        orphans: Vec<OrphanNote>,
    },
    /// Fields that were left empty, or got a fallback, and hold their value now: what was noted of them holds no more.
    Mended {
        /// The step that noted it.
        step: StepId,
        /// Which.
        mended: Vec<MendedNote>,
    },
    /// Owners as they were resolved.
    Owners(Vec<OwnerNote>),
    /// Values that records held before.
    Before(Vec<BeforeImage>),
    /// A change of the schema.
    Setup(SetupNote),
    /// A change of the schema was undone.
    SetupUndone {
        /// Place of the change in the plan.
        position: usize,
    },
    /// Number of records of the export that belong to a step.
    Read {
        /// The step.
        step: StepId,
        /// Counted in the export itself, not from the outcomes.
        records: u64,
    },
    /// Nothing is left to do for a step.
    Done {
        /// The step.
        step: StepId,
    },
    /// Records were rolled back: it is as if they had not been sent, and nothing is noted of them.
    TakenBack {
        /// The step.
        step: StepId,
        /// The keys.
        keys: Vec<String>,
    },
    /// Every record of a step is rolled back.
    Reset {
        /// The step.
        step: StepId,
    },
    /// Records stand in other lines of a later export. All of a step together, in one change or in several that are written together: lines may change places.
    Moved {
        /// The step of the records.
        step: StepId,
        /// Which.
        lines: Vec<MovedNote>,
        /// True for the last change of the step.
        is_last: bool,
    },
    /// Records that the export has no more.
    Vanished {
        /// The step of the records.
        step: StepId,
        /// Which.
        records: Vec<VanishedNote>,
    },
    /// Records that the export has again.
    Returned {
        /// The step of the records.
        step: StepId,
        /// The keys.
        keys: Vec<String>,
    },
    /// A result, kept under a name; the latest counts.
    Finding {
        /// One of [`crate::findings`], or one of whoever keeps it.
        name: String,
        /// JSON.
        value: String,
    },
}
