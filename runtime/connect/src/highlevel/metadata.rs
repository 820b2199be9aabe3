//! Metadata of a location, as it is asked for and changed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use migr_load::{
    Automations, Barred, BoxFuture, Capabilities, Codec, FieldSchema, Listing, LoadError, Made, Metadata, Schema,
    SetupOutcome, SetupRecord, UndoOutcome,
};
use migr_plan::{FieldType, SetupAction};

use super::codec::LocationCodec;
use super::kind::Kind;
use super::{HighLevel, setup, undo};

/// Characters that a field of one line keeps.
const SHORT_TEXT: usize = 255;

impl Metadata for HighLevel {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn workspace(&self) -> Option<String> {
        Some(self.location.clone())
    }

    fn workspace_word(&self) -> &'static str {
        "location"
    }

    fn settle_of(&self, object: &str) -> Duration {
        match Kind::of(object) {
            Kind::Businesses | Kind::Notes | Kind::Tasks | Kind::ContactFiles | Kind::Associations => Duration::ZERO,
            Kind::Contacts
            | Kind::Opportunities
            | Kind::Custom
            | Kind::Appointments
            | Kind::Media
            | Kind::Pipelines
            | Kind::Calendars
            | Kind::Users => self.capabilities.settle,
        }
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

    fn told_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        Box::pin(async move {
            match self.live() {
                Ok(live) => Ok(live.schema.clone()),
                Err(_) => self.schema().await,
            }
        })
    }

    fn short_text(&self) -> Option<usize> {
        Some(SHORT_TEXT)
    }

    fn barred(&self) -> BoxFuture<'_, Result<Vec<Barred>, LoadError>> {
        Box::pin(self.ask_rights())
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

    fn irreversible(&self, record: &SetupRecord) -> Option<String> {
        matches!(record.made, Made::Object { .. }).then(|| undo::OBJECT_STAYS.to_owned())
    }

    fn undo_setup<'a>(&'a self, record: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>> {
        Box::pin(self.take_back(record))
    }

    fn codec_after(&self, changes: &[SetupAction]) -> Option<Box<dyn Codec>> {
        let live = self.live().ok()?.after(changes);
        Some(Box::new(LocationCodec::new(Arc::new(live), self.version)))
    }

    fn unique_together(&self, object: &str) -> Vec<Vec<String>> {
        // Closed ones count too.
        let is_one_alone =
            Kind::of(object) == Kind::Opportunities && self.live().is_ok_and(|live| live.refuses_second_opportunity);
        if is_one_alone { vec![vec!["contact".to_owned(), "pipeline".to_owned()]] } else { Vec::new() }
    }

    fn fills_itself(&self, _object: &str) -> bool {
        false
    }

    fn listing(&self, object: &str) -> Listing {
        match Kind::of(object) {
            Kind::Notes | Kind::Tasks => Listing::Under,
            Kind::ContactFiles | Kind::Media | Kind::Associations => Listing::Never,
            // These are searched, the others read from where they are.
            Kind::Contacts | Kind::Opportunities | Kind::Custom => Listing::Lagging,
            Kind::Businesses | Kind::Appointments | Kind::Pipelines | Kind::Calendars | Kind::Users => Listing::Whole,
        }
    }

    fn automations(&self) -> Option<&dyn Automations> {
        None
    }
}
