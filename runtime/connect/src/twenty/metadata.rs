//! Metadata of a workspace, as it is asked for and changed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use migr_load::{
    Automations, Barred, BoxFuture, Capabilities, Codec, FieldSchema, Listing, LoadError, Metadata, Schema,
    SetupOutcome, SetupRecord, UndoOutcome,
};
use migr_plan::{FieldType, SetupAction};

use super::codec::TwentyCodec;
use super::{Twenty, setup};

/// Beginnings of the names of objects that the workspace fills by itself.
const ITS_OWN: [&str; 9] = [
    "timelineActivit",
    "workflow",
    "message",
    "calendar",
    "favorite",
    "view",
    "blocklist",
    "connectedAccount",
    "workspaceMember",
];

impl Metadata for Twenty {
    fn capabilities(&self) -> Capabilities {
        let version = self.live().ok().map(|live| live.version.name().to_owned());
        Capabilities { version, ..self.capabilities.clone() }
    }

    fn workspace(&self) -> Option<String> {
        self.workspace.clone()
    }

    fn requests(&self) -> u64 {
        self.http.requests()
    }

    fn width(&self) -> usize {
        self.http.width()
    }

    fn patience(&self) -> Duration {
        self.http.options().timeout
    }

    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        Box::pin(async move { Ok(self.read_live().await?.schema.clone()) })
    }

    fn known_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        Box::pin(async move {
            match self.live() {
                Ok(live) if !self.is_amended.load(Ordering::Relaxed) => Ok(live.schema.clone()),
                _ => self.schema().await,
            }
        })
    }

    fn short_text(&self) -> Option<usize> {
        None
    }

    fn barred(&self) -> BoxFuture<'_, Result<Vec<Barred>, LoadError>> {
        // A role is told by the first write that it does not let through.
        Box::pin(async { Ok(Vec::new()) })
    }

    fn holds(&self, field: &FieldSchema, ty: &FieldType) -> Result<(), String> {
        setup::holds(field, ty)
    }

    fn setup<'a>(&'a self, action: &'a SetupAction) -> BoxFuture<'a, Result<SetupOutcome, LoadError>> {
        Box::pin(self.carry_out(action))
    }

    fn refuses(&self, action: &SetupAction) -> Option<String> {
        self.refusal(action)
    }

    fn irreversible(&self, _record: &SetupRecord) -> Option<String> {
        None
    }

    fn undo_setup<'a>(&'a self, record: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>> {
        Box::pin(self.take_back(record))
    }

    fn codec_after(&self, changes: &[SetupAction]) -> Option<Box<dyn Codec>> {
        let live = self.live().ok()?.after(changes);
        Some(Box::new(TwentyCodec::new(Arc::new(live))))
    }

    fn unique_together(&self, _object: &str) -> Vec<Vec<String>> {
        Vec::new()
    }

    fn fills_itself(&self, object: &str) -> bool {
        ITS_OWN.iter().any(|own| object.starts_with(own))
    }

    fn listing(&self, _object: &str) -> Listing {
        Listing::Whole
    }

    fn automations(&self) -> Option<&dyn Automations> {
        Some(self)
    }
}
