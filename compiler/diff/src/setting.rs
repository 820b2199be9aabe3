//! Records whose values a setting of the migration takes part in, as a lock counts them.

use migr_plan::lock::LockedStage;
use migr_plan::{Lock, Plan, ReadingSetting, SettingChange, SettingPart, Stage};

use crate::changes::{Found, Step};

/// The setting that a change is about: time zone, country or currency.
pub(crate) fn of<'p>(found: &Found, (before, after): (&'p Plan, &'p Plan)) -> Option<SettingChange<'p>> {
    match found.place.as_slice() {
        [Step::Key(options), Step::Key(key)] if options == "options" => {
            SettingChange::of(ReadingSetting::find(key)?, before, after)
        }
        _ => None,
    }
}

/// True where a column has another zone because the migration has.
pub(crate) fn decides(found: &Found, (before, after): (&Plan, &Plan)) -> bool {
    let [Step::Key(_), Step::Key(_), Step::Member(object), Step::Key(_), Step::Member(column), Step::Key(zone)] =
        found.place.as_slice()
    else {
        return false;
    };
    let change = SettingChange::of(ReadingSetting::Timezone, before, after);
    let column = after.source_object(object).and_then(|object| object.column(column));
    zone == "zone" && change.zip(column).is_some_and(|(change, column)| change.is_zone_of(object, column))
}

/// Records with a value that the setting may take part in: no more than these differ.
pub(crate) fn concerned(change: SettingChange<'_>, after: &Plan, lock: &Lock) -> u64 {
    let stages = after.stages.iter().filter_map(|stage| Some((stage, lock.stage(&stage.id)?)));
    stages.map(|(stage, locked)| of_stage(change, (stage, locked), lock)).fold(0, u64::saturating_add)
}

fn of_stage(change: SettingChange<'_>, (stage, locked): (&Stage, &LockedStage), lock: &Lock) -> u64 {
    if stage.when.as_ref().is_some_and(|when| change.part(stage, when) != SettingPart::Never) {
        return locked.read;
    }
    let of_fields = stage.fields.iter().filter_map(|field| {
        let counted = locked.fields.iter().find(|one| one.field == field.field)?;
        let with_value = counted.filled.saturating_add(counted.failed).saturating_add(counted.repaired);
        match change.part(stage, &field.value) {
            SettingPart::Never => None,
            SettingPart::Always => Some(with_value),
            SettingPart::WhereBlank(column) => {
                let blank = lock.source_object(&stage.source_object)?.column(column)?.blank;
                Some(with_value.min(blank))
            }
        }
    });
    of_fields.fold(0, u64::saturating_add).min(locked.read)
}
