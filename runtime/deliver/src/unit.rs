//! Units of work: what is handed out, and what comes of it.

use std::fmt;

use migr_journal::Operation;
use migr_load::{Body, LoadError, Refusal, Suspect};

use migr_decide::upload::Upload;

/// A batch as it is handed out: all that is needed to carry it out.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The step that it belongs to.
    pub step: String,
    /// Number of the batch in the journal.
    pub batch: i64,
    /// `create` or `update`.
    pub operation: Operation,
    /// The destination object.
    pub object: String,
    /// Records of the unit, in order.
    pub records: Vec<UnitRecord>,
}

impl Unit {
    /// True where a record of the unit has files that are to be uploaded.
    pub fn has_files(&self) -> bool {
        self.records.iter().any(|record| !record.uploads.is_empty())
    }
}

/// One record of a unit.
#[derive(Clone, Default)]
pub struct UnitRecord {
    /// Id of the record.
    pub id: String,
    /// Body that is written.
    pub body: Body,
    /// Digest of what the record held in the keys of the body when it was looked at; empty: it is written whatever it holds.
    pub held: String,
    /// Values that an earlier change wrote, where this one takes it back; empty else.
    pub undone: Body,
    /// Files that are uploaded first.
    pub uploads: Vec<Upload>,
}

impl UnitRecord {
    /// As it is asked about.
    pub fn suspect(&self) -> Suspect<'_> {
        Suspect { id: &self.id, body: &self.body }
    }
}

// Values may be sensitive.
impl fmt::Debug for UnitRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitRecord").field("id", &self.id).field("uploads", &self.uploads.len()).finish_non_exhaustive()
    }
}

/// Result of one record of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteResult {
    /// Outcome of the record.
    pub outcome: RecordOutcome,
    /// Requests that it took part in.
    pub attempts: u32,
}

/// Final outcome of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordOutcome {
    /// Creation or change.
    Written {
        /// The id that the destination chose; none: the record has the id that it was sent with.
        id: Option<String>,
    },
    /// The destination has a record by this id of ours already, and no answer says that it is this one: whoever keeps the journal compares them.
    There {
        /// The id.
        id: String,
        /// Body that was sent.
        body: Body,
    },
    /// The record was there already, by an id of ours, and is as it was meant to be.
    Adopted {
        /// True where the values that it held were changed for that.
        changed: bool,
    },
    /// Refusal, with its reason.
    Refused(String),
    /// Lost answer about a record that cannot be asked for: it may have been written. With the reason.
    Uncertain(String),
    /// Nothing of the record was written before the run was stopped.
    Unsent,
}

impl WriteResult {
    /// Refusal of a record.
    pub fn refused(reason: String, attempts: u32) -> Self {
        Self { outcome: RecordOutcome::Refused(reason), attempts }
    }

    /// The same after further requests.
    #[must_use]
    pub fn after(self, requests: u32) -> Self {
        Self { attempts: requests + self.attempts, ..self }
    }

    /// True where the record was written.
    pub fn is_written(&self) -> bool {
        matches!(self.outcome, RecordOutcome::Written { .. } | RecordOutcome::Adopted { .. })
    }

    /// Why it is not.
    pub fn reason(&self) -> Option<&str> {
        match &self.outcome {
            RecordOutcome::Written { .. }
            | RecordOutcome::There { .. }
            | RecordOutcome::Adopted { .. }
            | RecordOutcome::Unsent => None,
            RecordOutcome::Refused(reason) | RecordOutcome::Uncertain(reason) => Some(reason),
        }
    }
}

/// Outcome of one file of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFate {
    /// The destination field.
    pub field: String,
    /// The source column.
    pub column: String,
    /// `blake3:` and the hash of what was sent, and its length; else why it was not.
    pub sent: Result<(String, u64), String>,
}

/// A unit whose files are uploaded.
#[derive(Clone, Debug)]
pub struct Uploads {
    /// The records that can be written, the files in their bodies.
    pub unit: Unit,
    /// Their positions in the unit as it was handed out.
    pub positions: Vec<usize>,
    /// Positions of the records that cannot be written without a file, with what is wrong with it.
    pub refused: Vec<(usize, String)>,
    /// Files that were sent for records, or not, with the positions of these.
    pub files: Vec<(usize, FileFate)>,
}

/// Result of a unit.
#[derive(Clone, Debug, Default)]
pub struct UnitResult {
    /// Results in order; none where a refusal is still to be understood.
    pub results: Vec<Option<WriteResult>>,
    /// Records of such refusals.
    pub unresolved: Vec<RefusedTogether>,
    /// Records whose answers were lost, and of which the destination can tell only later.
    pub doubtful: Vec<Doubtful>,
    /// Requests that they took part in.
    pub attempts: u32,
    /// The error that stops the run, where it came before some of the records were written.
    pub stopped: Option<LoadError>,
}

/// Record whose answer was lost.
#[derive(Clone, Debug)]
pub struct Doubtful {
    /// Position in the unit.
    pub position: usize,
    /// The record.
    pub record: UnitRecord,
    /// Failure that came instead of an answer.
    pub why: String,
    /// Refusal that came, where it may have been written all the same.
    pub refusal: Option<Refusal>,
    /// True where the server is done with the request: it is not on its way any more.
    pub is_answered: bool,
}

/// Records that were refused in the same words: one alone, or several together of which any may be at fault.
#[derive(Clone, Debug)]
pub struct RefusedTogether {
    /// The records with their positions in the unit.
    pub records: Vec<(usize, UnitRecord)>,
    /// The words.
    pub refusal: Refusal,
}
