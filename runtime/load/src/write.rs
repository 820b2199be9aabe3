//! Writes: what a batch holds, and what became of each record of it.

use std::fmt;
use std::time::Duration;

use crate::{Body, Found, LoadError};

/// Address of a record of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'r> {
    /// The object that it is of.
    pub object: &'r str,
    /// Id of the record.
    pub id: &'r str,
    /// Id of the record that it lives under, where the destination asks for it.
    pub parent: Option<&'r str>,
}

/// Party that chooses the ids of new records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdPolicy {
    /// The program: an id is known before its record exists, and a second attempt gives the same one.
    #[default]
    Client,
    /// The destination: an id is known from its answer, and the program's own id is a token until then.
    Server {
        /// Path of the field that holds the token beside the destination's id, so that a record whose answer was lost is found again; none: it is not.
        token: Option<String>,
    },
}

/// Record that is to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// The id that it will have, or its token where the destination chooses ids.
    pub id: String,
    /// Id of the record that it lives under, where the destination asks for it.
    pub parent: Option<String>,
    /// Native body of the record, without the id.
    pub body: Body,
}

impl NewRecord {
    /// Record of an id, under no other.
    pub fn new(id: impl Into<String>, body: impl Into<Body>) -> Self {
        Self { id: id.into(), parent: None, body: body.into() }
    }
}

/// Change of a record that is known to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordUpdate {
    /// Id of the record.
    pub id: String,
    /// Id of the record that it lives under, where the destination asks for it.
    pub parent: Option<String>,
    /// Values that change, as a native body.
    pub body: Body,
    /// Digest of what the record held in the keys of the body when it was looked at; empty: it is written whatever it holds.
    pub held: String,
    /// Values that an earlier change wrote, where this one takes it back; empty else. Of a list, only what was added then is taken away.
    pub undone: Body,
}

impl RecordUpdate {
    /// Change of a record of an id, under no other.
    pub fn new(id: impl Into<String>, body: impl Into<Body>) -> Self {
        Self { id: id.into(), parent: None, body: body.into(), held: String::new(), undone: Body::default() }
    }

    /// The same, of a record that is to hold what it held when it was looked at: the body of that has this digest.
    #[must_use]
    pub fn held(self, held: String) -> Self {
        Self { held, ..self }
    }

    /// The same, which takes back what an earlier change wrote.
    #[must_use]
    pub fn undoing(self, undone: Body) -> Self {
        Self { undone, ..self }
    }
}

/// Record that was sent to be created, and of which no answer says whether it was.
#[derive(Clone, Copy, Debug)]
pub struct Unsettled<'a> {
    /// The id that it was sent with, or its token where the destination chooses ids.
    pub token: &'a str,
    /// Body that was sent, where it is still known.
    pub body: Option<&'a Body>,
    /// Time since it was sent, at least.
    pub age: Duration,
}

/// Settlement of such a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Settlement {
    /// Record that is there.
    There(Found),
    /// Records that are alike in everything that was sent, and that nothing else tells apart: it is one of them, as far as they are nobody else's.
    Among(Vec<Found>),
    /// Record that is not there, for sure.
    Absent,
    /// Record of which nothing can be told yet.
    Unknown,
}

/// Outcome of one record of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// Creation of a record.
    Created {
        /// The id that the destination knows it by.
        id: String,
    },
    /// Change of a record.
    Updated,
    /// Refusal: nothing of the record was written.
    Refused(Refusal),
    /// Refusal by a server that was seen to carry out what it refuses: the record may have been written.
    RefusedInDoubt(Refusal),
    /// Lost or unusable answer: the record may have been written.
    Uncertain {
        /// Failure that came instead of an answer.
        why: String,
        /// True where the server is done with it: it is not on its way any more.
        is_answered: bool,
    },
    /// The error that stops the run came before the record was written, and nothing of it was: it is made when the run goes on.
    Unsent(LoadError),
}

impl Written {
    /// One outcome for each of some records.
    pub fn each(records: usize, outcome: &Self) -> Vec<Self> {
        vec![outcome.clone(); records]
    }

    /// Refusal of some records together: any of them may be at fault.
    pub fn refused_together(records: usize, refusal: Refusal) -> Vec<Self> {
        let refusal = Refusal { is_joint: records > 1, ..refusal };
        Self::each(records, &Self::Refused(refusal))
    }
}

/// Words in which the destination refuses records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The server's reason; values of sensitive fields are `***`.
    pub message: String,
    /// HTTP status; none where it is not the answer to a request.
    pub status: Option<u16>,
    /// The server's code, where it gives one.
    pub code: Option<String>,
    /// True where the refusal is of several records together, of which any may be at fault: split them.
    pub is_joint: bool,
}

impl Refusal {
    /// Refusal of one record by an answer of a status.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { message: message.into(), status: Some(status), code: None, is_joint: false }
    }

    /// Refusal that is not the answer to a write: what an error says that concerns these records alone.
    pub fn of(error: &LoadError) -> Self {
        Self { message: error.to_string(), status: None, code: None, is_joint: false }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} ({status})", self.message),
            None => f.write_str(&self.message),
        }
    }
}
