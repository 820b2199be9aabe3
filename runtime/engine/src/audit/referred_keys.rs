//! Source keys of records that others refer to: a person reads these, and not ids that nobody has seen.

use migr_decide::DecideError;
use migr_decide::forecast::Forecast;
use migr_journal::Reader;
use migr_plan::{Plan, Step};

use super::AuditError;
use super::finding::shown_key;

/// Plan, forecast and journal by which a key is looked for.
pub(crate) type Known<'k> = (&'k Plan, &'k Forecast, Option<&'k Reader>);

/// The source key of a record of some objects by its id, where it may be shown; none for a record that the migration does not write.
pub(crate) fn key_of(
    (plan, forecast, reader): Known<'_>,
    objects: &[String],
    id: &str,
) -> Result<Option<String>, AuditError> {
    let stages = || plan.stages.iter().filter(|stage| objects.contains(&stage.destination_object));
    let mut found = forecast.record_of(id)?;
    for stage in stages().filter(|_| found.is_none()).collect::<Vec<_>>() {
        let step = forecast.known(&Step::records(&stage.id)).filter(|step| step.is_begun());
        if let (Some(step), Some(reader)) = (step, reader) {
            let rows = reader.keys_of(step, id).map_err(DecideError::from)?;
            let row = rows.into_iter().find(|row| row.mapped.winner.is_none());
            found = row.map(|row| (stage.id.clone(), row.key));
            if found.is_some() {
                break;
            }
        }
    }
    let Some((of, key)) = found else { return Ok(None) };
    let Some(stage) = stages().find(|stage| stage.id == of) else { return Ok(None) };
    let source = plan.source_object(&stage.source_object);
    let is_shown = source.is_some_and(|object| !object.has_sensitive_key());
    Ok(is_shown.then(|| shown_key(&key)))
}
