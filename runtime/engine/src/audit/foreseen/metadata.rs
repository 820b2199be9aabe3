//! Metadata of the destination of a forecast: read from the one that is asked, never changed.

use std::time::Duration;

use migr_load::{
    Automations, Barred, BoxFuture, Capabilities, Codec, FieldSchema, IdPolicy, Listing, LoadError, Schema,
    SetupOutcome, SetupRecord, UndoOutcome,
};
use migr_plan::{FieldType, SetupAction};

use super::{Foreseen, never};

impl migr_load::Metadata for Foreseen {
    fn capabilities(&self) -> Capabilities {
        match &self.live {
            Some(live) => live.capabilities(),
            None => Capabilities {
                batch_size: 60,
                linked_size: 60,
                page_size: 60,
                rate: None,
                file_bytes: self.file_bytes,
                body_bytes: None,
                ids: IdPolicy::Client,
                settle: std::time::Duration::ZERO,
                lag: std::time::Duration::ZERO,
                settable_created_at: true,
                trash: false,
                version: None,
            },
        }
    }

    fn workspace(&self) -> Option<String> {
        self.live.as_ref().and_then(|live| live.workspace())
    }

    fn workspace_word(&self) -> &'static str {
        self.live.as_ref().map_or("workspace", |live| live.workspace_word())
    }

    fn requests(&self) -> u64 {
        self.live.as_ref().map_or(0, |live| live.requests())
    }

    fn width(&self) -> usize {
        self.live.as_ref().map_or(1, |live| live.width())
    }

    fn patience(&self) -> Duration {
        self.live.as_ref().map_or(Duration::ZERO, |live| live.patience())
    }

    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        Box::pin(async { Ok(self.schema.clone()) })
    }

    fn known_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        self.schema()
    }

    fn short_text(&self) -> Option<usize> {
        self.live.as_ref().and_then(|live| live.short_text())
    }

    fn barred(&self) -> BoxFuture<'_, Result<Vec<Barred>, LoadError>> {
        match &self.live {
            Some(live) => live.barred(),
            None => Box::pin(async { Ok(Vec::new()) }),
        }
    }

    fn holds(&self, field: &FieldSchema, ty: &FieldType) -> Result<(), String> {
        self.live.as_ref().map_or(Ok(()), |live| live.holds(field, ty))
    }

    fn setup<'a>(&'a self, _: &'a SetupAction) -> BoxFuture<'a, Result<SetupOutcome, LoadError>> {
        never()
    }

    fn refuses(&self, action: &SetupAction) -> Option<String> {
        self.live.as_ref().and_then(|live| live.refuses(action))
    }

    fn irreversible(&self, record: &SetupRecord) -> Option<String> {
        self.live.as_ref().and_then(|live| live.irreversible(record))
    }

    fn undo_setup<'a>(&'a self, _: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>> {
        never()
    }

    fn codec_after(&self, changes: &[SetupAction]) -> Option<Box<dyn Codec>> {
        self.live.as_ref().and_then(|live| live.codec_after(changes))
    }

    fn unique_together(&self, object: &str) -> Vec<Vec<String>> {
        self.live.as_ref().map(|live| live.unique_together(object)).unwrap_or_default()
    }

    fn fills_itself(&self, object: &str) -> bool {
        self.live.as_ref().is_some_and(|live| live.fills_itself(object))
    }

    fn listing(&self, object: &str) -> Listing {
        self.live.as_ref().map_or(Listing::Whole, |live| live.listing(object))
    }

    fn automations(&self) -> Option<&dyn Automations> {
        self.live.as_ref().and_then(|live| live.automations())
    }
}
