//! List of the soft-deleted records that new ones replaced.

use std::collections::BTreeSet;

use migr_journal::{Change, Operation};
use migr_load::Deleted;

use super::Back;
use crate::EngineError;

/// The journal keeps the list under this name: the records that tell of it are forgotten while they are rolled back.
const NAME: &str = "rollback.destroyed";
const TOGETHER: usize = 500;

impl Back {
    /// Names the records in the trash that gave way to new ones. They are beyond recall.
    pub(super) async fn list_twins(&mut self) -> Result<(), EngineError> {
        let kept = self.reader().finding(NAME)?;
        let mut twins: BTreeSet<(String, String)> =
            kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let before = twins.len();
        for step in self.steps.clone() {
            let mut after = None;
            loop {
                let images = self.reader().before_images(step.id, after, TOGETHER)?;
                let Some(last) = images.last() else { break };
                after = Some(last.0);
                let destroyed: Vec<_> =
                    images.iter().filter(|(_, image)| image.operation == Operation::Destroy).collect();
                let ids: Vec<String> = destroyed.iter().map(|(_, image)| image.id.clone()).collect();
                // One whose request never left is still there.
                let there = self.fetch(&step.object, &ids, Deleted::Both).await?;
                for (_, image) in destroyed.iter().filter(|(_, image)| there.iter().all(|found| found.id != image.id)) {
                    let what = format!(
                        "{} {} lay in the trash and was destroyed to make room for {}, as `on deleted destroy` says; it cannot be brought back",
                        step.object,
                        image.id,
                        migr_decide::outcome_recorder::shown(&image.key)
                    );
                    twins.insert((step.name.clone(), what));
                }
            }
        }
        if !self.is_dry() && twins.len() > before {
            let value = serde_json::to_string(&twins).unwrap_or_default();
            self.context.journal.write_later(vec![Change::finding(NAME, value)]).await?;
        }
        for (step, what) in twins {
            self.summary.not_undoable(Some(&step), what);
        }
        Ok(())
    }
}
