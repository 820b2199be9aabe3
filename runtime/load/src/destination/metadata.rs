//! Metadata of a destination, what it can do, and how that is changed.

use std::fmt;
use std::time::Duration;

use migr_plan::{FieldType, SetupAction};

use super::BoxFuture;
use crate::{Automations, Capabilities, Codec, FieldSchema, LoadError, Schema, SetupOutcome, SetupRecord, UndoOutcome};

/// Part of a destination that tells what it has and can do, and that changes its schema.
pub trait Metadata: fmt::Debug + Send + Sync {
    /// Capabilities of the destination. Read or probed by `schema`; stated by the plan before.
    fn capabilities(&self) -> Capabilities;

    /// The id of the workspace or location that is written to, where it can be told without a request.
    fn workspace(&self) -> Option<String>;

    /// The destination's own word for a workspace.
    fn workspace_word(&self) -> &'static str {
        "workspace"
    }

    /// Time after which a look-up of an object's records that finds nothing proves that nothing is there; zero where they are read where they are, and only a
    /// request that is still on its way could make one.
    fn settle_of(&self, _object: &str) -> Duration {
        self.capabilities().settle
    }

    /// Number of requests that have been sent, those sent again included.
    fn requests(&self) -> u64;

    /// Number of requests that should be under way at the same time so that the whole quota is used; more where the
    /// answers are long on their way.
    fn width(&self) -> usize;

    /// The time within which an answer comes: a request that is older is not carried out any more.
    fn patience(&self) -> Duration;

    /// Reads the live metadata, whole. Also finds out the server's version.
    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>>;

    /// The live metadata as this connection knows them: read where they were not yet, or where a change of this connection may have moved them since.
    fn known_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>>;

    /// The live metadata as they were read, with what answers to this connection's own changes told since: nothing is read for it that an answer told.
    fn told_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        self.known_schema()
    }

    /// Checks that a live field can hold values of a type; else says why not, in words.
    fn holds(&self, field: &FieldSchema, ty: &FieldType) -> Result<(), String>;

    /// Carries out one change of the schema. What is there already is left; what is there otherwise is a mismatch. Options that come `options_from` a picklist
    /// must have been written into `options` and `order` by the caller.
    fn setup<'a>(&'a self, action: &'a SetupAction) -> BoxFuture<'a, Result<SetupOutcome, LoadError>>;

    /// Reason why a change of the schema cannot be made, as far as that is known beforehand. Pure. None where it can be tried.
    fn refuses(&self, action: &SetupAction) -> Option<String>;

    /// Characters of one line that a new field of text keeps: for a longer text, or one of several lines, a field of rich text is made. None where a field of
    /// text keeps every text.
    fn short_text(&self) -> Option<usize>;

    /// Writes of the plan that the destination does not let this connection do, as far as it tells before anything is written: asked once, and nothing is
    /// changed by asking.
    fn barred(&self) -> BoxFuture<'_, Result<Vec<Barred>, LoadError>>;

    /// Reason why nothing takes a change of the schema back, as far as that is known beforehand. Pure. None where it can be tried.
    fn irreversible(&self, record: &SetupRecord) -> Option<String>;

    /// Takes back one change of the schema. Options still held by a record are kept.
    fn undo_setup<'a>(&'a self, record: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>>;

    /// Codec by the schema that was read last, as it will be once changes are made. None where the connector cannot tell.
    fn codec_after(&self, changes: &[SetupAction]) -> Option<Box<dyn Codec>>;

    /// Fields of an object whose values one record alone may hold together, as far as the schema that was read last tells.
    fn unique_together(&self, object: &str) -> Vec<Vec<String>>;

    /// True for an object that the destination fills by itself when records are made or looked at: what it refers to is nobody's choice.
    fn fills_itself(&self, object: &str) -> bool;

    /// Way in which an object's records are listed.
    fn listing(&self, object: &str) -> Listing;

    /// The part that carries things out by itself when records are written; none where nothing does, or nothing tells.
    fn automations(&self) -> Option<&dyn Automations>;
}

/// A right that a write of the plan needs and this connection lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barred {
    /// Object of the plan that is written by it.
    pub object: String,
    /// Name of the right, as the destination calls it.
    pub right: String,
    /// Reason and what to do, in words.
    pub why: String,
}

/// Way in which the records of an object are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// Records of the object all together, by [`crate::Records::scan`], as they are at that moment.
    #[default]
    Whole,
    /// Records of the object all together, by a list that follows the records after a while: what it says of one, the record itself is asked about.
    Lagging,
    /// Records that belong to some others, by [`crate::Records::referring`].
    Under,
    /// Records of which nobody but who made them knows the ids, and that nobody changes.
    Never,
}
