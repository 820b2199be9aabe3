//! The trait of a destination that carries things out by itself when records are written there.

use jiff::Timestamp;
use migr_plan::Automation;

use crate::{BoxFuture, Found, LoadError, Map};

/// The part of a destination that carries things out by itself when records are written: workflows and webhooks of its users.
pub trait Automations: Send + Sync {
    /// The workflows that are switched on and started by events of records, sorted by name.
    fn active(&self) -> BoxFuture<'_, Result<Vec<Automation>, LoadError>>;

    /// The webhooks that are switched on, sorted by host.
    fn webhooks(&self) -> BoxFuture<'_, Result<Vec<Automation>, LoadError>>;

    /// Runs of workflows since a moment.
    fn runs(&self, since: Timestamp) -> BoxFuture<'_, Result<AutomationRuns, LoadError>>;

    /// The records of an object that workflows made since a moment, those in the trash left out.
    fn made<'a>(&'a self, object: &'a str, since: Timestamp) -> BoxFuture<'a, Result<Vec<Found>, LoadError>>;

    /// The name of the workflow that made a record; none where somebody else did.
    fn maker(&self, found: &Map) -> Option<String>;

    /// The name of the workflow that changed a record last; none where somebody else did.
    fn changer(&self, found: &Map) -> Option<String>;
}

/// Runs of workflows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AutomationRuns {
    /// Number of runs, those that ended included.
    pub all: u64,
    /// Number of runs that wait or are at work.
    pub open: u64,
}
