//! Records on their way to the destination.

use crate::conflict_policy::ConflictPolicy;
use crate::upload::Upload;
use migr_journal::{OrphanNote, Planned, RepairNote};
use migr_load::Body;
use migr_transform::Value;
use serde::{Deserialize, Serialize};

/// A record on its way.
#[derive(Debug)]
pub struct RecordWrite {
    /// Source key of the record.
    pub key: String,
    /// The line of the export.
    pub line: u64,
    /// The id that it has or will have.
    pub id: String,
    /// Body that is written, or would be if the record were new.
    pub body: Body,
    /// The values behind the body, by index in the stage's fields, where the record is there already.
    pub values: Vec<(usize, Value<'static>)>,
    /// The destination fields that stay empty where it is refused; none where the record itself would be quarantined.
    pub fields: Vec<String>,
    /// A record in the trash that is destroyed before this one is created.
    pub replaces: Option<String>,
    /// Values that this migration wrote before and nobody changed since, where they are written anew: of a list to which others may add, members of these go.
    pub undone: Body,
    /// Files that are uploaded with it.
    pub uploads: Vec<Upload>,
    /// This migration made it: its fields are written whatever they hold.
    pub is_ours: bool,
    /// Fields that change, in words: of a forecast.
    pub changes: Vec<FieldChange>,
    /// Where written rules took effect.
    pub repairs: Vec<RepairNote>,
    /// Owners without a matching user.
    pub orphans: Vec<OrphanNote>,
    /// Size of the body in bytes.
    pub size: usize,
    /// Start of the hash of the body.
    pub digest: String,
    /// The same of what the fields hold that are written over; empty for a new record.
    pub before: String,
}

/// Field of a record that changes, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The destination field.
    pub field: String,
    /// Value that the field holds.
    pub before: String,
    /// Value that the field will hold.
    pub after: String,
    /// Policy for a field that a person changed in the destination since it was written; absent where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictPolicy>,
    /// True where the value of the export is not written: the destination holds another one, which stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
}

impl RecordWrite {
    /// One without a body yet.
    pub fn new(key: String, line: u64, id: String) -> Self {
        Self {
            key,
            line,
            id,
            body: Body::default(),
            values: Vec::new(),
            fields: Vec::new(),
            replaces: None,
            undone: Body::default(),
            uploads: Vec::new(),
            is_ours: false,
            changes: Vec::new(),
            repairs: Vec::new(),
            orphans: Vec::new(),
            size: 0,
            digest: String::new(),
            before: String::new(),
        }
    }

    /// As it stands in an intent.
    pub fn planned(&self) -> Planned {
        Planned {
            key: self.key.clone(),
            id: self.id.clone(),
            line: self.line,
            digest: self.digest.clone(),
            before: self.before.clone(),
            ..Planned::default()
        }
    }

    /// Sets the body, with its size and digest.
    #[must_use]
    pub fn with_body(mut self, body: Body) -> Self {
        self.size = body.text().len();
        self.digest = body.digest();
        self.body = body;
        self
    }
}

/// Records on their way, with what is to be done with them.
#[derive(Debug)]
pub enum Batch {
    /// Records that are new.
    Create(Vec<RecordWrite>),
    /// Records that are in the destination already.
    Update(Vec<ExistingRecord>),
}

impl Batch {
    /// Size of the bodies.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Create(items) => items.iter().map(|item| item.size).sum(),
            Self::Update(items) => items.iter().map(|there| there.item.size).sum(),
        }
    }
}

/// A record that is in the destination already.
#[derive(Debug)]
pub struct ExistingRecord {
    /// Record as the source has it.
    pub item: RecordWrite,
    /// True where the record is soft-deleted.
    pub deleted: bool,
}
