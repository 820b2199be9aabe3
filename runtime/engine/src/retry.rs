use migr_journal::{Change, State};

use crate::{Context, EngineError};

/// Records that are let go together.
const TOGETHER: usize = 500;

/// Lets records in quarantine go, of one map or of all, so that the next run tries them again; says how many. The export may have been mended since.
pub async fn retry(context: &Context, map: Option<&str>) -> Result<u64, EngineError> {
    let reader = context.journal.reader()?;
    let mut released = 0;
    for stage in context.plan.stages.iter().filter(|stage| map.is_none_or(|map| stage.map == map)) {
        let Some(step) = reader.step(&stage.id)? else { continue };
        let mut after: Option<String> = None;
        loop {
            let rows = reader.rows_after(step, after.as_deref(), TOGETHER)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            let keys: Vec<String> =
                rows.into_iter().filter(|row| row.mapped.state == State::Quarantined).map(|row| row.key).collect();
            if keys.is_empty() {
                continue;
            }
            released += keys.len() as u64;
            context.journal.write_later(vec![Change::TakenBack { step, keys }]).await?;
        }
    }
    if released > 0 {
        let finding = |name: &str| Change::Finding { name: name.to_owned(), value: "null".to_owned() };
        let mut changes = vec![finding("export"), finding("verify")];
        // Links and second passes must look at the records again.
        for name in context.plan.stages.iter().flat_map(|stage| crate::run::step_names(stage).into_iter().skip(1)) {
            if let Some(step) = reader.step(&name)? {
                changes.push(Change::TakenBack { step, keys: Vec::new() });
            }
        }
        context.journal.write_later(changes).await?;
    }
    Ok(released)
}
