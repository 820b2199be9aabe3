//! Refusals of a destination: which of many records they mean.

use std::fmt;

use super::BoxFuture;
use crate::{Body, LoadError};

/// Part of a destination that tells whose fault a refusal is.
pub trait Refusals: fmt::Debug + Send + Sync {
    /// Records among some that are refused, or would be, for the reasons that others like them were: by what those refusals quote, and by the unique values, the
    /// references and the ids that the destination holds. Any number of records, in few requests; `is_new` where they are to be created. Records that are not
    /// named may be at fault all the same.
    fn at_fault<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Suspect<'a>],
        is_new: bool,
        refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>>;
}

/// A record that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Suspect<'a> {
    /// Id of the record.
    pub id: &'a str,
    /// Body that is written.
    pub body: &'a Body,
}

/// A record that is at fault, of those that were asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtFault {
    /// Position of the record among them.
    pub position: usize,
    /// Fault of the record.
    pub fault: Fault,
}

/// Fault of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refusal of the record, alone too.
    Refused {
        /// Why.
        reason: String,
    },
    /// Record that the refusal of its batch may be about.
    Suspected,
    /// Record that is new no more: the destination has it, by our id.
    There {
        /// True where the record is soft-deleted.
        deleted: bool,
    },
}
