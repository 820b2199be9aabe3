//! Values of written records that are not those that were written: what others changed since, by the values and by the times.

use migr_journal::Written;
use migr_load::{Destination, Found};
use serde_json::Value;

use crate::rollback::is_changed;
use crate::stamps::Stamps;

/// Keys of the fields of a record that others changed since they were written, sorted. Of fields that a destination spells in its own way the record's times
/// decide; of all others the value alone, since times do not tell of what was changed while a run was under way.
pub(crate) fn held_otherwise(
    destination: &dyn Destination,
    stamps: &Stamps,
    object: &str,
    (written, there): (&Written, &Found),
) -> Vec<String> {
    let is_touched = is_changed(stamps, object, there);
    let sent = destination.as_sent(object, &there.values);
    let is_other = |key: &&str| {
        let is_written = |value: Option<&Value>| {
            let bytes = serde_json::to_vec(value.unwrap_or(&Value::Null)).unwrap_or_default();
            written.is(key, &bytes) == Some(true)
        };
        there.values.contains_key(*key)
            && (is_touched || destination.keeps_as_sent(object, key))
            && !is_written(there.values.get(*key))
            && !is_written(sent.get(*key))
    };
    written.fields().filter(is_other).map(str::to_owned).collect()
}
