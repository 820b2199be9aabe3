//! Rollback of restored records into the trash.

use migr_journal::{BeforeImage, Operation, Planned, StepRow};
use migr_load::{Body, Deleted, Found, Map, RecordUpdate};

use super::{Back, KeptField, result};
use crate::EngineError;

const TOGETHER: usize = 500;

impl Back {
    /// Puts what came out of the trash back into it, but for what somebody has worked on since.
    pub(super) async fn trash_restored(&mut self) -> Result<(), EngineError> {
        for (position, step) in self.steps.clone().iter().enumerate() {
            let mut after = None;
            loop {
                let images = self.reader().before_images(step.id, after, TOGETHER)?;
                let Some(last) = images.last() else { break };
                after = Some(last.0);
                let restored: Vec<BeforeImage> = images
                    .into_iter()
                    .map(|(_, image)| image)
                    .filter(|image| image.operation == Operation::Restore)
                    .collect();
                for batch in restored.chunks(self.page()) {
                    if self.stops() {
                        return Ok(());
                    }
                    self.trash(position, step, batch).await?;
                }
            }
        }
        Ok(())
    }

    /// Gives what is in the trash again the times that it had there. Each by itself: a change of many takes records out of the trash.
    async fn stamp(&mut self, step: &StepRow, images: &[&BeforeImage], live: &[Found]) -> Result<(), EngineError> {
        let destination = self.context.destination.clone();
        let mut stamped = Vec::new();
        for image in images.iter().filter(|image| live.iter().all(|found| found.id != image.id)) {
            let stamps: Map = serde_json::from_str(&image.image).unwrap_or_default();
            if stamps.is_empty() {
                continue;
            }
            let change = RecordUpdate::new(image.id.clone(), Body::from(&stamps));
            match destination.update(&step.object, &[change]).await {
                Err(error) if error.stops_the_run() => return Err(error.into()),
                // Whether it took effect is looked at below.
                Ok(_) | Err(_) => stamped.push((image.id.clone(), stamps)),
            }
        }
        let ids: Vec<String> = stamped.iter().map(|(id, _)| id.clone()).collect();
        let there = if ids.is_empty() { Vec::new() } else { self.fetch(&step.object, &ids, Deleted::Trashed).await? };
        for (id, stamps) in stamped {
            let Some(found) = there.iter().find(|found| found.id == id) else { continue };
            for stamp in destination.unlike(&step.object, &stamps, &found.values) {
                let what = format!("{} {id}: {stamp} could not be put back", step.object);
                self.summary.not_undoable(Some(&step.name), what);
            }
        }
        Ok(())
    }

    async fn trash(&mut self, position: usize, step: &StepRow, images: &[BeforeImage]) -> Result<(), EngineError> {
        let is_changed =
            |image: &&BeforeImage| self.changed_restored.contains(&(step.object.clone(), image.id.clone()));
        let (changed, images): (Vec<&BeforeImage>, Vec<&BeforeImage>) = images.iter().partition(is_changed);
        for image in changed {
            self.summary.kept(KeptField {
                step: step.name.clone(),
                key: image.key.clone(),
                object: step.object.clone(),
                id: image.id.clone(),
                field: None,
                reason: "it came out of the trash and was changed since; it was left where it is".to_owned(),
            });
        }
        if images.is_empty() {
            return Ok(());
        }
        let count = images.len() as u64;
        if self.is_dry() {
            self.summary.trashed += count;
            self.summary.step(position, &step.name).restored += count;
            return Ok(());
        }
        let planned: Vec<Planned> = images
            .iter()
            .map(|image| Planned {
                key: image.key.clone(),
                id: image.id.clone(),
                line: 0,
                digest: String::new(),
                ..Planned::default()
            })
            .collect();
        let ids: Vec<String> = planned.iter().map(|record| record.id.clone()).collect();
        let batch = self.intend(step, Operation::Trash, planned.clone()).await?;
        let live = self.fetch(&step.object, &ids, Deleted::Live).await?;
        let live: Vec<String> = live.into_iter().map(|found| found.id).collect();
        let mut refused = None;
        if !live.is_empty() {
            match self.context.destination.trash(&step.object, &live).await {
                Ok(()) => {}
                Err(error) if error.stops_the_run() => return Err(error.into()),
                Err(error) => refused = Some(error.to_string()),
            }
        }
        let still = self.fetch(&step.object, &live, Deleted::Live).await?;
        self.stamp(step, &images, &still).await?;
        let mut keys = Vec::new();
        let mut results = Vec::with_capacity(planned.len());
        for record in planned {
            if still.iter().any(|found| found.id == record.id) {
                let why = refused.clone().unwrap_or_else(|| "it did not go back to the trash".to_owned());
                self.summary.not_undoable(Some(&step.name), format!("{} {}: {why}", step.object, record.id));
                self.summary.left = true;
                results.push(result(false, Some(why)));
            } else {
                keys.push(record.key);
                results.push(result(true, None));
            }
        }
        let count = keys.len() as u64;
        self.done(step, batch, results, keys).await?;
        self.summary.trashed += count;
        self.summary.step(position, &step.name).restored += count;
        Ok(())
    }
}
